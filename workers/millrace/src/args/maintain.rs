//! Arguments of upkeep by hand, and of its history.

use std::time::Duration;

use clap::Args as Group;
use millrace_contract::Upkeep;

use super::{OutputArgs, named};

#[derive(Debug, Group)]
pub(crate) struct ReconcileArgs {
    /// Only keys of the raw bucket that begin so: a backfill of a folder.
    #[arg(long, conflicts_with = "dataset")]
    pub(crate) prefix: Option<String>,

    /// Only files of this dataset.
    #[arg(long)]
    pub(crate) dataset: Option<String>,

    /// How old an object is at least, as in `15m` or `2h`: younger ones may still be
    /// on their way. As the pipeline file says unless given.
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub(crate) older_than: Option<Duration>,

    /// Say what would be sent, and send nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct CompactArgs {
    /// Only this dataset.
    #[arg(long)]
    pub(crate) dataset: Option<String>,

    /// Say what would be joined, and join nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct RetentionArgs {
    /// Say what would be removed, and remove nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Remove without asking.
    #[arg(long)]
    pub(crate) yes: bool,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Group)]
pub(crate) struct MaintenanceArgs {
    /// Only runs of this kind: reconcile, compact or retention.
    #[arg(long, value_parser = named::upkeep)]
    pub(crate) upkeep: Option<Upkeep>,

    /// At most so many.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

fn age(text: &str) -> Result<Duration, String> {
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let found = units.into_iter().find_map(|(unit, scale)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(scale).map(Duration::from_secs)
    });
    found.ok_or_else(|| "write an age such as 90s, 15m, 2h or 7d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read() {
        for (text, seconds) in
            [("0s", 0), ("90s", 90), ("15m", 900), ("2h", 7_200), ("7d", 604_800)]
        {
            assert_eq!(age(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "m", "5", "-5m", "1.5h", "5 m"] {
            assert!(age(text).is_err(), "{text}");
        }
    }
}
