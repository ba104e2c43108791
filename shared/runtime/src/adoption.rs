//! A worker looks after its dead-letter queue, about every minute: what the queue
//! moved there by itself is recorded, what was dealt with leaves.
//!
//! Looking costs two counts. Only if the queue holds more than is on record are its
//! messages received.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{DeadLetterQueue, Limit, TendError};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(60);

/// Messages of one look. Their receipts are held in memory until it ends.
const MOST: u64 = 20_000;

/// Looks after a dead-letter queue until the worker stops. No message waits for it,
/// and no failure of it ends the worker.
pub(crate) async fn look_after(dead_letters: DeadLetterQueue, stopping: CancellationToken) {
    let mut tolerated = 0;
    loop {
        match look(&dead_letters, &mut tolerated, &stopping).await {
            Ok(()) => {}
            Err(error) if error.is_retryable() => {
                tracing::debug!(%error, "the dead-letter queue is looked after a minute later");
            }
            Err(error) => {
                tracing::warn!(%error, "messages that the queue dead-letters are not recorded");
                return;
            }
        }
        if stopping.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
            return;
        }
    }
}

/// One look. `tolerated` is how many messages more than on record there were the
/// last time that nothing could be done about: a message that was sent twice.
async fn look(
    dead_letters: &DeadLetterQueue,
    tolerated: &mut u64,
    stopping: &CancellationToken,
) -> Result<(), TendError> {
    let there = dead_letters.queue.depth().await?.total();
    if there == 0 {
        *tolerated = 0;
        return Ok(());
    }
    let surplus = there.saturating_sub(dead_letters.failures.open(&dead_letters.source).await?);
    *tolerated = surplus.min(*tolerated);
    if surplus <= *tolerated {
        return Ok(());
    }
    let limit = Limit { messages: MOST, ..Limit::NONE };
    let tended = dead_letters.tend(limit, |_| !stopping.is_cancelled()).await?;
    if tended.adopted + tended.removed == 0 {
        *tolerated = surplus;
        return Ok(());
    }
    let queue = dead_letters.queue.name();
    let (adopted, removed) = (tended.adopted, tended.removed);
    tracing::info!(queue, adopted, removed, "looked after the dead-letter queue");
    Ok(())
}
