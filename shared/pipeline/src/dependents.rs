//! Who hears of a dataset's new files: the derived datasets that are made of it, and
//! the catalog that it is a table of.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use millrace_contract::{Captures, CatalogTask, DeriveTask, StageName};

use crate::pipeline::Pipeline;

/// Messages that are remembered before those that have arrived are forgotten.
const MOST_REMEMBERED: usize = 1000;

/// Which derived datasets are made of which datasets, for the stages after which
/// a file's rows are where they belong. Clones remember together.
#[derive(Debug, Clone, Default)]
pub struct Dependents {
    /// The queue of the derive stage.
    queue: String,
    all: Vec<Dependent>,
    /// Queue and debounce of the catalog stage, if there is one.
    catalog: Option<(String, Duration)>,
    /// When each message was sent last.
    told: Arc<Mutex<HashMap<String, Instant>>>,
}

/// A derived dataset that is made again when its inputs change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependent {
    /// Its name.
    pub name: String,
    /// The datasets it is made of.
    pub inputs: Vec<String>,
    /// How long changes are gathered.
    pub debounce: Duration,
    /// What the path of a file says that it is waited for by, if it is.
    pub per: Option<String>,
}

/// What a derived dataset is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The queue that is told.
    pub queue: String,
    /// The dataset that there is something to do about.
    pub dataset: String,
    /// The message.
    pub body: String,
    /// How long it is kept back, so that others come along.
    pub delay: Duration,
}

impl Dependents {
    /// The queue of the derive stage.
    pub fn queue(&self) -> &str {
        &self.queue
    }

    /// Those that are made of a dataset.
    pub fn of<'a>(&'a self, dataset: &'a str) -> impl Iterator<Item = &'a Dependent> {
        self.all.iter().filter(move |dependent| dependent.inputs.iter().any(|name| name == dataset))
    }

    /// What is to be sent for a file of `dataset`, whose path says `captures`, once
    /// its rows are where they belong. A message that is still kept back for long
    /// enough will do for this file, too: a flood of files is a few messages.
    ///
    /// Where the file's own message `is_again` here, what it was to send the first
    /// time may never have left, and others counted on it: it is always sent.
    pub fn told_of(&self, dataset: &str, captures: &Captures, is_again: bool) -> Vec<Change> {
        let derived = self.of(dataset).map(|one| one.change(&self.queue, dataset, captures));
        let changes = derived.chain(self.catalog_change(dataset));
        let now = Instant::now();
        changes.filter(|change| self.is_news(change, now) || is_again).collect()
    }

    fn catalog_change(&self, dataset: &str) -> Option<Change> {
        let (queue, delay) = self.catalog.clone()?;
        let body = CatalogTask::new(dataset).to_message();
        Some(Change { queue, dataset: dataset.to_owned(), body, delay })
    }

    /// Whether no such message is under way that comes late enough.
    fn is_news(&self, change: &Change, now: Instant) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let will_come = |sent: &Instant| now.duration_since(*sent) < change.delay / 2;
        if told.get(&change.body).is_some_and(will_come) {
            return false;
        }
        if told.len() >= MOST_REMEMBERED {
            told.retain(|_, sent| will_come(sent));
        }
        told.insert(change.body.clone(), now);
        true
    }
}

impl Dependent {
    fn change(&self, queue: &str, input: &str, captures: &Captures) -> Change {
        let awaited = |(name, _): &(&String, &String)| self.per.as_ref() == Some(*name);
        let captures = captures.iter().filter(awaited);
        let captures = captures.map(|(name, value)| (name.clone(), value.clone())).collect();
        Change {
            queue: queue.to_owned(),
            dataset: self.name.clone(),
            body: DeriveTask::changed(&self.name, input, &captures).to_message(),
            delay: self.debounce,
        }
    }
}

impl Pipeline {
    /// Who hears of new files.
    pub fn dependents(&self) -> Dependents {
        let changing = self.derived.iter().filter(|derived| derived.on_change);
        let all = changing.map(|derived| Dependent {
            name: derived.name.clone(),
            inputs: derived.inputs.clone(),
            debounce: derived.debounce,
            per: derived.after.as_ref().map(|after| after.per.clone()),
        });
        let queue = self.queue_name(StageName::Derive);
        let catalog = self.catalog.as_ref();
        let catalog =
            catalog.map(|catalog| (self.queue_name(StageName::Catalog), catalog.debounce));
        Dependents { queue, all: all.collect(), catalog, ..Dependents::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependents(debounce: u64) -> Dependents {
        let derived = Dependent {
            name: "spent".into(),
            inputs: vec!["sales".into()],
            debounce: Duration::from_secs(debounce),
            per: Some("day".into()),
        };
        Dependents { queue: "q".into(), all: vec![derived], ..Dependents::default() }
    }

    fn captures(day: &str, file: &str) -> Captures {
        let said = [("day", day), ("file", file)];
        said.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    #[test]
    fn a_flood_of_files_is_one_message_for_each_that_is_waited_for() {
        let told = dependents(600);
        assert_eq!(told.told_of("sales", &captures("1", "a"), false).len(), 1);
        assert!(told.clone().told_of("sales", &captures("1", "b"), false).is_empty());
        assert_eq!(told.told_of("sales", &captures("2", "a"), false).len(), 1);
        assert_eq!(told.told_of("sales", &captures("1", "b"), true).len(), 1, "it came again");
        assert!(told.told_of("users", &captures("1", "a"), false).is_empty());
    }

    #[test]
    fn a_message_that_comes_too_soon_does_not_do_for_the_next_file() {
        let told = dependents(0);
        for _ in 0..2 {
            assert_eq!(told.told_of("sales", &captures("1", "a"), false).len(), 1);
        }
        let slow = dependents(10);
        let change =
            slow.of("sales").next().expect("one").change("q", "sales", &captures("1", "a"));
        let now = Instant::now();
        assert!(slow.is_news(&change, now));
        assert!(!slow.is_news(&change, now + Duration::from_secs(4)));
        assert!(slow.is_news(&change, now + Duration::from_secs(5)));
    }

    #[test]
    fn the_catalog_hears_of_every_dataset_once_for_a_flood() {
        let mut told = dependents(600);
        told.catalog = Some(("c".into(), Duration::from_secs(10)));
        let queues = |dataset: &str| -> Vec<String> {
            let told = told.told_of(dataset, &captures("1", "a"), false);
            told.into_iter().map(|change| change.queue).collect()
        };
        assert_eq!(queues("sales"), ["q", "c"]);
        assert_eq!(queues("users"), ["c"]);
        assert!(queues("users").is_empty());
    }
}
