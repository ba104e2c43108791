//! A journal read back is the queue it was written by.

use std::sync::Arc;

use tempfile::TempDir;
use uuid::Uuid;

use super::super::message::{Content, State};
use super::super::recent::Original;
use super::*;

/// An index and its journal, written to as a queue does.
struct Held {
    index: Index,
    journal: Journal,
    recent: Recent,
}

impl Held {
    fn open(dir: &TempDir) -> Self {
        let (journal, messages, recent) = Journal::open(dir.path()).unwrap();
        Self { index: Index::new(messages, false), journal, recent }
    }

    fn add(&mut self, body: &str) -> Seq {
        let content = Content {
            id: Uuid::nil(),
            body: Arc::from(body),
            body_md5: [0; 16],
            sent_at: 1,
            extras: None,
        };
        let mut messages = [Message::new(content, State::Ready)];
        let seq = self.journal.next_seq();
        self.journal.write_messages(&mut messages).unwrap();
        let [message] = messages;
        self.index.insert(seq, message);
        self.journal.clean(&mut self.index, &mut self.recent);
        seq
    }

    fn delete(&mut self, seq: Seq) {
        let mut batch = Batch::default();
        batch.delete(&[seq]);
        self.journal.write(&batch).unwrap();
        let message = self.index.remove(seq).unwrap();
        self.journal.forget(&message);
        self.journal.clean(&mut self.index, &mut self.recent);
    }

    fn receive(&mut self, seq: Seq) {
        let mut batch = Batch::default();
        batch.receive(2, 3, &[seq]);
        self.journal.write(&batch).unwrap();
        self.index.receive(seq, 2, 3);
    }

    fn seqs(&self) -> Vec<Seq> {
        self.index.iter().map(|(seq, _)| seq).collect()
    }

    fn messages(&self) -> Vec<(Seq, Message)> {
        self.index.iter().map(|(seq, message)| (seq, message.clone())).collect()
    }
}

fn bytes_in(dir: &TempDir) -> u64 {
    let files = fs::read_dir(dir.path()).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn a_drained_queue_takes_no_room() {
    let dir = TempDir::new().unwrap();
    let mut held = Held::open(&dir);
    let body = "x".repeat(100_000);
    for _ in 0..300 {
        let seq = held.add(&body);
        held.delete(seq);
    }
    assert!(bytes_in(&dir) < 2 * SEGMENT_BYTES, "{} bytes", bytes_in(&dir));
}

#[test]
fn messages_that_stay_do_not_keep_the_garbage_around_them() {
    let dir = TempDir::new().unwrap();
    let mut held = Held::open(&dir);
    let body = "x".repeat(100_000);
    let kept: Vec<Seq> = (0..10)
        .map(|_| {
            let kept = held.add(&body);
            held.receive(kept);
            for _ in 0..50 {
                let seq = held.add(&body);
                held.delete(seq);
            }
            kept
        })
        .collect();
    let live = 10 * 100_000;
    assert!(bytes_in(&dir) < 2 * live + 4 * SEGMENT_BYTES, "{} bytes", bytes_in(&dir));
    let before = held.messages();
    let held = Held::open(&dir);
    assert_eq!(held.seqs(), kept);
    assert_eq!(held.messages(), before, "copied forward with everything known of it");
}

#[test]
fn a_sequence_number_is_never_used_twice() {
    let dir = TempDir::new().unwrap();
    let mut held = Held::open(&dir);
    let body = "x".repeat(1_000_000);
    let mut last = 0;
    for _ in 0..20 {
        last = held.add(&body);
        held.delete(last);
    }
    held.journal.clear(&mut held.recent).unwrap();
    let mut held = Held::open(&dir);
    assert!(held.add("new") > last);
}

#[test]
fn a_cleared_journal_is_empty() {
    let dir = TempDir::new().unwrap();
    let mut held = Held::open(&dir);
    held.add("a");
    held.journal.clear(&mut held.recent).unwrap();
    assert!(Held::open(&dir).seqs().is_empty());
}

#[test]
fn a_segment_without_a_whole_header_is_as_none() {
    let dir = TempDir::new().unwrap();
    let mut held = Held::open(&dir);
    let seq = held.add("a");
    drop(held);
    fs::write(dir.path().join("0000000002.log"), b"MRQ").unwrap();
    let mut held = Held::open(&dir);
    assert_eq!(held.seqs(), [seq]);
    assert!(held.add("b") > seq);
}

#[test]
fn originals_outlive_the_segments_they_were_in_and_no_more_than_that() {
    let dir = TempDir::new().unwrap();
    let mut held = Held::open(&dir);
    for number in 0..20_000_u64 {
        let key = number.to_le_bytes().repeat(2).try_into().unwrap();
        let original = Original {
            id: Uuid::nil(),
            seq: number,
            sent_at: number,
            segment: held.journal.newest.id,
        };
        let mut batch = Batch::default();
        batch.original(&key, &original);
        held.journal.write(&batch).unwrap();
        held.recent.insert(key, original);
        if number % 100 == 0 {
            let seq = held.add(&"x".repeat(100_000));
            held.delete(seq);
        }
    }
    assert_eq!(held.recent.len(), 20_000);
    assert!(bytes_in(&dir) < 3 * SEGMENT_BYTES, "{} bytes", bytes_in(&dir));
    held.journal.clear(&mut held.recent).unwrap();
    let held = Held::open(&dir);
    assert_eq!(held.recent.len(), 20_000);
    assert!(bytes_in(&dir) < 2 * SEGMENT_BYTES, "{} bytes", bytes_in(&dir));
}
