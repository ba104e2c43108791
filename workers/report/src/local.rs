//! The time a run is for, on the clocks of its report's time zone.

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use millrace_contract::Report;
use millrace_runtime::Failed;

/// The scheduled time on the clocks of the report's time zone.
///
/// # Errors
/// [`Failed::Verdict`] if there is no such zone.
pub fn local_time(report: &Report, at: DateTime<Utc>) -> Result<NaiveDateTime, Failed> {
    let zone: Tz = report
        .timezone
        .parse()
        .map_err(|_| Failed::contract(format!("`{}` is not a time zone", report.timezone)))?;
    Ok(at.with_timezone(&zone).naive_local())
}
