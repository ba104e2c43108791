//! Services for a local stack: made of a command and its variables, where
//! Terraform makes those in the cloud. Again is fine.

use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::types::{ContainerDefinition, KeyValuePair, TaskDefinition};
use millrace_retry::RequestError;

use crate::Services;
use crate::services::UPDATE;

/// The container of a worker.
const CONTAINER: &str = "worker";

/// Images are not run locally, but a container has one.
const IMAGE: &str = "millrace";

const CREATE_CLUSTER: &str = "ecs:CreateCluster";
const REGISTER: &str = "ecs:RegisterTaskDefinition";
const DESCRIBE_DEFINITION: &str = "ecs:DescribeTaskDefinition";
const CREATE: &str = "ecs:CreateService";

/// A service as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSpec {
    /// Name of the service and of its task definitions.
    pub name: String,
    /// What a worker is told to do.
    pub command: Vec<String>,
    /// Environment variables of a worker.
    pub environment: Vec<(String, String)>,
    /// Seconds a worker may drain on stop.
    pub stop_timeout: u16,
    /// Workers wanted.
    pub workers: u32,
}

impl Services {
    /// Creates the cluster if there is none.
    ///
    /// # Errors
    /// [`RequestError`] if ECS refuses.
    pub async fn ensure_cluster(&self) -> Result<(), RequestError> {
        let what = format!("cluster `{}`", self.cluster);
        let request = self.client.create_cluster().cluster_name(&self.cluster);
        request.send().await.map_err(|error| RequestError::of(CREATE_CLUSTER, &what, &error))?;
        Ok(())
    }

    /// Creates the service, or makes an existing one what it is to be. One whose
    /// workers would be started in the same way keeps those it has.
    ///
    /// # Errors
    /// [`RequestError`] if ECS refuses.
    pub async fn ensure_service(&self, spec: &ServiceSpec) -> Result<(), RequestError> {
        let definition = self.ensure_definition(spec).await?;
        let what = self.named(&spec.name);
        let workers = i32::try_from(spec.workers).unwrap_or(i32::MAX);
        let existing = self.describe(std::slice::from_ref(&spec.name)).await?;
        if existing.into_iter().flatten().next().is_some() {
            let request = self.client.update_service().cluster(&self.cluster).service(&spec.name);
            let request = request.task_definition(definition).desired_count(workers);
            request.send().await.map_err(|error| RequestError::of(UPDATE, &what, &error))?;
            return Ok(());
        }
        let request = self.client.create_service().cluster(&self.cluster).service_name(&spec.name);
        let request = request.task_definition(definition).desired_count(workers);
        request.send().await.map_err(|error| RequestError::of(CREATE, &what, &error))?;
        Ok(())
    }

    /// The ARN of a definition of these workers: the newest one if it is the
    /// same, or else a new revision.
    async fn ensure_definition(&self, spec: &ServiceSpec) -> Result<String, RequestError> {
        let what = format!("task definition `{}`", spec.name);
        let container = container(spec);
        if let Some(newest) = self.newest_definition(&spec.name, &what).await?
            && newest.container_definitions().iter().any(|found| is_same(found, &container))
            && let Some(arn) = newest.task_definition_arn()
        {
            return Ok(arn.to_owned());
        }
        let request = self.client.register_task_definition().family(&spec.name);
        let answer = request
            .container_definitions(container)
            .send()
            .await
            .map_err(|error| RequestError::of(REGISTER, &what, &error))?;
        let arn = answer.task_definition().and_then(TaskDefinition::task_definition_arn);
        arn.map(str::to_owned).ok_or(RequestError::NotFound { what })
    }

    async fn newest_definition(
        &self,
        family: &str,
        what: &str,
    ) -> Result<Option<TaskDefinition>, RequestError> {
        let request = self.client.describe_task_definition().task_definition(family);
        match request.send().await {
            Ok(answer) => Ok(answer.task_definition),
            // ECS has no error of its own for a family that is not there.
            Err(SdkError::ServiceError(error)) if error.err().code() == Some("ClientException") => {
                Ok(None)
            }
            Err(error) => Err(RequestError::of(DESCRIBE_DEFINITION, what, &error)),
        }
    }
}

fn container(spec: &ServiceSpec) -> ContainerDefinition {
    let pair =
        |(name, value): &(String, String)| KeyValuePair::builder().name(name).value(value).build();
    ContainerDefinition::builder()
        .name(CONTAINER)
        .image(IMAGE)
        .essential(true)
        .set_command(Some(spec.command.clone()))
        .set_environment(Some(spec.environment.iter().map(pair).collect()))
        .stop_timeout(i32::from(spec.stop_timeout))
        .build()
}

/// Whether workers are started in the same way.
fn is_same(found: &ContainerDefinition, wanted: &ContainerDefinition) -> bool {
    let sorted = |container: &ContainerDefinition| {
        let mut pairs: Vec<_> = container
            .environment()
            .iter()
            .map(|pair| (pair.name().map(str::to_owned), pair.value().map(str::to_owned)))
            .collect();
        pairs.sort();
        pairs
    };
    found.name() == wanted.name()
        && found.command() == wanted.command()
        && found.stop_timeout() == wanted.stop_timeout()
        && sorted(found) == sorted(wanted)
}
