//! What starts an export: the message of a schedule or of `millrace schedule
//! run`, an EventBridge event, or a JSON object of parameters that somebody made
//! by hand.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::identity::fingerprint;
use crate::order::{Order, Wanted, read_order};
use crate::task::{decode, encode};
use crate::{OrderError, Parameters, TaskError};

/// Run this export for this time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportTask {
    /// Name of the export.
    pub export: String,
    /// The time the run is for: when its schedule was due.
    pub scheduled_at: DateTime<Utc>,
    /// Values by name.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub parameters: Parameters,
}

impl ExportTask {
    /// The message body: JSON with `version` and `task` beside the fields.
    pub fn to_message(&self) -> String {
        encode("export", self)
    }

    /// Reads a message body.
    ///
    /// # Errors
    /// [`TaskError`] if it is not JSON, another task, another version, or lacks a
    /// field.
    pub fn from_message(body: &str) -> Result<Self, TaskError> {
        decode("export", body)
    }

    /// The message that a schedule sends: as [`ExportTask::to_message`], with
    /// [`SCHEDULED_TIME`](crate::SCHEDULED_TIME) for the time.
    pub fn scheduled_message(export: &str, parameters: &Parameters) -> String {
        let mut message = json!({
            "version": 1,
            "task": "export",
            "export": export,
            "scheduled_at": crate::SCHEDULED_TIME,
        });
        if !parameters.is_empty() {
            message["parameters"] = json!(parameters);
        }
        message.to_string()
    }

    /// Names the run.
    pub fn run_id(&self) -> ExportRunId {
        let at = self.scheduled_at.to_rfc3339_opts(SecondsFormat::Micros, true);
        ExportRunId(self.digits(&at))
    }

    /// Names what a watermark belongs to: the export with its parameters.
    pub fn watermark_key(&self) -> String {
        self.digits("")
    }

    fn digits(&self, at: &str) -> String {
        let given = self.parameters.iter().flat_map(|(name, value)| [name.as_str(), value]);
        let parts: Vec<&str> = [self.export.as_str(), at].into_iter().chain(given).collect();
        let mut digits = fingerprint(&parts);
        digits.truncate(16);
        digits
    }
}

/// Names a run: 16 hexadecimal digits over export, scheduled time and
/// parameters, so that a schedule that fires twice for one time has one run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExportRunId(String);

impl ExportRunId {
    /// Wraps an id read back from the ledger.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The 16 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExportRunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<ExportTask> for Order {
    fn from(task: ExportTask) -> Self {
        let ExportTask { export, scheduled_at, parameters } = task;
        Self { name: export, scheduled_at, parameters }
    }
}

/// Reads whatever may start an export, of a pipeline with these exports.
/// `sent_at` is when the message was sent: the time of one that has none.
///
/// Understood are [`ExportTask`]s; events of EventBridge rules and of EventBridge
/// Scheduler, where the name of rule or schedule is the export's or
/// `<pipeline>-<export>`; and JSON objects of parameters, with `export` and
/// `scheduled_at` among them where they are not plain.
///
/// # Errors
/// [`OrderError`] says what is wrong.
pub fn read_export_order(
    body: &str,
    pipeline: &str,
    exports: &[&str],
    sent_at: Option<DateTime<Utc>>,
) -> Result<ExportTask, OrderError> {
    let task = |body: &str| ExportTask::from_message(body).map(Order::from);
    let wanted = Wanted { word: "export", pipeline, names: exports, task };
    let Order { name, scheduled_at, parameters } = read_order(body, &wanted, sent_at)?;
    Ok(ExportTask { export: name, scheduled_at, parameters })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SCHEDULED_TIME;

    const AT: &str = "2026-01-31T02:00:00Z";

    fn at() -> DateTime<Utc> {
        AT.parse().expect("a time")
    }

    fn read(body: &str) -> Result<ExportTask, OrderError> {
        read_export_order(body, "shop", &["users", "orders"], None)
    }

    #[test]
    fn what_a_schedule_sends_is_read_once_its_time_is_put_in() {
        let given = Parameters::from([("user".to_owned(), "a \"b\"".to_owned())]);
        let message = ExportTask::scheduled_message("users", &given);
        assert!(ExportTask::from_message(&message).is_err(), "no time yet");
        let fired = message.replace(SCHEDULED_TIME, AT);
        let task = read(&fired).expect("a task");
        assert_eq!(
            task,
            ExportTask { export: "users".into(), scheduled_at: at(), parameters: given }
        );
        assert_eq!(read(&task.to_message()).expect("the same"), task);
    }

    #[test]
    fn a_rule_is_known_by_its_name_with_or_without_the_pipelines() {
        for name in ["users", "shop-users"] {
            let arn = format!("arn:aws:events:eu-west-1:000000000000:rule/{name}");
            let event = json!({"detail-type": "Scheduled Event", "source": "aws.events",
                "time": AT, "resources": [arn], "detail": {}});
            let task = read(&event.to_string()).expect("a task");
            assert_eq!((task.export.as_str(), task.scheduled_at), ("users", at()));
        }
        let arn = "arn:aws:scheduler:eu-west-1:000000000000:schedule/shop/orders";
        let input = json!({"schedule_arn": arn, "scheduled_time": AT, "user": 7});
        let task = read(&input.to_string()).expect("a task");
        assert_eq!((task.export.as_str(), task.parameters["user"].as_str()), ("orders", "7"));
    }

    #[test]
    fn parameters_by_hand_start_an_export() {
        let body = r#"{"registration_date":"2023-01-01","user":"ann"}"#;
        let only = read_export_order(body, "shop", &["users"], Some(at())).expect("a task");
        assert_eq!(only.parameters["registration_date"], "2023-01-01");
        assert_eq!(only.scheduled_at, at());
        assert!(matches!(read(body), Err(OrderError::Which { .. })));
        let named = format!(r#"{{"export":"orders","scheduled_at":"{AT}","user":"ann"}}"#);
        assert_eq!(read(&named).expect("a task").export, "orders");
    }

    #[test]
    fn what_starts_nothing_says_why() {
        for (body, says) in [
            ("no json", "not JSON"),
            (r#"{"version":1,"task":"load"}"#, "not a"),
            (r#"{"export":"user"}"#, "has no time"),
            (
                r#"{"export":"user","scheduled_at":"2026-01-31T02:00:00Z"}"#,
                "no export is named `user`",
            ),
            (
                r#"{"export":"users","scheduled_at":"2026-01-31T02:00:00Z","a":[1]}"#,
                "parameter `a`",
            ),
            (r#"{"detail-type":"x","source":"y"}"#, "starts no export"),
        ] {
            let error = read(body).expect_err(body).to_string();
            assert!(error.contains(says), "{body}: {error}");
        }
    }

    #[test]
    fn a_run_is_named_by_export_time_and_parameters() {
        let task = |export: &str, seconds: i64, user: &str| ExportTask {
            export: export.into(),
            scheduled_at: at() + chrono::TimeDelta::seconds(seconds),
            parameters: Parameters::from([("user".into(), user.into())]),
        };
        let first = task("users", 0, "ann");
        assert_eq!(first.run_id(), first.clone().run_id());
        assert_eq!(first.run_id().as_str().len(), 16);
        for other in [task("orders", 0, "ann"), task("users", 1, "ann"), task("users", 0, "bob")] {
            assert_ne!(first.run_id(), other.run_id());
        }
        assert_eq!(first.watermark_key(), task("users", 1, "ann").watermark_key());
        assert_ne!(first.watermark_key(), task("users", 0, "bob").watermark_key());
    }
}
