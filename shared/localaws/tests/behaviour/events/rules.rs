//! Rules and their targets.

use super::to;
use crate::aws::Aws;
use crate::refusal::refused;

/// A rule that is disabled matches no events. (DisableRule)
#[tokio::test]
async fn a_disabled_rule_matches_nothing() {
    let aws = Aws::start().await;
    let (queue, other) = (aws.queue(&[]).await, aws.queue(&[]).await);
    let rule = aws.rule_to(&queue).await;
    aws.events.disable_rule().name(&rule.name).send().await.unwrap();
    let pattern = serde_json::json!({"source": [rule.source]}).to_string();
    let witness = crate::aws::unique("rule");
    aws.events.put_rule().name(&witness).event_pattern(pattern).send().await.unwrap();
    let request = aws.events.put_targets().rule(&witness).targets(to(&other).build().unwrap());
    request.send().await.unwrap();
    aws.put_event(&rule.source, &serde_json::json!({})).await;
    aws.receive_one(&other).await;
    assert!(aws.receive(&queue).await.is_empty());
}

/// A rule is deleted after its targets were removed; before, it is refused.
/// (DeleteRule)
#[tokio::test]
async fn a_rule_is_deleted_after_its_targets() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let rule = aws.rule_to(&queue).await;
    let delete = || aws.events.delete_rule().name(&rule.name).send();
    assert_eq!(refused(delete().await), "ValidationException");
    let request = aws.events.remove_targets().rule(&rule.name).ids("queue");
    request.send().await.unwrap();
    delete().await.unwrap();
    let describe = aws.events.describe_rule().name(&rule.name).send().await;
    assert_eq!(refused(describe), "ResourceNotFoundException");
}

/// Deleting a rule that is not there succeeds. (DeleteRule)
#[tokio::test]
async fn deleting_a_rule_twice_is_no_error() {
    let aws = Aws::start().await;
    let rule = aws.rule().await;
    for _ in 0..2 {
        aws.events.delete_rule().name(&rule.name).send().await.unwrap();
    }
}

/// Putting a rule of a name that is there replaces it, and targets of an id that
/// is there update it. (PutRule; PutTargets)
#[tokio::test]
async fn a_rule_and_its_targets_are_replaced() {
    let aws = Aws::start().await;
    let (first, second) = (aws.queue(&[]).await, aws.queue(&[]).await);
    let rule = aws.rule_to(&first).await;
    let request = aws.events.put_rule().name(&rule.name).schedule_expression("rate(1 day)");
    request.send().await.unwrap();
    let described = aws.events.describe_rule().name(&rule.name).send().await.unwrap();
    assert_eq!(
        (described.event_pattern(), described.schedule_expression()),
        (None, Some("rate(1 day)"))
    );
    aws.target(&rule, to(&second).build().unwrap()).await;
    let targets = aws.events.list_targets_by_rule().rule(&rule.name).send().await.unwrap();
    let arns: Vec<_> = targets.targets().iter().map(|target| &target.arn).collect();
    assert_eq!(arns, [&second.arn]);
}

/// A schedule expression that is none is refused. (PutRule; EventBridge User
/// Guide, Schedule expressions)
#[tokio::test]
async fn a_bad_schedule_is_refused() {
    let aws = Aws::start().await;
    let request = aws.events.put_rule().name(crate::aws::unique("rule"));
    let answer = request.schedule_expression("rate(1 minutes ago)").send().await;
    assert_eq!(refused(answer), "ValidationException");
}

/// Targets for a rule that is not there are `ResourceNotFoundException`.
/// (PutTargets)
#[tokio::test]
async fn targets_need_a_rule() {
    let aws = Aws::start().await;
    let queue = aws.queue(&[]).await;
    let request = aws.events.put_targets().rule(crate::aws::unique("nowhere"));
    let answer = request.targets(to(&queue).build().unwrap()).send().await;
    assert_eq!(refused(answer), "ResourceNotFoundException");
}
