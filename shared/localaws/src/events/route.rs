//! From an event on a bus to what the targets of its rules are sent.

use std::io;

use crate::clock::Millis;
use crate::courier::Patience;
use crate::pattern::{Dialect, Pattern};

use super::Core;
use super::carrier::Load;
use super::event::Event;
use super::state::{Rule, State, Target};
use super::transform::{Context, input};

/// Retries, and seconds of trying, where a target says nothing.
const RETRIES: u32 = 185;
const AGE_SECONDS: u32 = 86400;

/// How an event came to a bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It was put there.
    Put,
    /// The bus is the target of another bus's rule.
    Forwarded,
}

/// What is to be sent, and how long to try.
type Loads = Vec<(Load, Patience)>;

impl Core {
    /// Sends an event to the targets of every rule of a bus that it matches. A
    /// bus among the targets gets it and sends it on to what is no bus: an event
    /// goes to a bus as a target only once.
    ///
    /// # Errors
    /// If something can neither be delivered nor kept for later.
    pub(super) async fn dispatch(&self, bus: &str, event: &Event) -> io::Result<()> {
        let state = self.kept.read();
        let mut loads = Loads::new();
        for further in self.collect(&state, bus, event, Way::Put, &mut loads) {
            self.collect(&state, &further, event, Way::Forwarded, &mut loads);
        }
        self.send(loads).await
    }

    /// Sends an event to the targets of one rule, whatever its pattern.
    ///
    /// # Errors
    /// If something can neither be delivered nor kept for later.
    pub(super) async fn send_to_targets(
        &self,
        bus: &str,
        name: &str,
        rule: &Rule,
        event: &Event,
    ) -> io::Result<()> {
        let state = self.kept.read();
        let mut loads = Loads::new();
        for further in self.collect_rule(&state, (bus, name, rule), event, Way::Put, &mut loads) {
            self.collect(&state, &further, event, Way::Forwarded, &mut loads);
        }
        self.send(loads).await
    }

    /// Adds what the rules of a bus send; answers the buses among their targets.
    fn collect(
        &self,
        state: &State,
        bus: &str,
        event: &Event,
        way: Way,
        loads: &mut Loads,
    ) -> Vec<String> {
        let rules = state.buses.get(bus).into_iter().flat_map(|found| &found.rules);
        let matching = rules.filter(|(_, rule)| takes(rule, event));
        matching
            .flat_map(|(name, rule)| self.collect_rule(state, (bus, name, rule), event, way, loads))
            .collect()
    }

    /// Adds what a rule sends; answers the buses among its targets.
    fn collect_rule(
        &self,
        state: &State,
        (bus, name, rule): (&str, &str, &Rule),
        event: &Event,
        way: Way,
        loads: &mut Loads,
    ) -> Vec<String> {
        let mut buses = Vec::new();
        for target in rule.targets.values() {
            let further = self.bus_of_arn(&target.arn);
            let further = further.filter(|further| state.buses.contains_key(*further));
            let rejected = match (further, way) {
                (Some(further), Way::Put) => {
                    buses.push(further.to_owned());
                    continue;
                }
                (Some(_), Way::Forwarded) => Some(format!(
                    "Event ingestion rejected for event {} because an event can be sent to an \
                     event bus target only once. This event was previously delivered to an event \
                     bus target.",
                    event.id
                )),
                (None, _) => None,
            };
            let load = Load { rejected, ..self.load((bus, name), target, event) };
            loads.push((load, patience(target)));
        }
        buses
    }

    fn load(&self, (bus, name): (&str, &str), target: &Target, event: &Event) -> Load {
        let rule_arn = self.rule_arn(bus, name);
        let context = Context { rule_arn: &rule_arn, rule_name: name };
        let sqs = target.sqs_parameters.as_ref();
        Load {
            body: input(target, event, &context),
            event: event.json.clone(),
            target: target.arn.clone(),
            group_id: sqs.and_then(|sqs| sqs.message_group_id.clone()),
            dead_letters: target.dead_letter_config.as_ref().and_then(|queue| queue.arn.clone()),
            rule: rule_arn,
            rejected: None,
        }
    }

    async fn send(&self, loads: Loads) -> io::Result<()> {
        for (load, patience) in loads {
            self.courier.send(load, patience).await?;
        }
        Ok(())
    }
}

fn takes(rule: &Rule, event: &Event) -> bool {
    let Some(pattern) = rule.event_pattern.as_deref().filter(|_| rule.is_enabled()) else {
        return false;
    };
    Pattern::parse(pattern, Dialect::Rule).is_ok_and(|pattern| pattern.matches(&event.document))
}

fn patience(target: &Target) -> Patience {
    let policy = target.retry_policy;
    let age = policy.and_then(|policy| policy.maximum_event_age_in_seconds).unwrap_or(AGE_SECONDS);
    let retries = policy.and_then(|policy| policy.maximum_retry_attempts).unwrap_or(RETRIES);
    Patience { retries, age: Millis::from(age) * 1000 }
}
