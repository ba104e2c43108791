//! Files that have had no end for long: their messages are sent again. That does no
//! harm where one is still there, since effects have names that do not depend on the
//! attempt.

use std::time::Duration;

use chrono::Utc;
use millrace_contract::{Replay, ReplayKind, StageName, TransformTask};
use millrace_ledger::{FileState, Hop, StuckFile};

use super::Reconciler;
use crate::UpkeepError;

/// Files that have had no end for long, some hundred.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stuck {
    /// Those whose messages are to be sent again.
    pub files: Vec<Resent>,
    /// Replays of rejected rows that were cut short before they were read: only the
    /// command that began them can begin them again.
    pub left: u64,
    /// Pass it on for the next ones; none at the end.
    pub next: Option<u64>,
}

/// A file that goes on its way again.
#[derive(Debug, Clone, PartialEq)]
pub struct Resent {
    /// The file.
    pub file: StuckFile,
    /// The stage whose message it is.
    pub stage: StageName,
    /// The message.
    pub message: String,
    /// Whether its object is gone, so that it will end as missing.
    pub is_gone: bool,
}

impl Reconciler {
    /// Files without an end behind `after`, in the order of registration.
    ///
    /// # Errors
    /// [`UpkeepError`] of the ledger or the bucket.
    pub async fn stuck(&self, after: Option<u64>) -> Result<Stuck, UpkeepError> {
        let raw = &self.site.pipeline.lake.raw;
        let before = self.stuck_since();
        let (files, next) = self.site.ledger.stuck_files(raw, before, after).await?;
        let mut stuck = Stuck { next, ..Stuck::default() };
        for file in files {
            let name = &file.run.dataset;
            if self.site.pipeline.dataset(name).is_none()
                || self.dataset.as_ref().is_some_and(|only| only != name)
            {
                continue;
            }
            match again(&file) {
                Some((stage, message)) => {
                    let is_gone = stage == StageName::Transform && self.is_gone(&file).await?;
                    stuck.files.push(Resent { file, stage, message, is_gone });
                }
                None => stuck.left += 1,
            }
        }
        Ok(stuck)
    }

    async fn is_gone(&self, file: &StuckFile) -> Result<bool, UpkeepError> {
        let object = &file.run.object;
        Ok(self.site.storage.newest(&object.bucket, &object.key).await?.is_none())
    }

    /// Puts on record that a file's message is sent again, so that the next runs leave
    /// it alone for a while.
    ///
    /// # Errors
    /// [`UpkeepError`] of the ledger.
    pub async fn note_resent(&self, resent: &Resent) -> Result<(), UpkeepError> {
        let detail = format!("had no end for long: its {} message was sent again", resent.stage);
        let hop = Hop {
            file_id: &resent.file.run.file_id,
            stage: StageName::Maintain,
            attempt: 1,
            started_at: Utc::now(),
            duration: Duration::ZERO,
            outcome: "sent again",
            detail: Some(&detail),
        };
        Ok(self.site.ledger.hop(&hop).await?)
    }
}

/// The message by which a file goes on, and the stage it is for.
fn again(file: &StuckFile) -> Option<(StageName, String)> {
    let run = &file.run;
    if let (FileState::Transformed, Some(task)) = (run.state, &file.task) {
        return Some((StageName::Load, task.to_message()));
    }
    let replay = match &run.replay {
        None => None,
        Some((ReplayKind::Whole, of)) => Some(Replay::Whole { of: of.clone() }),
        Some((ReplayKind::Rejects, _)) => return None,
    };
    let task = TransformTask {
        file_id: run.file_id.clone(),
        dataset: run.dataset.clone(),
        contract: run.contract.clone(),
        object: run.object.clone(),
        captures: run.captures.clone(),
        published_at: file.published_at,
        replay,
        trace_id: run.trace_id.clone(),
    };
    Some((StageName::Transform, task.to_message()))
}
