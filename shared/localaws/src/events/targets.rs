//! Operations on the targets of rules.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::page::page;
use crate::service::ServiceError;

use super::Core;
use super::names::{check_length, check_name, constraint, length, page_size};
use super::state::{InputTransformer, Target};
use super::transform::{Path, Template};

/// Targets of a rule at most.
const MAX_TARGETS: usize = 5;
/// Entries of a request at most.
const MAX_ENTRIES: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutTargets {
    rule: String,
    event_bus_name: Option<String>,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RemoveTargets {
    rule: String,
    event_bus_name: Option<String>,
    ids: Vec<String>,
}

/// What failed of a request with many entries.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FailedTargets {
    failed_entry_count: usize,
    failed_entries: Vec<FailedTarget>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct FailedTarget {
    target_id: String,
    error_code: &'static str,
    error_message: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListTargetsByRule {
    rule: String,
    event_bus_name: Option<String>,
    #[serde(default)]
    next_token: String,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListTargetsByRuleResult {
    targets: Vec<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListRuleNamesByTarget {
    target_arn: String,
    event_bus_name: Option<String>,
    #[serde(default)]
    next_token: String,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListRuleNamesByTargetResult {
    rule_names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl Core {
    /// Adds targets; one of the same id is replaced.
    pub(super) fn put_targets(&self, request: PutTargets) -> Result<FailedTargets, ServiceError> {
        let bus = self.bus_name(request.event_bus_name.as_deref());
        check_entries("targets", request.targets.len())?;
        request.targets.iter().try_for_each(check_target)?;
        self.kept.change(|state| {
            let targets = &mut state.rule_mut(bus, &request.rule)?.targets;
            targets.extend(request.targets.into_iter().map(|target| (target.id.clone(), target)));
            match targets.len() > MAX_TARGETS {
                true => Err(ServiceError::new(
                    "LimitExceededException",
                    "The requested resource exceeds the maximum number allowed.",
                )),
                false => Ok(()),
            }
        })?;
        Ok(FailedTargets { failed_entry_count: 0, failed_entries: Vec::new() })
    }

    pub(super) fn remove_targets(
        &self,
        request: &RemoveTargets,
    ) -> Result<FailedTargets, ServiceError> {
        let RemoveTargets { rule, ids, .. } = request;
        let bus = self.bus_name(request.event_bus_name.as_deref());
        check_entries("ids", ids.len())?;
        let missing = self.kept.change(|state| {
            let targets = &mut state.rule_mut(bus, rule)?.targets;
            let missing = ids.iter().filter(|id| targets.remove(id.as_str()).is_none());
            Ok::<_, ServiceError>(missing.cloned().collect::<Vec<_>>())
        })?;
        let failed = |target_id: String| FailedTarget {
            error_message: format!(
                "Rule '{rule}' does not have a target with the Id '{target_id}'."
            ),
            target_id,
            error_code: "ResourceNotFoundException",
        };
        let failed_entries: Vec<_> = missing.into_iter().map(failed).collect();
        Ok(FailedTargets { failed_entry_count: failed_entries.len(), failed_entries })
    }

    pub(super) fn list_targets_by_rule(
        &self,
        request: &ListTargetsByRule,
    ) -> Result<ListTargetsByRuleResult, ServiceError> {
        let bus = self.bus_name(request.event_bus_name.as_deref());
        let state = self.kept.read();
        let targets = state.rule(bus, &request.rule)?.targets.values();
        let rest = targets.filter(|target| target.id > request.next_token).cloned();
        let (targets, next_token) =
            page(rest, page_size(request.limit)?, |target| target.id.clone());
        Ok(ListTargetsByRuleResult { targets, next_token })
    }

    pub(super) fn list_rule_names_by_target(
        &self,
        request: &ListRuleNamesByTarget,
    ) -> Result<ListRuleNamesByTargetResult, ServiceError> {
        let bus = self.bus_name(request.event_bus_name.as_deref());
        let state = self.kept.read();
        let names = state.bus(bus)?.rules.iter().filter(|(name, rule)| {
            let has = rule.targets.values().any(|target| target.arn == request.target_arn);
            has && **name > request.next_token
        });
        let names = names.map(|(name, _)| name.clone());
        let (rule_names, next_token) = page(names, page_size(request.limit)?, Clone::clone);
        Ok(ListRuleNamesByTargetResult { rule_names, next_token })
    }
}

fn check_entries(member: &str, count: usize) -> Result<(), ServiceError> {
    match (1..=MAX_ENTRIES).contains(&count) {
        true => Ok(()),
        false => {
            let (value, must) = (format!("[{count} entries]"), length(count, MAX_ENTRIES));
            Err(constraint(&value, member, &must))
        }
    }
}

fn check_target(target: &Target) -> Result<(), ServiceError> {
    let Target { id, arn, .. } = target;
    check_name(id, "targets.member.id", 64, ".-_")?;
    check_arn(arn)?;
    let group = target.sqs_parameters.as_ref().and_then(|sqs| sqs.message_group_id.as_ref());
    if arn.contains(":sqs:") && arn.ends_with(".fifo") && group.is_none() {
        let message = format!("Parameter(s) SqsParameters must be specified for target: {id}.");
        return Err(ServiceError::validation(message));
    }
    check_input(target)?;
    check_delivery(target)
}

fn check_arn(arn: &str) -> Result<(), ServiceError> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let is_arn = matches!(parts[..], ["arn", partition, service, _, _, name]
        if !partition.is_empty() && !service.is_empty() && !name.is_empty());
    is_arn.then_some(()).ok_or_else(|| {
        let reason = "Provided Arn is not in correct format";
        ServiceError::validation(format!("Parameter {arn} is not valid. Reason: {reason}."))
    })
}

fn check_input(target: &Target) -> Result<(), ServiceError> {
    let Target { id, input, input_path, input_transformer, .. } = target;
    let given = [input.is_some(), input_path.is_some(), input_transformer.is_some()];
    if given.iter().filter(|given| **given).count() > 1 {
        return Err(ServiceError::validation(format!(
            "Only one of Input, InputPath, or InputTransformer must be provided for target {id}."
        )));
    }
    check_length(input.as_deref(), "targets.member.input", 8192)?;
    if input.as_deref().is_some_and(|input| serde_json::from_str::<Value>(input).is_err()) {
        let message = format!("JSON syntax error in input for target {id}.");
        return Err(ServiceError::validation(message));
    }
    if let Some(path) = input_path.as_deref().filter(|path| Path::parse(path).is_none()) {
        let message = format!("InputPath {path} for target {id} is not a valid JSON path.");
        return Err(ServiceError::validation(message));
    }
    match input_transformer {
        Some(transformer) => check_transformer(id, transformer),
        None => Ok(()),
    }
}

fn check_transformer(id: &str, transformer: &InputTransformer) -> Result<(), ServiceError> {
    let paths = transformer.input_paths_map.clone().unwrap_or_default();
    check_length(Some(&transformer.input_template), "inputTransformer.inputTemplate", 8192)?;
    let refused = |reason: String| {
        ServiceError::validation(format!("Invalid InputTransformer for target {id} : {reason}."))
    };
    if paths.len() > 100 {
        return Err(refused("InputPathsMap has more than 100 entries".to_owned()));
    }
    for (name, path) in &paths {
        check_name(name, "inputTransformer.inputPathsMap", 256, "-_")?;
        if name.to_ascii_lowercase().starts_with("aws") {
            return Err(refused(format!("the name {name} is reserved")));
        }
        if Path::parse(path).is_none() {
            return Err(refused(format!("{path} is not a valid JSON path")));
        }
    }
    match Template::new(&transformer.input_template, &paths).is_valid() {
        true => Ok(()),
        false => {
            let message = format!("Invalid InputTemplate for target {id} : it is not valid JSON.");
            Err(ServiceError::validation(message))
        }
    }
}

fn check_delivery(target: &Target) -> Result<(), ServiceError> {
    if let Some(policy) = target.retry_policy {
        let age = policy.maximum_event_age_in_seconds.unwrap_or(86400);
        if !(60..=86400).contains(&age) {
            let (value, must) = (age.to_string(), "be between 60 and 86400");
            return Err(constraint(&value, "retryPolicy.maximumEventAgeInSeconds", must));
        }
        let attempts = policy.maximum_retry_attempts.unwrap_or_default();
        if attempts > 185 {
            let (value, must) = (attempts.to_string(), "be between 0 and 185");
            return Err(constraint(&value, "retryPolicy.maximumRetryAttempts", must));
        }
    }
    let dead_letters = target.dead_letter_config.as_ref().and_then(|config| config.arn.as_deref());
    match dead_letters {
        Some(arn) if !arn.contains(":sqs:") || arn.ends_with(".fifo") => {
            Err(ServiceError::validation(format!(
                "Parameter DeadLetterConfig.Arn is not valid. Reason: {arn} is not the ARN of a \
                 standard queue."
            )))
        }
        Some(_) | None => Ok(()),
    }
}
