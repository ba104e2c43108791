//! Services: how many tasks of what are wanted, and changing that.

use rand::Rng;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Ecs;
use super::list::tags_of;
use super::name::{self, client, invalid};
use super::state::{Deployment, Service, State};
use crate::clock::Millis;
use crate::service::{ServiceError, read};

/// Members of a request that describe the tasks: changing them is a deployment.
const OF_TASKS: [&str; 9] = [
    "networkConfiguration",
    "platformVersion",
    "capacityProviderStrategy",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "enableExecuteCommand",
    "propagateTags",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateService {
    cluster: Option<String>,
    service_name: String,
    task_definition: Option<String>,
    desired_count: Option<i64>,
    client_token: Option<String>,
    #[serde(default)]
    tags: Vec<Value>,
    #[serde(flatten)]
    given: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateService {
    cluster: Option<String>,
    service: String,
    desired_count: Option<i64>,
    task_definition: Option<String>,
    #[serde(default)]
    force_new_deployment: bool,
    #[serde(flatten)]
    given: Map<String, Value>,
}

#[derive(Deserialize)]
struct DeleteService {
    cluster: Option<String>,
    service: String,
    #[serde(default)]
    force: bool,
}

impl Ecs {
    pub(super) fn create_service(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let mut request: CreateService = read(body)?;
        let name = request.service_name.as_str();
        name::check("service", name)?;
        let desired = count(request.desired_count.unwrap_or(0))?;
        let definition = request.task_definition.as_deref();
        let definition = definition.ok_or_else(|| invalid("TaskDefinition can not be blank."))?;
        fill_in(&mut request.given);
        let now = self.clock.now();
        let answer = self.kept.change(|state| {
            let definition = self.active_definition(state, definition)?;
            let cluster = state.cluster_mut(request.cluster.as_deref())?;
            let cluster_name = name::cluster(request.cluster.as_deref());
            let existing = cluster.services.get(name);
            match existing.map(|service| service.status.as_str()) {
                Some("DRAINING") => {
                    return Err(invalid("Unable to Start a service that is still Draining."));
                }
                Some("ACTIVE") if request.client_token.is_none() => {
                    return Err(invalid("Creation of service was not idempotent."));
                }
                Some("ACTIVE") => {}
                Some(_) | None => {
                    let service = Service {
                        status: "ACTIVE".to_owned(),
                        desired,
                        given: request.given,
                        deployments: vec![deployment(definition, now)],
                        events: Vec::new(),
                        steady: false,
                        blocked: 0,
                        created_at: now,
                        tags: tags_of(&request.tags)?,
                    };
                    cluster.services.insert(name.to_owned(), service);
                }
            }
            Ok(json!({"service": self.service_view(cluster_name, cluster, name)}))
        })?;
        self.changed.notify_one();
        Ok(answer)
    }

    pub(super) fn update_service(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: UpdateService = read(body)?;
        let name = name::short(&request.service);
        let desired = request.desired_count.map(count).transpose()?;
        let now = self.clock.now();
        let answer = self.kept.change(|state| {
            let given = request.task_definition.as_deref();
            let wanted = given.map(|given| self.active_definition(state, given)).transpose()?;
            let cluster = state.cluster_mut(request.cluster.as_deref())?;
            let service = cluster.services.get_mut(name).ok_or_else(no_service)?;
            if service.status != "ACTIVE" {
                return Err(ServiceError::new(
                    "ServiceNotActiveException",
                    "Service was not ACTIVE.",
                ));
            }
            let redeploys = request.force_new_deployment
                || OF_TASKS.iter().any(|member| {
                    let new = request.given.get(*member);
                    new.is_some() && new != service.given.get(*member)
                });
            service.given.extend(request.given);
            service.desired = desired.unwrap_or(service.desired);
            service.steady = false;
            let current = service.deployments.first().map(|one| one.definition.clone());
            let definition = wanted.clone().or(current.clone()).unwrap_or_default();
            if redeploys || current.is_none_or(|current| current != definition) {
                service.deployments.insert(0, deployment(definition, now));
            }
            let cluster_name = name::cluster(request.cluster.as_deref());
            Ok(json!({"service": self.service_view(cluster_name, cluster, name)}))
        })?;
        self.changed.notify_one();
        Ok(answer)
    }

    pub(super) fn delete_service(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: DeleteService = read(body)?;
        let name = name::short(&request.service);
        let now = self.clock.now();
        let answer = self.kept.change(|state| {
            let cluster = state.cluster_mut(request.cluster.as_deref())?;
            let service = cluster.services.get_mut(name);
            let service = service.filter(|one| one.status != "INACTIVE").ok_or_else(no_service)?;
            if service.desired > 0 && !request.force {
                return Err(invalid("The service cannot be stopped while it is scaled above 0."));
            }
            service.status = "DRAINING".to_owned();
            service.desired = 0;
            if request.force {
                let tasks = cluster.tasks.values_mut().filter(|task| task.is_of(name));
                tasks.for_each(|task| {
                    task.stop(now, "ServiceSchedulerInitiated", "Service was deleted");
                });
            }
            let cluster_name = name::cluster(request.cluster.as_deref());
            Ok(json!({"service": self.service_view(cluster_name, cluster, name)}))
        })?;
        self.stop_those_told_to();
        self.changed.notify_one();
        Ok(answer)
    }

    /// The ARN of a definition that tasks can be started from.
    pub(super) fn active_definition(
        &self,
        state: &State,
        given: &str,
    ) -> Result<String, ServiceError> {
        let found = state.definition(given).ok_or_else(|| client("TaskDefinition not found."))?;
        let (family, revision, definition) = found;
        if definition.status != "ACTIVE" {
            return Err(client("TaskDefinition is inactive"));
        }
        Ok(name::definition_arn(&self.account, &family, revision))
    }
}

/// A deployment that begins.
pub(super) fn deployment(definition: String, now: Millis) -> Deployment {
    let number: u64 =
        rand::rng().random_range(1_000_000_000_000_000_000..=9_223_372_036_854_775_807);
    let id = format!("ecs-svc/{number}");
    Deployment {
        reason: format!("ECS deployment {id} in progress."),
        id,
        definition,
        created_at: now,
        updated_at: now,
        failed: 0,
        rollout: "IN_PROGRESS".to_owned(),
    }
}

/// No service of this name was there, or it is gone.
pub(super) fn no_service() -> ServiceError {
    ServiceError::new("ServiceNotFoundException", "Service not found.")
}

fn count(given: i64) -> Result<u32, ServiceError> {
    let count = u32::try_from(given).ok().filter(|count| *count <= 5000);
    count.ok_or_else(|| invalid(format!("desiredCount must be from 0 to 5000, not {given}")))
}

/// What is answered although it was not given.
fn fill_in(given: &mut Map<String, Value>) {
    if let Some(role) = given.remove("role") {
        given.insert("roleArn".to_owned(), role);
    }
    if !given.contains_key("capacityProviderStrategy") {
        given.entry("launchType").or_insert(json!("EC2"));
    }
    let launch = given.get("launchType").and_then(Value::as_str).unwrap_or_default();
    if launch == "FARGATE" {
        let version = given.entry("platformVersion").or_insert(json!("LATEST"));
        if version == "" {
            *version = json!("LATEST");
        }
        given.entry("platformFamily").or_insert(json!("Linux"));
    }
    for (member, default) in [
        ("loadBalancers", json!([])),
        ("serviceRegistries", json!([])),
        ("placementConstraints", json!([])),
        ("placementStrategy", json!([])),
        ("schedulingStrategy", json!("REPLICA")),
        ("deploymentController", json!({"type": "ECS"})),
        ("enableECSManagedTags", json!(false)),
        ("propagateTags", json!("NONE")),
        ("enableExecuteCommand", json!(false)),
        ("availabilityZoneRebalancing", json!("DISABLED")),
    ] {
        given.entry(member).or_insert(default);
    }
    let configuration = given.entry("deploymentConfiguration").or_insert(json!({}));
    if let Some(configuration) = configuration.as_object_mut() {
        for (member, default) in [
            ("deploymentCircuitBreaker", json!({"enable": false, "rollback": false})),
            ("maximumPercent", json!(200)),
            ("minimumHealthyPercent", json!(100)),
            ("strategy", json!("ROLLING")),
            ("bakeTimeInMinutes", json!(0)),
        ] {
            configuration.entry(member).or_insert(default);
        }
    }
}
