//! Reads a journal back into the messages it stands for.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use tracing::warn;

use super::super::message::{Message, Seq};
use super::super::recent::{Original, Recent};
use super::record::{self, Record};
use super::segment::{self, HEADER, Segment};

/// What a journal stands for.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// The messages that are left.
    pub(super) messages: BTreeMap<Seq, Message>,
    /// What may be sent again, whether its message is left or not.
    pub(super) recent: Recent,
    /// The segments found, oldest first. The length of each is that of its
    /// whole records.
    pub(super) segments: Vec<Segment>,
    /// No message has or had this sequence number or a greater one.
    pub(super) next_seq: Seq,
}

/// Reads every segment in `dir`.
pub(super) fn replay(dir: &Path) -> io::Result<Replay> {
    let mut replay = Replay::default();
    for id in segment::list(dir)? {
        replay.segment(dir, id)?;
    }
    replay.count_live();
    Ok(replay)
}

impl Replay {
    fn segment(&mut self, dir: &Path, id: u32) -> io::Result<()> {
        let path = segment::path(dir, id);
        let content = fs::read(&path)?;
        let Some(next_seq) = segment::header(&content) else {
            // The process ended while the segment was being started.
            return fs::remove_file(&path);
        };
        self.next_seq = self.next_seq.max(next_seq);
        let mut at = HEADER;
        while let Some((record, length)) = record::next(&content[at..]) {
            self.apply(record, id);
            at += length;
        }
        if at < content.len() {
            warn!(segment = %path.display(), at, "left out a record that was not written whole");
        }
        self.segments.push(Segment { id, bytes: at as u64, live: 0 });
        Ok(())
    }

    fn apply(&mut self, record: Record, segment: u32) {
        match record {
            Record::Message(seq, message) => {
                self.next_seq = self.next_seq.max(seq + 1);
                let message = Message { segment, ..message };
                self.recent.remember(seq, &message);
                self.messages.insert(seq, message);
            }
            Record::Original(key, original) => {
                self.recent.insert(key, Original { segment, ..original });
            }
            Record::Receive { now, until, seqs } => {
                for seq in seqs {
                    self.change(seq, |message| message.receive(now, until));
                }
            }
            Record::State(seq, state) => self.change(seq, |message| message.state = state),
            Record::Delete(seqs) => {
                for seq in seqs {
                    self.messages.remove(&seq);
                }
            }
        }
    }

    /// A message that is not known was deleted, and its full record dropped
    /// with an older segment.
    fn change(&mut self, seq: Seq, change: impl FnOnce(&mut Message)) {
        if let Some(message) = self.messages.get_mut(&seq) {
            change(message);
        }
    }

    fn count_live(&mut self) {
        for message in self.messages.values() {
            let found = self.segments.binary_search_by_key(&message.segment, |segment| segment.id);
            if let Ok(position) = found {
                self.segments[position].live += 1;
            }
        }
    }
}
