//! What starts a report: the message of a schedule or of `millrace schedule run`,
//! an EventBridge event, or a JSON object of parameters, as for an export.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::identity::fingerprint;
use crate::order::{Order, Wanted, read_order};
use crate::task::{decode, encode};
use crate::{OrderError, Parameters, SCHEDULED_TIME, TaskError};

/// Make this report for this time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportTask {
    /// Name of the report.
    pub report: String,
    /// The time the run is for: when its schedule was due.
    pub scheduled_at: DateTime<Utc>,
    /// Values by name.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub parameters: Parameters,
}

impl ReportTask {
    /// The message body: JSON with `version` and `task` beside the fields.
    pub fn to_message(&self) -> String {
        encode("report", self)
    }

    /// Reads a message body.
    ///
    /// # Errors
    /// [`TaskError`] if it is not JSON, another task, another version, or lacks a
    /// field.
    pub fn from_message(body: &str) -> Result<Self, TaskError> {
        decode("report", body)
    }

    /// The message that a schedule sends: as [`ReportTask::to_message`], with
    /// [`SCHEDULED_TIME`] for the time.
    pub fn scheduled_message(report: &str) -> String {
        let message = json!({
            "version": 1,
            "task": "report",
            "report": report,
            "scheduled_at": SCHEDULED_TIME,
        });
        message.to_string()
    }

    /// Names the run.
    pub fn run_id(&self) -> ReportRunId {
        let at = self.scheduled_at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let given = self.parameters.iter().flat_map(|(name, value)| [name.as_str(), value]);
        let parts: Vec<&str> =
            ["report", self.report.as_str(), &at].into_iter().chain(given).collect();
        let mut digits = fingerprint(&parts);
        digits.truncate(16);
        ReportRunId(digits)
    }
}

impl From<ReportTask> for Order {
    fn from(task: ReportTask) -> Self {
        let ReportTask { report, scheduled_at, parameters } = task;
        Self { name: report, scheduled_at, parameters }
    }
}

/// Names a run: 16 hexadecimal digits over report, scheduled time and parameters,
/// so that a schedule that fires twice for one time has one run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReportRunId(String);

impl ReportRunId {
    /// Wraps an id read back from the ledger.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The 16 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReportRunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads whatever may start a report, of a pipeline with these reports, as
/// [`read_export_order`](crate::read_export_order) does for exports.
///
/// # Errors
/// [`OrderError`] says what is wrong.
pub fn read_report_order(
    body: &str,
    pipeline: &str,
    reports: &[&str],
    sent_at: Option<DateTime<Utc>>,
) -> Result<ReportTask, OrderError> {
    let task = |body: &str| ReportTask::from_message(body).map(Order::from);
    let wanted = Wanted { word: "report", pipeline, names: reports, task };
    let Order { name, scheduled_at, parameters } = read_order(body, &wanted, sent_at)?;
    Ok(ReportTask { report: name, scheduled_at, parameters })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-01-31T02:00:00Z";

    fn read(body: &str) -> Result<ReportTask, OrderError> {
        read_report_order(body, "shop", &["spending", "stock"], None)
    }

    #[test]
    fn what_a_schedule_sends_is_read_once_its_time_is_put_in() {
        let fired = ReportTask::scheduled_message("spending").replace(SCHEDULED_TIME, AT);
        let task = read(&fired).expect("a task");
        assert_eq!((task.report.as_str(), task.parameters.len()), ("spending", 0));
        assert_eq!(read(&task.to_message()).expect("the same"), task);
        assert_eq!(task.run_id().as_str().len(), 16);
    }

    #[test]
    fn by_hand_it_names_the_report_and_what_is_not_there_is_said() {
        let named = format!(r#"{{"report":"stock","scheduled_at":"{AT}","user":"ann"}}"#);
        let task = read(&named).expect("a task");
        assert_eq!((task.report.as_str(), task.parameters["user"].as_str()), ("stock", "ann"));
        let unknown = named.replace("stock", "stok");
        let error = read(&unknown).expect_err("unknown").to_string();
        assert_eq!(error, "no report is named `stok`; the reports are spending, stock");
        let export =
            format!(r#"{{"version":1,"task":"export","export":"a","scheduled_at":"{AT}"}}"#);
        assert!(read(&export).expect_err("an export").to_string().contains("not a report message"));
    }
}
