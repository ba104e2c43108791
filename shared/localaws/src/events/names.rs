//! Names and ARNs of buses and rules, and what is said of wrong ones.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::service::ServiceError;

use super::Core;
use super::state::{Bus, DEFAULT_BUS, Rule, State};

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    /// Key.
    pub(super) key: String,
    /// Value.
    pub(super) value: String,
}

impl Core {
    /// `arn:aws:events:<region>:<account>:event-bus/<name>`
    pub(super) fn bus_arn(&self, name: &str) -> String {
        self.account.arn("events", &format!("event-bus/{name}"))
    }

    /// The bus that an ARN of this account and region names.
    pub(super) fn bus_of_arn<'a>(&self, arn: &'a str) -> Option<&'a str> {
        self.account.name_in("events", arn)?.strip_prefix("event-bus/")
    }

    /// `rule/<name>` on the default bus, `rule/<bus>/<name>` on others.
    pub(super) fn rule_arn(&self, bus: &str, rule: &str) -> String {
        match bus {
            DEFAULT_BUS => self.account.arn("events", &format!("rule/{rule}")),
            bus => self.account.arn("events", &format!("rule/{bus}/{rule}")),
        }
    }

    /// The bus and name of a rule's ARN.
    pub(super) fn rule_of_arn<'a>(&self, arn: &'a str) -> Option<(&'a str, &'a str)> {
        let name = self.account.name_in("events", arn)?.strip_prefix("rule/")?;
        Some(name.rsplit_once('/').unwrap_or((DEFAULT_BUS, name)))
    }

    /// The name of the bus meant by a name, an ARN or nothing.
    pub(super) fn bus_name<'a>(&self, given: Option<&'a str>) -> &'a str {
        let given = given.unwrap_or(DEFAULT_BUS);
        self.bus_of_arn(given).unwrap_or(given)
    }
}

impl State {
    /// The bus of this name.
    pub(super) fn bus(&self, name: &str) -> Result<&Bus, ServiceError> {
        self.buses.get(name).ok_or_else(|| no_bus(name))
    }

    /// The bus of this name, to be changed.
    pub(super) fn bus_mut(&mut self, name: &str) -> Result<&mut Bus, ServiceError> {
        self.buses.get_mut(name).ok_or_else(|| no_bus(name))
    }

    /// A rule of a bus.
    pub(super) fn rule(&self, bus: &str, name: &str) -> Result<&Rule, ServiceError> {
        self.bus(bus)?.rules.get(name).ok_or_else(|| no_rule(bus, name))
    }

    /// A rule of a bus, to be changed.
    pub(super) fn rule_mut(&mut self, bus: &str, name: &str) -> Result<&mut Rule, ServiceError> {
        self.bus_mut(bus)?.rules.get_mut(name).ok_or_else(|| no_rule(bus, name))
    }
}

/// There is no such thing.
pub(super) fn not_found(message: impl Into<String>) -> ServiceError {
    ServiceError::new("ResourceNotFoundException", message)
}

fn no_bus(name: &str) -> ServiceError {
    not_found(format!("Event bus {name} does not exist."))
}

fn no_rule(bus: &str, name: &str) -> ServiceError {
    not_found(format!("Rule {name} does not exist on EventBus {bus}."))
}

/// A member that breaks a constraint of the API's model.
pub(super) fn constraint(value: &str, member: &str, must: &str) -> ServiceError {
    ServiceError::validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy \
         constraint: Member must {must}"
    ))
}

/// A name of letters, digits and these, of limited length.
pub(super) fn check_name(
    name: &str,
    member: &str,
    longest: usize,
    others: &str,
) -> Result<(), ServiceError> {
    if !(1..=longest).contains(&name.len()) {
        return Err(constraint(name, member, &length(name.len(), longest)));
    }
    match name.chars().all(|letter| letter.is_ascii_alphanumeric() || others.contains(letter)) {
        true => Ok(()),
        false => {
            let must = format!("satisfy regular expression pattern: [{others}A-Za-z0-9]+");
            Err(constraint(name, member, &must))
        }
    }
}

/// What a length that is not from 1 to `longest` must be.
pub(super) fn length(found: usize, longest: usize) -> String {
    match found > longest {
        true => format!("have length less than or equal to {longest}"),
        false => "have length greater than or equal to 1".to_owned(),
    }
}

/// A text of limited length.
pub(super) fn check_length(
    text: Option<&str>,
    member: &str,
    longest: usize,
) -> Result<(), ServiceError> {
    match text {
        Some(text) if text.chars().count() > longest => {
            Err(constraint(text, member, &length(text.len(), longest)))
        }
        Some(_) | None => Ok(()),
    }
}

/// Results on a page, as asked for.
pub(super) fn page_size(limit: Option<usize>) -> Result<usize, ServiceError> {
    let limit = limit.unwrap_or(100);
    match (1..=100).contains(&limit) {
        true => Ok(limit),
        false => Err(constraint(&limit.to_string(), "limit", "be between 1 and 100")),
    }
}

/// Tags by key.
pub(super) fn by_key(tags: Vec<Tag>) -> BTreeMap<String, String> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

/// Seconds since the Unix epoch, as the protocol writes times.
pub(super) fn seconds(at: crate::clock::Millis) -> f64 {
    at as f64 / 1000.0
}
