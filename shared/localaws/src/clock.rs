//! What time it is for every service here, and how to wait for a time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch.
pub(crate) type Millis = u64;

/// The one source of time. Services never ask the system themselves, so that
/// time can be driven from one place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock;

impl Clock {
    /// Now.
    pub(crate) fn now(&self) -> Millis {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        since_epoch.as_millis() as Millis
    }

    /// Waits until it is `at` or later.
    pub(crate) async fn wait_until(&self, at: Millis) {
        loop {
            let now = self.now();
            if now >= at {
                return;
            }
            tokio::time::sleep(Duration::from_millis(at - now)).await;
        }
    }
}
