//! `millrace send`: messages to the queue of the collect stage, from files,
//! standard input, or made up.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Stdin};
use std::process::ExitCode;

use anyhow::{Context, bail};
use futures::StreamExt;
use futures::stream::poll_fn;
use millrace_contract::{STREAM_ATTRIBUTE, StageName};
use millrace_pipeline::{Pipeline, nearest};
use millrace_queue::{Outgoing, Queue, Queues, Sqs};
use serde_json::json;
use tokio::sync::mpsc;

use crate::args::{Format, SendArgs, Simulated};
use crate::demo::superhero;
use crate::exit::Usage;
use crate::setup::{self, Setup};
use crate::show;

/// Messages that are handed on together: ten full requests.
const GROUP: usize = 100;

/// Groups in flight.
const IN_FLIGHT: usize = 8;

/// Messages, as JSON texts.
type Messages = Box<dyn Iterator<Item = anyhow::Result<String>> + Send>;

pub(super) async fn run(args: &SendArgs) -> anyhow::Result<ExitCode> {
    if args.print {
        for message in messages(args)? {
            show::line(message?);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let setup = Setup::new(&args.output.pipeline)?;
    check_stream(&setup.pipeline, args)?;
    let name = setup.pipeline.queue_name(StageName::Collect);
    let queue = Sqs::new(&setup::signed_in().await?).queue(&name).await?;
    let sent = send_all(queue.as_ref(), args).await?;
    match args.output.output {
        Format::Json => show::json(&json!({ "queue": name, "messages": sent }))?,
        Format::Table => {
            show::line(format!("{} sent to {name}", show::count(sent, "message")));
            say_what_to_ask(args.example);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A message that no stream takes would be a dead letter.
fn check_stream(pipeline: &Pipeline, args: &SendArgs) -> anyhow::Result<()> {
    let names: Vec<&str> = pipeline.streams.iter().map(|stream| stream.name.as_str()).collect();
    if names.is_empty() {
        return Err(
            Usage("this pipeline collects no messages: it has no `[streams]`".into()).into()
        );
    }
    let said = args.attributes.iter().any(|(name, _)| name == STREAM_ATTRIBUTE);
    match &args.stream {
        Some(name) if !names.contains(&name.as_str()) => {
            let hint = nearest(name, &names).map(|near| format!("; did you mean `{near}`?"));
            let hint = hint.unwrap_or_else(|| format!("; there are {}", names.join(", ")));
            Err(Usage(format!("there is no stream `{name}`{hint}")).into())
        }
        None if names.len() > 1 && !said => {
            Err(Usage(format!("say which by `--stream`: {}", names.join(", "))).into())
        }
        Some(_) | None => Ok(()),
    }
}

fn messages(args: &SendArgs) -> anyhow::Result<Messages> {
    if let Some(Simulated::Superhero) = args.example {
        return Ok(Box::new(superhero::messages(args.seed).take(args.count).map(Ok)));
    }
    if args.files.is_empty() {
        return Ok(Box::new(lines(BufReader::<Stdin>::new(io::stdin()), "standard input")));
    }
    let mut all: Messages = Box::new(std::iter::empty());
    for path in &args.files {
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| format!("`{name}` can't be read"))?;
        all = Box::new(all.chain(lines(BufReader::new(file), &name)));
    }
    Ok(all)
}

/// The lines of a file that are not blank.
fn lines<R: BufRead + Send + 'static>(
    file: R,
    name: &str,
) -> impl Iterator<Item = anyhow::Result<String>> + Send + use<R> {
    let name = name.to_owned();
    file.lines()
        .filter(|line| !line.as_ref().is_ok_and(|line| line.trim().is_empty()))
        .map(move |line| line.with_context(|| format!("`{name}` can't be read")))
}

/// Sends everything; answers how many messages.
async fn send_all(queue: &dyn Queue, args: &SendArgs) -> anyhow::Result<u64> {
    let attributes: Vec<(String, String)> = args
        .stream
        .iter()
        .map(|stream| (STREAM_ATTRIBUTE.to_owned(), stream.clone()))
        .chain(args.attributes.iter().cloned())
        .collect();
    let mut groups = read_ahead(messages(args)?, attributes);
    let mut sending = poll_fn(move |context| groups.poll_recv(context))
        .map(|group| async move {
            let group = group?;
            send(queue, &group).await
        })
        .buffer_unordered(IN_FLIGHT);
    let mut sent = 0;
    while let Some(group) = sending.next().await {
        match group {
            Ok(messages) => sent += messages,
            Err(why) => bail!("{} sent, and then: {why:#}", show::count(sent, "message")),
        }
    }
    Ok(sent)
}

/// Reads groups of messages on a thread of its own, a few ahead.
fn read_ahead(
    mut messages: Messages,
    attributes: Vec<(String, String)>,
) -> mpsc::Receiver<anyhow::Result<Vec<Outgoing>>> {
    let (groups, received) = mpsc::channel(IN_FLIGHT);
    std::thread::spawn(move || {
        loop {
            let group: anyhow::Result<Vec<Outgoing>> = messages
                .by_ref()
                .take(GROUP)
                .map(|message| Ok(outgoing(message?, &attributes)))
                .collect();
            let is_last = group.as_ref().map_or(true, Vec::is_empty);
            // Whoever sends may have given up.
            if groups.blocking_send(group).is_err() || is_last {
                return;
            }
        }
    });
    received
}

fn outgoing(body: String, attributes: &[(String, String)]) -> Outgoing {
    let message = Outgoing::new(body);
    attributes.iter().fold(message, |message, (name, value)| message.attribute(name, value))
}

async fn send(queue: &dyn Queue, group: &[Outgoing]) -> anyhow::Result<u64> {
    for sent in queue.send(group).await {
        sent?;
    }
    Ok(group.len() as u64)
}

fn say_what_to_ask(example: Option<Simulated>) {
    let Some(Simulated::Superhero) = example else { return };
    show::note("once they are loaded (`millrace status`), ask:");
    for (title, sql) in superhero::QUERIES {
        show::note(format!("  millrace query \"{sql}\"   {title}"));
    }
}
