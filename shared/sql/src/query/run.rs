//! Carries a query out.

use std::io;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use futures::StreamExt;
use millrace_format::ReshapeError;

use super::output::conform;
use super::reshaping::Feed;
use super::session::session;
use crate::message::message;

/// What a query is carried out by.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) plan: LogicalPlan,
    /// Names and types of the rows that come out.
    pub(crate) schema: SchemaRef,
    /// Bytes it may take before it goes on on disk.
    pub(crate) memory: u64,
}

/// The rows of a query over tables, as they come.
pub struct QueryRows(pub(crate) super::reshaping::Conversation);

impl Iterator for QueryRows {
    type Item = Result<RecordBatch, ReshapeError>;

    fn next(&mut self) -> Option<Self::Item> {
        use millrace_format::Reshaping;
        self.0.next().transpose()
    }
}

impl Work {
    /// Runs on the calling thread and gives every batch to `take`, until that
    /// wants no more.
    pub(crate) fn run(
        self,
        feed: Feed,
        take: &dyn Fn(RecordBatch) -> bool,
    ) -> Result<(), ReshapeError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ReshapeError::Disk)?;
        runtime.block_on(async {
            let refused = |fault: super::SqlFault| ReshapeError::Refused(fault.to_string());
            let state = session(self.memory, Arc::new(feed)).map_err(refused)?;
            let failed = |error: DataFusionError| reshape_error(&error, self.memory);
            let plan = state.create_physical_plan(&self.plan).await.map_err(failed)?;
            let mut rows = execute_stream(plan, state.task_ctx()).map_err(failed)?;
            while let Some(batch) = rows.next().await {
                let batch = conform(&batch.map_err(failed)?, &self.schema)
                    .map_err(|error| failed(error.into()))?;
                if batch.num_rows() > 0 && !take(batch) {
                    return Ok(());
                }
            }
            Ok(())
        })
    }
}

/// Whose fault an error is, and what can be done about it.
fn reshape_error(error: &DataFusionError, memory: u64) -> ReshapeError {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => ReshapeError::Refused(format!(
            "it needs more than the {} MiB of memory it has; set a higher `memory` beside `sql`, \
             or join and group fewer rows",
            memory >> 20
        )),
        DataFusionError::IoError(error) => {
            ReshapeError::Disk(io::Error::new(error.kind(), error.to_string()))
        }
        DataFusionError::External(error) => match error.downcast_ref::<io::Error>() {
            Some(error) => ReshapeError::Source(io::Error::new(error.kind(), error.to_string())),
            None => ReshapeError::Refused(error.to_string()),
        },
        _ => ReshapeError::Refused(message(error)),
    }
}
