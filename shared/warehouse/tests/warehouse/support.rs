//! Databases to load into, and files to load.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use chrono::DateTime;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use millrace_contract::{
    Captures, ColumnDef, ContractVersion, FileId, LoadMode, LoadTarget, LoadTask, ObjectVersion,
    RowBalance, SchemaMode, Sequencer,
};
use millrace_ledger::{Database, Dialect};
use millrace_tests::{MySqlDatabase, TestDatabase};
use millrace_warehouse::{CommitGuard, LoadError, LoadPlan, Loaded, SourceError, Warehouse};
use tempfile::TempDir;

/// A database that is gone with the test.
pub(crate) struct Place {
    pub(crate) database: Database,
    pub(crate) warehouse: Warehouse,
    pub(crate) url: String,
    _folder: Option<TempDir>,
    _server: Option<Server>,
}

/// Dropped with its test.
enum Server {
    Postgres { _database: TestDatabase },
    MySql { _database: MySqlDatabase },
}

impl Place {
    async fn new(url: String, folder: Option<TempDir>, server: Option<Server>) -> Self {
        let database = Database::connect(&url.clone().into(), 8).await.expect("a database");
        let warehouse = Warehouse::open(&database).await.expect("a warehouse");
        Self { database, warehouse, url, _folder: folder, _server: server }
    }

    /// The same database as another process has it.
    pub(crate) async fn another(&self) -> Warehouse {
        let database = Database::connect(&self.url.clone().into(), 4).await.expect("a database");
        Warehouse::open(&database).await.expect("a warehouse")
    }

    pub(crate) async fn run(&self, sql: &str) {
        self.database.execute(sql, &[]).await.expect(sql);
    }

    /// One column of an answer, as text.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<Option<String>> {
        let rows = self.database.fetch_all(sql, &[]).await.expect(sql);
        rows.iter().map(|row| row.get("text").expect("a column named text")).collect()
    }

    /// The values of a column of text, in order.
    pub(crate) async fn column(&self, table: &str, column: &str) -> Vec<String> {
        let text = self.as_text(&format!("\"{column}\""));
        let sql = format!("SELECT {text} AS text FROM {table} ORDER BY \"{column}\"");
        self.texts(&sql).await.into_iter().flatten().collect()
    }

    /// The SQL that makes text of a value.
    pub(crate) fn as_text(&self, value: &str) -> String {
        match self.database.dialect() {
            Dialect::Postgres | Dialect::Sqlite => format!("CAST({value} AS TEXT)"),
            Dialect::MySql => format!("CAST({value} AS CHAR)"),
        }
    }

    pub(crate) async fn count(&self, table: &str) -> u64 {
        let sql = format!("SELECT COUNT(*) AS n FROM {table}");
        self.database.fetch_optional(&sql, &[]).await.unwrap().unwrap().count("n").unwrap()
    }
}

pub(crate) async fn sqlite() -> Place {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("warehouse.db").display());
    Place::new(url, Some(folder), None).await
}

pub(crate) async fn postgres() -> Option<Place> {
    let server = TestDatabase::create().await?;
    let url = server.url().to_owned();
    Some(Place::new(url, None, Some(Server::Postgres { _database: server })).await)
}

pub(crate) async fn mysql() -> Option<Place> {
    let server = MySqlDatabase::create().await?;
    let url = server.url().to_owned();
    Some(Place::new(url, None, Some(Server::MySql { _database: server })).await)
}

/// An empty database of every kind.
pub(crate) async fn places() -> Vec<Place> {
    let mut places = vec![sqlite().await];
    places.extend(servers().await);
    places
}

/// An empty database of each of these kinds.
pub(crate) async fn places_with(kinds: &[Dialect]) -> Vec<Place> {
    let mut places = places().await;
    places.retain(|place| kinds.contains(&place.database.dialect()));
    places
}

/// An empty database of every kind that is reached over the network.
pub(crate) async fn servers() -> Vec<Place> {
    postgres().await.into_iter().chain(mysql().await).collect()
}

/// One file to load.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) task: LoadTask,
    pub(crate) target: LoadTarget,
    pub(crate) columns: Vec<ColumnDef>,
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) schema_mode: SchemaMode,
    pub(crate) description: Option<String>,
}

impl File {
    /// A file of `batches` for `table`, with the ETag `e1` and no sequencer.
    pub(crate) fn new(table: &str, batches: Vec<RecordBatch>) -> Self {
        let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        let object = ObjectVersion {
            bucket: "raw".into(),
            key: "in/a.csv".into(),
            version_id: None,
            etag: "e1".into(),
            sequencer: None,
            size: None,
        };
        let contract = ContractVersion::from_text("c1");
        let task = LoadTask {
            file_id: FileId::of("sales", &object, &contract),
            dataset: "sales".into(),
            contract,
            object,
            captures: Captures::new(),
            published_at: None,
            lake: "lake".into(),
            outputs: Vec::new(),
            columns: None,
            balance: RowBalance { read: rows, written: rows, ..RowBalance::default() },
            rejects_key: None,
            column_version: None,
            replay: None,
            trace_id: "t".into(),
        };
        let target = LoadTarget { table: table.into(), ..LoadTarget::default() };
        let schema_mode = SchemaMode::Strict;
        Self { task, target, columns: Vec::new(), batches, schema_mode, description: None }
    }

    /// The file of a dataset that evolves.
    pub(crate) fn evolving(mut self) -> Self {
        self.schema_mode = SchemaMode::Evolve;
        self
    }

    pub(crate) fn mode(mut self, mode: LoadMode) -> Self {
        self.target.mode = mode;
        self
    }

    pub(crate) fn upsert(mut self, key: &[&str]) -> Self {
        self.target.mode = LoadMode::Upsert;
        self.target.key = key.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    pub(crate) fn ordered(mut self, column: &str) -> Self {
        self.target.order_by = Some(column.into());
        self
    }

    /// A file that was put so many seconds after others.
    pub(crate) fn published(mut self, seconds: i64) -> Self {
        self.task.published_at = DateTime::from_timestamp(1_700_000_000 + seconds, 0);
        self
    }

    pub(crate) fn key(mut self, key: &str) -> Self {
        self.task.object.key = key.into();
        self.named()
    }

    pub(crate) fn version(mut self, etag: &str, sequencer: &str) -> Self {
        self.task.object.etag = etag.into();
        self.task.object.sequencer = Some(Sequencer::new(sequencer));
        self.named()
    }

    pub(crate) fn contract(mut self, contract: &str) -> Self {
        self.task.contract = ContractVersion::from_text(contract);
        self.named()
    }

    fn named(mut self) -> Self {
        self.task.file_id = FileId::of("sales", &self.task.object, &self.task.contract);
        self
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        self.batches[0].schema()
    }

    pub(crate) async fn load_into(&self, warehouse: &Warehouse) -> Result<Loaded, LoadError> {
        self.load_guarded(warehouse, &Lease(true)).await
    }

    pub(crate) async fn load_guarded(
        &self,
        warehouse: &Warehouse,
        guard: &dyn CommitGuard,
    ) -> Result<Loaded, LoadError> {
        let batches: Vec<_> = self.batches.iter().cloned().map(Ok).collect();
        self.load_stream(warehouse, stream::iter(batches).boxed(), guard).await
    }

    pub(crate) async fn load_stream(
        &self,
        warehouse: &Warehouse,
        batches: BoxStream<'_, Result<RecordBatch, SourceError>>,
        guard: &dyn CommitGuard,
    ) -> Result<Loaded, LoadError> {
        let plan = LoadPlan {
            task: &self.task,
            target: &self.target,
            schema: self.schema(),
            columns: &self.columns,
            mode: self.schema_mode,
            description: self.description.as_deref(),
        };
        warehouse.load(&plan, batches, guard).await
    }
}

/// A lease that is held, or not.
pub(crate) struct Lease(pub(crate) bool);

#[async_trait]
impl CommitGuard for Lease {
    async fn allowed(&self) -> bool {
        self.0
    }
}

pub(crate) fn fresh(rows: u64) -> Loaded {
    Loaded::Fresh { rows, replaced: 0 }
}

/// A batch with one column.
pub(crate) fn one_column(name: &str, data_type: DataType, array: ArrayRef) -> RecordBatch {
    let schema = Schema::new(vec![Field::new(name, data_type, true)]);
    RecordBatch::try_new(Arc::new(schema), vec![array]).expect("a batch")
}

/// Rows of an `id` and a `name`.
pub(crate) fn people(rows: &[(i64, &str)]) -> RecordBatch {
    let ids = Int64Array::from_iter_values(rows.iter().map(|row| row.0));
    let names = StringArray::from_iter_values(rows.iter().map(|row| row.1));
    let schema = Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("name", DataType::Utf8, true),
    ]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(ids), Arc::new(names)]).expect("a batch")
}

/// The load ids that rows of a table carry, and those that are on record.
pub(crate) async fn lineage(place: &Place, table: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let carried = place.column(table, "_load_id").await;
    let recorded = place.column("millrace_loads", "load_id").await;
    (carried.into_iter().collect(), recorded.into_iter().collect())
}
