//! Operations on subscriptions.

use std::collections::BTreeMap;

use crate::answer::random_id;
use crate::page::page;
use crate::pattern::{Dialect, Pattern};
use crate::query::{Form, QueryError, Xml};

use super::state::{State, Subscription};
use super::{PAGE, Sns, invalid, not_found, required};

/// What stands in for the ARN of a subscription that is not confirmed.
const PENDING: &str = "pending confirmation";

const PROTOCOLS: [&str; 9] =
    ["application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs"];

impl Sns {
    /// Subscribing twice the same way is subscribing once.
    pub(super) fn subscribe(&self, form: &Form) -> Result<Xml, QueryError> {
        let topic = required(form, "TopicArn")?.to_owned();
        let protocol = required(form, "Protocol")?.to_owned();
        let endpoint = required(form, "Endpoint")?.to_owned();
        let attributes = form.map("Attributes.entry", "key", "value");
        attributes.iter().try_for_each(|(name, value)| check_attribute(name, value))?;
        self.check_endpoint(&protocol, &endpoint)?;
        let subscription = Subscription { topic, protocol, endpoint, attributes };
        let shows_arn = subscription.is_confirmed()
            || form.get("ReturnSubscriptionArn").is_some_and(|flag| flag == "true");
        let arn = self.change(|state| insert(state, subscription))?;
        let mut xml = Xml::default();
        xml.text("SubscriptionArn", if shows_arn { &arn } else { PENDING });
        Ok(xml)
    }

    /// A subscription that is not there counts as ended.
    pub(super) fn unsubscribe(&self, form: &Form) -> Result<Xml, QueryError> {
        let arn = required(form, "SubscriptionArn")?;
        self.change(|state| {
            let Some(subscription) = state.subscriptions.remove(arn) else { return Ok(()) };
            if let Some(topic) = state.topics.get_mut(&subscription.topic) {
                topic.deleted_subscriptions += 1;
            }
            Ok(())
        })?;
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
        check_attribute(name, value)?;
        self.change(|state| {
            let subscription =
                state.subscriptions.get_mut(arn).ok_or_else(|| not_found("Subscription"))?;
            match value {
                "" => subscription.attributes.remove(name),
                _ => subscription.attributes.insert(name.to_owned(), value.to_owned()),
            };
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

    fn check_endpoint(&self, protocol: &str, endpoint: &str) -> Result<(), QueryError> {
        if !PROTOCOLS.contains(&protocol) {
            return Err(invalid("Protocol", &format!("there is no protocol {protocol}")));
        }
        if protocol == "sqs" && !endpoint.starts_with("arn:aws:sqs:") {
            return Err(invalid("SQS endpoint ARN", "it is not the ARN of a queue"));
        }
        Ok(())
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

/// Adds a subscription unless it is there; answers its ARN.
fn insert(state: &mut State, subscription: Subscription) -> Result<String, QueryError> {
    if !state.topics.contains_key(&subscription.topic) {
        return Err(not_found("Topic"));
    }
    let same = state.subscriptions_of(&subscription.topic).find(|(_, other)| {
        (&other.protocol, &other.endpoint) == (&subscription.protocol, &subscription.endpoint)
    });
    match same {
        Some((arn, same)) if same.attributes == subscription.attributes => Ok(arn.clone()),
        Some(_) => {
            Err(invalid("Attributes", "Subscription already exists with different attributes"))
        }
        None => {
            let arn = format!("{}:{}", subscription.topic, random_id());
            state.subscriptions.insert(arn.clone(), subscription);
            Ok(arn)
        }
    }
}

fn check_attribute(name: &str, value: &str) -> Result<(), QueryError> {
    match name {
        "FilterPolicy" if !value.is_empty() => match Pattern::parse(value, Dialect::MessageBody) {
            Ok(_) => Ok(()),
            Err(reason) => Err(invalid("FilterPolicy", &reason.to_string())),
        },
        "FilterPolicyScope" if !matches!(value, "" | "MessageAttributes" | "MessageBody") => {
            Err(invalid("FilterPolicyScope", "it is MessageAttributes or MessageBody"))
        }
        "RawMessageDelivery" if !matches!(value, "true" | "false") => {
            Err(invalid("RawMessageDelivery", "it is true or false"))
        }
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
