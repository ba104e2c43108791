//! EventBridge Scheduler: schedules that invoke targets, by the REST JSON
//! protocol.
//!
//! Targets are queues, topics and event buses, and by the universal target
//! `sqs:sendMessage`, `sns:publish` and `eventbridge:putEvents`. Those of other
//! services are kept; what they would be sent is tried and then goes to the
//! dead-letter queue.
//!
//! What fell due while the endpoint was not running is fired once for each
//! schedule, for the latest of the times missed, if that is not older than its
//! maximum event age. A clock that is moved forward misses nothing.

mod carrier;
mod check;
mod due;
mod fire;
mod groups;
mod invoke;
mod rest;
mod schedules;
mod state;
mod tags;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use hyper::Response;
use hyper::http::request::Parts;
use s3s::Body;
use tokio::sync::Notify;

use crate::answer;
use crate::arn::Account;
use crate::background::Background;
use crate::clock::Clock;
use crate::courier::Courier;
use crate::deliveries::Deliveries;
use crate::firing;
use crate::kept::Kept;
use crate::service::ServiceError;

use self::carrier::ToTargets;
use self::fire::Marks;
use self::rest::{Call, Query};
use self::state::State;

/// The schedules of one endpoint.
#[derive(Debug)]
pub(crate) struct Scheduler(Arc<Core>);

/// What requests, schedules that fire and deliveries share.
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
        f.debug_struct("Scheduler").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Scheduler {
    /// Opens the schedules kept in `dir`.
    pub(crate) fn open(
        dir: PathBuf,
        account: Arc<Account>,
        clock: Clock,
        background: Background,
        targets: Arc<Deliveries>,
    ) -> io::Result<Self> {
        let carrier = ToTargets { account: Arc::clone(&account), targets };
        let courier = Courier::open(&dir.join("outbox.log"), carrier, clock.clone(), &background)?;
        let marks = Kept::open(dir.clone(), "fired.json")?;
        let kept: Kept<State> = Kept::open(dir, "schedules.json")?;
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

    /// Answers one request.
    pub(crate) async fn call(&self, head: &Parts, body: &[u8]) -> Response<Body> {
        match self.0.answer(head, body) {
            Ok(json) => answer::rest_json(200, json),
            Err(error) => error.refuse_rest(),
        }
    }
}

impl Core {
    fn answer(&self, head: &Parts, body: &[u8]) -> Result<Bytes, ServiceError> {
        let query = Query::of(head);
        match Call::of(head)? {
            Call::CreateSchedule(name) => self.create_schedule(&name, body),
            Call::GetSchedule(name) => self.get_schedule(&name, &query),
            Call::UpdateSchedule(name) => self.update_schedule(&name, body),
            Call::DeleteSchedule(name) => self.delete_schedule(&name, &query),
            Call::ListSchedules => self.list_schedules(&query),
            Call::CreateGroup(name) => self.create_group(&name, body),
            Call::GetGroup(name) => self.get_group(&name),
            Call::DeleteGroup(name) => self.delete_group(&name),
            Call::ListGroups => self.list_groups(&query),
            Call::Tag(arn) => self.tag_resource(&arn, body),
            Call::Untag(arn) => self.untag_resource(&arn, &query),
            Call::ListTags(arn) => self.list_tags(&arn),
        }
    }
}
