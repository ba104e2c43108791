//! What makes a text no query that can be carried out.

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use millrace_retry::{Classify, FailureClass};
use thiserror::Error;

use crate::columns::nearest;
use crate::message::message;

/// The longest query, in words and signs: its nesting decides how much stack is
/// needed to plan it and to carry it out.
pub(crate) const MOST_TOKENS: usize = 2000;

/// What is wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SqlFault {
    /// Not SQL.
    #[error("it is not a SQL query: {0}")]
    Syntax(String),
    /// Longer than can be planned.
    #[error("it has {0} words and signs, more than {MOST_TOKENS}; make it shorter")]
    TooLong(usize),
    /// Several statements, or none that only reads.
    #[error("it has to be one query, `select …` or `with … select …`; {0}")]
    NotAQuery(String),
    /// Names a table that is not there.
    #[error("there is no table `{name}`; {}", known(.nearest, .tables))]
    NoTable {
        /// The name.
        name: String,
        /// The table that is likeliest meant.
        nearest: Option<String>,
        /// The tables there are.
        tables: Vec<String>,
    },
    /// Names a column that is not there.
    #[error("there is no column `{name}`; {}", known(.nearest, .columns))]
    NoColumn {
        /// The name.
        name: String,
        /// The column that is likeliest meant.
        nearest: Option<String>,
        /// The columns there are at that place.
        columns: Vec<String>,
    },
    /// Reads the rows of the file twice, or not at all.
    #[error("it reads `input` {times} times, and the rows of a file stream by once; {}", once(.times))]
    InputTimes {
        /// How often it does.
        times: usize,
    },
    /// Would not make the same rows twice.
    #[error(
        "`{0}` does not give the same value every time, and a file that is read again has to \
         become the same rows; use a fixed value or a column"
    )]
    Changing(String),
    /// An expression without a name.
    #[error("column {position} is `{text}` and has no name; write `{text} as name`")]
    Unnamed {
        /// Position, from 1.
        position: usize,
        /// The expression.
        text: String,
    },
    /// Two columns of one name.
    #[error("two columns are named `{0}`; give one another name, as in `{0} as other`")]
    Duplicate(String),
    /// A column of a type that has no place in a table.
    #[error("column `{column}` is of type {kind}, which is not written; write `{instead}`")]
    Type {
        /// The column.
        column: String,
        /// Its type.
        kind: String,
        /// What to write instead.
        instead: String,
    },
    /// A column that is needed and does not come out of it.
    #[error("{of} names `{name}`, which the query does not give; it gives {}", .columns.join(", "))]
    NotGiven {
        /// What names it.
        of: String,
        /// The name.
        name: String,
        /// The columns it gives.
        columns: Vec<String>,
    },
    /// Does not type, or fails whatever the rows are.
    #[error("{0}")]
    Refused(String),
    /// Reads a dataset that nobody waits for.
    #[error("it reads `{0}` where that is not seen; write `from` with all that it reads")]
    NotSeen(String),
    /// The operating system gives no thread.
    #[error("it cannot be planned now: {0}")]
    NoThread(String),
}

impl Classify for SqlFault {
    fn class(&self) -> FailureClass {
        match self {
            Self::NoThread(_) => FailureClass::Transient,
            Self::Syntax(_)
            | Self::TooLong(_)
            | Self::NotAQuery(_)
            | Self::NoTable { .. }
            | Self::NoColumn { .. }
            | Self::InputTimes { .. }
            | Self::Changing(_)
            | Self::Unnamed { .. }
            | Self::Duplicate(_)
            | Self::Type { .. }
            | Self::NotGiven { .. }
            | Self::NotSeen(_)
            | Self::Refused(_) => FailureClass::Contract,
        }
    }
}

impl SqlFault {
    /// There is no table `name` among `tables`.
    pub fn no_table(name: String, tables: &[String]) -> Self {
        let nearest = nearest(&name, tables.iter().map(String::as_str)).map(str::to_owned);
        Self::NoTable { nearest, name, tables: tables.to_vec() }
    }
}

impl From<DataFusionError> for SqlFault {
    fn from(error: DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::SQL(..) => Self::Syntax(message(&error)),
            DataFusionError::SchemaError(schema, _) => of_schema(schema),
            _ => of_message(message(&error)),
        }
    }
}

fn of_schema(schema: &SchemaError) -> SqlFault {
    match schema {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let columns: Vec<String> =
                valid_fields.iter().map(|field| field.name().to_owned()).collect();
            let name = field.name().to_owned();
            let nearest = nearest(&name, columns.iter().map(String::as_str)).map(str::to_owned);
            SqlFault::NoColumn { nearest, name, columns }
        }
        SchemaError::DuplicateQualifiedField { name, .. }
        | SchemaError::DuplicateUnqualifiedField { name } => SqlFault::Duplicate(name.clone()),
        SchemaError::AmbiguousReference { field } => SqlFault::Refused(format!(
            "column `{0}` is in several tables, or given twice; write which, as in `input.{0}`, or \
             give one another name, as in `{0} as other`",
            field.name()
        )),
    }
}

/// Some messages are written for those who work on DataFusion.
fn of_message(message: String) -> SqlFault {
    if let Some(at) = message.find("No function matches") {
        return SqlFault::Refused(message[at..].to_owned());
    }
    let twice = "Projections require unique expression names but the expression \"";
    match message.strip_prefix(twice).and_then(|rest| rest.split('"').next()) {
        Some(name) => SqlFault::Duplicate(name.rsplit('.').next().unwrap_or(name).to_owned()),
        None => SqlFault::Refused(message),
    }
}

fn once(times: &usize) -> &'static str {
    match times {
        0 => "write `from input`",
        _ => "use a window function, as in `sum(amount) over ()`",
    }
}

fn known(nearest: &Option<String>, names: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if names.is_empty() => "there are none here".to_owned(),
        None => format!("there are {}", names.join(", ")),
    }
}
