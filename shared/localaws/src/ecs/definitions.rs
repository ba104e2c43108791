//! Task definitions: families of numbered revisions that never change.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Ecs;
use super::list::{Page, seconds, tag_list, tags_of};
use super::name::{self, client, invalid};
use super::state::{Definition, State};
use crate::clock::Millis;
use crate::service::{ServiceError, read};

#[derive(Deserialize)]
struct Register {
    family: String,
    #[serde(default)]
    tags: Vec<Value>,
    #[serde(flatten)]
    given: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OneDefinition {
    task_definition: String,
    #[serde(default)]
    include: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteDefinitions {
    task_definitions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListDefinitions {
    family_prefix: Option<String>,
    status: Option<String>,
    #[serde(flatten)]
    page: Page,
}

impl Ecs {
    pub(super) fn register_definition(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let mut request: Register = read(body)?;
        name::check("task definition", &request.family)?;
        let tags = tags_of(&request.tags)?;
        complete(&mut request.given)?;
        self.kept.change(|state| {
            let family = state.families.entry(request.family.clone()).or_default();
            family.last += 1;
            let definition = Definition {
                given: request.given,
                status: "ACTIVE".to_owned(),
                registered_at: self.clock.now(),
                deregistered_at: None,
                delete_requested_at: None,
                tags,
            };
            let view = self.definition_view(&request.family, family.last, &definition);
            let tags = tag_list(&definition.tags);
            family.revisions.insert(family.last, definition);
            Ok(json!({"taskDefinition": view, "tags": tags}))
        })
    }

    pub(super) fn describe_definition(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: OneDefinition = read(body)?;
        let state = self.kept.read();
        let found = state.definition(&request.task_definition);
        let (family, revision, definition) =
            found.ok_or_else(|| client("Unable to describe task definition."))?;
        let view = self.definition_view(&family, revision, definition);
        let tagged = request.include.iter().any(|part| part == "TAGS");
        let tags = if tagged { tag_list(&definition.tags) } else { json!([]) };
        Ok(json!({"taskDefinition": view, "tags": tags}))
    }

    pub(super) fn deregister_definition(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: OneDefinition = read(body)?;
        let (family, Some(revision)) = name::definition(&request.task_definition) else {
            return Err(invalid("Invalid revision number. Number: "));
        };
        self.kept.change(|state| {
            let found = definition_mut(state, family, revision);
            let definition = found.ok_or_else(|| {
                client("The specified task definition does not exist. Specify a valid account, family, revision and try again.")
            })?;
            if definition.status == "ACTIVE" {
                definition.status = "INACTIVE".to_owned();
                definition.deregistered_at = Some(self.clock.now());
            }
            Ok(json!({"taskDefinition": self.definition_view(family, revision, definition)}))
        })
    }

    pub(super) fn delete_definitions(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: DeleteDefinitions = read(body)?;
        if !(1..=10).contains(&request.task_definitions.len()) {
            return Err(invalid("taskDefinitions must have 1 to 10 elements"));
        }
        self.kept.change(|state| {
            let (mut deleted, mut failures) = (Vec::new(), Vec::new());
            for given in &request.task_definitions {
                match self.delete_definition(state, given) {
                    Ok(view) => deleted.push(view),
                    Err(reason) => failures.push(json!({"arn": given, "reason": reason})),
                }
            }
            Ok(json!({"taskDefinitions": deleted, "failures": failures}))
        })
    }

    /// It can be described until nothing uses it any more.
    fn delete_definition(&self, state: &mut State, given: &str) -> Result<Value, &'static str> {
        let (family, revision) = name::definition(given);
        let revision = revision.ok_or("INVALID_ARN")?;
        let used = is_used(state, &name::definition_arn(&self.account, family, revision));
        let definition =
            definition_mut(state, family, revision).ok_or("TASK_DEFINITION_NOT_FOUND")?;
        if definition.status == "ACTIVE" {
            return Err("The specified task definition is still in ACTIVE status. \
                        Please deregister the target and try again.");
        }
        definition.status = "DELETE_IN_PROGRESS".to_owned();
        definition.delete_requested_at = Some(self.clock.now());
        let view = self.definition_view(family, revision, definition);
        if !used && let Some(family) = state.families.get_mut(family) {
            family.revisions.remove(&revision);
        }
        Ok(view)
    }

    pub(super) fn list_definitions(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: ListDefinitions = read(body)?;
        let status = request.status.as_deref().unwrap_or("ACTIVE");
        let state = self.kept.read();
        let wanted =
            |family: &str| request.family_prefix.as_deref().is_none_or(|wanted| wanted == family);
        let families = state.families.iter().filter(|(family, _)| wanted(family));
        // Names that sort as the revisions do, so that they can be paged.
        let mut names: Vec<String> = families
            .flat_map(|(name, family)| {
                let revisions = family.revisions.iter().filter(|(_, one)| one.status == status);
                revisions.map(move |(number, _)| format!("{name}:{number:010}"))
            })
            .collect();
        names.sort();
        if request.page.descends() {
            names.reverse();
        }
        request.page.answer("taskDefinitionArns", names.into_iter(), 100, |sortable| {
            let (family, number) = name::definition(sortable);
            name::definition_arn(&self.account, family, number.unwrap_or_default())
        })
    }

    pub(super) fn list_families(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: ListDefinitions = read(body)?;
        let state = self.kept.read();
        let prefix = request.family_prefix.as_deref().unwrap_or_default();
        let names = state.families.iter().filter(|(name, family)| {
            let is_active = family.revisions.values().any(|one| one.status == "ACTIVE");
            let wanted = match request.status.as_deref() {
                Some("ACTIVE") => is_active,
                Some("INACTIVE") => !is_active,
                Some(_) | None => true,
            };
            wanted && !family.revisions.is_empty() && name.starts_with(prefix)
        });
        let names = names.map(|(name, _)| name.clone());
        request.page.answer("families", names, 100, str::to_owned)
    }

    /// A task definition as it is answered.
    fn definition_view(&self, family: &str, revision: u32, definition: &Definition) -> Value {
        let mut view = definition.given.clone();
        let arn = name::definition_arn(&self.account, family, revision);
        view.insert("taskDefinitionArn".to_owned(), arn.into());
        view.insert("family".to_owned(), family.into());
        view.insert("revision".to_owned(), revision.into());
        view.insert("status".to_owned(), definition.status.as_str().into());
        let user = format!("arn:aws:iam::{}:root", self.account.id);
        view.insert("registeredBy".to_owned(), user.into());
        let mut date = |name: &str, at: Option<Millis>| {
            if let Some(at) = at {
                view.insert(name.to_owned(), seconds(at));
            }
        };
        date("registeredAt", Some(definition.registered_at));
        date("deregisteredAt", definition.deregistered_at);
        date("deleteRequestedAt", definition.delete_requested_at);
        view.into()
    }
}

fn definition_mut<'a>(
    state: &'a mut State,
    family: &str,
    revision: u32,
) -> Option<&'a mut Definition> {
    state.families.get_mut(family)?.revisions.get_mut(&revision)
}

/// Whether a service or a task that goes on refers to it.
fn is_used(state: &State, arn: &str) -> bool {
    state.clusters.values().any(|cluster| {
        let mut services = cluster.services.values().filter(|one| one.status != "INACTIVE");
        let mut tasks = cluster.tasks.values().filter(|task| task.last_status != "STOPPED");
        services.any(|one| one.deployments.iter().any(|deployment| deployment.definition == arn))
            || tasks.any(|task| task.definition == arn)
    })
}

/// Checks a definition and fills in the defaults that are answered.
fn complete(given: &mut Map<String, Value>) -> Result<(), ServiceError> {
    let containers = given.get_mut("containerDefinitions").and_then(Value::as_array_mut);
    let containers = containers.filter(|containers| !containers.is_empty());
    let containers = containers.ok_or_else(|| client("Container list cannot be empty."))?;
    let mut names = BTreeSet::new();
    for container in containers.iter_mut() {
        let container = container.as_object_mut();
        let container = container.ok_or_else(|| client("A container must be an object."))?;
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        name::check("container", &name)
            .map_err(|_| client("Container.name contains invalid characters."))?;
        if !names.insert(name) {
            return Err(client("Container names must be unique within a task definition."));
        }
        check_stop_timeout(container)?;
        for (member, default) in [
            ("cpu", json!(0)),
            ("essential", json!(true)),
            ("portMappings", json!([])),
            ("environment", json!([])),
            ("mountPoints", json!([])),
            ("volumesFrom", json!([])),
            ("systemControls", json!([])),
        ] {
            container.entry(member).or_insert(default);
        }
    }
    let essential = |container: &Value| container["essential"] == json!(true);
    if !containers.iter().any(essential) {
        return Err(client("At least one container must be marked as essential."));
    }
    let fargate = json!(["EC2", "FARGATE"]);
    let is_awsvpc = given.get("networkMode").is_some_and(|mode| mode == "awsvpc");
    given.entry("compatibilities").or_insert(if is_awsvpc { fargate } else { json!(["EC2"]) });
    given.entry("volumes").or_insert(json!([]));
    given.entry("placementConstraints").or_insert(json!([]));
    Ok(())
}

fn check_stop_timeout(container: &Map<String, Value>) -> Result<(), ServiceError> {
    let timeout = container.get("stopTimeout").map(Value::as_u64);
    match timeout {
        None | Some(Some(0..=120)) => Ok(()),
        Some(_) => Err(client("stopTimeout must be from 0 to 120 seconds.")),
    }
}
