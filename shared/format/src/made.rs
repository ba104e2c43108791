//! Rows that are made of tables and not of a file, written as a file's are: Parquet
//! by partition, and of each partition what names its rows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::row::{RowConverter, SortField};
use sha2::{Digest, Sha256};

use crate::books::in_reshape;
use crate::encode::{Encoder, Lanes, Router};
use crate::{FormatError, OutputFile, Plan, Reshaping, Sink};

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Parquet files in the order in which their first rows were made.
    pub outputs: Vec<OutputFile>,
    /// Partitions in the same order; one without columns where there are none,
    /// also where there is no row.
    pub partitions: Vec<MadePartition>,
}

/// The rows of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadePartition {
    /// Values of the partition columns in folder order; `None` is null.
    pub partition: Vec<(String, Option<String>)>,
    /// How many.
    pub rows: u64,
    /// 32 hexadecimal digits that are the same for the same rows with the same
    /// columns, in whatever order they come.
    pub digest: String,
}

/// Writes the rows that a plan's `reshape` makes without any file. `stop` ends it
/// early, as an error of the source.
///
/// # Errors
/// [`FormatError`]; whatever was written through the sink is then to be discarded.
pub fn write_made(
    plan: &Plan,
    stop: &AtomicBool,
    sink: &mut dyn Sink,
) -> Result<Made, FormatError> {
    let Some(reshape) = &plan.reshape else {
        return Err(FormatError::Plan { what: "there is nothing that makes rows".to_owned() });
    };
    let failed = |source| in_reshape(plan, source);
    let rows = reshape.start().map_err(failed)?;
    let router = Router::of(plan)?;
    let schema = router.file_schema().clone();
    let work =
        |lanes| Work { plan, stop, rows, encoder: Encoder::new(plan, router, lanes)? }.run(sink);
    match plan.threads.get() {
        1 => work(Lanes::here(&schema)),
        count => scope(|scope| work(Lanes::on_threads(scope, &schema, count))),
    }
}

struct Work<'a> {
    plan: &'a Plan,
    stop: &'a AtomicBool,
    rows: Box<dyn Reshaping>,
    encoder: Encoder<'a>,
}

impl Work<'_> {
    fn run(mut self, sink: &mut dyn Sink) -> Result<Made, FormatError> {
        let mut sums = Sums::new(&self.encoder.schema())?;
        if self.plan.parquet.partition_by.is_empty() {
            sums.partitions.push(Sum::default());
        }
        while let Some(rows) = self.rows.next().map_err(|error| in_reshape(self.plan, error))? {
            if self.stop.load(Ordering::Relaxed) {
                return Err(FormatError::Source(std::io::Error::other("stopped")));
            }
            self.encoder
                .write_seen(&rows, sink, &mut |partition, rows| sums.add(partition, rows))?;
        }
        self.encoder.flush()?;
        let partitions = sums.partitions.iter().enumerate().map(|(index, sum)| MadePartition {
            partition: self.encoder.partition(index).to_vec(),
            rows: sum.rows,
            digest: sums.digest(sum),
        });
        let partitions = partitions.collect();
        Ok(Made { outputs: self.encoder.finish(&[])?, partitions })
    }
}

/// What names the rows of each partition: a sum over what names each row, so that
/// their order is no matter.
struct Sums {
    converter: RowConverter,
    columns: String,
    partitions: Vec<Sum>,
}

#[derive(Clone, Copy, Default)]
struct Sum {
    rows: u64,
    sum: u128,
}

impl Sums {
    fn new(schema: &SchemaRef) -> Result<Self, FormatError> {
        let fields = schema.fields().iter();
        let columns =
            fields.clone().map(|field| format!("{}: {}\n", field.name(), field.data_type()));
        let fields = fields.map(|field| SortField::new(field.data_type().clone()));
        let converter = RowConverter::new(fields.collect()).map_err(unnameable)?;
        Ok(Self { converter, columns: columns.collect(), partitions: Vec::new() })
    }

    fn add(&mut self, partition: usize, batch: &RecordBatch) -> Result<(), FormatError> {
        // Partitions are numbered in the order of their first rows, but those of a
        // batch may come in any.
        if self.partitions.len() <= partition {
            self.partitions.resize(partition + 1, Sum::default());
        }
        let rows = self.converter.convert_columns(batch.columns()).map_err(unnameable)?;
        let sum = &mut self.partitions[partition];
        for row in &rows {
            sum.sum = sum.sum.wrapping_add(first_bytes(&Sha256::digest(row.as_ref())));
            sum.rows += 1;
        }
        Ok(())
    }

    fn digest(&self, sum: &Sum) -> String {
        let mut hash = Sha256::new();
        hash.update(self.columns.as_bytes());
        hash.update(sum.rows.to_le_bytes());
        hash.update(sum.sum.to_le_bytes());
        format!("{:032x}", first_bytes(&hash.finalize()))
    }
}

fn first_bytes(digest: &[u8]) -> u128 {
    digest.iter().take(16).fold(0, |number, byte| (number << 8) | u128::from(*byte))
}

fn unnameable(error: arrow::error::ArrowError) -> FormatError {
    FormatError::Encode(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    fn digest(batches: &[&[(i32, Option<&str>)]], name: &str) -> String {
        let schema = Arc::new(Schema::new(vec![
            Field::new("n", DataType::Int32, false),
            Field::new(name, DataType::Utf8, true),
        ]));
        let mut sums = Sums::new(&schema).expect("a schema");
        for rows in batches {
            let numbers = Int32Array::from_iter_values(rows.iter().map(|(number, _)| *number));
            let texts = StringArray::from_iter(rows.iter().map(|(_, text)| *text));
            let columns: Vec<ArrayRef> = vec![Arc::new(numbers), Arc::new(texts)];
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns).expect("a batch");
            sums.add(0, &batch).expect("rows");
        }
        sums.digest(&sums.partitions[0])
    }

    #[test]
    fn rows_are_named_whatever_their_order_and_however_they_come() {
        let one = digest(&[&[(1, Some("a")), (2, None)]], "t");
        assert_eq!(one, digest(&[&[(2, None)], &[(1, Some("a"))]], "t"));
        assert_eq!(one.len(), 32);
        for other in [
            digest(&[&[(1, Some("a")), (2, Some(""))]], "t"),
            digest(&[&[(1, Some("a")), (2, None), (2, None)]], "t"),
            digest(&[&[(1, Some("a"))]], "t"),
            digest(&[&[(1, Some("a")), (2, None)]], "other"),
        ] {
            assert_ne!(one, other);
        }
    }
}
