//! Schedules as the unmodified SDK sees them.

#![allow(clippy::unwrap_used)]

#[path = "../events/client.rs"]
mod client;
mod firing;
mod schedules;
mod targets;

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::operation::create_schedule::builders::CreateScheduleFluentBuilder;
use aws_sdk_scheduler::types::builders::TargetBuilder;
use aws_sdk_scheduler::types::{FlexibleTimeWindow, FlexibleTimeWindowMode, Target};

use crate::client::{Endpoint, QUEUE};

fn scheduler(endpoint: &Endpoint) -> Client {
    Client::new(&endpoint.sdk)
}

fn target(arn: &str) -> TargetBuilder {
    Target::builder().arn(arn).role_arn("arn:aws:iam::000000000000:role/scheduler")
}

/// A schedule for the queue `a` that says when it was due.
fn schedule(endpoint: &Endpoint, name: &str, expression: &str) -> CreateScheduleFluentBuilder {
    let input = r#"{"due": "<aws.scheduler.scheduled-time>"}"#;
    let target = target(&format!("{QUEUE}a")).input(input).build().unwrap();
    let create = scheduler(endpoint).create_schedule().name(name).schedule_expression(expression);
    create.target(target).flexible_time_window(off())
}

fn off() -> FlexibleTimeWindow {
    FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build().unwrap()
}

/// When the schedules were due whose messages these are, in order.
async fn due(endpoint: &Endpoint, queue: &str, count: usize) -> Vec<String> {
    let messages = endpoint.take_json(queue, count).await;
    let due = |message: &serde_json::Value| message["due"].as_str().unwrap().to_owned();
    let mut due: Vec<_> = messages.iter().map(due).collect();
    due.sort_unstable();
    due
}
