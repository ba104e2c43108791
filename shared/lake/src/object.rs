//! One Parquet object of the lake as the Parquet reader wants it: ranges,
//! fetched in as few requests as their distances allow.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use millrace_storage::{ObjectRef, Storage, StorageError};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

/// Objects up to this size are read whole with one request.
const WHOLE_BYTES: u64 = 1024 * 1024;

/// How much of the end is read for the footer of a larger object.
const TAIL_BYTES: u64 = 64 * 1024;

/// Ranges closer than this are fetched together.
const GAP_BYTES: u64 = 256 * 1024;

/// Reads ranges of one lake object, for the Parquet reader. What storage says comes
/// wrapped in [`ParquetError::External`].
pub struct LakeFile {
    storage: Arc<dyn Storage>,
    object: ObjectRef,
    size: u64,
    /// The end of the object, kept since the first read.
    tail: Option<Bytes>,
}

impl LakeFile {
    /// An object of `size` bytes; nothing is read yet.
    pub fn new(storage: Arc<dyn Storage>, object: ObjectRef, size: u64) -> Self {
        Self { storage, object, size, tail: None }
    }

    async fn fetch(&self, range: Range<u64>) -> Result<Bytes> {
        let length = range.end - range.start;
        let download = self.storage.get(&self.object, range.start, Some(length)).await;
        let mut body = download.map_err(wrap)?.body;
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk.map_err(wrap)?);
        }
        match bytes.len() as u64 == length {
            true => Ok(bytes.into()),
            false => Err(wrap(StorageError::Failed {
                url: self.object.url(),
                detail: format!("{} bytes came instead of {length}", bytes.len()),
            })),
        }
    }

    async fn tail(&mut self) -> Result<Bytes> {
        if let Some(tail) = &self.tail {
            return Ok(tail.clone());
        }
        let length = if self.size <= WHOLE_BYTES { self.size } else { TAIL_BYTES };
        let tail = self.fetch(self.size - length..self.size).await?;
        self.tail = Some(tail.clone());
        Ok(tail)
    }

    /// The range out of the kept tail, if it lies there.
    fn kept(&self, range: &Range<u64>) -> Option<Bytes> {
        let tail = self.tail.as_ref()?;
        let start = range.start.checked_sub(self.size - tail.len() as u64)?;
        let start = usize::try_from(start).ok()?;
        let length = usize::try_from(range.end - range.start).ok()?;
        Some(tail.slice(start..start + length))
    }
}

impl AsyncFileReader for LakeFile {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        async move {
            match self.kept(&range) {
                Some(bytes) => Ok(bytes),
                None => self.fetch(range).await,
            }
        }
        .boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move {
            let mut found = vec![Bytes::new(); ranges.len()];
            for group in together(&ranges) {
                let whole = self.get_bytes(group.span.clone()).await?;
                for index in group.members {
                    let range = &ranges[index];
                    let start = usize::try_from(range.start - group.span.start)?;
                    let length = usize::try_from(range.end - range.start)?;
                    found[index] = whole.slice(start..start + length);
                }
            }
            Ok(found)
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move {
            let mut reader = ParquetMetaDataReader::new();
            let tail = self.tail().await?;
            match reader.try_parse_sized(&tail, self.size) {
                Ok(()) => {}
                Err(ParquetError::NeedMoreData(needed)) => {
                    let needed = (needed as u64).min(self.size);
                    let tail = self.fetch(self.size - needed..self.size).await?;
                    reader.try_parse_sized(&tail, self.size)?;
                    self.tail = Some(tail);
                }
                Err(error) => return Err(error),
            }
            reader.finish().map(Arc::new)
        }
        .boxed()
    }
}

/// Ranges that are fetched with one request.
struct Group {
    span: Range<u64>,
    members: Vec<usize>,
}

fn together(ranges: &[Range<u64>]) -> Vec<Group> {
    let mut order: Vec<usize> = (0..ranges.len()).collect();
    order.sort_by_key(|&index| ranges[index].start);
    let mut groups: Vec<Group> = Vec::new();
    for index in order {
        let range = &ranges[index];
        match groups.last_mut() {
            Some(group) if range.start <= group.span.end + GAP_BYTES => {
                group.span.end = group.span.end.max(range.end);
                group.members.push(index);
            }
            _ => groups.push(Group { span: range.clone(), members: vec![index] }),
        }
    }
    groups
}

fn wrap(error: StorageError) -> ParquetError {
    ParquetError::External(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_ranges_are_fetched_together_and_far_ones_apart() {
        let far = 10 * GAP_BYTES;
        let groups = together(&[far..far + 5, 0..10, 12..20]);
        let spans: Vec<_> = groups.iter().map(|group| group.span.clone()).collect();
        assert_eq!(spans, [0..20, far..far + 5]);
        assert_eq!(groups[0].members, [1, 2]);
    }
}
