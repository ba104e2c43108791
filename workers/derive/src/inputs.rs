//! What a run is made of: the files that each input has in the lake at a moment.

use std::sync::Arc;

use millrace_contract::{After, ContractVersion, Derived, FileId, LoadTask};
use millrace_lake::{LakeTable, TableError, live_files};
use millrace_ledger::{Ledger, LedgerError};
use millrace_sql::Table;
use millrace_storage::Storage;

/// The files of every input.
pub(crate) struct Inputs(Vec<(String, Vec<LoadTask>)>);

impl Inputs {
    /// Looks at the files that there are now.
    pub(crate) async fn look(ledger: &Ledger, derived: &Derived) -> Result<Self, LedgerError> {
        let mut inputs = Vec::with_capacity(derived.inputs.len());
        for name in &derived.inputs {
            inputs.push((name.clone(), live_files(ledger, name).await?));
        }
        Ok(Self(inputs))
    }

    /// The first input that has no file yet.
    pub(crate) fn missing(&self) -> Option<&str> {
        let empty = self.0.iter().find(|(_, files)| files.is_empty());
        empty.map(|(name, _)| name.as_str())
    }

    /// Names the files, and the SQL.
    pub(crate) fn name(&self, contract: &ContractVersion) -> String {
        let files = |files: &'_ [LoadTask]| -> Vec<FileId> {
            files.iter().map(|file| file.file_id.clone()).collect()
        };
        let ids: Vec<_> = self.0.iter().map(|(name, tasks)| (name, files(tasks))).collect();
        let ids: Vec<_> =
            ids.iter().map(|(name, files)| (name.as_str(), files.iter().collect())).collect();
        Derived::inputs_name(contract, &ids)
    }

    /// The inputs as tables.
    pub(crate) async fn tables(
        self,
        ledger: &Ledger,
        storage: &Arc<dyn Storage>,
    ) -> Result<Vec<Arc<dyn Table>>, TableError> {
        let mut tables: Vec<Arc<dyn Table>> = Vec::with_capacity(self.0.len());
        for (name, files) in self.0 {
            let table = LakeTable::of_files(ledger, Arc::clone(storage), &name, files).await?;
            tables.push(Arc::new(table));
        }
        Ok(tables)
    }
}

/// The first of the inputs that are waited for together which has no file of
/// `value` yet.
pub(crate) async fn awaited<'a>(
    ledger: &Ledger,
    after: &'a After,
    value: &str,
) -> Result<Option<&'a str>, LedgerError> {
    for name in &after.all {
        let is_of = |file: &LoadTask| file.captures.get(&after.per).is_some_and(|own| own == value);
        if !live_files(ledger, name).await?.iter().any(is_of) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}
