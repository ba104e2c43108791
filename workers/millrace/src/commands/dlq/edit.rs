//! `millrace dlq edit`: the body of a dead letter is changed, the original kept.

use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};
use millrace_contract::BodyFacts;
use millrace_ledger::{EditedFacts, Failure};
use serde_json::json;

use super::facts::pretty;
use super::select::one;
use crate::actor::actor;
use crate::args::{DlqEditArgs, Format};
use crate::exit::Usage;
use crate::redrive::check_body;
use crate::setup::Setup;
use crate::show;

pub(super) async fn run(args: &DlqEditArgs) -> anyhow::Result<ExitCode> {
    let ledger = Setup::new(&args.output.pipeline)?.ledger_to_read().await?;
    let failure = one(&ledger, &args.id).await?;
    let key = failure.key();
    if let Some((resolution, _)) = failure.resolution {
        bail!("{key} is {resolution}; only an open dead letter can be changed");
    }
    let body = match &args.body_file {
        Some(path) => read(path)?,
        None => in_editor(&failure)?,
    };
    let body = body.trim_end_matches(['\n', '\r']);
    if body == failure.record.body || body == pretty(&failure.record.body) {
        print(args, &failure, false)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Err(why) = check_body(failure.record.stage, body) {
        bail!(
            "the body is as it was, since the {} stage could not read the new one: {why}",
            failure.record.stage
        );
    }
    let BodyFacts { dataset, file_id, object, .. } = BodyFacts::of(body);
    let facts = EditedFacts { dataset, file_id, object };
    let failed = (&key, failure.record.fingerprint.as_str());
    if !ledger.edit_failure(failed, body, &facts, &actor()).await? {
        bail!("{key} was dealt with meanwhile; `millrace dlq show {}` says how", key.message_id);
    }
    print(args, &failure, true)?;
    Ok(ExitCode::SUCCESS)
}

fn print(args: &DlqEditArgs, failure: &Failure, changed: bool) -> anyhow::Result<()> {
    let id = &failure.record.message_id;
    match args.output.output {
        Format::Json => show::json(&json!({
            "message_id": id,
            "queue": failure.record.queue,
            "changed": changed,
        })),
        Format::Table if changed => {
            show::line(format!("changed; `millrace dlq redrive {id}` sends it"));
            Ok(())
        }
        Format::Table => {
            show::note("nothing was changed");
            Ok(())
        }
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("standard input can't be read")?;
        return Ok(text);
    }
    std::fs::read_to_string(path).with_context(|| format!("`{}` can't be read", path.display()))
}

/// Opens the body in the person's editor and waits until it is closed.
fn in_editor(failure: &Failure) -> anyhow::Result<String> {
    if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        let wanted = "give the new body with `--body-file FILE` or `--body-file -`";
        return Err(Usage(format!("there is no terminal for an editor; {wanted}")).into());
    }
    let set = |name| std::env::var(name).ok().filter(|value: &String| !value.trim().is_empty());
    let Some(editor) = set("VISUAL").or_else(|| set("EDITOR")) else {
        let wanted = "set VISUAL or EDITOR, or give the new body with `--body-file`";
        return Err(Usage(format!("no editor is known; {wanted}")).into());
    };
    let mut file = tempfile::Builder::new().prefix("millrace-").suffix(".json").tempfile()?;
    writeln!(file, "{}", pretty(&failure.record.body))?;
    file.flush()?;
    // The variable may hold arguments too, which the shell tells apart.
    let command = format!("{editor} \"$1\"");
    let status = Command::new("sh")
        .args(["-c", &command, "sh"])
        .arg(file.path())
        .status()
        .with_context(|| format!("`{editor}` could not be started"))?;
    if !status.success() {
        bail!("`{editor}` ended with {status}; the body is as it was");
    }
    read(file.path())
}
