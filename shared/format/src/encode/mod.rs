//! Record batches to Parquet: partitions, row groups, columns encoded in
//! parallel.
//!
//! What is written depends on the rows alone, never on timing or on the number
//! of threads: row groups are closed by counting rows and Arrow bytes, and files
//! by their size once their row groups are encoded.

mod lanes;
mod layout;
mod output;
mod properties;
mod route;
mod sample;

use std::collections::VecDeque;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use millrace_contract::ParquetOptions;
use parquet::arrow::arrow_writer::ArrowColumnChunk;
use parquet::file::properties::WriterProperties;

use crate::{FormatError, OutputFile, Plan, Sink};
pub(crate) use lanes::Lanes;
use layout::Layout;
use output::Output;
use properties::Properties;
pub(crate) use route::Router;

/// How a file is written that is no dataset's, for rows like the first ones.
///
/// # Errors
/// [`FormatError::Plan`] if the options name columns that are not there.
pub(crate) fn properties(
    options: &ParquetOptions,
    metadata: &[(String, String)],
    rows: &RecordBatch,
) -> Result<WriterProperties, FormatError> {
    let layout = Layout::new(options, &rows.schema())?;
    Ok(Properties::choose(options, metadata, &layout, rows).writer())
}

/// Row groups that may be waiting for their columns before writing waits too.
const MOST_PENDING: usize = 2;

/// Writes one file's batches.
pub(crate) struct Encoder<'a> {
    plan: &'a Plan,
    router: Router,
    layout: Layout,
    lanes: Lanes,
    properties: Option<Properties>,
    /// All files, in the order of their ordinals.
    outputs: Vec<Output>,
    /// The file that each partition's rows go to at present.
    current: Vec<usize>,
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
    ///
    /// # Errors
    /// [`FormatError::Plan`] if the options name columns that the files do not
    /// have or that can't be used so.
    pub(crate) fn new(plan: &'a Plan, router: Router, lanes: Lanes) -> Result<Self, FormatError> {
        Ok(Self {
            plan,
            layout: Layout::new(&plan.parquet, router.file_schema())?,
            router,
            lanes,
            properties: None,
            outputs: Vec::new(),
            current: Vec::new(),
            pending: VecDeque::new(),
            next_group: 0,
            buffered: 0,
        })
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
        self.write_seen(batch, sink, &mut |_, _| Ok(()))
    }

    /// Writes a batch, and shows the rows of each partition to `see`.
    pub(crate) fn write_seen(
        &mut self,
        batch: &RecordBatch,
        sink: &mut dyn Sink,
        see: &mut dyn FnMut(usize, &RecordBatch) -> Result<(), FormatError>,
    ) -> Result<(), FormatError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        for (partition, rows) in self.router.route(batch)? {
            see(partition, &rows)?;
            self.append(partition, rows, sink)?;
        }
        self.settle(MOST_PENDING)
    }

    /// The values of a partition, in folder order.
    pub(crate) fn partition(&self, partition: usize) -> &[(String, Option<String>)] {
        self.router.values(partition)
    }

    fn append(
        &mut self,
        partition: usize,
        mut rows: RecordBatch,
        sink: &mut dyn Sink,
    ) -> Result<(), FormatError> {
        while rows.num_rows() > 0 {
            let output = self.output_of(partition, &rows, sink)?;
            let group = self.group_of(output, &rows)?;
            let part = rows.slice(0, self.room(output, &rows));
            rows = rows.slice(part.num_rows(), rows.num_rows() - part.num_rows());
            let bytes = batch_bytes(&part);
            self.buffered += bytes;
            self.outputs[output].count(part.num_rows(), bytes);
            match self.layout.is_sorted() {
                true => self.outputs[output].hold(layout::owned(&part)?),
                false => self.lanes.write(group, part.columns())?,
            }
            if self.is_full(output) {
                self.close_group(output)?;
            }
            self.make_room()?;
        }
        Ok(())
    }

    /// The file that a partition's next rows go to, opened if there is none or
    /// if the last one has its size.
    fn output_of(
        &mut self,
        partition: usize,
        rows: &RecordBatch,
        sink: &mut dyn Sink,
    ) -> Result<usize, FormatError> {
        let current = self.current.get(partition).copied();
        if let Some(output) = current
            && !self.has_its_size(output)?
        {
            return Ok(output);
        }
        let opened = self.open_output(partition, rows, sink)?;
        match current {
            Some(_) => self.current[partition] = opened,
            // Partitions are numbered in the order of their first rows.
            None => self.current.push(opened),
        }
        Ok(opened)
    }

    fn open_output(
        &mut self,
        partition: usize,
        rows: &RecordBatch,
        sink: &mut dyn Sink,
    ) -> Result<usize, FormatError> {
        let (plan, layout) = (self.plan, &self.layout);
        let choose = || Properties::choose(&plan.parquet, &plan.metadata, layout, rows);
        let properties = self.properties.get_or_insert_with(choose);
        let values = self.router.values(partition).to_vec();
        let ordinal = self.outputs.len();
        // At most twice the limit on partitions, as `has_its_size` sees to it.
        let writer = sink.output(&values, ordinal as u32).map_err(FormatError::Sink)?;
        self.outputs.push(Output::create(writer, values, self.router.file_schema(), properties)?);
        Ok(ordinal)
    }

    /// Whether a file shall have no further row group. All files stay open until
    /// the balance they carry is known, so their number is bounded: the last one
    /// takes what is left.
    fn has_its_size(&mut self, output: usize) -> Result<bool, FormatError> {
        let Some(target) = self.plan.parquet.file_size else { return Ok(false) };
        let is_between_groups = self.outputs[output].group().is_none();
        if !is_between_groups || self.outputs.len() >= self.plan.limits.partitions {
            return Ok(false);
        }
        // How large a row group becomes is known once it is encoded.
        self.settle(0)?;
        Ok(self.outputs[output].is_nearest_to(target))
    }

    /// How many of `rows` the open row group may still take, at least one.
    fn room(&self, output: usize, rows: &RecordBatch) -> usize {
        let most_rows = self.plan.parquet.row_group_rows.max(1) as usize;
        let room = most_rows.saturating_sub(self.outputs[output].group_rows());
        let by_size = self.plan.parquet.row_group_size.map_or(usize::MAX, |size| {
            let room = size.saturating_sub(self.outputs[output].group_bytes() as u64);
            let rows_that_fit = u128::from(room) * rows.num_rows() as u128;
            let rows_that_fit = rows_that_fit.div_ceil(batch_bytes(rows).max(1) as u128);
            usize::try_from(rows_that_fit).unwrap_or(usize::MAX)
        });
        room.min(by_size).clamp(1, rows.num_rows())
    }

    /// Whether the open row group has all the rows or bytes it may have.
    fn is_full(&self, output: usize) -> bool {
        let (rows, bytes) = (self.outputs[output].group_rows(), self.outputs[output].group_bytes());
        let size = self.plan.parquet.row_group_size;
        rows >= self.plan.parquet.row_group_rows.max(1) as usize
            || size.is_some_and(|size| bytes as u64 >= size)
    }

    /// The open row group of an output.
    fn group_of(&mut self, output: usize, rows: &RecordBatch) -> Result<u64, FormatError> {
        if let Some(group) = self.outputs[output].group() {
            return Ok(group);
        }
        let group = self.next_group;
        self.next_group += 1;
        self.outputs[output].open_group(group);
        if !self.layout.is_sorted() {
            self.open_lanes(output, group, rows)?;
        }
        Ok(group)
    }

    fn open_lanes(
        &mut self,
        output: usize,
        group: u64,
        rows: &RecordBatch,
    ) -> Result<(), FormatError> {
        let writers = self.outputs[output].column_writers()?;
        self.lanes.open(group, writers, rows.columns())
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
        let Some((group, bytes, held)) = self.outputs[output].close_group() else {
            return Ok(());
        };
        self.buffered -= bytes;
        self.write_sorted(output, group, &held)?;
        self.lanes.close(group)?;
        let chunks = (0..self.lanes.leaf_count()).map(|_| None).collect();
        self.pending.push_back(Pending { group, output, chunks });
        Ok(())
    }

    /// Writes the rows that were held for sorting, if they were.
    fn write_sorted(
        &mut self,
        output: usize,
        group: u64,
        held: &[RecordBatch],
    ) -> Result<(), FormatError> {
        let Some(first) = held.first() else { return Ok(()) };
        self.open_lanes(output, group, first)?;
        for rows in self.layout.sorted(held)? {
            self.lanes.write(group, rows?.columns())?;
        }
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

/// Arrow bytes of a batch.
fn batch_bytes(rows: &RecordBatch) -> usize {
    rows.columns().iter().map(arrow_bytes).sum()
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
