//! The embedded endpoint beside others of its kind, in one run:
//! `tests/bench-aws`, or by hand
//!
//! ```text
//! cargo bench -p millrace-localaws --bench peers -- 'NAME=COMMAND with {port} and {data}' …
//! ```
//!
//! Each is started as a process of its own, asked over bare connections so that
//! it is measured and not an SDK, and ended before the next one starts. Every
//! measurement ends after `SECONDS_EACH` (default 15) at the latest, filling a queue
//! after four times that; what was not reached is said. `BACKLOGS` (default
//! `100,100000,1000000`) are the queue lengths.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod client;
mod peer;
mod s3;
mod sqs;

use std::time::Duration;

use crate::peer::Peer;

/// Names of what is measured, in order, with the values of one peer.
type Results = Vec<(String, String)>;

fn main() {
    let peers: Vec<String> = std::env::args().skip(1).filter(|word| word.contains('=')).collect();
    assert!(!peers.is_empty(), "name peers as 'NAME=COMMAND with {{port}} and {{data}}'");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut columns = Vec::new();
    for peer in &peers {
        let (name, command) = peer.split_once('=').unwrap();
        columns.push((name.to_owned(), runtime.block_on(measure(name, command))));
    }
    print(&columns);
}

async fn measure(name: &str, command: &str) -> Results {
    let mut results = Results::new();
    let mut note = |what: &str, value: String| {
        println!("{name}: {what}: {value}");
        results.push((what.to_owned(), value));
    };
    let (peer, started) = Peer::start(command).await;
    note("start until the first answer", format!("{} ms", started.as_millis()));
    note("memory when idle", format!("{:.0} MB", peer.resident() as f64 / 1e6));
    sqs::measure(&peer, &mut note).await;
    s3::measure(&peer, &mut note).await;
    note("memory at the end", format!("{:.0} MB", peer.resident() as f64 / 1e6));
    peer.end().await;
    results
}

fn print(columns: &[(String, Results)]) {
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    println!("\n| | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len()));
    for (at, (what, _)) in columns[0].1.iter().enumerate() {
        let values: Vec<&str> = columns
            .iter()
            .map(|(_, results)| results.get(at).map_or("-", |(_, value)| value.as_str()))
            .collect();
        println!("| {what} | {} |", values.join(" | "));
    }
}

/// How long one measurement may take.
fn limit() -> Duration {
    let seconds = std::env::var("SECONDS_EACH").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(15))
}
