//! Every call is written down with the permission it needs, and by whom.

use std::path::Path;

use aws_sdk_ecs::types::ContainerDefinition;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use millrace_localaws::{Config, Server};

use crate::client::{config, eventually, request, sqs};

/// What was asked for in a trail: who, action, resource and status.
fn asked(trail: &Path) -> Vec<(String, String, String, u64)> {
    let text = std::fs::read_to_string(trail).unwrap();
    let line = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        (text("principal"), text("action"), text("resource"), line["status"].as_u64().unwrap())
    };
    text.lines().map(line).collect()
}

#[tokio::test]
async fn calls_are_written_down_as_iam_names_them() {
    let data = tempfile::TempDir::new().unwrap();
    let trail = data.path().join("calls.ndjson");
    let config = Config { trail: Some(trail.clone()), ..config(&data.path().join("aws")) };
    let server = Server::start(config).await.unwrap();
    let sqs = sqs(&server.url());
    let url = sqs.create_queue().queue_name("orders").send().await.unwrap().queue_url.unwrap();
    let entry = SendMessageBatchRequestEntry::builder().id("1").message_body("b").build().unwrap();
    sqs.send_message_batch().queue_url(&url).entries(entry).send().await.unwrap();
    sqs.get_queue_url().queue_name("none").send().await.unwrap_err();
    request(&server, "GET", "/bucket/a%20key?versionId=v", "").await;
    server.stop().await;

    let queue = |name: &str| format!("arn:aws:sqs:us-east-1:000000000000:{name}");
    let asked = asked(&trail);
    let brief: Vec<_> = asked.iter().map(|(_, what, on, how)| (what.as_str(), on, *how)).collect();
    assert_eq!(
        brief,
        [
            ("sqs:CreateQueue", &queue("orders"), 200),
            ("sqs:SendMessage", &queue("orders"), 200),
            ("sqs:GetQueueUrl", &queue("none"), 400),
            ("s3:GetObjectVersion", &"arn:aws:s3:::bucket/a key".to_owned(), 404),
        ]
    );
    assert_eq!(asked[3].0, "anonymous");
}

#[tokio::test]
async fn a_task_is_known_by_the_family_of_its_definition_also_when_it_asks_its_agent() {
    let data = tempfile::TempDir::new().unwrap();
    let trail = data.path().join("calls.ndjson");
    let config = Config { trail: Some(trail.clone()), ..config(&data.path().join("aws")) };
    let server = Server::start(config).await.unwrap();
    let ecs = crate::ecs::client_of(&server);
    ecs.create_cluster().cluster_name("shop").send().await.unwrap();
    let container = ContainerDefinition::builder().name("worker").image("millrace");
    let container = container.entry_point("sh").entry_point("-c").command("sleep 60");
    let register = ecs.register_task_definition().family("shop-load");
    let container = container.stop_timeout(2).build();
    register.container_definitions(container).send().await.unwrap();
    let create = ecs.create_service().cluster("shop").service_name("load");
    create.task_definition("shop-load").desired_count(1).send().await.unwrap();
    let task = eventually(|| async {
        let listed = ecs.list_tasks().cluster("shop").service_name("load").send().await.unwrap();
        listed.task_arns?.pop()
    })
    .await;
    let id = task.rsplit('/').next().unwrap();
    let agent = format!("/_millrace/ecs/{id}/task-protection/v1/state");
    request(&server, "PUT", &agent, "{\"ProtectionEnabled\":true}").await;
    request(&server, "GET", &format!("/_millrace/ecs/{id}/v4/worker"), "").await;
    server.stop().await;

    let of_task = |one: &(String, String, String, u64)| one.0 == "shop-load";
    let asked: Vec<_> = asked(&trail).into_iter().filter(of_task).collect();
    let protect =
        ("shop-load".to_owned(), "ecs:UpdateTaskProtection".to_owned(), task.clone(), 200);
    assert_eq!(asked, [protect], "the agent knows the rest itself");
}
