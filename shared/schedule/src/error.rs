//! Why an expression is refused.

use thiserror::Error;

/// An expression that is not understood. The message names the part that is
/// wrong and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScheduleError {
    /// Neither of the three forms.
    #[error("`{0}` is not `rate(…)`, `cron(…)` or `at(…)`")]
    Form(String),
    /// A rate that is not a positive number and a unit.
    #[error("`{0}` is not a rate: write a positive number and minutes, hours or days")]
    Rate(String),
    /// A rate whose unit does not agree with its number, which rules refuse.
    #[error("`{0}`: the unit is singular after 1 and plural after any other number")]
    Agreement(String),
    /// A rule can't fire once.
    #[error("`{0}`: a rule takes `rate(…)` or `cron(…)`")]
    OnceInRule(String),
    /// What comes again and again can't come once.
    #[error("`{0}` comes once: write `cron(…)` or `rate(…)`")]
    Once(String),
    /// Not six fields.
    #[error(
        "`{expression}` has {found} fields; minutes, hours, day of month, month, day of week and \
         year make six"
    )]
    Fields {
        /// What was given.
        expression: String,
        /// Its fields.
        found: usize,
    },
    /// A field that is not understood.
    #[error("`{part}` is not a {field}: {reason}")]
    Field {
        /// As in `day of month`.
        field: &'static str,
        /// The part of it that is wrong.
        part: String,
        /// What would be right.
        reason: String,
    },
    /// Both day fields say something, or neither does.
    #[error("one of day of month and day of week must be `?`, and only one")]
    Days,
    /// Not a date and time.
    #[error("`{0}` is not a time: write yyyy-mm-ddThh:mm:ss")]
    Time(String),
}
