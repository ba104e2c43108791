//! Where the rows of charts come from: the warehouse, or the lake.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use millrace_chart::Rows;
use millrace_contract::{ExportSource, QueryPiece, ReportChart};
use millrace_lake::tables_of;
use millrace_ledger::{Database, Ledger};
use millrace_retry::FailureClass;
use millrace_runtime::{Failed, Failure};
use millrace_sql::{SqlFault, SqlQuery};
use millrace_storage::Storage;
use millrace_warehouse::export::{Extract, open};

/// Bytes that a query over the lake takes before it goes on on disk.
const LAKE_MEMORY: u64 = 128 << 20;

/// Where rows come from.
#[derive(Clone)]
pub enum Source {
    /// A database, read in its own SQL.
    Warehouse(Database),
    /// The live files of datasets, read by DataFusion.
    Lake(Lake),
}

/// The lake as a source.
#[derive(Clone)]
pub struct Lake {
    /// Knows which files live.
    pub ledger: Ledger,
    /// Has them.
    pub storage: Arc<dyn Storage>,
    /// Names of the datasets.
    pub datasets: Vec<String>,
}

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Rows at most.
    pub(crate) rows: usize,
    /// How long a query may take.
    pub(crate) time: Duration,
}

impl Source {
    /// The rows of a chart's query.
    pub(crate) async fn rows(
        &self,
        chart: &ReportChart,
        bound: &[String],
        bounds: Bounds,
    ) -> Result<Rows, Failed> {
        let reading = async {
            match self {
                Self::Warehouse(database) => of_warehouse(database, chart, bound, bounds).await,
                Self::Lake(lake) => lake.rows(chart, bound, bounds.rows).await,
            }
        };
        // A database ends a statement by itself, which is an error as any to it; what
        // waits for a connection, or computes here, has this bound.
        let clock = Instant::now();
        match tokio::time::timeout(bounds.time, reading).await {
            Ok(Err(Failed::Verdict(failure)))
                if failure.class.is_retryable() && clock.elapsed() >= bounds.time =>
            {
                Err(too_long(bounds.time))
            }
            Ok(read) => read,
            Err(_) => Err(too_long(bounds.time)),
        }
    }
}

fn too_long(limit: Duration) -> Failed {
    Failed::Verdict(Failure::new(
        FailureClass::Transient,
        format!(
            "the query took longer than {} s; make it faster, or raise `timeout`",
            limit.as_secs_f64()
        ),
    ))
}

impl Lake {
    async fn rows(
        &self,
        chart: &ReportChart,
        bound: &[String],
        most: usize,
    ) -> Result<Rows, Failed> {
        let Self { ledger, storage, datasets } = self;
        let sql = with_values(&chart.query, bound);
        let tables = tables_of(ledger, storage, &sql, datasets).await?;
        let query = SqlQuery::over_tables(&sql, LAKE_MEMORY, &tables);
        let query = query.map_err(|fault| Failed::contract(said(fault, datasets)))?;
        let stop = StopOnDrop::default();
        let stopped = Arc::clone(&stop.0);
        let reading = tokio::task::spawn_blocking(move || collect(&query, most, &stopped));
        match reading.await {
            Ok(rows) => rows,
            Err(error) => Err(Failed::contract(format!("the query ended early: {error}"))),
        }
    }
}

/// Tells a query that nobody waits for any more to end.
#[derive(Default)]
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A table that is not there, beside those that are.
fn said(fault: SqlFault, datasets: &[String]) -> String {
    match fault {
        SqlFault::NoTable { name, .. } => SqlFault::no_table(name, datasets).to_string(),
        fault => fault.to_string(),
    }
}

fn collect(query: &SqlQuery, most: usize, stopped: &AtomicBool) -> Result<Rows, Failed> {
    let failed = |error: millrace_format::ReshapeError| match error {
        refused @ millrace_format::ReshapeError::Refused(_) => Failed::contract(refused),
        other @ (millrace_format::ReshapeError::Source(_)
        | millrace_format::ReshapeError::Disk(_)) => {
            Failed::Verdict(Failure::new(FailureClass::Transient, other.to_string()))
        }
    };
    let mut rows = Rows::new(&query.schema(), most);
    for batch in query.rows().map_err(failed)? {
        let batch = batch.map_err(failed)?;
        let is_enough = !rows.push(&batch).map_err(Failed::contract)?;
        if is_enough || stopped.load(Ordering::Relaxed) {
            break;
        }
    }
    Ok(rows)
}

async fn of_warehouse(
    database: &Database,
    chart: &ReportChart,
    bound: &[String],
    bounds: Bounds,
) -> Result<Rows, Failed> {
    let extract = Extract {
        source: &chart.query,
        bound,
        growing: None,
        split: None,
        types: &BTreeMap::new(),
        most: Some(bounds.time),
    };
    let mut snapshot = open(database, &extract).await?;
    let mut rows = Rows::new(&snapshot.schema, bounds.rows);
    for part in &mut snapshot.parts {
        while let Some(batch) = part.next().await? {
            if !rows.push(&batch).map_err(Failed::contract)? {
                return Ok(rows);
            }
        }
    }
    Ok(rows)
}

/// The query with its values as literals, which the lake's SQL, unlike a database's,
/// takes only so. In a text of standard SQL nothing but the quote has a meaning.
fn with_values(query: &ExportSource, bound: &[String]) -> String {
    let names = query.parameters();
    let ExportSource::Query(pieces) = query else { return String::new() };
    let piece = |piece: &QueryPiece| match piece {
        QueryPiece::Sql(sql) => sql.clone(),
        QueryPiece::Parameter(name) => {
            let position = names.iter().position(|known| known == name);
            let value = position.and_then(|position| bound.get(position));
            format!("'{}'", value.map(String::as_str).unwrap_or_default().replace('\'', "''"))
        }
    };
    pieces.iter().map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_never_more_than_a_text() {
        let query = ExportSource::Query(vec![
            QueryPiece::Sql("select * from t where a = ".into()),
            QueryPiece::Parameter("user".into()),
            QueryPiece::Sql(" or b = ".into()),
            QueryPiece::Parameter("user".into()),
        ]);
        let sql = with_values(&query, &["x' or '1'='1".to_owned()]);
        assert_eq!(sql, "select * from t where a = 'x'' or ''1''=''1' or b = 'x'' or ''1''=''1'");
    }
}
