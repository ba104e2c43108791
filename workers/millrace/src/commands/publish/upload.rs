//! Uploading several files at a time, in bounded memory, with a progress bar.

use std::sync::Arc;

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use millrace_storage::{ObjectWriter, Storage, Stored};
use tokio::io::AsyncReadExt;

use super::LocalFile;

/// Files that are uploaded at a time.
const UPLOADS: usize = 8;

/// Bytes that are read of a file at a time.
const CHUNK_BYTES: usize = 1024 * 1024;

/// A file that is in the raw bucket.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    pub(crate) key: String,
    pub(crate) stored: Stored,
}

/// Uploads all files; answers in their order.
pub(crate) async fn upload_all(
    storage: Arc<dyn Storage>,
    bucket: &str,
    files: &[LocalFile],
) -> anyhow::Result<Vec<Published>> {
    let bar = progress_bar(files);
    let published = stream::iter(files)
        .map(|file| upload(Arc::clone(&storage), bucket, file, &bar))
        .buffered(UPLOADS)
        .try_collect()
        .await;
    bar.finish_and_clear();
    published
}

/// A bar over all bytes on a terminal, nothing elsewhere.
fn progress_bar(files: &[LocalFile]) -> ProgressBar {
    let total = files.iter().map(|file| file.size).sum();
    let style = "publishing {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    // The template is fixed; should it ever be wrong, the default bar does.
    let style =
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr()).with_style(style)
}

async fn upload(
    storage: Arc<dyn Storage>,
    bucket: &str,
    file: &LocalFile,
    bar: &ProgressBar,
) -> anyhow::Result<Published> {
    let said = || format!("`{}`", file.path.display());
    let mut source = tokio::fs::File::open(&file.path).await.with_context(said)?;
    let mut writer = ObjectWriter::new(storage, bucket, &file.key);
    let mut chunk = vec![0; CHUNK_BYTES.min(usize::try_from(file.size).unwrap_or(CHUNK_BYTES) + 1)];
    loop {
        let length = source.read(&mut chunk).await.with_context(said)?;
        if length == 0 {
            break;
        }
        writer.write(&chunk[..length]).await.with_context(said)?;
        bar.inc(length as u64);
    }
    let stored = writer.finish().await.with_context(said)?;
    Ok(Published { key: file.key.clone(), stored })
}
