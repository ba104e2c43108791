//! Why an endpoint did not start, and what to do about it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

/// An endpoint could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// Something else listens on the address.
    #[error(
        "port {} of `{}` is in use; stop what listens there or choose another port with `--port`",
        .0.port(), .0.ip()
    )]
    PortInUse(SocketAddr),
    /// The address can't be listened on.
    #[error("can't listen on `{address}`: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Another endpoint holds the data folder.
    #[error(
        "another endpoint uses the data folder `{}`; stop it or choose another folder with `--data`",
        .0.display()
    )]
    FolderInUse(PathBuf),
    /// The file of the trail can't be written.
    #[error("calls can't be written to `{}`: {source}; choose another file with `--trail`", path.display())]
    Trail {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The data folder can't be created, read or written.
    #[error(
        "the data folder `{}` can't be used: {source}; make it writable or choose another with `--data`",
        path.display()
    )]
    Folder {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
