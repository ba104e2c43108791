//! What makes a text no rule over a row.

use thiserror::Error;

/// An expectation that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("rule `{rule}`: {fault}")]
pub struct RuleProblem {
    /// Position among the dataset's expectations, from 0.
    pub index: usize,
    /// The rule as it is written.
    pub rule: String,
    /// What is wrong with it.
    pub fault: RuleFault,
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
        "{0} looks at more than one row, and a rule is about one; not available in this version"
    )]
    BeyondTheRow(String),
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

fn known(nearest: &Option<String>, columns: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if columns.is_empty() => "no columns are declared".to_owned(),
        None => format!("the columns are {}", columns.join(", ")),
    }
}
