//! The whole system on one machine: embedded AWS, everything provisioned, and the
//! stages as services of its ECS, whose tasks are worker processes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use millrace_localaws::{Config, FaultPlan, Faults, Server, TaskOutput};
use millrace_pipeline::{Pipeline, Plan, PlannedService};
use millrace_queue::{Queues, Sqs};
use millrace_services::{ServiceSpec, Services};
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::provision::provision;
use crate::process::ALLOCATOR_SETTING;
use crate::setup::folder;

/// The credentials of the embedded AWS, which accepts any.
const KEY: &str = "local";

/// The embedded AWS's region.
const REGION: &str = "us-east-1";

/// Seconds that workers may drain on stop.
const STOP_TIMEOUT: u16 = 30;

/// Rounds without a message before the one that decides.
const QUIET_ROUNDS: u32 = 1;

/// How long telling the services to stop may take; the endpoint ends their
/// workers by itself in the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a stack is started with.
pub(crate) struct StackConfig<'a> {
    /// The pipeline file.
    pub(crate) file: &'a Path,
    /// The same, read.
    pub(crate) pipeline: &'a Pipeline,
    /// Folder of all state.
    pub(crate) data: &'a Path,
    /// Port on 127.0.0.1; 0 takes a free one.
    pub(crate) port: u16,
    /// Whether workers log to files in the data folder rather than to the
    /// terminal.
    pub(crate) log_to_files: bool,
    /// File that the calls of everybody are added to.
    pub(crate) trail: Option<PathBuf>,
    /// What goes wrong once everything is provisioned.
    pub(crate) faults: FaultPlan,
}

/// A running stack.
pub(crate) struct Stack {
    server: Server,
    services: Services,
    names: Vec<String>,
    aws: SdkConfig,
    queues: Vec<String>,
    data: PathBuf,
}

impl Stack {
    /// Starts everything.
    ///
    /// # Errors
    /// Whatever can't be started; nothing is left running then.
    pub(crate) async fn start(config: &StackConfig<'_>) -> anyhow::Result<Self> {
        let data = folder(config.data)?;
        let mut endpoint = Config::new(data.join("aws"));
        endpoint.bind = SocketAddr::from((Ipv4Addr::LOCALHOST, config.port));
        endpoint.trail.clone_from(&config.trail);
        endpoint.task_output = match config.log_to_files {
            true => TaskOutput::Folder(folder(&data.join("logs"))?),
            false => TaskOutput::Stderr,
        };
        let server = Server::start(endpoint).await?;
        let aws = sdk_config(&server.url()).await;
        let plan = config.pipeline.plan();
        provision(&plan, &aws).await?;
        server.faults().follow(config.faults.clone());
        let services = Services::new(&aws, &plan.pipeline);
        let names = plan.services.iter().map(|service| service.name.clone()).collect();
        let stages = config.pipeline.stages().into_iter();
        let queues = stages.map(|stage| config.pipeline.queue_name(stage)).collect();
        let stack = Self { server, services, names, aws, queues, data };
        match stack.start_workers(config.file, &plan).await {
            Ok(()) => Ok(stack),
            Err(error) => {
                stack.stop().await;
                Err(error)
            }
        }
    }

    /// As many as the pipeline file says, whatever they were scaled to before.
    async fn start_workers(&self, file: &Path, plan: &Plan) -> anyhow::Result<()> {
        self.services.ensure_cluster().await?;
        let file = std::path::absolute(file)?;
        for service in &plan.services {
            self.services.ensure_service(&spec(service, &file, &self.data)).await?;
        }
        Ok(())
    }

    /// The endpoint's URL.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// What goes wrong on purpose.
    pub(crate) fn faults(&self) -> &Faults {
        self.server.faults()
    }

    /// Clients for the endpoint.
    pub(crate) fn aws(&self) -> &SdkConfig {
        &self.aws
    }

    /// Folder of all state, absolute.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// What to set for other programs to find this stack.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        environment(&self.server.url())
    }

    /// Completes when no message waits or is in flight.
    ///
    /// # Errors
    /// If a queue can't be asked.
    pub(crate) async fn idle(&self) -> anyhow::Result<()> {
        let sqs = Sqs::new(&self.aws);
        let mut quiet = 0;
        loop {
            match self.busy(&sqs).await {
                Ok(false) if quiet == QUIET_ROUNDS => return Ok(()),
                Ok(false) => quiet += 1,
                Ok(true) => quiet = 0,
                // The counts were struck by a fault: they are asked for again.
                Err(error) if self.faults().are_planned() => debug!("{error:#}"),
                Err(error) => return Err(error),
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Messages move on in the order of a file's journey, and are sent on before they
    /// are deleted: asked in this order, one on the move can't be missed. What other
    /// stages make begins a journey, and may slip through one round.
    async fn busy(&self, sqs: &Sqs) -> anyhow::Result<bool> {
        for name in &self.queues {
            if sqs.queue(name).await?.depth().await?.total() > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Drains and stops everything; nothing is left running.
    pub(crate) async fn stop(self) {
        // Kept as they are, the next endpoint on this folder would start them
        // before their queues are looked after.
        let scaled = async {
            for name in &self.names {
                if let Err(error) = self.services.scale(name, 0).await {
                    debug!(%error, "a service is stopped with the endpoint");
                }
            }
        };
        if timeout(PATIENCE, scaled).await.is_err() {
            debug!("services are stopped with the endpoint");
        }
        self.server.stop().await;
    }
}

/// A stage's workers. They are told to end with this process, and where its
/// state is; of the endpoint they hear from ECS.
fn spec(service: &PlannedService, file: &Path, data: &Path) -> ServiceSpec {
    let variable = |name: &str, path: &Path| (name.to_owned(), path.display().to_string());
    let command = ["worker", service.stage.as_str(), "--stop-on-stdin-end"];
    let mut environment =
        vec![variable("MILLRACE_DATA", data), variable("MILLRACE_PIPELINE", file)];
    let (name, setting) = ALLOCATOR_SETTING;
    if std::env::var_os(name).is_none() {
        environment.push((name.to_owned(), setting.to_owned()));
    }
    ServiceSpec {
        name: service.name.clone(),
        command: command.map(str::to_owned).into(),
        environment,
        stop_timeout: STOP_TIMEOUT,
        workers: service.workers,
    }
}

fn environment(url: &str) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_ENDPOINT_URL", url.to_owned()),
        ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", KEY.to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
    ]
}

async fn sdk_config(url: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::from_static(REGION))
        .credentials_provider(Credentials::new(KEY, KEY, None, None, "local"))
        .load()
        .await
}
