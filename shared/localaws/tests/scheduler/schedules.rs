//! Schedules and groups: created, shown, listed, changed, refused.

use aws_sdk_scheduler::error::ProvideErrorMetadata;
use aws_sdk_scheduler::types::{FlexibleTimeWindow, FlexibleTimeWindowMode, ScheduleState, Tag};

use crate::client::{Endpoint, QUEUE};
use crate::{off, schedule, scheduler, target};

#[tokio::test]
async fn a_schedule_is_shown_as_it_was_created_with_its_defaults() {
    let endpoint = Endpoint::start().await;
    let created = schedule(&endpoint, "s", "rate(1 hour)").description("d").send().await.unwrap();
    let arn = "arn:aws:scheduler:us-east-1:000000000000:schedule/default/s";
    assert_eq!(created.schedule_arn(), arn);
    let endpoint = endpoint.restart_after(std::time::Duration::ZERO).await;
    let shown = scheduler(&endpoint).get_schedule().name("s").send().await.unwrap();
    assert_eq!(shown.arn(), Some(arn));
    assert_eq!(shown.schedule_expression_timezone(), Some("UTC"));
    assert_eq!(shown.state(), Some(&ScheduleState::Enabled));
    assert_eq!(shown.group_name(), Some("default"));
    let retries = shown.target().unwrap().retry_policy().unwrap();
    assert_eq!(retries.maximum_retry_attempts(), Some(185));
    assert_eq!(retries.maximum_event_age_in_seconds(), Some(86400));
}

#[tokio::test]
async fn creating_twice_with_one_token_is_creating_once() {
    let endpoint = Endpoint::start().await;
    let create = |token: &str| schedule(&endpoint, "s", "rate(1 hour)").client_token(token);
    create("one").send().await.unwrap();
    create("one").send().await.unwrap();
    let conflict = create("two").send().await.unwrap_err().into_service_error();
    assert!(conflict.is_conflict_exception());
}

#[tokio::test]
async fn an_update_sets_everything_anew() {
    let endpoint = Endpoint::start().await;
    schedule(&endpoint, "s", "rate(1 hour)").description("d").send().await.unwrap();
    let update =
        scheduler(&endpoint).update_schedule().name("s").schedule_expression("rate(2 days)");
    let update = update.target(target(&format!("{QUEUE}b")).build().unwrap());
    update.flexible_time_window(off()).send().await.unwrap();
    let shown = scheduler(&endpoint).get_schedule().name("s").send().await.unwrap();
    assert_eq!(shown.description(), None);
    assert_eq!(shown.schedule_expression(), Some("rate(2 days)"));
    scheduler(&endpoint).delete_schedule().name("s").send().await.unwrap();
    let gone = scheduler(&endpoint).delete_schedule().name("s").send().await.unwrap_err();
    assert!(gone.into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn what_is_wrong_is_refused() {
    let endpoint = Endpoint::start().await;
    let window = |mode, minutes| {
        let window = FlexibleTimeWindow::builder().mode(mode);
        window.set_maximum_window_in_minutes(minutes).build().unwrap()
    };
    let create = |expression: &str| schedule(&endpoint, "s", expression);
    let to = |arn: &str| create("rate(1 hour)").target(target(arn).build().unwrap());
    let soon = aws_sdk_scheduler::primitives::DateTime::from_secs(1_000_000_000);
    for refused in [
        create("rate(1 fortnight)"),
        create("cron(0 0 * * * *)"),
        create("at(2026-13-01T00:00:00)"),
        create("rate(1 hour)").schedule_expression_timezone("Mars/Base"),
        create("rate(1 hour)").start_date(soon),
        create("rate(1 hour)").end_date(soon),
        create("rate(1 hour)").name("no spaces"),
        create("rate(1 hour)").flexible_time_window(window(FlexibleTimeWindowMode::Flexible, None)),
        create("rate(1 hour)").flexible_time_window(window(FlexibleTimeWindowMode::Off, Some(5))),
        create("rate(1 hour)")
            .flexible_time_window(window(FlexibleTimeWindowMode::Flexible, Some(1441))),
        to("queue"),
        to(&format!("{QUEUE}a.fifo")),
        to("arn:aws:events:us-east-1:000000000000:event-bus/default"),
        to("arn:aws:scheduler:::aws-sdk:sqs:sendMessage"),
    ] {
        let error = refused.send().await.unwrap_err();
        assert_eq!(error.code(), Some("ValidationException"), "{error:?}");
    }
    let nowhere = create("rate(1 hour)").group_name("none").send().await.unwrap_err();
    assert!(nowhere.into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn schedules_are_listed_by_group_prefix_state_and_page() {
    let endpoint = Endpoint::start().await;
    let client = scheduler(&endpoint);
    client.create_schedule_group().name("g").send().await.unwrap();
    for (name, group, state) in [
        ("a-1", "default", ScheduleState::Enabled),
        ("a-2", "default", ScheduleState::Disabled),
        ("b-1", "default", ScheduleState::Enabled),
        ("a-1", "g", ScheduleState::Enabled),
    ] {
        let create = schedule(&endpoint, name, "cron(0 0 1 1 ? *)").group_name(group);
        create.state(state).send().await.unwrap();
    }
    let all = client.list_schedules().send().await.unwrap();
    assert_eq!(all.schedules().len(), 4);
    let list = client.list_schedules().group_name("default").name_prefix("a-");
    assert_eq!(list.send().await.unwrap().schedules().len(), 2);
    let disabled = client.list_schedules().state(ScheduleState::Disabled).send().await.unwrap();
    assert_eq!(disabled.schedules()[0].name(), Some("a-2"));
    assert_eq!(disabled.schedules()[0].target().unwrap().arn(), format!("{QUEUE}a"));
    let first = client.list_schedules().max_results(3).send().await.unwrap();
    let rest = client.list_schedules().next_token(first.next_token().unwrap());
    assert_eq!(rest.send().await.unwrap().schedules().len(), 1);
    let none = client.list_schedules().group_name("none").send().await.unwrap_err();
    assert!(none.into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn a_group_goes_with_its_schedules() {
    let endpoint = Endpoint::start().await;
    let client = scheduler(&endpoint);
    let tag = |key: &str| Tag::builder().key(key).value("v").build().unwrap();
    let group = client.create_schedule_group().name("g").tags(tag("a")).send().await.unwrap();
    let arn = group.schedule_group_arn();
    client.tag_resource().resource_arn(arn).tags(tag("b")).send().await.unwrap();
    client.untag_resource().resource_arn(arn).tag_keys("a").send().await.unwrap();
    let tags = client.list_tags_for_resource().resource_arn(arn).send().await.unwrap();
    assert_eq!(tags.tags(), [tag("b")]);
    let groups = client.list_schedule_groups().send().await.unwrap();
    let names: Vec<_> = groups.schedule_groups().iter().filter_map(|group| group.name()).collect();
    assert_eq!(names, ["default", "g"]);
    schedule(&endpoint, "s", "rate(1 hour)").group_name("g").send().await.unwrap();
    client.delete_schedule_group().name("g").send().await.unwrap();
    let gone = client.get_schedule().name("s").group_name("g").send().await.unwrap_err();
    assert!(gone.into_service_error().is_resource_not_found_exception());
    let kept = client.delete_schedule_group().name("default").send().await.unwrap_err();
    assert_eq!(kept.code(), Some("ValidationException"));
}
