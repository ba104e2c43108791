//! When batches are full.

use std::time::Duration;

use millrace_contract::{BatchLimits, StreamCompression, StreamFormat};
use tokio::sync::oneshot;

use super::*;
use crate::Hold;
use crate::entry::Message;

struct Always;

impl Hold for Always {
    fn is_held(&self) -> bool {
        true
    }
}

fn group(field: &str) -> Group {
    let stream = Stream {
        name: "s".into(),
        bucket: "raw".into(),
        staging: "lake".into(),
        key: Vec::new(),
        format: StreamFormat::Ndjson,
        compression: StreamCompression::None,
        batch: BatchLimits { count: 3, bytes: 100, age: Duration::from_secs(1) },
        dedupe: None,
        envelope: false,
        remember: Duration::from_secs(1),
    };
    Group { stream: Arc::new(stream), fields: vec![field.into()] }
}

/// A message of so many bytes.
fn entry(size: usize) -> Entry {
    let message = Message { names: Vec::new(), body: "x".repeat(size - 1), facts: None };
    let (answer, _) = oneshot::channel();
    Entry { message: Arc::new(message), hold: Arc::new(Always), is_again: false, answer }
}

fn sizes(full: &[Full]) -> Vec<Vec<usize>> {
    let of = |full: &Full| full.entries.iter().map(|entry| entry.message.size()).collect();
    full.iter().map(of).collect()
}

#[test]
fn a_batch_is_full_by_count_or_bytes() {
    let mut groups = Groups::new(1000, 10_000);
    let mut add = |size| sizes(&groups.add(&group("a"), entry(size)).full);
    assert!(add(10).is_empty() && add(11).is_empty());
    assert_eq!(add(12), [[10, 11, 12]], "by count");
    assert!(add(60).is_empty());
    assert_eq!(add(60), [[60]], "the next does not fit");
    assert_eq!(add(40), [[60, 40]], "by bytes");
    assert_eq!(add(100), [[100]], "one that fills it alone");
}

#[test]
fn groups_have_batches_of_their_own_and_an_age_each() {
    let mut groups = Groups::new(1000, 10_000);
    let first = groups.add(&group("a"), entry(1)).opened.unwrap();
    let other = groups.add(&group("b"), entry(2)).opened.unwrap();
    assert_eq!(groups.add(&group("a"), entry(3)).opened, None);
    assert_eq!(sizes(&Vec::from_iter(groups.close_if(&group("a"), first))), [[1, 3]]);
    groups.add(&group("a"), entry(4));
    assert!(groups.close_if(&group("a"), first).is_none(), "this one is younger");
    assert!(groups.close_if(&group("b"), other).is_some());
}

#[test]
fn without_room_for_more_the_largest_batch_waits_for_none() {
    let mut groups = Groups::new(3, 10_000);
    for (name, size) in [("a", 10), ("b", 30), ("c", 20)] {
        assert!(groups.add(&group(name), entry(size)).full.is_empty());
    }
    assert_eq!(sizes(&groups.add(&group("d"), entry(5)).full), [[30]]);
    let mut groups = Groups::new(1000, 120);
    groups.add(&group("a"), entry(70));
    let added = groups.add(&group("b"), entry(80));
    assert_eq!(sizes(&added.full), [[80]]);
    assert_eq!(added.opened, None, "it is closed already");
}

#[test]
fn when_it_is_over_nothing_waits() {
    let mut groups = Groups::new(1000, 10_000);
    groups.add(&group("a"), entry(1));
    groups.add(&group("b"), entry(2));
    assert_eq!(groups.close_all().len(), 2);
    assert_eq!(sizes(&groups.add(&group("a"), entry(3)).full), [[3]]);
}
