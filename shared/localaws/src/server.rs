//! The listener: starts, accepts connections, and stops without dropping an
//! answer.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tracing::{debug, warn};

use crate::background::Background;
use crate::endpoint::Endpoint;
use crate::faults::Faults;
use crate::{Config, StartError};

/// How long answers may still be written after [`Server::stop`].
const GRACE: Duration = Duration::from_secs(2);

/// A running endpoint. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    background: Background,
    endpoint: Arc<Endpoint>,
}

impl Server {
    /// Takes the data folder, reads the state back, and listens.
    ///
    /// # Errors
    /// [`StartError`] if the address or the data folder can't be used.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let background = Background::default();
        let listener = listen(config.bind).await?;
        let addr = listener
            .local_addr()
            .map_err(|source| StartError::Listen { address: config.bind, source })?;
        let endpoint = Arc::new(Endpoint::open(&config, addr, background.clone())?);
        background.spawn(accept(listener, Arc::clone(&endpoint), background.clone()));
        Ok(Self { addr, background, endpoint })
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What `AWS_ENDPOINT_URL` has to be, as in `http://127.0.0.1:4566`.
    pub fn url(&self) -> String {
        let mut reachable = self.addr;
        match reachable {
            SocketAddr::V4(v4) if v4.ip().is_unspecified() => {
                reachable.set_ip(Ipv4Addr::LOCALHOST.into());
            }
            SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
                reachable.set_ip(Ipv6Addr::LOCALHOST.into());
            }
            SocketAddr::V4(_) | SocketAddr::V6(_) => {}
        }
        format!("http://{reachable}")
    }

    /// What it does wrong on purpose.
    pub fn faults(&self) -> &Faults {
        self.endpoint.faults()
    }

    /// Ends the tasks of ECS, each within its stop timeout; then stops
    /// listening, ends waiting receives, lets answers under way be written, and
    /// gives the data folder back.
    pub async fn stop(self) {
        self.endpoint.stop_tasks().await;
        self.background.stop();
        self.background.ended().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.background.stop();
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse(address),
        _ => StartError::Listen { address, source },
    })
}

async fn accept(listener: TcpListener, endpoint: Arc<Endpoint>, background: Background) {
    loop {
        let accepted = tokio::select! {
            () = background.stopping() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                background.spawn(serve(stream, Arc::clone(&endpoint), background.clone()));
            }
            // Out of file descriptors, mostly: some are freed as clients leave.
            Err(error) => {
                warn!(%error, "can't accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, endpoint: Arc<Endpoint>, background: Background) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "can't set TCP_NODELAY");
    }
    let service = service_fn(|request| {
        let endpoint = Arc::clone(&endpoint);
        async move { endpoint.call(request).await }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = background.stopping() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(GRACE, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        debug!(%error, "connection ended early");
    }
}
