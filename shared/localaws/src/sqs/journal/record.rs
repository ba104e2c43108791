//! What is written to a journal: records framed by length and checksum, so
//! that a record cut short by the end of the process is seen for what it is.

use crc_fast::CrcAlgorithm;
use uuid::Uuid;

use crate::clock::Millis;

use super::super::message::{Message, Seq, State};
use super::super::recent::{Key, Original};
use super::bytes::{Fields, Put};
use super::content::{self, ReadExtras, put_content};

/// Length and checksum.
const FRAME: usize = 8;

/// A message without deduplication, as the first version wrote it.
const PLAIN_MESSAGE: u8 = 1;
const RECEIVE: u8 = 2;
const STATE: u8 = 3;
const DELETE: u8 = 4;
const MESSAGE: u8 = 5;
const ORIGINAL: u8 = 6;

/// One step in a queue's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// A message with everything known of it: sent, or copied forward. Replaces
    /// an earlier record of the same message.
    Message(Seq, Message),
    /// Messages were received together.
    Receive { now: Millis, until: Millis, seqs: Vec<Seq> },
    /// A message becomes ready at another time.
    State(Seq, State),
    /// Messages are gone.
    Delete(Vec<Seq>),
    /// A message was sent that may be sent again; itself it may be gone.
    Original(Key, Original),
}

/// Records that are to be written together.
#[derive(Debug, Default)]
pub(crate) struct Batch(pub(super) Vec<u8>);

impl Batch {
    /// A message with everything known of it.
    pub(crate) fn message(&mut self, seq: Seq, message: &Message) {
        self.frame(MESSAGE, |out| {
            out.put_u64(seq);
            put_state(out, message.state);
            out.put_u32(message.receive_count);
            out.put_u64(message.first_received_at);
            out.put_u64(message.received_at);
            put_content(out, &message.content);
        });
    }

    /// Messages were received together at `now` until `until`.
    pub(crate) fn receive(&mut self, now: Millis, until: Millis, seqs: &[Seq]) {
        self.frame(RECEIVE, |out| {
            out.put_u64(now);
            out.put_u64(until);
            seqs.iter().for_each(|&seq| out.put_u64(seq));
        });
    }

    /// A message becomes ready at another time.
    pub(crate) fn state(&mut self, seq: Seq, state: State) {
        self.frame(STATE, |out| {
            out.put_u64(seq);
            put_state(out, state);
        });
    }

    /// Messages are gone.
    pub(crate) fn delete(&mut self, seqs: &[Seq]) {
        self.frame(DELETE, |out| seqs.iter().for_each(|&seq| out.put_u64(seq)));
    }

    /// A message was sent that may be sent again.
    pub(super) fn original(&mut self, key: &Key, original: &Original) {
        self.frame(ORIGINAL, |out| {
            out.extend_from_slice(key);
            out.extend_from_slice(original.id.as_bytes());
            out.put_u64(original.seq);
            out.put_u64(original.sent_at);
        });
    }

    /// Whether nothing is to be written.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn frame(&mut self, kind: u8, fields: impl FnOnce(&mut Vec<u8>)) {
        let out = &mut self.0;
        let start = out.len();
        out.extend_from_slice(&[0; FRAME]);
        out.push(kind);
        fields(out);
        let (frame, payload) = out[start..].split_at_mut(FRAME);
        frame[..4].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        frame[4..].copy_from_slice(&checksum_of(payload).to_le_bytes());
    }
}

/// The next record of `bytes` and how long it is; `None` at the end, which is
/// also where a record is cut short or damaged.
pub(super) fn next(bytes: &[u8]) -> Option<(Record, usize)> {
    let mut fields = Fields(bytes);
    let length = fields.u32()? as usize;
    let checksum = fields.u32()?;
    let payload = fields.take(length)?;
    if checksum_of(payload) != checksum {
        return None;
    }
    Some((decode(payload)?, FRAME + length))
}

fn checksum_of(payload: &[u8]) -> u32 {
    crc_fast::checksum(CrcAlgorithm::Crc32IsoHdlc, payload) as u32
}

fn decode(payload: &[u8]) -> Option<Record> {
    let mut fields = Fields(payload);
    match fields.u8()? {
        PLAIN_MESSAGE => {
            Some(Record::Message(fields.u64()?, message(&mut fields, content::plain_extras)?))
        }
        MESSAGE => Some(Record::Message(fields.u64()?, message(&mut fields, content::extras)?)),
        RECEIVE => {
            let (now, until) = (fields.u64()?, fields.u64()?);
            Some(Record::Receive { now, until, seqs: seqs(&mut fields)? })
        }
        STATE => Some(Record::State(fields.u64()?, state(&mut fields)?)),
        DELETE => Some(Record::Delete(seqs(&mut fields)?)),
        ORIGINAL => Some(Record::Original(fields.array()?, original(&mut fields)?)),
        _ => None,
    }
}

fn seqs(fields: &mut Fields<'_>) -> Option<Vec<Seq>> {
    let mut seqs = Vec::with_capacity(fields.0.len() / 8);
    while !fields.is_empty() {
        seqs.push(fields.u64()?);
    }
    Some(seqs)
}

fn original(fields: &mut Fields<'_>) -> Option<Original> {
    let id = Uuid::from_bytes(fields.array()?);
    Some(Original { id, seq: fields.u64()?, sent_at: fields.u64()?, segment: 0 })
}

fn message(fields: &mut Fields<'_>, extras: ReadExtras) -> Option<Message> {
    Some(Message {
        state: state(fields)?,
        receive_count: fields.u32()?,
        first_received_at: fields.u64()?,
        received_at: fields.u64()?,
        content: content::read(fields, extras)?,
        segment: 0,
    })
}

fn put_state(out: &mut Vec<u8>, state: State) {
    let (kind, due) = match state {
        State::Ready => (0, 0),
        State::Delayed(due) => (1, due),
        State::InFlight(due) => (2, due),
    };
    out.push(kind);
    out.put_u64(due);
}

fn state(fields: &mut Fields<'_>) -> Option<State> {
    let (kind, due) = (fields.u8()?, fields.u64()?);
    match kind {
        0 => Some(State::Ready),
        1 => Some(State::Delayed(due)),
        2 => Some(State::InFlight(due)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::message::{
        Attribute, AttributeValue, Content, DeadLetter, Deduplication, Extras, Scope,
    };
    use super::*;

    fn rich_message() -> Message {
        let attribute = |name: &str, value| Attribute {
            name: name.to_owned(),
            data_type: "String.custom".to_owned(),
            value,
        };
        Message {
            content: Content {
                id: Uuid::from_u128(7),
                body: "{\"a\": \"ü\"}".into(),
                body_md5: [3; 16],
                sent_at: 11,
                extras: Some(Arc::new(Extras {
                    attributes: vec![
                        attribute("a", AttributeValue::Text("x".into())),
                        attribute("b", AttributeValue::Binary(vec![0, 255])),
                    ]
                    .into(),
                    trace_header: Some("Root=1".into()),
                    group: Some("g".into()),
                    deduplication: Some(Deduplication {
                        given: Some("d".into()),
                        scope: Scope::Group,
                    }),
                    dead_letter: Some(Box::new(DeadLetter {
                        source: "arn:a".into(),
                        moved_at: 10,
                        receive_count: 1,
                    })),
                })),
            },
            state: State::InFlight(99),
            receive_count: 2,
            first_received_at: 12,
            received_at: 13,
            segment: 0,
        }
    }

    #[test]
    fn records_read_back_as_written() {
        let mut batch = Batch::default();
        batch.message(5, &rich_message());
        batch.receive(1, 2, &[5, 6]);
        batch.state(5, State::Ready);
        batch.delete(&[5]);
        let original = Original { id: Uuid::from_u128(7), seq: 5, sent_at: 11, segment: 0 };
        batch.original(&[9; 16], &original);
        let mut rest = batch.0.as_slice();
        let mut read = Vec::new();
        while let Some((record, length)) = next(rest) {
            read.push(record);
            rest = &rest[length..];
        }
        let written = [
            Record::Message(5, rich_message()),
            Record::Receive { now: 1, until: 2, seqs: vec![5, 6] },
            Record::State(5, State::Ready),
            Record::Delete(vec![5]),
            Record::Original([9; 16], original),
        ];
        assert_eq!(read, written);
        assert!(rest.is_empty());
    }

    #[test]
    fn a_record_cut_short_or_damaged_is_the_end() {
        let mut batch = Batch::default();
        batch.message(5, &rich_message());
        let whole = batch.0;
        for length in 0..whole.len() {
            assert!(next(&whole[..length]).is_none(), "cut at {length}");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert!(next(&damaged).is_none(), "damaged at {at}");
        }
    }
}
