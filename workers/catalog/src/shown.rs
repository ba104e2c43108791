//! A dataset as a table over its live objects.

use millrace_catalog::{CatalogTable, LiveObject};
use millrace_contract::{Dataset, Output};
use millrace_lake::{Live, TableError, coalesced, live_files, live_of};
use millrace_ledger::Ledger;

use crate::RegisterError;

/// A table, and the contract of the newest file that it shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The table.
    pub table: CatalogTable,
    /// Version of the contract.
    pub contract: String,
}

/// The table of a dataset as the ledger knows it now; none if no file of it lives.
/// With `whole`, such tables are refused as would show rows of nobody.
///
/// # Errors
/// [`RegisterError`].
pub async fn shown(
    ledger: &Ledger,
    dataset: &Dataset,
    lake: &str,
    whole: bool,
) -> Result<Option<Shown>, RegisterError> {
    let files = live_files(ledger, &dataset.name).await?;
    let Some(contract) = files.last().map(|file| file.contract.to_string()) else {
        return Ok(None);
    };
    let Live { columns, outputs } = match live_of(ledger, &dataset.name, files).await {
        Ok(live) => live,
        Err(TableError::Empty(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // Those that were joined in one object are one.
    let outputs = coalesced(outputs);
    if whole {
        check_partitions(dataset, &outputs)?;
        check_whole(ledger, &dataset.name, &outputs).await?;
    }
    let objects = outputs.into_iter().map(|(bucket, output)| LiveObject { bucket, output });
    let objects: Vec<LiveObject> = objects.collect();
    let table = CatalogTable::new(dataset, lake, &columns, &objects);
    Ok(Some(Shown { table, contract }))
}

/// Refuses objects that were written when the dataset was partitioned by others: their
/// folders are no partitions of this table.
fn check_partitions(dataset: &Dataset, outputs: &[(String, Output)]) -> Result<(), RegisterError> {
    let wanted = &dataset.parquet.partition_by;
    for (bucket, output) in outputs {
        let found: Vec<&String> = output.partition.iter().map(|(name, _)| name).collect();
        if found.iter().copied().eq(wanted) {
            continue;
        }
        return Err(RegisterError::Partitioned {
            dataset: dataset.name.clone(),
            bucket: bucket.clone(),
            key: output.key.clone(),
            found: named(found.into_iter()),
            wanted: named(wanted.iter()),
        });
    }
    Ok(())
}

fn named<'a>(columns: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<String> = columns.map(|name| format!("`{name}`")).collect();
    match names.is_empty() {
        true => "nothing".to_owned(),
        false => names.join(", "),
    }
}

/// Refuses a list that would name rows of nobody: an object that others were joined
/// into is read whole, and a file of it may have been superseded since.
async fn check_whole(
    ledger: &Ledger,
    dataset: &str,
    outputs: &[(String, Output)],
) -> Result<(), RegisterError> {
    let rows = ledger.joined_rows(dataset).await?;
    for (bucket, output) in outputs {
        let Some(first) = output.first_row else { continue };
        let all = rows.get(&(bucket.clone(), output.key.clone())).copied();
        if first > 0 || all != Some(output.rows) {
            let (dataset, bucket) = (dataset.to_owned(), bucket.clone());
            return Err(RegisterError::Superseded { dataset, bucket, key: output.key.clone() });
        }
    }
    Ok(())
}
