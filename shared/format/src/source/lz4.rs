//! LZ4 frames, one after the other, each of which has to have its end.
//!
//! The decoder takes a source that ends between two blocks for the end of the
//! frame. So the last bytes are remembered: a frame is whole if it ends with an
//! end mark, or one and a checksum.

use std::io::{self, BufRead, ErrorKind, Read};

use lz4_flex::frame::FrameDecoder;

/// Reads the frames of a source.
pub(super) struct Frames<I: BufRead>(FrameDecoder<Remembering<I>>);

impl<I: BufRead> Frames<I> {
    /// The frames of `input`.
    pub(super) fn new(input: I) -> Self {
        Self(FrameDecoder::new(Remembering { input, last: [0; 8] }))
    }
}

impl<I: BufRead> Read for Frames<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // It stops at the end of each frame.
            let read = self.0.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let Remembering { input, last } = self.0.get_mut();
            if input.fill_buf()?.is_empty() {
                let is_whole = last[4..] == [0; 4] || last[..4] == [0; 4];
                return if is_whole { Ok(0) } else { Err(ErrorKind::UnexpectedEof.into()) };
            }
        }
    }
}

/// A reader that remembers the last bytes it gave.
struct Remembering<I> {
    input: I,
    last: [u8; 8],
}

impl<I: Read> Read for Remembering<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        let new = &buffer[read.saturating_sub(self.last.len())..read];
        self.last.rotate_left(new.len());
        let kept = self.last.len() - new.len();
        self.last[kept..].copy_from_slice(new);
        Ok(read)
    }
}
