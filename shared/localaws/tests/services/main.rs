//! ECS, Secrets Manager, CloudWatch and STS, as their clients see them.

#![allow(clippy::unwrap_used)]

#[path = "../it/client.rs"]
#[allow(dead_code)]
mod client;

mod cloudwatch;
mod ecs;
mod secrets;
mod sts;
mod trail;
