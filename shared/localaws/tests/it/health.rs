//! What is asked by hand: health and STS.

use crate::client::{Endpoint, get};

#[tokio::test]
async fn health_names_the_services() {
    let endpoint = Endpoint::start().await;
    let answer = get(&endpoint.server, "/_millrace/health").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains(r#""status":"ok""#), "{answer}");
    for service in ["cloudwatch", "ecs", "events", "s3", "scheduler", "secretsmanager", "sqs"] {
        assert!(answer.contains(&format!("\"{service}\"")), "{service}: {answer}");
    }
}

#[tokio::test]
async fn a_caller_is_the_account() {
    let endpoint = Endpoint::start().await;
    let answer = get(&endpoint.server, "/?Action=GetCallerIdentity&Version=2011-06-15").await;
    assert!(answer.contains("<Account>000000000000</Account>"), "{answer}");
    assert!(answer.contains("<Arn>arn:aws:iam::000000000000:root</Arn>"), "{answer}");
}

#[tokio::test]
async fn a_role_is_assumed_for_a_while() {
    let endpoint = Endpoint::start().await;
    let role = "RoleArn=arn:aws:iam::000000000000:role/worker&RoleSessionName=s";
    let answer = get(&endpoint.server, &format!("/?Action=AssumeRole&{role}")).await;
    assert!(answer.contains("<AccessKeyId>ASIA"), "{answer}");
    assert!(
        answer.contains("<Arn>arn:aws:sts::000000000000:assumed-role/worker/s</Arn>"),
        "{answer}"
    );
    let answer = get(&endpoint.server, "/?Action=AssumeRole&RoleArn=worker").await;
    assert!(answer.contains("<Code>ValidationError</Code>"), "{answer}");
}

#[tokio::test]
async fn an_unknown_operation_is_named() {
    let endpoint = Endpoint::start().await;
    let answer = get(&endpoint.server, "/?Action=FlyToTheMoon").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("FlyToTheMoon"), "{answer}");
}
