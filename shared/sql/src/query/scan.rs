//! Tables as DataFusion reads them: the rows of a file, which come when they
//! come and once, and whole tables.

use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Statistics, internal_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
};
use futures::{StreamExt, stream};

use super::prune::Parts;
use super::reshaping::Feed;
use super::table::Table;

/// Rows that a file is taken to have, more than any table beside it: where both
/// are joined, the table is what is kept in memory.
const MANY_ROWS: usize = 1 << 40;

/// Where the rows of a table come from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// From the file, by the [`Feed`] of the session.
    Input,
    /// From a table.
    Table(Arc<dyn Table>),
}

/// A table of a query.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) source: Source,
    /// Its columns as they are shown.
    pub(crate) schema: SchemaRef,
}

#[async_trait]
impl TableProvider for Scanned {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all = || (0..self.schema.fields().len()).collect();
        let columns = projection.cloned().unwrap_or_else(all);
        let schema = Arc::new(self.schema.project(&columns)?);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let source = self.source.clone();
        let parts = self.parts().map(|parts| parts.remaining(filters, session));
        Ok(Arc::new(Scan { source, columns, parts, schema, properties: Arc::new(properties) }))
    }

    /// Rows are filtered after the scan all the same: filters tell it what not to
    /// read.
    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let parts = self.parts();
        let pushdown = |filter: &&Expr| match &parts {
            Some(parts) if parts.can_judge(filter) => TableProviderFilterPushDown::Inexact,
            Some(_) | None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(pushdown).collect())
    }
}

impl Scanned {
    /// What it is made of, if it is made of anything.
    fn parts(&self) -> Option<Parts<'_>> {
        match &self.source {
            Source::Table(table) if !table.parts().is_empty() => {
                Some(Parts::of(table.as_ref(), &self.schema))
            }
            Source::Table(_) | Source::Input => None,
        }
    }
}

/// Some columns of a table.
#[derive(Debug)]
struct Scan {
    source: Source,
    columns: Vec<usize>,
    /// The parts to read, of a table that is made of such.
    parts: Option<Vec<usize>>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl DisplayAs for Scan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.source {
            Source::Input => "input",
            Source::Table(table) => table.name(),
        };
        write!(f, "Scan: {name}, columns={:?}", self.columns)?;
        match &self.parts {
            Some(parts) => write!(f, ", parts={}", parts.len()),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for Scan {
    fn name(&self) -> &str {
        "Scan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.is_empty() {
            true => Ok(self),
            false => internal_err!("a scan has no children"),
        }
    }

    fn partition_statistics(&self, _: Option<usize>) -> Result<Arc<Statistics>> {
        let rows = match &self.source {
            Source::Input => Some(MANY_ROWS),
            Source::Table(table) => {
                let rows = match &self.parts {
                    Some(read) => Some(read.iter().map(|&index| table.parts()[index].rows).sum()),
                    None => table.rows(),
                };
                rows.and_then(|rows| usize::try_from(rows).ok())
            }
        };
        let mut statistics = Statistics::new_unknown(&self.schema);
        statistics.num_rows = rows.map_or(Precision::Absent, Precision::Inexact);
        Ok(Arc::new(statistics))
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let schema = Arc::clone(&self.schema);
        match &self.source {
            Source::Input => {
                let feed = context.session_config().get_extension::<Feed>();
                let Some(rows) = feed.and_then(|feed| feed.take()) else {
                    return internal_err!("the rows of the file were asked for twice");
                };
                let columns = self.columns.clone();
                let project = move |batch: RecordBatch| batch.project(&columns);
                let shown = Arc::clone(&schema);
                let rows =
                    stream::iter(rows).map(move |batch| Ok(relabel(&project(batch)?, &shown)?));
                Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
            }
            Source::Table(table) => {
                let shown = Arc::clone(&schema);
                let columns = self.columns.clone();
                let rows = match &self.parts {
                    Some(parts) => table.scan_parts(parts.clone(), columns),
                    None => table.scan(columns),
                };
                let rows = rows.map(move |batch| {
                    let batch = batch.map_err(|error| DataFusionError::External(error.into()))?;
                    Ok(relabel(&batch, &shown)?)
                });
                Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
            }
        }
    }
}

/// The same rows under the names that are shown.
fn relabel(
    batch: &RecordBatch,
    schema: &SchemaRef,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), batch.columns().to_vec(), &rows)
}
