//! Who is told what, as the pipeline file says it: a worker's part in it.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use aws_config::SdkConfig;
use millrace_contract::{AlertKind, StageName};
use millrace_ledger::{Announcing, Ledger};
use millrace_notify::{
    Bus, Courier, CourierConfig, EventBridge, Lateness, OutageConfig, Outages, Sns, SnsTopic, Topic,
};
use millrace_pipeline::{Alerts, Pipeline};
use millrace_storage::S3Storage;
use tokio::sync::watch;
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
    ledger: Arc<OnceLock<Ledger>>,
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
        ledger,
        topic: Arc::new(topic(pipeline, alerts, aws)),
    }))
}

/// Looks after the times by which files are expected, and writes down what is late.
pub(crate) fn lateness(pipeline: &Pipeline, ledger: &Ledger) -> Lateness {
    let datasets = pipeline.freshness.iter();
    let datasets = datasets.map(|fresh| (fresh.dataset.clone(), fresh.expected.clone()));
    Lateness::new(ledger.clone(), datasets)
}

/// Writes down what is late and tells what is written down, beside the work.
pub(crate) struct Telling {
    stop: watch::Sender<()>,
    running: Vec<JoinHandle<()>>,
}

impl Telling {
    /// Starts looking and telling, as far as anybody wants to know.
    pub(crate) fn start(pipeline: &Pipeline, ledger: &Ledger, aws: &SdkConfig) -> Self {
        let (stop, stopped) = watch::channel(());
        // Gone without a word is stopped too.
        let until = |mut stopped: watch::Receiver<()>| async move { drop(stopped.changed().await) };
        let mut running = Vec::new();
        if !pipeline.freshness.is_empty() {
            let (lateness, until) = (lateness(pipeline, ledger), until(stopped.clone()));
            running.push(tokio::spawn(async move { lateness.run(until).await }));
        }
        if let Some(courier) = courier(pipeline, ledger, aws) {
            let until = until(stopped);
            running.push(tokio::spawn(async move { courier.run(until).await }));
        }
        Self { stop, running }
    }

    /// Tells what is left, within reason, and stops.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        for task in self.running {
            if let Err(error) = task.await {
                tracing::error!(%error, "telling ended early; other workers tell what is left");
            }
        }
    }
}

/// Tells alerts and events, if there are any.
fn courier(pipeline: &Pipeline, ledger: &Ledger, aws: &SdkConfig) -> Option<Courier> {
    if pipeline.alerts.is_none() && pipeline.events.is_none() {
        return None;
    }
    let alerts = pipeline.alerts.as_ref();
    let events = pipeline.events.as_ref();
    let config = CourierConfig {
        pipeline: pipeline.name.clone(),
        topic: alerts.map(|alerts| -> Arc<dyn Topic> { Arc::new(topic(pipeline, alerts, aws)) }),
        bus: events.map(|events| -> Arc<dyn Bus> { Arc::new(EventBridge::new(aws, &events.bus)) }),
        digest: alerts.map(|alerts| alerts.digest).unwrap_or_default(),
    };
    Some(Courier::new(ledger.clone(), config))
}

/// The ARN of the topic of alerts, where it is said.
pub(crate) fn topic_arn(alerts: &Alerts) -> Option<String> {
    let named = || std::env::var(TOPIC).ok().filter(|arn| !arn.is_empty());
    alerts.topic.clone().or_else(named)
}

/// The topics that are told of reports, by the reports' names.
pub(crate) fn report_topics(
    pipeline: &Pipeline,
    aws: &SdkConfig,
) -> BTreeMap<String, Arc<dyn Topic>> {
    let told = pipeline.reports.iter().filter_map(|report| {
        let topic: Arc<dyn Topic> = match (&report.topic, &pipeline.alerts) {
            (Some(arn), _) => Arc::new(Sns::new(aws).topic(Some(arn.clone()), arn)),
            (None, Some(alerts)) => Arc::new(topic(pipeline, alerts, aws)),
            (None, None) => return None,
        };
        Some((report.name.clone(), topic))
    });
    told.collect()
}

fn topic(pipeline: &Pipeline, alerts: &Alerts, aws: &SdkConfig) -> SnsTopic {
    Sns::new(aws).topic(topic_arn(alerts), &pipeline.topic_name())
}
