//! Logs: one line per message and whatever goes wrong, on stderr, for a person
//! or as JSON.

use std::env;
use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a person; in colour on a terminal, unless `NO_COLOR` is set.
    Text,
    /// One JSON object per line, with the fields of the spans around it.
    Json,
}

/// Sends the process's logs to stderr. `RUST_LOG` chooses what is logged, as in
/// `info,millrace_runtime=debug`; without it, that is `info`.
///
/// Only the first call in a process has an effect.
pub fn init(format: Format) {
    let filter = filter(env::var("RUST_LOG").ok().as_deref());
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let color = !no_color && io::stderr().is_terminal();
    let first = match format {
        Format::Text => text(filter, color, io::stderr).try_init(),
        Format::Json => json(filter, io::stderr).try_init(),
    };
    if first.is_err() {
        tracing::debug!("logs were set up before");
    }
}

/// What is logged. A filter that can't be read counts as none.
fn filter(directives: Option<&str>) -> Targets {
    directives
        .and_then(|directives| directives.parse().ok())
        .unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
}

fn text<W>(filter: Targets, color: bool, writer: W) -> impl Subscriber
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_ansi(color).with_writer(writer);
    tracing_subscriber::registry().with(filter).with(lines)
}

fn json<W>(filter: Targets, writer: W) -> impl Subscriber
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(writer);
    tracing_subscriber::registry().with(filter).with(lines)
}
