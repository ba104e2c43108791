//! Reads `[streams]`: how messages become objects.

use std::time::Duration;

use millrace_contract::{
    BatchLimits, KeyPart, MessageIdentity, Stream, StreamCompression, StreamFormat,
};

use crate::entry::Entry;
use crate::exports::Around;
use crate::names;
use crate::pipeline::Pipeline;
use crate::placeholders::key_parts;
use crate::quantity::show_duration;
use crate::walk::Section;

/// The key of a stream's objects unless the file says otherwise.
pub(crate) const KEY: &str = "raw/{stream}/{yyyy}/{mm}/{dd}/{batch}_{unix_us}.ndjson.gz";

/// Messages of a batch unless the file says otherwise.
pub(crate) const COUNT: u64 = 1_000;

/// Most messages of a batch: what one transaction takes without holding up others.
pub(crate) const MOST: u64 = 10_000;

/// Bytes of a batch unless the file says otherwise.
pub(crate) const BYTES: u64 = 8 << 20;

/// Most bytes of a batch: it is in memory while it is written.
pub(crate) const MOST_BYTES: u64 = 64 << 20;

/// Age of a batch unless the file says otherwise.
pub(crate) const AGE: Duration = Duration::from_secs(30);

/// Oldest batch: messages are in hand meanwhile.
pub(crate) const OLDEST: Duration = Duration::from_secs(15 * 60);

/// How long messages are remembered unless the file says otherwise: twice as long
/// as SQS keeps one, which covers one that was dead-lettered late and sent again.
pub(crate) const REMEMBER: Duration = Duration::from_secs(30 * 86_400);

/// Bounds of that: SQS keeps a message for fourteen days.
const SHORTEST: Duration = Duration::from_secs(15 * 86_400);
const LONGEST: Duration = Duration::from_secs(400 * 86_400);

/// Reads `[streams]`, which may be absent.
pub(crate) fn read(file: &Section<'_>, around: &Around<'_>) -> Vec<Stream> {
    let mut streams: Vec<Stream> = Vec::new();
    let Some(section) = file.section("streams") else { return streams };
    for (name, entry) in section.named() {
        if let Err(why) = names::stream(name) {
            entry.findings.note(entry.key_span.clone(), &entry.path, why, None);
        }
        let Some(section) = entry.section() else { continue };
        streams.extend(stream(name, &section, around));
    }
    streams
}

fn stream(name: &str, section: &Section<'_>, around: &Around<'_>) -> Option<Stream> {
    let to = section.get("to");
    let template = to.as_ref().map_or(Some(KEY), |entry| entry.text());
    let key = match (&to, template) {
        (Some(entry), Some(text)) => key(entry, text),
        (_, template) => template.and_then(|text| key_parts(text).ok()),
    };
    let (by_name, compressed) = by_ending(template.unwrap_or(KEY));
    let format = section.get("format").map_or(Some(by_name), |entry| entry.choice());
    let compression = section.get("compression").map_or(Some(compressed), |entry| entry.choice());
    let envelope = section.get("envelope").map_or(Some(false), |entry| entry.flag());
    let dedupe = section.section("dedupe");
    let dedupe = dedupe.map_or(Some(None), |section| identity(&section).map(Some));
    let remember = section.get("remember");
    let remember = remember.map_or(Some(REMEMBER), |entry| entry.duration(SHORTEST..=LONGEST));
    Some(Stream {
        name: name.to_owned(),
        bucket: around.lake.raw.clone(),
        staging: around.lake.curated.clone(),
        key: key?,
        format: format?,
        compression: compression?,
        batch: limits(section)?,
        dedupe: dedupe?,
        envelope: envelope?,
        remember: remember?,
    })
}

/// The key's parts, if no two batches can have the same key.
fn key(entry: &Entry<'_>, text: &str) -> Option<Vec<KeyPart>> {
    let refuse = |why: &str, hint: String| {
        entry.note_with(why, hint);
        None
    };
    let example = || format!("write `to = {KEY:?}`");
    if text.starts_with('/') || text.contains("//") || text.ends_with('/') {
        return refuse("a key's folders and its object have names", example());
    }
    if text.chars().any(char::is_control) || text.len() > 512 {
        entry.note("a key takes up to 512 bytes here, without control characters");
        return None;
    }
    let parts = key_parts(text).map_err(|why| entry.note(why)).ok()?;
    let has_batch = parts.iter().any(|part| *part == KeyPart::Value("batch".to_owned()));
    if !has_batch {
        let hint = "write `{batch}` in the object's name".to_owned();
        return refuse("two batches would have the same key", hint);
    }
    let prefix = match parts.first() {
        Some(KeyPart::Text(text)) => text.split_once('/').map(|(folder, _)| folder),
        Some(KeyPart::Value(_)) | None => None,
    };
    if prefix.is_none_or(str::is_empty) {
        let why = "`to` has to begin with a folder that is the same for every message";
        return refuse(why, example());
    }
    Some(parts)
}

/// What the name of the objects says of them.
fn by_ending(key: &str) -> (StreamFormat, StreamCompression) {
    let (stem, compression) = match key {
        key if key.ends_with(".gz") => (&key[..key.len() - 3], StreamCompression::Gzip),
        key if key.ends_with(".zst") => (&key[..key.len() - 4], StreamCompression::Zstd),
        key => (key, StreamCompression::None),
    };
    let format = match stem.ends_with(".json") {
        true => StreamFormat::Json,
        false => StreamFormat::Ndjson,
    };
    (format, compression)
}

fn limits(section: &Section<'_>) -> Option<BatchLimits> {
    let section = section.section("batch");
    let get = |key: &str| section.as_ref().and_then(|section| section.get(key));
    let count = get("count").map_or(Some(COUNT), |entry| entry.number(1..=MOST));
    let bytes = get("bytes").map_or(Some(BYTES), |entry| entry.size(1 << 10..=MOST_BYTES));
    let ages = Duration::from_secs(1)..=OLDEST;
    let age = get("age").map_or(Some(AGE), |entry| entry.duration(ages));
    Some(BatchLimits {
        count: usize::try_from(count?).ok()?,
        bytes: usize::try_from(bytes?).ok()?,
        age: age?,
    })
}

fn identity(section: &Section<'_>) -> Option<MessageIdentity> {
    let text = |entry: Entry<'_>| {
        let text = entry.text()?;
        if text.trim().is_empty() || text.contains(char::is_control) {
            entry.note("this is no name");
            return None;
        }
        Some(text.to_owned())
    };
    match (section.get("field"), section.get("attribute")) {
        (Some(field), None) => text(field).map(MessageIdentity::Field),
        (None, Some(attribute)) => text(attribute).map(MessageIdentity::Attribute),
        (Some(_), Some(attribute)) => {
            attribute.note_with(
                "a message says who it is in one place",
                "leave `field` or `attribute` out",
            );
            None
        }
        (None, None) => {
            let hint = Some(r#"write `dedupe = { field = "id" }`"#.to_owned());
            let message = format!("`field` or `attribute` is missing in `{}`", section.path);
            section.findings.note(section.span.clone(), &section.path, message, hint);
            None
        }
    }
}

impl Pipeline {
    /// A stream by name.
    pub fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.name == name)
    }

    /// The datasets that read what a stream writes, as far as the name of one of
    /// its objects tells.
    pub fn read_from(&self, stream: &Stream) -> Vec<&str> {
        let routes = self.routes(&stream.bucket, &stream.example_key());
        routes.into_iter().map(|route| route.dataset.name.as_str()).collect()
    }
}

/// How long messages are remembered, for the JSON Schema.
pub(crate) fn remembered() -> String {
    show_duration(REMEMBER)
}
