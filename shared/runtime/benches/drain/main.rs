//! How much the runtime costs: one worker with heartbeat, settle and tracing
//! drains no-op messages, beside a bare `aws-sdk-sqs` loop that receives and
//! deletes.
//!
//! `cargo bench -p millrace-runtime --bench drain`
//!
//! Contenders take turns in one run, each in a process of its own, so that the
//! CPU time and the peak memory are its own. They talk to an endpoint in yet
//! another process that answers at once; with `AWS_ENDPOINT_URL` set, to that
//! one. `DRAIN_MESSAGES`, `DRAIN_ROUNDS` and `DRAIN_LATENCY_MS` change the
//! rest.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod contenders;
mod endpoint;
mod measure;

use std::env;
use std::process::{Command, Stdio};

use measure::{Endpoint, Run, median};

const CONTENDERS: [&str; 3] = ["bare-1", "bare-4", "worker"];

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("serve") => endpoint::serve(&arguments[1]),
        Some("run") => contenders::run(&arguments[1], arguments[2].parse().unwrap()),
        _ => compare(),
    }
}

fn setting(name: &str, default: usize) -> usize {
    env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn compare() {
    let (messages, rounds) = (setting("DRAIN_MESSAGES", 100_000), setting("DRAIN_ROUNDS", 5));
    let mut runs: Vec<Vec<Run>> = vec![Vec::new(); CONTENDERS.len()];
    for _ in 0..rounds {
        for (contender, runs) in CONTENDERS.iter().zip(&mut runs) {
            runs.push(measured(contender, messages));
        }
    }
    println!("{messages} messages, medians of {rounds} rounds");
    println!(
        "{:<8} {:>9} {:>14} {:>13} {:>9} {:>10}",
        "", "msg/s", "CPU-s/100k msg", "requests/msg", "RSS MB", "start ms"
    );
    for (contender, runs) in CONTENDERS.iter().zip(&runs) {
        let of = |value: fn(&Run) -> f64| median(runs.iter().map(value));
        println!(
            "{contender:<8} {:>9.0} {:>14.2} {:>13.3} {:>9.1} {:>10.1}",
            of(|run| run.rate),
            of(|run| run.cpu_per_100k),
            of(|run| run.requests_per_message),
            of(|run| run.rss_mb),
            of(|run| run.start_ms),
        );
    }
    let bare = |round: usize| runs[0][round].rate.max(runs[1][round].rate);
    let ratio = median((0..rounds).map(|round| runs[2][round].rate / bare(round)));
    let cpu =
        median((0..rounds).map(|round| runs[0][round].cpu_per_100k / runs[2][round].cpu_per_100k));
    println!("worker / faster bare loop: {ratio:.2} of the rate; bare-1 / worker CPU: {cpu:.2}");
}

fn measured(contender: &str, messages: usize) -> Run {
    let endpoint = Endpoint::start(messages);
    let log = tempfile::tempfile().unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .args(["run", contender, &messages.to_string()])
        .env("AWS_ENDPOINT_URL", &endpoint.url)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stderr(Stdio::from(log))
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    assert!(output.status.success(), "{contender} failed");
    let mut run = Run::read(&String::from_utf8(output.stdout).unwrap(), messages);
    let (requests, first) = endpoint.stop();
    run.requests_per_message = requests as f64 / messages as f64;
    run.start_ms = first;
    run
}
