//! What makes a text no rule over a row.

use thiserror::Error;

/// An expectation, or a filter, that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} `{rule}`: {fault}", if index.is_some() { "rule" } else { "where" })]
pub struct RuleProblem {
    /// Position among the dataset's expectations, from 0; none for its filter.
    pub index: Option<usize>,
    /// The rule as it is written.
    pub rule: Box<str>,
    /// What is wrong with it.
    pub fault: RuleFault,
}

impl RuleProblem {
    /// Where in the dataset's table of the pipeline file the rule stands.
    pub fn key(&self) -> String {
        match self.index {
            Some(index) => format!("expect[{index}].rule"),
            None => "where".to_owned(),
        }
    }
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RuleFault {
    /// Not a SQL expression.
    #[error("it is not a SQL condition: {0}")]
    Syntax(String),
    /// Longer than anything that is read with profit.
    #[error("it has {0} words and signs, more than {MOST_TOKENS}; split it into several rules")]
    TooLong(usize),
    /// Names a column the rows do not have.
    #[error("there is no column `{name}`; {}", known(.nearest, .columns))]
    NoColumn {
        /// The name.
        name: String,
        /// The column that is likeliest meant.
        nearest: Option<String>,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// Its value is not true or false.
    #[error("it is of type {0}, not true or false; compare it with something, as in `amount > 0`")]
    NotACondition(String),
    /// Looks beyond the row.
    #[error(
        "{0} looks at more than one row, and a condition is about one; what is said of the file \
         stands alone, as `unique(id)`, `row_count > 0`, `max_age(at) <= interval '2 days'` or \
         `references(id, dataset.column)`"
    )]
    BeyondTheRow(String),
    /// Is about more than a row, and not written as such a rule is.
    #[error("write it as {0}")]
    Form(&'static str),
    /// Is about the whole file, and shall reject a row.
    #[error(
        "it is about the whole file, so there is no row to reject; write `on_fail = \
         \"reject_file\"` or `on_fail = \"warn\"`"
    )]
    NoRowToReject,
    /// Refers to a dataset that is not there.
    #[error("there is no dataset `{name}`; {}", known_datasets(.nearest))]
    NoDataset {
        /// The name.
        name: String,
        /// The dataset that is likeliest meant.
        nearest: Option<String>,
    },
    /// Refers to what has no keys.
    #[error("{0}")]
    Reference(String),
    /// Would not say the same twice.
    #[error(
        "`{0}` does not give the same value every time, and a file that is read again has to be \
         judged as before; compare with a fixed value"
    )]
    Changing(String),
    /// Compares two things that have no order between them.
    #[error("it compares {left} with {right}, {why}; {advice}")]
    Comparison {
        /// The one side.
        left: String,
        /// The other side.
        right: String,
        /// What would come of it.
        why: &'static str,
        /// What to write instead.
        advice: String,
    },
    /// The operating system gives no thread to compile on.
    #[error("it cannot be compiled now: {0}")]
    NoThread(String),
    /// Does not type, or fails for every row.
    #[error("{0}")]
    Refused(String),
}

/// The longest rule, in words and signs: its nesting decides how much stack is
/// needed to compile and to evaluate it.
pub(crate) const MOST_TOKENS: usize = 300;

fn known_datasets(nearest: &Option<String>) -> String {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => "a reference is to another dataset of this pipeline".to_owned(),
    }
}

fn known(nearest: &Option<String>, columns: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if columns.is_empty() => "no columns are declared".to_owned(),
        None => format!("the columns are {}", columns.join(", ")),
    }
}
