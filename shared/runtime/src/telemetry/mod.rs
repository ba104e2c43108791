//! Logs: one line per message and whatever goes wrong, on stderr, for a person
//! or as JSON.

mod json;

use std::env;
use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use self::json::JsonLines;

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a person; in colour on a terminal, unless `NO_COLOR` is set.
    Text,
    /// One flat JSON object per line: the fields of the event and of the spans
    /// around it, such as `stage` and `message_id`.
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
    tracing_subscriber::registry().with(filter).with(JsonLines::new(writer))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("lock").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Written {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    fn written<S: Subscriber + Send + Sync + 'static>(
        subscriber: impl FnOnce(Written) -> S,
    ) -> String {
        let written = Written::default();
        tracing::subscriber::with_default(subscriber(written.clone()), || {
            let worker = tracing::info_span!("worker", stage = "load");
            let message = tracing::info_span!(
                parent: &worker,
                "message",
                message_id = "m-1",
                receive_count = 2_u32,
                file_id = tracing::field::Empty,
            );
            message.record("file_id", "f\"1");
            let _entered = message.enter();
            tracing::info!(
                dataset = Some("größe\n"),
                rows.loaded = None::<u64>,
                ratio = 0.5,
                ok = true,
                "all is well"
            );
            tracing::debug!("not logged");
        });
        let bytes = written.0.lock().expect("lock").clone();
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn a_json_line_is_flat_and_carries_the_fields_of_its_spans() {
        let line = written(|writer| json(filter(None), writer));
        let (timestamp, rest) = line.split_at(r#"{"timestamp":"2026-01-01T00:00:00.000Z"#.len());
        assert!(timestamp.starts_with(r#"{"timestamp":"20"#) && timestamp.ends_with('Z'), "{line}");
        assert_eq!(
            rest,
            concat!(
                r#"","level":"INFO","target":"millrace_runtime::telemetry::tests","#,
                r#""stage":"load","message_id":"m-1","receive_count":2,"file_id":"f\"1","#,
                r#""message":"all is well","dataset":"größe\n","ratio":0.5,"ok":true}"#,
                "\n",
            )
        );
    }

    #[test]
    fn a_text_line_has_no_colour_unless_asked() {
        let plain = written(|writer| text(filter(None), false, writer));
        assert!(!plain.contains('\u{1b}'), "{plain}");
        assert!(plain.contains("message_id=\"m-1\"") && plain.contains("all is well"), "{plain}");
        let coloured = written(|writer| text(filter(None), true, writer));
        assert!(coloured.contains('\u{1b}'), "{coloured}");
    }

    #[test]
    fn a_filter_chooses_by_target_and_level() {
        let quiet = written(|writer| json(filter(Some("warn")), writer));
        assert_eq!(quiet, "");
        let loud = written(|writer| json(filter(Some("warn,millrace_runtime=debug")), writer));
        assert_eq!(loud.lines().count(), 2);
        let unreadable = written(|writer| json(filter(Some("millrace=loud")), writer));
        assert_eq!(unreadable.lines().count(), 1);
    }
}
