//! Queues: there, with a dead-letter queue that outlives them, and what a worker
//! asks of them allowed.

use aws_config::SdkConfig;
use millrace_pipeline::{Plan, PlannedQueue};
use millrace_queue::{Permission, QueueFacts, Sqs};

use super::Findings;
use super::remedy::of_queue;

/// The key of SQS that AWS manages, whose policy nobody can change: S3, SNS and
/// EventBridge can't use it. ("Key management" in the Amazon SQS Developer Guide.)
const AWS_MANAGED_KEY: &str = "alias/aws/sqs";

/// Looks at every queue of the plan.
pub(super) async fn check(findings: &mut Findings, aws: &SdkConfig, plan: &Plan) {
    let sqs = Sqs::new(aws);
    for planned in &plan.queues {
        let announced = plan.notifications.iter().any(|other| other.queue == planned.name);
        let source = sqs.inspect(&planned.name).await;
        let dead_letters = sqs.inspect(&planned.dead_letter_queue).await;
        match (source, dead_letters) {
            (Ok(source), Ok(dead_letters)) => {
                check_settings(findings, planned, &source, &dead_letters, announced);
                check_permissions(findings, &sqs, planned).await;
            }
            (source, dead_letters) => {
                for (name, looked) in
                    [(&planned.name, source), (&planned.dead_letter_queue, dead_letters)]
                {
                    if let Err(error) = looked {
                        findings.broken("queue", name, error.to_string(), of_queue(&error));
                    }
                }
            }
        }
    }
}

fn check_settings(
    findings: &mut Findings,
    planned: &PlannedQueue,
    source: &QueueFacts,
    dead_letters: &QueueFacts,
    announced: bool,
) {
    let name = &planned.name;
    let problems = [
        redrive_problem(planned, source, dead_letters),
        retention_problem(source, dead_letters),
        key_problem(source, announced),
        visibility_problem(planned, source),
    ];
    let mut sound = true;
    for (is_broken, seen, remedy) in problems.into_iter().flatten() {
        sound = false;
        match is_broken {
            true => findings.broken("queue", name, seen, remedy),
            false => findings.doubtful("queue", name, seen, remedy),
        }
    }
    if sound {
        let seen = format!(
            "visibility {} s, dead letters after {} receives to {}, kept {} days there",
            source.visibility.as_secs(),
            planned.max_receive_count,
            planned.dead_letter_queue,
            dead_letters.retention.as_secs() / 86_400,
        );
        findings.good("queue", name, seen);
    }
}

/// Whether it is broken, what was seen, what to do.
type Problem = Option<(bool, String, String)>;

fn redrive_problem(
    planned: &PlannedQueue,
    source: &QueueFacts,
    dead_letters: &QueueFacts,
) -> Problem {
    let policy = format!(
        "set its redrive policy to {{\"deadLetterTargetArn\": \"{}\", \"maxReceiveCount\": {}}}",
        dead_letters.arn, planned.max_receive_count
    );
    let Some((target, count)) = &source.redrive else {
        let seen = "it has no dead-letter queue: what kills its worker goes round for ever";
        return Some((true, seen.to_owned(), policy));
    };
    if *target != dead_letters.arn {
        return Some((true, format!("its dead letters go to {target}"), policy));
    }
    let planned = planned.max_receive_count;
    (*count != planned).then(|| {
        let seen = format!("SQS dead-letters after {count} receives, workers after {planned}");
        (*count < planned, seen, policy)
    })
}

/// A message keeps its age when SQS moves it, so a dead-letter queue has to keep
/// messages for longer.
fn retention_problem(source: &QueueFacts, dead_letters: &QueueFacts) -> Problem {
    (dead_letters.retention <= source.retention).then(|| {
        let hours = |facts: &QueueFacts| facts.retention.as_secs() / 3600;
        let seen = format!(
            "messages are kept for {} h, dead letters for {} h, their age in the first included",
            hours(source),
            hours(dead_letters)
        );
        let remedy = "set the dead-letter queue's MessageRetentionPeriod to 1209600 (14 days)";
        (true, seen, remedy.to_owned())
    })
}

fn key_problem(source: &QueueFacts, announced: bool) -> Problem {
    let key = source.key.as_deref().filter(|key| announced && key.ends_with(AWS_MANAGED_KEY))?;
    let seen = format!("encrypted with {key}, which S3 and EventBridge can't use");
    let remedy = "use SQS's own encryption (SSE-SQS) or a key of yours that lets them \
                  `kms:GenerateDataKey` and `kms:Decrypt`";
    Some((true, seen, remedy.to_owned()))
}

fn visibility_problem(planned: &PlannedQueue, source: &QueueFacts) -> Problem {
    let (found, wanted) = (source.visibility.as_secs(), u64::from(planned.visibility_seconds));
    (found != wanted).then(|| {
        let seen = format!("visibility {found} s, {wanted} s in the pipeline file");
        (false, seen, "workers use the pipeline file's; apply the plan again".to_owned())
    })
}

async fn check_permissions(findings: &mut Findings, sqs: &Sqs, planned: &PlannedQueue) {
    let (mut untried, mut denied) = (Vec::new(), Vec::new());
    for permission in Permission::ALL {
        match sqs.may(&planned.name, permission).await {
            Ok(Some(())) => {}
            Ok(None) => untried.push(permission.action()),
            Err(error) => denied.push(format!("{}: {error}", permission.action())),
        }
    }
    if let Err(error) = sqs.may(&planned.dead_letter_queue, Permission::Send).await {
        denied.push(format!(
            "{} ({}): {error}",
            Permission::Send.action(),
            planned.dead_letter_queue
        ));
    }
    if !denied.is_empty() {
        let remedy = "grant them to the role; `millrace plan -o json` lists what each stage needs";
        return findings.broken("access", &planned.name, denied.join("; "), remedy);
    }
    let seen = match untried.is_empty() {
        true => "receive, send, delete and change visibility".to_owned(),
        false => {
            format!("{} not tried, since messages wait; the others allowed", untried.join(", "))
        }
    };
    findings.good("access", &planned.name, seen);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn facts(arn: &str, days: u64) -> QueueFacts {
        QueueFacts {
            arn: arn.to_owned(),
            visibility: Duration::from_secs(60),
            retention: Duration::from_secs(days * 86_400),
            redrive: Some(("arn:dlq".to_owned(), 5)),
            key: None,
            policy: None,
        }
    }

    fn planned() -> PlannedQueue {
        PlannedQueue {
            stage: millrace_contract::StageName::Load,
            name: "shop-load".to_owned(),
            dead_letter_queue: "shop-load-dlq".to_owned(),
            visibility_seconds: 60,
            retention_seconds: 345_600,
            dead_letter_retention_seconds: 1_209_600,
            max_receive_count: 5,
        }
    }

    #[test]
    fn a_queue_as_it_should_be_has_no_problem() {
        let (source, dead_letters) = (facts("arn:q", 4), facts("arn:dlq", 14));
        assert_eq!(redrive_problem(&planned(), &source, &dead_letters), None);
        assert_eq!(retention_problem(&source, &dead_letters), None);
        assert_eq!(key_problem(&source, true), None);
        assert_eq!(visibility_problem(&planned(), &source), None);
    }

    #[test]
    fn a_redrive_to_nowhere_elsewhere_or_too_early_is_broken_and_too_late_is_doubtful() {
        let dead_letters = facts("arn:dlq", 14);
        let health = |redrive: Option<(&str, u32)>| {
            let mut source = facts("arn:q", 4);
            source.redrive = redrive.map(|(arn, count)| (arn.to_owned(), count));
            redrive_problem(&planned(), &source, &dead_letters).map(|(broken, _, _)| broken)
        };
        assert_eq!(health(None), Some(true));
        assert_eq!(health(Some(("arn:other", 5))), Some(true));
        assert_eq!(health(Some(("arn:dlq", 2))), Some(true));
        assert_eq!(health(Some(("arn:dlq", 9))), Some(false));
    }

    #[test]
    fn dead_letters_have_to_be_kept_longer_than_messages() {
        assert!(retention_problem(&facts("arn:q", 4), &facts("arn:dlq", 4)).is_some());
    }

    #[test]
    fn a_key_that_s3_can_not_use_is_broken_where_s3_sends() {
        let mut source = facts("arn:q", 4);
        source.key = Some("alias/aws/sqs".to_owned());
        assert!(key_problem(&source, true).is_some());
        assert_eq!(key_problem(&source, false), None);
        source.key = Some("arn:aws:kms:us-east-1:1:key/1".to_owned());
        assert_eq!(key_problem(&source, true), None);
    }
}
