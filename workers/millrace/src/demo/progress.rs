//! The demo's progress: how many of the files have come how far.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use millrace_ledger::{FileState, Ledger};
use tokio::time::sleep;

use crate::dev::Stack;

/// How often the ledger is asked.
const REFRESH: Duration = Duration::from_millis(150);

/// Shows a bar until every queue is drained.
pub(super) async fn follow(stack: &Stack, ledger: &Ledger, files: u64) -> anyhow::Result<()> {
    let style = "  {bar:30} {pos}/{len} files {msg}";
    // The template is fixed; should it ever be wrong, the default bar does.
    let style =
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(files).with_style(style);
    let mut idle = std::pin::pin!(stack.idle());
    loop {
        show(&bar, ledger).await?;
        tokio::select! {
            idle = &mut idle => {
                idle?;
                break;
            }
            () = sleep(REFRESH) => {}
        }
    }
    bar.finish_and_clear();
    Ok(())
}

async fn show(bar: &ProgressBar, ledger: &Ledger) -> anyhow::Result<()> {
    let counts = ledger.state_counts().await?;
    let files = |state: FileState| -> u64 {
        counts.iter().filter(|count| count.state == state).map(|count| count.files).sum()
    };
    let (loaded, failed) = (files(FileState::Loaded), files(FileState::Failed));
    bar.set_position(counts.iter().filter(|count| count.state.is_final()).map(|c| c.files).sum());
    bar.set_message(format!(
        "{} registered, {} transformed, {loaded} loaded, {failed} dead-lettered",
        files(FileState::Registered),
        files(FileState::Transformed),
    ));
    Ok(())
}
