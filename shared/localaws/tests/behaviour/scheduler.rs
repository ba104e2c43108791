//! Amazon EventBridge Scheduler.

use std::time::Duration;

use aws_sdk_scheduler::operation::create_schedule::builders::CreateScheduleFluentBuilder;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, FlexibleTimeWindow, FlexibleTimeWindowMode, ScheduleState, Target,
};

use crate::aws::{Aws, unique};
use crate::eventually::eventually;
use crate::queue::Queue;
use crate::refusal::refused;

impl Aws {
    /// A schedule that sends `fired` to a queue.
    fn schedule(&self, name: &str, expression: &str, queue: &Queue) -> CreateScheduleFluentBuilder {
        let role = "arn:aws:iam::000000000000:role/scheduler";
        let target = Target::builder().arn(&queue.arn).role_arn(role).input("fired");
        let exactly = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off);
        let request = self.scheduler.create_schedule().name(name);
        let request = request.schedule_expression(expression).target(target.build().unwrap());
        request.flexible_time_window(exactly.build().unwrap())
    }

    /// A one-time expression for some seconds from now.
    fn soon(&self, seconds: i64) -> String {
        let time = chrono::DateTime::from_timestamp(self.now() + seconds, 0).unwrap();
        format!("at({})", time.format("%Y-%m-%dT%H:%M:%S"))
    }
}

/// A one-time schedule sends its input to its target at its time, once, and
/// stays. (CreateSchedule, ScheduleExpression)
#[tokio::test]
async fn a_one_time_schedule_fires_once() {
    let aws = Aws::start().await;
    let (queue, name) = (aws.queue(&[]).await, unique("schedule"));
    aws.schedule(&name, &aws.soon(2), &queue).send().await.unwrap();
    aws.pass(Duration::from_secs(3)).await;
    assert_eq!(aws.receive_one(&queue).await.body(), Some("fired"));
    aws.scheduler.get_schedule().name(&name).send().await.unwrap();
    assert!(aws.receive(&queue).await.is_empty());
}

/// With the action `DELETE` a one-time schedule is deleted after it fired.
/// (CreateSchedule, ActionAfterCompletion)
#[tokio::test]
async fn a_schedule_can_delete_itself() {
    let aws = Aws::start().await;
    let (queue, name) = (aws.queue(&[]).await, unique("schedule"));
    let request = aws.schedule(&name, &aws.soon(2), &queue);
    request.action_after_completion(ActionAfterCompletion::Delete).send().await.unwrap();
    aws.pass(Duration::from_secs(3)).await;
    assert_eq!(aws.receive_one(&queue).await.body(), Some("fired"));
    let (aws, name) = (&aws, &name);
    let gone = eventually(|| async move {
        let got = aws.scheduler.get_schedule().name(name).send().await;
        got.is_err().then(|| refused(got))
    })
    .await;
    assert_eq!(gone, "ResourceNotFoundException");
}

/// A recurring schedule fires each time its rate has passed. (CreateSchedule,
/// ScheduleExpression)
#[tokio::test]
async fn a_rate_fires_again_and_again() {
    let aws = Aws::start().await;
    let minute = Duration::from_secs(60);
    if !aws.can_pass(minute) {
        return;
    }
    let (queue, name) = (aws.queue(&[]).await, unique("schedule"));
    aws.schedule(&name, "rate(1 minute)", &queue).send().await.unwrap();
    for _ in 0..2 {
        aws.pass(minute).await;
        let message = aws.receive_one(&queue).await;
        aws.delete(&queue, &message).await;
    }
}

/// A cron expression is evaluated in the time zone of its schedule.
/// (CreateSchedule, ScheduleExpressionTimezone)
#[tokio::test]
async fn a_cron_expression_has_a_time_zone() {
    let aws = Aws::start().await;
    let day = Duration::from_secs(86_400);
    if !aws.can_pass(day) {
        return;
    }
    let (queue, name) = (aws.queue(&[]).await, unique("schedule"));
    let request = aws.schedule(&name, "cron(0 9 * * ? *)", &queue);
    request.schedule_expression_timezone("Asia/Kolkata").send().await.unwrap();
    // Half past three in the morning, UTC.
    let until = (3 * 3600 + 1800 - aws.now()).rem_euclid(86_400);
    aws.pass(Duration::from_secs(u64::try_from(until).unwrap()).saturating_sub(day / 1440)).await;
    assert!(aws.receive(&queue).await.is_empty());
    aws.pass(day / 720).await;
    aws.receive_one(&queue).await;
}

/// A schedule is returned as it was created: expression, time zone, state, the
/// action after completion (`NONE` by default), target, window. (GetSchedule)
#[tokio::test]
async fn a_schedule_is_kept_as_it_was_created() {
    let aws = Aws::start().await;
    let (queue, name) = (aws.queue(&[]).await, unique("schedule"));
    let request = aws.schedule(&name, "cron(0 9 * * ? *)", &queue).description("daily");
    let request = request.schedule_expression_timezone("Europe/Paris");
    request.state(ScheduleState::Disabled).send().await.unwrap();
    let kept = aws.scheduler.get_schedule().name(&name).send().await.unwrap();
    assert_eq!(kept.schedule_expression(), Some("cron(0 9 * * ? *)"));
    assert_eq!(kept.schedule_expression_timezone(), Some("Europe/Paris"));
    assert_eq!(kept.state(), Some(&ScheduleState::Disabled));
    assert_eq!(kept.action_after_completion(), Some(&ActionAfterCompletion::None));
    assert_eq!((kept.group_name(), kept.description()), (Some("default"), Some("daily")));
    assert_eq!(kept.target.unwrap().arn, queue.arn);
}

/// An update sets what it does not name back to its default. (UpdateSchedule)
#[tokio::test]
async fn an_update_replaces_the_whole_schedule() {
    let aws = Aws::start().await;
    let (queue, name) = (aws.queue(&[]).await, unique("schedule"));
    let request = aws.schedule(&name, "rate(1 day)", &queue).description("daily");
    request.state(ScheduleState::Disabled).send().await.unwrap();
    let kept = aws.scheduler.get_schedule().name(&name).send().await.unwrap();
    let request = aws.scheduler.update_schedule().name(&name).schedule_expression("rate(2 days)");
    let request =
        request.set_target(kept.target).set_flexible_time_window(kept.flexible_time_window);
    request.send().await.unwrap();
    let kept = aws.scheduler.get_schedule().name(&name).send().await.unwrap();
    assert_eq!(kept.state(), Some(&ScheduleState::Enabled));
    assert_eq!(kept.description().unwrap_or_default(), "");
    assert_eq!(kept.schedule_expression(), Some("rate(2 days)"));
}

/// A schedule of a name that its group has is a `ConflictException`.
/// (CreateSchedule)
#[tokio::test]
async fn a_name_is_taken_once_in_a_group() {
    let aws = Aws::start().await;
    let (queue, name) = (aws.queue(&[]).await, unique("schedule"));
    aws.schedule(&name, "rate(1 day)", &queue).send().await.unwrap();
    let again = aws.schedule(&name, "rate(1 day)", &queue).send().await;
    assert_eq!(refused(again), "ConflictException");
}

/// An expression or a time zone that is none is a `ValidationException`.
/// (CreateSchedule)
#[tokio::test]
async fn expressions_and_time_zones_are_validated() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let expression = aws.schedule(&unique("s"), "every day", &queue).send().await;
    assert_eq!(refused(expression), "ValidationException");
    let request = aws.schedule(&unique("s"), "rate(1 day)", &queue);
    let zone = request.schedule_expression_timezone("Mars/Olympus").send().await;
    assert_eq!(refused(zone), "ValidationException");
}

/// Deleting a group deletes the schedules in it. (DeleteScheduleGroup)
#[tokio::test]
async fn a_group_is_deleted_with_its_schedules() {
    let aws = Aws::start().await;
    let (queue, name, group) = (aws.queue(&[]).await, unique("schedule"), unique("group"));
    aws.scheduler.create_schedule_group().name(&group).send().await.unwrap();
    let request = aws.schedule(&name, "rate(1 day)", &queue).group_name(&group);
    request.send().await.unwrap();
    let list = aws.scheduler.list_schedules().group_name(&group).send().await.unwrap();
    assert_eq!(list.schedules[0].name(), Some(&*name));
    aws.scheduler.delete_schedule_group().name(&group).send().await.unwrap();
    let (aws, name, group) = (&aws, &name, &group);
    let gone = eventually(|| async move {
        let request = aws.scheduler.get_schedule().name(name).group_name(group);
        let got = request.send().await;
        got.is_err().then(|| refused(got))
    })
    .await;
    assert_eq!(gone, "ResourceNotFoundException");
}

/// A schedule in a group that is not there is a `ResourceNotFoundException`.
/// (CreateSchedule)
#[tokio::test]
async fn a_schedule_needs_its_group() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let request = aws.schedule(&unique("s"), "rate(1 day)", &queue).group_name(unique("nowhere"));
    assert_eq!(refused(request.send().await), "ResourceNotFoundException");
}
