//! Workers that the test itself keeps, so that it can kill them at any moment
//! and have them back at once: `millrace dev` waits longer from death to death,
//! as it should.

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::stack::{Stack, signal};

/// The stages, in the order of a file's journey.
pub(crate) const STAGES: [&str; 3] = ["ingest", "transform", "load"];

/// Running workers of a stack whose pipeline asks for none itself.
pub(crate) struct Fleet {
    slots: Arc<Vec<Slot>>,
    stopped: Arc<AtomicBool>,
    /// Deaths that were not asked for by [`Fleet::kill`] count too.
    deaths: Arc<AtomicUsize>,
    keeper: Option<JoinHandle<()>>,
}

struct Slot {
    command: Mutex<std::process::Command>,
    child: Mutex<Child>,
}

impl Fleet {
    /// Starts `each` workers of every stage, and starts again whoever dies.
    pub(crate) fn start(stack: &Stack, each: usize, environment: &[(&str, &str)]) -> Self {
        let stages: Vec<&str> =
            STAGES.iter().flat_map(|stage| std::iter::repeat_n(*stage, each)).collect();
        Self::with(stack, &stages, environment)
    }

    /// Starts a worker of each of these stages, and starts again whoever dies.
    pub(crate) fn of(stack: &Stack, stages: &[&str]) -> Self {
        Self::with(stack, stages, &[])
    }

    fn with(stack: &Stack, stages: &[&str], environment: &[(&str, &str)]) -> Self {
        let slot = |stage: &&str| {
            let mut command = stack.worker(stage);
            command.envs(environment.iter().copied());
            let child = Mutex::new(command.spawn().expect("a worker"));
            Slot { command: Mutex::new(command), child }
        };
        let slots: Arc<Vec<Slot>> = Arc::new(stages.iter().map(slot).collect());
        let (stopped, deaths) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let keeper = {
            let (slots, stopped, deaths) = (slots.clone(), stopped.clone(), deaths.clone());
            std::thread::spawn(move || keep(&slots, &stopped, &deaths))
        };
        Self { slots, stopped, deaths, keeper: Some(keeper) }
    }

    /// How many workers there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Kills a worker without a word.
    pub(crate) fn kill(&self, number: usize) {
        let mut child = self.slots[number].child.lock().unwrap();
        child.kill().expect("a worker");
    }

    /// How often a worker died.
    pub(crate) fn deaths(&self) -> usize {
        self.deaths.load(Ordering::SeqCst)
    }

    /// Process ids, those of a stage together.
    pub(crate) fn ids(&self) -> Vec<u32> {
        self.slots.iter().map(|slot| slot.child.lock().unwrap().id()).collect()
    }

    /// Lets every worker drain and end; what does not is killed.
    pub(crate) fn stop(mut self) {
        self.end_keeper();
        for slot in self.slots.iter() {
            let child = slot.child.lock().unwrap();
            signal(child.id(), "TERM");
        }
        for slot in self.slots.iter() {
            let mut child = slot.child.lock().unwrap();
            let limit = Duration::from_secs(40);
            crate::stack::wait_for("a worker to stop", limit, || child.try_wait().unwrap());
        }
    }

    fn end_keeper(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        if let Some(keeper) = self.keeper.take() {
            let _ended = keeper.join();
        }
    }
}

fn keep(slots: &[Slot], stopped: &AtomicBool, deaths: &AtomicUsize) {
    while !stopped.load(Ordering::SeqCst) {
        for slot in slots {
            let mut child = slot.child.lock().unwrap();
            if child.try_wait().expect("a child").is_some() {
                deaths.fetch_add(1, Ordering::SeqCst);
                *child = slot.command.lock().unwrap().spawn().expect("a worker");
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.end_keeper();
        for slot in self.slots.iter() {
            let mut child = slot.child.lock().unwrap();
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Stack {
    /// A command that runs a worker, which ends with the test.
    fn worker(&self, stage: &str) -> std::process::Command {
        let mut command = self.command(&["worker", stage, "--stop-on-stdin-end"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(self.log());
        command
    }
}
