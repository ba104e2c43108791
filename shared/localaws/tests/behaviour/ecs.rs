//! Amazon ECS: what is said of services, whatever runs them. No check has tasks
//! run: each service wants none.

use aws_sdk_ecs::operation::create_service::builders::CreateServiceFluentBuilder;
use aws_sdk_ecs::types::{ContainerDefinition, KeyValuePair, TaskDefinitionStatus};

use crate::aws::{Aws, unique};
use crate::refusal::refused;

impl Aws {
    async fn cluster(&self) -> String {
        let name = unique("cluster");
        self.ecs.create_cluster().cluster_name(&name).send().await.unwrap();
        name
    }

    /// Registers a revision of a family; answers its number.
    async fn revision(&self, family: &str) -> i32 {
        let variable = KeyValuePair::builder().name("A").value("1").build();
        let container = ContainerDefinition::builder().name("worker").image("worker:1");
        let container = container.memory(128).environment(variable).command("run").build();
        let request = self.ecs.register_task_definition().family(family);
        let registered = request.container_definitions(container).send().await.unwrap();
        registered.task_definition.unwrap().revision
    }

    fn service(&self, cluster: &str, name: &str, task: &str) -> CreateServiceFluentBuilder {
        let request = self.ecs.create_service().cluster(cluster).service_name(name);
        request.task_definition(task).desired_count(0)
    }

    async fn described(&self, cluster: &str, service: &str) -> aws_sdk_ecs::types::Service {
        let request = self.ecs.describe_services().cluster(cluster).services(service);
        request.send().await.unwrap().services.unwrap().remove(0)
    }
}

/// Each registration of a family is the next revision; a family alone means the
/// latest active one. (RegisterTaskDefinition; DescribeTaskDefinition)
#[tokio::test]
async fn registrations_are_revisions() {
    let aws = Aws::start().await;
    let family = unique("family");
    assert_eq!((aws.revision(&family).await, aws.revision(&family).await), (1, 2));
    let described = aws.ecs.describe_task_definition().task_definition(&family).send().await;
    let task = described.unwrap().task_definition.unwrap();
    assert_eq!((task.revision, task.family()), (2, Some(&*family)));
    let container = &task.container_definitions()[0];
    assert_eq!(container.environment()[0].value(), Some("1"));
    assert!(task.task_definition_arn().unwrap().ends_with(&format!("/{family}:2")));
}

/// A revision that is deregistered is inactive, and a family alone means the
/// latest that is still active. (DeregisterTaskDefinition)
#[tokio::test]
async fn a_deregistered_revision_is_inactive() {
    let aws = Aws::start().await;
    let family = unique("family");
    aws.revision(&family).await;
    aws.revision(&family).await;
    let request = aws.ecs.deregister_task_definition().task_definition(format!("{family}:2"));
    let task = request.send().await.unwrap().task_definition.unwrap();
    assert_eq!(task.status(), Some(&TaskDefinitionStatus::Inactive));
    let described = aws.ecs.describe_task_definition().task_definition(&family).send().await;
    assert_eq!(described.unwrap().task_definition.unwrap().revision, 1);
}

/// Registering without containers is a `ClientException`.
/// (RegisterTaskDefinition, containerDefinitions)
#[tokio::test]
async fn a_task_needs_containers() {
    let aws = Aws::start().await;
    let request = aws.ecs.register_task_definition().family(unique("family"));
    assert_eq!(
        refused(request.set_container_definitions(Some(Vec::new())).send().await),
        "ClientException"
    );
}

/// A service is active, with its task definition's latest revision and one
/// primary deployment. (CreateService; DescribeServices)
#[tokio::test]
async fn a_service_is_described() {
    let aws = Aws::start().await;
    let (cluster, family) = (aws.cluster().await, unique("family"));
    aws.revision(&family).await;
    aws.service(&cluster, "web", &family).send().await.unwrap();
    let service = aws.described(&cluster, "web").await;
    assert_eq!((service.status(), service.desired_count), (Some("ACTIVE"), 0));
    assert!(service.task_definition().unwrap().ends_with(&format!("/{family}:1")));
    let deployments = service.deployments();
    assert_eq!((deployments.len(), deployments[0].status()), (1, Some("PRIMARY")));
}

/// A service of the name of an active one is refused. (CreateService;
/// DeleteService)
#[tokio::test]
async fn a_services_name_is_taken_once() {
    let aws = Aws::start().await;
    let (cluster, family) = (aws.cluster().await, unique("family"));
    aws.revision(&family).await;
    aws.service(&cluster, "web", &family).send().await.unwrap();
    let again = aws.service(&cluster, "web", &family).desired_count(1).send().await;
    // The reference names two errors that it can be.
    let code = refused(again);
    assert!(["InvalidParameterException", "ClientException"].contains(&&*code), "{code}");
}

/// An update changes the task definition it names and nothing else.
/// (UpdateService)
#[tokio::test]
async fn a_service_is_updated() {
    let aws = Aws::start().await;
    let (cluster, family) = (aws.cluster().await, unique("family"));
    aws.revision(&family).await;
    aws.service(&cluster, "web", &family).send().await.unwrap();
    aws.revision(&family).await;
    let request = aws.ecs.update_service().cluster(&cluster).service("web");
    request.task_definition(&family).send().await.unwrap();
    let service = aws.described(&cluster, "web").await;
    assert!(service.task_definition().unwrap().ends_with(&format!("/{family}:2")));
    assert_eq!(service.desired_count, 0);
}

/// Describing a service that is not there succeeds with a failure `MISSING`.
/// (DescribeServices; ECS Developer Guide, API failure reasons)
#[tokio::test]
async fn a_missing_service_is_a_failure_in_the_answer() {
    let aws = Aws::start().await;
    let cluster = aws.cluster().await;
    let request = aws.ecs.describe_services().cluster(&cluster).services("nowhere");
    let answer = request.send().await.unwrap();
    assert!(answer.services().is_empty());
    assert_eq!(answer.failures()[0].reason(), Some("MISSING"));
}

/// A service in a cluster that is not there is a `ClusterNotFoundException`.
/// (CreateService)
#[tokio::test]
async fn a_service_needs_its_cluster() {
    let aws = Aws::start().await;
    let family = unique("family");
    aws.revision(&family).await;
    let answer = aws.service(&unique("nowhere"), "web", &family).send().await;
    assert_eq!(refused(answer), "ClusterNotFoundException");
}

/// A deleted service is inactive and can still be described. (DeleteService)
#[tokio::test]
async fn a_deleted_service_can_still_be_described() {
    let aws = Aws::start().await;
    let (cluster, family) = (aws.cluster().await, unique("family"));
    aws.revision(&family).await;
    aws.service(&cluster, "web", &family).send().await.unwrap();
    aws.ecs.delete_service().cluster(&cluster).service("web").send().await.unwrap();
    let status = aws.described(&cluster, "web").await.status.unwrap();
    assert!(["DRAINING", "INACTIVE"].contains(&&*status), "{status}");
    let list = aws.ecs.list_services().cluster(&cluster).send().await.unwrap();
    assert!(list.service_arns().is_empty());
}
