//! Deliveries that may fail for a while: tried, tried again with growing
//! pauses, and in the end given up to a dead-letter queue. What is not
//! delivered yet outlives the process.
//!
//! EventBridge, its Scheduler and SNS differ in what they deliver and how long
//! they try; each gives its [`Carrier`].

mod dead_letters;
mod failure;
mod outbox;
mod parameters;

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tracing::{error, warn};

use crate::background::Background;
use crate::clock::{Clock, Millis};

use self::outbox::Outbox;
pub(crate) use self::parameters::{DeadLetterConfig, SqsParameters};

pub(crate) use self::dead_letters::{DeadLetter, bury, outcome};
pub(crate) use self::failure::Failure;

/// Deliveries under way at a time.
const AT_ONCE: usize = 64;
/// How long to wait for a dead-letter queue that can't be written.
const BURIAL_PAUSE: Millis = 60_000;

/// Brings loads of one kind to where they belong.
#[async_trait]
pub(crate) trait Carrier: Send + Sync + 'static {
    /// What is delivered: all that must be known after a restart.
    type Load: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync;

    /// Tries once; `attempt` counts from 1. It is durable at its destination
    /// when this returns.
    ///
    /// # Errors
    /// [`Failure`] says whether trying again may help.
    async fn carry(&self, load: &Self::Load, attempt: u32) -> Result<(), Failure>;

    /// How long to wait after so many failed attempts, in milliseconds.
    fn pause(&self, load: &Self::Load, attempts: u32) -> Millis;

    /// Hands what could not be delivered to the dead-letter queue, if it has
    /// one.
    ///
    /// # Errors
    /// If that queue can't be written for now.
    async fn give_up(&self, load: &Self::Load, end: &End) -> Result<(), Failure>;
}

/// How long something is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Patience {
    /// Attempts after the first.
    pub(crate) retries: u32,
    /// Milliseconds after the first attempt.
    pub(crate) age: Millis,
}

/// Why something was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// What went wrong last.
    pub(crate) failure: Failure,
    /// Attempts after the first.
    pub(crate) retries: u32,
    /// What ran out; nothing, if trying again can't help.
    pub(crate) exhausted: Option<Exhausted>,
}

/// What ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exhausted {
    /// `MaximumRetryAttempts`
    Retries,
    /// `MaximumEventAgeInSeconds`
    Age,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Shipment<T> {
    load: T,
    patience: Patience,
    first_at: Millis,
    attempts: u32,
    next_at: Millis,
}

/// What to try now, by number in the outbox, and when the rest is due.
struct Due<T> {
    now: Vec<(u64, Shipment<T>)>,
    next_at: Option<Millis>,
}

/// Sees deliveries of one kind through.
pub(crate) struct Courier<C: Carrier> {
    carrier: C,
    clock: Clock,
    outbox: Outbox<Shipment<C::Load>>,
    posted: Notify,
}

impl<C: Carrier> Courier<C> {
    /// Takes up what is left in `file`, and works until the endpoint stops.
    ///
    /// # Errors
    /// If the file can't be read or written.
    pub(crate) fn open(
        file: &Path,
        carrier: C,
        clock: Clock,
        background: &Background,
    ) -> io::Result<Arc<Self>> {
        let outbox = Outbox::open(file)?;
        let courier = Arc::new(Self { carrier, clock, outbox, posted: Notify::new() });
        let working = Arc::clone(&courier);
        background.spawn_until_stop(async move { working.work().await });
        Ok(courier)
    }

    /// Tries to deliver now; what fails is tried again later. It is delivered,
    /// dead-lettered or in the outbox when this returns.
    ///
    /// # Errors
    /// If it is none of these because the outbox can't be written.
    pub(crate) async fn send(&self, load: C::Load, patience: Patience) -> io::Result<()> {
        let now = self.clock.now();
        let mut shipment = Shipment { load, patience, first_at: now, attempts: 0, next_at: now };
        if !self.try_once(&mut shipment).await {
            self.outbox.add(shipment)?;
            self.posted.notify_one();
        }
        Ok(())
    }

    /// Delivers in the background; it is in the outbox when this returns.
    ///
    /// # Errors
    /// If the outbox can't be written.
    pub(crate) fn post(&self, load: C::Load, patience: Patience) -> io::Result<()> {
        let now = self.clock.now();
        let shipment = Shipment { load, patience, first_at: now, attempts: 0, next_at: now };
        self.outbox.add(shipment)?;
        self.posted.notify_one();
        Ok(())
    }

    /// Makes every attempt that is due, many at a time: one that takes long
    /// keeps no other waiting.
    async fn work(&self) {
        let mut under_way = FuturesUnordered::new();
        let mut ids = HashSet::new();
        loop {
            let Due { now, next_at } = self.due(&ids);
            for (id, shipment) in now {
                ids.insert(id);
                under_way.push(self.try_again(id, shipment));
            }
            tokio::select! {
                Some(id) = under_way.next() => {
                    ids.remove(&id);
                }
                () = self.posted.notified() => {}
                () = self.wait_until(next_at) => {}
            }
        }
    }

    /// What to try now beside what is under way, and when the rest is due;
    /// never, where something has to end first.
    fn due(&self, under_way: &HashSet<u64>) -> Due<C::Load> {
        let time = self.clock.now();
        self.outbox.look(|open| {
            let (mut now, mut next_at) = (Vec::new(), None);
            for (id, shipment) in open.iter().filter(|(id, _)| !under_way.contains(id)) {
                if shipment.next_at > time {
                    next_at = Some(next_at.unwrap_or(Millis::MAX).min(shipment.next_at));
                } else if under_way.len() + now.len() < AT_ONCE {
                    now.push((*id, shipment.clone()));
                }
            }
            Due { now, next_at }
        })
    }

    async fn wait_until(&self, at: Option<Millis>) {
        match at {
            Some(at) => self.clock.wait_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// Answers the number it was given.
    async fn try_again(&self, id: u64, mut shipment: Shipment<C::Load>) -> u64 {
        let noted = match self.try_once(&mut shipment).await {
            true => self.outbox.remove(id),
            false => self.outbox.replace(id, shipment),
        };
        if let Err(error) = noted {
            error!(%error, "can't write down how a delivery went; it may be made again");
            // The disk may need a moment.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        id
    }

    /// Whether nothing is left to do for it.
    async fn try_once(&self, shipment: &mut Shipment<C::Load>) -> bool {
        let failure = match self.carrier.carry(&shipment.load, shipment.attempts + 1).await {
            Ok(()) => return true,
            Err(failure) => failure,
        };
        shipment.attempts = shipment.attempts.saturating_add(1);
        let now = self.clock.now();
        let next_at = now.saturating_add(self.carrier.pause(&shipment.load, shipment.attempts));
        let exhausted = shipment.exhausted(next_at);
        if failure.may_pass && exhausted.is_none() {
            shipment.next_at = next_at;
            return false;
        }
        let exhausted = exhausted.filter(|_| failure.may_pass);
        let end = End { failure, retries: shipment.attempts - 1, exhausted };
        warn!(code = end.failure.code, reason = end.failure.message, "a delivery is given up");
        match self.carrier.give_up(&shipment.load, &end).await {
            Ok(()) => true,
            Err(failure) => {
                warn!(reason = failure.message, "a dead-letter queue can't be written for now");
                shipment.next_at = now.saturating_add(BURIAL_PAUSE);
                false
            }
        }
    }
}

impl<T> Shipment<T> {
    /// What has run out if the next attempt would be at `next_at`.
    fn exhausted(&self, next_at: Millis) -> Option<Exhausted> {
        if self.attempts > self.patience.retries {
            return Some(Exhausted::Retries);
        }
        let too_old = next_at > self.first_at.saturating_add(self.patience.age);
        too_old.then_some(Exhausted::Age)
    }
}

impl<C: Carrier> std::fmt::Debug for Courier<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Courier").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
