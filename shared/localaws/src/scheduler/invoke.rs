//! The operations that targets stand for.

use http_body_util::BodyExt;
use hyper::Response;
use s3s::Body;
use serde::Deserialize;
use serde_json::Value;

use crate::courier::Failure;
use crate::sink::{BusEvent, SinkError};
use crate::sns::Publication;
use crate::sqs::Delivery;

use super::carrier::{Load, ToTargets};

/// What universal targets begin with.
const UNIVERSAL: &str = "arn:aws:scheduler:::aws-sdk:";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Publish {
    #[serde(alias = "TargetArn")]
    topic_arn: String,
    message: String,
    subject: Option<String>,
}

impl ToTargets {
    /// Invokes the target of a firing with `input`.
    pub(super) async fn invoke(&self, load: &Load, input: String) -> Result<(), Failure> {
        let arn = &load.target.arn;
        if let Some(action) = arn.strip_prefix(UNIVERSAL) {
            return self.call(action, &input).await;
        }
        if self.account.name_in("sqs", arn).is_some() {
            let group_id = load.target.sqs_parameters.as_ref();
            let delivery = Delivery {
                body: input,
                attributes: Vec::new(),
                group_id: group_id.and_then(|sqs| sqs.message_group_id.clone()),
                deduplication_id: None,
            };
            return Ok(self.targets.sqs.deliver(arn, delivery)?);
        }
        if self.account.name_in("sns", arn).is_some() {
            return self.publish(arn, Publication::plain(input));
        }
        if self.account.name_in("events", arn).is_some() {
            return self.put_event(load, &input).await;
        }
        Err(unknown(arn))
    }

    fn publish(&self, topic: &str, publication: Publication) -> Result<(), Failure> {
        Ok(self.targets.sns.publish_to(topic, publication, &self.targets.url).map(drop)?)
    }

    async fn put_event(&self, load: &Load, input: &str) -> Result<(), Failure> {
        let Some(parameters) = &load.target.event_bridge_parameters else {
            return Err(unknown(&load.target.arn));
        };
        let detail = match load.target.input {
            Some(_) => serde_json::from_str(input).unwrap_or_default(),
            None => Value::Object(serde_json::Map::new()),
        };
        let event = BusEvent {
            source: parameters.source.clone(),
            detail_type: parameters.detail_type.clone(),
            resources: vec![load.schedule.clone()],
            at: load.scheduled_at,
            detail,
        };
        let put = self.targets.events.put_to_arn(&load.target.arn, event).await;
        put.map_err(|error| match error {
            SinkError::NotFound(_) => {
                Failure::permanent("ResourceNotFoundException", error.to_string())
            }
            SinkError::Refused { .. } => Failure::passing("InternalException", error.to_string()),
        })
    }

    /// Calls an operation by its name in the SDKs.
    async fn call(&self, action: &str, input: &str) -> Result<(), Failure> {
        let Self { targets, .. } = self;
        match action {
            "sqs:sendMessage" => {
                let url = &targets.url;
                accepted(targets.sqs.call("SendMessage", url, input.as_bytes()).await).await
            }
            "eventbridge:putEvents" => {
                accepted(targets.events.call("PutEvents", input.as_bytes()).await).await
            }
            "sns:publish" => {
                let Publish { topic_arn, message, subject } = serde_json::from_str(input)
                    .map_err(|error| Failure::permanent("ValidationError", error.to_string()))?;
                self.publish(&topic_arn, Publication { subject, ..Publication::plain(message) })
            }
            _ => Err(unknown(&format!("{UNIVERSAL}{action}"))),
        }
    }
}

/// Whether an answer is a success.
async fn accepted(answer: Response<Body>) -> Result<(), Failure> {
    let (head, body) = answer.into_parts();
    if head.status.is_success() {
        return Ok(());
    }
    let code = head.headers.get("x-amzn-query-error").and_then(|code| code.to_str().ok());
    let code = code.and_then(|code| code.split(';').next()).unwrap_or("InternalFailure").to_owned();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = message["message"].as_str().unwrap_or_default().to_owned();
    Err(Failure { code, message, may_pass: head.status.is_server_error() })
}

fn unknown(target: &str) -> Failure {
    let message = format!("this endpoint can't invoke {target}");
    Failure::permanent("UnsupportedTarget", message)
}
