//! How rows lie in the files, as the dataset asks for it: sorted within row
//! groups, with bloom filters, with dictionaries or without.
//!
//! Options name columns; here they are the columns of the files, or an error
//! that says which are not.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{
    SortColumn, SortOptions, concat, interleave_record_batch, lexsort_to_indices, take_record_batch,
};
use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use arrow::error::ArrowError;
use millrace_contract::{Dictionary, ParquetOptions};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::WriterPropertiesBuilder;
use parquet::schema::types::ColumnPath;

use crate::FormatError;
use crate::bind::folded;

/// Rows that are handed on at a time once they are sorted.
const SORTED_BATCH: usize = 8192;

/// Share of absent values that a bloom filter takes for present ones.
const FALSE_POSITIVES: f64 = 0.01;

/// Most different values in a row group that a bloom filter is made for; with
/// more of them it answers "perhaps" more often.
const MOST_DISTINCT: u32 = 1 << 20;

/// The options of a dataset, resolved against the columns of its files.
pub(super) struct Layout {
    sort: Vec<SortBy>,
    /// Names of the columns with bloom filters.
    bloom: Vec<String>,
    /// Values that a bloom filter has to expect.
    distinct: u64,
    /// Whether a column may have a dictionary, by name, where that is said.
    dictionary: Vec<(String, bool)>,
}

struct SortBy {
    column: usize,
    /// The column's first leaf, by which Parquet names it.
    leaf: usize,
    options: SortOptions,
}

impl Layout {
    /// Resolves the options.
    pub(super) fn new(options: &ParquetOptions, schema: &SchemaRef) -> Result<Self, FormatError> {
        let columns = Columns(schema);
        let mut sort: Vec<SortBy> = Vec::new();
        for key in &options.sort_by {
            let column = columns.flat("sort_by", &key.column)?;
            if sort.iter().any(|earlier| earlier.column == column) {
                let what = format!("`sort_by` names `{}` twice", key.column);
                return Err(FormatError::Plan { what });
            }
            let leaf = schema.fields()[..column].iter().map(leaves).sum();
            let options = SortOptions { descending: key.descending, nulls_first: false };
            sort.push(SortBy { column, leaf, options });
        }
        let bloom = options.bloom_filter.iter().map(|name| columns.filterable(name));
        Ok(Self {
            sort,
            bloom: bloom.collect::<Result<_, _>>()?,
            distinct: options.row_group_rows.clamp(1, MOST_DISTINCT).into(),
            dictionary: columns.dictionaries(&options.dictionary)?,
        })
    }

    /// Whether rows are sorted, and so held back until their row group is
    /// closed.
    pub(super) fn is_sorted(&self) -> bool {
        !self.sort.is_empty()
    }

    /// Adds the layout to the properties of a file.
    pub(super) fn apply(&self, mut properties: WriterPropertiesBuilder) -> WriterPropertiesBuilder {
        for (name, enabled) in &self.dictionary {
            properties = properties.set_column_dictionary_enabled(path(name), *enabled);
        }
        for name in &self.bloom {
            properties = properties
                .set_column_bloom_filter_enabled(path(name), true)
                .set_column_bloom_filter_fpp(path(name), FALSE_POSITIVES)
                .set_column_bloom_filter_max_ndv(path(name), self.distinct);
        }
        let sorting = |by: &SortBy| SortingColumn {
            // A file has far fewer columns than an i32 counts.
            column_idx: by.leaf as i32,
            descending: by.options.descending,
            nulls_first: by.options.nulls_first,
        };
        let sorted = self.is_sorted().then(|| self.sort.iter().map(sorting).collect());
        properties.set_sorting_columns(sorted)
    }

    /// The rows of a row group in their order, some at a time, so that no
    /// second copy of all of them is needed.
    pub(super) fn sorted<'r>(
        &self,
        rows: &'r [RecordBatch],
    ) -> Result<impl Iterator<Item = Result<RecordBatch, FormatError>> + use<'r>, FormatError> {
        let order = self.order(rows).map_err(defect)?;
        let places: Vec<(usize, usize)> = (0..)
            .zip(rows)
            .flat_map(|(batch, rows)| (0..rows.num_rows()).map(move |row| (batch, row)))
            .collect();
        let batches: Vec<&RecordBatch> = rows.iter().collect();
        let starts = (0..order.len()).step_by(SORTED_BATCH);
        Ok(starts.map(move |start| {
            let part = &order.values()[start..order.len().min(start + SORTED_BATCH)];
            let part: Vec<_> = part.iter().map(|&row| places[row as usize]).collect();
            interleave_record_batch(&batches, &part).map_err(defect)
        }))
    }

    fn order(&self, rows: &[RecordBatch]) -> Result<UInt32Array, ArrowError> {
        let key = |by: &SortBy| -> Result<SortColumn, ArrowError> {
            let parts: Vec<_> = rows.iter().map(|rows| rows.column(by.column).as_ref()).collect();
            Ok(SortColumn { values: concat(&parts)?, options: Some(by.options) })
        };
        let mut keys = self.sort.iter().map(key).collect::<Result<Vec<_>, _>>()?;
        // Equal rows stay in the order of the file.
        let count = rows.iter().map(RecordBatch::num_rows).sum::<usize>() as u32;
        let places: ArrayRef = Arc::new(UInt32Array::from_iter_values(0..count));
        keys.push(SortColumn { values: places, options: None });
        lexsort_to_indices(&keys, None)
    }
}

/// Rows that hold no more memory than their own: a slice would hold the whole
/// batch it was cut from.
pub(super) fn owned(rows: &RecordBatch) -> Result<RecordBatch, FormatError> {
    let all = UInt32Array::from_iter_values(0..rows.num_rows() as u32);
    take_record_batch(rows, &all).map_err(defect)
}

/// The columns of the files.
struct Columns<'s>(&'s SchemaRef);

impl Columns<'_> {
    /// A column of single values that an option names.
    fn flat(&self, option: &str, name: &str) -> Result<usize, FormatError> {
        let fields = self.0.fields();
        let found = fields.iter().position(|field| folded(field.name()) == folded(name));
        let Some(index) = found else {
            let what = format!(
                "`{option}` names `{name}`, which is not a column of the files; partition \
                 columns are not in them"
            );
            return Err(FormatError::Plan { what });
        };
        if fields[index].data_type().is_nested() {
            let what = format!("`{option}` names `{name}`, which is a list or a struct");
            return Err(FormatError::Plan { what });
        }
        Ok(index)
    }

    fn filterable(&self, name: &str) -> Result<String, FormatError> {
        let field = self.0.field(self.flat("bloom_filter", name)?);
        if field.data_type() == &DataType::Boolean {
            let what = format!("`bloom_filter` names `{name}`, which has two values only");
            return Err(FormatError::Plan { what });
        }
        Ok(field.name().clone())
    }

    fn dictionaries(&self, said: &Dictionary) -> Result<Vec<(String, bool)>, FormatError> {
        let each = |enabled: &dyn Fn(usize) -> bool| {
            let named = |(index, field): (usize, &FieldRef)| (field.name().clone(), enabled(index));
            self.0.fields().iter().enumerate().map(named).collect()
        };
        match said {
            Dictionary::Repeating => Ok(Vec::new()),
            Dictionary::All => Ok(each(&|_| true)),
            Dictionary::None => Ok(each(&|_| false)),
            Dictionary::Columns(names) => {
                let named = names.iter().map(|name| self.flat("dictionary", name));
                let named = named.collect::<Result<Vec<_>, _>>()?;
                Ok(each(&|index| named.contains(&index)))
            }
        }
    }
}

/// How many leaves a column has in Parquet.
fn leaves(field: &FieldRef) -> usize {
    match field.data_type() {
        DataType::Struct(fields) => fields.iter().map(leaves).sum(),
        DataType::List(element) => leaves(element),
        // Of Arrow's nested types only these come from a contract.
        _ => 1,
    }
}

fn path(name: &str) -> ColumnPath {
    ColumnPath::new(vec![name.to_owned()])
}

fn defect(error: ArrowError) -> FormatError {
    FormatError::Encode(error.to_string())
}
