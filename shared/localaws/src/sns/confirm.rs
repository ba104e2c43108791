//! `ConfirmSubscription`, and what an HTTP endpoint is asked before and after.

use serde_json::json;

use crate::answer::random_id;
use crate::query::{Form, QueryError, Xml};

use super::envelope::{self, Postmark};
use super::retry::Retries;
use super::state::{Protocol, Subscription};
use super::{Sns, error, http, not_found, required};

impl Sns {
    /// Confirms the subscription that the token was sent to. Confirming twice
    /// is confirming once.
    pub(super) fn confirm_subscription(&self, form: &Form) -> Result<Xml, QueryError> {
        let topic = required(form, "TopicArn")?;
        let token = required(form, "Token")?;
        let arn = self.change(|state| {
            if !state.topics.contains_key(topic) {
                return Err(not_found("Topic"));
            }
            let mut subscriptions = state.subscriptions.iter_mut();
            let found = subscriptions.find(|(_, subscription)| {
                subscription.topic == topic && subscription.token.as_deref() == Some(token)
            });
            let wrong = || error("InvalidParameter", "Invalid parameter: Invalid token");
            let (arn, subscription) = found.ok_or_else(wrong)?;
            subscription.confirmed = true;
            Ok(arn.clone())
        })?;
        let mut xml = Xml::default();
        xml.text("SubscriptionArn", &arn);
        Ok(xml)
    }

    /// Asks an HTTP endpoint whether it wants to be subscribed, or tells it
    /// that it no longer is.
    pub(super) fn ask(
        &self,
        kind: &'static str,
        arn: &str,
        subscription: &Subscription,
        base: &str,
    ) -> Result<(), QueryError> {
        let (Protocol::Http, Some(token)) = (subscription.kind(), &subscription.token) else {
            return Ok(());
        };
        let id = random_id().to_string();
        let postmark = Postmark {
            topic: &subscription.topic,
            subscription: arn,
            id: &id,
            sequence: None,
            at: self.clock.now(),
            base,
            region: &self.account.region,
        };
        let message = match kind {
            "SubscriptionConfirmation" => format!(
                "You have chosen to subscribe to the topic {}.\nTo confirm the subscription, \
                 visit the SubscribeURL included in this message.",
                subscription.topic
            ),
            _ => format!(
                "You have chosen to deactivate subscription {arn}.\nTo cancel this operation and \
                 restore the subscription, visit the SubscribeURL included in this message."
            ),
        };
        let topic: String =
            form_urlencoded::byte_serialize(subscription.topic.as_bytes()).collect();
        let body = json!({
            "Type": kind,
            "MessageId": id,
            "Token": token,
            "TopicArn": subscription.topic,
            "Message": message,
            "SubscribeURL":
                format!("{base}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}"),
            "Timestamp": envelope::timestamp(postmark.at),
            "SignatureVersion": "1",
            "Signature": envelope::SIGNATURE,
            "SigningCertURL": envelope::certificate_url(&self.account.region),
        });
        let body = format!("{body:#}");
        let retries = Retries::of(&self.store.read(), subscription);
        let patience = retries.patience();
        let load = http::confirmation(kind, body, subscription, &postmark, retries);
        Ok(self.courier.post(load, patience)?)
    }
}
