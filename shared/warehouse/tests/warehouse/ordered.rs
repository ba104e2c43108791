//! Upserts by a column that says which row is newer, held against a model: random
//! rows, nulls, duplicates, batches and files.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use millrace_warehouse::LoadError;

use crate::support::{File, Place, people, places};

/// Numbers that look random and are the same in every run (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// A row: key, order, and a number that no other row has.
type Row = (i64, Option<i64>, i64);

fn batch(rows: &[Row], order: Column) -> RecordBatch {
    let orders: Vec<Option<i64>> = rows.iter().map(|row| row.1).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.0))),
        order(&orders),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.2))),
    ];
    let schema = Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("order", columns[1].data_type().clone(), true),
        Field::new("serial", DataType::Int64, false),
    ]);
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

/// Makes a column of numbers.
type Column = fn(&[Option<i64>]) -> ArrayRef;

/// Types whose order is that of the numbers they are made of.
const ORDERS: [Column; 4] = [
    |orders| Arc::new(Int64Array::from_iter(orders.iter().copied())),
    |orders| {
        let micros = orders.iter().map(|order| order.map(|order| order * 500_000 - 1));
        Arc::new(TimestampMicrosecondArray::from_iter(micros).with_timezone("UTC"))
    },
    |orders| {
        // In the order of their bytes: capitals before small letters.
        let words = ["", "A", "B", "a", "b"];
        let word = |order: i64| words[usize::try_from(order).unwrap()];
        Arc::new(StringArray::from_iter(orders.iter().map(|order| order.map(word))))
    },
    |orders| {
        let cents = orders.iter().map(|order| order.map(|order| i128::from(order) * 5 - 7));
        let array = Decimal128Array::from_iter(cents);
        Arc::new(array.with_precision_and_scale(9, 1).unwrap())
    },
];

/// What a table holds after rows came one after the other.
fn model(table: &mut BTreeMap<i64, (Option<i64>, i64)>, rows: &[Row]) {
    for &(id, order, serial) in rows {
        let stays = table.get(&id).is_some_and(|(held, _)| *held > order);
        if !stays {
            table.insert(id, (order, serial));
        }
    }
}

async fn serials(place: &Place, table: &str) -> Vec<(i64, i64)> {
    let sql = format!("SELECT id, serial FROM {table} ORDER BY id");
    let rows = place.database.fetch_all(&sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get("id").unwrap(), row.get("serial").unwrap())).collect()
}

#[tokio::test]
async fn the_row_with_the_greatest_order_wins_whatever_the_batches() {
    for place in places().await {
        for seed in 0..24_u64 {
            let mut random = Random(seed);
            let order = ORDERS[seed as usize % ORDERS.len()];
            let table = format!("t{seed}");
            let mut expected = BTreeMap::new();
            let mut serial = 0;
            for file in 0..3 {
                let count = random.below(30) + 1;
                let rows: Vec<Row> = (0..count)
                    .map(|_| {
                        serial += 1;
                        let order = random.below(6) as i64;
                        (random.below(8) as i64, (order < 5).then_some(order), serial)
                    })
                    .collect();
                model(&mut expected, &rows);
                let size = random.below(7) as usize + 1;
                let batches: Vec<_> = rows.chunks(size).map(|rows| batch(rows, order)).collect();
                let loaded = File::new(&table, batches)
                    .upsert(&["id"])
                    .ordered("order")
                    .key(&format!("in/{file}.csv"));
                loaded.load_into(&place.warehouse).await.unwrap();
            }
            let expected: Vec<(i64, i64)> =
                expected.into_iter().map(|(id, (_, serial))| (id, serial)).collect();
            assert_eq!(serials(&place, &table).await, expected, "seed {seed}");
        }
    }
}

#[tokio::test]
async fn files_in_any_order_leave_the_same_rows_where_no_two_are_alike() {
    for place in places().await {
        let files: Vec<Vec<Row>> = vec![
            vec![(1, Some(1), 11), (2, Some(9), 12)],
            vec![(1, Some(3), 21), (2, Some(4), 22), (3, None, 23)],
            vec![(1, Some(2), 31), (3, Some(0), 32)],
        ];
        for (number, order) in [[0, 1, 2], [2, 1, 0], [1, 0, 2]].into_iter().enumerate() {
            let table = format!("t{number}");
            for index in order {
                let rows = batch(&files[index], ORDERS[0]);
                let file = File::new(&table, vec![rows]).upsert(&["id"]).ordered("order");
                file.key(&format!("in/{index}.csv")).load_into(&place.warehouse).await.unwrap();
            }
            assert_eq!(serials(&place, &table).await, [(1, 21), (2, 12), (3, 32)], "{order:?}");
        }
    }
}

#[tokio::test]
async fn a_column_that_can_not_order_is_refused_with_the_reason() {
    for place in places().await {
        let file = File::new("people", vec![people(&[(1, "a")])]).upsert(&["id"]).ordered("when");
        let error = file.load_into(&place.warehouse).await.expect_err("no such column");
        let text = "`order_by` column `when` is not a column of the dataset";
        assert!(error.to_string().contains(text), "{error}");
    }
    let place = crate::support::sqlite().await;
    let long: fn(&[Option<i64>]) -> ArrayRef = |orders| {
        let digits = orders.iter().map(|order| order.map(i128::from));
        Arc::new(Decimal128Array::from_iter(digits).with_precision_and_scale(38, 2).unwrap())
    };
    let file = File::new("t", vec![batch(&[(1, Some(1), 1)], long)]);
    let error = file.upsert(&["id"]).ordered("order").load_into(&place.warehouse).await;
    let error = error.expect_err("too many digits");
    assert!(matches!(error, LoadError::Table { .. }), "{error}");
    assert!(error.to_string().contains("more digits than SQLite compares"), "{error}");
}
