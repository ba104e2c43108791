//! What is to be done for a dataset: what lives, held against what is known to be
//! written and registered.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Utc;
use millrace_catalog::{
    CatalogTable, Change, Manifest, PartitionChanges, PartitionSpec, TableSpec, manifests,
};
use millrace_contract::Dataset;
use millrace_ledger::CatalogList;

use crate::shown::{Shown, shown};
use crate::{RegisterError, Site, lists};

/// What is to be done for a dataset.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The table as it is to be.
    pub table: TableSpec,
    /// What is to be done about it.
    pub change: Change,
    /// Version of the contract of its newest file.
    pub contract: String,
    /// Lists that are other than what is known of them.
    pub lists: Vec<Manifest>,
    /// Lists of partitions in which nothing lives any more, to be emptied.
    pub emptied: Vec<Manifest>,
    /// Partitions to be registered, changed and removed.
    pub partitions: PartitionChanges,
    /// Facts that are other than what is known.
    pub(crate) changed: Vec<CatalogList>,
    /// What is known until all is done: that these are about to change.
    pub(crate) doubted: Vec<CatalogList>,
    /// The ids of facts that are none any more.
    pub(crate) gone_ids: Vec<String>,
    /// Names what the table says.
    pub(crate) definition: String,
}

impl Plan {
    /// Looks what is to be done; nothing for a dataset that has no file in the lake and
    /// never had one. What is `thorough` goes by what there really is in bucket and
    /// catalog, and writes every list again; else the ledger is believed.
    ///
    /// # Errors
    /// [`RegisterError`].
    pub async fn of(
        site: &Site,
        dataset: &Dataset,
        thorough: bool,
    ) -> Result<Option<Self>, RegisterError> {
        let shown = shown(&site.ledger, dataset, &site.lake, true).await?;
        let known = site.ledger.catalog_lists(&dataset.name).await?;
        let Some(shown) = shown.or_else(|| emptied(site, dataset, &known)) else {
            return Ok(None);
        };
        let Shown { table, contract } = shown;
        let projection = site.settings.projection.as_deref();
        let mut spec = table.spec(&site.pipeline, projection);
        let found = site.catalog.table(&site.settings.database, &spec.name).await?;
        if let (true, Some(found)) = (table.partitions.is_empty() && !known.is_empty(), &found) {
            // No file is left to say which columns there are: they stay as they are.
            spec.columns = found.columns.clone();
            spec.partition_keys = found.partition_keys.clone();
        }
        let change = spec.change(found.as_ref());
        let facts = facts(&table, projection, &known);
        let wanted = table.partition_specs(projection);
        let there = there(site, &spec, &change, &known, thorough).await?;
        let ids: BTreeSet<&str> = facts.iter().map(|(fact, _)| fact.id.as_str()).collect();
        let is_gone = |list: &&CatalogList| !ids.contains(list.id.as_str());
        let gone: Vec<CatalogList> = known.iter().filter(is_gone).cloned().collect();
        let mut emptied: Vec<Manifest> = gone.iter().filter_map(|list| empty(site, list)).collect();
        if thorough {
            emptied.extend(stray(site, &table, &emptied).await?);
        }
        let is_other = |(fact, _): &&(CatalogList, Manifest)| thorough || !is_known(fact, &known);
        let changed: Vec<_> = facts.iter().filter(is_other).cloned().collect();
        let list_differs = |fact: &CatalogList| {
            thorough || !known.iter().any(|list| list.id == fact.id && list.list == fact.list)
        };
        let lists = changed.iter().filter(|(fact, _)| list_differs(fact));
        Ok(Some(Self {
            lists: lists.map(|(_, list)| list.clone()).collect(),
            changed: changed.iter().map(|(fact, _)| fact.clone()).collect(),
            partitions: PartitionChanges::between(&wanted, &there),
            definition: spec.digest(),
            gone_ids: gone.iter().map(|list| list.id.clone()).collect(),
            table: spec,
            change,
            contract,
            emptied,
            doubted: doubted(&changed, &gone, &known),
        }))
    }

    /// Whether everything is as it is to be.
    pub fn is_nothing(&self) -> bool {
        self.change == Change::Nothing
            && self.lists.is_empty()
            && self.emptied.is_empty()
            && self.partitions.is_empty()
            && self.changed.is_empty()
    }
}

/// The table of a dataset of which nothing lives any more, if it ever had a list.
fn emptied(site: &Site, dataset: &Dataset, known: &[CatalogList]) -> Option<Shown> {
    if known.is_empty() {
        return None;
    }
    let table = CatalogTable::new(dataset, &site.lake, &dataset.schema.columns, &[]);
    Some(Shown { table, contract: String::new() })
}

/// Partitions as they are registered: as the ledger knows, or as the catalog says.
async fn there(
    site: &Site,
    spec: &TableSpec,
    change: &Change,
    known: &[CatalogList],
    thorough: bool,
) -> Result<Vec<PartitionSpec>, RegisterError> {
    match change {
        Change::Create | Change::Replace => Ok(Vec::new()),
        Change::Nothing | Change::Update(_) | Change::Refuse if thorough => {
            Ok(site.catalog.partitions(&site.settings.database, &spec.name).await?)
        }
        Change::Nothing | Change::Update(_) | Change::Refuse => {
            let registered = known.iter().filter_map(|list| {
                let columns = list.columns.clone()?;
                let (values, location) = (list.values.clone(), list.location.clone());
                Some(PartitionSpec { values, location, columns })
            });
            Ok(registered.collect())
        }
    }
}

/// Every partition that there is to be, with its list.
fn facts(
    table: &CatalogTable,
    projection: Option<&str>,
    known: &[CatalogList],
) -> Vec<(CatalogList, Manifest)> {
    let now = Utc::now();
    let known: BTreeMap<&str, &CatalogList> =
        known.iter().map(|list| (list.id.as_str(), list)).collect();
    let columns = table.partition_specs(projection);
    let columns: BTreeMap<&Vec<String>, &String> =
        columns.iter().map(|spec| (&spec.values, &spec.columns)).collect();
    let lists = manifests(table);
    let fact = |(number, list): (usize, &Manifest)| {
        let partition = table.partitions.get(number);
        let location = format!("{}{}", table.location(), folder(table, number));
        let id = millrace_catalog::digest(&location);
        let values = partition.map(|one| one.values.clone()).unwrap_or_default();
        let registered_at = known.get(id.as_str()).map_or(now, |known| known.registered_at);
        let fact = CatalogList {
            list: list.digest(),
            columns: columns.get(&values).map(|columns| (*columns).clone()),
            objects: partition.map_or(0, |one| one.objects.len() as u64),
            rows: partition.map_or(0, |one| one.rows),
            bytes: partition.map_or(0, |one| one.bytes),
            id,
            values,
            location,
            registered_at,
            changed_at: now,
        };
        (fact, list.clone())
    };
    lists.iter().enumerate().map(fact).collect()
}

fn folder(table: &CatalogTable, number: usize) -> String {
    table.partitions.get(number).map(|one| table.folder(one)).unwrap_or_default()
}

/// Facts that are about to change, as they are known meanwhile. What may be registered
/// counts as registered with columns that nobody has, so that whoever finds it so
/// changes it, or removes it.
fn doubted(
    changed: &[(CatalogList, Manifest)],
    gone: &[CatalogList],
    known: &[CatalogList],
) -> Vec<CatalogList> {
    let was_registered =
        |fact: &CatalogList| known.iter().any(|list| list.id == fact.id && list.columns.is_some());
    let doubt = |fact: &CatalogList| {
        let may_be = fact.columns.is_some() || was_registered(fact);
        CatalogList { columns: may_be.then(String::new), ..fact.clone() }
    };
    changed.iter().map(|(fact, _)| fact).chain(gone).map(doubt).collect()
}

/// Whether the ledger knows a partition with such a list and columns.
fn is_known(fact: &CatalogList, known: &[CatalogList]) -> bool {
    let is_same = |list: &CatalogList| list.list == fact.list && list.columns == fact.columns;
    known.iter().any(|list| list.id == fact.id && is_same(list))
}

/// The list of a partition in which nothing lives.
fn empty(site: &Site, list: &CatalogList) -> Option<Manifest> {
    let folder = list.location.strip_prefix(&format!("s3://{}/", site.lake))?;
    Some(Manifest { key: format!("{folder}{}", Manifest::NAME), text: String::new() })
}

/// Lists that are in the bucket and nobody knows of.
async fn stray(
    site: &Site,
    table: &CatalogTable,
    known: &[Manifest],
) -> Result<Vec<Manifest>, RegisterError> {
    let wanted = manifests(table);
    let found = lists::keys(site.storage.as_ref(), &site.lake, &table.manifests_prefix()).await?;
    let is_stray = |key: &String| !wanted.iter().chain(known).any(|list| list.key == *key);
    let stray = found.into_iter().filter(is_stray);
    Ok(stray.map(|key| Manifest { key, text: String::new() }).collect())
}
