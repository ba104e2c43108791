//! Chaos: workers and the database are killed again and again while files are
//! published, some of them versions of one key, some twice, some bad. At the end
//! exactly the right rows are there.
//!
//! What is published and who is killed follow from a seed. The test run has a
//! short one on each database; `tests/chaos` has as long a one as is asked for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use millrace_tests::{MySqlServer, TestServer};

use crate::books::{Books, DISORDER, PIPELINE, Published};
use crate::fleet::Fleet;
use crate::stack::{Stack, wait_for};

/// A sequence of numbers that follows from its seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// What is killed beside the workers.
enum Server {
    None,
    Postgres(TestServer),
    MySql(MySqlServer),
}

impl Server {
    fn kill(&mut self) {
        match self {
            Self::None => {}
            Self::Postgres(server) => server.signal("KILL"),
            Self::MySql(server) => server.signal("KILL"),
        }
    }
}

struct Chaos {
    files: u64,
    seed: u64,
    /// How often workers are killed, one at a time.
    kills: u64,
    /// After how many of them the database is killed too.
    every: u64,
}

impl Chaos {
    /// As the environment says, or a short one.
    fn from_environment(kills: u64) -> Self {
        let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
        let files = number("MILLRACE_CHAOS_FILES").unwrap_or(120);
        let kills = kills.max(files / 20);
        Self { files, seed: number("MILLRACE_CHAOS_SEED").unwrap_or(1), kills, every: 8 }
    }

    async fn publish(&self, stack: &Stack) -> Published {
        let (s3, mut dice) = (stack.s3().await, Dice(self.seed));
        let mut published = Published::default();
        let keys = (self.files / 12).max(1);
        for _ in 0..self.files {
            match dice.below(20) {
                0 => published.bad(&s3).await,
                1..=5 => {
                    let key = dice.below(keys);
                    published.version(&s3, i64::try_from(key).expect("a small one")).await;
                }
                6 if published.sales > 0 => {
                    let number = dice.below(published.sales.unsigned_abs());
                    published.again(&s3, i64::try_from(number).expect("a small one")).await;
                }
                _ => published.sale(&s3).await,
            }
        }
        published
    }

    /// Kills until it has done so often enough and all is published.
    fn kill(&self, fleet: &Fleet, server: &mut Server, done: &AtomicBool) {
        let mut dice = Dice(!self.seed);
        let mut killed = 0;
        while killed < self.kills || !done.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(100 + dice.below(400)));
            let worker = usize::try_from(dice.below(fleet.len() as u64)).expect("a small one");
            fleet.kill(worker);
            killed += 1;
            if killed % self.every == 0 {
                server.kill();
            }
        }
    }

    async fn run(&self, books: &Books, mut server: Server) {
        let started = Instant::now();
        let stack = Stack::start_with_all(PIPELINE, DISORDER, &books.environment());
        let fleet = Fleet::start(&stack, 2, &[]);
        let done = AtomicBool::new(false);
        let published = std::thread::scope(|scope| {
            let killer = scope.spawn(|| self.kill(&fleet, &mut server, &done));
            let publishing = scope.spawn(|| {
                let runtime = tokio::runtime::Runtime::new().expect("a runtime");
                runtime.block_on(self.publish(&stack))
            });
            let published = publishing.join().expect("all published");
            done.store(true, Ordering::SeqCst);
            killer.join().expect("the killer lived");
            published
        });
        let limit = Duration::from_secs(120 + self.files / 5);
        wait_for("the queues to drain", limit, || stack.is_drained().then_some(()));
        let (deaths, seconds) = (fleet.deaths(), started.elapsed().as_secs());
        fleet.stop();
        published.assert_exact(books, &stack).await;
        books.assert_unlocked(&stack).await;
        eprintln!(
            "seed {}: {} files ({} sales, {} keys of stock, {} bad), {deaths} deaths, {seconds} s",
            self.seed,
            self.files,
            published.sales,
            published.stock.len(),
            published.bad
        );
    }
}

/// Whether the environment leaves this database out.
fn left_out(name: &str) -> bool {
    std::env::var("MILLRACE_CHAOS_DATABASE").is_ok_and(|only| only != name)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_is_there_once_in_sqlite_whoever_is_killed() {
    if left_out("sqlite") {
        return;
    }
    Chaos::from_environment(12).run(&Books::Sqlite, Server::None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_is_there_once_in_postgres_whoever_is_killed() {
    if left_out("postgres") {
        return;
    }
    let Some(server) = TestServer::start().await else { return };
    let books = Books::Postgres(server.url().to_owned());
    Chaos::from_environment(12).run(&books, Server::Postgres(server)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_is_there_once_in_mysql_whoever_is_killed() {
    if left_out("mysql") {
        return;
    }
    let Some(server) = MySqlServer::start().await else { return };
    let books = Books::MySql(server.url());
    Chaos::from_environment(12).run(&books, Server::MySql(server)).await;
}
