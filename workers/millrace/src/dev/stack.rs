//! The whole system on one machine: embedded AWS, everything provisioned,
//! workers as child processes.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use millrace_contract::StageName;
use millrace_localaws::{Config, FaultPlan, Faults, Server};
use millrace_pipeline::Pipeline;
use millrace_queue::{Queues, Sqs};
use tokio::time::sleep;
use tracing::debug;

use super::provision::provision;
use super::supervisor::{Launch, Supervisor};
use crate::setup::folder;

/// The credentials of the embedded AWS, which accepts any.
const KEY: &str = "local";

/// The embedded AWS's region.
const REGION: &str = "us-east-1";

/// How long workers may drain on stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

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
    /// What goes wrong once everything is provisioned.
    pub(crate) faults: FaultPlan,
}

/// A running stack.
pub(crate) struct Stack {
    server: Server,
    supervisor: Supervisor,
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
        let server = Server::start(endpoint).await?;
        let aws = sdk_config(&server.url()).await;
        let plan = config.pipeline.plan();
        provision(&plan, &aws).await?;
        server.faults().follow(config.faults.clone());
        let launch = launch(config, &data, &server.url())?;
        let services: Vec<_> =
            plan.services.iter().map(|service| (service.stage, service.workers)).collect();
        let supervisor = Supervisor::start(&launch, &services).await?;
        let queues = StageName::ALL.map(|stage| config.pipeline.queue_name(stage)).into();
        Ok(Self { server, supervisor, aws, queues, data })
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
        loop {
            match self.busy(&sqs).await {
                Ok(false) => return Ok(()),
                Ok(true) => {}
                // The counts were struck by a fault: they are asked for again.
                Err(error) if self.faults().are_planned() => debug!("{error:#}"),
                Err(error) => return Err(error),
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Messages move on in the order of the stages, and are sent on before they
    /// are deleted: asked in this order, one on the move can't be missed.
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
        self.supervisor.stop().await;
        self.server.stop().await;
    }
}

fn launch(config: &StackConfig<'_>, data: &Path, url: &str) -> anyhow::Result<Launch> {
    let logs = config.log_to_files.then(|| folder(&data.join("logs"))).transpose()?;
    let mut environment: Vec<(String, OsString)> =
        environment(url).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    environment.push(("MILLRACE_DATA".to_owned(), data.into()));
    environment.push(("MILLRACE_PIPELINE".to_owned(), std::path::absolute(config.file)?.into()));
    Ok(Launch { program: std::env::current_exe()?, environment, logs, stop_timeout: STOP_TIMEOUT })
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
