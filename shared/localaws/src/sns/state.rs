//! Topics and subscriptions, kept in one small file that is replaced as a
//! whole on every change.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::folder;
use crate::query::QueryError;

/// What there is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// By ARN.
    pub(super) topics: BTreeMap<String, Topic>,
    /// By ARN.
    pub(super) subscriptions: BTreeMap<String, Subscription>,
}

/// A topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Topic {
    /// Attributes that were set.
    pub(super) attributes: BTreeMap<String, String>,
    /// Tags.
    pub(super) tags: BTreeMap<String, String>,
    /// Subscriptions there were and are no more.
    pub(super) deleted_subscriptions: u64,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subscription {
    /// ARN of the topic.
    pub(super) topic: String,
    /// `sqs`, `email`, …
    pub(super) protocol: String,
    /// ARN of a queue, an address, …
    pub(super) endpoint: String,
    /// Attributes that were set.
    pub(super) attributes: BTreeMap<String, String>,
}

impl Subscription {
    /// Whether anything is sent to it. Others would have to confirm first.
    pub(super) fn is_confirmed(&self) -> bool {
        self.protocol == "sqs"
    }

    /// Whether messages go out without their envelope.
    pub(super) fn is_raw(&self) -> bool {
        self.attributes.get("RawMessageDelivery").is_some_and(|raw| raw == "true")
    }
}

impl State {
    /// The subscriptions of a topic.
    pub(super) fn subscriptions_of(
        &self,
        topic: &str,
    ) -> impl Iterator<Item = (&String, &Subscription)> {
        self.subscriptions.iter().filter(move |(_, subscription)| subscription.topic == topic)
    }
}

/// The state, in memory and on disk.
#[derive(Debug)]
pub(super) struct Store {
    file: PathBuf,
    state: RwLock<Arc<State>>,
}

impl Store {
    /// Opens the state kept in `dir`.
    pub(super) fn open(dir: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        let file = dir.join("topics.json");
        let state = match fs::read(&file) {
            Ok(content) => serde_json::from_slice(&content)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => State::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { file, state: RwLock::new(Arc::new(state)) })
    }

    /// What there is now.
    pub(super) fn read(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes what there is, on disk first; on an error it stays as it is.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut State) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        let mut current = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = State::clone(&current);
        let result = change(&mut changed)?;
        if changed != **current {
            let content = serde_json::to_vec_pretty(&changed).map_err(io::Error::from)?;
            folder::replace(&self.file, &content)?;
            *current = Arc::new(changed);
        }
        Ok(result)
    }
}
