//! Which partition each row goes to.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;

use crate::bind::folded;
use crate::{FormatError, Plan, arrow_schema, partition_path};

/// Routes rows to partitions, which are numbered in the order of their first
/// rows.
pub(crate) struct Router {
    /// Partition columns in folder order.
    by: Vec<(String, usize)>,
    /// Columns that stay in the file.
    kept: Vec<usize>,
    file_schema: SchemaRef,
    partitions: Vec<Vec<(String, Option<String>)>>,
    numbers: HashMap<Vec<u8>, usize>,
    most: usize,
}

/// Whether the values of a type can be told in a folder's name.
fn names_folders(data_type: &DataType) -> bool {
    let is_binary = matches!(
        data_type,
        DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_)
    );
    !is_binary && !data_type.is_nested()
}

impl Router {
    /// Routes the rows that a plan writes.
    ///
    /// # Errors
    /// As for [`Router::new`].
    pub(crate) fn of(plan: &Plan) -> Result<Self, FormatError> {
        let schema = match &plan.reshape {
            Some(reshape) => reshape.schema(),
            None => arrow_schema(&plan.columns, &plan.captures),
        };
        Self::new(&plan.parquet.partition_by, &schema, plan.limits.partitions)
    }

    /// Routes by the named columns.
    pub(crate) fn new(
        partition_by: &[String],
        schema: &SchemaRef,
        most: usize,
    ) -> Result<Self, FormatError> {
        let columns = schema.fields();
        let mut by = Vec::new();
        for name in partition_by {
            let found = columns.iter().position(|column| folded(column.name()) == folded(name));
            let Some(index) = found.filter(|index| by.iter().all(|(_, other)| other != index))
            else {
                let what = format!(
                    "`partition_by` names `{name}`, which is not a column or stands there twice"
                );
                return Err(FormatError::Plan { what });
            };
            if !names_folders(columns[index].data_type()) {
                let what = format!(
                    "`partition_by` names `{name}`, a list, a struct or bytes, which name no folder"
                );
                return Err(FormatError::Plan { what });
            }
            by.push((columns[index].name().clone(), index));
        }
        let is_kept = |index: &usize| by.iter().all(|(_, other)| other != index);
        let kept: Vec<_> = (0..columns.len()).filter(is_kept).collect();
        if kept.is_empty() {
            let what = "every column is a partition column, so that files would be empty".into();
            return Err(FormatError::Plan { what });
        }
        let file_schema = Arc::new(schema.project(&kept).map_err(defect)?);
        let mut router =
            Self { by, kept, file_schema, partitions: Vec::new(), numbers: HashMap::new(), most };
        if router.by.is_empty() {
            router.partitions.push(Vec::new());
        }
        Ok(router)
    }

    /// Schema of the files.
    pub(crate) fn file_schema(&self) -> &SchemaRef {
        &self.file_schema
    }

    /// The values of a partition, in folder order.
    pub(super) fn values(&self, partition: usize) -> &[(String, Option<String>)] {
        &self.partitions[partition]
    }

    /// The rows of each partition in a batch, without the partition columns.
    /// Partitions come in ascending order, and rows in their own.
    pub(super) fn route(
        &mut self,
        batch: &RecordBatch,
    ) -> Result<Vec<(usize, RecordBatch)>, FormatError> {
        if self.by.is_empty() {
            return Ok(vec![(0, batch.clone())]);
        }
        let numbers = self.numbers(batch)?;
        let file_rows = batch.project(&self.kept).map_err(defect)?;
        if numbers.iter().all(|number| *number == numbers[0]) {
            return Ok(vec![(numbers[0], file_rows)]);
        }
        let mut order: Vec<u32> = (0..numbers.len() as u32).collect();
        order.sort_by_key(|&row| numbers[row as usize]);
        let sorted =
            take_record_batch(&file_rows, &UInt32Array::from(order.clone())).map_err(defect)?;
        let mut start = 0;
        let runs = order.chunk_by(|&a, &b| numbers[a as usize] == numbers[b as usize]);
        Ok(runs
            .map(|run| {
                start += run.len();
                (numbers[run[0] as usize], sorted.slice(start - run.len(), run.len()))
            })
            .collect())
    }

    /// The partition number of every row.
    fn numbers(&mut self, batch: &RecordBatch) -> Result<Vec<usize>, FormatError> {
        let text = |(_, index): &(String, usize)| cast(batch.column(*index), &DataType::Utf8);
        let texts: Vec<ArrayRef> =
            self.by.iter().map(text).collect::<Result<_, _>>().map_err(defect)?;
        let texts: Vec<_> = texts.iter().map(|text| text.as_string::<i32>()).collect();
        let mut numbers = Vec::with_capacity(batch.num_rows());
        let (mut key, mut last) = (Vec::new(), (Vec::new(), None));
        for row in 0..batch.num_rows() {
            key.clear();
            for text in &texts {
                append_key(&mut key, text, row);
            }
            if last.1.is_none() || last.0 != key {
                last.1 = Some(self.number(&key, &texts, row)?);
                last.0.clone_from(&key);
            }
            numbers.extend(last.1);
        }
        Ok(numbers)
    }

    fn number(
        &mut self,
        key: &[u8],
        texts: &[&StringArray],
        row: usize,
    ) -> Result<usize, FormatError> {
        if let Some(number) = self.numbers.get(key) {
            return Ok(*number);
        }
        let number = self.partitions.len();
        if number == self.most {
            let names: Vec<_> = self.by.iter().map(|(name, _)| name.as_str()).collect();
            return Err(FormatError::TooManyPartitions {
                columns: names.join(", "),
                limit: self.most,
            });
        }
        let value = |text: &&StringArray| text.is_valid(row).then(|| text.value(row).to_owned());
        let names = self.by.iter().map(|(name, _)| name.clone());
        let values: Vec<_> = names.zip(texts.iter().map(value)).collect();
        check_names(&values)?;
        self.partitions.push(values);
        self.numbers.insert(key.to_vec(), number);
        Ok(number)
    }
}

/// Longest name of a partition folder in bytes, escapes included: what file
/// systems take, and few enough of them for an S3 key of 1024 bytes.
const LONGEST_FOLDER: usize = 255;

/// Longest path of all partition folders together, which leaves room in an S3 key
/// for the dataset and the file.
const LONGEST_PATH: usize = 800;

/// Refuses values that no folder can be named after, before a sink fails on them.
fn check_names(values: &[(String, Option<String>)]) -> Result<(), FormatError> {
    let mut path = 0;
    for (at, (column, value)) in values.iter().enumerate() {
        let bytes = partition_path(&values[at..=at]).len();
        path += bytes + 1;
        let (bytes, limit) = match bytes > LONGEST_FOLDER {
            true => (bytes, LONGEST_FOLDER),
            false => (path, LONGEST_PATH),
        };
        if bytes > limit {
            let value = value.as_deref().unwrap_or_default().chars().take(40).collect();
            return Err(FormatError::PartitionName { column: column.clone(), value, bytes, limit });
        }
    }
    Ok(())
}

/// Appends a value so that no two lists of values give the same key.
fn append_key(key: &mut Vec<u8>, text: &StringArray, row: usize) {
    if text.is_null(row) {
        return key.push(0);
    }
    let value = text.value(row).as_bytes();
    key.push(1);
    key.extend_from_slice(&(value.len() as u64).to_le_bytes());
    key.extend_from_slice(value);
}

fn defect(error: ArrowError) -> FormatError {
    FormatError::Encode(error.to_string())
}
