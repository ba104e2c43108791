//! Operations on subscriptions.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::answer::random_id;
use crate::page::page;
use crate::pattern::{Dialect, Pattern};
use crate::query::{Form, QueryError, Xml};

use super::state::{State, Subscription};
use super::text::check_number;
use super::{PAGE, Sns, error, http, invalid, not_found, required};

/// What stands in for the ARN of a subscription that is not confirmed.
const PENDING: &str = "pending confirmation";

const PROTOCOLS: [&str; 9] =
    ["application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs"];

impl Sns {
    /// Subscribing twice the same way is subscribing once. An HTTP endpoint is
    /// asked for a confirmation, each time.
    pub(super) fn subscribe(&self, base: &str, form: &Form) -> Result<Xml, QueryError> {
        let topic = required(form, "TopicArn")?.to_owned();
        let protocol = required(form, "Protocol")?.to_owned();
        let endpoint = required(form, "Endpoint")?.to_owned();
        let mut attributes = form.map("Attributes.entry", "key", "value");
        attributes.retain(|name, value| !means_none(name, value));
        check_attributes(&attributes)?;
        check_endpoint(&topic, &protocol, &endpoint)?;
        let token = random_id().simple().to_string() + &random_id().simple().to_string();
        let (confirmed, token) = (false, Some(token));
        let subscription = Subscription { topic, protocol, endpoint, attributes, confirmed, token };
        let (arn, subscription) = self.change(|state| insert(state, subscription))?;
        let is_confirmed = subscription.is_confirmed();
        if !is_confirmed {
            self.ask("SubscriptionConfirmation", &arn, &subscription, base)?;
        }
        let shows_arn =
            is_confirmed || form.get("ReturnSubscriptionArn").is_some_and(|flag| flag == "true");
        let mut xml = Xml::default();
        xml.text("SubscriptionArn", if shows_arn { &arn } else { PENDING });
        Ok(xml)
    }

    /// A subscription that is not there counts as ended.
    pub(super) fn unsubscribe(&self, base: &str, form: &Form) -> Result<Xml, QueryError> {
        let arn = required(form, "SubscriptionArn")?;
        if !arn.starts_with("arn:") {
            let reason = "An ARN must have at least 6 elements, not 1";
            return Err(invalid("SubscriptionArn", reason));
        }
        let ended = self.change(|state| {
            let ended = state.subscriptions.remove(arn);
            let topic = ended.as_ref().and_then(|ended| state.topics.get_mut(&ended.topic));
            if let Some(topic) = topic {
                topic.deleted_subscriptions += 1;
            }
            Ok(ended)
        })?;
        if let Some(ended) = ended.filter(|ended| ended.confirmed) {
            self.ask("UnsubscribeConfirmation", arn, &ended, base)?;
        }
        Ok(Xml::default())
    }

    pub(super) fn get_subscription_attributes(&self, form: &Form) -> Result<Xml, QueryError> {
        let arn = required(form, "SubscriptionArn")?;
        let state = self.store.read();
        let subscription = state.subscriptions.get(arn).ok_or_else(|| not_found("Subscription"))?;
        let mut xml = Xml::default();
        xml.map("Attributes", &self.attributes_of_subscription(arn, subscription));
        Ok(xml)
    }

    pub(super) fn set_subscription_attributes(&self, form: &Form) -> Result<Xml, QueryError> {
        let arn = required(form, "SubscriptionArn")?;
        let name = required(form, "AttributeName")?;
        let value = form.get("AttributeValue").unwrap_or_default();
        self.change(|state| {
            let subscription =
                state.subscriptions.get_mut(arn).ok_or_else(|| not_found("Subscription"))?;
            let mut attributes = subscription.attributes.clone();
            attributes.insert(name.to_owned(), value.to_owned());
            attributes.retain(|name, value| !means_none(name, value));
            check_attribute(name, value)?;
            check_attributes(&attributes)?;
            subscription.attributes = attributes;
            Ok(())
        })?;
        Ok(Xml::default())
    }

    pub(super) fn list_subscriptions(&self, form: &Form) -> Xml {
        let state = self.store.read();
        self.list(form, state.subscriptions.iter())
    }

    pub(super) fn list_subscriptions_by_topic(&self, form: &Form) -> Result<Xml, QueryError> {
        let topic = required(form, "TopicArn")?;
        let state = self.store.read();
        if !state.topics.contains_key(topic) {
            return Err(not_found("Topic"));
        }
        Ok(self.list(form, state.subscriptions_of(topic)))
    }

    fn list<'a>(
        &self,
        form: &Form,
        subscriptions: impl Iterator<Item = (&'a String, &'a Subscription)>,
    ) -> Xml {
        let after = form.get("NextToken").unwrap_or_default();
        let rest = subscriptions.filter(|(arn, _)| arn.as_str() > after);
        let (shown, token) = page(rest, PAGE, |(arn, _)| (*arn).clone());
        let mut xml = Xml::default();
        xml.within("Subscriptions", |xml| {
            for (arn, subscription) in shown {
                xml.within("member", |xml| {
                    let arn = if subscription.is_confirmed() { arn } else { "PendingConfirmation" };
                    xml.text("SubscriptionArn", arn)
                        .text("Owner", &self.account.id)
                        .text("Protocol", &subscription.protocol)
                        .text("Endpoint", &subscription.endpoint)
                        .text("TopicArn", &subscription.topic);
                });
            }
        });
        if let Some(token) = token {
            xml.text("NextToken", &token);
        }
        xml
    }

    fn attributes_of_subscription(
        &self,
        arn: &str,
        subscription: &Subscription,
    ) -> BTreeMap<String, String> {
        let confirmed = subscription.is_confirmed();
        let owner = &self.account.id;
        let mut attributes = BTreeMap::from([
            ("ConfirmationWasAuthenticated", confirmed.to_string()),
            ("Endpoint", subscription.endpoint.clone()),
            ("Owner", owner.clone()),
            ("PendingConfirmation", (!confirmed).to_string()),
            ("Protocol", subscription.protocol.clone()),
            ("RawMessageDelivery", "false".to_owned()),
            ("SubscriptionArn", arn.to_owned()),
            ("SubscriptionPrincipal", format!("arn:aws:iam::{owner}:root")),
            ("TopicArn", subscription.topic.clone()),
        ]);
        if subscription.attributes.contains_key("FilterPolicy") {
            attributes.insert("FilterPolicyScope", "MessageAttributes".to_owned());
        }
        let set =
            subscription.attributes.iter().map(|(name, value)| (name.as_str(), value.clone()));
        attributes.extend(set);
        attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Adds a subscription unless it is there; answers it and its ARN.
fn insert(
    state: &mut State,
    subscription: Subscription,
) -> Result<(String, Subscription), QueryError> {
    if !state.topics.contains_key(&subscription.topic) {
        return Err(not_found("Topic"));
    }
    let same = state.subscriptions_of(&subscription.topic).find(|(_, other)| {
        (&other.protocol, &other.endpoint) == (&subscription.protocol, &subscription.endpoint)
    });
    match same {
        Some((arn, same))
            if same.attributes == subscription.attributes || subscription.attributes.is_empty() =>
        {
            Ok((arn.clone(), same.clone()))
        }
        Some(_) => {
            Err(invalid("Attributes", "Subscription already exists with different attributes"))
        }
        None => {
            let arn = format!("{}:{}", subscription.topic, random_id());
            state.subscriptions.insert(arn.clone(), subscription.clone());
            Ok((arn, subscription))
        }
    }
}

fn check_endpoint(topic: &str, protocol: &str, endpoint: &str) -> Result<(), QueryError> {
    if !PROTOCOLS.contains(&protocol) {
        return Err(invalid("Protocol", &format!("there is no protocol {protocol}")));
    }
    if topic.ends_with(".fifo") && protocol != "sqs" {
        return Err(invalid("Protocol", "FIFO topics have queues as subscribers"));
    }
    match protocol {
        "sqs" if !endpoint.starts_with("arn:aws:sqs:") => {
            Err(invalid("SQS endpoint ARN", "it is not the ARN of a queue"))
        }
        "sqs" if endpoint.ends_with(".fifo") && !topic.ends_with(".fifo") => {
            let reason = "FIFO SQS Queues can not be subscribed to standard SNS topics";
            Err(invalid("Invalid parameter: Endpoint", reason))
        }
        "http" | "https" => {
            http::check(protocol, endpoint).map_err(|reason| invalid("Endpoint", &reason))
        }
        "email" | "email-json" if !is_address(endpoint) => {
            Err(invalid("Email address", &format!("{endpoint} is none")))
        }
        "sms" => check_number(endpoint),
        _ => Ok(()),
    }
}

/// Something, an at sign and something, without spaces and line breaks.
fn is_address(endpoint: &str) -> bool {
    let printable = endpoint.chars().all(|c| !c.is_control() && !c.is_whitespace());
    let parts = endpoint.rsplit_once('@');
    printable && parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

/// Whether setting an attribute to this takes it away.
fn means_none(name: &str, value: &str) -> bool {
    value.is_empty() || (name == "FilterPolicy" && value.trim() == "{}")
}

fn check_attributes(attributes: &BTreeMap<String, String>) -> Result<(), QueryError> {
    attributes.iter().try_for_each(|(name, value)| check_attribute(name, value))?;
    let scope = attributes.get("FilterPolicyScope").map(String::as_str);
    let dialect = match scope {
        Some("MessageBody") => Dialect::MessageBody,
        _ => Dialect::MessageAttributes,
    };
    match attributes.get("FilterPolicy").map(|policy| Pattern::parse(policy, dialect)) {
        Some(Err(reason)) => {
            let message = format!("Invalid parameter: FilterPolicy: {reason}");
            Err(error("InvalidParameter", message))
        }
        Some(Ok(_)) | None => Ok(()),
    }
}

fn check_attribute(name: &str, value: &str) -> Result<(), QueryError> {
    match name {
        "FilterPolicyScope" if !matches!(value, "" | "MessageAttributes" | "MessageBody") => {
            Err(invalid("FilterPolicyScope", "it is MessageAttributes or MessageBody"))
        }
        "RawMessageDelivery" if !matches!(value, "true" | "false") => {
            Err(invalid("RawMessageDelivery", "it is true or false"))
        }
        "RedrivePolicy" if !value.is_empty() => check_redrive_policy(value),
        "DeliveryPolicy" if !value.is_empty() => match serde_json::from_str::<Value>(value) {
            Ok(Value::Object(_)) => Ok(()),
            Ok(_) | Err(_) => Err(invalid("DeliveryPolicy", "it is not a JSON object")),
        },
        "DeliveryPolicy"
        | "FilterPolicy"
        | "FilterPolicyScope"
        | "RawMessageDelivery"
        | "RedrivePolicy"
        | "ReplayPolicy"
        | "SubscriptionRoleArn" => Ok(()),
        _ => Err(invalid("AttributeName", &format!("a subscription has no attribute {name}"))),
    }
}

fn check_redrive_policy(policy: &str) -> Result<(), QueryError> {
    let refused = |reason: &str| {
        error("InvalidParameter", format!("Invalid parameter: RedrivePolicy: {reason}"))
    };
    let policy: Value =
        serde_json::from_str(policy).map_err(|_| refused("failed to parse JSON."))?;
    let queue = policy["deadLetterTargetArn"].as_str();
    match queue.is_some_and(|queue| queue.starts_with("arn:aws:sqs:")) {
        true => Ok(()),
        false => Err(refused("deadLetterTargetArn is not the ARN of a queue")),
    }
}
