//! `millrace dlq export`: dead letters as NDJSON.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::process::ExitCode;

use anyhow::Context;
use millrace_ledger::{Act, DlqAction, Only};

use super::facts::whole;
use super::select::{Pages, by_cause, check, meant};
use crate::actor::actor;
use crate::args::{DlqExportArgs, SelectionArgs};
use crate::setup::Setup;
use crate::show;

pub(super) async fn run(args: &DlqExportArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.pipeline)?;
    let ledger = setup.ledger_to_read().await?;
    let SelectionArgs { ids, cause, .. } = &args.selection;
    // To look does no harm: without a word on which, all are meant.
    let mut filter = match ids.is_empty() {
        true => {
            check(&setup.pipeline, &ledger, cause).await?;
            by_cause(cause, Only::Open)
        }
        false => meant(&setup.pipeline, &ledger, &args.selection).await?,
    };
    if args.resolved {
        filter.only = Only::Any;
    }
    let mut output: Box<dyn Write> = match &args.to {
        Some(path) => {
            let file = File::create(path)
                .with_context(|| format!("`{}` can't be written", path.display()))?;
            Box::new(BufWriter::new(file))
        }
        None => Box::new(BufWriter::new(std::io::stdout())),
    };
    let mut written = 0_u64;
    let mut pages = Pages::new(&ledger, &filter);
    loop {
        let page = pages.next().await?;
        if page.is_empty() {
            break;
        }
        for failure in &page {
            if !line(&mut output, &whole(failure).to_string())? {
                return Ok(ExitCode::SUCCESS);
            }
            written += 1;
        }
    }
    output.flush().or_else(closed)?;
    let place =
        args.to.as_ref().map_or("standard output".to_owned(), |to| to.display().to_string());
    let dead_letters = show::count(written, "dead letter");
    let detail = Some(format!("{dead_letters} to {place}"));
    ledger
        .record_dlq_action(&DlqAction { detail, ..DlqAction::now(&actor(), Act::Export) })
        .await?;
    show::note(format!("{dead_letters} written"));
    Ok(ExitCode::SUCCESS)
}

/// Writes a line; false if nobody reads any more.
fn line(output: &mut dyn Write, text: &str) -> anyhow::Result<bool> {
    match writeln!(output, "{text}") {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn closed(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}
