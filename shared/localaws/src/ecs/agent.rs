//! The agent that tasks reach at `$ECS_AGENT_URI` and
//! `$ECS_CONTAINER_METADATA_URI_V4`: protection of the task that asks, and what
//! it is.
//!
//! Source: "Amazon ECS task scale-in protection endpoint" and "Amazon ECS task
//! metadata endpoint version 4", ECS Developer Guide.

use hyper::http::request::Parts;
use hyper::{Method, Response};
use s3s::Body;
use serde_json::{Value, json};

use super::Ecs;
use super::name;
use super::protection::iso;
use super::state::{Container, State, Task};
use super::task_views::status;
use crate::answer;

impl Ecs {
    /// Answers a task that asks its agent.
    pub(crate) fn agent(&self, head: &Parts, body: &[u8]) -> Response<Body> {
        let path = head.uri.path().strip_prefix(Self::AGENT).unwrap_or_default();
        let (id, rest) = path.split_once('/').unwrap_or((path, ""));
        let state = self.kept.read();
        let found = find(&state, id);
        let (code, answer) = match (rest, found) {
            (_, None) => (404, json!({"error": "no task has this id"})),
            ("task-protection/v1/state", Some((cluster, _))) => match head.method {
                Method::PUT => self.own_protection(cluster, id, Some(body)),
                Method::GET => self.own_protection(cluster, id, None),
                _ => (405, json!({"error": "protection is read with GET and set with PUT"})),
            },
            (_, Some((cluster, task))) => self.metadata(&state, cluster, id, task, rest),
        };
        answer::rest_json(code, answer.to_string().into())
    }

    /// Which task asks its agent at this path: the family of its definition, which
    /// is its access key, and its ARN.
    pub(crate) fn asker(&self, path: &str) -> Option<(String, String)> {
        let id = path.strip_prefix(Self::AGENT)?.split('/').next()?;
        let state = self.kept.read();
        let (cluster, task) = find(&state, id)?;
        let (family, _) = name::definition(&task.definition);
        Some((family.to_owned(), name::task_arn(&self.account, cluster, id)))
    }

    /// `v4/<container>`, `v4/<container>/task` or `v4/<container>/taskWithTags`.
    fn metadata(
        &self,
        state: &State,
        cluster: &str,
        id: &str,
        task: &Task,
        path: &str,
    ) -> (u16, Value) {
        let parts: Vec<&str> = path.split('/').collect();
        let container = |name: &str| task.containers.iter().find(|one| one.name == name);
        match parts.as_slice() {
            ["v4", name] if let Some(container) = container(name) => {
                (200, self.container_metadata(state, cluster, id, task, container))
            }
            ["v4", name, "task" | "taskWithTags"] if container(name).is_some() => {
                (200, self.task_metadata(state, cluster, id, task))
            }
            _ => (404, json!({"error": format!("the agent knows nothing of `{path}`")})),
        }
    }

    fn task_metadata(&self, state: &State, cluster: &str, id: &str, task: &Task) -> Value {
        let (family, revision) = name::definition(&task.definition);
        let containers = task.containers.iter();
        let mut view = json!({
            "Cluster": name::cluster_arn(&self.account, cluster),
            "TaskARN": name::task_arn(&self.account, cluster, id),
            "Family": family,
            "Revision": revision.unwrap_or_default().to_string(),
            "DesiredStatus": if task.stopping { "STOPPED" } else { "RUNNING" },
            "KnownStatus": task.last_status,
            "AvailabilityZone": format!("{}a", self.account.region),
            "LaunchType": task.given.get("launchType"),
            "TaskTags": task.tags,
            "Containers": containers
                .map(|one| self.container_metadata(state, cluster, id, task, one))
                .collect::<Value>(),
        });
        if let Some((service, _)) = &task.service {
            view["ServiceName"] = json!(service);
        }
        view
    }

    fn container_metadata(
        &self,
        state: &State,
        cluster: &str,
        id: &str,
        task: &Task,
        container: &Container,
    ) -> Value {
        let (family, revision) = name::definition(&task.definition);
        let defined = state.definition(&task.definition).and_then(|(_, _, definition)| {
            let containers = definition.given.get("containerDefinitions")?.as_array()?;
            containers.iter().find(|one| one["name"] == *container.name)
        });
        let resource = format!("container/{cluster}/{id}/{}", container.id);
        let arn = name::task_arn(&self.account, cluster, id);
        let mut view = json!({
            "DockerId": format!("{id}-{}", container.name),
            "Name": container.name,
            "DockerName": container.name,
            "Image": defined.map(|one| one["image"].clone()),
            "Labels": {
                "com.amazonaws.ecs.cluster": name::cluster_arn(&self.account, cluster),
                "com.amazonaws.ecs.container-name": container.name,
                "com.amazonaws.ecs.task-arn": arn,
                "com.amazonaws.ecs.task-definition-family": family,
                "com.amazonaws.ecs.task-definition-version": revision.unwrap_or_default().to_string(),
            },
            "DesiredStatus": if task.stopping { "STOPPED" } else { "RUNNING" },
            "KnownStatus": status(container),
            "Type": "NORMAL",
            "ContainerARN": self.account.arn("ecs", &resource),
            "CreatedAt": iso(task.created_at),
        });
        if let Some(at) = task.started_at {
            view["StartedAt"] = json!(iso(at));
        }
        view
    }
}

/// The task of this id and its cluster.
fn find<'a>(state: &'a State, id: &str) -> Option<(&'a str, &'a Task)> {
    let mut clusters = state.clusters.iter();
    clusters.find_map(|(name, cluster)| Some((name.as_str(), cluster.tasks.get(id)?)))
}
