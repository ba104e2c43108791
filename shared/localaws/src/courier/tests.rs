//! How deliveries end, with a carrier that fails as it is told and a clock
//! that is moved by hand.

use std::sync::Mutex;
use std::time::{Instant, UNIX_EPOCH};

use tempfile::TempDir;

use super::*;

/// Fails so many times, for good or for a while, and notes what it is asked.
#[derive(Default)]
struct Failing {
    failures: Mutex<Vec<Failure>>,
    carried: Mutex<Vec<(String, u32)>>,
    ended: Mutex<Vec<End>>,
}

#[async_trait]
impl Carrier for Arc<Failing> {
    type Load = String;

    async fn carry(&self, load: &String, attempt: u32) -> Result<(), Failure> {
        if load == "hangs" {
            std::future::pending::<()>().await;
        }
        self.carried.lock().unwrap().push((load.clone(), attempt));
        self.failures.lock().unwrap().pop().map_or(Ok(()), Err)
    }

    fn pause(&self, _: &String, attempts: u32) -> Millis {
        Millis::from(attempts) * 1000
    }

    async fn give_up(&self, _: &String, end: &End) -> Result<(), Failure> {
        self.ended.lock().unwrap().push(end.clone());
        Ok(())
    }
}

struct Check {
    dir: TempDir,
    clock: Clock,
    background: Background,
    carrier: Arc<Failing>,
    courier: Arc<Courier<Arc<Failing>>>,
}

impl Check {
    fn new(failures: Vec<Failure>) -> Self {
        let carrier = Arc::new(Failing { failures: Mutex::new(failures), ..Failing::default() });
        Self::over(TempDir::new().unwrap(), carrier)
    }

    fn over(dir: TempDir, carrier: Arc<Failing>) -> Self {
        let clock = Clock::stopped(UNIX_EPOCH);
        let background = Background::default();
        let file = dir.path().join("outbox.log");
        let courier =
            Courier::open(&file, Arc::clone(&carrier), clock.clone(), &background).unwrap();
        Self { dir, clock, background, carrier, courier }
    }

    async fn send(&self, retries: u32, age: Millis) {
        self.courier.send("x".to_owned(), Patience { retries, age }).await.unwrap();
    }

    async fn attempts(&self, expected: usize) {
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.carrier.carried.lock().unwrap().len() < expected || self.is_due() {
            assert!(Instant::now() < deadline, "{expected} attempts were not made");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(self.carrier.carried.lock().unwrap().len(), expected);
    }

    fn is_due(&self) -> bool {
        let now = self.clock.now();
        self.courier.outbox.look(|open| open.values().any(|shipment| shipment.next_at <= now))
    }

    fn is_empty(&self) -> bool {
        self.courier.outbox.look(|open| open.is_empty())
    }

    fn end(&self) -> Option<(u32, Option<Exhausted>)> {
        let ended = self.carrier.ended.lock().unwrap();
        ended.first().map(|end| (end.retries, end.exhausted))
    }
}

fn passing() -> Failure {
    Failure::passing("BUSY", "busy")
}

#[tokio::test]
async fn what_may_pass_is_tried_again_after_a_pause() {
    let check = Check::new(vec![passing(), passing()]);
    check.send(5, 60_000).await;
    check.attempts(1).await;
    check.clock.advance(Duration::from_secs(1));
    check.attempts(2).await;
    check.clock.advance(Duration::from_secs(2));
    check.attempts(3).await;
    assert!(check.is_empty());
    assert_eq!(check.end(), None);
}

#[tokio::test]
async fn what_runs_out_is_given_up() {
    let check = Check::new(vec![passing(); 9]);
    check.send(1, 60_000).await;
    check.clock.advance(Duration::from_secs(1));
    check.attempts(2).await;
    assert_eq!(check.end(), Some((1, Some(Exhausted::Retries))));
    let check = Check::new(vec![passing(); 9]);
    check.send(9, 2_000).await;
    check.clock.advance(Duration::from_secs(1));
    check.attempts(2).await;
    assert_eq!(check.end(), Some((1, Some(Exhausted::Age))));
}

#[tokio::test]
async fn what_can_not_succeed_is_given_up_at_once() {
    let check = Check::new(vec![Failure::permanent("NONE", "no such queue")]);
    check.send(5, 60_000).await;
    assert_eq!(check.end(), Some((0, None)));
    assert!(check.is_empty());
}

#[tokio::test]
async fn what_is_left_is_taken_up_by_the_next_process() {
    let check = Check::new(vec![passing()]);
    check.send(5, 60_000).await;
    let Check { dir, background, carrier, courier, .. } = check;
    background.stop();
    background.ended().await;
    drop(courier);
    let check = Check::over(dir, carrier);
    check.clock.advance(Duration::from_secs(1));
    check.attempts(2).await;
    assert_eq!(check.carrier.carried.lock().unwrap()[1], ("x".to_owned(), 2));
}

#[tokio::test]
async fn one_that_takes_long_keeps_no_other_waiting() {
    let check = Check::new(Vec::new());
    let patience = Patience { retries: 0, age: 1000 };
    check.courier.post("hangs".to_owned(), patience).unwrap();
    check.courier.post("goes".to_owned(), patience).unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    while check.courier.outbox.look(|open| open.len()) > 1 {
        assert!(Instant::now() < deadline, "the other one was not delivered");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let left = check.courier.outbox.look(|open| open.values().next().unwrap().load.clone());
    assert_eq!(left, "hangs");
}
