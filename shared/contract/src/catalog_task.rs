//! What starts the catalog stage: something in the lake changed.

use serde::{Deserialize, Serialize};

use crate::TaskError;
use crate::task::{decode, encode};

/// Bring the table of this dataset up to date.
///
/// It says which dataset, not what changed: what is live is read when the message is
/// handled, so that one that comes late or twice does no harm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogTask {
    /// Name of the dataset.
    pub dataset: String,
}

impl CatalogTask {
    /// For a dataset.
    pub fn new(dataset: impl Into<String>) -> Self {
        Self { dataset: dataset.into() }
    }

    /// The message body: JSON with `version` and `task` beside the fields.
    pub fn to_message(&self) -> String {
        encode("catalog", self)
    }

    /// Reads a message body.
    ///
    /// # Errors
    /// [`TaskError`] if it is not JSON, another task, another version, or lacks a
    /// field.
    pub fn from_message(body: &str) -> Result<Self, TaskError> {
        decode("catalog", body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_dataset_and_another_task_is_refused() {
        let task = CatalogTask::new("orders");
        assert_eq!(task.to_message(), r#"{"version":1,"task":"catalog","dataset":"orders"}"#);
        assert_eq!(CatalogTask::from_message(&task.to_message()).expect("a task"), task);
        assert!(CatalogTask::from_message(r#"{"version":1,"task":"load"}"#).is_err());
    }
}
