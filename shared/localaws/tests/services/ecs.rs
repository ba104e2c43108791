//! Services whose tasks are processes.

use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::types::{ContainerDefinition, Task};

use crate::client::{Endpoint, eventually};

fn client(endpoint: &Endpoint) -> aws_sdk_ecs::Client {
    client_of(&endpoint.server)
}

/// A client of ECS.
pub(crate) fn client_of(server: &millrace_localaws::Server) -> aws_sdk_ecs::Client {
    use aws_sdk_ecs::config::{BehaviorVersion, Config, Credentials, Region};
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(server.url())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("a", "b", None, None, "test"))
        .build();
    aws_sdk_ecs::Client::from_conf(config)
}

/// Registers a family whose tasks run a shell script, and a service of it.
async fn serve(ecs: &aws_sdk_ecs::Client, script: &str, desired: i32) {
    ecs.create_cluster().cluster_name("shop").send().await.unwrap();
    let container = ContainerDefinition::builder()
        .name("worker")
        .image("millrace")
        .entry_point("sh")
        .entry_point("-c")
        .command(script)
        .stop_timeout(2)
        .build();
    ecs.register_task_definition()
        .family("load")
        .container_definitions(container)
        .send()
        .await
        .unwrap();
    let create = ecs.create_service().cluster("shop").service_name("load").task_definition("load");
    create.desired_count(desired).send().await.unwrap();
}

async fn running(ecs: &aws_sdk_ecs::Client) -> i32 {
    let described = ecs.describe_services().cluster("shop").services("load").send().await.unwrap();
    described.services()[0].running_count()
}

async fn until_running(ecs: &aws_sdk_ecs::Client, wanted: i32) {
    eventually(|| async move { (running(ecs).await == wanted).then_some(()) }).await;
}

async fn tasks(ecs: &aws_sdk_ecs::Client) -> Vec<Task> {
    let listed = ecs.list_tasks().cluster("shop").service_name("load").send().await.unwrap();
    let describe = ecs.describe_tasks().cluster("shop").set_tasks(listed.task_arns);
    describe.send().await.unwrap().tasks.unwrap_or_default()
}

async fn scale(ecs: &aws_sdk_ecs::Client, desired: i32) {
    let update = ecs.update_service().cluster("shop").service("load");
    update.desired_count(desired).send().await.unwrap();
}

#[tokio::test]
async fn the_desired_count_starts_and_stops_processes() {
    let endpoint = Endpoint::start().await;
    let ecs = client(&endpoint);
    serve(&ecs, "exec sleep 300", 2).await;
    until_running(&ecs, 2).await;
    scale(&ecs, 3).await;
    until_running(&ecs, 3).await;
    scale(&ecs, 0).await;
    until_running(&ecs, 0).await;
    endpoint.server.stop().await;
}

#[tokio::test]
async fn a_protected_task_is_not_stopped_by_scaling_in() {
    let endpoint = Endpoint::start().await;
    let ecs = client(&endpoint);
    serve(&ecs, "exec sleep 300", 2).await;
    until_running(&ecs, 2).await;
    let protected = tasks(&ecs).await[0].task_arn().unwrap().to_owned();
    let protect = |on: bool| {
        ecs.update_task_protection().cluster("shop").tasks(&protected).protection_enabled(on).send()
    };
    protect(true).await.unwrap();
    scale(&ecs, 0).await;
    until_running(&ecs, 1).await;
    assert_eq!(tasks(&ecs).await[0].task_arn(), Some(protected.as_str()));
    protect(false).await.unwrap();
    until_running(&ecs, 0).await;
    endpoint.server.stop().await;
}

#[tokio::test]
async fn a_task_that_dies_is_replaced_and_says_why() {
    let endpoint = Endpoint::start().await;
    let ecs = client(&endpoint);
    serve(&ecs, "[ -e \"$0\" ] || exit 3; exec sleep 300", 1).await;
    let stopped = eventually(|| async {
        let list = ecs.list_tasks().cluster("shop").desired_status("STOPPED".into());
        let arns = list.send().await.unwrap().task_arns.filter(|arns| !arns.is_empty())?;
        let describe = ecs.describe_tasks().cluster("shop").set_tasks(Some(arns));
        describe.send().await.unwrap().tasks?.into_iter().next()
    })
    .await;
    assert_eq!(stopped.containers()[0].exit_code(), Some(3));
    assert_eq!(stopped.stopped_reason(), Some("Essential container in task exited"));
    endpoint.server.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let endpoint = Endpoint::start().await;
    let ecs = client(&endpoint);
    let error = ecs.list_services().cluster("nope").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ClusterNotFoundException"));
    serve(&ecs, "exec sleep 300", 0).await;
    let described = ecs.describe_services().cluster("shop").services("nope").send().await.unwrap();
    assert_eq!(described.failures()[0].reason(), Some("MISSING"));
    let update = ecs.update_service().cluster("shop").service("nope").desired_count(1);
    assert_eq!(update.send().await.unwrap_err().code(), Some("ServiceNotFoundException"));
}
