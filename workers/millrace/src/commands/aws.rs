//! `millrace aws`: the embedded AWS endpoint alone.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use millrace_localaws::{Config, Server};
use millrace_runtime::shutdown;

use crate::args::AwsArgs;
use crate::setup::folder;
use crate::show;

pub(super) async fn run(args: &AwsArgs) -> anyhow::Result<ExitCode> {
    let bind = match args.port {
        Some(port) => SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        None => args.bind,
    };
    let data = folder(&args.data)?;
    let mut config = Config::new(data.clone());
    config.bind = bind;
    let server = Server::start(config).await?;
    show::line(format!("endpoint {}", server.url()));
    show::note(format!("state in {}; Ctrl-C stops it", data.display()));
    shutdown::signal().await;
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}
