//! Tasks: starting some by hand, stopping, listing and describing them.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Ecs;
use super::list::{Page, tags_of};
use super::name::{self, invalid};
use super::services::no_service;
use super::state::{Container, Definition, Task};
use crate::answer::random_id;
use crate::clock::Millis;
use crate::service::{ServiceError, read};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunTask {
    cluster: Option<String>,
    task_definition: String,
    count: Option<usize>,
    #[serde(default)]
    tags: Vec<Value>,
    #[serde(flatten)]
    given: Map<String, Value>,
}

#[derive(Deserialize)]
struct StopTask {
    cluster: Option<String>,
    task: String,
    reason: Option<String>,
}

#[derive(Deserialize)]
struct DescribeTasks {
    cluster: Option<String>,
    tasks: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListTasks {
    cluster: Option<String>,
    family: Option<String>,
    service_name: Option<String>,
    started_by: Option<String>,
    desired_status: Option<String>,
    launch_type: Option<String>,
    container_instance: Option<String>,
    #[serde(flatten)]
    page: Page,
}

impl Ecs {
    pub(super) fn run_task(self: &Arc<Self>, body: &[u8]) -> Result<Value, ServiceError> {
        let mut request: RunTask = read(body)?;
        let count = request.count.unwrap_or(1);
        if !(1..=10).contains(&count) {
            return Err(invalid("count must be from 1 to 10"));
        }
        let tags = tags_of(&request.tags)?;
        request.given.entry("launchType").or_insert(json!("EC2"));
        let cluster_name = name::cluster(request.cluster.as_deref());
        let (ids, views) = self.kept.change(|state| {
            let arn = self.active_definition(state, &request.task_definition)?;
            let (family, _, definition) = state.definition(&arn).ok_or_else(no_service)?;
            check_overrides(definition, &request.given)?;
            request.given.entry("group").or_insert(json!(format!("family:{family}")));
            let mut task = new_task(arn.clone(), definition, self.clock.now());
            task.given = request.given;
            task.tags = tags;
            let cluster = state.cluster_mut(request.cluster.as_deref())?;
            let mut ids = Vec::new();
            for _ in 0..count {
                let id = random_id().simple().to_string();
                cluster.tasks.insert(id.clone(), task.clone());
                ids.push(id);
            }
            let view = |id: &String| self.task_view(state, cluster_name, id, true);
            let views: Vec<Value> = ids.iter().map(view).collect();
            Ok::<_, ServiceError>((ids, views))
        })?;
        for id in ids {
            self.launch(cluster_name, &id);
        }
        Ok(json!({"tasks": views, "failures": []}))
    }

    pub(super) fn stop_task(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: StopTask = read(body)?;
        let cluster_name = name::cluster(request.cluster.as_deref());
        let id = name::short(&request.task);
        let reason = request.reason.as_deref().unwrap_or("Task stopped by user");
        let view = self.kept.change(|state| {
            let cluster = state.cluster_mut(request.cluster.as_deref())?;
            let task = cluster.tasks.get_mut(id);
            let task = task.ok_or_else(|| invalid("The referenced task was not found."))?;
            task.stop(self.clock.now(), "UserInitiated", reason);
            Ok::<_, ServiceError>(self.task_view(state, cluster_name, id, true))
        })?;
        self.stop_those_told_to();
        self.changed.notify_one();
        Ok(json!({"task": view}))
    }

    pub(super) fn describe_tasks(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: DescribeTasks = read(body)?;
        if !(1..=100).contains(&request.tasks.len()) {
            return Err(invalid("Tasks must have 1 to 100 elements"));
        }
        let state = self.kept.read();
        let cluster = state.cluster(request.cluster.as_deref())?;
        let cluster_name = name::cluster(request.cluster.as_deref());
        let tagged = request.include.iter().any(|part| part == "TAGS");
        let (mut tasks, mut failures) = (Vec::new(), Vec::new());
        for given in &request.tasks {
            let id = name::short(given);
            if cluster.tasks.contains_key(id) {
                tasks.push(self.task_view(&state, cluster_name, id, tagged));
            } else {
                let arn = name::task_arn(&self.account, cluster_name, id);
                failures.push(json!({"arn": arn, "reason": "MISSING"}));
            }
        }
        Ok(json!({"tasks": tasks, "failures": failures}))
    }

    pub(super) fn list_tasks(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: ListTasks = read(body)?;
        let state = self.kept.read();
        let cluster = state.cluster(request.cluster.as_deref())?;
        let cluster_name = name::cluster(request.cluster.as_deref());
        if let Some(service) = &request.service_name
            && !cluster.services.contains_key(name::short(service))
        {
            return Err(no_service());
        }
        let wanted = cluster.tasks.iter().filter(|(_, task)| request.wants(task));
        let ids = wanted.map(|(id, _)| id.clone());
        request
            .page
            .answer("taskArns", ids, 100, |id| name::task_arn(&self.account, cluster_name, id))
    }
}

impl ListTasks {
    fn wants(&self, task: &Task) -> bool {
        let given = |member: &str, wanted: &Option<String>| {
            let wanted = wanted.as_deref();
            wanted.is_none_or(|wanted| task.given.get(member).is_some_and(|is| is == wanted))
        };
        let started_by = self.started_by.as_deref().is_none_or(|wanted| {
            let deployment = task.service.as_ref().map(|(_, deployment)| deployment.as_str());
            let by = task.given.get("startedBy").and_then(Value::as_str);
            deployment == Some(wanted) || by == Some(wanted)
        });
        let family = self.family.as_deref();
        let service = self.service_name.as_deref().map(name::short);
        let stopped = self.desired_status.as_deref() == Some("STOPPED");
        task.stopping == stopped
            && self.desired_status.as_deref() != Some("PENDING")
            && self.container_instance.is_none()
            && started_by
            && given("launchType", &self.launch_type)
            && family.is_none_or(|wanted| name::definition(&task.definition).0 == wanted)
            && service.is_none_or(|wanted| task.is_of(wanted))
    }
}

/// A task of a definition that is yet to be started.
pub(super) fn new_task(arn: String, definition: &Definition, now: Millis) -> Task {
    let containers = definition.given.get("containerDefinitions").and_then(Value::as_array);
    let container = |container: &Value| Container {
        name: container["name"].as_str().unwrap_or_default().to_owned(),
        id: random_id().to_string(),
        ..Container::default()
    };
    Task {
        definition: arn,
        service: None,
        given: Map::new(),
        stopping: false,
        last_status: "PROVISIONING".to_owned(),
        stop_code: None,
        stopped_reason: None,
        created_at: now,
        started_at: None,
        stopping_at: None,
        stopped_at: None,
        containers: containers.into_iter().flatten().map(container).collect(),
        protected_until: None,
        tags: Default::default(),
    }
}

/// Overrides name containers of the definition.
fn check_overrides(
    definition: &Definition,
    given: &Map<String, Value>,
) -> Result<(), ServiceError> {
    let containers = definition.given.get("containerDefinitions").and_then(Value::as_array);
    let has =
        |name: &Value| containers.into_iter().flatten().any(|container| &container["name"] == name);
    let overrides = given.get("overrides").and_then(|one| one.get("containerOverrides"));
    for one in overrides.and_then(Value::as_array).into_iter().flatten() {
        if !has(&one["name"]) {
            return Err(invalid(
                "Override for container named that is not a container in the TaskDefinition.",
            ));
        }
    }
    Ok(())
}
