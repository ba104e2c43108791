//! `millrace replay` and `millrace rejects replay`: files that are gone through
//! again, on purpose.

use std::process::ExitCode;

use millrace_contract::{Dataset, LoadMode};
use millrace_ledger::{Ledger, LedgerError, ReplayFilter, Replayable};
use millrace_queue::Sqs;
use serde_json::{Value, json};

use super::trace::locate;
use crate::args::{FilesArgs, Format, ReplayArgs};
use crate::datasets;
use crate::exit::Usage;
use crate::replay::{Sender, Sent, Way, again, mend};
use crate::setup::{self, Setup};
use crate::show;

/// Which files are looked for, and what is done about each.
enum Wish {
    /// Rejected rows get another chance.
    Mend,
    /// All rows are loaded again.
    Again(crate::replay::From),
}

pub(super) async fn run(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    carry_out(&args.files, &Wish::Again(args.from)).await
}

pub(super) async fn mend_rejects(args: &FilesArgs) -> anyhow::Result<ExitCode> {
    carry_out(args, &Wish::Mend).await
}

async fn carry_out(args: &FilesArgs, wish: &Wish) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(&args.output.pipeline)?;
    let (_, ledger) = setup.ledger(2).await?;
    let sender = match args.dry_run {
        true => None,
        false => {
            let queues = Sqs::new(&setup::signed_in().await?);
            Some(Sender::open(&setup.pipeline, ledger.clone(), &queues).await?)
        }
    };
    let mut lines = Vec::new();
    for dataset in meant(&setup, args)? {
        let filter = filter(&setup, args, dataset)?;
        let mut after = None;
        loop {
            let (files, next) = find(&ledger, wish, &filter, after).await?;
            for file in &files {
                let way = way(&ledger, wish, file, dataset).await?;
                let sent = match &sender {
                    Some(sender) => Some(sender.send(file, &way, dataset).await?),
                    None => None,
                };
                lines.push(Line::new(file, &way, sent.as_ref()));
            }
            match next {
                Some(_) => after = next,
                None => break,
            }
        }
    }
    print(args, wish, &lines)?;
    Ok(ExitCode::SUCCESS)
}

async fn find(
    ledger: &Ledger,
    wish: &Wish,
    filter: &ReplayFilter,
    after: Option<u64>,
) -> Result<(Vec<Replayable>, Option<u64>), LedgerError> {
    match wish {
        Wish::Mend => ledger.outstanding_rejects(filter, after).await,
        Wish::Again(_) => ledger.loaded_files(filter, after).await,
    }
}

async fn way(
    ledger: &Ledger,
    wish: &Wish,
    file: &Replayable,
    dataset: &Dataset,
) -> anyhow::Result<Way> {
    Ok(match wish {
        Wish::Again(from) => again(file, *from, dataset),
        Wish::Mend => {
            let then = ledger.contract(&dataset.name, &file.run.contract).await?;
            mend(file, then.as_ref(), dataset)
        }
    })
}

/// The datasets whose files are meant.
fn meant<'a>(setup: &'a Setup, args: &FilesArgs) -> anyhow::Result<Vec<&'a Dataset>> {
    match &args.dataset {
        Some(name) => match datasets::named(&setup.pipeline, name)? {
            derived if derived.is_derived() => Err(Usage(format!(
                "`{name}` is derived from others: `millrace schedule run {name}` makes it again"
            ))
            .into()),
            dataset => Ok(vec![dataset]),
        },
        None => {
            let all = setup.pipeline.datasets.iter();
            Ok(all.filter(|dataset| !dataset.is_derived()).collect())
        }
    }
}

fn filter(setup: &Setup, args: &FilesArgs, dataset: &Dataset) -> anyhow::Result<ReplayFilter> {
    let key = match &args.object {
        Some(object) => {
            let (bucket, key) = locate(object, &setup.pipeline.lake.raw)?;
            Some((bucket.to_owned(), key.to_owned()))
        }
        None => None,
    };
    // Where files add up, every version of a key has its rows in the table.
    let adds_up = dataset.load.as_ref().is_some_and(|load| load.mode == LoadMode::Append);
    Ok(ReplayFilter {
        dataset: dataset.name.clone(),
        key,
        since: args.since,
        newest_only: !adds_up,
    })
}

/// What was done about a file.
struct Line {
    url: String,
    dataset: String,
    file_id: String,
    rows: Option<u64>,
    rejected: Option<u64>,
    way: &'static str,
    why: Option<String>,
    result: &'static str,
    replay_id: Option<String>,
}

impl Line {
    fn new(file: &Replayable, way: &Way, sent: Option<&Sent>) -> Self {
        let run = &file.run;
        let (way, why) = match way {
            Way::Rows(_) => ("rejected rows", None),
            Way::Source(_, why) => ("whole object", why.clone()),
            Way::Lake(_) => ("from the lake", None),
            Way::Not(why) => ("none", Some(why.clone())),
        };
        let (result, replay_id) = match sent {
            None => ("dry run", None),
            Some(Sent::Started(id)) => ("started", Some(id.to_string())),
            Some(Sent::UnderWay(id)) => ("under way", Some(id.to_string())),
            Some(Sent::Left) => ("left", None),
        };
        Self {
            url: run.object.url(),
            dataset: run.dataset.clone(),
            file_id: run.file_id.to_string(),
            rows: run.rows_loaded,
            rejected: run.rows_rejected,
            way,
            why,
            result,
            replay_id,
        }
    }

    fn as_json(&self) -> Value {
        json!({
            "url": self.url,
            "dataset": self.dataset,
            "file_id": self.file_id,
            "rows_loaded": self.rows,
            "rows_rejected": self.rejected,
            "way": self.way,
            "why": self.why,
            "result": self.result,
            "replay_id": self.replay_id,
        })
    }

    fn row(&self) -> Vec<String> {
        let number = |rows: Option<u64>| rows.map(show::number).unwrap_or_default();
        let way = match &self.why {
            Some(why) if self.way == "none" => why.clone(),
            Some(why) => format!("{}: {why}", self.way),
            None => self.way.to_owned(),
        };
        vec![
            self.url.clone(),
            self.dataset.clone(),
            number(self.rows),
            number(self.rejected),
            self.result.to_owned(),
            way,
        ]
    }
}

fn print(args: &FilesArgs, wish: &Wish, lines: &[Line]) -> anyhow::Result<()> {
    match args.output.output {
        Format::Json => show::json(&lines.iter().map(Line::as_json).collect::<Vec<_>>()),
        Format::Table if lines.is_empty() => {
            show::note(match wish {
                Wish::Mend => "no rejected rows are outstanding",
                Wish::Again(_) => "no file is loaded that is meant",
            });
            Ok(())
        }
        Format::Table => {
            let headers = ["object", "dataset", "#loaded", "#rejected", "result", "way"];
            show::table(&headers, lines.iter().map(Line::row).collect());
            Ok(())
        }
    }
}
