//! Protecting tasks of a service from being stopped when it is scaled in or
//! deployed. It lapses by the endpoint's clock.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Ecs;
use super::list::seconds;
use super::name::{self, invalid};
use super::state::{Cluster, Task};
use crate::clock::Millis;
use crate::service::{ServiceError, read};

/// Minutes of protection where none are said.
const DEFAULT_MINUTES: i64 = 120;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Protection {
    cluster: Option<String>,
    #[serde(default)]
    tasks: Vec<String>,
    #[serde(default)]
    protection_enabled: bool,
    expires_in_minutes: Option<i64>,
}

/// What a task tells its agent.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OwnProtection {
    protection_enabled: bool,
    expires_in_minutes: Option<i64>,
}

impl Ecs {
    pub(super) fn update_protection(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: Protection = read(body)?;
        if !(1..=10).contains(&request.tasks.len()) {
            return Err(invalid("Tasks must have 1 to 10 elements"));
        }
        let now = self.clock.now();
        let until = until(request.protection_enabled, request.expires_in_minutes, now)?;
        let answer = self.kept.change(|state| {
            let cluster = state.cluster_mut(request.cluster.as_deref())?;
            for given in &request.tasks {
                let task = cluster.tasks.get_mut(name::short(given));
                if let Some(task) = task.filter(|task| failure(Some(&**task)).is_none()) {
                    task.protected_until = until;
                }
            }
            Ok::<_, ServiceError>(self.protections(&request, cluster, now))
        })?;
        self.changed.notify_one();
        Ok(answer)
    }

    pub(super) fn get_protection(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let mut request: Protection = read(body)?;
        let state = self.kept.read();
        let cluster = state.cluster(request.cluster.as_deref())?;
        if request.tasks.is_empty() {
            let tasks = cluster.tasks.iter().filter(|(_, task)| failure(Some(task)).is_none());
            request.tasks = tasks.map(|(id, _)| id.clone()).collect();
        }
        Ok(self.protections(&request, cluster, self.clock.now()))
    }

    /// A task asks for its own protection, or changes it: the answer's status
    /// and body as the agent of ECS writes them.
    pub(super) fn own_protection(
        &self,
        cluster: &str,
        id: &str,
        put: Option<&[u8]>,
    ) -> (u16, Value) {
        let arn = name::task_arn(&self.account, cluster, id);
        match self.change_own_protection(cluster, id, put) {
            Ok(Some(reason)) => {
                (200, json!({"failure": {"Arn": arn, "Reason": reason, "Detail": null}}))
            }
            Ok(None) => {
                let state = self.kept.read();
                let task = state.clusters.get(cluster).and_then(|one| one.tasks.get(id));
                let until = task.and_then(|task| lasting(task, self.clock.now()));
                let mut protection = json!({"TaskArn": arn, "ProtectionEnabled": until.is_some()});
                if let Some(until) = until {
                    protection["ExpirationDate"] = json!(iso(until));
                }
                (200, json!({"protection": protection}))
            }
            Err(error) => {
                let request = crate::answer::random_id().to_string();
                let inner = json!({"Arn": arn, "Code": error.code, "Message": error.message});
                (error.status, json!({"requestID": request, "error": inner}))
            }
        }
    }

    fn change_own_protection(
        &self,
        cluster: &str,
        id: &str,
        put: Option<&[u8]>,
    ) -> Result<Option<&'static str>, ServiceError> {
        let state = self.kept.read();
        let task = state.clusters.get(cluster).and_then(|one| one.tasks.get(id));
        if let Some(reason) = failure(task) {
            return Ok(Some(reason));
        }
        let Some(put) = put else { return Ok(None) };
        let wanted: OwnProtection =
            read(put).map_err(|error: ServiceError| invalid(error.message))?;
        let until = until(wanted.protection_enabled, wanted.expires_in_minutes, self.clock.now())?;
        self.kept.change(|state| {
            let cluster = state.cluster_mut(Some(cluster))?;
            if let Some(task) = cluster.tasks.get_mut(id) {
                task.protected_until = until;
            }
            Ok::<_, ServiceError>(())
        })?;
        self.changed.notify_one();
        Ok(None)
    }

    fn protections(&self, request: &Protection, cluster: &Cluster, now: Millis) -> Value {
        let cluster_name = name::cluster(request.cluster.as_deref());
        let (mut protected, mut failures) = (Vec::new(), Vec::new());
        for given in &request.tasks {
            let id = name::short(given);
            let arn = name::task_arn(&self.account, cluster_name, id);
            let task = cluster.tasks.get(id);
            match (failure(task), task) {
                (None, Some(task)) => {
                    let until = lasting(task, now);
                    let mut view = json!({"taskArn": arn, "protectionEnabled": until.is_some()});
                    if let Some(until) = until {
                        view["expirationDate"] = seconds(until);
                    }
                    protected.push(view);
                }
                (reason, _) => failures.push(json!({"arn": arn, "reason": reason})),
            }
        }
        json!({"protectedTasks": protected, "failures": failures})
    }
}

/// Why a task can't be protected: only running tasks of services can be.
fn failure(task: Option<&Task>) -> Option<&'static str> {
    match task {
        None => Some("MISSING"),
        Some(task) if task.service.is_none() || task.stopping => Some("TASK_NOT_VALID"),
        Some(_) => None,
    }
}

fn lasting(task: &Task, now: Millis) -> Option<Millis> {
    task.protected_until.filter(|until| *until > now)
}

fn until(enabled: bool, minutes: Option<i64>, now: Millis) -> Result<Option<Millis>, ServiceError> {
    match minutes.unwrap_or(DEFAULT_MINUTES) {
        _ if !enabled => Ok(None),
        minutes @ 1..=2880 => Ok(Some(now.saturating_add(minutes as Millis * 60_000))),
        _ => Err(invalid("expiresInMinutes value must be between 1 and 2,880 minutes")),
    }
}

/// A time as the agent writes it.
pub(super) fn iso(at: Millis) -> String {
    let at = DateTime::<Utc>::from_timestamp_millis(at as i64).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
