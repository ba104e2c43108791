//! EventBridge: buses, rules and their targets, by the AWS JSON 1.1 protocol.
//!
//! ```text
//! PutEvents, services, schedules → event → rules that match → input → courier
//!                                                               queues, topics, buses
//! ```
//!
//! `PutEvents` is answered when each queue and topic has stored what it is
//! sent, or it is in the outbox and tried again. Targets of other services are
//! kept; what they would be sent goes to their dead-letter queue. There are no
//! archives, replays, pipes, connections and API destinations.

mod buses;
mod carrier;
mod event;
mod names;
mod permissions;
mod put;
mod route;
mod rules;
mod schedules;
mod state;
mod tags;
mod targets;
mod test_pattern;
mod transform;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use hyper::Response;
use s3s::Body;
use tokio::sync::Notify;

use crate::answer;
use crate::arn::Account;
use crate::background::Background;
use crate::clock::Clock;
use crate::courier::Courier;
use crate::firing;
use crate::kept::Kept;
use crate::service::{self, ServiceError};
use crate::sink::{BusEvent, SinkError};
use crate::sns::Sns;
use crate::sqs::Sqs;

use self::carrier::ToTargets;
use self::event::{Event, Facts};
use self::schedules::Marks;
use self::state::{DEFAULT_BUS, State};

/// The event buses of one endpoint.
#[derive(Debug)]
pub(crate) struct EventBridge(Arc<Core>);

/// What requests, rules that fire and deliveries share.
struct Core {
    account: Arc<Account>,
    clock: Clock,
    kept: Kept<State>,
    /// Up to when each schedule has fired.
    marks: Kept<Marks>,
    courier: Arc<Courier<ToTargets>>,
    /// A schedule came, went or changed.
    rescheduled: Notify,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBridge").field("account", &self.account).finish_non_exhaustive()
    }
}

impl EventBridge {
    /// Opens the buses kept in `dir`. `url` is the base of this endpoint's
    /// URLs.
    pub(crate) fn open(
        dir: PathBuf,
        account: Arc<Account>,
        clock: Clock,
        background: Background,
        (sqs, sns): (Arc<Sqs>, Arc<Sns>),
        url: String,
    ) -> io::Result<Self> {
        let carrier = ToTargets { account: Arc::clone(&account), sqs, sns, url };
        let courier = Courier::open(&dir.join("outbox.log"), carrier, clock.clone(), &background)?;
        let marks = Kept::open(dir.clone(), "fired.json")?;
        let kept: Kept<State> = Kept::open(dir, "buses.json")?;
        kept.change(|state| {
            state.add_default(clock.now());
            Ok::<_, io::Error>(())
        })?;
        let rescheduled = Notify::new();
        let core = Arc::new(Core { account, clock, kept, marks, courier, rescheduled });
        let firing = Arc::clone(&core);
        background.spawn_until_stop(async move {
            firing.catch_up().await;
            firing::run(&*firing, &firing.clock, &firing.rescheduled).await;
        });
        Ok(Self(core))
    }

    /// Whether there is a bus of this ARN.
    pub(crate) fn has_bus(&self, arn: &str) -> bool {
        self.0.bus_of_arn(arn).is_some_and(|name| self.0.kept.read().buses.contains_key(name))
    }

    /// Takes an event of an AWS service to the default bus.
    pub(crate) async fn put(&self, event: BusEvent) -> Result<(), SinkError> {
        self.put_to(DEFAULT_BUS, event).await
    }

    /// Takes an event to the bus of this ARN.
    pub(crate) async fn put_to_arn(&self, arn: &str, event: BusEvent) -> Result<(), SinkError> {
        let name = self.0.bus_of_arn(arn).filter(|_| self.has_bus(arn));
        let name = name.ok_or_else(|| SinkError::NotFound(arn.to_owned()))?;
        self.put_to(name, event).await
    }

    async fn put_to(&self, bus: &str, event: BusEvent) -> Result<(), SinkError> {
        let facts = Facts {
            source: event.source,
            detail_type: event.detail_type,
            resources: event.resources,
            at: event.at,
            detail: event.detail.to_string(),
        };
        let refused = |reason: String| SinkError::Refused { arn: self.0.bus_arn(bus), reason };
        let event = Event::new(facts, &self.0.account, self.0.clock.now());
        let event = event.map_err(|error| refused(error.to_string()))?;
        self.0.dispatch(bus, &event).await.map_err(|error| refused(error.to_string()))
    }

    /// Answers one request.
    pub(crate) async fn call(&self, operation: &str, body: &[u8]) -> Response<Body> {
        match self.0.answer(operation, body).await {
            Ok(json) => answer::json_1_1(json),
            Err(error) => error.refuse(),
        }
    }
}

impl Core {
    async fn answer(&self, operation: &str, body: &[u8]) -> Result<Bytes, ServiceError> {
        use service::{read, write};
        match operation {
            "PutEvents" => write(&self.put_events(read(body)?).await?),
            "CreateEventBus" => write(&self.create_event_bus(read(body)?)?),
            "UpdateEventBus" => write(&self.update_event_bus(read(body)?)?),
            "DeleteEventBus" => empty(self.delete_event_bus(&read(body)?)),
            "DescribeEventBus" => write(&self.describe_event_bus(&read(body)?)?),
            "ListEventBuses" => write(&self.list_event_buses(&read(body)?)?),
            "PutRule" => write(&self.put_rule(read(body)?)?),
            "DeleteRule" => empty(self.delete_rule(&read(body)?)),
            "DescribeRule" => write(&self.describe_rule(&read(body)?)?),
            "ListRules" => write(&self.list_rules(&read(body)?)?),
            "EnableRule" => empty(self.enable_rule(&read(body)?)),
            "DisableRule" => empty(self.disable_rule(&read(body)?)),
            "PutTargets" => write(&self.put_targets(read(body)?)?),
            "RemoveTargets" => write(&self.remove_targets(&read(body)?)?),
            "ListTargetsByRule" => write(&self.list_targets_by_rule(&read(body)?)?),
            "ListRuleNamesByTarget" => write(&self.list_rule_names_by_target(&read(body)?)?),
            "PutPermission" => empty(self.put_permission(&read(body)?)),
            "RemovePermission" => empty(self.remove_permission(&read(body)?)),
            "TestEventPattern" => write(&test_pattern::test_event_pattern(&read(body)?)?),
            "TagResource" => empty(self.tag_resource(read(body)?)),
            "UntagResource" => empty(self.untag_resource(&read(body)?)),
            "ListTagsForResource" => write(&self.list_tags_for_resource(&read(body)?)?),
            _ => Err(ServiceError::unknown_operation("EventBridge", operation)),
        }
    }
}

fn empty(result: Result<(), ServiceError>) -> Result<Bytes, ServiceError> {
    result.and_then(|()| service::empty())
}
