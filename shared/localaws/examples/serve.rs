//! Runs an endpoint until it is interrupted: `serve DATA [PORT]`. Prints its
//! URL on the first line.

#![allow(clippy::print_stdout)]

use std::error::Error;

use millrace_localaws::{Config, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut config = Config::new(arguments.next().ok_or("usage: serve DATA [PORT]")?);
    if let Some(port) = arguments.next() {
        config.bind.set_port(port.parse()?);
    }
    let server = Server::start(config).await?;
    println!("{}", server.url());
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(())
}
