//! From arguments to the failures that are meant.

use anyhow::bail;
use chrono::Utc;
use millrace_ledger::{Failure, FailureFilter, FailureGroup, FailureKey, Ledger, Only};
use millrace_pipeline::{Pipeline, nearest};

use crate::args::{CauseArgs, SelectionArgs};
use crate::datasets;
use crate::exit::Usage;

/// Failures that are read at a time, with their bodies.
const PAGE: u32 = 100;

/// Groups among which one is sought that may be meant.
const GROUPS: usize = 1_000;

/// The filter that a command's arguments say.
pub(super) fn by_cause(cause: &CauseArgs, only: Only) -> FailureFilter {
    FailureFilter {
        only,
        stage: cause.stage,
        dataset: cause.dataset.clone(),
        class: cause.class,
        fingerprint: cause.fingerprint.clone(),
        since: cause.since,
        ids: Vec::new(),
        until: None,
    }
}

/// Those that are meant by a command that does something about them, and that have
/// failed by now. Named ones may have been sent again or given up before.
///
/// # Errors
/// [`Usage`] if nothing says which are meant; an error if an id names none, or
/// several.
pub(super) async fn meant(
    pipeline: &Pipeline,
    ledger: &Ledger,
    selection: &SelectionArgs,
) -> anyhow::Result<FailureFilter> {
    let SelectionArgs { ids, all, cause } = selection;
    let is_narrowed = cause.stage.is_some()
        || cause.dataset.is_some()
        || cause.class.is_some()
        || cause.fingerprint.is_some()
        || cause.since.is_some();
    if ids.is_empty() && !all && !is_narrowed {
        return Err(Usage(
            "say which are meant: ids, `--group`, `--dataset`, `--stage`, `--class`, `--since` or \
             `--all`; `millrace dlq list` shows what there is"
                .to_owned(),
        )
        .into());
    }
    check(pipeline, ledger, cause).await?;
    let only = if ids.is_empty() { Only::Open } else { Only::Unfinished };
    let mut filter = by_cause(cause, only);
    for id in ids {
        filter.ids.push(one(ledger, id).await?.record.message_id);
    }
    // What fails again meanwhile is not sent again by the same command.
    filter.until = Some(Utc::now());
    Ok(filter)
}

/// Checks that the dataset and the group of a filter are known at all.
///
/// # Errors
/// [`Usage`] with which may be meant, or what the ledger says.
pub(super) async fn check(
    pipeline: &Pipeline,
    ledger: &Ledger,
    cause: &CauseArgs,
) -> anyhow::Result<()> {
    datasets::check(pipeline, ledger, cause.dataset.as_deref()).await?;
    let Some(wanted) = &cause.fingerprint else { return Ok(()) };
    let any = FailureFilter { only: Only::Any, ..FailureFilter::default() };
    let of_group = FailureFilter { fingerprint: Some(wanted.clone()), ..any.clone() };
    if !ledger.failure_groups(&of_group, 1).await?.is_empty() {
        return Ok(());
    }
    let groups = ledger.failure_groups(&any, GROUPS).await?;
    let alike = |group: &FailureGroup| group.fingerprint.get(..wanted.len()).map(str::to_owned);
    let meant = match nearest(wanted, groups.iter().filter_map(alike)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "`millrace dlq list` shows them".to_owned(),
    };
    Err(Usage(format!("no group begins with `{wanted}`; {meant}")).into())
}

/// The failure with this message id, or the only one whose id begins so.
///
/// # Errors
/// If there is none, or there are several.
pub(super) async fn one(ledger: &Ledger, id: &str) -> anyhow::Result<Failure> {
    let filter =
        FailureFilter { only: Only::Any, ids: vec![id.to_owned()], ..FailureFilter::default() };
    let mut found = ledger.newest_failures(&filter, 3).await?;
    found.sort_by_key(|failure| failure.record.message_id != id);
    match found.as_slice() {
        [only] => Ok(only.clone()),
        [exact, other, ..] if exact.record.message_id == id && other.record.message_id != id => {
            Ok(exact.clone())
        }
        [] => {
            bail!("no dead letter's id begins with `{id}`; `millrace dlq list --each` shows them")
        }
        [one, other, ..] => {
            bail!("`{id}` is the beginning of several ids: {}, {}, …", one.key(), other.key())
        }
    }
}

/// Goes through the failures that a filter finds, page by page.
pub(super) struct Pages<'a> {
    ledger: &'a Ledger,
    filter: FailureFilter,
    after: Option<FailureKey>,
    ended: bool,
}

impl<'a> Pages<'a> {
    pub(super) fn new(ledger: &'a Ledger, filter: &FailureFilter) -> Self {
        Self { ledger, filter: filter.clone(), after: None, ended: false }
    }

    /// The next page; empty behind the last.
    ///
    /// # Errors
    /// If the ledger can't be asked.
    pub(super) async fn next(&mut self) -> anyhow::Result<Vec<Failure>> {
        if self.ended {
            return Ok(Vec::new());
        }
        let page = self.ledger.failures_behind(&self.filter, self.after.as_ref(), PAGE).await?;
        self.after = page.last().map(Failure::key);
        self.ended = page.len() < PAGE as usize;
        Ok(page)
    }
}
