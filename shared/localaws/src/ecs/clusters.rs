//! Clusters: names that services and tasks are kept under.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Ecs;
use super::list::{Page, tag_list, tags_of};
use super::name::{self, invalid};
use super::state::{Cluster, State};
use crate::service::{ServiceError, read};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateCluster {
    cluster_name: Option<String>,
    #[serde(default)]
    tags: Vec<Value>,
    #[serde(flatten)]
    given: Map<String, Value>,
}

#[derive(Deserialize)]
struct ChangeCluster {
    cluster: String,
    #[serde(flatten)]
    given: Map<String, Value>,
}

#[derive(Deserialize)]
struct DescribeClusters {
    #[serde(default)]
    clusters: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
}

impl Ecs {
    pub(super) fn create_cluster(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: CreateCluster = read(body)?;
        let name = request.cluster_name.as_deref().unwrap_or(name::DEFAULT_CLUSTER);
        name::check("cluster", name)?;
        let tags = tags_of(&request.tags)?;
        self.kept.change(|state| {
            let cluster = state
                .clusters
                .entry(name.to_owned())
                .or_insert_with(|| Cluster { inactive: true, ..Cluster::default() });
            // Creating one that exists answers with what exists.
            if cluster.inactive {
                *cluster = Cluster { given: request.given, tags, ..Cluster::default() };
            }
            Ok(json!({"cluster": self.cluster_view(name, cluster, None)}))
        })
    }

    /// `UpdateCluster`, `UpdateClusterSettings`, `PutClusterCapacityProviders`.
    pub(super) fn change_cluster(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: ChangeCluster = read(body)?;
        self.kept.change(|state| {
            let cluster = state.cluster_mut(Some(&request.cluster))?;
            cluster.given.extend(request.given);
            let name = name::cluster(Some(&request.cluster));
            Ok(json!({"cluster": self.cluster_view(name, cluster, None)}))
        })
    }

    pub(super) fn delete_cluster(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let request: ChangeCluster = read(body)?;
        self.kept.change(|state| {
            let cluster = state.cluster_mut(Some(&request.cluster))?;
            if cluster.services.values().any(|service| service.status != "INACTIVE") {
                return Err(ServiceError::new(
                    "ClusterContainsServicesException",
                    "The Cluster cannot be deleted while Services are active.",
                ));
            }
            if cluster.tasks.values().any(|task| task.last_status != "STOPPED") {
                return Err(ServiceError::new(
                    "ClusterContainsTasksException",
                    "The Cluster cannot be deleted while Tasks are active.",
                ));
            }
            cluster.inactive = true;
            let name = name::cluster(Some(&request.cluster));
            Ok(json!({"cluster": self.cluster_view(name, cluster, None)}))
        })
    }

    pub(super) fn describe_clusters(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let mut request: DescribeClusters = read(body)?;
        if request.clusters.len() > 100 {
            return Err(invalid("Clusters cannot have more than 100 elements"));
        }
        if request.clusters.is_empty() {
            request.clusters.push(name::DEFAULT_CLUSTER.to_owned());
        }
        let state = self.kept.read();
        let (mut clusters, mut failures) = (Vec::new(), Vec::new());
        for given in &request.clusters {
            let name = name::cluster(Some(given));
            match known(&state, name) {
                Some(cluster) => {
                    clusters.push(self.cluster_view(name, cluster, Some(&request.include)));
                }
                None => failures.push(
                    json!({"arn": name::cluster_arn(&self.account, name), "reason": "MISSING"}),
                ),
            }
        }
        Ok(json!({"clusters": clusters, "failures": failures}))
    }

    pub(super) fn list_clusters(&self, body: &[u8]) -> Result<Value, ServiceError> {
        let page: Page = read(body)?;
        let state = self.kept.read();
        let active = state.clusters.iter().filter(|(_, cluster)| !cluster.inactive);
        let names = active.map(|(name, _)| name.clone());
        page.answer("clusterArns", names, 100, |name| name::cluster_arn(&self.account, name))
    }

    /// A cluster as it is answered; `include` says which of the long parts.
    fn cluster_view(&self, name: &str, cluster: &Cluster, include: Option<&[String]>) -> Value {
        let wants = |part: &str| include.is_none_or(|parts| parts.iter().any(|one| one == part));
        let with = |status: &str| {
            let tasks = cluster.tasks.values();
            tasks.filter(|task| task.last_status == status).count()
        };
        let services = cluster.services.values();
        let mut view = json!({
            "clusterArn": name::cluster_arn(&self.account, name),
            "clusterName": name,
            "status": if cluster.inactive { "INACTIVE" } else { "ACTIVE" },
            "registeredContainerInstancesCount": 0,
            "runningTasksCount": with("RUNNING"),
            "pendingTasksCount": with("PROVISIONING"),
            "activeServicesCount": services.filter(|one| one.status == "ACTIVE").count(),
            "statistics": [],
            "tags": if wants("TAGS") { tag_list(&cluster.tags) } else { json!([]) },
            "settings": [],
            "capacityProviders": [],
            "defaultCapacityProviderStrategy": [],
        });
        for (member, value) in &cluster.given {
            let long = match member.as_str() {
                "settings" => Some("SETTINGS"),
                "configuration" => Some("CONFIGURATIONS"),
                _ => None,
            };
            if long.is_none_or(wants) {
                view[member] = value.clone();
            }
        }
        if wants("SETTINGS") && !cluster.given.contains_key("settings") {
            view["settings"] = json!([{"name": "containerInsights", "value": "disabled"}]);
        }
        view
    }
}

/// A cluster that can be described, be it deleted.
fn known<'a>(state: &'a State, name: &str) -> Option<&'a Cluster> {
    state.clusters.get(name).or_else(|| state.cluster(Some(name)).ok())
}
