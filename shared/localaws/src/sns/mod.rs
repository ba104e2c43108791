//! SNS: topics, standard and FIFO, by the AWS Query protocol.
//!
//! A publish is answered when every queue has stored its message and every
//! email and text message is a file in the mail folder. HTTP endpoints are told
//! from the outbox, as often as their delivery policy says. Email addresses and
//! phone numbers count as confirmed when they are subscribed. Subscribers of
//! other kinds (Lambda, Firehose, mobile apps) are kept, shown as not confirmed
//! and told nothing.

mod attributes;
mod carrier;
mod confirm;
mod envelope;
mod fan_out;
mod fifo;
mod http;
mod mail;
mod permissions;
mod publication;
mod publish;
mod retry;
mod state;
mod subscriptions;
mod tags;
mod text;
mod topics;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use hyper::Response;
use s3s::Body;

use crate::arn::Account;
use crate::background::Background;
use crate::clock::Clock;
use crate::courier::Courier;
use crate::kept::Kept;
use crate::query::{self, Form, Namespace, QueryError, Xml};
use crate::sqs::Sqs;

use self::carrier::ToSubscribers;
use self::fifo::Fifo;
use self::mail::MailFolder;
use self::state::State;

pub(crate) use self::publication::Publication;

/// Results on a page.
const PAGE: usize = 100;

/// The topics of one endpoint.
#[derive(Debug)]
pub(crate) struct Sns {
    account: Arc<Account>,
    clock: Clock,
    sqs: Arc<Sqs>,
    store: Kept<State>,
    courier: Arc<Courier<ToSubscribers>>,
    mail: MailFolder,
    fifo: Mutex<Fifo>,
}

impl Sns {
    /// Opens the topics kept in `dir`. Emails and text messages go into folders
    /// in `outbox`.
    pub(crate) fn open(
        dir: PathBuf,
        account: Arc<Account>,
        clock: Clock,
        background: &Background,
        sqs: Arc<Sqs>,
        outbox: PathBuf,
    ) -> io::Result<Self> {
        let carrier = ToSubscribers { sqs: Arc::clone(&sqs) };
        let courier = Courier::open(&dir.join("outbox.log"), carrier, clock.clone(), background)?;
        let store = Kept::open(dir, "topics.json")?;
        let (mail, fifo) = (MailFolder::new(outbox), Mutex::default());
        Ok(Self { account, clock, sqs, store, courier, mail, fifo })
    }

    /// Whether there is such an operation.
    pub(crate) fn has(operation: &str) -> bool {
        matches!(
            operation,
            "AddPermission"
                | "ConfirmSubscription"
                | "CreateTopic"
                | "DeleteTopic"
                | "GetDataProtectionPolicy"
                | "GetSubscriptionAttributes"
                | "GetTopicAttributes"
                | "ListSubscriptions"
                | "ListSubscriptionsByTopic"
                | "ListTagsForResource"
                | "ListTopics"
                | "Publish"
                | "PublishBatch"
                | "PutDataProtectionPolicy"
                | "RemovePermission"
                | "SetSubscriptionAttributes"
                | "SetTopicAttributes"
                | "Subscribe"
                | "TagResource"
                | "Unsubscribe"
                | "UntagResource"
        )
    }

    /// Answers one request.
    pub(crate) fn call(&self, base: &str, form: &Form) -> Response<Body> {
        let action = form.action();
        match self.answer(action, base, form) {
            Ok(xml) => query::accept(Namespace::SNS, action, &xml),
            Err(error) => query::refuse(&error),
        }
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut State) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        self.store.change(change)
    }

    fn answer(&self, action: &str, base: &str, form: &Form) -> Result<Xml, QueryError> {
        match action {
            "CreateTopic" => self.create_topic(form),
            "DeleteTopic" => self.delete_topic(form),
            "GetTopicAttributes" => self.get_topic_attributes(form),
            "SetTopicAttributes" => self.set_topic_attributes(form),
            "ListTopics" => Ok(self.list_topics(form)),
            "AddPermission" => self.add_permission(form),
            "RemovePermission" => self.remove_permission(form),
            "GetDataProtectionPolicy" => self.get_data_protection_policy(form),
            "PutDataProtectionPolicy" => self.put_data_protection_policy(form),
            "Subscribe" => self.subscribe(base, form),
            "ConfirmSubscription" => self.confirm_subscription(form),
            "Unsubscribe" => self.unsubscribe(base, form),
            "GetSubscriptionAttributes" => self.get_subscription_attributes(form),
            "SetSubscriptionAttributes" => self.set_subscription_attributes(form),
            "ListSubscriptions" => Ok(self.list_subscriptions(form)),
            "ListSubscriptionsByTopic" => self.list_subscriptions_by_topic(form),
            "Publish" => self.publish(base, form),
            "PublishBatch" => self.publish_batch(base, form),
            "TagResource" => self.tag_resource(form),
            "UntagResource" => self.untag_resource(form),
            "ListTagsForResource" => self.list_tags_for_resource(form),
            _ => {
                Err(error("InvalidAction", format!("This endpoint has no SNS operation {action}.")))
            }
        }
    }

    /// Whether there is a topic of this ARN.
    pub(crate) fn has_topic(&self, arn: &str) -> bool {
        self.store.read().topics.contains_key(arn)
    }
}

/// An error that is the caller's fault.
fn error(code: &'static str, message: impl Into<String>) -> QueryError {
    QueryError::new(Namespace::SNS, 400, code, message)
}

/// `Invalid parameter: <parameter> Reason: <reason>`
fn invalid(parameter: &str, reason: &str) -> QueryError {
    error("InvalidParameter", format!("Invalid parameter: {parameter} Reason: {reason}"))
}

/// There is no such topic or subscription.
fn not_found(what: &str) -> QueryError {
    QueryError::new(Namespace::SNS, 404, "NotFound", format!("{what} does not exist"))
}

/// A parameter that must be there.
fn required<'a>(form: &'a Form, name: &str) -> Result<&'a str, QueryError> {
    let value = form.get(name).filter(|value| !value.is_empty());
    value.ok_or_else(|| invalid(name, "it is missing"))
}

impl From<io::Error> for QueryError {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "can't write to the data folder");
        let message = format!("can't write to the data folder: {error}");
        Self::new(Namespace::SNS, 500, "InternalError", message)
    }
}
