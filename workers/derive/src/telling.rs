//! What others are told of a derived dataset: the load stage of files, those that
//! are made of it of changes, and its own queue of what is to be seen to later.

use std::time::Duration;

use millrace_contract::{Captures, DeriveCause, DeriveTask, LoadTask};
use millrace_runtime::{Failed, Forward};

use crate::handler::Derive;
use crate::run::Target;

impl Derive {
    /// What follows from files that are in the lake: they are loaded, or, where
    /// there is no table, those that are made of them are told.
    pub(crate) async fn tell(
        &self,
        target: &Target,
        files: &[LoadTask],
        is_again: bool,
    ) -> Result<Vec<Forward>, Failed> {
        let name = &target.derived.name;
        if target.dataset.load.is_some() {
            let load = |file: &LoadTask| Forward::new(&self.load_queue, file.to_message()).of(name);
            return Ok(files.iter().map(load).collect());
        }
        for file in files {
            self.ledger.loaded(&file.file_id, 0, Duration::ZERO).await?;
        }
        let changes = self.dependents.told_of(name, &Captures::new(), is_again).into_iter();
        let tell = changes.map(|change| {
            let forward = Forward::new(change.queue, change.body);
            forward.of(change.dataset).after(change.delay)
        });
        Ok(tell.collect())
    }

    /// The same once more, later: for whatever changed meanwhile.
    pub(crate) fn later(&self, task: &DeriveTask, delay: Duration) -> Forward {
        let task = DeriveTask { cause: DeriveCause::Changed, ..task.clone() };
        // Delays are whole seconds.
        let delay = Duration::from_secs(delay.as_secs() + u64::from(delay.subsec_nanos() > 0));
        let forward = Forward::new(self.dependents.queue(), task.to_message());
        forward.of(&task.derived).after(delay)
    }
}
