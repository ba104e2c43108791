//! How a worker is watched from outside: its port, its heartbeat, its metrics in
//! the log, its spans; and the protection of its task.

pub(crate) mod heartbeat;
mod protection;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use millrace_http::{Page, serve};
use millrace_runtime::metrics::{Emf, Metrics, PROMETHEUS};
use millrace_runtime::{Liveness, Worker};
use millrace_services::Agent;
use millrace_telemetry::{Exporter, Settings};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use self::protection::ByAgent;
use crate::args::WatchArgs;
use crate::show;

/// Everything that watches a worker; ends with it.
pub(crate) struct Watch {
    tasks: JoinSet<()>,
    exporter: Option<Arc<Exporter>>,
}

impl Watch {
    /// Has a worker watched as the arguments and the environment say. `pipeline`
    /// and `service` are names to know it by.
    pub(crate) async fn start(
        args: &WatchArgs,
        worker: Worker,
        pipeline: &str,
        service: &str,
    ) -> (Worker, Self) {
        let (metrics, liveness) = (worker.metrics(), worker.liveness());
        let mut tasks = JoinSet::new();
        if let Some(file) = &args.heartbeat {
            tasks.spawn(heartbeat::keep(file.clone(), Some(Arc::clone(&liveness))));
        }
        if let Some(every) = args.metrics_log {
            tasks.spawn(log_metrics(Emf::new(pipeline), Arc::clone(&metrics), every));
        }
        let exporter = Settings::from_environment(service).map(Exporter::start);
        if let Some(address) = args.metrics {
            let pages = Pages { metrics, liveness, exporter: exporter.clone() };
            answer(&mut tasks, address, pages).await;
        }
        let worker = match &exporter {
            Some(exporter) => worker.observed_by(Arc::clone(exporter) as _),
            None => worker,
        };
        let worker = match Agent::from_environment() {
            Some(agent) => worker.protected_by(Arc::new(ByAgent(agent))),
            None => worker,
        };
        (worker, Self { tasks, exporter })
    }

    /// The worker has ended.
    pub(crate) async fn stop(mut self) {
        if let Some(exporter) = self.exporter {
            exporter.stop().await;
        }
        self.tasks.abort_all();
    }
}

/// Has health checks know that a worker that waits to start is well, until it is
/// dropped.
pub(crate) fn waiting(args: &WatchArgs) -> JoinSet<()> {
    let file = args.heartbeat.iter().cloned();
    file.map(|file| heartbeat::keep(file, None)).collect()
}

/// Opens the port. A worker that can't have it works without.
async fn answer(tasks: &mut JoinSet<()>, address: SocketAddr, pages: Pages) {
    let listener = match TcpListener::bind(address).await {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(%address, %error, "the port for metrics can't be had; it goes without");
            return;
        }
    };
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "metrics are answered under /metrics, liveness under /live");
    }
    tasks.spawn(serve(listener, Arc::new(move |path: &str| pages.page(path))));
}

/// What is answered on the port.
struct Pages {
    metrics: Arc<Metrics>,
    liveness: Arc<Liveness>,
    exporter: Option<Arc<Exporter>>,
}

impl Pages {
    fn page(&self, path: &str) -> Option<Page> {
        match path {
            "/metrics" => {
                let mut text = self.metrics.prometheus();
                text.extend(self.exporter.iter().map(|exporter| spans(exporter)));
                Some(Page { status: 200, media_type: PROMETHEUS, text })
            }
            "/live" => Some(match self.liveness.check() {
                Ok(()) => Page::text(200, "live\n".to_owned()),
                Err(stuck) => Page::text(503, format!("{stuck}\n")),
            }),
            _ => None,
        }
    }
}

/// What became of spans, for Prometheus.
fn spans(exporter: &Exporter) -> String {
    let (exported, dropped) = (exporter.exported(), exporter.dropped());
    format!(
        "# HELP millrace_spans_total Spans of OpenTelemetry by what became of them.\n\
         # TYPE millrace_spans_total counter\n\
         millrace_spans_total{{outcome=\"exported\"}} {exported}\n\
         millrace_spans_total{{outcome=\"dropped\"}} {dropped}\n"
    )
}

/// Lines for CloudWatch among those of the log, on standard output.
async fn log_metrics(mut emf: Emf, metrics: Arc<Metrics>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        for line in emf.lines(&metrics, Utc::now()) {
            show::line(line);
        }
    }
}
