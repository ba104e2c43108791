//! Tasks and their containers as they are answered.

use serde_json::{Value, json};

use super::Ecs;
use super::list::{seconds, tag_list};
use super::name;
use super::state::{Container, State, Task};

impl Ecs {
    /// A task as it is answered.
    pub(super) fn task_view(&self, state: &State, cluster: &str, id: &str, tagged: bool) -> Value {
        let found = state.clusters.get(cluster).and_then(|cluster| cluster.tasks.get(id));
        let Some(task) = found else { return Value::Null };
        let given = state.definition(&task.definition).map(|(_, _, one)| &one.given);
        let of_definition = |member: &str| given.and_then(|given| given.get(member)).cloned();
        let mut view = json!({
            "taskArn": name::task_arn(&self.account, cluster, id),
            "clusterArn": name::cluster_arn(&self.account, cluster),
            "taskDefinitionArn": task.definition,
            "availabilityZone": format!("{}a", self.account.region),
            "attachments": [],
            "attributes": [],
            "connectivity": "CONNECTED",
            "cpu": of_definition("cpu").unwrap_or(json!("256")),
            "memory": of_definition("memory").unwrap_or(json!("512")),
            "createdAt": seconds(task.created_at),
            "desiredStatus": if task.stopping { "STOPPED" } else { "RUNNING" },
            "lastStatus": task.last_status,
            "healthStatus": "UNKNOWN",
            "enableExecuteCommand": false,
            "overrides": {"containerOverrides": [], "inferenceAcceleratorOverrides": []},
            "containers": self.container_views(cluster, id, task, given.map(|one| &one["containerDefinitions"])),
            "tags": if tagged { tag_list(&task.tags) } else { json!([]) },
            "version": 1 + u32::from(task.started_at.is_some()) + u32::from(task.stopping),
        });
        for member in ["launchType", "group", "startedBy", "overrides", "platformVersion"] {
            if let Some(value) = task.given.get(member) {
                view[member] = value.clone();
            }
        }
        if let Some((service, deployment)) = &task.service {
            view["group"] = json!(format!("service:{service}"));
            view["startedBy"] = json!(deployment);
        }
        for (member, at) in [
            ("startedAt", task.started_at),
            ("connectivityAt", task.started_at),
            ("pullStartedAt", task.started_at),
            ("pullStoppedAt", task.started_at),
            ("stoppingAt", task.stopping_at),
            ("stoppedAt", task.stopped_at),
            ("executionStoppedAt", task.stopped_at),
        ] {
            if let Some(at) = at {
                view[member] = seconds(at);
            }
        }
        for (member, text) in
            [("stopCode", &task.stop_code), ("stoppedReason", &task.stopped_reason)]
        {
            if let Some(text) = text {
                view[member] = json!(text);
            }
        }
        view
    }

    fn container_views(
        &self,
        cluster: &str,
        id: &str,
        task: &Task,
        definitions: Option<&Value>,
    ) -> Value {
        let definitions = definitions.and_then(Value::as_array);
        let view = |container: &Container| {
            let mut defined = definitions.into_iter().flatten();
            let defined = defined.find(|one| one["name"] == *container.name);
            let resource = format!("container/{cluster}/{id}/{}", container.id);
            let mut view = json!({
                "containerArn": self.account.arn("ecs", &resource),
                "taskArn": name::task_arn(&self.account, cluster, id),
                "name": container.name,
                "image": defined.map(|one| one["image"].clone()),
                "lastStatus": status(container),
                "healthStatus": "UNKNOWN",
                "networkBindings": [],
                "networkInterfaces": [],
                "cpu": defined.map(|one| one["cpu"].to_string()),
            });
            if let Some(process) = container.process {
                view["runtimeId"] = json!(process.pid.to_string());
            }
            if let Some(code) = container.exit_code {
                view["exitCode"] = json!(code);
            }
            if let Some(reason) = &container.reason {
                view["reason"] = json!(reason);
            }
            if let Some(view) = view.as_object_mut() {
                view.retain(|_, value| !value.is_null());
            }
            view
        };
        task.containers.iter().map(view).collect()
    }
}

/// The status of a container.
pub(super) fn status(container: &Container) -> &'static str {
    match container {
        Container { ended: true, .. } => "STOPPED",
        Container { process: Some(_), .. } => "RUNNING",
        Container { process: None, .. } => "PENDING",
    }
}
