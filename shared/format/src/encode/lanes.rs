//! Lanes: each encodes some of the columns, on a thread of its own or on the
//! caller's.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::Scope;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves};
use parquet::errors::ParquetError;

use super::arrow_bytes;
use crate::FormatError;

/// Batches that may wait in front of a lane.
const QUEUE: usize = 4;

/// A leaf column of a row group, encoded.
pub(crate) struct Chunk {
    /// The row group.
    pub(crate) group: u64,
    /// The leaf's position in the file: a list or a struct has a leaf for each
    /// scalar within.
    pub(crate) leaf: usize,
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
    /// How many leaves each column has.
    leaves: Vec<usize>,
}

/// A column of an open row group.
struct ColumnWriter {
    /// Its position in the rows.
    column: usize,
    /// The position of its first leaf in the file.
    first_leaf: usize,
    /// A writer for each leaf.
    writers: Vec<ArrowColumnWriter>,
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
    Open(u64, Vec<ColumnWriter>),
    Write(u64, Vec<ArrayRef>),
    Close(u64),
}

impl Lanes {
    /// One lane on the caller's thread.
    pub(crate) fn here(schema: &SchemaRef) -> Self {
        let lane = Hands::Here(Box::new(Lane::new(schema)));
        let replies = Replies::Here(VecDeque::new());
        Self { lanes: vec![lane], replies, lane_of: Vec::new(), leaves: leaves_of(schema) }
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
        let replies = Replies::Threads(replies);
        Self { lanes, replies, lane_of: Vec::new(), leaves: leaves_of(schema) }
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
        let mut writers = writers.into_iter();
        let mut first_leaf = 0;
        let columns: Vec<_> = (0..self.leaves.len())
            .map(|column| {
                let leaves = self.leaves[column];
                let writers = writers.by_ref().take(leaves).collect();
                first_leaf += leaves;
                ColumnWriter { column, first_leaf: first_leaf - leaves, writers }
            })
            .collect();
        let parts = self.deal(columns.into_iter());
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

    /// How many leaves the columns have together.
    pub(crate) fn leaf_count(&self) -> usize {
        self.leaves.iter().sum()
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

fn leaves_of(schema: &SchemaRef) -> Vec<usize> {
    schema.fields().iter().map(|field| leaves(field.data_type())).collect()
}

/// How many columns of its own a Parquet file has for a type.
fn leaves(data_type: &DataType) -> usize {
    match data_type {
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::ListView(element)
        | DataType::LargeListView(element)
        | DataType::FixedSizeList(element, _)
        | DataType::Map(element, _) => leaves(element.data_type()),
        DataType::Struct(fields) => fields.iter().map(|field| leaves(field.data_type())).sum(),
        _ => 1,
    }
}

/// Encodes some of the columns of every open row group.
struct Lane {
    fields: Vec<FieldRef>,
    groups: HashMap<u64, Vec<ColumnWriter>>,
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
                for column in self.groups.remove(&group).unwrap_or_default() {
                    for (leaf, writer) in (column.first_leaf..).zip(column.writers) {
                        reply(writer.close().map(|chunk| Chunk { group, leaf, chunk }));
                    }
                }
            }
        }
    }

    fn write(&mut self, group: u64, columns: &[ArrayRef]) -> Result<(), ParquetError> {
        let writers = self.groups.entry(group).or_default();
        for (column, array) in writers.iter_mut().zip(columns) {
            let leaves = compute_leaves(&self.fields[column.column], array)?;
            for (writer, leaf) in column.writers.iter_mut().zip(leaves) {
                writer.write(&leaf)?;
            }
        }
        Ok(())
    }
}
