//! From an event on a bus to what the targets of its rules are sent.

use std::collections::HashSet;
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

/// What is to be sent, and how long to try.
type Loads = Vec<(Load, Patience)>;

impl Core {
    /// Sends an event to the targets of every rule of a bus that it matches,
    /// and of the buses that these send it to. A bus gets an event once: there
    /// are no loops.
    ///
    /// # Errors
    /// If something can neither be delivered nor kept for later.
    pub(super) async fn dispatch(&self, bus: &str, event: &Event) -> io::Result<()> {
        let mut loads = Loads::new();
        let state = self.kept.read();
        let mut ahead = vec![bus.to_owned()];
        let mut visited = HashSet::from([bus.to_owned()]);
        while let Some(bus) = ahead.pop() {
            let Some(found) = state.buses.get(&bus) else { continue };
            for (name, rule) in found.rules.iter().filter(|(_, rule)| takes(rule, event)) {
                let further = self.collect(&state, (&bus, name, rule), event, &mut loads);
                ahead.extend(further.into_iter().filter(|bus| visited.insert(bus.clone())));
            }
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
        let mut loads = Loads::new();
        let further = self.collect(&self.kept.read(), (bus, name, rule), event, &mut loads);
        self.send(loads).await?;
        for bus in further {
            self.dispatch(&bus, event).await?;
        }
        Ok(())
    }

    /// Adds what a rule sends; answers the buses among its targets.
    fn collect(
        &self,
        state: &State,
        (bus, name, rule): (&str, &str, &Rule),
        event: &Event,
        loads: &mut Loads,
    ) -> Vec<String> {
        let mut buses = Vec::new();
        for target in rule.targets.values() {
            match self.bus_of_arn(&target.arn).filter(|bus| state.buses.contains_key(*bus)) {
                Some(bus) => buses.push(bus.to_owned()),
                None => loads.push((self.load((bus, name), target, event), patience(target))),
            }
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
