//! Rules that fire by the clock.
//!
//! What fell due while the endpoint was not running is fired once for each
//! rule, for the latest of the times missed, if that is not older than a day.
//! A clock that is moved forward misses nothing.

use std::collections::BTreeMap;
use std::io;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use millrace_schedule::Schedule;
use tracing::error;

use crate::clock::Millis;
use crate::firing::{Timetable, last_missed};

use super::Core;
use super::event::{Event, Facts};
use super::state::{DEFAULT_BUS, Rule};

/// Up to when rules have fired, by name.
pub(super) type Marks = BTreeMap<String, Millis>;

/// How old a firing that was missed may be: as long as events are tried.
const MISSED_AGE: Millis = 86_400_000;

impl Core {
    /// Fires what was missed while nothing was running.
    pub(super) async fn catch_up(&self) {
        let now = self.clock.now();
        for (name, next_at) in self.upcoming() {
            if next_at > now {
                continue;
            }
            let caught_up = match self.missed(&name, now) {
                Some(at) => self.fire(&name, at).await,
                None => self.mark(&name, now),
            };
            if let Err(error) = caught_up {
                error!(name, %error, "a rule could not catch up");
            }
        }
    }

    fn missed(&self, name: &str, now: Millis) -> Option<Millis> {
        let state = self.kept.read();
        let rule = state.buses.get(DEFAULT_BUS)?.rules.get(name)?;
        let schedule = schedule(rule)?;
        let since = self.fired_until(name, rule);
        last_missed(since, now, MISSED_AGE, |after| next(&schedule, rule, after))
    }

    fn fired_until(&self, name: &str, rule: &Rule) -> Millis {
        self.marks.read().get(name).copied().unwrap_or_default().max(rule.scheduled_at)
    }

    fn mark(&self, name: &str, at: Millis) -> io::Result<()> {
        let state = self.kept.read();
        let bus = state.buses.get(DEFAULT_BUS);
        self.marks.change(|marks| {
            marks.retain(|name, _| bus.is_some_and(|bus| bus.rules.contains_key(name)));
            marks.insert(name.to_owned(), at);
            Ok(())
        })
    }
}

#[async_trait]
impl Timetable for Core {
    fn upcoming(&self) -> Vec<(String, Millis)> {
        let state = self.kept.read();
        let rules = state.buses.get(DEFAULT_BUS).into_iter().flat_map(|bus| &bus.rules);
        let upcoming = rules.filter(|(_, rule)| rule.is_enabled()).filter_map(|(name, rule)| {
            let at = next(&schedule(rule)?, rule, self.fired_until(name, rule))?;
            Some((name.clone(), at))
        });
        upcoming.collect()
    }

    async fn fire(&self, name: &str, at: Millis) -> io::Result<()> {
        let state = self.kept.read();
        let rule = state.buses.get(DEFAULT_BUS).and_then(|bus| bus.rules.get(name));
        if let Some(rule) = rule.filter(|rule| rule.is_enabled()) {
            let facts = Facts {
                source: "aws.events".to_owned(),
                detail_type: "Scheduled Event".to_owned(),
                resources: vec![self.rule_arn(DEFAULT_BUS, name)],
                at,
                detail: "{}".to_owned(),
            };
            let event = Event::new(facts, &self.account, self.clock.now())?;
            self.send_to_targets(DEFAULT_BUS, name, rule, &event).await?;
        }
        self.mark(name, at)
    }
}

fn schedule(rule: &Rule) -> Option<Schedule> {
    rule.schedule_expression.as_deref()?.parse().ok()
}

/// When a rule fires next after a time; rules know no time zone but UTC.
fn next(schedule: &Schedule, rule: &Rule, after: Millis) -> Option<Millis> {
    let next = schedule.next_after_from(instant(after)?, Tz::UTC, instant(rule.scheduled_at)?)?;
    Millis::try_from(next.timestamp_millis()).ok()
}

fn instant(at: Millis) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(i64::try_from(at).ok()?)
}
