//! When schedules fire. The clock starts at 2026-11-21T10:00:00Z.

use aws_sdk_scheduler::primitives::DateTime;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, FlexibleTimeWindow, FlexibleTimeWindowMode, ScheduleState,
};

use crate::client::{Endpoint, HOUR, MINUTE};
use crate::{due, off, schedule, scheduler};

fn at(text: &str) -> DateTime {
    DateTime::from_str(text, aws_sdk_scheduler::primitives::DateTimeFormat::DateTime).unwrap()
}

#[tokio::test]
async fn a_rate_fires_at_once_and_again() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    schedule(&endpoint, "s", "rate(10 minutes)").send().await.unwrap();
    assert_eq!(due(&endpoint, &queue, 1).await, ["2026-11-21T10:00:00Z"]);
    endpoint.clock.advance(20 * MINUTE);
    let twice = ["2026-11-21T10:10:00Z", "2026-11-21T10:20:00Z"];
    assert_eq!(due(&endpoint, &queue, 2).await, twice);
}

#[tokio::test]
async fn a_cron_expression_follows_the_wall_clock_of_its_zone() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    let create = schedule(&endpoint, "s", "cron(0 9 * * ? *)");
    create.schedule_expression_timezone("America/New_York").send().await.unwrap();
    endpoint.clock.advance(24 * HOUR);
    assert_eq!(due(&endpoint, &queue, 1).await, ["2026-11-21T14:00:00Z"]);
}

#[tokio::test]
async fn a_schedule_that_fires_once_can_delete_itself() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    for (name, action) in
        [("goes", ActionAfterCompletion::Delete), ("stays", ActionAfterCompletion::None)]
    {
        let create = schedule(&endpoint, name, "at(2026-11-21T11:30:00)");
        let create = create.schedule_expression_timezone("Europe/Berlin");
        create.action_after_completion(action).send().await.unwrap();
    }
    endpoint.clock.advance(29 * MINUTE);
    assert_eq!(endpoint.depth(&queue).await, 0);
    endpoint.clock.advance(MINUTE);
    assert_eq!(due(&endpoint, &queue, 2).await, ["2026-11-21T10:30:00Z"; 2]);
    let deadline = std::time::Instant::now() + MINUTE / 6;
    while scheduler(&endpoint).get_schedule().name("goes").send().await.is_ok() {
        assert!(std::time::Instant::now() < deadline, "it is still there");
    }
    scheduler(&endpoint).get_schedule().name("stays").send().await.unwrap();
    endpoint.clock.advance(48 * HOUR);
    assert_eq!(endpoint.depth(&queue).await, 0, "once is once");
}

#[tokio::test]
async fn a_schedule_fires_between_its_dates() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    let create = schedule(&endpoint, "s", "rate(1 hour)");
    let create = create.start_date(at("2026-11-21T12:15:00Z"));
    create.end_date(at("2026-11-21T14:00:00Z")).send().await.unwrap();
    schedule(&endpoint, "last", "at(2026-11-21T23:00:00)").send().await.unwrap();
    endpoint.clock.advance(24 * HOUR);
    let expected = ["2026-11-21T12:15:00Z", "2026-11-21T13:15:00Z", "2026-11-21T23:00:00Z"];
    assert_eq!(due(&endpoint, &queue, 3).await, expected);
}

#[tokio::test]
async fn a_flexible_schedule_fires_within_its_window() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Flexible);
    let window = window.maximum_window_in_minutes(30).build().unwrap();
    let create = schedule(&endpoint, "s", "at(2026-11-21T11:00:00)");
    create.flexible_time_window(window).send().await.unwrap();
    endpoint.clock.advance(HOUR - MINUTE);
    assert_eq!(endpoint.depth(&queue).await, 0);
    endpoint.clock.advance(31 * MINUTE);
    assert_eq!(due(&endpoint, &queue, 1).await, ["2026-11-21T11:00:00Z"]);
}

#[tokio::test]
async fn a_schedule_that_is_disabled_does_not_fire() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    schedule(&endpoint, "s", "at(2026-11-21T11:00:00)").send().await.unwrap();
    let before = scheduler(&endpoint).get_schedule().name("s").send().await.unwrap();
    let update = scheduler(&endpoint).update_schedule().name("s").flexible_time_window(off());
    let update = update.schedule_expression("at(2026-11-21T11:00:00)");
    let update = update.target(before.target.unwrap()).state(ScheduleState::Disabled);
    update.send().await.unwrap();
    schedule(&endpoint, "beside", "at(2026-11-21T12:00:00)").send().await.unwrap();
    endpoint.clock.advance(2 * HOUR);
    assert_eq!(due(&endpoint, &queue, 1).await, ["2026-11-21T12:00:00Z"]);
}

#[tokio::test]
async fn what_was_missed_is_fired_once_if_it_is_not_too_old() {
    let endpoint = Endpoint::start().await;
    let queue = endpoint.queue("a").await;
    schedule(&endpoint, "often", "cron(0/10 * * * ? *)").send().await.unwrap();
    schedule(&endpoint, "old", "at(2026-11-21T10:30:00)").send().await.unwrap();
    let endpoint = endpoint.restart_after(25 * HOUR).await;
    assert_eq!(due(&endpoint, &queue, 1).await, ["2026-11-22T11:00:00Z"]);
    endpoint.clock.advance(10 * MINUTE);
    assert_eq!(due(&endpoint, &queue, 1).await, ["2026-11-22T11:10:00Z"]);
}
