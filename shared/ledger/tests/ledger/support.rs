//! Databases to test on, and files to tell them about.

use millrace_contract::{
    Captures, ContractVersion, FileId, LoadTask, ObjectVersion, Output, RowBalance, Sequencer,
};
use millrace_ledger::{Database, Ledger, Registration};
use millrace_tests::{MySqlDatabase, TestDatabase};
use tempfile::TempDir;

/// A database that is gone with the test.
pub(crate) struct Place {
    pub(crate) database: Database,
    pub(crate) url: String,
    _folder: Option<TempDir>,
    _server: Option<TestDatabase>,
    _mysql: Option<MySqlDatabase>,
}

impl Place {
    pub(crate) async fn ledger(&self) -> Ledger {
        Ledger::open(&self.database).await.expect("a ledger")
    }
}

/// An empty database of every kind.
pub(crate) async fn places() -> Vec<Place> {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("data/ledger.db").display());
    let mut places = vec![place(url, Some(folder), None, None).await];
    if let Some(server) = TestDatabase::create().await {
        places.push(place(server.url().to_owned(), None, Some(server), None).await);
    }
    if let Some(server) = MySqlDatabase::create().await {
        places.push(place(server.url().to_owned(), None, None, Some(server)).await);
    }
    places
}

async fn place(
    url: String,
    folder: Option<TempDir>,
    server: Option<TestDatabase>,
    mysql: Option<MySqlDatabase>,
) -> Place {
    let database = connect(&url).await;
    Place { database, url, _folder: folder, _server: server, _mysql: mysql }
}

pub(crate) async fn connect(url: &str) -> Database {
    Database::connect(&url.to_owned().into(), 8).await.expect("a database")
}

/// The object `s3://raw/in/a.csv` with an ETag and perhaps a sequencer.
pub(crate) fn object(etag: &str, sequencer: Option<&str>) -> ObjectVersion {
    ObjectVersion {
        bucket: "raw".into(),
        key: "in/a.csv".into(),
        version_id: None,
        etag: etag.into(),
        sequencer: sequencer.map(Sequencer::new),
        size: Some(7),
    }
}

pub(crate) fn file(object: ObjectVersion) -> Registration {
    under(object, "c1")
}

pub(crate) fn under(object: ObjectVersion, contract: &str) -> Registration {
    let contract = ContractVersion::from_text(contract);
    Registration {
        file_id: FileId::of("sales", &object, &contract),
        dataset: "sales".into(),
        contract,
        object,
        captures: Captures::from([("year".into(), "2024".into())]),
        trace_id: "t-1".into(),
    }
}

/// What transform says of a file: 10 rows read, 7 written, 2 rejected, 1 blank.
pub(crate) fn load_task(file: &Registration) -> LoadTask {
    let mut balance = RowBalance { read: 10, written: 7, rejected: 2, ..RowBalance::default() };
    balance.skip("blank_line", 1);
    LoadTask {
        file_id: file.file_id.clone(),
        dataset: file.dataset.clone(),
        contract: file.contract.clone(),
        object: file.object.clone(),
        captures: file.captures.clone(),
        published_at: None,
        lake: "lake".into(),
        outputs: vec![Output {
            key: "sales/a.parquet".into(),
            rows: 7,
            bytes: 99,
            partition: vec![("year".into(), None)],
            first_row: None,
            carried: None,
        }],
        columns: None,
        balance,
        rejects_key: Some("_rejects/a.ndjson".into()),
        column_version: None,
        replay: None,
        trace_id: file.trace_id.clone(),
    }
}
