//! Holds a FIFO queue against a model of it that is too simple to be wrong,
//! over random histories in which the endpoint is restarted again and again.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tempfile::TempDir;

use super::description::Description;
use super::message::{Deduplication, Extras, Message, Scope, Seq, State};
use super::ops::content;
use super::queue::{Expired, Queue};
use super::receipt::Receipt;
use super::recent::WINDOW;
use super::settings::Settings;
use super::take::Ask;
use crate::clock::Millis;

const RETENTION: Millis = 1_000_000_000;

#[derive(Debug, Clone)]
enum Step {
    Send { group: u8, id: u8 },
    Receive { max: usize, hold: Millis },
    Delete { receipt: usize },
    Hold { receipt: usize, timeout: Millis },
    Wait { time: Millis },
    Purge,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..4u8, 0..30u8).prop_map(|(group, id)| Step::Send { group, id }),
        6 => (1..=10usize, 0..50u64).prop_map(|(max, hold)| Step::Receive { max, hold }),
        4 => (0..20usize).prop_map(|receipt| Step::Delete { receipt }),
        3 => (0..20usize, prop_oneof![Just(0), 1..50u64])
            .prop_map(|(receipt, timeout)| Step::Hold { receipt, timeout }),
        3 => prop_oneof![1..40u64, Just(WINDOW / 2)].prop_map(|time| Step::Wait { time }),
        1 => Just(Step::Purge),
        1 => Just(Step::Restart),
    ]
}

/// What is known of a message that was not deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Expected {
    group: u8,
    hidden_until: Millis,
    receive_count: u32,
}

struct Check {
    dir: TempDir,
    queue: Queue,
    now: Millis,
    expected: BTreeMap<Seq, Expected>,
    /// When each deduplication id was sent, and as what.
    sent: BTreeMap<u8, (Millis, Seq)>,
    receipts: Vec<Receipt>,
}

fn open(dir: &TempDir) -> Queue {
    let description = Description {
        name: "q.fifo".into(),
        number: 1,
        created_at: 0,
        modified_at: 0,
        settings: Settings { fifo: true, ..Settings::default() },
        tags: BTreeMap::new(),
        redrive: None,
    };
    Queue::open(dir.path().to_owned(), "arn".into(), description).unwrap()
}

impl Check {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let queue = open(&dir);
        let (expected, sent) = (BTreeMap::new(), BTreeMap::new());
        Self { dir, queue, now: 1_000, expected, sent, receipts: Vec::new() }
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Send { group, id } => self.send(group, id),
            Step::Receive { max, hold } => self.receive(max, hold),
            Step::Delete { receipt } => self.delete(receipt),
            Step::Hold { receipt, timeout } => self.hold(receipt, timeout),
            Step::Wait { time } => self.now += time,
            Step::Purge => {
                if self.queue.purge(self.now).is_ok() {
                    self.expected.clear();
                }
            }
            Step::Restart => self.queue = open(&self.dir),
        }
    }

    fn send(&mut self, group: u8, id: u8) {
        let given = Some(id.to_string().into());
        let extras = Extras {
            group: Some(group.to_string().into()),
            deduplication: Some(Deduplication { given, scope: Scope::Queue }),
            ..Extras::default()
        };
        let message = Message::new(content("x".into(), extras, self.now), State::Ready);
        let accepted = self.queue.send(vec![message], self.now).unwrap()[0];
        match self.sent.get(&id) {
            Some(&(at, seq)) if self.now < at + WINDOW => {
                assert_eq!(accepted.seq, seq, "a duplicate of its original");
            }
            Some(_) | None => {
                self.sent.insert(id, (self.now, accepted.seq));
                let new = Expected { group, hidden_until: 0, receive_count: 0 };
                assert_eq!(self.expected.insert(accepted.seq, new), None);
            }
        }
    }

    /// What can be received: the groups nothing of which is hidden, one after
    /// the other.
    fn receivable(&self) -> Vec<Seq> {
        let mut groups: BTreeMap<u8, Vec<Seq>> = BTreeMap::new();
        for (&seq, expected) in &self.expected {
            groups.entry(expected.group).or_default().push(seq);
        }
        let is_open =
            |group: &Vec<Seq>| group.iter().all(|seq| self.expected[seq].hidden_until <= self.now);
        let mut open: Vec<_> = groups.into_values().filter(is_open).collect();
        open.sort();
        open.concat()
    }

    fn receive(&mut self, max: usize, hold: Millis) {
        let (now, retention) = (self.now, RETENTION);
        let mut expected = self.receivable();
        expected.truncate(max);
        let ask = Ask { now, max, hold, retention, max_receive_count: None, attempt: None };
        let taken = self.queue.take(ask).unwrap().received;
        let seqs: Vec<Seq> = taken.iter().map(|(receipt, _)| receipt.seq).collect();
        assert_eq!(seqs, expected);
        for (receipt, _) in taken {
            let expected = self.expected.get_mut(&receipt.seq).unwrap();
            expected.hidden_until = now + hold;
            expected.receive_count += 1;
            assert_eq!(receipt.receive_count, expected.receive_count);
            self.receipts.push(receipt);
        }
    }

    fn delete(&mut self, index: usize) {
        let Some(receipt) = self.nth_receipt(index) else { return };
        let answer = self.queue.delete(&[receipt], self.now).unwrap()[0];
        let held = self.is_held(receipt);
        assert_eq!(answer, if held == Some(false) { Err(Expired) } else { Ok(()) });
        if held == Some(true) {
            self.expected.remove(&receipt.seq);
        }
    }

    fn hold(&mut self, index: usize, timeout: Millis) {
        let Some(receipt) = self.nth_receipt(index) else { return };
        let held = self.is_held(receipt) == Some(true);
        let answer = self.queue.change_visibility(self.now, &[(receipt, timeout)]).unwrap()[0];
        assert_eq!(answer.is_ok(), held);
        if held {
            self.expected.get_mut(&receipt.seq).unwrap().hidden_until = self.now + timeout;
        }
    }

    /// Whether the receipt still holds its message; none if that is deleted.
    fn is_held(&self, receipt: Receipt) -> Option<bool> {
        let expected = self.expected.get(&receipt.seq)?;
        let is_latest = expected.receive_count == receipt.receive_count;
        Some(is_latest && expected.hidden_until > self.now)
    }

    /// One of the latest receipts.
    fn nth_receipt(&self, index: usize) -> Option<Receipt> {
        self.receipts.get(self.receipts.len().checked_sub(1 + index)?).copied()
    }
}

proptest! {
    #[test]
    fn a_fifo_queue_does_what_its_model_does(steps in prop::collection::vec(step(), 1..80)) {
        let mut check = Check::new();
        for step in &steps {
            check.run(step);
        }
        let counts = check.queue.counts(check.now).unwrap();
        prop_assert_eq!(counts.ready + counts.in_flight, check.expected.len());
    }
}
