//! From SQLSTATE and SQLite result codes to meanings: the one place where a
//! database's answer is judged.
//!
//! Sources: "PostgreSQL Error Codes" (appendix A of its manual) and "Result and
//! Error Codes" of SQLite. A code that is not listed is internal to the
//! database and transient: the queue's redrive policy ends such retries.

use millrace_retry::FailureClass;
use sqlx::error::DatabaseError as DriverError;
use sqlx::postgres::PgDatabaseError;

/// A kind of database failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No connection can be had, or the server is going down.
    Unreachable,
    /// The server does not let us in.
    Login,
    /// It can be read only.
    ReadOnly,
    /// No space is left.
    Full,
    /// The SQLite file can't be understood.
    Damaged,
    /// Too many connections.
    Crowded,
    /// Deadlock, serialisation failure, lock time-out, busy file.
    Conflict,
    /// The connection broke in the middle; what was not committed is undone.
    Interrupted,
    /// A permission is missing.
    Denied,
    /// A row breaks a constraint of its table.
    Constraint,
    /// A value does not fit its column.
    Data,
    /// The statement does not fit the database's tables.
    Statement,
    /// The database's own trouble.
    Internal,
    /// The URL in the pipeline file is wrong.
    Url,
}

impl Fault {
    /// The failure class.
    pub fn class(self) -> FailureClass {
        match self {
            // A changed password is everybody's trouble: the backlog waits
            // instead of being dead-lettered message by message.
            Self::Unreachable
            | Self::Login
            | Self::ReadOnly
            | Self::Full
            | Self::Damaged
            | Self::Url => FailureClass::Outage,
            Self::Crowded => FailureClass::Throttled,
            Self::Conflict | Self::Interrupted | Self::Internal => FailureClass::Transient,
            Self::Denied => FailureClass::Denied,
            Self::Constraint | Self::Data | Self::Statement => FailureClass::Contract,
        }
    }

    /// The meaning of a driver error on a connection that was open.
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        use sqlx::Error;
        match error {
            Error::Database(answer) => Self::of_answer(answer.as_ref()),
            Error::Io(_) | Error::Protocol(_) | Error::WorkerCrashed | Error::BeginFailed => {
                Self::Interrupted
            }
            Error::Tls(_) | Error::PoolTimedOut | Error::PoolClosed => Self::Unreachable,
            Error::Configuration(_) => Self::Url,
            Error::RowNotFound
            | Error::TypeNotFound { .. }
            | Error::ColumnIndexOutOfBounds { .. }
            | Error::ColumnNotFound(_)
            | Error::ColumnDecode { .. }
            | Error::Decode(_)
            | Error::Encode(_) => Self::Statement,
            // `sqlx::Error` is open-ended: what remains is the driver's own.
            _ => Self::Internal,
        }
    }

    /// The meaning of a driver error while connecting.
    pub(crate) fn of_connecting(error: &sqlx::Error) -> Self {
        match Self::of(error) {
            Self::Interrupted | Self::Internal => Self::Unreachable,
            other => other,
        }
    }

    fn of_answer(answer: &dyn DriverError) -> Self {
        let code = answer.code().unwrap_or_default();
        if answer.try_downcast_ref::<PgDatabaseError>().is_some() {
            return Self::of_sqlstate(&code);
        }
        code.parse().map_or(Self::Internal, Self::of_sqlite)
    }

    fn of_sqlstate(code: &str) -> Self {
        match code {
            "53200" | "53300" => return Self::Crowded,
            "53100" => return Self::Full,
            "25006" => return Self::ReadOnly,
            "42501" => return Self::Denied,
            "3D000" => return Self::Login,
            "57014" | "55P03" | "55006" => return Self::Conflict,
            _ => {}
        }
        match code.get(..2).unwrap_or_default() {
            "08" | "57" => Self::Unreachable,
            "28" => Self::Login,
            "40" => Self::Conflict,
            "22" => Self::Data,
            "23" | "44" => Self::Constraint,
            "0A" | "2B" | "3F" | "42" | "54" | "55" => Self::Statement,
            _ => Self::Internal,
        }
    }

    /// SQLite's extended result codes keep the primary code in the low byte.
    fn of_sqlite(code: i32) -> Self {
        match code & 0xff {
            1 | 17 | 21 | 25 => Self::Statement,
            3 | 23 => Self::Denied,
            5 | 6 | 15 => Self::Conflict,
            8 => Self::ReadOnly,
            11 | 26 => Self::Damaged,
            13 => Self::Full,
            10 | 14 => Self::Unreachable,
            18 | 20 => Self::Data,
            19 => Self::Constraint,
            _ => Self::Internal,
        }
    }
}

/// A driver error in words, with what PostgreSQL says beside its message.
pub(crate) fn describe(error: &sqlx::Error) -> String {
    let sqlx::Error::Database(answer) = error else {
        return error.to_string();
    };
    let mut text = answer.message().to_owned();
    if let Some(postgres) = answer.try_downcast_ref::<PgDatabaseError>() {
        for more in [postgres.detail(), postgres.hint(), postgres.r#where()].into_iter().flatten() {
            text.push_str("; ");
            text.push_str(more);
        }
    }
    match answer.code() {
        Some(code) => format!("{text} (code {code})"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlstates_have_the_class_that_decides_the_messages_fate() {
        for (code, class) in [
            ("08006", FailureClass::Outage),
            ("57P01", FailureClass::Outage),
            ("57P03", FailureClass::Outage),
            ("25006", FailureClass::Outage),
            ("53100", FailureClass::Outage),
            ("28P01", FailureClass::Outage),
            ("3D000", FailureClass::Outage),
            ("40001", FailureClass::Transient),
            ("40P01", FailureClass::Transient),
            ("55P03", FailureClass::Transient),
            ("57014", FailureClass::Transient),
            ("XX000", FailureClass::Transient),
            ("57P02", FailureClass::Outage),
            ("53300", FailureClass::Throttled),
            ("53200", FailureClass::Throttled),
            ("42501", FailureClass::Denied),
            ("22021", FailureClass::Contract),
            ("22003", FailureClass::Contract),
            ("23505", FailureClass::Contract),
            ("42P01", FailureClass::Contract),
        ] {
            assert_eq!(Fault::of_sqlstate(code).class(), class, "{code}");
        }
    }

    #[test]
    fn sqlite_codes_are_read_with_and_without_their_extension() {
        for (code, fault) in [
            (5, Fault::Conflict),
            (517, Fault::Conflict),
            (13, Fault::Full),
            (14, Fault::Unreachable),
            (8, Fault::ReadOnly),
            (1555, Fault::Constraint),
            (1, Fault::Statement),
        ] {
            assert_eq!(Fault::of_sqlite(code), fault, "{code}");
        }
    }
}
