//! Takes what services send to the queues, topics and buses of this endpoint.

use std::sync::Arc;

use async_trait::async_trait;

use crate::events::EventBridge;
use crate::faults::{Faults, Handover};
use crate::sink::{BusEvent, EventSink, Parcel, SinkError};
use crate::sns::{Publication, Sns};
use crate::sqs::{Delivery, Sqs};

/// What other services can send to.
#[derive(Debug, Clone)]
pub(crate) struct Deliveries {
    /// Who sends, as faults name it.
    pub(crate) from: &'static str,
    /// What goes wrong on the way.
    pub(crate) faults: Faults,
    /// Queues.
    pub(crate) sqs: Arc<Sqs>,
    /// Topics.
    pub(crate) sns: Arc<Sns>,
    /// Buses.
    pub(crate) events: Arc<EventBridge>,
    /// Base of this endpoint's URLs.
    pub(crate) url: String,
}

#[async_trait]
impl EventSink for Deliveries {
    async fn exists(&self, arn: &str) -> bool {
        self.sqs.has_queue(arn) || self.sns.has_topic(arn) || self.events.has_bus(arn)
    }

    async fn deliver(&self, arn: &str, parcel: Parcel) -> Result<(), SinkError> {
        match self.faults.on_delivery(self.from, arn) {
            Handover::Never => Ok(()),
            Handover::Once => self.hand_over(arn, parcel),
            Handover::Twice => {
                self.hand_over(arn, parcel.clone())?;
                self.hand_over(arn, parcel)
            }
        }
    }

    async fn put_event(&self, event: BusEvent) -> Result<(), SinkError> {
        match self.faults.on_delivery(self.from, "default") {
            Handover::Never => Ok(()),
            Handover::Once => self.events.put(event).await,
            Handover::Twice => {
                self.events.put(event.clone()).await?;
                self.events.put(event).await
            }
        }
    }
}

impl Deliveries {
    fn hand_over(&self, arn: &str, parcel: Parcel) -> Result<(), SinkError> {
        let refused = |reason: String| SinkError::Refused { arn: arn.to_owned(), reason };
        if self.sqs.has_queue(arn) {
            let Parcel { body, group_id, deduplication_id, .. } = parcel;
            let delivery = Delivery { body, attributes: Vec::new(), group_id, deduplication_id };
            return self.sqs.deliver(arn, delivery).map_err(|error| refused(error.message));
        }
        if self.sns.has_topic(arn) {
            let Parcel { body, subject, group_id, deduplication_id } = parcel;
            let publication =
                Publication { subject, group_id, deduplication_id, ..Publication::plain(body) };
            let published = self.sns.publish_to(arn, publication, &self.url);
            return published.map(drop).map_err(|error| refused(error.message));
        }
        Err(SinkError::NotFound(arn.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::{Value, json};
    use tempfile::TempDir;

    use super::*;
    use crate::arn::Account;
    use crate::background::Background;
    use crate::clock::Clock;

    use crate::FaultPlan;

    const URL: &str = "http://127.0.0.1:1";

    fn deliveries(dir: &TempDir) -> Deliveries {
        let account = Account { id: "000000000000".into(), region: "us-east-1".into() };
        let (account, clock) = (Arc::new(account), Clock::system());
        let background = Background::default();
        let folder = |name: &str| dir.path().join(name);
        let beside = || (Arc::clone(&account), clock.clone());
        let (owner, time) = beside();
        let sqs = Arc::new(Sqs::open(folder("sqs"), owner, time, background.clone()).unwrap());
        let (owner, time) = beside();
        let sns =
            Sns::open(folder("sns"), owner, time, &background, Arc::clone(&sqs), folder("outbox"));
        let sns = Arc::new(sns.unwrap());
        let (owner, time) = beside();
        let targets = (Arc::clone(&sqs), Arc::clone(&sns));
        let events =
            EventBridge::open(folder("events"), owner, time, background, targets, URL.into());
        let (events, faults) =
            (Arc::new(events.unwrap()), Faults::new(FaultPlan::default(), clock));
        Deliveries { from: "s3", faults, sqs, sns, events, url: URL.into() }
    }

    async fn call(deliveries: &Deliveries, operation: &str, parameters: Value) -> Value {
        let body = parameters.to_string();
        let answer = match operation {
            "PutRule" | "PutTargets" => deliveries.events.call(operation, body.as_bytes()).await,
            _ => deliveries.sqs.call(operation, URL, body.as_bytes()).await,
        };
        assert!(answer.status().is_success(), "{operation}");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&body).unwrap()
    }

    #[tokio::test]
    async fn an_event_of_a_service_reaches_the_targets_of_rules_on_the_default_bus() {
        let dir = TempDir::new().unwrap();
        let deliveries = deliveries(&dir);
        let queue = "arn:aws:sqs:us-east-1:000000000000:q";
        call(&deliveries, "CreateQueue", json!({"QueueName": "q"})).await;
        let pattern = json!({"source": ["aws.s3"], "detail": {"bucket": {"name": ["landing"]}}});
        let rule = json!({"Name": "r", "EventPattern": pattern.to_string()});
        call(&deliveries, "PutRule", rule).await;
        let targets = json!({"Rule": "r", "Targets": [{"Id": "1", "Arn": queue}]});
        call(&deliveries, "PutTargets", targets).await;
        for bucket in ["landing", "other"] {
            let event = BusEvent {
                source: "aws.s3".into(),
                detail_type: "Object Created".into(),
                resources: vec![format!("arn:aws:s3:::{bucket}")],
                at: 1_700_000_000_000,
                detail: json!({"bucket": {"name": bucket}}),
            };
            deliveries.put_event(event).await.unwrap();
        }
        let ask = json!({"QueueUrl": format!("{URL}/000000000000/q"), "MaxNumberOfMessages": 10});
        let received = call(&deliveries, "ReceiveMessage", ask).await;
        let messages = received["Messages"].as_array().unwrap();
        assert_eq!(messages.len(), 1);
        let event: Value = serde_json::from_str(messages[0]["Body"].as_str().unwrap()).unwrap();
        assert_eq!(event["detail-type"], "Object Created");
        assert_eq!(event["time"], "2023-11-14T22:13:20Z");
        assert_eq!(event["resources"], json!(["arn:aws:s3:::landing"]));
    }

    #[tokio::test]
    async fn what_is_not_there_takes_nothing() {
        let dir = TempDir::new().unwrap();
        let deliveries = deliveries(&dir);
        assert!(deliveries.exists("arn:aws:events:us-east-1:000000000000:event-bus/default").await);
        let none = "arn:aws:sqs:us-east-1:000000000000:none";
        assert!(!deliveries.exists(none).await);
        let refused = deliveries.deliver(none, Parcel::plain("x".into())).await;
        assert_eq!(refused, Err(SinkError::NotFound(none.to_owned())));
    }
}
