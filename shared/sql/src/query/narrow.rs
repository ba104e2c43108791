//! A query narrowed to some partitions of the rows that come out, and what then
//! has to be read.
//!
//! The optimizer moves a filter over the rows that come out towards the tables as
//! far as it changes nothing. Where it arrives at one whose parts hold one value
//! each, it says which of them the rows of a partition can come from: through
//! joins and groups by that column, and not through a limit, say.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::catalog::default_table_source::source_as_provider;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableScan};

use super::fault::SqlFault;
use super::plan::SqlQuery;
use super::prune::Parts;
use super::reshaping::Feed;
use super::run::Work;
use super::scan::{Scanned, Source};
use super::session::session;
use crate::stack::with_query_stack;

/// Rows that share their values in some columns: each column with its value as
/// folders name it, or none for null.
pub type Partition = Vec<(String, Option<String>)>;

/// A table that a query reads, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableRead {
    /// The table.
    pub table: String,
    /// The part, where it is made of such.
    pub part: Option<String>,
    /// How many rows that has, as far as it is known.
    pub rows: Option<u64>,
}

impl SqlQuery {
    /// The same query without the rows of some partitions, among them none that
    /// [`SqlQuery::reads_of`] can't tell of.
    ///
    /// # Errors
    /// [`SqlFault`] if it can't be planned.
    pub fn except(&self, partitions: &[Partition]) -> Result<Self, SqlFault> {
        let not = |partition| self.condition(partition).map(|it| Expr::IsNotTrue(Box::new(it)));
        let conditions: Vec<Expr> = partitions.iter().filter_map(not).collect();
        let plan = match all_of(conditions) {
            Some(condition) => filtered(&self.work.plan, condition)?,
            None => self.work.plan.clone(),
        };
        let (sql, columns) = (self.sql.clone(), self.columns.clone());
        Ok(Self { sql, columns, work: Work { plan, ..self.work.clone() } })
    }

    /// What has to be read to answer it.
    ///
    /// # Errors
    /// [`SqlFault`] if it can't be planned.
    pub fn reads(&self) -> Result<BTreeSet<TableRead>, SqlFault> {
        self.on_stack(|state| reads(state, &self.work.plan))
    }

    /// For each partition, what has to be read for the rows of it alone: nothing
    /// else has a say in them. None where its values do not say whose they are.
    ///
    /// # Errors
    /// [`SqlFault`] if it can't be planned.
    pub fn reads_of(
        &self,
        partitions: &[Partition],
    ) -> Result<Vec<Option<BTreeSet<TableRead>>>, SqlFault> {
        let of = |state: &SessionState, partition: &Partition| {
            let Some(condition) = self.condition(partition) else { return Ok(None) };
            reads(state, &filtered(&self.work.plan, condition)?).map(Some)
        };
        self.on_stack(|state| partitions.iter().map(|partition| of(state, partition)).collect())
    }

    fn on_stack<T: Send>(
        &self,
        work: impl FnOnce(&SessionState) -> Result<T, SqlFault> + Send,
    ) -> Result<T, SqlFault> {
        let work = || work(&session(self.work.memory, Arc::new(Feed::empty()))?);
        with_query_stack(work).map_err(|error| SqlFault::NoThread(error.to_string()))?
    }

    /// What holds for the rows of a partition and for no others.
    fn condition(&self, partition: &Partition) -> Option<Expr> {
        let schema = self.work.plan.schema();
        let conditions = partition.iter().map(|(name, value)| {
            let index = self.columns.iter().position(|column| column.name == *name)?;
            let value = literal(value.as_deref()?, schema.field(index).data_type())?;
            let column = Expr::Column(schema.columns().into_iter().nth(index)?);
            Some(column.eq(Expr::Literal(value, None)))
        });
        all_of(conditions.collect::<Option<Vec<Expr>>>()?)
    }
}

/// The one value of a type that a folder names so. None for types of which several
/// values may have the same name.
fn literal(text: &str, data_type: &DataType) -> Option<ScalarValue> {
    let is_exact = data_type.is_integer()
        || matches!(
            data_type,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Date32
        );
    let of_text = ScalarValue::from(text);
    let value = is_exact.then(|| of_text.cast_to(data_type).ok())??;
    let back = value.cast_to(&DataType::Utf8).ok()?;
    (back == of_text).then_some(value)
}

fn filtered(plan: &LogicalPlan, condition: Expr) -> Result<LogicalPlan, SqlFault> {
    Ok(LogicalPlanBuilder::from(plan.clone()).filter(condition)?.build()?)
}

/// All conditions together, as a tree that is no deeper than it has to be.
fn all_of(mut conditions: Vec<Expr>) -> Option<Expr> {
    if conditions.len() < 2 {
        return conditions.pop();
    }
    let rest = conditions.split_off(conditions.len() / 2);
    Some(all_of(conditions)?.and(all_of(rest)?))
}

fn reads(state: &SessionState, plan: &LogicalPlan) -> Result<BTreeSet<TableRead>, SqlFault> {
    let plan = state.optimize(plan)?;
    let mut found = BTreeSet::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            found.extend(read_by(state, scan)?);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

fn read_by(state: &SessionState, scan: &TableScan) -> datafusion::error::Result<Vec<TableRead>> {
    let provider = source_as_provider(&scan.source)?;
    let Some(Scanned { source: Source::Table(table), schema }) = provider.downcast_ref() else {
        let table = scan.table_name.table().to_owned();
        return Ok(vec![TableRead { table, part: None, rows: None }]);
    };
    let name = || table.name().to_owned();
    if table.parts().is_empty() {
        return Ok(vec![TableRead { table: name(), part: None, rows: table.rows() }]);
    }
    let remaining = Parts::of(table.as_ref(), schema).remaining(&scan.filters, state);
    let parts = remaining.into_iter().filter_map(|index| table.parts().get(index));
    let read = |part: &super::table::Part| TableRead {
        table: name(),
        part: Some(part.name.clone()),
        rows: Some(part.rows),
    };
    Ok(parts.map(read).collect())
}
