//! A topic, a bus and a store of markers that remember, and refuse when told to.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use millrace_ledger::{Announcing, Database, Durability, Ledger};
use millrace_retry::RequestError;
use millrace_storage::{Marker, Markers, StorageError};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::{Bus, Event, Message, Topic};

#[derive(Default)]
pub(crate) struct Inbox {
    pub(crate) refuses: AtomicBool,
    pub(crate) attempts: AtomicU64,
    messages: Mutex<Vec<Message>>,
    events: Mutex<Vec<Event>>,
}

impl Inbox {
    pub(crate) fn subjects(&self) -> Vec<String> {
        let messages = self.messages.lock().expect("messages");
        messages.iter().map(|message| message.subject.clone()).collect()
    }

    pub(crate) fn kinds(&self) -> Vec<String> {
        let messages = self.messages.lock().expect("messages");
        messages.iter().map(|message| message.attributes["kind"].clone()).collect()
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().expect("events").clone()
    }

    fn answer(&self) -> Result<(), RequestError> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        match self.refuses.load(Ordering::SeqCst) {
            false => Ok(()),
            true => Err(RequestError::NotFound { what: "topic `t`".into() }),
        }
    }
}

#[async_trait]
impl Topic for Inbox {
    async fn publish(&self, message: &Message) -> Result<(), RequestError> {
        self.answer()?;
        self.messages.lock().expect("messages").push(message.clone());
        Ok(())
    }
}

/// Refuses every third event, as a bus may refuse some of a request.
#[async_trait]
impl Bus for Inbox {
    async fn put(&self, events: &[Event]) -> Vec<Result<(), RequestError>> {
        let refuses = self.answer().is_err();
        let mut taken = self.events.lock().expect("events");
        let put = |(number, event): (usize, &Event)| {
            if refuses && number % 3 == 0 {
                return Err(RequestError::NotFound { what: "event bus `b`".into() });
            }
            taken.push(event.clone());
            Ok(())
        };
        events.iter().enumerate().map(put).collect()
    }
}

#[derive(Default)]
pub(crate) struct Store {
    pub(crate) is_down: AtomicBool,
    writes: AtomicU64,
    markers: Mutex<HashMap<String, Marker>>,
}

#[async_trait]
impl Markers for Store {
    async fn read_marker(&self, _: &str, key: &str) -> Result<Option<Marker>, StorageError> {
        self.up()?;
        Ok(self.markers.lock().expect("markers").get(key).cloned())
    }

    async fn replace_marker(
        &self,
        _: &str,
        key: &str,
        before: Option<&str>,
        body: Bytes,
    ) -> Result<bool, StorageError> {
        self.up()?;
        let mut markers = self.markers.lock().expect("markers");
        if markers.get(key).map(|marker| marker.etag.as_str()) != before {
            return Ok(false);
        }
        let etag = self.writes.fetch_add(1, Ordering::SeqCst).to_string();
        markers.insert(key.to_owned(), Marker { body, etag });
        Ok(true)
    }
}

impl Store {
    fn up(&self) -> Result<(), StorageError> {
        match self.is_down.load(Ordering::SeqCst) {
            false => Ok(()),
            true => Err(StorageError::Unreachable { url: "s3://b".into(), detail: "down".into() }),
        }
    }
}

/// A ledger in a folder of its own.
pub(crate) async fn ledger(announcing: Announcing) -> (TempDir, Ledger) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("ledger.db").display());
    let database =
        Database::connect_for(&url.into(), 4, Durability::Process).await.expect("a database");
    let ledger = Ledger::open(&database).await.expect("a ledger");
    (folder, ledger.announcing(announcing))
}

/// Polls until `ready` holds.
pub(crate) async fn until(what: &str, ready: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !ready() {
        assert!(Instant::now() < deadline, "timed out waiting for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
