//! Amazon EventBridge.

mod buses;
mod delivery;
mod patterns;
mod rules;

use aws_sdk_eventbridge::types::{PutEventsRequestEntry, Target};
use serde_json::{Value, json};

use crate::aws::{Aws, unique};
use crate::queue::Queue;

/// A rule on the default bus for the events of one source.
struct Rule {
    name: String,
    arn: String,
    source: String,
}

impl Aws {
    /// Creates a rule that matches all events of a source that nobody else has.
    async fn rule(&self) -> Rule {
        let (name, source) = (unique("rule"), unique("source"));
        let pattern = json!({"source": [source]}).to_string();
        let request = self.events.put_rule().name(&name).event_pattern(pattern);
        let arn = request.send().await.unwrap().rule_arn.unwrap();
        Rule { name, arn, source }
    }

    async fn target(&self, rule: &Rule, target: Target) {
        let request = self.events.put_targets().rule(&rule.name).targets(target);
        assert_eq!(request.send().await.unwrap().failed_entry_count, 0);
    }

    /// Creates a rule whose target is a queue.
    async fn rule_to(&self, queue: &Queue) -> Rule {
        let rule = self.rule().await;
        self.target(&rule, to(queue).build().unwrap()).await;
        rule
    }

    /// Puts an event on the default bus.
    async fn put_event(&self, source: &str, detail: &Value) {
        let request = self.events.put_events().entries(event(source, detail));
        assert_eq!(request.send().await.unwrap().failed_entry_count, 0);
    }
}

fn to(queue: &Queue) -> aws_sdk_eventbridge::types::builders::TargetBuilder {
    Target::builder().id("queue").arn(&queue.arn)
}

fn event(source: &str, detail: &Value) -> PutEventsRequestEntry {
    let entry = PutEventsRequestEntry::builder().source(source).detail_type("Order Placed");
    entry.detail(detail.to_string()).build()
}
