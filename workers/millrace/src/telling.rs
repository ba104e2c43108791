//! Who is told what, as the pipeline file says it: a worker's part in it.

use std::sync::Arc;

use aws_config::SdkConfig;
use millrace_contract::{AlertKind, StageName};
use millrace_ledger::{Announcing, Ledger};
use millrace_notify::{
    Bus, Courier, CourierConfig, EventBridge, OutageConfig, Outages, Sns, SnsTopic, Topic,
};
use millrace_pipeline::{Alerts, Pipeline};
use millrace_storage::S3Storage;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// ARN of the pipeline's own topic, where whoever deployed the worker says it.
/// Elsewhere it is asked for by its name.
const TOPIC: &str = "MILLRACE_ALERTS_TOPIC";

/// What the ledger has to write down for it.
pub(crate) fn announcing(pipeline: &Pipeline) -> Announcing {
    let alerts = pipeline.alerts.as_ref().map(|alerts| alerts.on.clone());
    Announcing {
        pipeline: pipeline.name.clone(),
        events: pipeline.events.is_some(),
        alerts: alerts.unwrap_or_default(),
    }
}

/// Has a worker's outages told, if anybody wants to know.
pub(crate) fn outages(
    pipeline: &Pipeline,
    stage: StageName,
    ledger: &Ledger,
    aws: &SdkConfig,
) -> Option<Outages> {
    let alerts = pipeline.alerts.as_ref()?;
    if !alerts.on.contains(&AlertKind::Outage) {
        return None;
    }
    Some(Outages::start(OutageConfig {
        pipeline: pipeline.name.clone(),
        stage: stage.to_string(),
        bucket: pipeline.lake.curated.clone(),
        key: format!("{}outage.json", pipeline.markers_prefix()),
        markers: Arc::new(S3Storage::new(aws)),
        ledger: ledger.clone(),
        topic: Arc::new(topic(pipeline, alerts, aws)),
    }))
}

/// Tells what is written down, beside the work.
pub(crate) struct Telling {
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Telling {
    /// Starts telling, if anybody wants to know.
    pub(crate) fn start(pipeline: &Pipeline, ledger: &Ledger, aws: &SdkConfig) -> Option<Self> {
        if pipeline.alerts.is_none() && pipeline.events.is_none() {
            return None;
        }
        let alerts = pipeline.alerts.as_ref();
        let config = CourierConfig {
            pipeline: pipeline.name.clone(),
            topic: alerts
                .map(|alerts| -> Arc<dyn Topic> { Arc::new(topic(pipeline, alerts, aws)) }),
            bus: pipeline
                .events
                .as_ref()
                .map(|events| -> Arc<dyn Bus> { Arc::new(EventBridge::new(aws, &events.bus)) }),
            digest: alerts.map(|alerts| alerts.digest).unwrap_or_default(),
        };
        let courier = Courier::new(ledger.clone(), config);
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            courier
                .run(async {
                    // Gone without a word is stopped too.
                    drop(stopped.await);
                })
                .await;
        });
        Some(Self { stop, running })
    }

    /// Tells what is left, within reason, and stops.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.running.await {
            tracing::error!(%error, "telling ended early; other workers tell what is left");
        }
    }
}

fn topic(pipeline: &Pipeline, alerts: &Alerts, aws: &SdkConfig) -> SnsTopic {
    let named = || std::env::var(TOPIC).ok().filter(|arn| !arn.is_empty());
    Sns::new(aws).topic(alerts.topic.clone().or_else(named), &pipeline.topic_name())
}
