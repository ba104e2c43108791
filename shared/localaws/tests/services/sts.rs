//! Who a caller is.

use crate::client::{Endpoint, get, request};

fn between<'a>(text: &'a str, tag: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("<{tag}>")).unwrap();
    rest.split_once(&format!("</{tag}>")).unwrap().0
}

#[tokio::test]
async fn a_caller_with_credentials_of_a_role_is_that_role() {
    let endpoint = Endpoint::start().await;
    let role = "RoleArn=arn:aws:iam::000000000000:role/path/worker&RoleSessionName=one";
    let assumed = get(&endpoint.server, &format!("/?Action=AssumeRole&{role}")).await;
    let key = between(&assumed, "AccessKeyId");
    let signed = format!("X-Amz-Credential={key}%2F20260101%2Fus-east-1%2Fsts%2Faws4_request");
    let who = get(&endpoint.server, &format!("/?Action=GetCallerIdentity&{signed}")).await;
    let expected = "arn:aws:sts::000000000000:assumed-role/worker/one";
    assert_eq!(between(&who, "Arn"), expected);
    assert_eq!(between(&who, "UserId"), between(&assumed, "AssumedRoleId"));
}

#[tokio::test]
async fn session_tokens_and_web_identities_get_credentials() {
    let endpoint = Endpoint::start().await;
    let session = get(&endpoint.server, "/?Action=GetSessionToken&DurationSeconds=900").await;
    assert!(between(&session, "AccessKeyId").starts_with("ASIA"), "{session}");
    let short = get(&endpoint.server, "/?Action=GetSessionToken&DurationSeconds=1").await;
    assert!(short.contains("ValidationError"), "{short}");
    let web = "Action=AssumeRoleWithWebIdentity&RoleArn=arn:aws:iam::000000000000:role/w\
               &RoleSessionName=two";
    let refused = request(&endpoint.server, "POST", &format!("/?{web}"), "").await;
    assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
    let web = format!("/?{web}&WebIdentityToken=t");
    let assumed = request(&endpoint.server, "POST", &web, "").await;
    assert!(assumed.contains("assumed-role/w/two"), "{assumed}");
}
