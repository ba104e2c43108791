//! The rows that a replay goes through: those that an object of rejects lists.

use std::sync::Arc;

use millrace_contract::{Replay, TransformTask};
use millrace_format::RowSelection;
use millrace_lake::RejectReader;
use millrace_storage::ObjectRef;

use crate::TransformError;
use crate::run::Lake;

/// The only rows that a task is about, if it is not about all of its file.
///
/// # Errors
/// [`TransformError::Rejects`] if they can't be read, and
/// [`TransformError::Rules`] if they are too many to go through one by one.
pub(crate) async fn selection(
    lake: &Lake,
    task: &TransformTask,
) -> Result<Option<RowSelection>, TransformError> {
    let Some(Replay::Rejects { key, .. }) = &task.replay else { return Ok(None) };
    let object = ObjectRef::latest(&lake.curated, key);
    let mut rejects = RejectReader::open(Arc::clone(&lake.storage), object).await?;
    let mut rows = RowSelection::default();
    while let Some(reject) = rejects.next().await? {
        rows.add(&reject).map_err(|error| TransformError::Rules(error.to_string()))?;
    }
    Ok(Some(rows))
}
