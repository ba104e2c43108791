//! CloudWatch: metrics that callers put, those of the queues, alarms and
//! dashboards.
//!
//! SDKs speak one of three protocols to it: CBOR, JSON or Query. `wire` makes
//! one model of them, and every operation is a function over that.

mod alarms;
mod dashboards;
mod data;
mod fault;
mod math;
mod queues;
mod series;
mod state;
mod statistics;
mod store;
mod wire;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::Response;
use s3s::Body;
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::fault::Fault;
use self::queues::Sampler;
use self::state::State;
use self::store::Store;
use crate::answer;
use crate::arn::Account;
use crate::background::Background;
use crate::clock::{Clock, Millis};
use crate::kept::Kept;
use crate::query::{self, Form, Namespace, QueryError};
use crate::sink::EventSink;
use crate::sqs::Sqs;

/// How often queues are sampled and alarms evaluated.
const MINUTE: Millis = 60_000;

/// The metrics of one endpoint.
#[derive(Clone)]
pub(crate) struct CloudWatch(Arc<Inner>);

struct Inner {
    account: Arc<Account>,
    clock: Clock,
    sampler: Sampler,
    store: Mutex<Store>,
    kept: Kept<State>,
    /// Where alarms tell of themselves.
    sink: Arc<dyn EventSink>,
}

impl CloudWatch {
    /// Opens the metrics kept in `dir`, and begins to sample the queues.
    pub(crate) fn open(
        dir: PathBuf,
        account: Arc<Account>,
        clock: Clock,
        background: &Background,
        sqs: Arc<Sqs>,
        sink: Arc<dyn EventSink>,
    ) -> io::Result<Self> {
        let kept = Kept::open(dir.clone(), "alarms.json")?;
        let store = Mutex::new(Store::open(&dir, clock.now())?);
        let sampler = Sampler::new(sqs);
        let cloudwatch = Self(Arc::new(Inner { account, clock, sampler, store, kept, sink }));
        let inner = Arc::clone(&cloudwatch.0);
        background.spawn_until_stop(async move { inner.go_on().await });
        Ok(cloudwatch)
    }

    /// Answers one request in the JSON protocol.
    pub(crate) fn json(&self, operation: &str, body: &[u8]) -> Response<Body> {
        let body = if body.is_empty() { b"{}" } else { body };
        let request = serde_json::from_slice(body).map_err(Fault::from);
        match request.and_then(|request| self.0.answer(operation, request)) {
            Ok(result) => answer::json(result.to_string().into()),
            Err(fault) => answer::json_error(&answer::JsonError {
                status: fault.status,
                shape: fault.shape,
                query: &fault.query(),
                message: &fault.message,
            }),
        }
    }

    /// Answers one request in the CBOR protocol.
    pub(crate) fn cbor(&self, operation: &str, body: &[u8]) -> Response<Body> {
        let answered = wire::from_cbor(body).and_then(|request| self.0.answer(operation, request));
        match answered {
            Ok(result) => answer::cbor(200, wire::to_cbor(result)),
            Err(fault) => {
                let mut response = answer::cbor_error(fault.status, fault.shape, &fault.message);
                answer::name_query_error(&mut response, &fault.query());
                response
            }
        }
    }

    /// Answers one request in the Query protocol.
    pub(crate) fn query(&self, form: &Form) -> Response<Body> {
        match self.0.answer(form.action(), wire::from_form(form)) {
            Ok(result) => {
                query::accept(Namespace::CLOUDWATCH, form.action(), &wire::to_xml(&result))
            }
            Err(fault) => query::refuse(&QueryError::new(
                Namespace::CLOUDWATCH,
                fault.status,
                fault.code,
                fault.message,
            )),
        }
    }
}

impl Inner {
    fn answer(&self, operation: &str, request: Value) -> Result<Value, Fault> {
        match operation {
            "PutMetricData" => self.put_metric_data(read(request)?),
            "ListMetrics" => self.list_metrics(&read(request)?),
            "GetMetricStatistics" => self.get_metric_statistics(&read(request)?),
            "GetMetricData" => self.get_metric_data(&read(request)?),
            "PutMetricAlarm" => self.put_metric_alarm(request),
            "DescribeAlarms" => self.describe_alarms(&read(request)?),
            "DescribeAlarmsForMetric" => self.describe_alarms_for_metric(&read(request)?),
            "DeleteAlarms" => self.delete_alarms(&read(request)?),
            "SetAlarmState" => self.set_alarm_state(&read(request)?),
            "EnableAlarmActions" => self.switch_alarm_actions(&read(request)?, true),
            "DisableAlarmActions" => self.switch_alarm_actions(&read(request)?, false),
            "PutDashboard" => self.put_dashboard(read(request)?),
            "GetDashboard" => self.get_dashboard(&read(request)?),
            "ListDashboards" => self.list_dashboards(&read(request)?),
            "DeleteDashboards" => self.delete_dashboards(&read(request)?),
            "TagResource" => self.tag_resource(read(request)?),
            "UntagResource" => self.untag_resource(&read(request)?),
            "ListTagsForResource" => self.list_tags(&read(request)?),
            _ => Err(Fault::unknown_operation(operation)),
        }
    }

    /// Samples and evaluates at every full minute.
    async fn go_on(&self) {
        loop {
            let now = self.clock.now();
            self.clock.wait_until(now - now % MINUTE + MINUTE).await;
            let now = self.clock.now();
            let lines = self.sampler.sample(now);
            if !lines.is_empty()
                && let Err(error) = self.store().put(lines, now)
            {
                tracing::error!(%error, "metrics of the queues can't be stored");
            }
            self.evaluate_alarms(now).await;
        }
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read<T: DeserializeOwned>(request: Value) -> Result<T, Fault> {
    Ok(serde_json::from_value(request)?)
}
