//! Arguments of the commands that show rejected rows and go through files again.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use clap::{Args as Group, Subcommand};

use super::{OutputArgs, examples};
use crate::replay::From;

#[derive(Debug, Subcommand)]
pub(crate) enum RejectsCommand {
    /// Count rejected rows by dataset and rule, the most frequent first.
    #[command(after_help = examples::REJECTS_LIST)]
    List(RejectListArgs),
    /// Show the rejected rows of one file: where, why, and the row itself.
    #[command(after_help = examples::REJECTS_SHOW)]
    Show(RejectShowArgs),
    /// Give rejected rows another chance, now that the pipeline file is mended.
    ///
    /// Rows that pass are added to those of their file; asking again adds nothing
    /// twice. Where a part of the rows can't be judged alone, the whole object is
    /// read again, and its rows take the place of those before.
    #[command(after_help = examples::REJECTS_REPLAY)]
    Replay(RejectReplayArgs),
}

#[derive(Debug, Group)]
pub(crate) struct RejectListArgs {
    /// Only this dataset.
    #[arg(long)]
    pub(crate) dataset: Option<String>,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct RejectShowArgs {
    /// The object: s3://bucket/key, or a key of the raw bucket.
    pub(crate) object: String,

    /// Only as this dataset, where the file feeds several.
    #[arg(long)]
    pub(crate) dataset: Option<String>,

    /// Only rows that broke this rule: a type, `required`, or a rule's text.
    #[arg(long)]
    pub(crate) rule: Option<String>,

    /// At most so many.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct RejectReplayArgs {
    #[command(flatten)]
    pub(crate) files: FilesArgs,
}

/// Which files are meant.
#[derive(Debug, Group)]
pub(crate) struct FilesArgs {
    /// One object: s3://bucket/key, or a key of the raw bucket.
    #[arg(required_unless_present = "dataset")]
    pub(crate) object: Option<String>,

    /// Files of this dataset.
    #[arg(long)]
    pub(crate) dataset: Option<String>,

    /// Only files registered since: a date, a time (RFC 3339), or as `36h` or
    /// `7d` how long ago.
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub(crate) since: Option<DateTime<Utc>>,

    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    pub(crate) files: FilesArgs,

    /// Where the rows come from.
    #[arg(long, value_enum, default_value_t = From::Auto)]
    pub(crate) from: From,
}

/// A date, a time, or how long ago.
pub(crate) fn since(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.with_timezone(&Utc));
    }
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Ok(date.and_time(NaiveTime::MIN).and_utc());
    }
    ago(text).and_then(|ago| Utc::now().checked_sub_signed(ago)).ok_or_else(|| {
        "write a date (2024-01-31), a time (2024-01-31T08:00:00Z), or how long ago (30m, 36h, 7d)"
            .to_owned()
    })
}

fn ago(text: &str) -> Option<TimeDelta> {
    let unit = text.chars().last()?;
    let number: i64 = text.strip_suffix(unit)?.parse().ok().filter(|number| *number >= 0)?;
    match unit {
        's' => TimeDelta::try_seconds(number),
        'm' => TimeDelta::try_minutes(number),
        'h' => TimeDelta::try_hours(number),
        'd' => TimeDelta::try_days(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_date_an_instant_or_how_long_ago() {
        let day = since("2024-01-31").expect("a date");
        assert_eq!(day.to_rfc3339(), "2024-01-31T00:00:00+00:00");
        let time = since("2024-01-31T08:00:00+02:00").expect("a time");
        assert_eq!(time.to_rfc3339(), "2024-01-31T06:00:00+00:00");
        let hour = Utc::now() - since("60m").expect("a while");
        assert!((hour - TimeDelta::hours(1)).num_seconds().abs() < 5);
        for wrong in
            ["", "h", "-1h", "1w", "yesterday", "99999999999999999999d", "9223372036854775807d"]
        {
            assert!(since(wrong).is_err(), "{wrong}");
        }
    }
}
