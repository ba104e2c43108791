//! When a schedule is due.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use millrace_schedule::Schedule as Expression;

use crate::clock::Millis;

use super::state::{Schedule, WindowMode};

/// A schedule that is ready to be asked when it is due.
#[derive(Debug)]
pub(super) struct Plan {
    expression: Expression,
    zone: Tz,
    /// Where a rate counts from.
    anchor: Millis,
    /// Firings lie after this,
    after: Millis,
    /// and not after this.
    end: Option<Millis>,
    /// Milliseconds that a firing may be late.
    window: Millis,
}

impl Plan {
    /// The plan of a schedule.
    pub(super) fn of(schedule: &Schedule) -> Option<Self> {
        let definition = &schedule.definition;
        let expression: Expression = definition.schedule_expression.parse().ok()?;
        let start = definition.start_date.map(millis);
        let anchor = start.unwrap_or(schedule.modified_at);
        let minutes = match definition.flexible_time_window.mode {
            WindowMode::Off => 0,
            WindowMode::Flexible => {
                definition.flexible_time_window.maximum_window_in_minutes.unwrap_or_default()
            }
        };
        let (after, end) = match expression {
            // The first firing of a rate is where it counts from.
            Expression::Rate(_) => (anchor.saturating_sub(1), definition.end_date.map(millis)),
            Expression::Cron(_) => (
                start.map_or(0, |start| start.saturating_sub(1)).max(schedule.modified_at),
                definition.end_date.map(millis),
            ),
            // Once is once, whatever the dates say.
            Expression::At(_) => (schedule.modified_at, None),
        };
        let zone = zone(&definition.schedule_expression_timezone)?;
        let window = Millis::from(minutes) * 60_000;
        Some(Self { expression, zone, anchor, after, end, window })
    }

    /// The first time it is due after it has fired up to `mark`.
    pub(super) fn next(&self, mark: Option<Millis>) -> Option<Millis> {
        let after = instant(mark.map_or(self.after, |mark| mark.max(self.after)))?;
        let next = self.expression.next_after_from(after, self.zone, instant(self.anchor)?)?;
        let next = Millis::try_from(next.timestamp_millis()).ok()?;
        self.end.is_none_or(|end| next <= end).then_some(next)
    }

    /// When within its window what is due at `at` fires: anywhere in it, and
    /// always at the same place, also after a restart.
    pub(super) fn fires_at(&self, key: &str, at: Millis) -> Millis {
        if self.window == 0 {
            return at;
        }
        let mut hasher = DefaultHasher::new();
        (key, at).hash(&mut hasher);
        at.saturating_add(hasher.finish() % self.window)
    }
}

/// A time zone by its IANA name.
pub(super) fn zone(name: &str) -> Option<Tz> {
    name.parse().ok()
}

/// Milliseconds of seconds as the protocol writes them.
pub(super) fn millis(seconds: f64) -> Millis {
    (seconds * 1000.0).round() as Millis
}

fn instant(at: Millis) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(i64::try_from(at).ok()?)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::scheduler::state::Definition;

    fn plan(extra: Value) -> Plan {
        let mut definition = json!({
            "ScheduleExpression": "rate(10 minutes)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {"Arn": "a", "RoleArn": "r"},
        });
        definition.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let definition: Definition = serde_json::from_value(definition).unwrap();
        let (created_at, modified_at) = (60_000, 60_000);
        Plan::of(&Schedule { definition, created_at, modified_at, client_token: None }).unwrap()
    }

    #[test]
    fn a_rate_fires_at_once_or_at_its_start_and_not_after_its_end() {
        let rate = plan(json!({}));
        assert_eq!(rate.next(None), Some(60_000));
        assert_eq!(rate.next(Some(60_000)), Some(660_000));
        let bounded = plan(json!({"StartDate": 100.0, "EndDate": 750.0}));
        assert_eq!(bounded.next(None), Some(100_000));
        assert_eq!(bounded.next(Some(100_000)), Some(700_000));
        assert_eq!(bounded.next(Some(700_000)), None);
    }

    #[test]
    fn a_cron_expression_may_fire_at_its_start() {
        let cron = plan(json!({"ScheduleExpression": "cron(* * * * ? *)", "StartDate": 120.0}));
        assert_eq!(cron.next(None), Some(120_000));
    }

    #[test]
    fn a_flexible_schedule_fires_within_its_window_and_keeps_to_its_place() {
        let window = json!({"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5});
        let plan = plan(json!({"FlexibleTimeWindow": window}));
        let at = plan.fires_at("default/a", 60_000);
        assert!((60_000..360_000).contains(&at), "{at}");
        assert_eq!(plan.fires_at("default/a", 60_000), at);
        assert_eq!(plan.next(None), Some(60_000));
    }
}
