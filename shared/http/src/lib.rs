//! Plain HTTP/1.1 to what runs beside a worker (the agent of ECS, a telemetry
//! collector), and a port on which a worker answers who watches it.
//!
//! There is no TLS here: neither side of it leaves the machine or the task. AWS
//! is reached by its SDK, which brings its own client.

mod client;
mod server;

pub use client::{Answer, HttpError, send};
pub use hyper::Method;
pub use server::{Page, serve};
