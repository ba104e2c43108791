//! Decompressors, each behind the same `Read`. Another compression goes here and
//! in [`Compression`].

use std::io::{self, Read};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;

use super::input::Input;
use super::lz4::Frames;
use super::magic::Compression;
use super::zip::Members;

/// Memory that an xz stream may ask for, in KiB: what its highest level needs,
/// with room.
const XZ_MEMORY: u32 = 128 << 10;

/// A source's bytes, decompressed.
pub(super) enum Stream<R: Read> {
    Plain(Input<R>),
    Gzip(Box<MultiGzDecoder<Input<R>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, Input<R>>>),
    Bzip2(Box<MultiBzDecoder<Input<R>>>),
    Xz(Box<XzReader<Input<R>>>),
    Lz4(Box<Frames<Input<R>>>),
    Snappy(Box<snap::read::FrameDecoder<Input<R>>>),
    Zip(Box<Members<Input<R>>>),
}

impl<R: Read> Stream<R> {
    /// Opens a source that is compressed in this way.
    pub(super) fn open(input: Input<R>, compression: Compression) -> io::Result<Self> {
        Ok(match compression {
            Compression::None => Self::Plain(input),
            Compression::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(input))),
            Compression::Zstd => {
                Self::Zstd(Box::new(zstd::stream::read::Decoder::with_buffer(input)?))
            }
            Compression::Bzip2 => Self::Bzip2(Box::new(MultiBzDecoder::new(input))),
            Compression::Xz => Self::Xz(Box::new(XzReader::new_mem_limit(input, true, XZ_MEMORY))),
            Compression::Lz4 => Self::Lz4(Box::new(Frames::new(input))),
            Compression::Snappy => Self::Snappy(Box::new(snap::read::FrameDecoder::new(input))),
            Compression::Zip => Self::Zip(Box::new(Members::new(input))),
        })
    }

    /// The name of the archive's member that is being read.
    pub(super) fn member(&self) -> Option<&str> {
        match self {
            Self::Zip(zip) => Some(zip.name()),
            Self::Plain(_)
            | Self::Gzip(_)
            | Self::Zstd(_)
            | Self::Bzip2(_)
            | Self::Xz(_)
            | Self::Lz4(_)
            | Self::Snappy(_) => None,
        }
    }

    /// Goes to the next member of an archive. False if there is none.
    pub(super) fn next_member(&mut self) -> io::Result<bool> {
        match self {
            Self::Zip(zip) => zip.next_member(),
            Self::Plain(_)
            | Self::Gzip(_)
            | Self::Zstd(_)
            | Self::Bzip2(_)
            | Self::Xz(_)
            | Self::Lz4(_)
            | Self::Snappy(_) => Ok(false),
        }
    }
}

impl<R: Read> Read for Stream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(plain) => plain.read(buffer),
            Self::Gzip(gzip) => gzip.read(buffer),
            Self::Zstd(zstd) => zstd.read(buffer),
            Self::Bzip2(bzip2) => bzip2.read(buffer),
            Self::Xz(xz) => xz.read(buffer),
            Self::Lz4(lz4) => lz4.read(buffer),
            Self::Snappy(snappy) => snappy.read(buffer),
            Self::Zip(zip) => zip.read(buffer),
        }
    }
}
