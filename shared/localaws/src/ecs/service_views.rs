//! Services as they are answered, and lists of them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Ecs;
use super::list::{Page, seconds, tag_list};
use super::name::{self, invalid};
use super::state::{Cluster, Deployment, Service};
use crate::service::{ServiceError, read};

#[derive(Deserialize)]
struct DescribeServices {
    cluster: Option<String>,
    services: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListServices {
    cluster: Option<String>,
    launch_type: Option<String>,
    scheduling_strategy: Option<String>,
    #[serde(flatten)]
    page: Page,
}

impl Ecs {
    pub(super) fn describe_services(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: DescribeServices = read(body)?;
        if !(1..=10).contains(&request.services.len()) {
            return Err(invalid("Services must have 1 to 10 elements"));
        }
        let state = self.kept.read();
        let cluster = state.cluster(request.cluster.as_deref())?;
        let cluster_name = name::cluster(request.cluster.as_deref());
        let (mut services, mut failures) = (Vec::new(), Vec::new());
        for given in &request.services {
            let name = name::short(given);
            if !cluster.services.contains_key(name) {
                let arn = name::service_arn(&self.account, cluster_name, name);
                failures.push(json!({"arn": arn, "reason": "MISSING"}));
                continue;
            }
            let mut view = self.service_view(cluster_name, cluster, name);
            if !request.include.iter().any(|part| part == "TAGS")
                && let Some(view) = view.as_object_mut()
            {
                view.remove("tags");
            }
            services.push(view);
        }
        Ok(json!({"services": services, "failures": failures}))
    }

    pub(super) fn list_services(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: ListServices = read(body)?;
        let state = self.kept.read();
        let cluster = state.cluster(request.cluster.as_deref())?;
        let cluster_name = name::cluster(request.cluster.as_deref());
        let has = |service: &Service, member: &str, wanted: &Option<String>| {
            let wanted = wanted.as_deref();
            wanted.is_none_or(|wanted| service.given.get(member).is_some_and(|is| is == wanted))
        };
        let wanted = cluster.services.iter().filter(|(_, service)| {
            service.status != "INACTIVE"
                && has(service, "launchType", &request.launch_type)
                && has(service, "schedulingStrategy", &request.scheduling_strategy)
        });
        let names = wanted.map(|(name, _)| name.clone());
        request.page.answer("serviceArns", names, 10, |name| {
            name::service_arn(&self.account, cluster_name, name)
        })
    }

    /// A service of `cluster` as it is answered.
    pub(super) fn service_view(&self, cluster_name: &str, cluster: &Cluster, name: &str) -> Value {
        let Some(service) = cluster.services.get(name) else { return Value::Null };
        let arn = name::service_arn(&self.account, cluster_name, name);
        let event = |event: &super::state::Event| json!({"id": event.id, "createdAt": seconds(event.at), "message": event.message});
        let deployment = |(index, one): (usize, &Deployment)| {
            deployment_view(cluster, service, name, one, index == 0)
        };
        let primary = service.deployments.first();
        let mut view = json!({
            "serviceArn": arn,
            "serviceName": name,
            "clusterArn": name::cluster_arn(&self.account, cluster_name),
            "status": service.status,
            "desiredCount": service.desired,
            "runningCount": tasks(cluster, name, None, true),
            "pendingCount": tasks(cluster, name, None, false),
            "taskDefinition": primary.map(|one| one.definition.as_str()).unwrap_or_default(),
            "deployments": service.deployments.iter().enumerate().map(deployment).collect::<Value>(),
            "events": service.events.iter().map(event).collect::<Value>(),
            "createdAt": seconds(service.created_at),
            "createdBy": format!("arn:aws:iam::{}:root", self.account.id),
            "tags": tag_list(&service.tags),
        });
        for (member, value) in &service.given {
            view[member] = value.clone();
        }
        view
    }
}

fn deployment_view(
    cluster: &Cluster,
    service: &Service,
    name: &str,
    deployment: &Deployment,
    is_primary: bool,
) -> Value {
    let mut view = json!({
        "id": deployment.id,
        "status": if is_primary { "PRIMARY" } else { "ACTIVE" },
        "taskDefinition": deployment.definition,
        "desiredCount": if is_primary { service.desired } else { 0 },
        "runningCount": tasks(cluster, name, Some(&deployment.id), true),
        "pendingCount": tasks(cluster, name, Some(&deployment.id), false),
        "failedTasks": deployment.failed,
        "createdAt": seconds(deployment.created_at),
        "updatedAt": seconds(deployment.updated_at),
        "rolloutState": deployment.rollout,
        "rolloutStateReason": deployment.reason,
    });
    for member in ["launchType", "platformVersion", "platformFamily", "networkConfiguration"] {
        if let Some(value) = service.given.get(member) {
            view[member] = value.clone();
        }
    }
    view
}

/// Tasks of a service, or of one deployment of it, that run or that will.
fn tasks(cluster: &Cluster, service: &str, deployment: Option<&str>, running: bool) -> usize {
    let status = if running { "RUNNING" } else { "PROVISIONING" };
    let is_of = |owner: &Option<(String, String)>| {
        owner.as_ref().is_some_and(|(name, of)| {
            name == service && deployment.is_none_or(|deployment| deployment == of)
        })
    };
    let tasks = cluster.tasks.values();
    tasks.filter(|task| task.last_status == status && is_of(&task.service)).count()
}
