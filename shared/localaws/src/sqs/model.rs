//! Holds a queue against a model of it that is too simple to be wrong, over
//! random histories in which the endpoint is restarted again and again.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tempfile::TempDir;

use super::description::Description;
use super::message::{Extras, Message, State};
use super::messages::Refusal;
use super::ops::content;
use super::queue::Queue;
use super::receipt::Receipt;
use super::settings::Settings;
use super::take::Ask;
use crate::clock::Millis;

const RETENTION: Millis = 10_000_000;

#[derive(Debug, Clone)]
enum Step {
    Send { delay: Millis },
    Receive { max: usize, hold: Millis },
    Delete { receipt: usize },
    Hold { receipt: usize, timeout: Millis },
    Wait { time: Millis },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop_oneof![Just(0), 1..50u64].prop_map(|delay| Step::Send { delay }),
        4 => (1..=10usize, 0..50u64).prop_map(|(max, hold)| Step::Receive { max, hold }),
        2 => (0..20usize).prop_map(|receipt| Step::Delete { receipt }),
        2 => (0..20usize, prop_oneof![Just(0), 1..50u64])
            .prop_map(|(receipt, timeout)| Step::Hold { receipt, timeout }),
        2 => (1..40u64).prop_map(|time| Step::Wait { time }),
        1 => Just(Step::Restart),
    ]
}

/// What is known of a message: when it is ready and how often it was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Expected {
    ready_at: Millis,
    in_flight: bool,
    receive_count: u32,
}

struct Check {
    dir: TempDir,
    queue: Queue,
    now: Millis,
    sent: u64,
    /// By body.
    expected: BTreeMap<String, Expected>,
    /// Every receipt there was, with its message's body.
    receipts: Vec<(Receipt, String)>,
}

fn open(dir: &TempDir) -> Queue {
    let description = Description {
        name: "q".into(),
        number: 1,
        created_at: 0,
        modified_at: 0,
        settings: Settings::default(),
        tags: BTreeMap::new(),
        redrive: None,
    };
    Queue::open(dir.path().to_owned(), "arn".into(), description).unwrap()
}

impl Check {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let queue = open(&dir);
        let (expected, receipts) = (BTreeMap::new(), Vec::new());
        Self { dir, queue, now: 1_000, sent: 0, expected, receipts }
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Send { delay } => self.send(delay),
            Step::Receive { max, hold } => self.receive(max, hold),
            Step::Delete { receipt } => self.delete(receipt),
            Step::Hold { receipt, timeout } => self.hold(receipt, timeout),
            Step::Wait { time } => self.now += time,
            Step::Restart => self.queue = open(&self.dir),
        }
    }

    fn send(&mut self, delay: Millis) {
        let body = self.sent.to_string();
        self.sent += 1;
        let ready_at = self.now + delay;
        let state = if delay == 0 { State::Ready } else { State::Delayed(ready_at) };
        let content = content(body.as_str().into(), Extras::default(), self.now);
        self.queue.send(vec![Message::new(content, state)], self.now).unwrap();
        self.expected.insert(body, Expected { ready_at, in_flight: false, receive_count: 0 });
    }

    fn receive(&mut self, max: usize, hold: Millis) {
        let now = self.now;
        let retention = RETENTION;
        let ask = Ask { now, max, hold, retention, max_receive_count: None, attempt: None };
        let ready = self.expected.values().filter(|expected| expected.ready_at <= now).count();
        let received = self.queue.take(ask).unwrap().received;
        assert_eq!(received.len(), ready.min(max), "neither too many nor too few");
        for (receipt, message) in received {
            let body = message.content.body.to_string();
            let expected = self.expected.get_mut(&body).expect("neither deleted nor made up");
            assert!(expected.ready_at <= now, "{body} was hidden");
            expected.receive_count += 1;
            expected.ready_at = now + hold;
            expected.in_flight = true;
            assert_eq!(receipt.receive_count, expected.receive_count);
            self.receipts.push((receipt, body));
        }
    }

    fn delete(&mut self, index: usize) {
        let Some((receipt, body)) = self.nth_receipt(index) else { return };
        self.queue.delete(&[receipt], self.now).unwrap();
        let is_latest = |expected: &Expected| expected.receive_count == receipt.receive_count;
        if self.expected.get(&body).is_some_and(is_latest) {
            self.expected.remove(&body);
        }
    }

    fn hold(&mut self, index: usize, timeout: Millis) {
        let Some((receipt, body)) = self.nth_receipt(index) else { return };
        let now = self.now;
        let answer = self.queue.change_visibility(now, &[(receipt, timeout)]).unwrap()[0];
        let expected = match self.expected.get_mut(&body) {
            None => return assert_eq!(answer, Err(Refusal::Deleted)),
            Some(expected) => expected,
        };
        let held = expected.in_flight
            && expected.ready_at > now
            && expected.receive_count == receipt.receive_count;
        assert_eq!(answer, if held { Ok(()) } else { Err(Refusal::NotInFlight) });
        if held {
            expected.ready_at = now + timeout;
            expected.in_flight = timeout > 0;
        }
    }

    /// One of the latest receipts.
    fn nth_receipt(&self, index: usize) -> Option<(Receipt, String)> {
        let count = self.receipts.len();
        self.receipts.get(count.checked_sub(1 + index)?).cloned()
    }

    fn check_counts(&self) {
        let counts = self.queue.counts(self.now).unwrap();
        let ready = self.expected.values().filter(|expected| expected.ready_at <= self.now);
        assert_eq!(counts.ready, ready.count());
        let all = counts.ready + counts.delayed + counts.in_flight;
        assert_eq!(all, self.expected.len());
    }
}

proptest! {
    #[test]
    fn a_queue_does_what_its_model_does(steps in prop::collection::vec(step(), 1..80)) {
        let mut check = Check::new();
        for step in &steps {
            check.run(step);
            check.check_counts();
        }
    }
}
