//! Workers that freeze and come back when another has their message: at most
//! one of the two commits.

use std::time::Duration;

use millrace_tests::TestDatabase;

use crate::books::{Books, PIPELINE, Published};
use crate::fleet::Fleet;
use crate::stack::{Stack, signal, wait_for};

struct Frozen {
    stack: Stack,
    fleet: Fleet,
    published: Published,
    worker: u32,
}

impl Frozen {
    /// Two workers of each stage, one of which freezes at the point.
    async fn at(books: &Books, point: &str) -> Self {
        let stack = Stack::start_with(PIPELINE, &books.environment());
        let fired = stack.folder().join(point);
        let stop = format!("{point}=stop");
        let folder = stack.folder().to_str().expect("text");
        let environment =
            [("MILLRACE_FAILPOINTS", stop.as_str()), ("MILLRACE_FAILPOINTS_DIR", folder)];
        let fleet = Fleet::start(&stack, 2, &environment);
        let (s3, mut published) = (stack.s3().await, Published::default());
        for _ in 0..3 {
            published.sale(&s3).await;
        }
        published.version(&s3, 1).await;
        let limit = Duration::from_secs(60);
        wait_for("a worker to freeze", limit, || fired.exists().then_some(()));
        let worker = wait_for("the frozen worker", limit, || {
            fleet.ids().into_iter().find(|id| {
                let status = std::fs::read_to_string(format!("/proc/{id}/status"));
                status.is_ok_and(|status| status.contains("State:\tT"))
            })
        });
        Self { stack, fleet, published, worker }
    }

    /// Thaws it, and shows that it works, that nobody made a fuss, and that every
    /// row is there once.
    async fn thaw(mut self, books: &Books) {
        signal(self.worker, "CONT");
        self.published.sale(&self.stack.s3().await).await;
        self.stack.wait_until_drained();
        assert_eq!(self.fleet.deaths(), 0);
        self.fleet.stop();
        self.published.assert_exact(books, &self.stack).await;
        books.assert_unlocked(&self.stack).await;
        let log = self.stack.log_text();
        assert!(!log.contains(" ERROR "), "{log}");
        assert!(log.matches(" WARN ").count() < 8, "{log}");
    }
}

async fn frozen_before_it_begins(books: &Books) {
    let frozen = Frozen::at(books, "load.received").await;
    // The other worker takes over when the visibility timeout ends.
    frozen.stack.wait_until_drained();
    frozen.published.assert_exact(books, &frozen.stack).await;
    frozen.thaw(books).await;
}

#[tokio::test]
async fn a_frozen_worker_finds_its_file_loaded_in_sqlite() {
    frozen_before_it_begins(&Books::Sqlite).await;
}

#[tokio::test]
async fn a_frozen_worker_finds_its_file_loaded_in_postgres() {
    let Some(database) = TestDatabase::create().await else { return };
    frozen_before_it_begins(&Books::Postgres(database.url().to_owned())).await;
}

/// It has asked the lease and is about to commit: the one moment when another
/// worker may be given the message and the first commits all the same.
#[tokio::test]
async fn a_worker_frozen_right_before_its_commit_and_another_load_the_file_once() {
    let Some(database) = TestDatabase::create().await else { return };
    let books = Books::Postgres(database.url().to_owned());
    let frozen = Frozen::at(&books, "load.before_commit").await;
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    let limit = std::time::Instant::now() + Duration::from_secs(60);
    while books.number(&frozen.stack, waiting).await == 0 {
        assert!(
            std::time::Instant::now() < limit,
            "nobody else got the message: {}",
            frozen.stack.log_text()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    frozen.thaw(&books).await;
}
