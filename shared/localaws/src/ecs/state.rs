//! What ECS keeps: clusters with their services and tasks, families of task
//! definitions, account settings.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::name;
use crate::clock::Millis;
use crate::service::ServiceError;

/// Tags by key.
pub(super) type Tags = BTreeMap<String, String>;

/// Service events kept at most, newest first.
const MAX_EVENTS: usize = 100;
/// How long a stopped task can be described.
const STOPPED_TASKS_KEPT: Millis = 3_600_000;

/// What there is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// By name.
    pub(super) clusters: BTreeMap<String, Cluster>,
    /// By family.
    pub(super) families: BTreeMap<String, Family>,
    /// Account settings by name.
    pub(super) settings: BTreeMap<String, String>,
}

/// A cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Cluster {
    /// Whether it was deleted.
    pub(super) inactive: bool,
    /// Members of the request that are answered as they were given.
    pub(super) given: Map<String, Value>,
    /// Tags.
    pub(super) tags: Tags,
    /// By name.
    pub(super) services: BTreeMap<String, Service>,
    /// By id.
    pub(super) tasks: BTreeMap<String, Task>,
}

/// The revisions of a task definition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Family {
    /// The number that was last given to a revision; deleting one frees none.
    pub(super) last: u32,
    /// By number.
    pub(super) revisions: BTreeMap<u32, Definition>,
}

/// A revision of a task definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Definition {
    /// As it was registered, with the defaults filled in.
    pub(super) given: Map<String, Value>,
    /// `ACTIVE`, `INACTIVE` or `DELETE_IN_PROGRESS`.
    pub(super) status: String,
    /// When it was registered.
    pub(super) registered_at: Millis,
    /// When it was deregistered.
    pub(super) deregistered_at: Option<Millis>,
    /// When its deletion was asked for.
    pub(super) delete_requested_at: Option<Millis>,
    /// Tags.
    pub(super) tags: Tags,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Service {
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub(super) status: String,
    /// Tasks wanted.
    pub(super) desired: u32,
    /// Members of the request that are answered as they were given.
    pub(super) given: Map<String, Value>,
    /// The primary one first.
    pub(super) deployments: Vec<Deployment>,
    /// Newest first.
    pub(super) events: Vec<Event>,
    /// Whether the last thing said was that it is steady.
    pub(super) steady: bool,
    /// Tasks that could not be stopped because they are protected, when that
    /// was last said.
    pub(super) blocked: usize,
    /// When it was created.
    pub(super) created_at: Millis,
    /// Tags.
    pub(super) tags: Tags,
}

/// Tasks of a service that are of one revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Deployment {
    /// `ecs-svc/<number>`.
    pub(super) id: String,
    /// ARN of the task definition.
    pub(super) definition: String,
    /// When it began.
    pub(super) created_at: Millis,
    /// When it last changed.
    pub(super) updated_at: Millis,
    /// Tasks that ended without being asked to.
    pub(super) failed: u32,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub(super) rollout: String,
    /// Why.
    pub(super) reason: String,
}

/// Something that happened to a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Event {
    /// UUID.
    pub(super) id: String,
    /// When.
    pub(super) at: Millis,
    /// What.
    pub(super) message: String,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Task {
    /// ARN of the task definition.
    pub(super) definition: String,
    /// The service and deployment it belongs to.
    pub(super) service: Option<(String, String)>,
    /// Members of the request that are answered as they were given.
    pub(super) given: Map<String, Value>,
    /// Whether it was told to stop, or has stopped.
    pub(super) stopping: bool,
    /// `PROVISIONING`, `RUNNING`, `STOPPING` or `STOPPED`.
    pub(super) last_status: String,
    /// As in `EssentialContainerExited`.
    pub(super) stop_code: Option<String>,
    /// Why it stops.
    pub(super) stopped_reason: Option<String>,
    /// When it was asked for.
    pub(super) created_at: Millis,
    /// When all its processes ran.
    pub(super) started_at: Option<Millis>,
    /// When it was told to stop.
    pub(super) stopping_at: Option<Millis>,
    /// When the last of its processes had ended.
    pub(super) stopped_at: Option<Millis>,
    /// One process each.
    pub(super) containers: Vec<Container>,
    /// Until when scaling in leaves it alone.
    pub(super) protected_until: Option<Millis>,
    /// Tags.
    pub(super) tags: Tags,
}

/// A container: a process of this machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Container {
    /// As the task definition names it.
    pub(super) name: String,
    /// Last part of its ARN.
    pub(super) id: String,
    /// The process, once it was started.
    pub(super) process: Option<Process>,
    /// Status the process ended with.
    pub(super) exit_code: Option<i32>,
    /// Why it could not be started.
    pub(super) reason: Option<String>,
    /// Whether it has ended, or was never started.
    pub(super) ended: bool,
}

/// A process that can be told from a later one of the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    /// Its number.
    pub(super) pid: i32,
    /// When it started, in clock ticks since the machine did; 0 if that can't
    /// be known here.
    pub(super) started: u64,
    /// Seconds it has to end by itself.
    pub(super) stop_timeout: u64,
}

impl State {
    /// A cluster that is not deleted. The default one is always there.
    pub(super) fn cluster(&self, given: Option<&str>) -> Result<&Cluster, ServiceError> {
        static EMPTY: LazyLock<Cluster> = LazyLock::new(Cluster::default);
        let name = name::cluster(given);
        match self.clusters.get(name).filter(|cluster| !cluster.inactive) {
            Some(cluster) => Ok(cluster),
            None if name == name::DEFAULT_CLUSTER => Ok(&EMPTY),
            None => Err(no_cluster()),
        }
    }

    /// A cluster that is not deleted, to change it. The default one is created
    /// if need be.
    pub(super) fn cluster_mut(
        &mut self,
        given: Option<&str>,
    ) -> Result<&mut Cluster, ServiceError> {
        let name = name::cluster(given);
        if name == name::DEFAULT_CLUSTER {
            let cluster = self.clusters.entry(name.to_owned()).or_default();
            cluster.inactive = false;
            return Ok(cluster);
        }
        let cluster = self.clusters.get_mut(name).filter(|cluster| !cluster.inactive);
        cluster.ok_or_else(no_cluster)
    }

    /// The revision meant by `family`, `family:revision` or an ARN: the latest
    /// active one if no revision is said.
    pub(super) fn definition(&self, given: &str) -> Option<(String, u32, &Definition)> {
        let (family, revision) = name::definition(given);
        let revisions = &self.families.get(family)?.revisions;
        let (number, definition) = match revision {
            Some(number) => revisions.get_key_value(&number)?,
            None => revisions.iter().rev().find(|(_, one)| one.status == "ACTIVE")?,
        };
        Some((family.to_owned(), *number, definition))
    }

    /// Forgets tasks that stopped more than an hour ago.
    pub(super) fn forget_old_tasks(&mut self, now: Millis) {
        for cluster in self.clusters.values_mut() {
            cluster.tasks.retain(|_, task| {
                task.stopped_at.is_none_or(|at| at.saturating_add(STOPPED_TASKS_KEPT) > now)
            });
        }
    }
}

impl Service {
    /// Notes what happened.
    pub(super) fn tell(&mut self, at: Millis, message: String) {
        let id = crate::answer::random_id().to_string();
        self.events.insert(0, Event { id, at, message });
        self.events.truncate(MAX_EVENTS);
    }

    /// A percentage of the deployment configuration.
    pub(super) fn percent(&self, name: &str, default: u64) -> u64 {
        let configuration = self.given.get("deploymentConfiguration");
        configuration.and_then(|one| one.get(name)?.as_u64()).unwrap_or(default)
    }
}

impl Task {
    /// Tells it to stop; the first reason stays.
    pub(super) fn stop(&mut self, now: Millis, code: &str, reason: &str) {
        if !self.stopping {
            self.stopping = true;
            self.stopping_at = Some(now);
            self.stop_code = Some(code.to_owned());
            self.stopped_reason = Some(reason.to_owned());
            if self.last_status != "STOPPED" {
                self.last_status = "STOPPING".to_owned();
            }
        }
    }

    /// Whether scaling in leaves it alone.
    pub(super) fn is_protected(&self, now: Millis) -> bool {
        self.protected_until.is_some_and(|until| until > now)
    }

    /// The service it belongs to.
    pub(super) fn is_of(&self, service: &str) -> bool {
        self.service.as_ref().is_some_and(|(name, _)| name == service)
    }
}

fn no_cluster() -> ServiceError {
    ServiceError::new("ClusterNotFoundException", "Cluster not found.")
}
