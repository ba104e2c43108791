//! Whether another implementation of Scheduler fires what is asked of it, by the real
//! clock: two minutes, so only by `tests/compare-schedules`.
#![allow(clippy::print_stderr, clippy::print_stdout)]

use std::time::Duration;

use chrono::{DateTime, FixedOffset, TimeDelta, Timelike, Utc};
use millrace_queue::{QueueSpec, Queues, Receive, Sqs};
use millrace_timetable::{ScheduleSpec, Timetable};

/// From the first schedule on; what is due in the next minute has fired by then, however
/// late in it and however seldom the peer looks.
const LONGEST: Duration = Duration::from_secs(150);

struct Peer {
    timetable: Timetable,
    queues: Sqs,
}

impl Peer {
    async fn spec(&self, name: &str, expression: String, timezone: &str) -> ScheduleSpec {
        // Not all take messages of a megabyte.
        let queue = QueueSpec { max_message_size: 256 * 1024, ..QueueSpec::new(name) };
        self.queues.ensure_queue(&queue).await.unwrap();
        ScheduleSpec {
            name: name.into(),
            expression,
            timezone: timezone.into(),
            queue_arn: self.queues.queue_arn(name).await.unwrap(),
            role_arn: "arn:aws:iam::000000000000:role/r".into(),
            input: format!("{{\"due\":\"{name}\"}}"),
        }
    }

    /// What has come to a queue by now.
    async fn come(&self, name: &str) -> Vec<String> {
        let queue = self.queues.queue(name).await.unwrap();
        let mut bodies = Vec::new();
        loop {
            let wait = Duration::from_secs(1);
            let request = Receive { max: 10, wait, visibility: Duration::from_secs(600) };
            let some = queue.receive(request).await.unwrap();
            if some.is_empty() {
                return bodies;
            }
            bodies.extend(some.into_iter().map(|message| message.body));
        }
    }
}

/// `at(…)` in UTC.
fn at(when: DateTime<Utc>) -> String {
    when.format("at(%Y-%m-%dT%H:%M:%S)").to_string()
}

/// `cron(…)` of the hour and minute of a wall clock.
fn daily(wall: &impl Timelike) -> String {
    format!("cron({} {} * * ? *)", wall.minute(), wall.hour())
}

#[tokio::test]
async fn scheduler_of_others_fires_what_is_due_and_nothing_else() {
    let Ok(endpoint) = std::env::var("MILLRACE_SCHEDULER_ENDPOINT") else {
        eprintln!("skipped: MILLRACE_SCHEDULER_ENDPOINT is not set; see tests/compare-schedules");
        return;
    };
    let sdk = crate::sdk(&endpoint).await;
    let peer = Peer { timetable: Timetable::new(&sdk, "p"), queues: Sqs::new(&sdk) };
    let begin = Utc::now();
    // Far enough for a peer that looks every ten seconds to have seen it before.
    let next = begin + TimeDelta::seconds(75);
    let elsewhere = next.with_timezone(&FixedOffset::east_opt(5 * 3_600 + 1_800).unwrap());
    let far = at(begin + TimeDelta::days(9));
    let mut specs = vec![
        peer.spec("p-rate", "rate(1 minute)".into(), "UTC").await,
        peer.spec("p-off", daily(&next), "UTC").await,
        peer.spec("p-cron", daily(&next), "UTC").await,
        peer.spec("p-zone", daily(&elsewhere), "Asia/Kolkata").await,
        peer.spec("p-at", at(begin + TimeDelta::seconds(20)), "UTC").await,
        peer.spec("p-far", far.clone(), "UTC").await,
        peer.spec("p-sooner", far, "UTC").await,
    ];
    peer.timetable.ensure(&specs).await.unwrap();
    peer.timetable.set_enabled("p-off", false).await.unwrap();
    specs[6].expression = at(begin + TimeDelta::seconds(30));
    peer.timetable.ensure(&specs).await.unwrap();
    tokio::time::sleep(LONGEST).await;

    let mut came = Vec::new();
    for spec in &specs {
        let bodies = peer.come(&spec.name).await;
        assert!(bodies.iter().all(|body| *body == spec.input), "{}: {bodies:?}", spec.name);
        println!("{:10} {:32} {}", spec.name, spec.expression, bodies.len());
        came.push(bodies.len());
    }
    let [rate, off, cron, zone, once, far, sooner] = came[..] else { panic!("{came:?}") };
    assert!((1..=3).contains(&rate), "every minute: {rate}");
    assert_eq!((cron, once, sooner), (1, 1, 1), "cron, at, and at that was changed");
    assert_eq!((off, far), (0, 0), "turned off, and not due");
    // The zone is the peer's affair: what it does is said.
    println!("time zones are {}", if zone == 1 { "kept" } else { "ignored" });
}
