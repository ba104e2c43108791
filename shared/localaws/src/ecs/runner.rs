//! The life of one task: its processes are started, watched and ended, and what
//! became of them is kept.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Ecs;
use super::name;
use super::process::{Launch, Started};
use super::state::{State, Task};
use crate::service::ServiceError;

/// Wait before the first restart of a service's task; it doubles each time.
const FIRST_BACKOFF: Duration = Duration::from_millis(250);
/// Wait before a restart at most.
const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// A task that ran this long was no failed start.
const STEADY: Duration = Duration::from_secs(10);

/// A task whose processes are looked after.
#[derive(Debug)]
pub(super) struct Running {
    /// Cancelled to stop it.
    pub(super) stop: CancellationToken,
    /// When all its processes were started.
    pub(super) since: Option<Instant>,
}

/// No task of a service is started before a time, because one has just failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold {
    failures: u32,
    /// The time.
    pub(super) until: Instant,
}

impl Ecs {
    /// Starts a task that is kept as provisioning.
    pub(super) fn launch(self: &Arc<Self>, cluster: &str, id: &str) {
        let stop = self.closing.child_token();
        let running = Running { stop: stop.clone(), since: None };
        self.lock_running().insert(id.to_owned(), running);
        let (ecs, cluster, id) = (Arc::clone(self), cluster.to_owned(), id.to_owned());
        self.tasks.spawn(async move {
            ecs.live(&cluster, &id, stop).await;
            ecs.lock_running().remove(&id);
            ecs.changed.notify_one();
        });
    }

    /// Passes on to the running tasks what the kept state says.
    pub(super) fn stop_those_told_to(&self) {
        let state = self.kept.read();
        let running = self.lock_running();
        for (id, task) in state.clusters.values().flat_map(|cluster| &cluster.tasks) {
            if let Some(running) = running.get(id).filter(|_| task.stopping) {
                running.stop.cancel();
            }
        }
    }

    async fn live(&self, cluster: &str, id: &str, stop: CancellationToken) {
        let state = self.kept.read();
        let Some(task) = task_of(&state, cluster, id) else { return };
        let launches = if task.stopping { Ok(Vec::new()) } else { self.launches(&state, id, task) };
        let started = launches.and_then(|launches| Ok((start_all(&launches)?, launches)));
        drop(state);
        let since = Instant::now();
        match started {
            Ok((started, launches)) => {
                self.note_started(cluster, id, &started);
                self.watch(cluster, id, stop, started, &launches).await;
            }
            Err(reason) => {
                self.change_task(cluster, id, |task, now| {
                    task.stop(now, "TaskFailedToStart", &reason);
                    for container in &mut task.containers {
                        container.reason = Some(reason.clone());
                    }
                });
            }
        }
        self.note_end(cluster, id, since.elapsed());
    }

    /// Watches the processes until all have ended; with an essential one all do.
    async fn watch(
        &self,
        cluster: &str,
        id: &str,
        stop: CancellationToken,
        started: Vec<Started>,
        launches: &[Launch],
    ) {
        let mut processes = JoinSet::new();
        for (index, started) in started.into_iter().enumerate() {
            let stop = stop.clone();
            processes.spawn(async move { (index, started.end(stop).await) });
        }
        while let Some(ended) = processes.join_next().await {
            let Ok((index, exit_code)) = ended else { continue };
            let is_essential = launches.get(index).is_some_and(|launch| launch.is_essential);
            let is_closing = self.closing.is_cancelled();
            self.change_task(cluster, id, |task, now| {
                if let Some(container) = task.containers.get_mut(index) {
                    container.ended = true;
                    container.exit_code = exit_code;
                }
                if is_closing {
                    task.stop(now, "TerminationNotice", "The endpoint was stopped");
                } else if is_essential {
                    let reason = "Essential container in task exited";
                    task.stop(now, "EssentialContainerExited", reason);
                }
            });
            if is_essential {
                stop.cancel();
            }
        }
    }

    fn note_started(&self, cluster: &str, id: &str, started: &[Started]) {
        if started.is_empty() {
            return;
        }
        if let Some(running) = self.lock_running().get_mut(id) {
            running.since = Some(Instant::now());
        }
        self.change_task(cluster, id, |task, now| {
            for (container, started) in task.containers.iter_mut().zip(started) {
                container.process = Some(started.process);
            }
            task.started_at = Some(now);
            if !task.stopping {
                task.last_status = "RUNNING".to_owned();
            }
        });
        self.changed.notify_one();
    }

    /// The task has stopped; if nobody told it to, its service waits a while
    /// before it starts the next.
    fn note_end(&self, cluster: &str, id: &str, ran: Duration) {
        let mut failed = None;
        let kept = self.kept.change(|state| {
            let now = self.clock.now();
            let cluster = state.cluster_mut(Some(cluster))?;
            let Some(task) = cluster.tasks.get_mut(id) else { return Ok(()) };
            task.stop(now, "EssentialContainerExited", "All containers in task exited");
            task.last_status = "STOPPED".to_owned();
            task.stopped_at = Some(now);
            task.protected_until = None;
            task.containers.iter_mut().for_each(|container| container.ended = true);
            let by_itself = ["EssentialContainerExited", "TaskFailedToStart"];
            let by_itself = task.stop_code.as_deref().is_some_and(|code| by_itself.contains(&code));
            if let Some((service_name, deployment)) = task.service.clone().filter(|_| by_itself) {
                let why = why(task);
                tracing::warn!(service = service_name, task = id, why, "a task ended by itself");
                failed = Some(service_name.clone());
                if let Some(service) = cluster.services.get_mut(&service_name) {
                    let of = |one: &&mut super::state::Deployment| one.id == deployment;
                    if let Some(deployment) = service.deployments.iter_mut().find(of) {
                        deployment.failed += 1;
                        deployment.updated_at = now;
                    }
                    service.steady = false;
                    service
                        .tell(now, format!("(service {service_name}) (task {id}) stopped: {why}"));
                }
            }
            Ok::<_, ServiceError>(())
        });
        log_failure(kept);
        if let Some(service) = failed {
            self.hold(cluster, &service, ran);
        }
    }

    fn hold(&self, cluster: &str, service: &str, ran: Duration) {
        let key = (cluster.to_owned(), service.to_owned());
        let mut holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        let before = holds.get(&key).filter(|_| ran < STEADY).map_or(0, |hold| hold.failures);
        let wait = FIRST_BACKOFF.saturating_mul(1 << before.min(10)).min(MAX_BACKOFF);
        holds.insert(key, Hold { failures: before + 1, until: Instant::now() + wait });
    }

    fn change_task(
        &self,
        cluster: &str,
        id: &str,
        change: impl FnOnce(&mut Task, crate::clock::Millis),
    ) {
        log_failure(self.kept.change(|state| {
            let cluster = state.cluster_mut(Some(cluster))?;
            if let Some(task) = cluster.tasks.get_mut(id) {
                change(task, self.clock.now());
            }
            Ok::<_, ServiceError>(())
        }));
    }
}

/// Starts all processes of a task, or none.
fn start_all(launches: &[Launch]) -> Result<Vec<Started>, String> {
    // On an error, dropping those that were started kills them.
    let start = |launch: &Launch| {
        launch.start().map_err(|error| {
            let program = launch.program.display();
            format!("CannotStartContainerError: can't run `{program}`: {error}")
        })
    };
    launches.iter().map(start).collect()
}

fn task_of<'a>(state: &'a State, cluster: &str, id: &str) -> Option<&'a Task> {
    state.clusters.get(name::cluster(Some(cluster)))?.tasks.get(id)
}

/// Why a task ended, for an event of its service.
fn why(task: &Task) -> String {
    let reason = task.stopped_reason.as_deref().unwrap_or_default();
    let codes = task.containers.iter().filter_map(|container| {
        container.exit_code.map(|code| format!("{} exited with {code}", container.name))
    });
    let codes = codes.collect::<Vec<_>>().join(", ");
    if codes.is_empty() { reason.to_owned() } else { format!("{reason} ({codes})") }
}

/// There is nobody to answer to: what can't be kept is logged.
fn log_failure(kept: Result<(), ServiceError>) {
    if let Err(error) = kept {
        tracing::error!(reason = error.message, "what became of a task can't be kept");
    }
}
