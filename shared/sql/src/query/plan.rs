//! From a query's text to a plan that is known to be possible.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::TableReference;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::context::SQLOptions;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility, utils::merge_schema};
use millrace_contract::{Captures, ColumnDef, DataType, SqlTransform};
use millrace_format::{Reshape, ReshapeError, Reshaping, arrow_schema};

use super::fault::SqlFault;
use super::names::Names;
use super::output::table_schema;
use super::parse::{Parsed, parse};
use super::reshaping::{Conversation, Feed};
use super::run::{QueryRows, Work};
use super::scan::{Scanned, Source};
use super::session::session;
use super::table::Table;
use super::{INPUT, output};
use crate::refuse;
use crate::stack::with_query_stack;

/// A query that can be carried out.
#[derive(Debug)]
pub struct SqlQuery {
    pub(super) sql: String,
    pub(super) columns: Vec<ColumnDef>,
    pub(super) work: Work,
}

impl SqlQuery {
    /// Plans a dataset's SQL over a file's columns and captures, and over
    /// `tables`.
    ///
    /// # Errors
    /// [`SqlFault`]: what is wrong with it.
    pub fn over_input(
        transform: &SqlTransform,
        columns: &[ColumnDef],
        captures: &Captures,
        tables: &[Arc<dyn Table>],
    ) -> Result<Self, SqlFault> {
        let input = table_schema(&with_captures(columns, captures));
        let wanted = Wanted::Rewrite(&input);
        plan_on_stack(&transform.sql, transform.memory, wanted, tables)
    }

    /// Plans a derived dataset's SQL over the tables it is made of.
    ///
    /// # Errors
    /// [`SqlFault`]: what is wrong with it.
    pub fn over_datasets(
        transform: &SqlTransform,
        tables: &[Arc<dyn Table>],
    ) -> Result<Self, SqlFault> {
        plan_on_stack(&transform.sql, transform.memory, Wanted::Dataset, tables)
    }

    /// Plans a query over tables alone.
    ///
    /// # Errors
    /// [`SqlFault`]: what is wrong with it.
    pub fn over_tables(
        sql: &str,
        memory: u64,
        tables: &[Arc<dyn Table>],
    ) -> Result<Self, SqlFault> {
        plan_on_stack(sql, memory, Wanted::Answer, tables)
    }

    /// The columns it gives, where it makes rows to keep.
    pub fn columns(&self) -> &[ColumnDef] {
        &self.columns
    }

    /// Schema of the rows it gives.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.work.schema)
    }

    /// Carries it out, for one over tables alone.
    ///
    /// # Errors
    /// [`ReshapeError::Disk`] if there is no thread for it.
    pub fn rows(&self) -> Result<QueryRows, ReshapeError> {
        self.start_work().map(QueryRows)
    }

    fn start_work(&self) -> Result<Conversation, ReshapeError> {
        let work = self.work.clone();
        Conversation::start(move |feed, take| work.run(feed, take))
    }
}

impl Reshape for SqlQuery {
    fn text(&self) -> &str {
        &self.sql
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.work.schema)
    }

    fn start(&self) -> Result<Box<dyn Reshaping>, ReshapeError> {
        Ok(Box::new(self.start_work()?))
    }
}

/// Those of `known` that a query names, other than `input`; a query that cannot
/// be parsed names none, and planning it says why.
pub fn tables_named(sql: &str, known: &[String]) -> Vec<String> {
    let named = || {
        let state = session(SqlTransform::DEFAULT_MEMORY, Arc::new(Feed::empty()))?;
        let mut names = Names::default();
        let shown: Vec<String> = known.iter().map(|name| names.show_table(name)).collect();
        let statement = parse(sql, &names)?.statement;
        let references = state.resolve_table_references(&statement)?;
        let is_named = |shown: &String| references.iter().any(|name| name.table() == shown);
        let found =
            known.iter().zip(&shown).filter(|(_, shown)| *shown != INPUT && is_named(shown));
        Ok::<_, SqlFault>(found.map(|(name, _)| name.clone()).collect())
    };
    with_query_stack(named).ok().and_then(Result::ok).unwrap_or_default()
}

/// The columns of a file, those its path gives among them.
pub(crate) fn with_captures(columns: &[ColumnDef], captures: &Captures) -> Vec<ColumnDef> {
    let schema = arrow_schema(columns, captures);
    let captured = schema.fields().iter().skip(columns.len());
    let captured = captured.map(|field| ColumnDef::new(field.name(), DataType::String));
    columns.iter().cloned().chain(captured).collect()
}

/// What a query is for.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    /// Rows to keep, made of those of a file with these columns.
    Rewrite(&'a SchemaRef),
    /// Rows to keep, made of tables.
    Dataset,
    /// Rows to look at.
    Answer,
}

impl<'a> Wanted<'a> {
    fn input(self) -> Option<&'a SchemaRef> {
        match self {
            Self::Rewrite(input) => Some(input),
            Self::Dataset | Self::Answer => None,
        }
    }

    /// Whether the same rows have to come out every time.
    fn is_kept(self) -> bool {
        match self {
            Self::Rewrite(_) | Self::Dataset => true,
            Self::Answer => false,
        }
    }
}

fn plan_on_stack(
    sql: &str,
    memory: u64,
    wanted: Wanted<'_>,
    tables: &[Arc<dyn Table>],
) -> Result<SqlQuery, SqlFault> {
    with_query_stack(|| futures::executor::block_on(plan(sql, memory, wanted, tables)))
        .map_err(|error| SqlFault::NoThread(error.to_string()))?
}

async fn plan(
    sql: &str,
    memory: u64,
    wanted: Wanted<'_>,
    tables: &[Arc<dyn Table>],
) -> Result<SqlQuery, SqlFault> {
    let input = wanted.input();
    let state = session(memory, Arc::new(Feed::empty()))?;
    let names = register(&state, input, tables)?;
    let Parsed { statement, aliases, texts } = parse(sql, &names)?;
    let known = known_tables(input, tables);
    for table in state.resolve_table_references(&statement)? {
        // `generate_series` and the like.
        if !state.table_functions().contains_key(table.table()) {
            check_table(&table, &known)?;
        }
    }
    let plan = state.statement_to_plan(statement).await?;
    let only_reads =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    only_reads.verify_plan(&plan)?;
    check_plan(&plan, wanted)?;
    let physical = state.create_physical_plan(&plan).await?;
    let (columns, schema) = match wanted.is_kept() {
        true => {
            let columns = output::columns(&physical.schema(), &names, &aliases, &texts)?;
            let schema = arrow_schema(&columns, &Captures::new());
            (columns, schema)
        }
        false => (Vec::new(), output::real(&physical.schema(), &names)),
    };
    Ok(SqlQuery { sql: sql.to_owned(), columns, work: Work { plan, schema, memory } })
}

/// Makes the tables known to a session under the names that are shown.
fn register(
    state: &SessionState,
    input: Option<&SchemaRef>,
    tables: &[Arc<dyn Table>],
) -> Result<Names, SqlFault> {
    let mut names = Names::default();
    let input = input.map(|schema| (INPUT, Arc::clone(schema), Source::Input));
    let tables =
        tables.iter().map(|table| (table.name(), table.schema(), Source::Table(Arc::clone(table))));
    let mut shown_tables = HashMap::new();
    for (name, schema, source) in input.into_iter().chain(tables) {
        let schema = output::shown(&schema, &mut names);
        shown_tables.entry(name.to_owned()).or_insert(Scanned { source, schema });
    }
    for (name, table) in shown_tables {
        let shown = names.show_table(&name);
        let place = state.schema_for_ref(TableReference::bare(shown.as_str()))?;
        place.register_table(shown, Arc::new(table))?;
    }
    Ok(names)
}

fn known_tables(input: Option<&SchemaRef>, tables: &[Arc<dyn Table>]) -> Vec<String> {
    let input = input.map(|_| INPUT.to_owned());
    input.into_iter().chain(tables.iter().map(|table| table.name().to_owned())).collect()
}

fn check_table(table: &TableReference, known: &[String]) -> Result<(), SqlFault> {
    let name = table.table();
    let bare = matches!(table, TableReference::Bare { .. });
    if bare && known.iter().any(|known| known.to_ascii_lowercase() == name) {
        return Ok(());
    }
    Err(SqlFault::no_table(table.to_string(), known))
}

/// Refuses what would not make the same rows twice, what compares texts with
/// numbers, and reading the rows of the file more than once.
fn check_plan(plan: &LogicalPlan, wanted: Wanted<'_>) -> Result<(), SqlFault> {
    let mut fault = None;
    let mut scans = 0;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            scans += usize::from(scan.table_name.table() == INPUT);
        }
        fault = check_node(node, wanted.is_kept())?.err();
        Ok(if fault.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    match fault {
        Some(fault) => Err(fault),
        None if wanted.input().is_some() && scans != 1 => {
            Err(SqlFault::InputTimes { times: scans })
        }
        None => Ok(()),
    }
}

fn check_node(
    node: &LogicalPlan,
    repeatable: bool,
) -> datafusion::error::Result<Result<(), SqlFault>> {
    let schema = merge_schema(&node.inputs());
    let mut fault = None;
    node.apply_expressions(|expr| {
        expr.apply(|part| {
            fault = changing(part).filter(|_| repeatable).map(SqlFault::Changing);
            if fault.is_none()
                && let Err(clash) = refuse::check_comparison(part, &schema)
            {
                fault = Some(SqlFault::Refused(clash.to_string()));
            }
            Ok(if fault.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })
    })?;
    Ok(fault.map_or(Ok(()), Err))
}

/// A function that does not give the same value every time.
fn changing(expr: &Expr) -> Option<String> {
    let (name, volatility) = match expr {
        Expr::ScalarFunction(call) => (call.func.name(), call.func.signature().volatility),
        Expr::AggregateFunction(call) => (call.func.name(), call.func.signature().volatility),
        _ => return None,
    };
    (volatility != Volatility::Immutable).then(|| format!("{name}()"))
}
