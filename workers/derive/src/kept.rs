//! Partitions that need not be derived again: those whose rows can only come from
//! what they came from before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use millrace_contract::{ColumnDef, ContractVersion, Derived, LoadTask, Refresh};
use millrace_format::partition_path;
use millrace_sql::{Partition, SqlFault, SqlQuery, Table, TableRead};

use crate::run::Target;

/// By its folders, what the rows of each partition come from.
pub(crate) type Origins = BTreeMap<String, String>;

/// What partitions come from, by the query and its tables.
pub(crate) struct Tracing {
    query: Arc<SqlQuery>,
    contract: ContractVersion,
    /// The columns of each table: files of an older contract are read by them, too.
    schemas: BTreeMap<String, String>,
}

/// The partitions that stay.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) partitions: Vec<Partition>,
    pub(crate) origins: Origins,
    pub(crate) rows: u64,
}

impl Tracing {
    pub(crate) fn new(
        query: &Arc<SqlQuery>,
        contract: &ContractVersion,
        tables: &[Arc<dyn Table>],
    ) -> Self {
        let schema = |table: &Arc<dyn Table>| {
            let schema = table.schema();
            let fields = schema.fields().iter();
            let fields: Vec<String> =
                fields.map(|field| format!("{} {}", field.name(), field.data_type())).collect();
            (table.name().to_owned(), fields.join(", "))
        };
        let schemas = tables.iter().map(schema).collect();
        Self { query: Arc::clone(query), contract: contract.clone(), schemas }
    }

    /// Those of the partitions that live, `known` as the run before left them, that
    /// come from the same as then.
    pub(crate) fn kept(&self, known: &Origins, live: &[LoadTask]) -> Result<Kept, SqlFault> {
        let columns = self.query.columns();
        let candidates = live.iter().filter_map(|file| self.candidate(file, columns, known));
        let candidates: BTreeMap<Partition, (String, u64)> = candidates.collect();
        let partitions: Vec<Partition> = candidates.keys().cloned().collect();
        let mut kept = Kept::default();
        for (partition, origin) in partitions.iter().zip(self.origins_of(&partitions)?) {
            let Some((folders, rows)) = candidates.get(partition) else { continue };
            if let Some(origin) = origin.filter(|origin| known.get(folders) == Some(origin)) {
                kept.partitions.push(partition.clone());
                kept.origins.insert(folders.clone(), origin);
                kept.rows += rows;
            }
        }
        Ok(kept)
    }

    /// What each of these partitions comes from, as far as that can be told.
    pub(crate) fn origins(&self, partitions: &[Partition]) -> Result<Origins, SqlFault> {
        let origins = self.origins_of(partitions)?.into_iter();
        let named = partitions.iter().map(|partition| partition_path(partition)).zip(origins);
        Ok(named.filter_map(|(folders, origin)| Some((folders, origin?))).collect())
    }

    /// A partition that lives as this query would write it, and that was traced.
    fn candidate(
        &self,
        file: &LoadTask,
        columns: &[ColumnDef],
        known: &Origins,
    ) -> Option<(Partition, (String, u64))> {
        let partition = &file.outputs.first()?.partition;
        let folders = partition_path(partition);
        let is_current = file.contract == self.contract
            && file.columns.as_deref() == Some(columns)
            && file.outputs.iter().all(|output| output.partition == *partition);
        let is_known = known.contains_key(&folders);
        (is_current && is_known).then(|| (partition.clone(), (folders, file.balance.written)))
    }

    fn origins_of(&self, partitions: &[Partition]) -> Result<Vec<Option<String>>, SqlFault> {
        let reads = self.query.reads_of(partitions)?;
        Ok(reads.iter().map(|reads| reads.as_ref().map(|reads| self.name(reads))).collect())
    }

    fn name(&self, reads: &BTreeSet<TableRead>) -> String {
        let schema = |table: &str| self.schemas.get(table).map_or("", String::as_str);
        let parts: Vec<[&str; 3]> = reads
            .iter()
            .map(|read| {
                let part = read.part.as_deref().unwrap_or_default();
                [read.table.as_str(), schema(&read.table), part]
            })
            .collect();
        Derived::origin_name(&self.contract, &parts)
    }
}

/// Whether a dataset's partitions are looked at one by one.
pub(crate) fn is_by_partition(target: &Target) -> bool {
    target.derived.refresh == Refresh::Partition && !target.dataset.parquet.partition_by.is_empty()
}
