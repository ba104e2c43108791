//! Operations on topics.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::page::page;
use crate::query::{Form, QueryError, Xml};

use super::state::{State, Topic};
use super::{PAGE, Sns, invalid, not_found, required};

/// Attributes of a topic that can be set.
const ATTRIBUTES: [&str; 10] = [
    "ArchivePolicy",
    "ContentBasedDeduplication",
    "DataProtectionPolicy",
    "DeliveryPolicy",
    "DisplayName",
    "FifoThroughputScope",
    "KmsMasterKeyId",
    "Policy",
    "SignatureVersion",
    "TracingConfig",
];

impl Sns {
    pub(super) fn create_topic(&self, form: &Form) -> Result<Xml, QueryError> {
        let name = required(form, "Name")?;
        let mut attributes = form.map("Attributes.entry", "key", "value");
        check_name(name, &mut attributes)?;
        let tags = form.map("Tags.member", "Key", "Value");
        let is_fifo = name.ends_with(".fifo");
        let settable = attributes.iter().filter(|(name, _)| *name != "FifoTopic");
        settable.into_iter().try_for_each(|(name, value)| check_attribute(name, value, is_fifo))?;
        if let Some(policy) = form.get("DataProtectionPolicy").filter(|policy| !policy.is_empty()) {
            attributes.insert("DataProtectionPolicy".to_owned(), policy.to_owned());
        }
        let arn = self.account.arn("sns", name);
        self.change(|state| match state.topics.get(&arn) {
            Some(topic) => check_same(topic, &attributes, &tags),
            None => {
                let topic = Topic { attributes, tags, deleted_subscriptions: 0 };
                state.topics.insert(arn.clone(), topic);
                Ok(())
            }
        })?;
        let mut xml = Xml::default();
        xml.text("TopicArn", &arn);
        Ok(xml)
    }

    /// A topic that is not there counts as deleted.
    pub(super) fn delete_topic(&self, form: &Form) -> Result<Xml, QueryError> {
        let arn = required(form, "TopicArn")?;
        self.change(|state| {
            state.topics.remove(arn);
            state.subscriptions.retain(|_, subscription| subscription.topic != arn);
            Ok(())
        })?;
        Ok(Xml::default())
    }

    pub(super) fn get_topic_attributes(&self, form: &Form) -> Result<Xml, QueryError> {
        let arn = required(form, "TopicArn")?;
        let state = self.store.read();
        let topic = state.topics.get(arn).ok_or_else(|| not_found("Topic"))?;
        let mut xml = Xml::default();
        xml.map("Attributes", &self.attributes_of(arn, topic, &state));
        Ok(xml)
    }

    pub(super) fn set_topic_attributes(&self, form: &Form) -> Result<Xml, QueryError> {
        let arn = required(form, "TopicArn")?;
        let name = required(form, "AttributeName")?;
        let value = form.get("AttributeValue").unwrap_or_default();
        check_attribute(name, value, arn.ends_with(".fifo"))?;
        self.change(|state| {
            let topic = state.topics.get_mut(arn).ok_or_else(|| not_found("Topic"))?;
            match value {
                "" => topic.attributes.remove(name),
                value => topic.attributes.insert(name.to_owned(), value.to_owned()),
            };
            Ok(())
        })?;
        Ok(Xml::default())
    }

    pub(super) fn list_topics(&self, form: &Form) -> Xml {
        let after = form.get("NextToken").unwrap_or_default();
        let state = self.store.read();
        let arns = state.topics.keys().filter(|arn| arn.as_str() > after);
        let (arns, token) = page(arns, PAGE, |arn| (*arn).clone());
        let mut xml = Xml::default();
        xml.within("Topics", |xml| {
            for arn in arns {
                xml.within("member", |xml| {
                    xml.text("TopicArn", arn);
                });
            }
        });
        if let Some(token) = token {
            xml.text("NextToken", &token);
        }
        xml
    }

    fn attributes_of(&self, arn: &str, topic: &Topic, state: &State) -> BTreeMap<String, String> {
        let (confirmed, pending): (Vec<_>, Vec<_>) =
            state.subscriptions_of(arn).partition(|(_, subscription)| subscription.is_confirmed());
        let mut attributes = BTreeMap::from([
            ("DisplayName", String::new()),
            ("EffectiveDeliveryPolicy", delivery_policy()),
            ("Owner", self.account.id.clone()),
            ("Policy", default_policy(arn, &self.account.id)),
            ("SubscriptionsConfirmed", confirmed.len().to_string()),
            ("SubscriptionsDeleted", topic.deleted_subscriptions.to_string()),
            ("SubscriptionsPending", pending.len().to_string()),
            ("TopicArn", arn.to_owned()),
        ])
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect::<BTreeMap<_, _>>();
        if topic.is_fifo() {
            attributes.insert("ContentBasedDeduplication".to_owned(), "false".to_owned());
        }
        // That policy has an operation of its own.
        let set = topic.attributes.iter().filter(|(name, _)| *name != "DataProtectionPolicy");
        attributes.extend(set.map(|(name, value)| (name.clone(), value.clone())));
        attributes
    }
}

/// Checks the name of a topic, and that `FifoTopic` is true of those whose
/// name ends in `.fifo` and only of them. One that is false is left out.
fn check_name(name: &str, attributes: &mut BTreeMap<String, String>) -> Result<(), QueryError> {
    let fifo = match attributes.get("FifoTopic").map(String::as_str) {
        Some("true") => true,
        None | Some("false") => {
            attributes.remove("FifoTopic");
            false
        }
        Some(_) => return Err(invalid("FifoTopic", "it is true or false")),
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let stem = match (name.strip_suffix(".fifo"), fifo) {
        (Some(stem), true) => stem,
        (None, false) => name,
        (None, true) => {
            let reason = "Fifo Topic names must end with .fifo and must be made up of only \
                          uppercase and lowercase ASCII letters, numbers, underscores, and hyphens";
            return Err(invalid("Topic Name", reason));
        }
        (Some(_), false) => {
            let reason = "only FIFO topics (FifoTopic=true) have names that end with .fifo";
            return Err(invalid("Topic Name", reason));
        }
    };
    match (1..=256).contains(&name.len()) && !stem.is_empty() && stem.bytes().all(allowed) {
        true => Ok(()),
        false => {
            Err(invalid("Topic Name", "it is 1 to 256 letters, digits, hyphens and underscores"))
        }
    }
}

fn check_attribute(name: &str, value: &str, is_fifo: bool) -> Result<(), QueryError> {
    let feedback = name.ends_with("FeedbackRoleArn") || name.ends_with("FeedbackSampleRate");
    if !feedback && !ATTRIBUTES.contains(&name) {
        return Err(invalid("AttributeName", &format!("a topic has no attribute {name}")));
    }
    let is_json = || serde_json::from_str::<Value>(value).is_ok_and(|value| value.is_object());
    match name {
        "ContentBasedDeduplication" | "FifoThroughputScope" if !is_fifo => {
            Err(invalid("AttributeName", &format!("{name} is an attribute of FIFO topics")))
        }
        "ContentBasedDeduplication" if !matches!(value, "true" | "false") => {
            Err(invalid(name, "it is true or false"))
        }
        "FifoThroughputScope" if !matches!(value, "Topic" | "MessageGroup") => {
            Err(invalid(name, "it is Topic or MessageGroup"))
        }
        "DisplayName" if value.chars().count() > 100 => {
            Err(invalid(name, "it is at most 100 characters long"))
        }
        "ArchivePolicy" | "DeliveryPolicy" | "Policy" if !value.is_empty() && !is_json() => {
            Err(invalid(name, "it is not a JSON object"))
        }
        _ => Ok(()),
    }
}

/// A topic that is there may be created again only as it is.
fn check_same(
    topic: &Topic,
    attributes: &BTreeMap<String, String>,
    tags: &BTreeMap<String, String>,
) -> Result<(), QueryError> {
    if attributes.iter().any(|(name, value)| topic.attributes.get(name) != Some(value)) {
        return Err(invalid("Attributes", "Topic already exists with different attributes"));
    }
    if !tags.is_empty() && *tags != topic.tags {
        return Err(invalid("Tags", "Topic already exists with different tags"));
    }
    Ok(())
}

/// The policy of a topic that was given none.
pub(super) fn default_policy(arn: &str, account: &str) -> String {
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [
                "SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission",
                "SNS:RemovePermission", "SNS:DeleteTopic", "SNS:Subscribe",
                "SNS:ListSubscriptionsByTopic", "SNS:Publish",
            ],
            "Resource": arn,
            "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
        }],
    })
    .to_string()
}

fn delivery_policy() -> String {
    json!({
        "http": {
            "defaultHealthyRetryPolicy": {
                "minDelayTarget": 20,
                "maxDelayTarget": 20,
                "numRetries": 3,
                "numMaxDelayRetries": 0,
                "numNoDelayRetries": 0,
                "numMinDelayRetries": 0,
                "backoffFunction": "linear",
            },
            "disableSubscriptionOverrides": false,
            "defaultRequestPolicy": {"headerContentType": "text/plain; charset=UTF-8"},
        },
    })
    .to_string()
}
