//! The SNS adapter: publishing, and for a stack on one machine the topic itself.

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::Builder;
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::types::MessageAttributeValue;
use millrace_retry::RequestError;
use tokio::sync::OnceCell;

use crate::probe::unless_invalid;
use crate::{Message, Topic};

const PUBLISH: &str = "sns:Publish";
const CREATE: &str = "sns:CreateTopic";
const SUBSCRIBE: &str = "sns:Subscribe";
const LOOK: &str = "sns:GetTopicAttributes";

/// How long a request may take, retries included: nobody waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// SNS, reached as the SDK configuration says.
#[derive(Debug, Clone)]
pub struct Sns {
    client: Client,
}

impl Sns {
    /// Uses `config`'s credentials, region, endpoint and retries.
    pub fn new(config: &SdkConfig) -> Self {
        let timeouts = TimeoutConfig::builder().operation_timeout(PATIENCE).build();
        let config = Builder::from(config).timeout_config(timeouts).build();
        Self { client: Client::from_conf(config) }
    }

    /// The ARN of a topic, which is created if it is not there. ("CreateTopic" in
    /// the Amazon SNS API Reference: of a topic that exists it gives the ARN.)
    ///
    /// # Errors
    /// [`RequestError`] if the service refuses.
    pub async fn ensure_topic(&self, name: &str) -> Result<String, RequestError> {
        let created = self.client.create_topic().name(name).send().await;
        let created = created.map_err(|error| fault(CREATE, name, &error))?;
        Ok(created.topic_arn.unwrap_or_default())
    }

    /// Subscribes to a topic. Again changes nothing.
    ///
    /// # Errors
    /// [`RequestError`] if the service refuses.
    pub async fn subscribe(
        &self,
        topic: &str,
        protocol: &str,
        endpoint: &str,
    ) -> Result<(), RequestError> {
        let request = self.client.subscribe().topic_arn(topic).protocol(protocol);
        let sent = request.endpoint(endpoint).send().await;
        sent.map_err(|error| fault(SUBSCRIBE, topic, &error)).map(drop)
    }

    /// A topic by its ARN, or else by its name: then its ARN is asked for when it is
    /// needed, which takes `sns:CreateTopic`.
    pub fn topic(&self, arn: Option<String>, name: &str) -> SnsTopic {
        let arn = OnceCell::new_with(arn);
        SnsTopic { sns: self.clone(), name: name.to_owned(), arn }
    }
}

/// One topic.
#[derive(Debug)]
pub struct SnsTopic {
    sns: Sns,
    name: String,
    arn: OnceCell<String>,
}

/// How many hear of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscribers {
    /// Those that get its messages.
    pub confirmed: u64,
    /// Those that were asked whether they want them, and did not answer yet.
    pub pending: u64,
}

impl SnsTopic {
    async fn arn(&self) -> Result<&str, RequestError> {
        let arn = self.arn.get_or_try_init(|| self.sns.ensure_topic(&self.name)).await?;
        Ok(arn)
    }

    /// Whether alerts may be published, found out by an empty message: nobody gets
    /// it, since SNS refuses it of those who may publish, too ("Publish" in the
    /// Amazon SNS API Reference: `InvalidParameter`).
    ///
    /// # Errors
    /// [`RequestError`], unless what is refused is the message.
    pub async fn may_publish(&self) -> Result<(), RequestError> {
        let arn = self.arn().await?;
        let answer = self.sns.client.publish().topic_arn(arn).message("").send().await;
        unless_invalid(answer.map(drop).map_err(|error| fault(PUBLISH, arn, &error)))
    }

    /// Who hears of it.
    ///
    /// # Errors
    /// [`RequestError`]; workers need not be allowed to ask.
    pub async fn subscribers(&self) -> Result<Subscribers, RequestError> {
        let arn = self.arn().await?;
        let answer = self.sns.client.get_topic_attributes().topic_arn(arn).send().await;
        let answer = answer.map_err(|error| fault(LOOK, arn, &error))?;
        let attributes = answer.attributes.unwrap_or_default();
        let count = |name: &str| attributes.get(name).and_then(|count| count.parse().ok());
        Ok(Subscribers {
            confirmed: count("SubscriptionsConfirmed").unwrap_or_default(),
            pending: count("SubscriptionsPending").unwrap_or_default(),
        })
    }
}

#[async_trait]
impl Topic for SnsTopic {
    async fn publish(&self, message: &Message) -> Result<(), RequestError> {
        let arn = self.arn().await?;
        let mut request = self.sns.client.publish().topic_arn(arn).subject(&message.subject);
        request = request.message(message.by_protocol()).message_structure("json");
        for (name, value) in &message.attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value);
            // The data type is there, so there is nothing to refuse.
            if let Ok(value) = value.build() {
                request = request.message_attributes(*name, value);
            }
        }
        request.send().await.map_err(|error| fault(PUBLISH, arn, &error)).map(drop)
    }
}

fn fault<E>(action: &'static str, topic: &str, error: &SdkError<E>) -> RequestError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    RequestError::of(action, &format!("topic `{topic}`"), error)
}
