//! All services of one endpoint over one data folder.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;
use std::{fmt, io};

use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Request, Response};
use s3s::Body;

use crate::answer;
use crate::arn::Account;
use crate::background::Background;
use crate::call::Call;
use crate::cloudwatch::CloudWatch;
use crate::control::Control;
use crate::deliveries::Deliveries;
use crate::ecs::{Ecs, Machine};
use crate::events::EventBridge;
use crate::faults::{self, Ending, Faults, Refusal};
use crate::folder::Folder;
use crate::glue::Glue;
use crate::incoming;
use crate::query::{self, Form};
use crate::route::{QueryService, Route, base_url, key_id};
use crate::s3::S3;
use crate::scheduler::Scheduler;
use crate::secrets::Secrets;
use crate::service::ServiceError;
use crate::signature::{Denial, Keys};
use crate::sns::Sns;
use crate::sqs::Sqs;
use crate::sts::Sts;
use crate::trail::{Named, Trail};
use crate::{Config, StartError, TaskOutput};

/// The services.
pub(crate) struct Endpoint {
    url: String,
    account: Arc<Account>,
    keys: Keys,
    trail: Trail,
    control: Option<Control>,
    faults: Faults,
    sqs: Arc<Sqs>,
    sns: Arc<Sns>,
    events: Arc<EventBridge>,
    scheduler: Scheduler,
    ecs: Arc<Ecs>,
    secrets: Arc<Secrets>,
    glue: Glue,
    cloudwatch: CloudWatch,
    sts: Sts,
    s3: S3,
    _folder: Folder,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Takes the data folder and reads every service's state back.
    pub(crate) fn open(
        config: &Config,
        addr: SocketAddr,
        background: Background,
    ) -> Result<Self, StartError> {
        let folder = Folder::open(&config.data)?;
        let clock = config.clock.clone();
        let faults = Faults::new(config.faults.clone(), clock.clone());
        let control = Control { clock: clock.clone(), faults: faults.clone() };
        let url = format!("http://{addr}");
        let account =
            Arc::new(Account { id: config.account.clone(), region: config.region.clone() });
        let in_folder = |name| {
            let path: PathBuf = folder.join(name);
            (path.clone(), move |source: io::Error| StartError::Folder { path, source })
        };
        let beside = || (Arc::clone(&account), clock.clone());
        let (path, unusable) = in_folder("sqs");
        let (owner, time) = beside();
        let sqs = Sqs::open(path, owner, time, background.clone(), faults.clone());
        let sqs = Arc::new(sqs.map_err(unusable)?);
        let (path, unusable) = in_folder("sns");
        let (owner, time) = beside();
        let outbox = folder.join("outbox");
        let sns = Sns::open(path, owner, time, &background, Arc::clone(&sqs), outbox);
        let sns = Arc::new(sns.map_err(unusable)?);
        let (path, unusable) = in_folder("events");
        let (owner, time) = beside();
        let targets = (Arc::clone(&sqs), Arc::clone(&sns));
        let events = EventBridge::open(path, owner, time, background.clone(), targets, url.clone());
        let events = Arc::new(events.map_err(unusable)?);
        let deliveries = |from| Deliveries {
            from,
            faults: faults.clone(),
            sqs: Arc::clone(&sqs),
            sns: Arc::clone(&sns),
            events: Arc::clone(&events),
            url: url.clone(),
        };
        let (path, unusable) = in_folder("scheduler");
        let (owner, time) = beside();
        let sink = Arc::new(deliveries("scheduler"));
        let scheduler =
            Scheduler::open(path, owner, time, background.clone(), sink).map_err(unusable)?;
        let (path, unusable) = in_folder("secrets");
        let (owner, time) = beside();
        let secrets = Arc::new(Secrets::open(path, owner, time).map_err(unusable)?);
        let (path, unusable) = in_folder("glue");
        let (owner, time) = beside();
        let glue = Glue::open(path, owner, time).map_err(unusable)?;
        let (path, unusable) = in_folder("ecs");
        let (owner, time) = beside();
        let machine = machine(config, &url, path.join("logs"));
        let ecs = Ecs::open(path, owner, time, &background, machine, Arc::clone(&secrets))
            .map_err(unusable)?;
        let (path, unusable) = in_folder("cloudwatch");
        let (owner, time) = beside();
        let sink = Arc::new(deliveries("cloudwatch"));
        let cloudwatch = CloudWatch::open(path, owner, time, &background, Arc::clone(&sqs), sink)
            .map_err(unusable)?;
        let (path, unusable) = in_folder("s3");
        let sink = Arc::new(deliveries("s3"));
        let s3 = S3::open(path, &config.region, &config.account, clock.clone(), sink, &background)
            .map_err(unusable)?;
        let unusable =
            |source| StartError::Trail { path: config.trail.clone().unwrap_or_default(), source };
        let trail = Trail::open(config.trail.as_deref(), clock.clone()).map_err(unusable)?;
        let sts = Sts::new(Arc::clone(&account), clock);
        Ok(Self {
            url,
            account,
            keys: Keys::new(&config.keys),
            trail,
            control: config.control.then_some(control),
            faults,
            sqs,
            sns,
            events,
            scheduler,
            ecs,
            secrets,
            glue,
            cloudwatch,
            sts,
            s3,
            _folder: folder,
        })
    }

    /// What goes wrong on purpose.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Stops the tasks of ECS, while they can still reach this endpoint.
    pub(crate) async fn stop_tasks(&self) {
        self.ecs.stop().await;
    }

    /// Answers one request.
    ///
    /// # Errors
    /// [`Dropped`] if it shall get no answer.
    pub(crate) async fn call(&self, request: Request<Incoming>) -> Result<Response<Body>, Dropped> {
        let (head, body) = request.into_parts();
        let route = Route::of(&head);
        if route == Route::S3 {
            let asked = self.trail.asked(&route, &head, &[], &self.named());
            let answered = self.s3(head, body).await;
            self.trail.answered(asked, status(&answered));
            return answered;
        }
        let body = match incoming::collect(&head, body).await {
            Ok(body) => body,
            Err(refusal) => return Ok(refusal),
        };
        let asked = self.trail.asked(&route, &head, &body, &self.named());
        let answered = match self.faults.are_planned().then(|| Call::of(&route, &head, &body)) {
            Some(Some(call)) => {
                let answer = self.short(&route, &head, &body);
                self.with_faults(&route, &call, answer).await
            }
            Some(None) | None => Ok(self.short(&route, &head, &body).await),
        };
        self.trail.answered(asked, status(&answered));
        answered
    }

    /// Answers a request for S3, whose body may be of any length.
    async fn s3(&self, head: Parts, body: Incoming) -> Result<Response<Body>, Dropped> {
        if let Err(denial) = self.keys.check(&head, None, SystemTime::now()) {
            return Ok(self.denied(&Route::S3, &head, &[], denial));
        }
        if !self.faults.are_planned() {
            return Ok(self.s3.call(Request::from_parts(head, body)).await);
        }
        let call = Call::of_s3(&head);
        let answer = async { self.s3.call(Request::from_parts(head, body)).await };
        self.with_faults(&Route::S3, &call, answer).await
    }

    fn named(&self) -> Named<'_> {
        Named { account: &self.account, ecs: &self.ecs, secrets: &self.secrets }
    }

    async fn with_faults(
        &self,
        route: &Route,
        call: &Call,
        answer: impl Future<Output = Response<Body>>,
    ) -> Result<Response<Body>, Dropped> {
        let course = self.faults.on_request(call);
        if !course.delay.is_zero() {
            tokio::time::sleep(course.delay).await;
        }
        match course.ending {
            Ending::Answered => Ok(answer.await),
            Ending::Refused(refusal) => Ok(faults::refusal(route, call, refusal)),
            Ending::DroppedBefore => Err(Dropped),
            Ending::DroppedAfter => {
                answer.await;
                Err(Dropped)
            }
            Ending::Cut { bytes, delay } => Ok(faults::cut(answer.await, bytes, delay)),
        }
    }

    /// Answers a request that fits in memory.
    async fn short(&self, route: &Route, head: &Parts, body: &[u8]) -> Response<Body> {
        let is_ours = matches!(route, Route::Health | Route::Control | Route::EcsAgent);
        if !is_ours && let Err(denial) = self.keys.check(head, Some(body), SystemTime::now()) {
            return self.denied(route, head, body, denial);
        }
        let base = base_url(&head.headers, &self.url);
        match route {
            Route::Json { target, operation } => self.json(target, operation, &base, body).await,
            Route::CloudWatch { operation } => self.cloudwatch.cbor(operation, body),
            Route::Query(service) => {
                let form = Form::parse(head.uri.query().unwrap_or_default(), body);
                self.query(*service, key_id(head).as_deref(), &base, &form)
            }
            Route::Scheduler => self.scheduler.call(head, body).await,
            Route::EcsAgent => self.ecs.agent(head, body),
            Route::Control => match &self.control {
                Some(control) => control.call(head, body),
                None => ServiceError::unknown_operation("control", head.uri.path()).refuse_rest(),
            },
            Route::S3 | Route::Health => self.health(),
        }
    }

    fn denied(&self, route: &Route, head: &Parts, body: &[u8], denial: Denial) -> Response<Body> {
        let (of_s3, of_others) = denial.codes();
        let code = if *route == Route::S3 { of_s3 } else { of_others };
        let refusal =
            Refusal::Error { status: 403, code: code.to_owned(), message: denial.to_string() };
        match Call::of(route, head, body) {
            Some(call) => faults::refusal(route, &call, refusal),
            None => self.health(),
        }
    }

    async fn json(&self, target: &str, operation: &str, base: &str, body: &[u8]) -> Response<Body> {
        match target {
            "AmazonSQS" => self.sqs.call(operation, base, body).await,
            "AWSEvents" => self.events.call(operation, body).await,
            "AmazonEC2ContainerServiceV20141113" => self.ecs.call(operation, body),
            "secretsmanager" => self.secrets.call(operation, body),
            "AWSGlue" => self.glue.call(operation, body),
            "GraniteServiceVersion20100801" => self.cloudwatch.json(operation, body),
            _ => ServiceError::new(
                "UnknownOperationException",
                format!("this endpoint has no service `{target}`"),
            )
            .refuse(),
        }
    }

    fn query(
        &self,
        service: QueryService,
        key_id: Option<&str>,
        base: &str,
        form: &Form,
    ) -> Response<Body> {
        match service {
            QueryService::CloudWatch => self.cloudwatch.query(form),
            QueryService::Sns => self.sns.call(base, form),
            QueryService::Sts => self.sts.call(key_id, form),
            QueryService::Unknown if Sts::has(form.action()) => self.sts.call(key_id, form),
            QueryService::Unknown if Sns::has(form.action()) => self.sns.call(base, form),
            QueryService::Unknown => query::refuse(&query::QueryError::new(
                query::Namespace::NONE,
                400,
                "InvalidAction",
                format!("this endpoint has no operation `{}` in the Query protocol", form.action()),
            )),
        }
    }

    fn health(&self) -> Response<Body> {
        let health = serde_json::json!({
            "status": "ok",
            "version": env!("CARGO_PKG_VERSION"),
            "services": [
                "cloudwatch", "ecs", "events", "glue", "s3", "scheduler", "secretsmanager", "sns", "sqs",
                "sts"
            ],
        });
        answer::plain_json(health.to_string())
    }
}

/// A request gets no answer, on purpose: its connection is closed.
#[derive(Debug, thiserror::Error)]
#[error("dropped on purpose")]
pub(crate) struct Dropped;

/// The status of an answer; 0 if there is none.
fn status(answered: &Result<Response<Body>, Dropped>) -> u16 {
    answered.as_ref().map_or(0, |response| response.status().as_u16())
}

/// What tasks of ECS are run with.
fn machine(config: &Config, url: &str, logs: PathBuf) -> Machine {
    // Without a name of its own program nothing is found, and the task says so.
    let own = || std::env::current_exe().unwrap_or_default();
    Machine {
        url: url.to_owned(),
        worker: config.worker_program.clone().unwrap_or_else(own),
        logs: match &config.task_output {
            TaskOutput::Data => Some(logs),
            TaskOutput::Folder(folder) => Some(folder.clone()),
            TaskOutput::Stderr => None,
        },
    }
}
