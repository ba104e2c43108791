//! What ECS operations need. A task that asks its agent for protection needs
//! what the agent then asks ECS for, in the name of the task's role.
//!
//! Source: "Actions, resources, and condition keys for Amazon Elastic Container
//! Service", Service Authorization Reference; "Amazon ECS task scale-in
//! protection endpoint", ECS Developer Guide.

use hyper::Method;
use hyper::http::request::Parts;
use serde_json::Value;

use super::named::{json, text};
use super::{Asked, Named, Permission, one};

/// The cluster that is meant where none is named.
const DEFAULT_CLUSTER: &str = "default";

/// What a task that asks its agent needs; nothing for what the agent knows itself.
pub(super) fn of_agent(head: &Parts, named: &Named<'_>) -> Option<Asked> {
    let path = head.uri.path();
    let (family, task) = path.contains("/task-protection/").then(|| named.ecs.asker(path))??;
    let operation = match head.method {
        Method::PUT => "UpdateTaskProtection",
        _ => "GetTaskProtection",
    };
    Some(Asked { principal: family, permissions: vec![one("ecs", operation, task)] })
}

/// What an operation needs.
pub(super) fn permissions(operation: &str, body: &[u8], named: &Named<'_>) -> Vec<Permission> {
    let body = json(body);
    let resources = match operation {
        "UpdateTaskProtection" | "GetTaskProtection" | "DescribeTasks" => {
            each(&body, "tasks", "task", named)
        }
        "DescribeServices" => each(&body, "services", "service", named),
        "DescribeClusters" => each(&body, "clusters", "cluster", named),
        _ => vec![resource(&body, named)],
    };
    resources.into_iter().map(|resource| one("ecs", operation, resource)).collect()
}

fn each(body: &Value, list: &str, kind: &str, named: &Named<'_>) -> Vec<String> {
    let given = body.get(list).and_then(Value::as_array).into_iter().flatten();
    let given = given.filter_map(Value::as_str);
    match kind {
        "cluster" => given.map(|name| named.arn("ecs", "cluster/", name)).collect(),
        _ => {
            let prefix = format!("{kind}/{}/", cluster(body));
            given.map(|name| named.arn("ecs", &prefix, name)).collect()
        }
    }
}

fn resource(body: &Value, named: &Named<'_>) -> String {
    let within =
        |kind: &str, name: &str| named.arn("ecs", &format!("{kind}/{}/", cluster(body)), name);
    let service = ["service", "serviceName"].iter().find_map(|name| text(body, name));
    match (service, text(body, "task"), text(body, "cluster")) {
        (Some(service), _, _) => within("service", service),
        (None, Some(task), _) => within("task", task),
        (None, None, Some(cluster)) => named.arn("ecs", "cluster/", cluster),
        (None, None, None) => "*".to_owned(),
    }
}

/// The name of the cluster in a request, which may give its ARN.
fn cluster(body: &Value) -> &str {
    let given = text(body, "cluster").unwrap_or(DEFAULT_CLUSTER);
    given.rsplit('/').next().unwrap_or(given)
}
