//! The embedded AWS endpoint: one HTTP listener that unmodified AWS SDKs and
//! the `aws` command line talk to, with its state in one folder.

mod answer;
mod arn;
mod clock;
mod config;
mod deliveries;
mod endpoint;
mod error;
mod folder;
mod page;
mod pattern;
mod query;
mod route;
mod s3;
mod server;
mod sink;
mod sns;
mod sqs;
mod sts;

pub use config::Config;
pub use error::StartError;
pub use server::Server;
