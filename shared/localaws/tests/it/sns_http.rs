//! Topics that tell HTTP endpoints on this machine.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use millrace_localaws::Clock;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{Endpoint, Refusal, eventually, get};

/// A request: its head in lower case, and its body.
type Request = (String, String);

/// An HTTP endpoint that answers with one status after the other, then 200.
struct Hook {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Hook {
    async fn start(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&requests);
        tokio::spawn(async move {
            let mut statuses = statuses.iter();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read(&mut stream).await;
                let status = statuses.next().unwrap_or(&200);
                noted.lock().unwrap().push(request);
                let answer = format!(
                    "HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { url, requests }
    }

    /// The requests, once there are so many.
    async fn requests(&self, count: usize) -> Vec<Request> {
        eventually(|| async {
            let requests = self.requests.lock().unwrap();
            (requests.len() >= count).then(|| requests.clone())
        })
        .await
    }
}

async fn read(stream: &mut TcpStream) -> Request {
    let mut bytes = Vec::new();
    loop {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        if body.len() == length {
            return (head, body.to_owned());
        }
    }
}

/// An endpoint with a stopped clock and a topic that the hook has confirmed.
async fn confirmed(hook: &Hook, attributes: &[(&str, &str)]) -> (Endpoint, Clock, String) {
    let clock = Clock::stopped(SystemTime::now());
    let endpoint = Endpoint::by(&clock).await;
    let (sns, server) = (&endpoint.sns, &endpoint.server);
    let topic = sns.create_topic().name("t").send().await.unwrap().topic_arn.unwrap();
    let mut subscribe = sns.subscribe().topic_arn(&topic).protocol("http").endpoint(&hook.url);
    for (name, value) in attributes {
        subscribe = subscribe.attributes(*name, *value);
    }
    let subscribed = subscribe.send().await.unwrap();
    assert_eq!(subscribed.subscription_arn(), Some("pending confirmation"));
    sns.publish().topic_arn(&topic).message("too early").send().await.unwrap();
    let (head, body) = hook.requests(1).await.remove(0);
    assert!(head.contains("x-amz-sns-message-type: subscriptionconfirmation"), "{head}");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["TopicArn"], topic.as_str());
    let confirm = body["SubscribeURL"].as_str().unwrap().strip_prefix(&server.url()).unwrap();
    assert!(get(server, confirm).await.starts_with("HTTP/1.1 200"));
    (endpoint, clock, topic)
}

#[tokio::test]
async fn an_endpoint_confirms_and_is_told() {
    let hook = Hook::start(&[]).await;
    let (endpoint, _, topic) = confirmed(&hook, &[]).await;
    endpoint.sns.publish().topic_arn(&topic).message("hello").subject("S").send().await.unwrap();
    let (head, body) = hook.requests(2).await.remove(1);
    assert!(head.starts_with("post /hook http/1.1\r\n"), "{head}");
    for header in [
        "x-amz-sns-message-type: notification",
        &format!("x-amz-sns-topic-arn: {topic}"),
        &format!("x-amz-sns-subscription-arn: {topic}:"),
        "content-type: text/plain; charset=utf-8",
        "user-agent: amazon simple notification service agent",
    ] {
        assert!(head.contains(header), "{header} in {head}");
    }
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&body["Message"], &body["Subject"]), (&"hello".into(), &"S".into()));
    let listed = endpoint.sns.list_subscriptions().send().await.unwrap();
    let arn = listed.subscriptions()[0].subscription_arn().unwrap();
    endpoint.sns.unsubscribe().subscription_arn(arn).send().await.unwrap();
    let (head, _) = hook.requests(3).await.remove(2);
    assert!(head.contains("x-amz-sns-message-type: unsubscribeconfirmation"), "{head}");
}

#[tokio::test]
async fn what_an_endpoint_does_not_take_is_tried_again_and_dead_lettered() {
    // The confirmation, three failures, a refusal.
    let hook = Hook::start(&[200, 500, 503, 429, 403]).await;
    let redrive = r#"{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead"}"#;
    let delivery = r#"{"healthyRetryPolicy": {"numRetries": 2, "minDelayTarget": 5,
        "maxDelayTarget": 5}}"#;
    let attributes =
        [("RedrivePolicy", redrive), ("DeliveryPolicy", delivery), ("RawMessageDelivery", "true")];
    let (endpoint, clock, topic) = confirmed(&hook, &attributes).await;
    let dead = endpoint.queue("dead", &[]).await;
    endpoint.sns.publish().topic_arn(&topic).message("retried").send().await.unwrap();
    hook.requests(2).await;
    let letter = eventually(|| async {
        clock.advance(Duration::from_secs(1));
        endpoint.receive(&dead).await.pop()
    });
    assert_eq!(letter.await.body(), Some("retried"));
    let requests = hook.requests(4).await;
    assert_eq!(requests.len(), 4, "one attempt and two retries after the confirmation");
    assert!(requests[3].0.contains("x-amz-sns-rawdelivery: true"));
    assert_eq!(requests[3].1, "retried");
    endpoint.sns.publish().topic_arn(&topic).message("refused").send().await.unwrap();
    let letter = eventually(|| async { endpoint.receive(&dead).await.pop() });
    assert_eq!(letter.await.body(), Some("refused"));
    assert_eq!(hook.requests(5).await.len(), 5, "a refusal is not tried again");
}

#[tokio::test]
async fn nothing_is_sent_to_other_machines() {
    let endpoint = Endpoint::start().await;
    let topic = endpoint.sns.create_topic().name("t").send().await.unwrap().topic_arn.unwrap();
    for (protocol, url) in
        [("http", "http://example.com/"), ("http", "http://10.1.2.3/"), ("https", "https://[::1]/")]
    {
        let subscribe = endpoint.sns.subscribe().topic_arn(&topic).protocol(protocol);
        let refused = Refusal::of(subscribe.endpoint(url).send().await.unwrap_err());
        assert_eq!(refused.code, "InvalidParameter", "{url}");
    }
}

#[tokio::test]
async fn a_wrong_token_confirms_nothing() {
    let endpoint = Endpoint::start().await;
    let topic = endpoint.sns.create_topic().name("t").send().await.unwrap().topic_arn.unwrap();
    let confirm = endpoint.sns.confirm_subscription().topic_arn(&topic).token("wrong");
    assert_eq!(Refusal::of(confirm.send().await.unwrap_err()).code, "InvalidParameter");
}
