//! Worker processes on this machine, as an ECS service would keep them: the
//! desired number of each runs, what dies is started again after a pause, and
//! on stop each may drain before it is killed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use millrace_contract::StageName;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

/// Longest pause before a worker that keeps dying is started again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A worker that ran this long has recovered: the next pause is short again.
const STEADY: Duration = Duration::from_secs(10);

/// How workers are started.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    /// The binary.
    pub(crate) program: PathBuf,
    /// Environment beside our own.
    pub(crate) environment: Vec<(String, OsString)>,
    /// Folder for a log file each; standard error if none.
    pub(crate) logs: Option<PathBuf>,
    /// How long a worker may drain on stop.
    pub(crate) stop_timeout: Duration,
}

/// Keeps worker processes running until it is stopped.
pub(crate) struct Supervisor {
    stop: watch::Sender<bool>,
    keepers: Vec<JoinHandle<()>>,
}

impl Supervisor {
    /// Starts the given number of workers of each stage.
    ///
    /// # Errors
    /// If the first start of any worker fails; those already running are stopped.
    pub(crate) async fn start(
        launch: &Launch,
        services: &[(StageName, u32)],
    ) -> anyhow::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let mut supervisor = Self { stop, keepers: Vec::new() };
        for &(stage, workers) in services {
            for number in 1..=workers {
                let keeper = Keeper { launch: launch.clone(), stage, number };
                match keeper.spawn() {
                    Ok(worker) => {
                        let task = tokio::spawn(keeper.keep(worker, stopped.clone()));
                        supervisor.keepers.push(task);
                    }
                    Err(error) => {
                        supervisor.stop().await;
                        return Err(error);
                    }
                }
            }
        }
        Ok(supervisor)
    }

    /// Lets every worker drain, kills what does not end in time, and returns
    /// when none is left.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        for keeper in self.keepers {
            if let Err(error) = keeper.await {
                warn!(%error, "a worker's keeper failed");
            }
        }
    }
}

/// A worker process and the standard input it lives by: waiting for a child
/// closes the input that it still has.
struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
}

/// Keeps one worker process.
struct Keeper {
    launch: Launch,
    stage: StageName,
    number: u32,
}

impl Keeper {
    fn spawn(&self) -> anyhow::Result<Running> {
        let mut command = Command::new(&self.launch.program);
        command
            .arg("worker")
            .arg(self.stage.as_str())
            .arg("--stop-on-stdin-end")
            .envs(self.launch.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .kill_on_drop(true);
        if let Some(folder) = &self.launch.logs {
            command.stderr(self.log_file(folder)?);
        }
        let spawned = command.spawn();
        let mut child = spawned.with_context(|| format!("worker `{self}` can't be started"))?;
        let stdin = child.stdin.take();
        Ok(Running { child, stdin })
    }

    fn log_file(&self, folder: &Path) -> anyhow::Result<Stdio> {
        let path = folder.join(format!("{self}.log"));
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
        Ok(file.with_context(|| format!("log file `{}` can't be opened", path.display()))?.into())
    }

    async fn keep(self, mut worker: Running, mut stopped: watch::Receiver<bool>) {
        let mut pause = Duration::from_millis(250);
        loop {
            let started = Instant::now();
            tokio::select! {
                status = worker.child.wait() => self.report(status),
                () = until_stopped(&mut stopped) => return self.end(worker).await,
            }
            if started.elapsed() > STEADY {
                pause = Duration::from_millis(250);
            }
            worker = loop {
                tokio::select! {
                    () = sleep(pause) => {}
                    () = until_stopped(&mut stopped) => return,
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
                match self.spawn() {
                    Ok(worker) => break worker,
                    Err(error) => warn!(worker = %self, "{error:#}"),
                }
            };
        }
    }

    fn report(&self, status: std::io::Result<ExitStatus>) {
        match status {
            Ok(status) => warn!(worker = %self, %status, "a worker ended; starting it again"),
            Err(error) => warn!(worker = %self, %error, "a worker can't be waited for"),
        }
    }

    /// Closing standard input asks the worker to drain.
    async fn end(&self, mut worker: Running) {
        drop(worker.stdin.take());
        match timeout(self.launch.stop_timeout, worker.child.wait()).await {
            Ok(_) => info!(worker = %self, "stopped"),
            Err(_) => {
                warn!(worker = %self, "did not drain in time and was killed");
                if let Err(error) = worker.child.kill().await {
                    warn!(worker = %self, %error, "can't be killed");
                }
            }
        }
    }
}

impl std::fmt::Display for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.stage, self.number)
    }
}

async fn until_stopped(stopped: &mut watch::Receiver<bool>) {
    // The sender lives as long as the supervisor; if it is gone, so are we.
    let _ = stopped.wait_for(|&stop| stop).await;
}
