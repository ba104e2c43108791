//! Which events of a bucket are told to whom.

use s3s::dto;
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};
use serde::{Deserialize, Serialize};

/// The event types that can be subscribed to, of those that occur here.
const OCCURRING: [&str; 15] = [
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Put",
    "s3:ObjectTagging:Delete",
    "s3:ObjectAcl:Put",
];

/// The event types that S3 knows and that never occur here.
const OTHER: [&str; 12] = [
    "s3:ReducedRedundancyLostObject",
    "s3:Replication:*",
    "s3:Replication:OperationFailedReplication",
    "s3:Replication:OperationMissedThreshold",
    "s3:Replication:OperationNotTracked",
    "s3:Replication:OperationReplicatedAfterThreshold",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Post",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:LifecycleTransition",
    "s3:IntelligentTiering",
];

/// Who is told of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recipients {
    /// Rules it meets.
    pub(super) rules: Vec<Rule>,
    /// Whether the default event bus is told.
    pub(super) event_bridge: bool,
}

/// A bucket's notification configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notification {
    /// Rules, in the order they were given.
    pub(super) rules: Vec<Rule>,
    /// Whether events go to EventBridge as well.
    pub(super) event_bridge: bool,
}

/// What a rule's destination is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// An SQS queue.
    Queue,
    /// An SNS topic.
    Topic,
}

/// One subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rule {
    /// Its id; events carry it as `configurationId`.
    pub(super) id: String,
    /// What `arn` is.
    pub(super) kind: Kind,
    /// Destination.
    pub(super) arn: String,
    /// Event types, possibly ending in `*`.
    pub(super) events: Vec<String>,
    /// What keys begin with.
    pub(super) prefix: Option<String>,
    /// What keys end with.
    pub(super) suffix: Option<String>,
}

impl Rule {
    fn matches(&self, event: &str, key: &str) -> bool {
        let starts = |prefix: &String| key.starts_with(prefix.as_str());
        let ends = |suffix: &String| key.ends_with(suffix.as_str());
        self.prefix.as_ref().is_none_or(starts)
            && self.suffix.as_ref().is_none_or(ends)
            && self.events.iter().any(|pattern| covers(pattern, event))
    }

    fn overlaps(&self, other: &Self) -> bool {
        let events = self
            .events
            .iter()
            .any(|mine| other.events.iter().any(|its| covers(mine, its) || covers(its, mine)));
        let either = |a: &Option<String>, b: &Option<String>, fits: fn(&str, &str) -> bool| {
            let (a, b) = (a.as_deref().unwrap_or(""), b.as_deref().unwrap_or(""));
            fits(a, b) || fits(b, a)
        };
        events
            && either(&self.prefix, &other.prefix, |a, b| a.starts_with(b))
            && either(&self.suffix, &other.suffix, |a, b| a.ends_with(b))
    }
}

/// `pattern` is `s3:ObjectCreated:*` or a type; so may `event` be.
fn covers(pattern: &str, event: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(family) => event.starts_with(family),
        None => pattern == event,
    }
}

impl Notification {
    /// Who is to be told of an event (`ObjectCreated:Put`) of this key, if
    /// anyone is.
    pub(super) fn recipients(&self, event: &str, key: &str) -> Option<Recipients> {
        if self.rules.is_empty() && !self.event_bridge {
            return None;
        }
        let event = format!("s3:{event}");
        let rules: Vec<_> =
            self.rules.iter().filter(|rule| rule.matches(&event, key)).cloned().collect();
        let anyone = self.event_bridge || !rules.is_empty();
        anyone.then_some(Recipients { rules, event_bridge: self.event_bridge })
    }

    /// Reads a configuration.
    ///
    /// # Errors
    /// `InvalidArgument` if rules are malformed or overlap.
    pub(super) fn from_dto(given: dto::NotificationConfiguration) -> S3Result<Self> {
        if given.lambda_function_configurations.is_some_and(|lambdas| !lambdas.is_empty()) {
            return Err(unreachable_destinations());
        }
        let queues = given.queue_configurations.into_iter().flatten();
        let queues = queues
            .map(|queue| rule(Kind::Queue, queue.queue_arn, queue.id, queue.events, queue.filter));
        let topics = given.topic_configurations.into_iter().flatten();
        let topics = topics
            .map(|topic| rule(Kind::Topic, topic.topic_arn, topic.id, topic.events, topic.filter));
        let rules = queues.chain(topics).collect::<S3Result<Vec<_>>>()?;
        for (at, rule) in rules.iter().enumerate() {
            check_against(rule, &rules[..at])?;
        }
        Ok(Self { rules, event_bridge: given.event_bridge_configuration.is_some() })
    }

    /// As the responses carry it.
    pub(super) fn to_dto(&self) -> dto::GetBucketNotificationConfigurationOutput {
        let of = |kind| self.rules.iter().filter(move |rule| rule.kind == kind).cloned();
        let queues = of(Kind::Queue).map(|rule| dto::QueueConfiguration {
            events: rule.events.into_iter().map(dto::Event::from).collect(),
            filter: filter(rule.prefix, rule.suffix),
            id: Some(rule.id),
            queue_arn: rule.arn,
        });
        let topics = of(Kind::Topic).map(|rule| dto::TopicConfiguration {
            events: rule.events.into_iter().map(dto::Event::from).collect(),
            filter: filter(rule.prefix, rule.suffix),
            id: Some(rule.id),
            topic_arn: rule.arn,
        });
        dto::GetBucketNotificationConfigurationOutput {
            event_bridge_configuration: self.event_bridge.then(Default::default),
            lambda_function_configurations: None,
            queue_configurations: some(queues.collect()),
            topic_configurations: some(topics.collect()),
        }
    }
}

/// A destination does not exist or is of a kind that is not served here.
pub(super) fn unreachable_destinations() -> S3Error {
    s3_error!(InvalidArgument, "Unable to validate the following destination configurations")
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

fn filter(
    prefix: Option<String>,
    suffix: Option<String>,
) -> Option<dto::NotificationConfigurationFilter> {
    let rule = |name: &'static str, value: Option<String>| dto::FilterRule {
        name: Some(dto::FilterRuleName::from_static(name)),
        value,
    };
    let rules: Vec<_> = [("Prefix", prefix), ("Suffix", suffix)]
        .into_iter()
        .filter(|(_, value)| value.is_some())
        .map(|(name, value)| rule(name, value))
        .collect();
    let key = dto::S3KeyFilter { filter_rules: Some(some(rules)?) };
    Some(dto::NotificationConfigurationFilter { key: Some(key) })
}

fn rule(
    kind: Kind,
    arn: String,
    id: Option<String>,
    events: Vec<dto::Event>,
    filter: Option<dto::NotificationConfigurationFilter>,
) -> S3Result<Rule> {
    let events: Vec<String> = events.into_iter().map(String::from).collect();
    if events.is_empty() {
        return Err(S3Error::new(S3ErrorCode::MalformedXML));
    }
    for event in &events {
        let known = OCCURRING.contains(&event.as_str()) || OTHER.contains(&event.as_str());
        if !known {
            return Err(s3_error!(
                InvalidArgument,
                "The event `{event}` is not supported for notifications"
            ));
        }
    }
    let (prefix, suffix) = key_filter(filter)?;
    let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    Ok(Rule { id, kind, arn, events, prefix, suffix })
}

fn key_filter(
    filter: Option<dto::NotificationConfigurationFilter>,
) -> S3Result<(Option<String>, Option<String>)> {
    let rules = filter.and_then(|filter| filter.key).and_then(|key| key.filter_rules);
    let (mut prefix, mut suffix) = (None, None);
    for rule in rules.into_iter().flatten() {
        let name = rule.name.as_ref().map_or("", |name| name.as_str()).to_ascii_lowercase();
        let slot = match name.as_str() {
            "prefix" => &mut prefix,
            "suffix" => &mut suffix,
            _ => {
                return Err(s3_error!(
                    InvalidArgument,
                    "filter rule name must be either prefix or suffix"
                ));
            }
        };
        if slot.replace(rule.value.unwrap_or_default()).is_some() {
            return Err(s3_error!(
                InvalidArgument,
                "Cannot specify more than one {name} rule in a filter."
            ));
        }
    }
    Ok((prefix, suffix))
}

fn check_against(rule: &Rule, earlier: &[Rule]) -> S3Result<()> {
    if earlier.iter().any(|other| other.id == rule.id) {
        return Err(s3_error!(
            InvalidArgument,
            "Same ID used for multiple configurations: `{}`. IDs must be unique",
            rule.id
        ));
    }
    if earlier.iter().any(|other| other.overlaps(rule)) {
        return Err(s3_error!(
            InvalidArgument,
            "Configurations overlap. Configurations on the same bucket cannot share a common \
             event type."
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_rule(events: &[&str], prefix: Option<&str>, suffix: Option<&str>) -> Rule {
        Rule {
            id: uuid::Uuid::new_v4().to_string(),
            kind: Kind::Queue,
            arn: "arn:aws:sqs:us-east-1:000000000000:q".to_owned(),
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            prefix: prefix.map(str::to_owned),
            suffix: suffix.map(str::to_owned),
        }
    }

    #[test]
    fn rules_match_by_event_prefix_and_suffix() {
        let rule = a_rule(&["s3:ObjectCreated:*"], Some("raw/"), Some(".csv"));
        assert!(rule.matches("s3:ObjectCreated:Put", "raw/a.csv"));
        assert!(rule.matches("s3:ObjectCreated:CompleteMultipartUpload", "raw/a.csv"));
        assert!(!rule.matches("s3:ObjectRemoved:Delete", "raw/a.csv"));
        assert!(!rule.matches("s3:ObjectCreated:Put", "raw/a.json"));
        assert!(!rule.matches("s3:ObjectCreated:Put", "other/a.csv"));
        let exact = a_rule(&["s3:ObjectRemoved:Delete"], None, None);
        assert!(!exact.matches("s3:ObjectRemoved:DeleteMarkerCreated", "k"));
    }

    #[test]
    fn rules_that_could_both_meet_an_event_overlap() {
        let created = a_rule(&["s3:ObjectCreated:*"], Some("a/"), None);
        let put = a_rule(&["s3:ObjectCreated:Put"], Some("a/b/"), None);
        let elsewhere = a_rule(&["s3:ObjectCreated:Put"], Some("b/"), None);
        let removed = a_rule(&["s3:ObjectRemoved:*"], Some("a/"), None);
        assert!(created.overlaps(&put));
        assert!(!created.overlaps(&elsewhere));
        assert!(!created.overlaps(&removed));
    }
}
