//! How many workers of each stage are wanted, and how many run.

use aws_config::SdkConfig;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::Service;
use millrace_retry::RequestError;

/// Services that one request describes (DescribeServices, Amazon ECS API
/// Reference).
const DESCRIBED_AT_ONCE: usize = 10;

pub(crate) const DESCRIBE: &str = "ecs:DescribeServices";
pub(crate) const UPDATE: &str = "ecs:UpdateService";

/// The services of one cluster.
#[derive(Debug, Clone)]
pub struct Services {
    pub(crate) client: Client,
    pub(crate) cluster: String,
}

/// A service, in tasks. A task is a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceState {
    /// The service's name.
    pub name: String,
    /// Workers wanted.
    pub desired: u32,
    /// Workers that run, those that drain before they go included.
    pub running: u32,
    /// Workers that are being started.
    pub pending: u32,
}

impl ServiceState {
    /// Whether there are as many as are wanted.
    pub fn is_steady(&self) -> bool {
        self.running == self.desired && self.pending == 0
    }
}

impl Services {
    /// The services of `cluster`, reached as the SDK configuration says.
    pub fn new(config: &SdkConfig, cluster: impl Into<String>) -> Self {
        Self { client: Client::new(config), cluster: cluster.into() }
    }

    /// The services of these names, in this order; none for one that is not
    /// there, and none at all where there is no cluster.
    ///
    /// # Errors
    /// [`RequestError`] if ECS did not say.
    pub async fn describe(
        &self,
        names: &[String],
    ) -> Result<Vec<Option<ServiceState>>, RequestError> {
        let mut found = Vec::new();
        for names in names.chunks(DESCRIBED_AT_ONCE) {
            match self.describe_some(names).await {
                Ok(services) => found.extend(services),
                Err(RequestError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let named = |name: &String| found.iter().find(|service| service.name == *name).cloned();
        Ok(names.iter().map(named).collect())
    }

    async fn describe_some(&self, names: &[String]) -> Result<Vec<ServiceState>, RequestError> {
        let request = self.client.describe_services().cluster(&self.cluster);
        let answer = request.set_services(Some(names.to_vec())).send().await.map_err(|error| {
            RequestError::of(DESCRIBE, &format!("cluster `{}`", self.cluster), &error)
        })?;
        // A deleted service is described for a while.
        let active = |service: &&Service| service.status() == Some("ACTIVE");
        Ok(answer.services().iter().filter(active).map(state).collect())
    }

    /// Sets how many workers a service is to have; answers what it was and is.
    ///
    /// # Errors
    /// [`RequestError::NotFound`] if it is not there, or why it was not set.
    pub async fn scale(&self, name: &str, workers: u32) -> Result<ServiceState, RequestError> {
        let what = self.named(name);
        let request = self.client.update_service().cluster(&self.cluster).service(name);
        let count = i32::try_from(workers).unwrap_or(i32::MAX);
        let answer = request
            .desired_count(count)
            .send()
            .await
            .map_err(|error| RequestError::of(UPDATE, &what, &error))?;
        answer.service().map(state).ok_or(RequestError::NotFound { what })
    }

    /// How errors name a service.
    pub(crate) fn named(&self, name: &str) -> String {
        format!("service `{name}` in cluster `{}`", self.cluster)
    }
}

fn state(service: &Service) -> ServiceState {
    let count = |count: i32| u32::try_from(count).unwrap_or_default();
    ServiceState {
        name: service.service_name().unwrap_or_default().to_owned(),
        desired: count(service.desired_count()),
        running: count(service.running_count()),
        pending: count(service.pending_count()),
    }
}
