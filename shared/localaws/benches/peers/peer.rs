//! An endpoint as a process of its own.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::client::Client;

/// A running endpoint. Dropping it kills it.
pub(crate) struct Peer {
    pub(crate) address: String,
    child: Child,
    _data: TempDir,
}

impl Peer {
    /// Starts it; answers how long it took until it answered.
    pub(crate) async fn start(command: &str) -> (Self, Duration) {
        let data = TempDir::new().unwrap();
        let port = free_port();
        let command = command
            .replace("{port}", &port.to_string())
            .replace("{data}", &data.path().display().to_string());
        let address = format!("127.0.0.1:{port}");
        let started = Instant::now();
        let child = Command::new("sh")
            .args(["-c", &format!("exec {command}")])
            .current_dir(data.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        while !answers(&address).await {
            assert!(started.elapsed() < Duration::from_secs(60), "`{command}` does not answer");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        (Self { address, child, _data: data }, started.elapsed())
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> usize {
        let id = self.child.id().unwrap();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap_or(0) * 1024
    }

    /// Kills it.
    pub(crate) async fn end(mut self) {
        self.child.kill().await.unwrap();
    }
}

async fn answers(address: &str) -> bool {
    match Client::try_connect(address).await {
        Some(mut client) => client.try_sqs("ListQueues", "{}").await.is_some(),
        None => false,
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
