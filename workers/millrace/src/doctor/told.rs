//! Who is told: the topic of alerts and the bus of events, reached and allowed, by
//! requests that neither delivers anything for.

use aws_config::SdkConfig;
use millrace_notify::{EventBridge, Sns, SnsTopic, Subscribers};
use millrace_pipeline::Pipeline;

use super::Findings;
use super::access::Account;
use super::remedy::of_request;
use crate::telling::topic_arn;

/// Looks at the topic and the bus, as far as the pipeline has them.
pub(super) async fn check(
    findings: &mut Findings,
    aws: &SdkConfig,
    pipeline: &Pipeline,
    account: Option<&Account>,
) {
    if let Some(alerts) = &pipeline.alerts {
        let named = alerts.topic.clone().unwrap_or_else(|| pipeline.topic_name());
        // A worker would ask for the topic by making it, which is not for us to do.
        let arn = topic_arn(alerts).or_else(|| Some(account?.arn("sns", &pipeline.topic_name())));
        match arn {
            Some(arn) => {
                check_topic(findings, &Sns::new(aws).topic(Some(arn), &named), &named).await
            }
            None => findings.doubtful(
                "topic",
                &named,
                "it is not known in which account to look",
                "see `credentials` above",
            ),
        }
    }
    if let Some(events) = &pipeline.events {
        match EventBridge::new(aws, &events.bus).may_put().await {
            Ok(()) => findings.good("bus", &events.bus, "reached; events may be put on it"),
            Err(error) => {
                findings.broken("bus", &events.bus, error.to_string(), of_request(&error))
            }
        }
    }
}

async fn check_topic(findings: &mut Findings, topic: &SnsTopic, named: &str) {
    if let Err(error) = topic.may_publish().await {
        return findings.broken("topic", named, error.to_string(), of_request(&error));
    }
    let reached = "reached; alerts may be published";
    match topic.subscribers().await {
        Ok(Subscribers { confirmed: 0, pending: 0 }) => findings.doubtful(
            "topic",
            named,
            format!("{reached}, but nobody is subscribed"),
            "name subscribers under `[alerts] subscribe` and apply the plan",
        ),
        Ok(Subscribers { confirmed, pending: 0 }) => {
            findings.good("topic", named, format!("{reached}, {confirmed} subscribed"));
        }
        Ok(Subscribers { confirmed, pending }) => findings.doubtful(
            "topic",
            named,
            format!("{reached}, {confirmed} subscribed, {pending} have not confirmed it yet"),
            "have them follow the link in the message that SNS sent them",
        ),
        // Workers need not be allowed to look at that.
        Err(error) => findings.good(
            "topic",
            named,
            format!("{reached}; who is subscribed is not known: {error}"),
        ),
    }
}
