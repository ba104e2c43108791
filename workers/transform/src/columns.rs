//! Which columns a file is read with: those that are declared, those that the
//! first file of its dataset settled, or those that files evolve.

use millrace_contract::{ColumnDef, Dataset, SchemaMode, TransformTask};
use millrace_ledger::{ColumnVersion, Evolution, Evolving, Ledger};

use crate::handler::Failed;
use crate::run::{Lake, survey};

/// The columns of a file.
pub(crate) struct Columns {
    /// In the order of the files that are written.
    pub(crate) list: Vec<ColumnDef>,
    /// Their version, where they evolve.
    pub(crate) version: Option<u32>,
}

/// The columns that a file is read with, settled for every later attempt.
pub(crate) async fn columns(
    ledger: &Ledger,
    lake: &Lake,
    task: &TransformTask,
    dataset: &Dataset,
) -> Result<Columns, Failed> {
    Ok(match dataset.schema.mode {
        SchemaMode::Strict => Columns { list: dataset.schema.columns.clone(), version: None },
        SchemaMode::Infer => {
            Columns { list: inferred(ledger, lake, task, dataset).await?, version: None }
        }
        SchemaMode::Evolve => {
            let settled = evolved(ledger, lake, task, dataset).await?;
            Columns { list: settled.columns, version: Some(settled.version) }
        }
    })
}

/// The first file of a dataset whose schema is inferred settles its columns for
/// all.
async fn inferred(
    ledger: &Ledger,
    lake: &Lake,
    task: &TransformTask,
    dataset: &Dataset,
) -> Result<Vec<ColumnDef>, Failed> {
    if let Some(settled) = ledger.settled_columns(&task.dataset, &task.contract).await? {
        return Ok(settled);
    }
    let inferred = survey(lake, task, dataset).await?.infer();
    for note in &inferred.notes {
        tracing::debug!(dataset = %task.dataset, rows = inferred.rows_sampled, "{note}");
    }
    Ok(ledger.resolve_columns(&task.dataset, &task.contract, &inferred.columns).await?)
}

/// The newest columns, evolved by what the file's sample holds. Where another
/// file evolved them meanwhile, its columns are evolved instead; a file whose
/// columns are settled keeps them.
async fn evolved(
    ledger: &Ledger,
    lake: &Lake,
    task: &TransformTask,
    dataset: &Dataset,
) -> Result<ColumnVersion, Failed> {
    if let Some(settled) = ledger.columns_of(&task.file_id).await? {
        return Ok(settled);
    }
    let survey = survey(lake, task, dataset).await?;
    let mut known = ledger.newest_columns(&task.dataset, &task.contract).await?;
    loop {
        let columns = known.as_ref().map(|known| known.columns.as_slice());
        let evolved =
            survey.evolve(columns, &task.captures).map_err(crate::TransformError::from)?;
        let evolution = Evolution {
            file_id: &task.file_id,
            dataset: &task.dataset,
            contract: &task.contract,
            known: known.as_ref().map_or(0, |known| known.version),
            columns: &evolved.columns,
            changes: &evolved.changes,
        };
        match ledger.evolve_columns(&evolution).await? {
            Evolving::Settled(settled) => {
                log_changes(task, &settled);
                return Ok(settled);
            }
            Evolving::Overtaken(newer) => known = Some(newer),
        }
    }
}

fn log_changes(task: &TransformTask, settled: &ColumnVersion) {
    if settled.file_id != task.file_id {
        return;
    }
    for change in &settled.changes {
        tracing::info!(
            dataset = %task.dataset,
            object.key = %task.object.key,
            column_version = settled.version,
            "column {change}"
        );
    }
}
