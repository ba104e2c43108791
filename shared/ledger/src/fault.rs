//! From SQLSTATE and SQLite result codes to meanings: the one place where a
//! database's answer is judged.
//!
//! Sources: "PostgreSQL Error Codes" (appendix A of its manual), "Result and
//! Error Codes" of SQLite, "Server Error Message Reference" of MySQL and "MariaDB
//! Error Codes". A code that is not listed is internal to the database and
//! transient: the queue's redrive policy ends such retries.

use millrace_retry::FailureClass;
use sqlx::error::DatabaseError as DriverError;
use sqlx::mysql::MySqlDatabaseError;
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
    /// What should be created is there already.
    Exists,
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
            Self::Constraint | Self::Data | Self::Statement | Self::Exists => {
                FailureClass::Contract
            }
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
        if let Some(mysql) = answer.try_downcast_ref::<MySqlDatabaseError>() {
            return Self::of_mysql(mysql.number(), &code);
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
            "42P07" | "42701" | "42710" => return Self::Exists,
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

    /// MySQL's error numbers say more than its SQLSTATEs, which are asked where
    /// the number is not listed. From 1900 on MariaDB's numbers are its own.
    fn of_mysql(number: u16, sqlstate: &str) -> Self {
        match number {
            // Shutting down, or the connection was ended by the server.
            1053 | 1077 | 1079 | 1152 | 1158..=1161 | 1184 | 1927 | 3168 | 4031 => {
                Self::Unreachable
            }
            // Unknown user, database or authentication; MySQL 8: account locked, expired.
            1044 | 1045 | 1049 | 1251 | 1524 | 1698 | 1820 | 1862 | 3118 | 4151 => Self::Login,
            // `read_only`, `super_read_only`, a transaction that may only read.
            1290 | 1792 | 1836 | 3796 => Self::ReadOnly,
            // Disk or temporary space, quota, a table that can't grow.
            1021 | 1114 | 3675 => Self::Full,
            1034 | 1035 | 1194 | 1195 => Self::Damaged,
            // Connections: of the server, of the user, per hour.
            1040 | 1041 | 1203 | 1226 => Self::Crowded,
            // Lock time-outs, deadlocks, killed or timed-out statements, a table that changed.
            1205 | 1206 | 1213 | 1317 | 1412 | 1613 | 1614 | 1615 | 1969 | 3024 | 3058 | 3572 => {
                Self::Conflict
            }
            1142 | 1143 | 1227 | 1370 => Self::Denied,
            1050 | 1060 | 1061 => Self::Exists,
            // Null, duplicate key, foreign key, check; MariaDB's check is 4025.
            1048 | 1062 | 1169 | 1216 | 1217 | 1364 | 1451 | 1452 | 1557 | 1586 | 1761 | 1762
            | 3819 | 4025 => Self::Constraint,
            // Too long, out of range, not of the type, a packet that is too large.
            1153 | 1264 | 1265 | 1292 | 1366 | 1367 | 1406 | 1416 | 1690 | 3140 | 3141 => {
                Self::Data
            }
            // More columns, longer rows or keys than a table can have; no such table.
            1070 | 1071 | 1072 | 1117 | 1118 | 1146 | 1170 | 1347 | 1425 | 1426 | 3750 => {
                Self::Statement
            }
            _ => match sqlstate.get(..2).unwrap_or_default() {
                "08" => Self::Unreachable,
                "28" => Self::Login,
                "40" => Self::Conflict,
                "22" => Self::Data,
                "23" => Self::Constraint,
                "42" | "3D" | "0A" => Self::Statement,
                _ => Self::Internal,
            },
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
    if let Some(mysql) = answer.try_downcast_ref::<MySqlDatabaseError>() {
        return format!("{text} (error {})", mysql.number());
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
    fn mysql_numbers_have_the_class_that_decides_the_messages_fate() {
        for (number, sqlstate, class) in [
            (1053, "08S01", FailureClass::Outage),
            (1045, "28000", FailureClass::Outage),
            (1044, "42000", FailureClass::Outage),
            (1049, "42000", FailureClass::Outage),
            (1290, "HY000", FailureClass::Outage),
            (1836, "HY000", FailureClass::Outage),
            (1021, "HY000", FailureClass::Outage),
            (1114, "HY000", FailureClass::Outage),
            (1040, "08004", FailureClass::Throttled),
            (1203, "42000", FailureClass::Throttled),
            (1213, "40001", FailureClass::Transient),
            (1205, "HY000", FailureClass::Transient),
            (1317, "70100", FailureClass::Transient),
            (1969, "70100", FailureClass::Transient),
            (3024, "HY000", FailureClass::Transient),
            (1030, "HY000", FailureClass::Transient),
            (1142, "42000", FailureClass::Denied),
            (1062, "23000", FailureClass::Contract),
            (1153, "08S01", FailureClass::Contract),
            (1264, "22003", FailureClass::Contract),
            (1406, "22001", FailureClass::Contract),
            (1064, "42000", FailureClass::Contract),
            (4025, "23000", FailureClass::Contract),
        ] {
            assert_eq!(Fault::of_mysql(number, sqlstate).class(), class, "{number}");
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
