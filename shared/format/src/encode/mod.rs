//! Record batches to Parquet: partitions, row groups, columns encoded in
//! parallel.
//!
//! What is written depends on the rows alone, never on timing or on the number
//! of threads: row groups are closed by counting rows and Arrow bytes.

mod lanes;
mod output;
mod properties;
mod route;

use std::collections::VecDeque;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_writer::ArrowColumnChunk;

use crate::{FormatError, OutputFile, Plan, Sink};
pub(crate) use lanes::Lanes;
use output::Output;
use properties::Properties;
pub(crate) use route::Router;

/// Row groups that may be waiting for their columns before writing waits too.
const MOST_PENDING: usize = 2;

/// Writes one file's batches.
pub(crate) struct Encoder<'a> {
    plan: &'a Plan,
    router: Router,
    lanes: Lanes,
    properties: Option<Properties>,
    outputs: Vec<Output>,
    /// Row groups that are closed and not complete, in the order of closing.
    pending: VecDeque<Pending>,
    next_group: u64,
    /// Arrow bytes in open row groups.
    buffered: usize,
}

struct Pending {
    group: u64,
    output: usize,
    chunks: Vec<Option<ArrowColumnChunk>>,
}

impl<'a> Encoder<'a> {
    /// An encoder that routes rows by `router` and encodes columns in `lanes`.
    pub(crate) fn new(plan: &'a Plan, router: Router, lanes: Lanes) -> Self {
        Self {
            plan,
            router,
            lanes,
            properties: None,
            outputs: Vec::new(),
            pending: VecDeque::new(),
            next_group: 0,
            buffered: 0,
        }
    }

    /// Schema of the files.
    pub(crate) fn schema(&self) -> SchemaRef {
        self.router.file_schema().clone()
    }

    /// Writes a batch.
    pub(crate) fn write(
        &mut self,
        batch: &RecordBatch,
        sink: &mut dyn Sink,
    ) -> Result<(), FormatError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        for (partition, rows) in self.router.route(batch)? {
            if partition == self.outputs.len() {
                self.open_output(partition, &rows, sink)?;
            }
            self.append(partition, rows)?;
        }
        self.settle(MOST_PENDING)
    }

    fn open_output(
        &mut self,
        partition: usize,
        rows: &RecordBatch,
        sink: &mut dyn Sink,
    ) -> Result<(), FormatError> {
        let plan = self.plan;
        let properties = self.properties.get_or_insert_with(|| Properties::choose(plan, rows));
        let values = self.router.values(partition).to_vec();
        // At most as many as the limit on partitions.
        let writer = sink.output(&values, partition as u32).map_err(FormatError::Sink)?;
        self.outputs.push(Output::create(writer, values, self.router.file_schema(), properties)?);
        Ok(())
    }

    fn append(&mut self, output: usize, mut rows: RecordBatch) -> Result<(), FormatError> {
        let most_rows = self.plan.parquet.row_group_rows.max(1) as usize;
        while rows.num_rows() > 0 {
            let group = self.group_of(output, &rows)?;
            let room = most_rows - self.outputs[output].group_rows();
            let part = rows.slice(0, room.min(rows.num_rows()));
            rows = rows.slice(part.num_rows(), rows.num_rows() - part.num_rows());
            let bytes = part.columns().iter().map(arrow_bytes).sum();
            self.buffered += bytes;
            self.outputs[output].count(part.num_rows(), bytes);
            self.lanes.write(group, part.columns())?;
            if part.num_rows() == room {
                self.close_group(output)?;
            }
            self.make_room()?;
        }
        Ok(())
    }

    /// The open row group of an output.
    fn group_of(&mut self, output: usize, rows: &RecordBatch) -> Result<u64, FormatError> {
        if let Some(group) = self.outputs[output].group() {
            return Ok(group);
        }
        let group = self.next_group;
        self.next_group += 1;
        let writers = self.outputs[output].open_group(group)?;
        self.lanes.open(group, writers, rows.columns())?;
        Ok(group)
    }

    /// Closes the largest row groups until the open ones fit into memory.
    fn make_room(&mut self) -> Result<(), FormatError> {
        while self.buffered > self.plan.limits.row_group_bytes {
            let bytes = |index: &usize| self.outputs[*index].group_bytes();
            // The first of the largest, so that equal ones are no matter of luck.
            let largest = (0..self.outputs.len()).rev().max_by_key(bytes);
            let Some(largest) = largest.filter(|&index| self.outputs[index].group().is_some())
            else {
                return Ok(());
            };
            self.close_group(largest)?;
        }
        Ok(())
    }

    fn close_group(&mut self, output: usize) -> Result<(), FormatError> {
        let Some((group, bytes)) = self.outputs[output].close_group() else { return Ok(()) };
        self.buffered -= bytes;
        self.lanes.close(group)?;
        let chunks = (0..self.lanes.leaf_count()).map(|_| None).collect();
        self.pending.push_back(Pending { group, output, chunks });
        Ok(())
    }

    /// Writes row groups that are complete, and waits until no more than `most`
    /// are not.
    fn settle(&mut self, most: usize) -> Result<(), FormatError> {
        while let Some(chunk) = self.lanes.take(self.pending.len() > most)? {
            let pending = self.pending.iter_mut().find(|pending| pending.group == chunk.group);
            if let Some(pending) = pending {
                pending.chunks[chunk.leaf] = Some(chunk.chunk);
            }
            self.write_complete()?;
        }
        Ok(())
    }

    fn write_complete(&mut self) -> Result<(), FormatError> {
        let is_complete = |pending: &mut Pending| pending.chunks.iter().all(Option::is_some);
        while let Some(pending) = self.pending.pop_front_if(is_complete) {
            let chunks = pending.chunks.into_iter().flatten().collect();
            self.outputs[pending.output].append(chunks)?;
        }
        Ok(())
    }

    /// Encodes and writes all that is left. Answers how many rows the files
    /// have, as their own metadata say.
    pub(crate) fn flush(&mut self) -> Result<u64, FormatError> {
        for output in 0..self.outputs.len() {
            self.close_group(output)?;
            self.settle(MOST_PENDING)?;
        }
        self.settle(0)?;
        Ok(self.outputs.iter().map(Output::rows_written).sum())
    }

    /// Completes the files, with more key-value metadata.
    pub(crate) fn finish(
        self,
        metadata: &[(String, String)],
    ) -> Result<Vec<OutputFile>, FormatError> {
        self.outputs.into_iter().map(|output| output.finish(metadata)).collect()
    }
}

/// How many bytes of values an array holds, as it would lie in memory alone.
fn arrow_bytes(array: &ArrayRef) -> usize {
    if let Some(width) = array.data_type().primitive_width() {
        return array.len() * width;
    }
    if let Some(strings) = array.as_string_opt::<i32>() {
        let offsets = strings.value_offsets();
        let bytes = offsets[offsets.len() - 1] - offsets[0];
        return bytes as usize + 4 * array.len();
    }
    // Of a slice this counts what the slice covers, whatever is nested in it.
    array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_buffer_memory_size())
}
