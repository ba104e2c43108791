//! `millrace query SQL`: SQL over the lake's datasets, or over Parquet files of
//! this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use millrace_format::partition_path;
use millrace_lake::{LakeTable, ParquetFolder, TableError, live_files};
use millrace_ledger::Ledger;
use millrace_sql::{SqlFault, SqlQuery, Table, tables_named, type_name};
use millrace_storage::{S3Storage, Storage};

use crate::args::{QueryArgs, RowFormat};
use crate::exit::{INTERRUPTED, Usage};
use crate::rows::RowPrinter;
use crate::setup::{self, Setup};
use crate::show;

/// Rows of a table for people, who read no more.
const TABLE_ROWS: u64 = 1000;

/// How long a query is given to clean up after Ctrl-C.
const CLEAN_UP: Duration = Duration::from_secs(2);

pub(super) async fn run(args: QueryArgs) -> anyhow::Result<ExitCode> {
    let catalog = Catalog::open(&args).await?;
    match Asked::of(&args.sql) {
        Asked::Tables => catalog.show_tables(args.output).await,
        Asked::Describe(name) => catalog.describe(&name, args.output).await,
        Asked::Partitions(name) => catalog.show_partitions(&name, args.output).await,
        Asked::Query => query(args, &catalog).await,
    }
}

/// What is asked for.
enum Asked {
    Tables,
    Describe(String),
    Partitions(String),
    Query,
}

impl Asked {
    fn of(sql: &str) -> Self {
        let words: Vec<&str> = sql.trim().trim_end_matches(';').split_whitespace().collect();
        let is = |word: &str, wanted: &str| word.eq_ignore_ascii_case(wanted);
        match words[..] {
            [show, tables] if is(show, "show") && is(tables, "tables") => Self::Tables,
            [verb, name] if is(verb, "describe") || is(verb, "desc") => {
                Self::Describe(name.trim_matches('"').to_owned())
            }
            [show, partitions, name] if is(show, "show") && is(partitions, "partitions") => {
                Self::Partitions(name.trim_matches('"').to_owned())
            }
            _ => Self::Query,
        }
    }
}

/// Where tables come from.
enum Catalog {
    Lake { names: Vec<String>, ledger: Ledger, storage: Arc<dyn Storage> },
    Files(Vec<Arc<dyn Table>>),
}

impl Catalog {
    async fn open(args: &QueryArgs) -> anyhow::Result<Self> {
        if !args.files.is_empty() {
            return args
                .files
                .iter()
                .map(|file| open_file(file))
                .collect::<Result<_, _>>()
                .map(Self::Files);
        }
        let setup = Setup::new(&args.pipeline)?;
        let ledger = setup.ledger_to_read().await?;
        let storage = Arc::new(S3Storage::new(&setup::signed_in().await?));
        let names = setup.pipeline.datasets.iter().map(|dataset| dataset.name.clone());
        Ok(Self::Lake { names: names.collect(), ledger, storage })
    }

    fn names(&self) -> Vec<String> {
        match self {
            Self::Lake { names, .. } => names.clone(),
            Self::Files(tables) => tables.iter().map(|table| table.name().to_owned()).collect(),
        }
    }

    async fn table(&self, name: &str) -> Result<Arc<dyn Table>, TableError> {
        match self {
            Self::Lake { ledger, storage, .. } => {
                let table = LakeTable::open(ledger, Arc::clone(storage), name).await?;
                Ok(Arc::new(table))
            }
            Self::Files(tables) => {
                let table = tables.iter().find(|table| table.name() == name).cloned();
                table.ok_or_else(|| TableError::Empty(name.to_owned()))
            }
        }
    }

    /// The tables that a query names, and no other is looked at.
    async fn tables_of(&self, sql: &str) -> anyhow::Result<Vec<Arc<dyn Table>>> {
        let mut tables = Vec::new();
        for name in tables_named(sql, &self.names()) {
            tables.push(self.table(&name).await?);
        }
        Ok(tables)
    }

    async fn show_tables(&self, format: RowFormat) -> anyhow::Result<ExitCode> {
        let mut printer = RowPrinter::new(format, &["table", "rows", "columns"], &[1, 2]);
        for name in self.names() {
            let (rows, columns) = match self.table(&name).await {
                Ok(table) => (table.rows(), table.schema().fields().len()),
                Err(TableError::Empty(_)) => (Some(0), 0),
                Err(error) => return Err(error.into()),
            };
            let rows = rows.map(|rows| rows.to_string());
            printer.texts(vec![Some(name), rows, Some(columns.to_string())])?;
        }
        printer.finish()?;
        Ok(ExitCode::SUCCESS)
    }

    /// A table's name as it is written in the pipeline file.
    fn named(&self, wanted: &str) -> anyhow::Result<String> {
        let names = self.names();
        let found = names.iter().find(|name| name.eq_ignore_ascii_case(wanted)).cloned();
        found.ok_or_else(|| wrong(&SqlFault::no_table(wanted.to_owned(), &names)))
    }

    /// The folders that a dataset's files lie in, with what is in each.
    async fn show_partitions(&self, wanted: &str, format: RowFormat) -> anyhow::Result<ExitCode> {
        let name = self.named(wanted)?;
        let Self::Lake { ledger, .. } = self else {
            let why = "`show partitions` is about datasets of the lake; leave `--file` out";
            return Err(Usage(why.to_owned()).into());
        };
        let mut partitions: BTreeMap<String, [u64; 3]> = BTreeMap::new();
        for output in live_files(ledger, &name).await?.iter().flat_map(|file| &file.outputs) {
            let sums = partitions.entry(partition_path(&output.partition)).or_default();
            for (sum, value) in sums.iter_mut().zip([1, output.rows, output.bytes]) {
                *sum += value;
            }
        }
        let columns = ["partition", "files", "rows", "bytes"];
        let mut printer = RowPrinter::new(format, &columns, &[1, 2, 3]);
        for (partition, sums) in partitions {
            let numbers = sums.iter().map(|number| Some(number.to_string()));
            printer.texts(std::iter::once(Some(partition)).chain(numbers).collect())?;
        }
        printer.finish()?;
        Ok(ExitCode::SUCCESS)
    }

    async fn describe(&self, wanted: &str, format: RowFormat) -> anyhow::Result<ExitCode> {
        let table = self.table(&self.named(wanted)?).await?;
        let mut printer = RowPrinter::new(format, &["column", "type"], &[]);
        for field in table.schema().fields() {
            printer.texts(vec![Some(field.name().clone()), Some(type_name(field))])?;
        }
        printer.finish()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// `a.parquet`, `folder` or `name=folder`.
fn open_file(file: &Path) -> anyhow::Result<Arc<dyn Table>> {
    let text = file.to_string_lossy();
    let named = text.split_once('=').filter(|(name, _)| !file.exists() && !name.contains('/'));
    let (name, path) = match named {
        Some((name, path)) => (Some(name), PathBuf::from(path)),
        None => (None, file.to_owned()),
    };
    let table = ParquetFolder::open(&path).map_err(|error| Usage(error.to_string()))?;
    Ok(Arc::new(match name {
        Some(name) => table.named(name),
        None => table,
    }))
}

async fn query(args: QueryArgs, catalog: &Catalog) -> anyhow::Result<ExitCode> {
    let tables = catalog.tables_of(&args.sql).await?;
    let query = SqlQuery::over_tables(&args.sql, args.memory << 20, &tables);
    let query = query.map_err(|fault| match fault {
        SqlFault::NoTable { name, .. } => wrong(&SqlFault::no_table(name, &catalog.names())),
        fault => wrong(&fault),
    })?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let printing = tokio::task::spawn_blocking(move || print(&query, &args, &stopped));
    let mut printing = std::pin::pin!(printing);
    tokio::select! {
        outcome = &mut printing => {
            outcome??;
            Ok(ExitCode::SUCCESS)
        }
        _ = tokio::signal::ctrl_c() => {
            stop.store(true, Ordering::Relaxed);
            // What it has on disk goes with it, if it comes to its end in time.
            let _ = tokio::time::timeout(CLEAN_UP, printing).await;
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

fn wrong(fault: &SqlFault) -> anyhow::Error {
    Usage(fault.to_string()).into()
}

fn print(query: &SqlQuery, args: &QueryArgs, stop: &AtomicBool) -> anyhow::Result<()> {
    let by_default = if args.output == RowFormat::Table { TABLE_ROWS } else { 0 };
    let most = match args.max_rows.unwrap_or(by_default) {
        0 => u64::MAX,
        rows => rows,
    };
    let mut printer = RowPrinter::of_schema(args.output, &query.schema());
    let (mut printed, mut more) = (0_u64, false);
    for batch in query.rows()? {
        let batch = batch?;
        let room = usize::try_from(most - printed).unwrap_or(usize::MAX);
        more = batch.num_rows() > room;
        let batch = batch.slice(0, batch.num_rows().min(room));
        printed += batch.num_rows() as u64;
        printer.batch(&batch)?;
        if more || printer.is_closed() || stop.load(Ordering::Relaxed) {
            break;
        }
    }
    printer.finish()?;
    let rows = show::count(printed, "row");
    match more {
        true => show::note(format!("the first {rows}; there are more, see `--max-rows`")),
        false => show::note(rows),
    }
    Ok(())
}
