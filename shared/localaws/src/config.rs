//! What an endpoint is started with.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::{Clock, FaultPlan};

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
    /// What it does wrong, on purpose.
    pub faults: FaultPlan,
    /// Keys that requests must be signed with. Without any, all credentials
    /// are taken, and none.
    pub keys: Vec<AccessKey>,
    /// Whether clock and faults can be driven over HTTP, under
    /// `/_millrace/control/`.
    pub control: bool,
    /// File that every call is added to with the permission it needs, a line of
    /// JSON each.
    pub trail: Option<PathBuf>,
    /// Program that ECS tasks run whose command is no program; `None` is the
    /// program that runs the endpoint.
    pub worker_program: Option<PathBuf>,
    /// Where what ECS tasks write goes.
    pub task_output: TaskOutput,
}

/// Where what ECS tasks write goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TaskOutput {
    /// Into files `<family>-<task id>.log` under `ecs/logs` in the data folder.
    #[default]
    Data,
    /// Into such files in this folder.
    Folder(PathBuf),
    /// To the standard error of the program that runs the endpoint.
    Stderr,
}

/// An access key that requests can be signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// As in `AWS_ACCESS_KEY_ID`.
    pub id: String,
    /// As in `AWS_SECRET_ACCESS_KEY`.
    pub secret: String,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
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
            faults: FaultPlan::default(),
            keys: Vec::new(),
            control: true,
            trail: None,
            worker_program: None,
            task_output: TaskOutput::default(),
        }
    }
}
