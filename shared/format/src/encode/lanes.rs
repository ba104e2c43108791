//! Lanes: each encodes some of the columns, on a thread of its own or on the
//! caller's.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::Scope;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{FieldRef, SchemaRef};
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves};
use parquet::errors::ParquetError;

use super::arrow_bytes;
use crate::FormatError;

/// Batches that may wait in front of a lane.
const QUEUE: usize = 4;

/// A column of a row group, encoded.
pub(crate) struct Chunk {
    /// The row group.
    pub(crate) group: u64,
    /// The column's position in the file.
    pub(crate) column: usize,
    /// Its pages.
    pub(crate) chunk: ArrowColumnChunk,
}

type Reply = Result<Chunk, ParquetError>;

/// The lanes of one file.
pub(crate) struct Lanes {
    lanes: Vec<Hands>,
    replies: Replies,
    /// The lane of each column, once the first rows have been seen.
    lane_of: Vec<usize>,
}

/// What carries out a lane's jobs.
enum Hands {
    Here(Box<Lane>),
    Thread(SyncSender<Job>),
}

enum Replies {
    Here(VecDeque<Reply>),
    Threads(Receiver<Reply>),
}

enum Job {
    Open(u64, Vec<(usize, ArrowColumnWriter)>),
    Write(u64, Vec<ArrayRef>),
    Close(u64),
}

impl Lanes {
    /// One lane on the caller's thread.
    pub(crate) fn here(schema: &SchemaRef) -> Self {
        let lane = Hands::Here(Box::new(Lane::new(schema)));
        Self { lanes: vec![lane], replies: Replies::Here(VecDeque::new()), lane_of: Vec::new() }
    }

    /// `count` lanes on threads of their own, which end when this is dropped.
    pub(crate) fn on_threads<'scope>(
        scope: &'scope Scope<'scope, '_>,
        schema: &SchemaRef,
        count: usize,
    ) -> Self {
        let (reply, replies) = channel();
        let spawn = |_| {
            let (jobs, queue) = sync_channel(QUEUE);
            let (lane, reply) = (Lane::new(schema), reply.clone());
            scope.spawn(move || lane.run(&queue, &reply));
            Hands::Thread(jobs)
        };
        let lanes = (0..count.max(1)).map(spawn).collect();
        Self { lanes, replies: Replies::Threads(replies), lane_of: Vec::new() }
    }

    /// Opens a row group. The first one's rows decide which lane has which
    /// column.
    pub(crate) fn open(
        &mut self,
        group: u64,
        writers: Vec<ArrowColumnWriter>,
        rows: &[ArrayRef],
    ) -> Result<(), FormatError> {
        if self.lane_of.is_empty() {
            self.lane_of = share_out(rows, self.lanes.len());
        }
        let parts = self.deal(writers.into_iter().enumerate());
        self.send(parts.into_iter().map(|writers| Job::Open(group, writers)))
    }

    /// Appends rows to an open row group.
    pub(crate) fn write(&mut self, group: u64, columns: &[ArrayRef]) -> Result<(), FormatError> {
        let parts = self.deal(columns.iter().cloned());
        self.send(parts.into_iter().map(|columns| Job::Write(group, columns)))
    }

    /// Closes a row group; its columns come back through [`Lanes::take`].
    pub(crate) fn close(&mut self, group: u64) -> Result<(), FormatError> {
        let count = self.lanes.len();
        self.send((0..count).map(|_| Job::Close(group)))
    }

    /// A finished column, if there is one or if it shall be waited for.
    pub(crate) fn take(&mut self, wait: bool) -> Result<Option<Chunk>, FormatError> {
        let reply = match &mut self.replies {
            Replies::Here(replies) => replies.pop_front(),
            Replies::Threads(replies) if wait => Some(replies.recv().map_err(|_| stopped())?),
            Replies::Threads(replies) => replies.try_recv().ok(),
        };
        reply.transpose().map_err(|error| FormatError::Encode(error.to_string()))
    }

    fn deal<T>(&self, columns: impl Iterator<Item = T>) -> Vec<Vec<T>> {
        let mut parts: Vec<_> = self.lanes.iter().map(|_| Vec::new()).collect();
        for (column, lane) in columns.zip(&self.lane_of) {
            parts[*lane].push(column);
        }
        parts
    }

    fn send(&mut self, jobs: impl Iterator<Item = Job>) -> Result<(), FormatError> {
        for (hands, job) in self.lanes.iter_mut().zip(jobs) {
            match (hands, &mut self.replies) {
                (Hands::Here(lane), Replies::Here(replies)) => {
                    lane.carry_out(job, &mut |reply| replies.push_back(reply));
                }
                (Hands::Thread(jobs), replies) => {
                    if jobs.send(job).is_err() {
                        return Err(failure(replies));
                    }
                }
                (Hands::Here(_), Replies::Threads(_)) => return Err(stopped()),
            }
        }
        Ok(())
    }
}

/// Why a lane has stopped.
fn failure(replies: &Replies) -> FormatError {
    let Replies::Threads(replies) = replies else { return stopped() };
    match replies.try_iter().find_map(Result::err) {
        Some(error) => FormatError::Encode(error.to_string()),
        None => stopped(),
    }
}

fn stopped() -> FormatError {
    FormatError::Encode("an encoding thread stopped".into())
}

/// Gives every column to the lane with the least to do, the largest first.
fn share_out(columns: &[ArrayRef], lanes: usize) -> Vec<usize> {
    let mut by_size: Vec<_> = columns.iter().map(arrow_bytes).enumerate().collect();
    by_size.sort_by_key(|&(_, bytes)| std::cmp::Reverse(bytes));
    let mut loads = vec![0; lanes];
    let mut lane_of = vec![0; columns.len()];
    for (column, bytes) in by_size {
        let lane = (0..lanes).min_by_key(|&lane| loads[lane]).unwrap_or_default();
        // Every value costs something, however short it is.
        loads[lane] += bytes + 4 * columns[column].len();
        lane_of[column] = lane;
    }
    lane_of
}

/// Encodes some of the columns of every open row group.
struct Lane {
    fields: Vec<FieldRef>,
    groups: HashMap<u64, Vec<(usize, ArrowColumnWriter)>>,
}

impl Lane {
    fn new(schema: &SchemaRef) -> Self {
        Self { fields: schema.fields().to_vec(), groups: HashMap::new() }
    }

    fn run(mut self, queue: &Receiver<Job>, replies: &Sender<Reply>) {
        let mut failed = false;
        while let (false, Ok(job)) = (failed, queue.recv()) {
            self.carry_out(job, &mut |reply| {
                failed |= reply.is_err();
                // Nobody listens once the file has failed.
                failed |= replies.send(reply).is_err();
            });
        }
    }

    fn carry_out(&mut self, job: Job, reply: &mut dyn FnMut(Reply)) {
        match job {
            Job::Open(group, writers) => {
                self.groups.insert(group, writers);
            }
            Job::Write(group, columns) => {
                if let Err(error) = self.write(group, &columns) {
                    reply(Err(error));
                }
            }
            Job::Close(group) => {
                for (column, writer) in self.groups.remove(&group).unwrap_or_default() {
                    reply(writer.close().map(|chunk| Chunk { group, column, chunk }));
                }
            }
        }
    }

    fn write(&mut self, group: u64, columns: &[ArrayRef]) -> Result<(), ParquetError> {
        let writers = self.groups.entry(group).or_default();
        for ((column, writer), array) in writers.iter_mut().zip(columns) {
            for leaf in compute_leaves(&self.fields[*column], array)? {
                writer.write(&leaf)?;
            }
        }
        Ok(())
    }
}
