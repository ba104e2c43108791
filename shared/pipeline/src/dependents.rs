//! Who hears of a dataset's new files: the derived datasets that are made of it.

use std::time::Duration;

use millrace_contract::{Captures, DeriveTask, StageName};

use crate::pipeline::Pipeline;

/// Which derived datasets are made of which datasets, for the stages after which
/// a file's rows are where they belong.
#[derive(Debug, Clone, Default)]
pub struct Dependents {
    /// The queue of the derive stage.
    queue: String,
    all: Vec<Dependent>,
}

/// A derived dataset that is made again when its inputs change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependent {
    /// Its name.
    pub name: String,
    /// The datasets it is made of.
    pub inputs: Vec<String>,
    /// How long changes are gathered.
    pub debounce: Duration,
}

impl Dependents {
    /// The queue that is told.
    pub fn queue(&self) -> &str {
        &self.queue
    }

    /// Those that are made of a dataset.
    pub fn of<'a>(&'a self, dataset: &'a str) -> impl Iterator<Item = &'a Dependent> {
        self.all.iter().filter(move |dependent| dependent.inputs.iter().any(|name| name == dataset))
    }
}

impl Dependent {
    /// What it is told of a file of `input`, whose path says `captures`.
    pub fn message(&self, input: &str, captures: &Captures) -> String {
        DeriveTask::changed(&self.name, input, captures).to_message()
    }
}

impl Pipeline {
    /// Who hears of new files.
    pub fn dependents(&self) -> Dependents {
        let changing = self.derived.iter().filter(|derived| derived.on_change);
        let all = changing.map(|derived| Dependent {
            name: derived.name.clone(),
            inputs: derived.inputs.clone(),
            debounce: derived.debounce,
        });
        Dependents { queue: self.queue_name(StageName::Derive), all: all.collect() }
    }
}
