//! Arguments of the commands that work on dead letters.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Args as Group, Subcommand};
use millrace_contract::StageName;
use millrace_retry::FailureClass;

use super::{OutputArgs, examples, named, seconds, since};

#[derive(Debug, Subcommand)]
pub(crate) enum DlqCommand {
    /// Count dead letters by cause, the one with the newest first.
    #[command(after_help = examples::DLQ_LIST)]
    List(DlqListArgs),
    /// Show all that is known of one: facts, body, first rejects, trace, actions.
    #[command(after_help = examples::DLQ_SHOW)]
    Show(DlqShowArgs),
    /// Send dead letters again: a few first, then the rest if those come to a good
    /// end.
    ///
    /// A file whose contract has changed since is read again under the one of the
    /// pipeline file. Nothing is loaded twice, however often a message is sent.
    #[command(after_help = examples::DLQ_REDRIVE)]
    Redrive(DlqRedriveArgs),
    /// Change the body of one; the original is kept.
    #[command(after_help = examples::DLQ_EDIT)]
    Edit(DlqEditArgs),
    /// Give dead letters up, for a reason that is kept with them.
    #[command(after_help = examples::DLQ_DISCARD)]
    Discard(DlqDiscardArgs),
    /// Write dead letters out, bodies included, one JSON object per line.
    #[command(after_help = examples::DLQ_EXPORT)]
    Export(DlqExportArgs),
    /// Go through the dead-letter queues now: record what SQS moved there by
    /// itself, and remove what was dealt with. Workers do so every minute.
    #[command(after_help = examples::DLQ_ADOPT)]
    Adopt(DlqAdoptArgs),
}

/// Which dead letters are meant, by what they are.
#[derive(Debug, Clone, Default, Group)]
pub(crate) struct CauseArgs {
    /// Only of this stage: ingest, transform or load.
    #[arg(long, value_parser = named::stage)]
    pub(crate) stage: Option<StageName>,

    /// Only of this dataset.
    #[arg(long)]
    pub(crate) dataset: Option<String>,

    /// Only of this class: transient, throttled, outage, denied, missing, poison or
    /// contract.
    #[arg(long, value_parser = named::class)]
    pub(crate) class: Option<FailureClass>,

    /// Only of the group with this fingerprint; its beginning is enough.
    #[arg(long, visible_alias = "group", value_parser = fingerprint)]
    pub(crate) fingerprint: Option<String>,

    /// Only those that failed since: a date, a time (RFC 3339), or as `36h` or `7d`
    /// how long ago.
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub(crate) since: Option<DateTime<Utc>>,
}

/// Which dead letters are meant, one by one or by what they are.
#[derive(Debug, Clone, Default, Group)]
pub(crate) struct SelectionArgs {
    /// Message ids, as `list --each` shows them; the beginning is enough.
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,

    /// All that are open.
    #[arg(long, conflicts_with = "ids")]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) cause: CauseArgs,
}

/// Which dead letters something is done about, and whether at once.
#[derive(Debug, Group)]
pub(crate) struct DoingArgs {
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,

    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Don't ask.
    #[arg(long)]
    pub(crate) yes: bool,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct DlqListArgs {
    #[command(flatten)]
    pub(crate) cause: CauseArgs,

    /// Also those that something was done about.
    #[arg(long)]
    pub(crate) all: bool,

    /// One by one, the newest first.
    #[arg(long)]
    pub(crate) each: bool,

    /// At most so many lines.
    #[arg(long, default_value_t = 100)]
    pub(crate) limit: u32,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct DlqShowArgs {
    /// Message id, as `list --each` shows it; the beginning is enough.
    pub(crate) id: String,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct DlqRedriveArgs {
    #[command(flatten)]
    pub(crate) doing: DoingArgs,

    /// At most so many: `20/s`, `600/m`.
    #[arg(long, value_name = "N/s", value_parser = rate)]
    pub(crate) rate: Option<Rate>,

    /// Send so many first and stop if one of them fails again; 0 sends all at once.
    /// 5 unless given, where more than 20 are meant.
    #[arg(long, value_name = "N")]
    pub(crate) canary: Option<usize>,

    /// Give up waiting for those after this many seconds.
    #[arg(long, default_value = "600", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Group)]
pub(crate) struct DlqEditArgs {
    /// Message id, as `list --each` shows it; the beginning is enough.
    pub(crate) id: String,

    /// Take the new body from this file, or from standard input if it is `-`,
    /// instead of opening $VISUAL or $EDITOR.
    #[arg(long, value_name = "FILE")]
    pub(crate) body_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct DlqDiscardArgs {
    #[command(flatten)]
    pub(crate) doing: DoingArgs,

    /// Why.
    #[arg(long, value_parser = reason)]
    pub(crate) reason: String,
}

#[derive(Debug, Group)]
pub(crate) struct DlqExportArgs {
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,

    /// Also those that something was done about.
    #[arg(long)]
    pub(crate) resolved: bool,

    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) pipeline: super::PipelineArgs,
}

#[derive(Debug, Group)]
pub(crate) struct DlqAdoptArgs {
    /// Only of this stage: ingest, transform or load.
    #[arg(long, value_parser = named::stage)]
    pub(crate) stage: Option<StageName>,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Messages per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate(f64);

impl Rate {
    /// How long so many messages take.
    pub(crate) fn time_of(self, messages: usize) -> Duration {
        Duration::try_from_secs_f64(messages as f64 / self.0).unwrap_or(Duration::MAX)
    }
}

fn rate(text: &str) -> Result<Rate, String> {
    let (number, seconds) = match text.split_once('/') {
        None | Some((_, "s")) => (text.split('/').next().unwrap_or_default(), 1.0),
        Some((number, "m")) => (number, 60.0),
        Some(_) => ("", 1.0),
    };
    match number.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(Rate(number / seconds)),
        Ok(_) | Err(_) => Err("write how many per second or minute: `20/s`, `600/m`".to_owned()),
    }
}

fn fingerprint(text: &str) -> Result<String, String> {
    let is_hex = !text.is_empty() && text.chars().all(|char| char.is_ascii_hexdigit());
    match is_hex {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("a fingerprint is hexadecimal; `millrace dlq list` shows them".to_owned()),
    }
}

fn reason(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("say why in a few words".to_owned()),
        reason => Ok(reason.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_so_many_per_second_or_minute() {
        for (text, seconds) in [("20/s", 5.0), ("20", 5.0), ("600/m", 10.0), ("0.5/s", 200.0)] {
            let took = rate(text).expect(text).time_of(100);
            assert_eq!(took, Duration::from_secs_f64(seconds), "{text}");
        }
        for wrong in ["", "0/s", "-1", "20/h", "x/s", "inf", "NaN", "20/s/s"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_fingerprint_and_no_reason_is_refused() {
        assert_eq!(fingerprint("3F9c").expect("hex"), "3f9c");
        assert!(fingerprint("orders").is_err() && fingerprint("").is_err());
        assert_eq!(reason(" noise ").expect("a reason"), "noise");
        assert!(reason(" ").is_err());
    }
}
