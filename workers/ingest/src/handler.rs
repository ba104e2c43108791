//! The ingest handler.

use std::time::Instant;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use millrace_contract::{
    ContractVersion, FileId, Notice, ObjectEvent, ObjectEventKind, ObjectVersion, StageName,
    TransformTask, decode_event,
};
use millrace_failpoint::{Point, reach};
use millrace_ledger::{FileState, Hop, Ledger, Registered, Registration};
use millrace_pipeline::{Pipeline, Route};
use millrace_runtime::{Delivery, Done, Failure, Forward, Handler, Lease, Outcome, Subject, part};

/// The ingest stage.
pub struct Ingest {
    pipeline: Pipeline,
    ledger: Ledger,
    transform_queue: String,
}

/// What became of one record.
struct Planned {
    note: &'static str,
    subject: Subject,
    tasks: Vec<TransformTask>,
}

impl Ingest {
    /// The handler for a pipeline.
    pub fn new(pipeline: Pipeline, ledger: Ledger) -> Self {
        let transform_queue = pipeline.queue_name(StageName::Transform);
        Self { pipeline, ledger, transform_queue }
    }

    /// Keeps the definition of every dataset under its contract version, which
    /// later stages read it by. Done once, before the first message.
    ///
    /// # Errors
    /// [`Failure`] of the ledger.
    pub async fn publish_contracts(&self) -> Result<(), Failure> {
        for dataset in &self.pipeline.datasets {
            self.ledger.put_contract(&ContractVersion::of(dataset), dataset).await?;
        }
        Ok(())
    }

    async fn run(&self, delivery: &Delivery) -> Result<Done, Failure> {
        let notices = decode_event(&delivery.body)?;
        let mut done = Done::new("ignored");
        for notice in notices {
            match notice {
                Notice::Object(event) => {
                    let planned = self.plan(delivery, event).await?;
                    done.note = planned.note.into();
                    done.subject = planned.subject;
                    done.forward.extend(planned.tasks.iter().map(|task| self.forward(task)));
                }
                Notice::TestEvent => done.note = "test event".into(),
                Notice::Scheduled(_) => {
                    let why = "a schedule fired, and this pipeline has none";
                    self.ledger.skip_unrouted("(schedule)", &delivery.message_id, why).await?;
                }
                Notice::Unrelated { what, why } => {
                    self.ledger.skip_unrouted("(message)", &what, &why).await?;
                }
            }
        }
        Ok(done)
    }

    async fn plan(&self, delivery: &Delivery, event: ObjectEvent) -> Result<Planned, Failure> {
        let (object, published_at) = (event.object, event.time);
        let skipped = |note| Planned { note, subject: about(&object), tasks: Vec::new() };
        match event.kind {
            ObjectEventKind::Created => {}
            // The ledger orders versions by their creations alone.
            ObjectEventKind::Removed => return Ok(skipped("removed")),
            ObjectEventKind::Other(_) => return Ok(skipped("ignored")),
        }
        if object.key.ends_with('/') && object.size == Some(0) {
            return Ok(skipped("folder marker"));
        }
        let routes = self.pipeline.routes(&object.bucket, &object.key);
        if routes.is_empty() {
            let why = self.unrouted(&object);
            self.ledger.skip_unrouted(&object.bucket, &object.key, why).await?;
            return Ok(skipped("unrouted"));
        }
        part("register", self.register_all(delivery, &object, published_at, routes)).await
    }

    /// Registers an object with every dataset that takes it. Should that be cut
    /// short, nothing is sent and the message comes back: what is registered then
    /// is known, and planned again as it was.
    async fn register_all(
        &self,
        delivery: &Delivery,
        object: &ObjectVersion,
        published_at: Option<DateTime<Utc>>,
        routes: Vec<Route<'_>>,
    ) -> Result<Planned, Failure> {
        let mut planned: Vec<Planned> = Vec::with_capacity(routes.len());
        for route in routes {
            planned.push(self.register(delivery, object, published_at, route).await?);
        }
        // What is new is worth more of a mention than what is not.
        planned.sort_by_key(|planned| planned.tasks.is_empty());
        let (note, shared) = match planned.as_slice() {
            [] => ("unrouted", true),
            [first, others @ ..] => (first.note, !others.is_empty()),
        };
        let subject = match planned.first() {
            Some(only) if !shared => only.subject.clone(),
            Some(_) | None => about(object),
        };
        let tasks = planned.into_iter().flat_map(|planned| planned.tasks).collect();
        Ok(Planned { note, subject, tasks })
    }

    fn unrouted(&self, object: &ObjectVersion) -> &'static str {
        if object.bucket == self.pipeline.lake.raw {
            "no dataset's pattern matches the key"
        } else {
            "the bucket is not this pipeline's raw bucket"
        }
    }

    async fn register(
        &self,
        delivery: &Delivery,
        object: &ObjectVersion,
        published_at: Option<DateTime<Utc>>,
        route: Route<'_>,
    ) -> Result<Planned, Failure> {
        let (started_at, clock) = (Utc::now(), Instant::now());
        let contract = ContractVersion::of(route.dataset);
        let dataset = route.dataset.name.clone();
        let file_id = FileId::of(&dataset, object, &contract);
        let registration = Registration {
            file_id: file_id.clone(),
            dataset: dataset.clone(),
            contract: contract.clone(),
            object: object.clone(),
            captures: route.captures.clone(),
            trace_id: delivery.trace_id.clone(),
        };
        let (note, wanted) =
            match self.ledger.register_published(&registration, published_at).await? {
                Registered::New => ("planned", true),
                // Sent before, perhaps: the message was not deleted. Again is harmless.
                Registered::Known { state: FileState::Registered } => ("planned again", true),
                Registered::Known { .. } => ("known", false),
                Registered::Unchanged { .. } => ("unchanged", false),
                Registered::Superseded { .. } => ("superseded", false),
            };
        reach("ingest", Point::AfterRecord);
        let hop = Hop {
            file_id: &file_id,
            stage: StageName::Ingest,
            attempt: delivery.receive_count,
            started_at,
            duration: clock.elapsed(),
            outcome: note,
            detail: None,
        };
        self.ledger.hop(&hop).await?;
        let subject = Subject {
            dataset: Some(dataset.clone()),
            object: Some(object.clone()),
            file_id: Some(file_id.to_string()),
        };
        let task = wanted.then(|| TransformTask {
            file_id,
            dataset,
            contract,
            object: object.clone(),
            captures: route.captures,
            published_at,
            replay: None,
            trace_id: delivery.trace_id.clone(),
        });
        Ok(Planned { note, subject, tasks: task.into_iter().collect() })
    }

    fn forward(&self, task: &TransformTask) -> Forward {
        Forward::new(&self.transform_queue, task.to_message()).of(&task.dataset)
    }
}

fn about(object: &ObjectVersion) -> Subject {
    Subject { object: Some(object.clone()), ..Subject::default() }
}

#[async_trait]
impl Handler for Ingest {
    async fn handle(&self, delivery: &Delivery, _: &Lease) -> Outcome {
        // Registering is idempotent: a lost lease does no harm here.
        self.run(delivery).await.into()
    }

    /// Events are a few hundred bytes and a few statements each.
    fn is_small(&self, _: &Delivery) -> bool {
        true
    }

    async fn probe(&self) -> Result<(), Failure> {
        self.ledger.ping().await?;
        Ok(())
    }
}
