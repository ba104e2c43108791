//! A batch's messages as the bytes of its object.

use std::io::{self, Write};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use millrace_contract::{Stream, StreamCompression, StreamFormat};
use serde::Serialize;

use crate::entry::{Facts, Message};

/// Level of Zstandard: its own default.
const ZSTD_LEVEL: i32 = 3;

/// What is the same for all messages of a batch.
pub(crate) struct Head<'a> {
    pub(crate) pipeline: &'a str,
    pub(crate) stream: &'a Stream,
    pub(crate) batch: &'a str,
    pub(crate) opened_at: DateTime<Utc>,
    pub(crate) closed_at: DateTime<Utc>,
}

/// What stands in an envelope beside the body. Fields are only ever added.
#[derive(Serialize)]
struct Meta<'a> {
    batch_id: &'a str,
    pipeline: &'a str,
    stream: &'a str,
    opened_at: String,
    closed_at: String,
    message_id: &'a str,
    checksum: &'a str,
    key: Option<&'a str>,
    source: &'a str,
    partition: Option<u32>,
    headers: &'a [String],
    /// Position in the batch, from 0.
    offset: usize,
    size: usize,
    sent_at: Option<String>,
}

/// The bytes of an object.
///
/// # Errors
/// None but those of compressing into memory.
pub(crate) fn encode(head: &Head<'_>, messages: &[Arc<Message>]) -> io::Result<Vec<u8>> {
    let room = messages.iter().map(|message| message.size()).sum();
    match head.stream.compression {
        StreamCompression::None => {
            let mut bytes = Vec::with_capacity(room);
            write(head, messages, &mut bytes)?;
            Ok(bytes)
        }
        StreamCompression::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            write(head, messages, &mut encoder)?;
            encoder.finish()
        }
        StreamCompression::Zstd => {
            let mut encoder = zstd::Encoder::new(Vec::new(), ZSTD_LEVEL)?;
            write(head, messages, &mut encoder)?;
            encoder.finish()
        }
    }
}

fn write(head: &Head<'_>, messages: &[Arc<Message>], to: &mut impl Write) -> io::Result<()> {
    let (before, between, after) = match head.stream.format {
        StreamFormat::Ndjson => ("", "\n", "\n"),
        StreamFormat::Json => ("[\n", ",\n", "\n]\n"),
    };
    to.write_all(before.as_bytes())?;
    for (offset, message) in messages.iter().enumerate() {
        if offset > 0 {
            to.write_all(between.as_bytes())?;
        }
        match &message.facts {
            None => to.write_all(message.body.as_bytes())?,
            Some(facts) => {
                to.write_all(b"{\"meta\":")?;
                serde_json::to_writer(&mut *to, &meta(head, facts, offset))?;
                to.write_all(b",\"body\":")?;
                to.write_all(message.body.as_bytes())?;
                to.write_all(b"}")?;
            }
        }
    }
    to.write_all(after.as_bytes())
}

fn meta<'a>(head: &Head<'a>, facts: &'a Facts, offset: usize) -> Meta<'a> {
    let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
    Meta {
        batch_id: head.batch,
        pipeline: head.pipeline,
        stream: &head.stream.name,
        opened_at: time(head.opened_at),
        closed_at: time(head.closed_at),
        message_id: &facts.id,
        checksum: &facts.checksum,
        key: facts.key.as_deref(),
        source: &facts.source,
        partition: facts.partition,
        headers: &facts.headers,
        offset,
        size: facts.size,
        sent_at: facts.sent_at.map(time),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::time::Duration;

    use millrace_contract::BatchLimits;

    use super::*;

    fn encoded(format: StreamFormat, compression: StreamCompression, envelope: bool) -> Vec<u8> {
        let stream = Stream {
            name: "game".into(),
            bucket: "raw".into(),
            staging: "lake".into(),
            key: Vec::new(),
            format,
            compression,
            batch: BatchLimits { count: 3, bytes: 100, age: Duration::from_secs(1) },
            dedupe: None,
            envelope,
            remember: Duration::from_secs(1),
        };
        let facts = |id: &str| Facts {
            id: id.to_owned(),
            checksum: "c".into(),
            key: None,
            source: "q".into(),
            partition: Some(0),
            headers: vec!["a=b".into()],
            size: 7,
            sent_at: Some(DateTime::UNIX_EPOCH),
        };
        let message = |id: &str| {
            let facts = envelope.then(|| facts(id));
            Arc::new(Message { names: Vec::new(), body: format!("{{\"n\":{id}}}"), facts })
        };
        let head = Head {
            pipeline: "p",
            stream: &stream,
            batch: "b",
            opened_at: DateTime::UNIX_EPOCH,
            closed_at: DateTime::UNIX_EPOCH + Duration::from_millis(1500),
        };
        encode(&head, &[message("1"), message("2")]).expect("bytes")
    }

    #[test]
    fn messages_are_lines_or_one_array() {
        let plain = |format| {
            let bytes = encoded(format, StreamCompression::None, false);
            String::from_utf8(bytes).expect("text")
        };
        assert_eq!(plain(StreamFormat::Ndjson), "{\"n\":1}\n{\"n\":2}\n");
        assert_eq!(plain(StreamFormat::Json), "[\n{\"n\":1},\n{\"n\":2}\n]\n");
    }

    #[test]
    fn what_is_compressed_reads_back() {
        let gzip = encoded(StreamFormat::Ndjson, StreamCompression::Gzip, false);
        let mut text = String::new();
        flate2::read::GzDecoder::new(gzip.as_slice()).read_to_string(&mut text).expect("gzip");
        assert_eq!(text, "{\"n\":1}\n{\"n\":2}\n");
        let zstd = encoded(StreamFormat::Ndjson, StreamCompression::Zstd, false);
        assert_eq!(zstd::decode_all(zstd.as_slice()).expect("zstd"), text.as_bytes());
    }

    #[test]
    fn an_envelope_says_where_a_message_comes_from_and_stands() {
        let bytes = encoded(StreamFormat::Ndjson, StreamCompression::None, true);
        let text = String::from_utf8(bytes).expect("text");
        let second = text.lines().nth(1).expect("a line");
        assert_eq!(
            second,
            "{\"meta\":{\"batch_id\":\"b\",\"pipeline\":\"p\",\"stream\":\"game\",\
             \"opened_at\":\"1970-01-01T00:00:00.000Z\",\"closed_at\":\"1970-01-01T00:00:01.500Z\",\
             \"message_id\":\"2\",\"checksum\":\"c\",\"key\":null,\"source\":\"q\",\"partition\":0,\
             \"headers\":[\"a=b\"],\"offset\":1,\"size\":7,\
             \"sent_at\":\"1970-01-01T00:00:00.000Z\"},\"body\":{\"n\":2}}"
        );
    }
}
