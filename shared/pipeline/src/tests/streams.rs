//! Streams: what is read, and what is said of those that can't be.

use std::time::Duration;

use millrace_contract::{MessageIdentity, StageName, StreamCompression, StreamFormat};

use super::problems::problems;
use super::*;

const DATASETS: &str = "version = 1\nname = \"p\"\n[datasets.games]\n\
                        match = \"raw/{model}/**/*.ndjson.gz\"\n";

fn with_stream(lines: &str) -> String {
    format!("{DATASETS}[streams.game]\n{lines}\n")
}

fn said(lines: &str) -> Vec<String> {
    problems(&with_stream(lines)).into_iter().map(|problem| problem.message).collect()
}

#[test]
fn a_stream_has_defaults() {
    let pipeline = Pipeline::parse(&with_stream("")).unwrap();
    let stream = pipeline.stream("game").unwrap();
    assert_eq!((stream.bucket.as_str(), stream.staging.as_str()), ("p-raw", "p-lake"));
    assert_eq!(
        (stream.format, stream.compression),
        (StreamFormat::Ndjson, StreamCompression::Gzip)
    );
    assert_eq!((stream.batch.count, stream.batch.bytes), (1000, 8 << 20));
    assert_eq!(stream.batch.age, Duration::from_secs(30));
    assert!(stream.dedupe.is_none() && !stream.envelope && stream.fields().is_empty());
    assert_eq!(stream.literal_prefix(), "raw/");
    assert_eq!(pipeline.read_from(stream), ["games"]);
}

#[test]
fn a_stream_says_what_its_objects_are_and_whom_a_message_is_from() {
    let lines = "to = \"in/{name}/{date}/{batch}.json.zst\"\nbatch = { count = 10, bytes = \
                 \"1MiB\", age = \"5s\" }\ndedupe = { field = \"meta.id\" }\nenvelope = true";
    let pipeline = Pipeline::parse(&with_stream(lines)).unwrap();
    let stream = pipeline.stream("game").unwrap();
    assert_eq!((stream.format, stream.compression), (StreamFormat::Json, StreamCompression::Zstd));
    assert_eq!(stream.fields(), ["name"]);
    assert_eq!(stream.dedupe, Some(MessageIdentity::Field("meta.id".into())));
    assert!(pipeline.read_from(stream).is_empty());
    let plain =
        with_stream("to = \"in/{batch}.json.zst\"\nformat = \"ndjson\"\ncompression = \"none\"");
    let pipeline = Pipeline::parse(&plain).unwrap();
    let stream = pipeline.stream("game").unwrap();
    assert_eq!(
        (stream.format, stream.compression),
        (StreamFormat::Ndjson, StreamCompression::None)
    );
}

#[test]
fn the_stage_is_there_where_there_is_something_to_collect() {
    let without = Pipeline::parse(DATASETS).unwrap();
    assert_eq!(without.stages(), StageName::JOURNEY);
    let plan = Pipeline::parse(&with_stream("to = \"raw/{name}/{batch}.ndjson\"")).unwrap().plan();
    let service = &plan.services[3];
    assert_eq!(service.name, "p-collect");
    let prefixes = |places: &[crate::PlannedPrefix]| -> Vec<String> {
        places.iter().map(|place| format!("{}/{}", place.bucket, place.prefix)).collect()
    };
    assert_eq!(prefixes(&service.access.writes), ["p-raw/raw/", "p-lake/_collect/game/"]);
    assert_eq!(prefixes(&service.access.reads), ["p-lake/_collect/game/"]);
    assert_eq!(prefixes(&service.access.deletes), ["p-lake/_collect/game/"]);
    let shown = plan.to_string();
    assert!(shown.contains("streams\n  game: p-collect → ndjson to s3://p-raw/raw/*"), "{shown}");
}

#[test]
fn what_can_t_be_collected_is_said() {
    for (lines, expected) in [
        ("to = \"raw/{name}.ndjson\"", "two batches would have the same key"),
        (
            "to = \"{name}/{batch}\"",
            "`to` has to begin with a folder that is the same for every message",
        ),
        ("to = \"raw//{batch}\"", "a key's folders and its object have names"),
        ("to = \"raw/{batch\"", "`raw/{batch` has a brace that is no `{name}`"),
        ("batch = { count = 0 }", "`count` has to be 1 to 10000, not 0"),
        ("batch = { age = \"1h\" }", "`age` has to be 1s to 15m, not `1h`"),
        ("dedupe = {}", "`field` or `attribute` is missing in `streams.game.dedupe`"),
        ("dedupe = { field = \"a\", attribute = \"b\" }", "a message says who it is in one place"),
        ("remember = \"1d\"", "`remember` has to be 15d to 400d, not `1d`"),
        ("form = \"json\"", "unknown key `form` in `streams.game`"),
    ] {
        assert_eq!(said(lines), [expected], "{lines}");
    }
}
