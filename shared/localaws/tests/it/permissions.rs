//! Permissions, which edit the policy.

use crate::client::{Endpoint, Refusal};

#[tokio::test]
async fn a_permission_is_a_statement_of_the_policy() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    let add = || {
        let add = endpoint.sqs.add_permission().queue_url(&url).label("sender");
        add.aws_account_ids("111122223333").actions("SendMessage").send()
    };
    add().await.unwrap();
    let policy = endpoint.attribute(&url, "Policy").await.unwrap();
    let policy: serde_json::Value = serde_json::from_str(&policy).unwrap();
    assert_eq!(policy["Statement"][0]["Sid"], "sender");
    assert_eq!(policy["Statement"][0]["Action"][0], "SQS:SendMessage");
    assert_eq!(policy["Statement"][0]["Principal"]["AWS"][0], "arn:aws:iam::111122223333:root");
    assert_eq!(Refusal::of(add().await.unwrap_err()).code, "InvalidParameterValue");
    let remove = || endpoint.sqs.remove_permission().queue_url(&url).label("sender").send();
    remove().await.unwrap();
    assert_eq!(endpoint.attribute(&url, "Policy").await, None);
    assert_eq!(Refusal::of(remove().await.unwrap_err()).code, "InvalidParameterValue");
}
