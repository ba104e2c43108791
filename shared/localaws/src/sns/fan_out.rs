//! From a publication to what each subscriber is sent.

use serde_json::Value;
use tracing::error;

use crate::courier::Failure;
use crate::pattern::{Dialect, Pattern};
use crate::query::QueryError;
use crate::sqs::Delivery;

use super::carrier::{Load, LoadKind};
use super::envelope::{self, Postmark};
use super::fifo::Published;
use super::mail::Mail;
use super::publication::Publication;
use super::retry::Retries;
use super::state::{Protocol, State, Subscription};
use super::{Sns, http};

impl Sns {
    /// Sends a publication to the confirmed subscribers whose filter lets it
    /// through: to queues and into the mail folder now, to HTTP endpoints from
    /// the outbox.
    pub(super) fn fan_out(
        &self,
        state: &State,
        topic: &str,
        publication: &Publication,
        published: &Published,
        base: &str,
    ) -> Result<(), QueryError> {
        for (arn, subscription) in state.subscriptions_of(topic) {
            if !subscription.is_confirmed() || !lets_through(subscription, publication) {
                continue;
            }
            let postmark = Postmark {
                topic,
                subscription: arn,
                id: &published.id,
                sequence: published.sequence.as_deref(),
                at: self.clock.now(),
                base,
                region: &self.account.region,
            };
            self.send(state, subscription, publication, &postmark)?;
        }
        Ok(())
    }

    fn send(
        &self,
        state: &State,
        subscription: &Subscription,
        publication: &Publication,
        postmark: &Postmark<'_>,
    ) -> Result<(), QueryError> {
        let Some(message) = publication.message_for(&subscription.protocol) else { return Ok(()) };
        let wrapped = || envelope::wrap(publication, &message, postmark);
        let (id, subject) = (postmark.id, publication.subject.as_deref());
        let address = &subscription.endpoint;
        match subscription.kind() {
            Protocol::Queue => self
                .send_to_queue(subscription, queued(publication, message, subscription, postmark)),
            Protocol::Http => {
                let retries = Retries::of(state, subscription);
                let patience = retries.patience();
                let load =
                    http::notification(publication, message, subscription, postmark, retries);
                Ok(self.courier.post(load, patience)?)
            }
            Protocol::Email => {
                let unsubscribe = envelope::unsubscribe_url(postmark);
                let body = format!(
                    "{message}\n\n--\nTo get no more of these messages, open {unsubscribe}\n"
                );
                Ok(self.mail.email(&Mail { id, to: address, subject, body, at: postmark.at })?)
            }
            Protocol::EmailJson => {
                let body = wrapped();
                Ok(self.mail.email(&Mail { id, to: address, subject, body, at: postmark.at })?)
            }
            Protocol::Sms => Ok(self.mail.sms(id, address, &message, postmark.at)?),
            // Never confirmed, so nothing is sent.
            Protocol::Elsewhere => Ok(()),
        }
    }

    /// As on AWS the publisher does not learn that a subscriber's queue is
    /// gone: the message goes to the dead-letter queue, if there is one.
    fn send_to_queue(
        &self,
        subscription: &Subscription,
        delivery: Delivery,
    ) -> Result<(), QueryError> {
        let Err(reason) = self.sqs.deliver(&subscription.endpoint, delivery.clone()) else {
            return Ok(());
        };
        let failure = Failure::from(reason);
        if failure.may_pass {
            let kind = LoadKind::Queue { arn: subscription.endpoint.clone() };
            let dead_letters = subscription.dead_letter_queue();
            let load = Load::new(kind, delivery, dead_letters, Retries::for_queues());
            let patience = load.retries.patience();
            return Ok(self.courier.post(load, patience)?);
        }
        let Some(queue) = subscription.dead_letter_queue() else {
            error!(endpoint = subscription.endpoint, reason = failure.message, "a message is lost");
            return Ok(());
        };
        if let Err(refused) = self.sqs.deliver(&queue, delivery) {
            error!(queue, %refused, "a message is lost: its dead-letter queue refused it");
        }
        Ok(())
    }
}

/// What a queue is sent.
fn queued(
    publication: &Publication,
    message: String,
    subscription: &Subscription,
    postmark: &Postmark<'_>,
) -> Delivery {
    let (body, attributes) = match subscription.is_raw() {
        true => (message, publication.attributes.clone()),
        false => (envelope::wrap(publication, &message, postmark), Vec::new()),
    };
    // A standard queue takes a group, and no deduplication id.
    let is_fifo = subscription.endpoint.ends_with(".fifo");
    let deduplication_id = publication.deduplication_id.clone().filter(|_| is_fifo);
    Delivery { body, attributes, group_id: publication.group_id.clone(), deduplication_id }
}

/// Whether the subscriber's filter policy matches, if it has one.
fn lets_through(subscription: &Subscription, publication: &Publication) -> bool {
    let Some(policy) = subscription.attributes.get("FilterPolicy") else { return true };
    let (dialect, document): (_, Value) = match subscription.filters_message() {
        true => (Dialect::MessageBody, publication.message_document()),
        false => (Dialect::MessageAttributes, publication.attribute_document()),
    };
    Pattern::parse(policy, dialect).is_ok_and(|pattern| pattern.matches(&document))
}
