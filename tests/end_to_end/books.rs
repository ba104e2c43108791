//! Files whose every row is known, published in versions, duplicates and bad
//! ones, and the proof that the database holds exactly what it should.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::ByteStream;
use sqlx::{Connection, MySqlConnection, SqliteConnection};

use crate::stack::Stack;
use crate::warehouse;

/// `sales` adds files that are never changed, `stock` replaces by file. No
/// workers: the test keeps them.
pub(crate) const PIPELINE: &str = r#"
version = 1
name = "books"

[lake]
raw = "books-raw"
curated = "books-lake"

[datasets.sales]
match = "sales/*.csv"
format = "csv"
[datasets.sales.schema]
mode = "strict"
columns = [
  { name = "id", type = "int64", required = true },
  { name = "price", type = "decimal(10,2)", required = true },
]
[datasets.sales.rejects]
max = "10%"
[datasets.sales.load]
table = "sales"
mode = "append"

[datasets.stock]
match = "stock/*.csv"
format = "csv"
[datasets.stock.schema]
mode = "strict"
columns = [
  { name = "id", type = "int64", required = true },
  { name = "version", type = "int64", required = true },
]
[datasets.stock.load]
table = "stock"
mode = "replace_file"

[stages.ingest]
workers = 0
visibility = "2s"
max_receive_count = 1000
[stages.transform]
workers = 0
visibility = "2s"
max_receive_count = 1000
[stages.load]
workers = 0
visibility = "2s"
max_receive_count = 1000
"#;

/// Events arrive twice and in another order.
pub(crate) const DISORDER: &str = r#"
seed = 11
[[fault]]
do = "duplicate"
service = "s3"
probability = 0.3
[[fault]]
do = "reorder"
delay = "700ms"
probability = 0.4
"#;

const ROWS: i64 = 20;

/// Where a stack keeps its rows and its history.
pub(crate) enum Books {
    /// Two SQLite files in the stack's data folder.
    Sqlite,
    /// One PostgreSQL database, by its URL.
    Postgres(String),
    /// One MySQL database, by its URL.
    MySql(String),
}

/// What was published, and so what must be there.
#[derive(Debug, Default)]
pub(crate) struct Published {
    /// Files of `sales`.
    pub(crate) sales: i64,
    /// Newest version of each key of `stock`.
    pub(crate) stock: BTreeMap<i64, i64>,
    /// Files of `sales` that can't be read.
    pub(crate) bad: i64,
}

impl Published {
    /// One more file of `sales`, with ids of its own.
    pub(crate) async fn sale(&mut self, s3: &aws_sdk_s3::Client) {
        self.again(s3, self.sales).await;
        self.sales += 1;
    }

    /// A file of `sales` that was published before, as it was.
    pub(crate) async fn again(&self, s3: &aws_sdk_s3::Client, number: i64) {
        let first = number * ROWS;
        let rows = (first..first + ROWS).map(|id| format!("{id},{}.25\n", id % 1000));
        let text = format!("id,price\n{}", rows.collect::<String>());
        put(s3, &format!("sales/{number:05}.csv"), text).await;
    }

    /// One more version of a key of `stock`.
    pub(crate) async fn version(&mut self, s3: &aws_sdk_s3::Client, key: i64) {
        let version = self.stock.get(&key).map_or(1, |version| version + 1);
        // The versions differ in length, so that rows of an older one would show.
        let rows = ROWS + version;
        let rows = (0..rows).map(|row| format!("{},{version}\n", key * 1000 + row));
        let text = format!("id,version\n{}", rows.collect::<String>());
        put(s3, &format!("stock/{key:05}.csv"), text).await;
        self.stock.insert(key, version);
    }

    /// A file with nothing but bad rows.
    pub(crate) async fn bad(&mut self, s3: &aws_sdk_s3::Client) {
        let text = "id,price\nnone,at all\n".to_owned();
        put(s3, &format!("sales/bad-{:05}.csv", self.bad), text).await;
        self.bad += 1;
    }

    /// Asserts that tables, commit records and ledger say exactly this; of a dataset
    /// that nothing was published of there is no table.
    pub(crate) async fn assert_exact(&self, books: &Books, stack: &Stack) {
        if self.sales > 0 {
            self.assert_sales(books, stack).await;
        }
        if !self.stock.is_empty() {
            self.assert_stock(books, stack).await;
        }
        let failed = "SELECT count(*) FROM millrace_files WHERE state = 'failed'";
        books.expect_history(stack, failed, self.bad).await;
        let open =
            "SELECT count(*) FROM millrace_files WHERE state IN ('registered', 'transformed')";
        books.expect_history(stack, open, 0).await;
    }

    async fn assert_sales(&self, books: &Books, stack: &Stack) {
        let rows = self.sales * ROWS;
        let prices: i64 = (0..rows).map(|id| (id % 1000) * 100 + 25).sum();
        books.expect(stack, "SELECT count(*) FROM sales", rows).await;
        books.expect(stack, "SELECT count(DISTINCT id) FROM sales", rows).await;
        let sum = format!("SELECT {} FROM sales", books.integer("round(sum(price) * 100)"));
        books.expect(stack, &sum, prices).await;
        self.assert_recorded(books, stack, "sales").await;
    }

    async fn assert_stock(&self, books: &Books, stack: &Stack) {
        let rows: i64 = self.stock.values().map(|version| ROWS + version).sum();
        let versions = self.stock.values().map(|version| (ROWS + version) * version).sum();
        books.expect(stack, "SELECT count(*) FROM stock", rows).await;
        books.expect(stack, "SELECT count(DISTINCT id) FROM stock", rows).await;
        let sum = format!("SELECT {} FROM stock", books.integer("sum(version)"));
        books.expect(stack, &sum, versions).await;
        self.assert_recorded(books, stack, "stock").await;
    }

    /// Rows, commit records and the ledger agree.
    async fn assert_recorded(&self, books: &Books, stack: &Stack, table: &str) {
        let unlike = format!(
            "SELECT count(*) FROM millrace_loads AS l WHERE l.table_name = '{table}' \
             AND CASE WHEN l.replaced_by IS NULL THEN l.row_count ELSE 0 END \
             <> (SELECT count(*) FROM {table} AS t WHERE t._load_id = l.load_id)"
        );
        books.expect(stack, &unlike, 0).await;
        let strangers = format!(
            "SELECT count(*) FROM {table} \
             WHERE _load_id NOT IN (SELECT load_id FROM millrace_loads)"
        );
        books.expect(stack, &strangers, 0).await;
        let loads = format!("SELECT count(*) FROM millrace_loads WHERE table_name = '{table}'");
        let loads = books.number(stack, &loads).await;
        let loaded = format!(
            "SELECT count(*) FROM millrace_files WHERE dataset = '{table}' AND state = 'loaded'"
        );
        books.expect_history(stack, &loaded, loads).await;
    }
}

impl Books {
    /// Environment of a stack with these books.
    pub(crate) fn environment(&self) -> Vec<(&str, &str)> {
        match self {
            Self::Sqlite => Vec::new(),
            Self::Postgres(url) | Self::MySql(url) => vec![("DATABASE_URL", url)],
        }
    }

    /// A number as a whole one.
    fn integer(&self, number: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres(_) => format!("cast({number} AS bigint)"),
            Self::MySql(_) => format!("cast({number} AS signed)"),
        }
    }

    /// One number out of the warehouse.
    pub(crate) async fn number(&self, stack: &Stack, sql: &str) -> i64 {
        match self {
            Self::Sqlite => warehouse::sqlite(stack, sql).await,
            Self::Postgres(url) => warehouse::postgres(url, sql).await,
            Self::MySql(url) => warehouse::mysql(url, sql).await,
        }
    }

    async fn expect(&self, stack: &Stack, sql: &str, expected: i64) {
        let found = self.number(stack, sql).await;
        assert_eq!(found, expected, "{sql}\n{}", stack.folder().display());
    }

    /// One number out of the history.
    pub(crate) async fn history(&self, stack: &Stack, sql: &str) -> i64 {
        match self {
            Self::Sqlite => warehouse::ledger(stack, sql).await,
            Self::Postgres(_) | Self::MySql(_) => self.number(stack, sql).await,
        }
    }

    /// Asserts a number of the history.
    pub(crate) async fn expect_history(&self, stack: &Stack, sql: &str, expected: i64) {
        let found = self.history(stack, sql).await;
        assert_eq!(found, expected, "{sql}");
    }

    /// Asserts that nobody holds a lock or an open transaction. Workers must
    /// have stopped.
    pub(crate) async fn assert_unlocked(&self, stack: &Stack) {
        match self {
            Self::Sqlite => {
                for file in ["warehouse.db", "warehouse.ledger.db"] {
                    let url = format!("sqlite://{}", stack.data().join(file).display());
                    let mut connection = SqliteConnection::connect(&url).await.expect("a file");
                    let now = "PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; ROLLBACK";
                    sqlx::raw_sql(now).execute(&mut connection).await.expect("no lock");
                }
            }
            Self::Postgres(_) => {
                let locks = "SELECT count(*) FROM pg_locks JOIN pg_database AS d \
                             ON d.oid = database AND d.datname = current_database() \
                             WHERE locktype = 'advisory'";
                self.expect(stack, locks, 0).await;
                let others = "SELECT count(*) FROM pg_stat_activity \
                              WHERE datname = current_database() AND state LIKE 'idle in%'";
                self.expect(stack, others, 0).await;
            }
            // Locks and transactions are a connection's, and there is none but ours.
            Self::MySql(url) => {
                let others = "SELECT count(*) FROM information_schema.processlist \
                              WHERE db = DATABASE() AND id <> CONNECTION_ID()";
                let deadline = Instant::now() + Duration::from_secs(10);
                let mut connection = MySqlConnection::connect(url).await.expect("a server");
                loop {
                    let others = sqlx::query_scalar(others).fetch_one(&mut connection).await;
                    let others: i64 = others.expect("a number");
                    if others == 0 {
                        break;
                    }
                    assert!(Instant::now() < deadline, "{others} connections are left");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

/// The pipeline with this visibility timeout: long enough that whatever is back
/// sooner was given back, or short enough to wait for.
pub(crate) fn visible_after(visibility: &str) -> String {
    PIPELINE.replace("visibility = \"2s\"", &format!("visibility = \"{visibility}\""))
}

async fn put(s3: &aws_sdk_s3::Client, key: &str, text: String) {
    let request = s3.put_object().bucket("books-raw").key(key);
    request.body(ByteStream::from(text.into_bytes())).send().await.expect("stored");
}
