//! Operations on rules.

use std::collections::BTreeMap;

use millrace_schedule::Schedule;
use serde::{Deserialize, Serialize};

use crate::page::page;
use crate::pattern::{Dialect, Pattern};
use crate::service::ServiceError;

use super::Core;
use super::names::{Tag, by_key, check_length, check_name, constraint, page_size};
use super::state::{DEFAULT_BUS, Rule};

const STATES: [&str; 3] = ["ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"];
/// Rules of a bus at most.
const MAX_RULES: usize = 300;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutRule {
    name: String,
    schedule_expression: Option<String>,
    event_pattern: Option<String>,
    state: Option<String>,
    description: Option<String>,
    role_arn: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    event_bus_name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutRuleResult {
    rule_arn: String,
}

/// A rule by its name and bus.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RuleName {
    name: String,
    event_bus_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListRules {
    #[serde(default)]
    name_prefix: String,
    event_bus_name: Option<String>,
    #[serde(default)]
    next_token: String,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListRulesResult {
    rules: Vec<ShownRule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeRuleResult {
    #[serde(flatten)]
    rule: ShownRule,
    created_by: String,
}

/// A rule as it is listed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShownRule {
    name: String,
    arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_pattern: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule_expression: Option<String>,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_arn: Option<String>,
    event_bus_name: String,
}

impl PutRule {
    /// Checks what does not depend on what there is.
    fn check(&self, bus: &str) -> Result<(), ServiceError> {
        check_name(&self.name, "name", 64, ".-_")?;
        check_length(self.description.as_deref(), "description", 512)?;
        check_length(self.event_pattern.as_deref(), "eventPattern", 4096)?;
        check_length(self.schedule_expression.as_deref(), "scheduleExpression", 256)?;
        if let Some(state) = self.state.as_deref().filter(|state| !STATES.contains(state)) {
            let must = format!("satisfy enum value set: [{}]", STATES.join(", "));
            return Err(constraint(state, "state", &must));
        }
        if self.pattern().is_none() && self.schedule().is_none() {
            let message = "Parameter(s) EventPattern or ScheduleExpression must be specified.";
            return Err(ServiceError::validation(message));
        }
        if let Some(pattern) = self.pattern() {
            check_pattern(pattern)?;
        }
        match self.schedule() {
            Some(_) if bus != DEFAULT_BUS => Err(ServiceError::validation(
                "ScheduleExpression is supported only on the default event bus.",
            )),
            Some(schedule) => match Schedule::parse_for_rule(schedule) {
                Ok(_) => Ok(()),
                Err(reason) => Err(ServiceError::validation(format!(
                    "Parameter ScheduleExpression is not valid. Reason: {reason}."
                ))),
            },
            None => Ok(()),
        }
    }

    fn pattern(&self) -> Option<&str> {
        self.event_pattern.as_deref().filter(|pattern| !pattern.is_empty())
    }

    fn schedule(&self) -> Option<&str> {
        self.schedule_expression.as_deref().filter(|schedule| !schedule.is_empty())
    }
}

/// Refuses an event pattern that is not understood.
pub(super) fn check_pattern(pattern: &str) -> Result<Pattern, ServiceError> {
    Pattern::parse(pattern, Dialect::Rule).map_err(|reason| {
        let message = format!("Event pattern is not valid. Reason: {reason}");
        ServiceError::new("InvalidEventPatternException", message)
    })
}

impl Core {
    /// Puts a rule; of one that is there targets and tags stay.
    pub(super) fn put_rule(&self, request: PutRule) -> Result<PutRuleResult, ServiceError> {
        let bus = self.bus_name(request.event_bus_name.as_deref()).to_owned();
        request.check(&bus)?;
        let now = self.clock.now();
        let name = request.name.clone();
        self.kept.change(|state| {
            let rules = &mut state.bus_mut(&bus)?.rules;
            if rules.len() >= MAX_RULES && !rules.contains_key(&name) {
                let message = "The requested resource exceeds the maximum number allowed.";
                return Err(ServiceError::new("LimitExceededException", message));
            }
            let before = rules.remove(&name);
            rules.insert(name.clone(), rule(request, before, now));
            Ok(())
        })?;
        self.rescheduled.notify_one();
        Ok(PutRuleResult { rule_arn: self.rule_arn(&bus, &name) })
    }

    /// A rule that is not there counts as deleted.
    pub(super) fn delete_rule(&self, request: &RuleName) -> Result<(), ServiceError> {
        let bus = self.bus_name(request.event_bus_name.as_deref());
        self.kept.change(|state| {
            let rules = &mut state.bus_mut(bus)?.rules;
            if rules.get(&request.name).is_some_and(|rule| !rule.targets.is_empty()) {
                let message = "Rule can't be deleted since it has targets.";
                return Err(ServiceError::validation(message));
            }
            rules.remove(&request.name);
            Ok(())
        })?;
        self.rescheduled.notify_one();
        Ok(())
    }

    pub(super) fn describe_rule(
        &self,
        request: &RuleName,
    ) -> Result<DescribeRuleResult, ServiceError> {
        let bus = self.bus_name(request.event_bus_name.as_deref());
        let state = self.kept.read();
        let rule = self.shown_rule(bus, &request.name, state.rule(bus, &request.name)?);
        Ok(DescribeRuleResult { rule, created_by: self.account.id.clone() })
    }

    pub(super) fn list_rules(&self, request: &ListRules) -> Result<ListRulesResult, ServiceError> {
        let bus = self.bus_name(request.event_bus_name.as_deref());
        let state = self.kept.read();
        let rules = state.bus(bus)?.rules.iter().filter(|(name, _)| {
            name.starts_with(&request.name_prefix) && **name > request.next_token
        });
        let (rules, next_token) =
            page(rules, page_size(request.limit)?, |(name, _)| (*name).clone());
        let rules = rules.into_iter().map(|(name, rule)| self.shown_rule(bus, name, rule));
        Ok(ListRulesResult { rules: rules.collect(), next_token })
    }

    pub(super) fn enable_rule(&self, request: &RuleName) -> Result<(), ServiceError> {
        self.set_state(request, "ENABLED")
    }

    pub(super) fn disable_rule(&self, request: &RuleName) -> Result<(), ServiceError> {
        self.set_state(request, "DISABLED")
    }

    fn set_state(&self, request: &RuleName, wanted: &str) -> Result<(), ServiceError> {
        let bus = self.bus_name(request.event_bus_name.as_deref());
        let now = self.clock.now();
        self.kept.change(|state| {
            let rule = state.rule_mut(bus, &request.name)?;
            if rule.state != wanted {
                rule.state = wanted.to_owned();
                rule.scheduled_at = now;
            }
            Ok::<_, ServiceError>(())
        })?;
        self.rescheduled.notify_one();
        Ok(())
    }

    fn shown_rule(&self, bus: &str, name: &str, rule: &Rule) -> ShownRule {
        ShownRule {
            name: name.to_owned(),
            arn: self.rule_arn(bus, name),
            event_pattern: rule.event_pattern.clone(),
            schedule_expression: rule.schedule_expression.clone(),
            state: rule.state.clone(),
            description: rule.description.clone(),
            role_arn: rule.role_arn.clone(),
            event_bus_name: bus.to_owned(),
        }
    }
}

/// The rule that is asked for, in the place of one that was there or not.
fn rule(request: PutRule, before: Option<Rule>, now: u64) -> Rule {
    let (event_pattern, schedule_expression) =
        (request.pattern().map(str::to_owned), request.schedule().map(str::to_owned));
    let state = request.state.unwrap_or_else(|| "ENABLED".to_owned());
    let unchanged =
        |rule: &&Rule| rule.schedule_expression == schedule_expression && rule.state == state;
    let scheduled_at = before.as_ref().filter(unchanged).map_or(now, |rule| rule.scheduled_at);
    let (tags, targets) = match before {
        Some(before) => (before.tags, before.targets),
        None => (by_key(request.tags), BTreeMap::new()),
    };
    Rule {
        event_pattern,
        schedule_expression,
        state,
        description: request.description,
        role_arn: request.role_arn,
        tags,
        targets,
        scheduled_at,
    }
}
