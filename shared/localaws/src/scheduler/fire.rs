//! Schedules that fire.

use std::collections::BTreeMap;
use std::io;

use async_trait::async_trait;
use tracing::error;

use crate::answer::random_id;
use crate::clock::Millis;
use crate::courier::Patience;
use crate::firing::{Timetable, last_missed};

use super::Core;
use super::carrier::Load;
use super::due::Plan;
use super::schedules::split;
use super::state::{ActionAfterCompletion, Schedule, ScheduleState, State};

/// Up to when schedules have fired, by key.
pub(super) type Marks = BTreeMap<String, Mark>;

/// Up to when a schedule has fired, if it is still the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Mark {
    /// When the schedule was as it is.
    modified_at: Millis,
    /// The last time that was due.
    fired: Millis,
}

impl Core {
    /// Fires what was missed while nothing was running.
    pub(super) async fn catch_up(&self) {
        let now = self.clock.now();
        let state = self.kept.read();
        for (key, schedule) in &state.schedules {
            if let Err(error) = self.catch_up_one(key, schedule, now).await {
                error!(key, %error, "a schedule could not catch up");
            }
        }
    }

    async fn catch_up_one(&self, key: &str, schedule: &Schedule, now: Millis) -> io::Result<()> {
        let Some((plan, mark)) = self.plan(key, schedule) else { return Ok(()) };
        let Some(next) = plan.next(mark).filter(|next| *next <= now) else { return Ok(()) };
        let age = schedule.definition.target.retry_policy.maximum_event_age_in_seconds;
        let since = next.saturating_sub(1);
        let next_due = |after| plan.next(Some(after));
        match last_missed(since, now, Millis::from(age) * 1000, next_due) {
            // It may still be within its window; then it fires by itself.
            Some(at) if plan.fires_at(key, at) > now => self.mark(key, schedule, at - 1),
            Some(at) => self.invoke(key, schedule, at).await,
            None => self.mark(key, schedule, now),
        }?;
        self.complete(key, schedule)
    }

    /// Fires for the time that was due and remembers it.
    async fn invoke(&self, key: &str, schedule: &Schedule, due: Millis) -> io::Result<()> {
        let (group, name) = split(key);
        let policy = schedule.definition.target.retry_policy;
        let patience = Patience {
            retries: policy.maximum_retry_attempts,
            age: Millis::from(policy.maximum_event_age_in_seconds) * 1000,
        };
        let execution_id = random_id().simple().to_string();
        let load = Load {
            schedule: self.schedule_arn(group, name),
            target: schedule.definition.target.clone(),
            scheduled_at: due,
            execution_id: execution_id[..16].to_owned(),
        };
        self.courier.send(load, patience).await?;
        self.mark(key, schedule, due)
    }

    fn mark(&self, key: &str, schedule: &Schedule, fired: Millis) -> io::Result<()> {
        let state = self.kept.read();
        self.marks.change(|marks| {
            marks.retain(|key, _| state.schedules.contains_key(key));
            marks.insert(key.to_owned(), Mark { modified_at: schedule.modified_at, fired });
            Ok(())
        })
    }

    /// Deletes a schedule that will not fire again, if it asked for that.
    fn complete(&self, key: &str, schedule: &Schedule) -> io::Result<()> {
        let deletes = match schedule.definition.action_after_completion {
            ActionAfterCompletion::Delete => true,
            ActionAfterCompletion::None => false,
        };
        let is_over = |(plan, mark): (Plan, Option<Millis>)| plan.next(mark).is_none();
        if !deletes || !self.plan(key, schedule).is_some_and(is_over) {
            return Ok(());
        }
        self.kept.change(|state: &mut State| {
            // Whoever has changed it meanwhile wants it.
            if state.schedules.get(key) == Some(schedule) {
                state.schedules.remove(key);
            }
            Ok(())
        })
    }

    /// The plan of a schedule that is enabled, and up to when it has fired.
    fn plan(&self, key: &str, schedule: &Schedule) -> Option<(Plan, Option<Millis>)> {
        match schedule.definition.state {
            ScheduleState::Disabled => None,
            ScheduleState::Enabled => {
                let marks = self.marks.read();
                let mark = marks.get(key).filter(|mark| mark.modified_at == schedule.modified_at);
                Some((Plan::of(schedule)?, mark.map(|mark| mark.fired)))
            }
        }
    }
}

#[async_trait]
impl Timetable for Core {
    fn upcoming(&self) -> Vec<(String, Millis)> {
        let state = self.kept.read();
        let upcoming = state.schedules.iter().filter_map(|(key, schedule)| {
            let (plan, mark) = self.plan(key, schedule)?;
            let due = plan.next(mark)?;
            Some((key.clone(), plan.fires_at(key, due)))
        });
        upcoming.collect()
    }

    async fn fire(&self, key: &str, _at: Millis) -> io::Result<()> {
        let state = self.kept.read();
        let Some(schedule) = state.schedules.get(key) else { return Ok(()) };
        let Some((plan, mark)) = self.plan(key, schedule) else { return Ok(()) };
        let Some(due) = plan.next(mark) else { return Ok(()) };
        if plan.fires_at(key, due) > self.clock.now() {
            return Ok(());
        }
        self.invoke(key, schedule, due).await?;
        self.complete(key, schedule)
    }
}
