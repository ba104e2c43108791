//! What a catalog promises, on every catalog there is: the embedded one; moto, if
//! `MILLRACE_AWS_PEERS` names a Python environment that has it; and whichever answers
//! at `MILLRACE_TEST_GLUE_ENDPOINT`.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod place;

use millrace_catalog::{
    CatalogTable, Change, Partition, PartitionChanges, PartitionSpec, TableSpec,
};
use millrace_contract::{ColumnDef, DataType};
use millrace_glue::{Catalog, CatalogError};
use millrace_retry::{Classify, FailureClass};

use crate::place::{Place, places};

/// A table by the day, with a partition for each of the days.
fn table(name: &str, days: &[String]) -> CatalogTable {
    let mut amount = ColumnDef::new("amount", "decimal(12,2)".parse().unwrap());
    amount.description = Some("what was paid".into());
    let partition =
        |day: &String| Partition { values: vec![day.clone()], objects: vec![], rows: 1, bytes: 1 };
    CatalogTable {
        name: name.into(),
        dataset: name.into(),
        comment: Some("Sales of the shop".into()),
        bucket: "lake".into(),
        columns: vec![amount, ColumnDef::new("tags", "list<string>".parse().unwrap())],
        partitioned_by: vec![ColumnDef::new("day", DataType::Date)],
        partitions: days.iter().map(partition).collect(),
    }
}

fn days(count: usize) -> Vec<String> {
    (0..count).map(|day| format!("2026-{:02}-{:02}", day / 28 + 1, day % 28 + 1)).collect()
}

fn create(create: Vec<PartitionSpec>) -> PartitionChanges {
    PartitionChanges { create, ..PartitionChanges::default() }
}

async fn sorted(place: &Place, table: &TableSpec) -> Vec<PartitionSpec> {
    let mut found = place.catalog.partitions(&place.database, &table.name).await.unwrap();
    found.sort_by(|one, other| one.values.cmp(&other.values));
    found
}

#[tokio::test]
async fn a_table_is_found_as_it_was_made_and_as_it_was_changed() {
    for place in places().await {
        let (catalog, database) = (&place.catalog, place.database.as_str());
        assert_eq!(catalog.table(database, "sales").await.unwrap(), None, "{place}: no database");
        assert!(catalog.ensure_database(database).await.unwrap(), "{place}");
        assert!(!catalog.ensure_database(database).await.unwrap(), "{place}: again is fine");
        let made = table("sales", &[]).spec("shop", Some("2020-01-01,NOW"));
        catalog.create_table(database, &made).await.unwrap();
        let found = catalog.table(database, "sales").await.unwrap();
        assert_eq!(found.as_ref(), Some(&made), "{place}");
        let again = catalog.create_table(database, &made).await.unwrap_err();
        assert!(matches!(again, CatalogError::Exists { .. }), "{place}: {again}");
        let mut evolved = table("sales", &[]);
        evolved.columns.push(ColumnDef::new("user", DataType::String));
        let wanted = evolved.spec("shop", None);
        assert!(matches!(wanted.change(found.as_ref()), Change::Update(_)), "{place}");
        catalog.update_table(database, &wanted).await.unwrap();
        let found = catalog.table(database, "sales").await.unwrap();
        assert_eq!(wanted.change(found.as_ref()), Change::Nothing, "{place}: {found:?}");
        catalog.delete_table(database, "sales").await.unwrap();
        catalog.delete_table(database, "sales").await.unwrap();
        assert_eq!(catalog.table(database, "sales").await.unwrap(), None, "{place}");
    }
}

#[tokio::test]
async fn more_partitions_than_a_request_holds_come_change_and_go() {
    for place in places().await {
        let (catalog, database) = (&place.catalog, place.database.as_str());
        catalog.ensure_database(database).await.unwrap();
        let sales = table("sales", &days(130));
        let spec = sales.spec("shop", None);
        catalog.create_table(database, &spec).await.unwrap();
        let wanted = sales.partition_specs(None);
        catalog.change_partitions(database, &spec, &create(wanted.clone())).await.unwrap();
        assert_eq!(sorted(&place, &spec).await, wanted, "{place}");
        // Columns that are others are those of the partitions, too.
        let mut evolved = sales.clone();
        evolved.columns.push(ColumnDef::new("user", DataType::String));
        let spec = evolved.spec("shop", None);
        catalog.update_table(database, &spec).await.unwrap();
        let newer = evolved.partition_specs(None);
        let changes = PartitionChanges::between(&newer[..10], &wanted);
        assert_eq!((changes.update.len(), changes.delete.len()), (10, 120));
        catalog.change_partitions(database, &spec, &changes).await.unwrap();
        assert_eq!(sorted(&place, &spec).await, newer[..10], "{place}");
        let changes = PartitionChanges::between(&newer[..10], &newer[..10]);
        catalog.change_partitions(database, &spec, &changes).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_done_before_or_undone_by_others_does_no_harm() {
    for place in places().await {
        let (catalog, database) = (&place.catalog, place.database.as_str());
        catalog.ensure_database(database).await.unwrap();
        let sales = table("sales", &days(3));
        let spec = sales.spec("shop", None);
        catalog.create_table(database, &spec).await.unwrap();
        let wanted = sales.partition_specs(None);
        let elsewhere = PartitionSpec { location: "s3://old/".into(), ..wanted[0].clone() };
        catalog.change_partitions(database, &spec, &create(vec![elsewhere])).await.unwrap();
        // The first is there, and lies elsewhere.
        catalog.change_partitions(database, &spec, &create(wanted.clone())).await.unwrap();
        assert_eq!(sorted(&place, &spec).await, wanted, "{place}");
        let gone = vec![wanted[2].values.clone()];
        let remove = PartitionChanges { delete: gone.clone(), ..PartitionChanges::default() };
        catalog.change_partitions(database, &spec, &remove).await.unwrap();
        let changes = PartitionChanges {
            update: vec![wanted[2].clone()],
            delete: vec![vec!["1999-01-01".into()]],
            ..PartitionChanges::default()
        };
        catalog.change_partitions(database, &spec, &changes).await.unwrap();
        assert_eq!(sorted(&place, &spec).await, wanted, "{place}: made, since it was gone");
    }
}

#[tokio::test]
async fn a_table_that_is_not_there_has_no_partitions_and_can_not_be_changed() {
    for place in places().await {
        let (catalog, database) = (&place.catalog, place.database.as_str());
        catalog.ensure_database(database).await.unwrap();
        let sales = table("sales", &days(1));
        let spec = sales.spec("shop", None);
        let error = catalog.update_table(database, &spec).await.unwrap_err();
        assert!(matches!(error, CatalogError::NotFound { .. }), "{place}: {error}");
        let partitions = sales.partition_specs(None);
        let error = catalog.change_partitions(database, &spec, &create(partitions)).await;
        let error = error.unwrap_err();
        assert_eq!(error.class(), FailureClass::Transient, "{place}: {error}");
        assert!(error.to_string().contains(&format!("`{database}.sales`")), "{place}: {error}");
    }
}
