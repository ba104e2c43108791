//! DataFusion's errors, as one line for a person.

use datafusion::error::DataFusionError;

/// What DataFusion puts before its messages.
const KINDS: [&str; 8] = [
    "Error during planning: ",
    "Arrow error: ",
    "Execution error: ",
    "Schema error: ",
    "This feature is not implemented: ",
    "type_coercion caused by ",
    "Optimizer rule 'simplify_expressions' failed caused by ",
    "sql parser error: ",
];

/// The message of an error, without its kind.
pub(crate) fn message(error: &DataFusionError) -> String {
    let text = match error.find_root() {
        DataFusionError::SQL(error, _) => error.to_string(),
        other => other.strip_backtrace(),
    };
    let line = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let mut message = line.as_str();
    while let Some(rest) = KINDS.into_iter().find_map(|kind| message.strip_prefix(kind)) {
        message = rest;
    }
    message.to_owned()
}
