//! What an endpoint is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::Clock;

/// Where an endpoint listens, keeps its state, and whom it says it belongs to.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address to listen on; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Folder of all state; created if there is none. One endpoint at a time
    /// may hold it.
    pub data: PathBuf,
    /// Region in ARNs. Requests signed for another region are answered too.
    pub region: String,
    /// Account in ARNs and queue URLs.
    pub account: String,
    /// The time it goes by.
    pub clock: Clock,
    /// Program that ECS tasks run whose command is no program; `None` is the
    /// program that runs the endpoint.
    pub worker_program: Option<PathBuf>,
    /// Folder of what ECS tasks write; `None` is `ecs/logs` in the data folder.
    pub task_logs: Option<PathBuf>,
}

impl Config {
    /// The port that local AWS endpoints customarily listen on.
    pub const PORT: u16 = 4566;

    /// An endpoint on `127.0.0.1:4566` in `us-east-1` whose state is in `data`.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, Self::PORT)),
            data: data.into(),
            region: "us-east-1".to_owned(),
            account: "000000000000".to_owned(),
            clock: Clock::system(),
            worker_program: None,
            task_logs: None,
        }
    }
}
