//! The endpoint that is measured: the embedded one in a process of its own, or
//! one that runs already.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use millrace_localaws::{Config, Server};
use tempfile::TempDir;

use crate::options::Measure;

/// An endpoint.
pub(crate) struct Endpoint {
    pub(crate) url: String,
    /// The process to measure the memory of.
    pid: Option<u32>,
    own: Option<Own>,
}

struct Own {
    data: TempDir,
    child: Child,
}

impl Endpoint {
    /// The one that runs already, or one over an empty folder.
    pub(crate) fn start(options: &Measure) -> Self {
        if let Some(url) = &options.url {
            return Self { url: url.clone(), pid: options.pid, own: None };
        }
        let data = TempDir::new().unwrap();
        let (child, url) = spawn(data.path());
        Self { url, pid: Some(child.id()), own: Some(Own { data, child }) }
    }

    /// Kills it and starts it over the same folder; answers how long it took
    /// until it listened. Not done to one that ran already.
    pub(crate) fn restart(&mut self) -> Option<Duration> {
        let own = self.own.as_mut()?;
        own.stop();
        let started = Instant::now();
        let (child, url) = spawn(own.data.path());
        (self.pid, self.url, own.child) = (Some(child.id()), url, child);
        Some(started.elapsed())
    }

    /// Its resident memory in bytes, if its process is known.
    pub(crate) fn resident(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
    }
}

impl Own {
    fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Is the endpoint over `data` until it is killed.
pub(crate) async fn serve(data: PathBuf) {
    let mut config = Config::new(data);
    config.bind.set_port(0);
    let server = Server::start(config).await.unwrap();
    println!("{}", server.url());
    std::future::pending::<()>().await;
}

/// This program once more, as the endpoint.
fn spawn(data: &Path) -> (Child, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let mut child = command.arg("--serve").arg(data).stdout(Stdio::piped()).spawn().unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    (child, url.trim().to_owned())
}
