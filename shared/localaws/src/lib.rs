//! The embedded AWS endpoint: one HTTP listener that unmodified AWS SDKs and
//! the `aws` command line talk to, with its state in one folder.

mod arn;
mod clock;
mod config;
mod error;
mod folder;
mod route;
mod s3;
mod server;
mod sink;

pub use config::Config;
pub use error::StartError;
pub use server::Server;
