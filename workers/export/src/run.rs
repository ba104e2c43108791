//! One attempt at a run: from the claim to the manifest.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use futures::future::try_join_all;
use millrace_contract::{Export, ExportObject, ExportTask};
use millrace_failpoint::{Point, reach};
use millrace_format::FileOptions;
use millrace_ledger::{Database, ExportClaim, ExportTotals, Ledger};
use millrace_runtime::{Failed, Lease};
use millrace_storage::Storage;
use millrace_warehouse::export::{Extract, Growing, Snapshot, column_type, open};

use crate::folder::Folder;
use crate::manifest::{Manifest, ManifestColumn, ManifestWatermark};
use crate::objects::Objects;

/// The stage whose failpoints lie here.
pub(crate) const STAGE: &str = "export";

/// What an attempt works with.
pub(crate) struct Attempt<'a> {
    pub(crate) pipeline: &'a str,
    pub(crate) export: &'a Export,
    pub(crate) task: &'a ExportTask,
    pub(crate) claim: &'a ExportClaim,
    pub(crate) ledger: &'a Ledger,
    pub(crate) database: &'a Database,
    pub(crate) storage: &'a Arc<dyn Storage>,
    pub(crate) lease: &'a Lease,
    /// How long the claim lasts once it is renewed.
    pub(crate) lasting: Duration,
}

impl Attempt<'_> {
    /// Exports, and marks the run as done.
    pub(crate) async fn run(&self) -> Result<ExportTotals, Failed> {
        let clock = Instant::now();
        let local = self.local_time()?;
        let run = &self.claim.run;
        let at = self.task.scheduled_at;
        let values = self.export.values(run.as_str(), at, local, &self.task.parameters);
        let folder = Folder {
            storage: Arc::clone(self.storage),
            bucket: self.export.to.bucket.clone(),
            key: self.export.to.fill(&values).map_err(Failed::contract)?,
        };
        let bound = self.export.bound(&values).map_err(Failed::contract)?;
        let mut snapshot = self.open(&bound).await?;
        self.settle_upper(&snapshot).await?;
        folder.make_room(run, self.export.incremental.is_some()).await?;
        reach(STAGE, Point::Began);
        let objects = self.write(&folder, &mut snapshot).await?;
        reach(STAGE, Point::AfterRows);
        self.still_ours().await?;
        folder.remove_others(&objects).await?;
        let manifest = self.manifest(&snapshot, objects);
        folder.write_manifest(&manifest).await?;
        reach(STAGE, Point::BeforeCommit);
        let totals = self.totals(&folder, &manifest, clock);
        self.lease.check()?;
        if !self.ledger.complete_export(self.task, self.claim, &totals).await? {
            return Err(Failed::Lost);
        }
        reach(STAGE, Point::AfterCommit);
        Ok(totals)
    }

    /// The scheduled time on the clocks of the export's time zone.
    fn local_time(&self) -> Result<NaiveDateTime, Failed> {
        let zone: Tz = self.export.timezone.parse().map_err(|_| {
            Failed::contract(format!("`{}` is not a time zone", self.export.timezone))
        })?;
        let at: DateTime<Utc> = self.task.scheduled_at;
        Ok(at.with_timezone(&zone).naive_local())
    }

    async fn open(&self, bound: &[String]) -> Result<Snapshot, Failed> {
        let watermark = &self.claim.watermark;
        let growing = self.export.incremental.as_deref().map(|column| Growing {
            column,
            from: watermark.from.as_deref(),
            to: watermark.to.as_deref(),
        });
        let extract = Extract {
            source: &self.export.source,
            bound,
            growing,
            split: self.export.split.as_ref(),
            types: &self.export.types,
            most: None,
        };
        Ok(open(self.database, &extract).await?)
    }

    /// Writes down where this run ends, so that another attempt ends there too.
    async fn settle_upper(&self, snapshot: &Snapshot) -> Result<(), Failed> {
        let Some(upper) = snapshot.upper.as_ref().filter(|_| self.claim.watermark.to.is_none())
        else {
            return Ok(());
        };
        match self.ledger.export_up_to(self.claim, upper).await? {
            true => Ok(()),
            false => Err(Failed::Lost),
        }
    }

    async fn write(
        &self,
        folder: &Folder,
        snapshot: &mut Snapshot,
    ) -> Result<Vec<ExportObject>, Failed> {
        let said = |name: &str, value: String| (name.to_owned(), value);
        let options = FileOptions {
            format: self.export.format,
            parquet: self.export.parquet.clone(),
            metadata: vec![
                said("millrace.export", self.export.name.clone()),
                said("millrace.run", self.claim.run.to_string()),
            ],
        };
        let (export, lease) = (self.export, self.lease);
        let objects = Objects { export, folder, options, lease };
        let parts = std::mem::take(&mut snapshot.parts);
        let several = parts.len() > 1;
        let writing = parts
            .into_iter()
            .enumerate()
            .map(|(index, rows)| objects.write(several.then_some(index), rows));
        Ok(try_join_all(writing).await?.into_iter().flatten().collect())
    }

    /// That no other worker was given the run meanwhile.
    async fn still_ours(&self) -> Result<(), Failed> {
        self.lease.check()?;
        match self.ledger.renew_export(self.claim, self.lasting).await? {
            true => Ok(()),
            false => Err(Failed::Lost),
        }
    }

    fn manifest(&self, snapshot: &Snapshot, objects: Vec<ExportObject>) -> Manifest {
        let columns = snapshot.schema.fields().iter().map(|field| ManifestColumn {
            name: field.name().clone(),
            data_type: column_type(field),
        });
        let watermark = self.export.incremental.as_ref().map(|column| ManifestWatermark {
            column: column.clone(),
            from: self.claim.watermark.from.clone(),
            to: snapshot.upper.clone(),
        });
        Manifest {
            version: 1,
            pipeline: self.pipeline.to_owned(),
            export: self.export.name.clone(),
            run: self.claim.run.clone(),
            scheduled_at: self.task.scheduled_at,
            parameters: self.task.parameters.clone(),
            snapshot_at: snapshot.taken_at,
            format: self.export.format.to_string(),
            rows: objects.iter().map(|object| object.rows).sum(),
            objects,
            columns: columns.collect(),
            watermark,
        }
    }

    fn totals(&self, folder: &Folder, manifest: &Manifest, clock: Instant) -> ExportTotals {
        // Without rows nothing was reached that had not been.
        let watermark = manifest.watermark.as_ref().filter(|_| manifest.rows > 0);
        let reached = watermark.and_then(|said| Some((said.column.clone(), said.to.clone()?)));
        ExportTotals {
            manifest: folder.manifest_url(),
            rows: manifest.rows,
            objects: manifest.objects.len() as u64,
            bytes: manifest.objects.iter().map(|object| object.bytes).sum(),
            reached,
            duration: clock.elapsed(),
        }
    }
}
