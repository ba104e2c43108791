//! From a record to the stream it is for and what is written of it: whatever is
//! wrong with a record is found here, so that it never costs its batch.

use std::collections::BTreeMap;
use std::sync::Arc;

use md5::Md5;
use millrace_contract::{MessageIdentity, STREAM_ATTRIBUTE, Stream, check_key_part};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::compact::compact;
use crate::entry::{Facts, Message};
use crate::{NotCollected, Record};

/// The longest name that is kept as it is.
const LONGEST_NAME: usize = 120;

/// Members of an object, as they stand in the text.
type Members<'t> = BTreeMap<String, &'t RawValue>;

/// A message and where it belongs.
pub(crate) struct Read {
    pub(crate) stream: Arc<Stream>,
    /// The values of [`Stream::fields`], in their order.
    pub(crate) fields: Vec<String>,
    pub(crate) message: Message,
}

/// Reads a record.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read(streams: &[Arc<Stream>], record: Record) -> Result<Read, NotCollected> {
    let stream = Arc::clone(stream_of(streams, &record)?);
    let members: Members<'_> = serde_json::from_str(&record.body).map_err(|error| {
        NotCollected::poison(format!("the body is not one JSON object: {error}"))
    })?;
    let fields = fields(&stream, &members)?;
    let mut names: Vec<String> = record.names.iter().map(|name| named("m", name)).collect();
    if let Some(identity) = &stream.dedupe {
        let same = same(identity, &members, &record)?;
        names.push(format!("d:{}", digest(&[&stream.name, &same])));
    }
    names.dedup();
    let body = compact(&record.body);
    let facts = stream.envelope.then(|| facts(record));
    let message = Message { names, body, facts };
    let (size, most) = (message.size(), stream.batch.bytes);
    if size > most {
        return Err(NotCollected::contract(format!(
            "the message takes {size} bytes, and a batch of stream `{}` takes {most}; raise \
             `batch.bytes`, or send less",
            stream.name
        )));
    }
    Ok(Read { stream, fields, message })
}

fn stream_of<'s>(
    streams: &'s [Arc<Stream>],
    record: &Record,
) -> Result<&'s Arc<Stream>, NotCollected> {
    let known = || streams.iter().map(|stream| stream.name.as_str()).collect::<Vec<_>>().join(", ");
    match (&record.stream, streams) {
        (None, [only]) => Ok(only),
        (None, _) => Err(NotCollected::contract(format!(
            "the message has no attribute `{STREAM_ATTRIBUTE}`, and the streams are {}; send one \
             that says which",
            known()
        ))),
        (Some(name), _) => streams.iter().find(|stream| stream.name == *name).ok_or_else(|| {
            NotCollected::contract(format!(
                "there is no stream `{}`; the streams are {}",
                name.escape_debug(),
                known()
            ))
        }),
    }
}

/// The values that are part of the key, which has to be one S3 takes.
fn fields(stream: &Stream, members: &Members<'_>) -> Result<Vec<String>, NotCollected> {
    let field = |name: &str| {
        let value = members.get(name).ok_or_else(|| {
            NotCollected::poison(format!(
                "the message has no member `{name}`, which is part of its object's key"
            ))
        })?;
        let value = scalar(value).ok_or_else(|| {
            NotCollected::poison(format!(
                "`{name}` is {}, and only texts, numbers and booleans can be part of a key",
                shown(value)
            ))
        })?;
        check_key_part(name, &value).map(|()| value).map_err(NotCollected::poison)
    };
    let fields = stream.fields().into_iter().map(field).collect::<Result<Vec<_>, _>>()?;
    // As long as a batch's name and a moment ever are.
    let longest = "x".repeat(32);
    let key = stream.key(&longest, chrono::DateTime::<chrono::Utc>::MAX_UTC, &fields);
    key.map(|_| fields).map_err(NotCollected::poison)
}

/// What makes a message the same as others.
fn same(
    identity: &MessageIdentity,
    members: &Members<'_>,
    record: &Record,
) -> Result<String, NotCollected> {
    let found = match identity {
        MessageIdentity::Field(path) => member(members, path),
        MessageIdentity::Attribute(name) => record.headers.get(name).cloned(),
    };
    found.ok_or_else(|| {
        let place = match identity {
            MessageIdentity::Field(path) => format!("member `{path}`"),
            MessageIdentity::Attribute(name) => format!("attribute `{name}`"),
        };
        NotCollected::contract(format!(
            "the message has no {place} that is a text or a number, by which `dedupe` tells \
             messages apart"
        ))
    })
}

/// A scalar by its path. A member of that very name comes first.
fn member(members: &Members<'_>, path: &str) -> Option<String> {
    if let Some(value) = members.get(path) {
        return scalar(value);
    }
    let (first, rest) = path.split_once('.')?;
    let inner: Members<'_> = serde_json::from_str(members.get(first)?.get()).ok()?;
    member(&inner, rest)
}

/// A text, number or boolean as a text; none for what else JSON has.
fn scalar(value: &RawValue) -> Option<String> {
    match value.get() {
        "null" => None,
        text if text.starts_with('"') => serde_json::from_str(text).ok(),
        text if text.starts_with(['{', '[']) => None,
        text => Some(text.to_owned()),
    }
}

fn shown(value: &RawValue) -> &'static str {
    match value.get() {
        "null" => "null",
        text if text.starts_with('{') => "an object",
        text if text.starts_with('[') => "a list",
        _ => "no readable text",
    }
}

/// A name as the ledger has it, short enough for any index.
fn named(kind: &str, name: &str) -> String {
    match name.len() > LONGEST_NAME {
        true => format!("{kind}:{}", digest(&[name])),
        false => format!("{kind}:{name}"),
    }
}

/// A digest of texts, in hexadecimal.
pub(crate) fn digest(texts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for text in texts {
        digest.update(text.as_bytes());
        // Which no UTF-8 text has: it keeps ("a", "bc") from ("ab", "c").
        digest.update([0xff]);
    }
    hexadecimal(&digest.finalize())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn facts(record: Record) -> Facts {
    let headers = record.headers.iter().map(|(name, value)| format!("{name}={value}"));
    Facts {
        headers: headers.collect(),
        id: record.names.into_iter().next().unwrap_or_default(),
        checksum: hexadecimal(&Md5::digest(record.body.as_bytes())),
        key: record.key,
        source: record.source,
        partition: record.partition,
        size: record.body.len(),
        sent_at: record.sent_at,
    }
}

#[cfg(test)]
mod tests;
