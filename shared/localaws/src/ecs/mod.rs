//! ECS as far as services of workers need it: task definitions, services whose
//! tasks are processes of this machine, and task protection.
//!
//! A container is one process. What it runs is `entryPoint` and `command`, or
//! `command` itself if it begins with a program that exists here, or else the
//! worker program with `command` as its arguments; the image is kept and not
//! looked at. It inherits the endpoint's environment without what begins with
//! `AWS_` or `ECS_`, is told where this endpoint and its agent are, has the family
//! of its definition as its access key, and its standard input is open as long as
//! the endpoint lives. What it writes goes to
//! `logs/<family>-<task id>.log`, or where the endpoint is told to have it.
//!
//! ```text
//! requests ─→ kept state ─→ scheduler ─ plan ─→ runner ─ launch ─→ process
//!                  ↑                              │
//!                  └──── what became of it ───────┘
//! ```
//!
//! Dates and protection go by the endpoint's clock; stop timeouts and waits
//! before restarts are of processes and go by the machine's.

mod agent;
mod clusters;
mod definitions;
mod launch;
mod list;
mod name;
mod plan;
mod process;
mod protection;
mod runner;
mod scheduler;
mod service_views;
mod services;
mod state;
mod tags;
mod task_views;
mod tasks;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::Response;
use s3s::Body;
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::runner::{Hold, Running};
use self::state::State;
use crate::answer;
use crate::arn::Account;
use crate::background::Background;
use crate::clock::Clock;
use crate::kept::Kept;
use crate::secrets::Secrets;
use crate::service::{ServiceError, write};

/// What tasks are run with.
#[derive(Debug)]
pub(crate) struct Machine {
    /// Of this endpoint.
    pub(crate) url: String,
    /// What is run for commands that are no program.
    pub(crate) worker: PathBuf,
    /// Folder of the tasks' output; the standard error of this program if none.
    pub(crate) logs: Option<PathBuf>,
}

/// The clusters of one endpoint.
#[derive(Debug)]
pub(crate) struct Ecs {
    account: Arc<Account>,
    clock: Clock,
    kept: Kept<State>,
    secrets: Arc<Secrets>,
    machine: Machine,
    /// Tells the scheduler that something has changed.
    changed: Notify,
    /// By task id.
    running: Mutex<HashMap<String, Running>>,
    /// By cluster and service.
    holds: Mutex<HashMap<(String, String), Hold>>,
    /// Cancelled when the endpoint stops.
    closing: CancellationToken,
    /// The runners.
    tasks: TaskTracker,
}

impl Ecs {
    /// Where tasks reach their agent: `<prefix><task id>/…`.
    pub(crate) const AGENT: &str = "/_millrace/ecs/";

    /// Opens the clusters kept in `dir`, ends what an earlier endpoint may have
    /// left behind, and starts the services.
    pub(crate) fn open(
        dir: PathBuf,
        account: Arc<Account>,
        clock: Clock,
        background: &Background,
        machine: Machine,
        secrets: Arc<Secrets>,
    ) -> io::Result<Arc<Self>> {
        let ecs = Arc::new(Self {
            account,
            clock,
            kept: Kept::open(dir, "clusters.json")?,
            secrets,
            machine,
            changed: Notify::new(),
            running: Mutex::default(),
            holds: Mutex::default(),
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        ecs.end_leftovers(background)?;
        background.spawn(Arc::clone(&ecs).keep_services());
        let (closing, stopping) = (ecs.closing.clone(), background.clone());
        background.spawn(async move {
            stopping.stopping().await;
            closing.cancel();
        });
        Ok(ecs)
    }

    /// Stops all tasks and waits for their end, as long as each may take.
    pub(crate) async fn stop(&self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Answers one request.
    pub(crate) fn call(self: &Arc<Self>, operation: &str, body: &[u8]) -> Response<Body> {
        match self.answer(operation, body).and_then(|answer| write(&answer)) {
            Ok(json) => answer::json_1_1(json),
            Err(error) => error.refuse(),
        }
    }

    fn answer(self: &Arc<Self>, operation: &str, body: &[u8]) -> Result<Value, ServiceError> {
        match operation {
            "CreateCluster" => self.create_cluster(body),
            "CreateService" => self.create_service(body),
            "DeleteAccountSetting" => self.delete_setting(body),
            "DeleteCluster" => self.delete_cluster(body),
            "DeleteService" => self.delete_service(body),
            "DeleteTaskDefinitions" => self.delete_definitions(body),
            "DeregisterTaskDefinition" => self.deregister_definition(body),
            "DescribeClusters" => self.describe_clusters(body),
            "DescribeServices" => self.describe_services(body),
            "DescribeTaskDefinition" => self.describe_definition(body),
            "DescribeTasks" => self.describe_tasks(body),
            "GetTaskProtection" => self.get_protection(body),
            "ListAccountSettings" => self.list_settings(body),
            "ListClusters" => self.list_clusters(body),
            "ListServices" => self.list_services(body),
            "ListTagsForResource" => self.list_tags(body),
            "ListTaskDefinitionFamilies" => self.list_families(body),
            "ListTaskDefinitions" => self.list_definitions(body),
            "ListTasks" => self.list_tasks(body),
            "PutAccountSetting" | "PutAccountSettingDefault" => self.put_setting(body),
            "PutClusterCapacityProviders" | "UpdateCluster" | "UpdateClusterSettings" => {
                self.change_cluster(body)
            }
            "RegisterTaskDefinition" => self.register_definition(body),
            "RunTask" => self.run_task(body),
            "StopTask" => self.stop_task(body),
            "TagResource" => self.tag_resource(body),
            "UntagResource" => self.untag_resource(body),
            "UpdateService" => self.update_service(body),
            "UpdateTaskProtection" => self.update_protection(body),
            _ => Err(ServiceError::unknown_operation("ECS", operation)),
        }
    }

    /// Marks what ran when an earlier endpoint ended as stopped, and ends it.
    fn end_leftovers(&self, background: &Background) -> io::Result<()> {
        let mut leftovers = Vec::new();
        self.kept.change(|state| {
            let now = self.clock.now();
            let tasks = state.clusters.values_mut().flat_map(|cluster| cluster.tasks.values_mut());
            for task in tasks.filter(|task| task.last_status != "STOPPED") {
                let live = task.containers.iter().filter(|container| !container.ended);
                leftovers.extend(live.filter_map(|container| container.process));
                task.stop(now, "TerminationNotice", "The endpoint ended");
                task.last_status = "STOPPED".to_owned();
                task.stopped_at = Some(now);
                task.containers.iter_mut().for_each(|container| container.ended = true);
            }
            Ok::<_, io::Error>(())
        })?;
        for process in leftovers {
            background.spawn_until_stop(process.end_leftover());
        }
        Ok(())
    }

    fn lock_running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
