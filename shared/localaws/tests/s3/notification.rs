//! Events on their way to queues.

use aws_sdk_s3::types::{
    BucketVersioningStatus, CompletedMultipartUpload, CompletedPart, Event,
    EventBridgeConfiguration, FilterRule, FilterRuleName, NotificationConfiguration,
    NotificationConfigurationFilter, QueueConfiguration, S3KeyFilter,
};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use crate::client::{BUCKET, Endpoint, Refusal};

pub(crate) struct Queue {
    pub(crate) url: String,
    pub(crate) arn: String,
}

pub(crate) async fn queue(endpoint: &Endpoint, name: &str) -> Queue {
    let created = endpoint.sqs.create_queue().queue_name(name).send().await.unwrap();
    let url = created.queue_url.unwrap();
    let name = QueueAttributeName::QueueArn;
    let request = endpoint.sqs.get_queue_attributes().queue_url(&url);
    let attributes = request.attribute_names(name.clone()).send().await.unwrap().attributes;
    Queue { url, arn: attributes.unwrap()[&name].clone() }
}

/// Every message that is on the queue now, parsed.
pub(crate) async fn drain(endpoint: &Endpoint, queue: &Queue) -> Vec<Value> {
    let mut messages = Vec::new();
    loop {
        let request = endpoint.sqs.receive_message().queue_url(&queue.url);
        let received = request.max_number_of_messages(10).send().await.unwrap();
        let received = received.messages.unwrap_or_default();
        if received.is_empty() {
            return messages;
        }
        for message in received {
            messages.push(serde_json::from_str(message.body().unwrap()).unwrap());
            let handle = message.receipt_handle.unwrap();
            let delete = endpoint.sqs.delete_message().queue_url(&queue.url);
            delete.receipt_handle(handle).send().await.unwrap();
        }
    }
}

pub(crate) fn rule(queue: &Queue, id: &str, events: &[&str]) -> QueueConfiguration {
    let events = events.iter().map(|event| Event::from(*event)).collect();
    let rule = QueueConfiguration::builder().id(id).queue_arn(&queue.arn).set_events(Some(events));
    rule.build().unwrap()
}

fn filtered(mut rule: QueueConfiguration, prefix: &str, suffix: &str) -> QueueConfiguration {
    let filter = |name, value: &str| FilterRule::builder().name(name).value(value).build();
    let key = S3KeyFilter::builder()
        .filter_rules(filter(FilterRuleName::Prefix, prefix))
        .filter_rules(filter(FilterRuleName::Suffix, suffix))
        .build();
    rule.filter = Some(NotificationConfigurationFilter::builder().key(key).build());
    rule
}

pub(crate) async fn configure(
    endpoint: &Endpoint,
    rules: Vec<QueueConfiguration>,
) -> Result<(), Refusal> {
    let configuration = NotificationConfiguration::builder()
        .set_queue_configurations(Some(rules))
        .event_bridge_configuration(EventBridgeConfiguration::builder().build())
        .build();
    let request = endpoint.s3.put_bucket_notification_configuration().bucket(BUCKET);
    let done = request.notification_configuration(configuration).send().await;
    done.map(drop).map_err(Refusal::of)
}

pub(crate) fn names(events: &[Value]) -> Vec<(String, String)> {
    let records = events.iter().map(|event| &event["Records"][0]);
    let text = |value: &'_ Value| value.as_str().unwrap().to_owned();
    records
        .map(|record| (text(&record["eventName"]), text(&record["s3"]["object"]["key"])))
        .collect()
}

#[tokio::test]
async fn a_new_destination_gets_a_test_event_and_then_the_events() {
    let endpoint = Endpoint::start().await;
    let queue = queue(&endpoint, "ingest").await;
    let created = rule(&queue, "created", &["s3:ObjectCreated:*"]);
    configure(&endpoint, vec![filtered(created.clone(), "in/", ".csv")]).await.unwrap();
    let test = drain(&endpoint, &queue).await;
    assert_eq!(test.len(), 1);
    assert_eq!(test[0]["Event"], "s3:TestEvent");
    assert_eq!(test[0]["Service"], "Amazon S3");
    assert_eq!(test[0]["Bucket"], BUCKET);

    configure(&endpoint, vec![filtered(created, "in/", ".csv")]).await.unwrap();
    assert!(drain(&endpoint, &queue).await.is_empty(), "it is not new any more");

    endpoint.put("in/a b+\u{e9}.csv", "12345").await;
    endpoint.put("in/a.json", "v").await;
    endpoint.put("out/a.csv", "v").await;
    endpoint.delete("in/a b+\u{e9}.csv").await;
    let events = drain(&endpoint, &queue).await;
    let expected = [("ObjectCreated:Put".to_owned(), "in/a+b%2B%C3%A9.csv".to_owned())];
    assert_eq!(names(&events), expected);
    let record = &events[0]["Records"][0];
    assert_eq!(record["eventVersion"], "2.1");
    assert_eq!(record["eventSource"], "aws:s3");
    assert_eq!(record["awsRegion"], "us-east-1");
    assert_eq!(record["s3"]["configurationId"], "created");
    assert_eq!(record["s3"]["bucket"]["arn"], "arn:aws:s3:::raw");
    assert_eq!(record["s3"]["object"]["size"], 5);
    assert_eq!(record["s3"]["object"]["eTag"], "827ccb0eea8a706c4c34a16891f84e7b");
    assert_eq!(record["s3"]["object"].get("versionId"), None);
}

#[tokio::test]
async fn every_kind_of_change_has_its_event() {
    let endpoint = Endpoint::start().await;
    let queue = queue(&endpoint, "all").await;
    let events = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"];
    configure(&endpoint, vec![rule(&queue, "all", &events)]).await.unwrap();
    drain(&endpoint, &queue).await;

    endpoint.put("put", "v").await;
    let copy = endpoint.s3.copy_object().bucket(BUCKET).key("copy").copy_source("raw/put");
    copy.send().await.unwrap();
    let begun = endpoint.s3.create_multipart_upload().bucket(BUCKET).key("multipart").send().await;
    let id = begun.unwrap().upload_id.unwrap();
    let part = endpoint.s3.upload_part().bucket(BUCKET).key("multipart").upload_id(&id);
    let etag = part.part_number(1).send().await.unwrap().e_tag.unwrap();
    let part = CompletedPart::builder().part_number(1).e_tag(etag).build();
    let upload = CompletedMultipartUpload::builder().parts(part).build();
    let complete = endpoint.s3.complete_multipart_upload().bucket(BUCKET).key("multipart");
    complete.upload_id(id).multipart_upload(upload).send().await.unwrap();
    endpoint.delete("copy").await;
    endpoint.delete("never").await;
    endpoint.set_versioning(BucketVersioningStatus::Enabled).await;
    let version = endpoint.put("put", "2").await.unwrap();
    endpoint.delete("put").await;
    let removed = endpoint.s3.delete_object().bucket(BUCKET).key("put").version_id(&version);
    removed.send().await.unwrap();

    let events = drain(&endpoint, &queue).await;
    let mut seen = names(&events);
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            ("ObjectCreated:CompleteMultipartUpload", "multipart"),
            ("ObjectCreated:Copy", "copy"),
            ("ObjectCreated:Put", "put"),
            ("ObjectCreated:Put", "put"),
            ("ObjectRemoved:Delete", "copy"),
            ("ObjectRemoved:Delete", "put"),
            ("ObjectRemoved:DeleteMarkerCreated", "put"),
        ]
        .map(|(name, key)| (name.to_owned(), key.to_owned()))
    );
    let object = |event: &Value| event["Records"][0]["s3"]["object"].clone();
    let of_version = events.iter().map(object).filter(|object| object["versionId"] == version);
    assert_eq!(of_version.count(), 2);
}

#[tokio::test]
async fn sequencers_of_a_key_grow_in_the_order_of_its_changes_over_restarts() {
    let mut endpoint = Endpoint::start().await;
    let queue = queue(&endpoint, "all").await;
    let events = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"];
    configure(&endpoint, vec![rule(&queue, "all", &events)]).await.unwrap();
    drain(&endpoint, &queue).await;
    let mut etags = Vec::new();
    for round in 0..3 {
        for body in 0..4 {
            let body = format!("{round} {body}").into_bytes();
            let put = endpoint.s3.put_object().bucket(BUCKET).key("k").body(body.into());
            etags.push(put.send().await.unwrap().e_tag.unwrap().trim_matches('"').to_owned());
        }
        endpoint.delete("k").await;
        etags.push(String::new());
        endpoint = endpoint.restart().await;
    }
    let mut seen: Vec<(String, String)> = drain(&endpoint, &queue)
        .await
        .iter()
        .map(|event| &event["Records"][0]["s3"]["object"])
        .map(|object| {
            let text = |name: &str| object[name].as_str().unwrap_or_default().to_owned();
            (text("sequencer"), text("eTag"))
        })
        .collect();
    seen.sort();
    assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0));
    let in_order: Vec<_> = seen.into_iter().map(|(_, etag)| etag).collect();
    assert_eq!(in_order, etags);
}

#[tokio::test]
async fn a_configuration_must_be_possible_and_is_kept() {
    let endpoint = Endpoint::start().await;
    let a = queue(&endpoint, "a").await;
    let nowhere = Queue { url: String::new(), arn: "arn:aws:sqs:us-east-1:000000000000:no".into() };
    let code = async |rules| configure(&endpoint, rules).await.unwrap_err().code;
    let created = ["s3:ObjectCreated:*"];
    assert_eq!(code(vec![rule(&nowhere, "x", &created)]).await, "InvalidArgument");
    assert_eq!(code(vec![rule(&a, "x", &["s3:Nonsense"])]).await, "InvalidArgument");
    let overlapping = vec![rule(&a, "x", &created), rule(&a, "y", &["s3:ObjectCreated:Put"])];
    assert_eq!(code(overlapping).await, "InvalidArgument");

    let apart = [("x", "a/"), ("y", "b/")];
    let apart = apart.map(|(id, prefix)| filtered(rule(&a, id, &created), prefix, "")).to_vec();
    configure(&endpoint, apart).await.unwrap();
    let endpoint = endpoint.restart().await;
    let kept = endpoint.s3.get_bucket_notification_configuration().bucket(BUCKET);
    let kept = kept.send().await.unwrap();
    let ids: Vec<_> = kept.queue_configurations().iter().filter_map(|rule| rule.id()).collect();
    assert_eq!(ids, ["x", "y"]);
    assert!(kept.event_bridge_configuration().is_some());
    let rules = kept.queue_configurations()[0].filter().unwrap().key().unwrap().filter_rules();
    assert_eq!(rules[0].value(), Some("a/"));
}
