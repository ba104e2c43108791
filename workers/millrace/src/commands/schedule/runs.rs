//! What schedules start: exports, derived datasets and reports, with their runs.
//! A derived dataset is made of what there is, for no time and of no parameters, so
//! that it has no [`Task`].

use anyhow::Context;
use chrono::{DateTime, Utc};
use millrace_contract::{ExportTask, Parameters, ReportTask, StageName, Upkeep};
use millrace_ledger::{
    DeriveFilter, DeriveRun, ExportFilter, ExportRun, Ledger, ReportFilter, ReportRun, RunState,
    UpkeepFilter, UpkeepRun,
};
use millrace_pipeline::Pipeline;
use serde_json::Value;

use super::super::{derived, exports, maintain, report};
use crate::show;

/// What is started.
#[derive(Debug, Clone)]
pub(super) enum Task {
    Export(ExportTask),
    Report(ReportTask),
}

impl Task {
    /// That of a name; none if the pipeline has neither export nor report of it.
    pub(super) fn of(
        pipeline: &Pipeline,
        name: &str,
        scheduled_at: DateTime<Utc>,
        parameters: Parameters,
    ) -> Option<Self> {
        let name = name.to_owned();
        if pipeline.export(&name).is_some() {
            return Some(Self::Export(ExportTask { export: name, scheduled_at, parameters }));
        }
        pipeline.report(&name)?;
        Some(Self::Report(ReportTask { report: name, scheduled_at, parameters }))
    }

    pub(super) fn stage(&self) -> StageName {
        match self {
            Self::Export(_) => StageName::Export,
            Self::Report(_) => StageName::Report,
        }
    }

    pub(super) fn to_message(&self) -> String {
        match self {
            Self::Export(task) => task.to_message(),
            Self::Report(task) => task.to_message(),
        }
    }

    /// The id of its run, and its name.
    pub(super) fn run(&self) -> (String, &str) {
        match self {
            Self::Export(task) => (task.run_id().to_string(), &task.export),
            Self::Report(task) => (task.run_id().to_string(), &task.report),
        }
    }

    pub(super) fn scheduled_at(&self) -> DateTime<Utc> {
        match self {
            Self::Export(task) => task.scheduled_at,
            Self::Report(task) => task.scheduled_at,
        }
    }

    pub(super) fn parameters(&self) -> &Parameters {
        match self {
            Self::Export(task) => &task.parameters,
            Self::Report(task) => &task.parameters,
        }
    }

    /// Its run, if it was ever begun.
    pub(super) async fn find(&self, ledger: &Ledger) -> anyhow::Result<Option<Run>> {
        match self {
            Self::Export(task) => {
                let filter =
                    ExportFilter { export: Some(task.export.clone()), ..ExportFilter::default() };
                let runs = ledger.export_runs(&filter).await?;
                let run = runs.into_iter().find(|found| found.run == task.run_id());
                Ok(run.map(Run::Export))
            }
            Self::Report(task) => {
                let run = ledger.report_run(&task.run_id()).await;
                Ok(run.context("the run of the report")?.map(Run::Report))
            }
        }
    }
}

/// A run as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Run {
    Export(ExportRun),
    Derive(DeriveRun),
    Report(ReportRun),
    Upkeep(UpkeepRun),
}

impl Run {
    /// The newest of a schedule.
    pub(super) async fn newest(
        ledger: &Ledger,
        stage: StageName,
        name: &str,
    ) -> anyhow::Result<Option<Self>> {
        let name = Some(name.to_owned());
        match stage {
            StageName::Maintain => {
                let upkeep = name.as_deref().and_then(Upkeep::of_schedule);
                let filter = UpkeepFilter { upkeep, limit: Some(1) };
                Ok(ledger.upkeep_runs(filter).await?.into_iter().next().map(Self::Upkeep))
            }
            StageName::Export => {
                let filter = ExportFilter { export: name, state: None, limit: Some(1) };
                Ok(ledger.export_runs(&filter).await?.into_iter().next().map(Self::Export))
            }
            StageName::Derive => {
                let filter = DeriveFilter { dataset: name, state: None, limit: Some(1) };
                Ok(ledger.derive_runs(&filter).await?.into_iter().next().map(Self::Derive))
            }
            StageName::Report => {
                let filter = ReportFilter { report: name, limit: Some(1) };
                Ok(ledger.report_runs(&filter).await?.into_iter().next().map(Self::Report))
            }
            // They have no schedules.
            StageName::Ingest
            | StageName::Transform
            | StageName::Load
            | StageName::Collect
            | StageName::Catalog => Ok(None),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Export(run) => run.state != RunState::Running,
            Self::Derive(run) => run.state != RunState::Running,
            Self::Report(run) => run.state != RunState::Running,
            Self::Upkeep(run) => run.state != RunState::Running,
        }
    }

    pub(super) fn is_failed(&self) -> bool {
        match self {
            Self::Export(run) => run.state == RunState::Failed,
            Self::Derive(run) => run.state == RunState::Failed,
            Self::Report(run) => run.state == RunState::Failed,
            Self::Upkeep(run) => run.state == RunState::Failed,
        }
    }

    /// The time it is for, or was begun at, and its state.
    pub(super) fn standing(&self) -> (DateTime<Utc>, &'static str) {
        match self {
            Self::Export(run) => (run.scheduled_at, run.state.as_str()),
            Self::Derive(run) => (run.started_at, run.state.as_str()),
            Self::Report(run) => (run.scheduled_at, run.state.as_str()),
            Self::Upkeep(run) => (run.scheduled_at, run.state.as_str()),
        }
    }

    pub(super) fn as_json(&self) -> Value {
        match self {
            Self::Export(run) => exports::as_json(run),
            Self::Derive(run) => derived::as_json(run),
            Self::Report(run) => report::as_json(run),
            Self::Upkeep(run) => maintain::as_json(run),
        }
    }

    /// How it ended, in a line.
    pub(super) fn outcome(&self) -> String {
        let (name, rows, place, reason) = match self {
            Self::Export(run) => (run.export.as_str(), run.rows, &run.manifest, &run.reason),
            Self::Derive(run) => (run.dataset.as_str(), run.rows, &None, &run.reason),
            Self::Report(run) => (run.report.as_str(), run.rows, &run.page, &run.reason),
            Self::Upkeep(run) => (run.upkeep.as_str(), None, &None, &run.reason),
        };
        match reason.as_ref().filter(|_| self.is_failed()) {
            Some(reason) => format!("{name} failed: {reason}"),
            None => {
                let rows = show::count(rows.unwrap_or_default(), "row");
                format!("{name}: {rows}, {}", place.as_deref().unwrap_or_default())
            }
        }
    }
}
