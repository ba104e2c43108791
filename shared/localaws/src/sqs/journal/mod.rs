//! The journal of one queue: what was acknowledged is in the file before the
//! answer is sent, so it outlives the process however that ends.
//!
//! Records are appended to segments. The oldest segment is dropped once no
//! message lives in it; when garbage outweighs what is alive, its survivors
//! are first copied to the end. Only ever the oldest goes, because a segment
//! may hold the deletions of messages in older ones. Each step is bounded by
//! one segment, so no request waits for a whole journal to be rewritten.

mod bytes;
mod content;
mod record;
mod replay;
mod segment;

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tracing::warn;

use self::record::Record;
use self::segment::{HEADER, Segment};
use super::index::Index;
use super::message::{Message, Seq};
use super::recent::Recent;

pub(crate) use self::record::Batch;

/// A segment that reaches this length is followed by a new one.
const SEGMENT_BYTES: u64 = 4 << 20;

/// About how many bytes an original takes.
const ORIGINAL_BYTES: u64 = 57;

/// The journal of one queue, open for appending.
#[derive(Debug)]
pub(crate) struct Journal {
    dir: PathBuf,
    /// Oldest first. All but the newest.
    closed: VecDeque<Segment>,
    newest: Segment,
    file: File,
    /// Length of all segments.
    total_bytes: u64,
    next_seq: Seq,
    /// What the messages would take if each were written once.
    live_bytes: u64,
}

impl Journal {
    /// Opens the journal in `dir`, starting one if there is none, and reads
    /// back the messages, and the originals of those that may be sent again.
    pub(crate) fn open(dir: &Path) -> io::Result<(Self, BTreeMap<Seq, Message>, Recent)> {
        let replay = replay::replay(dir)?;
        let mut closed = VecDeque::from(replay.segments);
        let (newest, file) = match closed.pop_back() {
            Some(newest) => (newest, reopen(dir, newest)?),
            None => segment::create(dir, 1, replay.next_seq)?,
        };
        let journal = Self {
            dir: dir.to_owned(),
            total_bytes: newest.bytes + closed.iter().map(|segment| segment.bytes).sum::<u64>(),
            closed,
            newest,
            file,
            next_seq: replay.next_seq,
            live_bytes: replay.messages.values().map(weight).sum(),
        };
        Ok((journal, replay.messages, replay.recent))
    }

    /// The sequence number the next message takes.
    pub(crate) fn next_seq(&self) -> Seq {
        self.next_seq
    }

    /// Writes records that bring no message. Nothing is written on an error.
    pub(crate) fn write(&mut self, batch: &Batch) -> io::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        if self.newest.bytes >= SEGMENT_BYTES {
            self.start_segment()?;
        }
        if let Err(error) = self.file.write_all(&batch.0) {
            // What follows half a record could never be read back.
            self.file.set_len(self.newest.bytes)?;
            return Err(error);
        }
        self.newest.bytes += batch.0.len() as u64;
        self.total_bytes += batch.0.len() as u64;
        Ok(())
    }

    /// Writes messages that take the sequence numbers from
    /// [`next_seq`](Self::next_seq) on, and tells each its segment.
    pub(crate) fn write_messages(&mut self, messages: &mut [Message]) -> io::Result<()> {
        let mut batch = Batch::default();
        for (seq, message) in (self.next_seq..).zip(messages.iter()) {
            batch.message(seq, message);
        }
        self.write(&batch)?;
        self.next_seq += messages.len() as Seq;
        self.newest.live += messages.len();
        for message in messages {
            message.segment = self.newest.id;
            self.live_bytes += weight(message);
        }
        Ok(())
    }

    /// Notes that a message is gone; its deletion is written already.
    pub(crate) fn forget(&mut self, message: &Message) {
        self.live_bytes = self.live_bytes.saturating_sub(weight(message));
        if let Some(segment) = self.segment_mut(message.segment) {
            segment.live = segment.live.saturating_sub(1);
        }
    }

    /// Drops what is not needed any more. `index` holds the messages and
    /// `recent` the originals that are.
    pub(crate) fn clean(&mut self, index: &mut Index, recent: &mut Recent) {
        if let Err(error) = self.try_clean(index, recent) {
            warn!(dir = %self.dir.display(), %error, "can't clean the journal; it will grow");
        }
    }

    /// Starts over without messages.
    pub(crate) fn clear(&mut self, recent: &mut Recent) -> io::Result<()> {
        let last = self.newest.id;
        self.start_segment()?;
        self.live_bytes = 0;
        while self.closed.front().is_some_and(|oldest| oldest.id <= last) {
            self.drop_oldest(recent)?;
        }
        Ok(())
    }

    fn try_clean(&mut self, index: &mut Index, recent: &mut Recent) -> io::Result<()> {
        while self.closed.front().is_some_and(|oldest| is_spent(oldest, recent)) {
            self.drop_oldest(recent)?;
        }
        let Some(&oldest) = self.closed.front() else { return Ok(()) };
        let needed = self.live_bytes + ORIGINAL_BYTES * recent.len() as u64;
        if self.total_bytes > 2 * (needed + SEGMENT_BYTES) {
            self.copy_forward(oldest.id, index)?;
            self.drop_oldest(recent)?;
        }
        Ok(())
    }

    fn copy_forward(&mut self, id: u32, index: &mut Index) -> io::Result<()> {
        let content = fs::read(segment::path(&self.dir, id))?;
        let (mut batch, mut copied) = (Batch::default(), Vec::new());
        let mut at = HEADER;
        while let Some((record, length)) = record::next(content.get(at..).unwrap_or_default()) {
            at += length;
            let Record::Message(seq, _) = record else { continue };
            if let Some(message) = index.get(seq).filter(|message| message.segment == id) {
                batch.message(seq, message);
                copied.push(seq);
            }
        }
        self.write(&batch)?;
        self.newest.live += copied.len();
        copied.into_iter().for_each(|seq| index.set_segment(seq, self.newest.id));
        Ok(())
    }

    fn start_segment(&mut self) -> io::Result<()> {
        let (segment, file) = segment::create(&self.dir, self.newest.id + 1, self.next_seq)?;
        self.total_bytes += segment.bytes;
        self.closed.push_back(std::mem::replace(&mut self.newest, segment));
        self.file = file;
        Ok(())
    }

    /// Drops the oldest segment; originals that only it holds are written anew.
    fn drop_oldest(&mut self, recent: &mut Recent) -> io::Result<()> {
        let Some(&oldest) = self.closed.front() else { return Ok(()) };
        let originals: Vec<_> = recent.in_segment(oldest.id).collect();
        let mut batch = Batch::default();
        originals.iter().for_each(|(key, original)| batch.original(key, original));
        self.write(&batch)?;
        for (key, _) in &originals {
            recent.set_segment(key, self.newest.id);
        }
        fs::remove_file(segment::path(&self.dir, oldest.id))?;
        self.total_bytes -= oldest.bytes;
        self.closed.pop_front();
        Ok(())
    }

    fn segment_mut(&mut self, id: u32) -> Option<&mut Segment> {
        if id == self.newest.id {
            return Some(&mut self.newest);
        }
        let position = self.closed.binary_search_by_key(&id, |segment| segment.id).ok()?;
        self.closed.get_mut(position)
    }
}

/// Whether dropping a segment gains something: no message lives in it, and the
/// originals that would be written anew take less than half of it.
fn is_spent(segment: &Segment, recent: &Recent) -> bool {
    let originals = recent.count_in(segment.id) as u64;
    segment.live == 0 && 2 * originals * ORIGINAL_BYTES <= segment.bytes
}

/// Opens the newest segment for appending after its last whole record.
fn reopen(dir: &Path, newest: Segment) -> io::Result<File> {
    let file = OpenOptions::new().append(true).open(segment::path(dir, newest.id))?;
    file.set_len(newest.bytes)?;
    Ok(file)
}

/// About how many bytes a message's full record takes.
fn weight(message: &Message) -> u64 {
    let extras = message.content.extras.as_ref().map_or(0, |extras| {
        extras.attributes.iter().map(|attribute| attribute.value.bytes().len() + 64).sum()
    });
    (100 + message.content.body.len() + extras) as u64
}

#[cfg(test)]
mod tests;
