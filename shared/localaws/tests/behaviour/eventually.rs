//! Waiting for what an endpoint does in its own time.

use std::future::Future;
use std::time::{Duration, Instant};

/// Asks again until the answer is there, for ten seconds.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(mut ask: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "it did not come about in ten seconds");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
