//! Alarms: kept, evaluated every minute, and told to topics when their state
//! changes.
//!
//! Source: "Using Amazon CloudWatch alarms", CloudWatch User Guide.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Inner;
use super::fault::Fault;
use super::series::{Dimension, Metric, Time, seconds};
use super::state::{Alarm, Tag};
use super::statistics::Query;
use crate::clock::Millis;
use crate::sink::Parcel;

/// An alarm that was asked for and is not there.
const MISSING: &str = "ResourceNotFound";
/// What is filled in where it was not given.
const LISTS: [&str; 4] = ["OKActions", "AlarmActions", "InsufficientDataActions", "Dimensions"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeAlarms {
    #[serde(default)]
    alarm_names: Vec<String>,
    #[serde(default)]
    alarm_name_prefix: String,
    state_value: Option<String>,
    action_prefix: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ForMetric {
    namespace: String,
    metric_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AlarmNames {
    #[serde(default)]
    alarm_names: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SetAlarmState {
    alarm_name: String,
    state_value: String,
    state_reason: String,
}

/// What of an alarm decides its state.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Terms {
    comparison_operator: String,
    evaluation_periods: u32,
    datapoints_to_alarm: Option<u32>,
    threshold: Option<f64>,
    #[serde(default)]
    treat_missing_data: String,
    namespace: Option<String>,
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    period: Option<i64>,
    statistic: Option<String>,
    extended_statistic: Option<String>,
    unit: Option<String>,
    #[serde(default)]
    metrics: Vec<Query>,
}

impl Inner {
    pub(super) fn put_metric_alarm(&self, request: Value) -> Result<Value, Fault> {
        let Value::Object(mut settings) = request else {
            return Err(Fault::validation("the request is no object"));
        };
        let tags = settings.remove("Tags").map(serde_json::from_value::<Vec<Tag>>).transpose()?;
        let name = settings.get("AlarmName").and_then(Value::as_str).unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(Fault::validation("AlarmName must have at least one character."));
        }
        serde_json::from_value::<Terms>(settings.clone().into())?.queries()?;
        for list in LISTS {
            settings.entry(list).or_insert_with(|| json!([]));
        }
        settings.entry("ActionsEnabled").or_insert(Value::Bool(true));
        let (arn, now) = (self.alarm_arn(&name), self.clock.now());
        self.kept.change(|state| {
            if let Some(tags) = tags.filter(|_| !state.alarms.contains_key(&name)) {
                let tags = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
                state.tags.insert(arn, tags);
            }
            let alarm = state.alarms.entry(name).or_insert_with(|| Alarm {
                settings: Map::new(),
                state: "INSUFFICIENT_DATA".to_owned(),
                reason: "Unchecked: Initial alarm creation".to_owned(),
                put_at: now,
                changed_at: now,
            });
            alarm.settings = settings;
            alarm.put_at = now;
            Ok(json!({}))
        })
    }

    pub(super) fn describe_alarms(&self, request: &DescribeAlarms) -> Result<Value, Fault> {
        let state = self.kept.read();
        let has_action = |alarm: &Alarm, prefix: &str| {
            let actions = ["OKActions", "AlarmActions", "InsufficientDataActions"];
            let actions = actions.iter().filter_map(|list| alarm.settings.get(*list)?.as_array());
            actions.flatten().filter_map(Value::as_str).any(|action| action.starts_with(prefix))
        };
        let alarms = state.alarms.iter().filter(|(name, alarm)| {
            (request.alarm_names.is_empty() || request.alarm_names.contains(name))
                && name.starts_with(&request.alarm_name_prefix)
                && request.state_value.as_ref().is_none_or(|state| *state == alarm.state)
                && request.action_prefix.as_ref().is_none_or(|prefix| has_action(alarm, prefix))
        });
        let alarms: Vec<Value> = alarms.map(|(name, alarm)| self.describe(name, alarm)).collect();
        Ok(json!({"CompositeAlarms": [], "MetricAlarms": alarms}))
    }

    pub(super) fn describe_alarms_for_metric(&self, request: &ForMetric) -> Result<Value, Fault> {
        let state = self.kept.read();
        let is = |alarm: &Alarm, name: &str, wanted: &str| {
            alarm.settings.get(name).and_then(Value::as_str) == Some(wanted)
        };
        let alarms = state.alarms.iter().filter(|(_, alarm)| {
            is(alarm, "Namespace", &request.namespace)
                && is(alarm, "MetricName", &request.metric_name)
        });
        let alarms: Vec<Value> = alarms.map(|(name, alarm)| self.describe(name, alarm)).collect();
        Ok(json!({"MetricAlarms": alarms}))
    }

    pub(super) fn delete_alarms(&self, request: &AlarmNames) -> Result<Value, Fault> {
        self.kept.change(|state| {
            for name in &request.alarm_names {
                state.alarms.remove(name);
                state.tags.remove(&self.alarm_arn(name));
            }
            Ok(json!({}))
        })
    }

    pub(super) fn set_alarm_state(&self, request: &SetAlarmState) -> Result<Value, Fault> {
        let value = &request.state_value;
        if !["OK", "ALARM", "INSUFFICIENT_DATA"].contains(&value.as_str()) {
            return Err(Fault::value(format!("{value} is no state of an alarm")));
        }
        if !self.kept.read().alarms.contains_key(&request.alarm_name) {
            return Err(Fault::missing(
                MISSING,
                format!("there is no alarm `{}`", request.alarm_name),
            ));
        }
        self.change_state(&request.alarm_name, value, &request.state_reason)?;
        Ok(json!({}))
    }

    pub(super) fn switch_alarm_actions(
        &self,
        request: &AlarmNames,
        on: bool,
    ) -> Result<Value, Fault> {
        self.kept.change(|state| {
            for name in &request.alarm_names {
                if let Some(alarm) = state.alarms.get_mut(name) {
                    alarm.settings.insert("ActionsEnabled".to_owned(), on.into());
                }
            }
            Ok(json!({}))
        })
    }

    /// Gives every alarm the state its metrics have now, and tells of those
    /// that changed.
    pub(super) async fn evaluate_alarms(&self, now: Millis) {
        let state = self.kept.read();
        for (name, alarm) in &state.alarms {
            let evaluated = serde_json::from_value::<Terms>(alarm.settings.clone().into())
                .map_err(Fault::from)
                .and_then(|terms| self.state_of(&terms, now));
            let changed = evaluated.and_then(|evaluated| match evaluated {
                Some((value, reason)) if value != alarm.state => {
                    self.change_state(name, value, &reason).map(|()| Some((value, reason)))
                }
                Some(_) | None => Ok(None),
            });
            match changed {
                Ok(Some((value, reason))) => self.tell(name, alarm, value, &reason, now).await,
                Ok(None) => {}
                Err(fault) => tracing::warn!(alarm = name, error = fault.message, "not evaluated"),
            }
        }
    }

    /// The state by the last full periods; `None` where it stays as it is.
    fn state_of(
        &self,
        terms: &Terms,
        now: Millis,
    ) -> Result<Option<(&'static str, String)>, Fault> {
        let queries = terms.queries()?;
        let period = queries.iter().filter_map(Query::period).min().unwrap_or(60).max(1) as Millis;
        let period = period * 1000;
        let count = terms.evaluation_periods.max(1);
        let end = now - now % period;
        // Queues are sampled at the full minute: the sample just taken counts.
        let (start, end) = (end.saturating_sub(period * Millis::from(count - 1)), end + period);
        let operands = self.evaluate(&queries, Time(start), Time(end))?;
        let watched = queries.iter().find(|query| query.is_returned());
        let values =
            watched.and_then(|query| operands.get(query.id())?.series().into_iter().next());
        let values: Vec<f64> = values.unwrap_or_default().into_values().collect();
        let threshold = terms.threshold.unwrap_or_default();
        let breaching = values.iter().filter(|value| terms.breaches(**value, threshold)).count();
        let missing = (count as usize).saturating_sub(values.len());
        let needed = terms.datapoints_to_alarm.unwrap_or(count) as usize;
        let reason = format!(
            "Threshold Crossed: {breaching} out of the last {count} datapoints {values:?} was \
             {} {threshold}",
            terms.comparison_operator
        );
        let breaching =
            breaching + if terms.treat_missing_data == "breaching" { missing } else { 0 };
        Ok(match terms.treat_missing_data.as_str() {
            _ if breaching >= needed => Some(("ALARM", reason)),
            "notBreaching" | "breaching" => Some(("OK", reason)),
            _ if !values.is_empty() => Some(("OK", reason)),
            "ignore" => None,
            _ => Some(("INSUFFICIENT_DATA", "Insufficient Data: no datapoints".to_owned())),
        })
    }

    fn change_state(&self, name: &str, value: &str, reason: &str) -> Result<(), Fault> {
        let now = self.clock.now();
        self.kept.change(|state| {
            if let Some(alarm) = state.alarms.get_mut(name) {
                value.clone_into(&mut alarm.state);
                reason.clone_into(&mut alarm.reason);
                alarm.changed_at = now;
            }
            Ok(())
        })
    }

    async fn tell(&self, name: &str, alarm: &Alarm, value: &str, reason: &str, now: Millis) {
        let actions = match value {
            "ALARM" => "AlarmActions",
            "OK" => "OKActions",
            _ => "InsufficientDataActions",
        };
        let enabled = alarm.settings.get("ActionsEnabled") != Some(&Value::Bool(false));
        let actions = alarm.settings.get(actions).and_then(Value::as_array);
        let topics = actions.into_iter().flatten().filter_map(Value::as_str);
        let topics = topics.filter(|action| enabled && action.starts_with("arn:aws:sns:"));
        for topic in topics {
            let at = crate::time::rfc3339(now);
            let message = json!({
                "AlarmName": name,
                "AlarmDescription": alarm.settings.get("AlarmDescription"),
                "AWSAccountId": self.account.id,
                "NewStateValue": value,
                "NewStateReason": reason,
                "StateChangeTime": at,
                "Region": self.account.region,
                "AlarmArn": self.alarm_arn(name),
                "OldStateValue": alarm.state,
            });
            let subject = Some(format!("{value}: \"{name}\" in {}", self.account.region));
            let parcel = Parcel { subject, ..Parcel::plain(message.to_string()) };
            if let Err(error) = self.sink.deliver(topic, parcel).await {
                tracing::warn!(%error, alarm = name, "not told");
            }
        }
    }

    fn describe(&self, name: &str, alarm: &Alarm) -> Value {
        let mut described = alarm.settings.clone();
        described.extend([
            ("AlarmArn".to_owned(), self.alarm_arn(name).into()),
            ("AlarmConfigurationUpdatedTimestamp".to_owned(), seconds(alarm.put_at)),
            ("StateReason".to_owned(), alarm.reason.clone().into()),
            ("StateUpdatedTimestamp".to_owned(), seconds(alarm.changed_at)),
            ("StateValue".to_owned(), alarm.state.clone().into()),
        ]);
        described.into()
    }

    fn alarm_arn(&self, name: &str) -> String {
        self.account.arn("cloudwatch", &format!("alarm:{name}"))
    }
}

impl Terms {
    fn queries(&self) -> Result<Vec<Query>, Fault> {
        if !self.metrics.is_empty() {
            return Ok(self.metrics.clone());
        }
        let missing = || Fault::combination("MetricName or Metrics must be given.");
        let metric = Metric {
            namespace: self.namespace.clone().ok_or_else(missing)?,
            metric_name: self.metric_name.clone().ok_or_else(missing)?,
            dimensions: self.dimensions.clone(),
        };
        let stat = self.statistic.clone().or_else(|| self.extended_statistic.clone());
        let stat = stat.ok_or_else(|| Fault::combination("Statistic must be given."))?;
        Ok(vec![Query::of(metric, self.period.unwrap_or(60), stat, self.unit.clone())])
    }

    fn breaches(&self, value: f64, threshold: f64) -> bool {
        match self.comparison_operator.as_str() {
            "GreaterThanOrEqualToThreshold" => value >= threshold,
            "GreaterThanThreshold" => value > threshold,
            "LessThanThreshold" => value < threshold,
            "LessThanOrEqualToThreshold" => value <= threshold,
            // The other operators compare with a band, which is not there.
            _ => false,
        }
    }
}
