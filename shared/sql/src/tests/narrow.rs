//! Queries over tables that are made of parts.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use arrow::util::display::array_value_to_string;
use futures::StreamExt;
use futures::stream::{BoxStream, iter};
use millrace_contract::{ColumnDef, DataType, SqlTransform};
use proptest::prelude::*;

use crate::{Part, Partition, SqlQuery, Table, table_schema};

/// What each user spent, in a folder for each day; the last folder is of no day, and
/// one file says nothing of its own.
#[derive(Debug)]
struct Spent {
    parts: Vec<Part>,
    read: Mutex<BTreeSet<usize>>,
}

const DAYS: [Option<&str>; 5] =
    [Some("2026-01-30"), Some("2026-01-31"), Some("2026-01-31"), None, Some("2026-02-01")];

impl Spent {
    fn new() -> Arc<Self> {
        let part = |(index, day): (usize, &Option<&str>)| Part {
            name: index.to_string(),
            rows: 2,
            values: match index {
                4 => Vec::new(),
                _ => vec![("Dt".to_owned(), day.map(str::to_owned))],
            },
        };
        let parts = DAYS.iter().enumerate().map(part).collect();
        Arc::new(Self { parts, read: Mutex::default() })
    }
}

impl Table for Spent {
    fn name(&self) -> &str {
        "Spent"
    }

    fn schema(&self) -> SchemaRef {
        table_schema(&[
            ColumnDef::new("User", DataType::Int64),
            ColumnDef::new("Dt", DataType::Date),
        ])
    }

    fn rows(&self) -> Option<u64> {
        Some(10)
    }

    fn parts(&self) -> &[Part] {
        &self.parts
    }

    fn scan(&self, _: Vec<usize>) -> BoxStream<'static, std::io::Result<RecordBatch>> {
        unreachable!("a table with parts is read by parts")
    }

    fn scan_parts(
        &self,
        parts: Vec<usize>,
        columns: Vec<usize>,
    ) -> BoxStream<'static, std::io::Result<RecordBatch>> {
        self.read.lock().unwrap().extend(&parts);
        let schema = self.schema();
        let batch = move |part: usize| {
            let day: ArrayRef = Arc::new(StringArray::from(vec![DAYS[part]; 2]));
            let day = arrow::compute::cast(&day, schema.field(1).data_type()).unwrap();
            let user = Int64Array::from(vec![1, part as i64 + 2]);
            let all = RecordBatch::try_new(schema.clone(), vec![Arc::new(user), day]).unwrap();
            Ok(all.project(&columns).unwrap())
        };
        iter(parts).map(batch).boxed()
    }
}

/// Names of users, in one piece.
#[derive(Debug)]
struct Users;

impl Table for Users {
    fn name(&self) -> &str {
        "users"
    }

    fn schema(&self) -> SchemaRef {
        table_schema(&[
            ColumnDef::new("id", DataType::Int64),
            ColumnDef::new("name", DataType::String),
        ])
    }

    fn rows(&self) -> Option<u64> {
        Some(2)
    }

    fn scan(&self, columns: Vec<usize>) -> BoxStream<'static, std::io::Result<RecordBatch>> {
        let (ids, names) = (Int64Array::from(vec![1, 2]), StringArray::from(vec!["ann", "bob"]));
        let all =
            RecordBatch::try_new(self.schema(), vec![Arc::new(ids), Arc::new(names)]).unwrap();
        iter([Ok(all.project(&columns).unwrap())]).boxed()
    }
}

fn derived(sql: &str, spent: &Arc<Spent>) -> SqlQuery {
    let transform = SqlTransform { sql: sql.to_owned(), memory: 64 << 20 };
    let tables: [Arc<dyn Table>; 2] = [Arc::clone(spent) as Arc<dyn Table>, Arc::new(Users)];
    SqlQuery::over_datasets(&transform, &tables).unwrap()
}

fn day(day: &str) -> Partition {
    vec![("Dt".to_owned(), Some(day.to_owned()))]
}

/// The rows that come out as lines, sorted.
fn lines(query: &SqlQuery) -> Vec<String> {
    let mut lines = Vec::new();
    for batch in query.rows().unwrap() {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            let value = |column: &ArrayRef| array_value_to_string(column, row).unwrap();
            lines.push(batch.columns().iter().map(value).collect::<Vec<_>>().join(" | "));
        }
    }
    lines.sort();
    lines
}

/// The parts of `Spent` that rows of a day can come from.
fn parts_of(query: &SqlQuery, partition: &Partition) -> Vec<String> {
    let reads = query.reads_of(std::slice::from_ref(partition)).unwrap().remove(0).unwrap();
    reads.into_iter().filter_map(|read| read.part).collect()
}

const PER_DAY: &str = "select cast(s.dt as date) as dt, s.user, u.name, count(*) as n \
    from spent s left join users u on u.id = s.user group by s.dt, s.user, u.name";

/// Every kind of query a day can be told from, or can't.
const QUERIES: [&str; 9] = [
    PER_DAY,
    "select dt, user from spent where user > 1",
    "select dt, sum(user) over (partition by dt) as whole, user from spent",
    "select dt, sum(user) over () as whole from spent",
    "select dt, user from spent order by user, dt limit 3",
    "select cast(dt as string) as dt, max(user) as most from spent group by dt",
    "select date_trunc('month', dt) as month, cast('2026-01-31' as date) as dt, count(*) as n \
     from spent group by 1",
    "select dt, user from spent union all select cast('2026-01-31' as date) as dt, id as user from users",
    "select s.dt, s.user from spent s where s.dt = (select max(dt) from spent)",
];

#[test]
fn rows_of_a_day_come_from_its_own_folders_where_the_sql_keeps_days_apart() {
    let spent = Spent::new();
    let expected: [&[&str]; 9] = [
        &["1", "2", "4"],
        &["1", "2", "4"],
        &["1", "2", "4"],
        &["0", "1", "2", "3", "4"],
        &["0", "1", "2", "3", "4"],
        &["1", "2", "4"],
        &["0", "1", "2", "3", "4"],
        &["1", "2", "4"],
        &["0", "1", "2", "3", "4"],
    ];
    for (sql, expected) in QUERIES.iter().zip(expected) {
        let parts = parts_of(&derived(sql, &spent), &day("2026-01-31"));
        assert_eq!(parts, expected, "{sql}");
    }
}

#[test]
fn a_table_in_one_piece_belongs_to_every_day() {
    let query = derived(PER_DAY, &Spent::new());
    let reads = query.reads_of(&[day("1999-01-01")]).unwrap().remove(0).unwrap();
    let reads: Vec<_> = reads.into_iter().map(|read| (read.table, read.part, read.rows)).collect();
    let unnamed = ("Spent".to_owned(), Some("4".to_owned()), Some(2));
    assert_eq!(reads, [unnamed, ("users".to_owned(), None, Some(2))]);
}

#[test]
fn what_a_folder_does_not_say_exactly_is_not_told() {
    let spent = Spent::new();
    let query = derived("select dt, cast(user as double) as user from spent", &spent);
    let of = |name: &str, value: Option<&str>| vec![(name.to_owned(), value.map(str::to_owned))];
    for partition in [of("Dt", None), of("Dt", Some("soon")), of("User", Some("1.0"))] {
        assert_eq!(query.reads_of(std::slice::from_ref(&partition)).unwrap(), [None]);
        let except = query.except(&[partition]).unwrap();
        assert_eq!(lines(&except), lines(&query), "nothing is left out");
    }
}

#[test]
fn what_is_left_out_is_not_read() {
    let spent = Spent::new();
    let query = derived(PER_DAY, &spent).except(&[day("2026-01-31"), day("2026-02-01")]).unwrap();
    let rows: u64 = query.reads().unwrap().iter().filter_map(|read| read.rows).sum();
    assert_eq!(rows, 6 + 2, "three files of two rows, and the users");
    assert_eq!(
        lines(&query),
        [" | 1 | ann | 1", " | 5 |  | 1", "2026-01-30 | 1 | ann | 1", "2026-01-30 | 2 | bob | 1"]
    );
    let read = spent.read.lock().unwrap();
    assert_eq!(*read, BTreeSet::from([0, 3, 4]));
}

#[test]
fn a_query_that_asks_for_some_days_reads_those() {
    let spent = Spent::new();
    let tables: [Arc<dyn Table>; 1] = [Arc::clone(&spent) as Arc<dyn Table>];
    let sql = "select user from spent where dt between '2026-01-29' and '2026-01-30'";
    let query = SqlQuery::over_tables(sql, 64 << 20, &tables).unwrap();
    assert_eq!(lines(&query), ["1", "2"]);
    assert_eq!(*spent.read.lock().unwrap(), BTreeSet::from([0, 4]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever days are left out: the other rows are those of the whole query.
    #[test]
    fn days_that_are_left_out_change_no_other_row(which in 0..QUERIES.len(), out in 0_u32..16) {
        let query = derived(QUERIES[which], &Spent::new());
        let days = ["2026-01-30", "2026-01-31", "2026-02-01", "1999-01-01"];
        let chosen = days.iter().enumerate().filter(|(bit, _)| out & (1 << bit) != 0);
        let chosen: Vec<&str> = chosen.map(|(_, day)| *day).collect();
        let partitions: Vec<Partition> = chosen.iter().copied().map(day).collect();
        let place = query.columns().iter().position(|column| column.name == "Dt").unwrap();
        let mut wanted = lines(&query);
        wanted.retain(|line| !chosen.contains(&line.split(" | ").nth(place).unwrap()));
        prop_assert_eq!(lines(&query.except(&partitions).unwrap()), wanted);
    }
}
