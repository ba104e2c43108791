//! Schedules on the embedded Scheduler.
#![allow(clippy::unwrap_used)]

mod firing;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use millrace_localaws::{Config, Server};
use millrace_retry::{Classify, FailureClass};
use millrace_timetable::{ScheduleSpec, Timetable};

struct World {
    _server: Server,
    timetable: Timetable,
    _folder: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(folder.path().join("aws"));
        config.bind.set_port(0);
        let server = Server::start(config).await.unwrap();
        let sdk = sdk(&server.url()).await;
        Self { timetable: Timetable::new(&sdk, "p"), _server: server, _folder: folder }
    }
}

async fn sdk(endpoint: &str) -> SdkConfig {
    aws_config::defaults(aws_config::BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(aws_config::Region::new("us-east-1"))
        .credentials_provider(Credentials::new("k", "s", None, None, "test"))
        .load()
        .await
}

fn spec(name: &str, expression: &str) -> ScheduleSpec {
    ScheduleSpec {
        name: name.into(),
        expression: expression.into(),
        timezone: "Australia/Canberra".into(),
        queue_arn: "arn:aws:sqs:us-east-1:000000000000:p-export".into(),
        role_arn: "arn:aws:iam::000000000000:role/r".into(),
        input: "{}".into(),
    }
}

#[tokio::test]
async fn the_group_has_the_schedules_it_is_to_have_and_no_others() {
    let world = World::start().await;
    assert_eq!(world.timetable.list().await.unwrap(), []);
    let (a, b) = (spec("a", "cron(0 2 * * ? *)"), spec("b", "rate(1 day)"));
    world.timetable.ensure(&[b.clone(), a.clone()]).await.unwrap();
    let listed = world.timetable.list().await.unwrap();
    let names: Vec<_> = listed.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(listed[0].timezone, "Australia/Canberra");
    assert_eq!((listed[0].target.as_str(), listed[0].input.as_str()), (a.queue_arn.as_str(), "{}"));
    assert!(listed.iter().all(|entry| entry.enabled));
    world.timetable.ensure(&[b]).await.unwrap();
    assert_eq!(world.timetable.list().await.unwrap().len(), 1);
    world.timetable.ensure(&[]).await.unwrap();
    assert_eq!(world.timetable.list().await.unwrap(), []);
}

#[tokio::test]
async fn turned_off_and_on_a_schedule_keeps_everything_else() {
    let world = World::start().await;
    world.timetable.ensure(&[spec("a", "cron(0 2 * * ? *)")]).await.unwrap();
    let before = world.timetable.get("a").await.unwrap().unwrap();
    assert!(world.timetable.set_enabled("a", false).await.unwrap().enabled, "what it was");
    let off = world.timetable.get("a").await.unwrap().unwrap();
    assert!(!off.enabled);
    assert_eq!((&off.expression, &off.timezone), (&before.expression, &before.timezone));
    assert_eq!((&off.target, &off.input), (&before.target, &before.input));
    world.timetable.ensure(&[spec("a", "rate(2 hours)")]).await.unwrap();
    let changed = world.timetable.get("a").await.unwrap().unwrap();
    assert_eq!((changed.expression.as_str(), changed.enabled), ("rate(2 hours)", false));
    world.timetable.set_enabled("a", true).await.unwrap();
    assert!(world.timetable.get("a").await.unwrap().unwrap().enabled);
    let error = world.timetable.set_enabled("nothing", true).await.unwrap_err();
    assert_eq!(error.class(), FailureClass::Missing);
}
