//! `millrace catalog list`: what the tables show, and which are registered.

use std::collections::BTreeMap;

use millrace_catalog::CatalogTable;
use millrace_ledger::{CatalogList, CatalogRecord, Ledger};
use serde_json::{Value, json};

use super::tables;
use crate::args::{CatalogListArgs, Format, OutputArgs};
use crate::setup::Setup;
use crate::show;

/// A table, and what is known of its registration.
struct Listed {
    table: CatalogTable,
    record: Option<CatalogRecord>,
    lists: Vec<CatalogList>,
}

pub(super) async fn run(args: &CatalogListArgs) -> anyhow::Result<()> {
    let OutputArgs { pipeline, output } = &args.output;
    let setup = Setup::new(pipeline)?;
    let ledger = setup.ledger_to_read().await?;
    let tables = tables(&setup, args.dataset.as_deref()).await?;
    let listed = listed(&ledger, tables).await?;
    match output {
        Format::Json => show::json(&listed.iter().map(as_json).collect::<Vec<_>>())?,
        Format::Table => {
            let headers = [
                "table",
                "partitioned by",
                "#partitions",
                "#objects",
                "#rows",
                "#bytes",
                "registered in",
                "up to date at",
            ];
            show::table(&headers, listed.iter().map(row).collect());
        }
    }
    Ok(())
}

async fn listed(ledger: &Ledger, tables: Vec<CatalogTable>) -> anyhow::Result<Vec<Listed>> {
    let records = ledger.catalog().await?.into_iter();
    let mut records: BTreeMap<String, CatalogRecord> =
        records.map(|record| (record.dataset.clone(), record)).collect();
    let mut listed = Vec::with_capacity(tables.len());
    for table in tables {
        let record = records.remove(&table.dataset);
        let lists = ledger.catalog_lists(&table.dataset).await?;
        listed.push(Listed { table, record, lists });
    }
    Ok(listed)
}

fn row(listed: &Listed) -> Vec<String> {
    let Listed { table, record, .. } = listed;
    let by: Vec<&str> = table.partitioned_by.iter().map(|column| column.name.as_str()).collect();
    let checked =
        record.as_ref().map(|record| record.checked_at.format("%Y-%m-%d %H:%M:%S").to_string());
    vec![
        table.name.clone(),
        by.join(", "),
        show::number(table.partitions.len() as u64),
        show::number(table.objects() as u64),
        show::number(table.rows()),
        show::number(table.bytes()),
        record.as_ref().map(|record| record.database.clone()).unwrap_or_default(),
        checked.unwrap_or_default(),
    ]
}

fn as_json(listed: &Listed) -> Value {
    let Listed { table, record, lists } = listed;
    let column = |column: &millrace_contract::ColumnDef| {
        let data_type = millrace_catalog::hive_type(column.data_type);
        json!({ "name": column.name, "type": data_type })
    };
    let known = |values: &[String]| lists.iter().find(|list| list.values == values);
    let partition = |partition: &millrace_catalog::Partition| {
        json!({
            "values": partition.values,
            "objects": partition.objects.len(),
            "rows": partition.rows,
            "bytes": partition.bytes,
            "registered_at": known(&partition.values)
                .filter(|list| list.columns.is_some())
                .map(|list| list.registered_at),
            "changed_at": known(&partition.values).map(|list| list.changed_at),
        })
    };
    json!({
        "table": table.name,
        "dataset": table.dataset,
        "columns": table.columns.iter().map(column).collect::<Vec<_>>(),
        "partitioned_by": table.partitioned_by.iter().map(column).collect::<Vec<_>>(),
        "partitions": table.partitions.iter().map(partition).collect::<Vec<_>>(),
        "objects": table.objects(),
        "rows": table.rows(),
        "bytes": table.bytes(),
        "registered": record.as_ref().map(registered),
    })
}

fn registered(record: &CatalogRecord) -> Value {
    json!({
        "database": record.database,
        "table": record.table,
        "contract": record.contract,
        "definitions": record.definitions,
        "registered_at": record.registered_at,
        "changed_at": record.changed_at,
        "checked_at": record.checked_at,
    })
}
