//! The rows of a chart: a few at most, in memory, out of Arrow batches.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float32Array, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, NaiveDateTime, NaiveTime};

use crate::cell::{Cell, moment};

/// Rows with named columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
    most: usize,
    is_cut: bool,
}

impl Rows {
    /// No rows yet, of at most so many.
    pub fn new(schema: &Schema, most: usize) -> Self {
        let columns = schema.fields().iter().map(|field| field.name().clone()).collect();
        Self { columns, rows: Vec::new(), most, is_cut: false }
    }

    /// Rows as they are.
    pub fn of(columns: &[&str], rows: Vec<Vec<Cell>>) -> Self {
        let columns = columns.iter().map(|&name| name.to_owned()).collect();
        let most = rows.len();
        Self { columns, rows, most, is_cut: false }
    }

    /// Adds rows; false once no more are wanted, since there are too many.
    ///
    /// # Errors
    /// A column of a type that can't be shown.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<bool, ArrowError> {
        let room = self.most - self.rows.len();
        self.is_cut |= batch.num_rows() > room;
        let batch = batch.slice(0, batch.num_rows().min(room));
        let schema = batch.schema();
        let columns: Vec<Vec<Cell>> = schema
            .fields()
            .iter()
            .zip(batch.columns())
            .map(|(field, array)| cells(field, array))
            .collect::<Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            self.rows.push(columns.iter().map(|column| column[row].clone()).collect());
        }
        Ok(!self.is_cut)
    }

    /// Names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether there were more than were wanted.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    pub(crate) fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        let exact = self.columns.iter().position(|column| column == name);
        exact.or_else(|| self.columns.iter().position(|column| column.eq_ignore_ascii_case(name)))
    }

    pub(crate) fn column(&self, index: usize) -> impl Iterator<Item = &Cell> {
        self.rows.iter().map(move |row| &row[index])
    }

    /// Whether all values of a column that has some are numbers.
    pub(crate) fn is_numeric(&self, index: usize) -> bool {
        let mut known = self.column(index).filter(|cell| !matches!(cell, Cell::Null)).peekable();
        known.peek().is_some() && known.all(|cell| matches!(cell, Cell::Number(_)))
    }

    /// A column as moments, if all its values that are there are such.
    pub(crate) fn moments(&self, index: usize) -> Option<Vec<Option<NaiveDateTime>>> {
        let of = |cell: &Cell| match cell {
            Cell::Null => Some(None),
            Cell::Moment(at) => Some(Some(*at)),
            Cell::Text(text) => moment(text).map(Some),
            Cell::Number(_) => None,
        };
        let moments: Vec<_> = self.column(index).map(of).collect::<Option<_>>()?;
        moments.iter().any(Option::is_some).then_some(moments)
    }
}

fn cells(field: &Field, array: &ArrayRef) -> Result<Vec<Cell>, ArrowError> {
    match field.data_type() {
        DataType::Float64 => Ok(floats(array.as_any().downcast_ref::<Float64Array>())),
        DataType::Float32 => Ok(shorter(array.as_any().downcast_ref::<Float32Array>())),
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => moments(array),
        data_type => {
            let texts = texts(array)?;
            let is_number = data_type.is_integer() || data_type.is_decimal();
            let cell = |text: Option<String>| match text {
                None => Cell::Null,
                Some(digits) if is_number => Cell::of_digits(&digits),
                Some(text) => Cell::Text(text),
            };
            Ok(texts.into_iter().map(cell).collect())
        }
    }
}

fn floats(array: Option<&Float64Array>) -> Vec<Cell> {
    let all = array.into_iter().flat_map(|array| array.iter());
    all.map(|value| value.map_or(Cell::Null, Cell::of_float)).collect()
}

/// By their own digits: 0.1 is not to become 0.10000000149011612.
fn shorter(array: Option<&Float32Array>) -> Vec<Cell> {
    let all = array.into_iter().flat_map(|array| array.iter());
    let of = |value: f32| value.to_string().parse().map_or(Cell::Null, Cell::of_float);
    all.map(|value| value.map_or(Cell::Null, of)).collect()
}

/// Instants are shown in UTC.
fn moments(array: &ArrayRef) -> Result<Vec<Cell>, ArrowError> {
    let instants = arrow::compute::cast(array, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
    let micros = arrow::compute::cast(&instants, &DataType::Int64)?;
    let micros = micros.as_any().downcast_ref::<arrow::array::Int64Array>();
    let of = |micros: i64| {
        DateTime::from_timestamp_micros(micros)
            .map_or(Cell::Null, |at| Cell::Moment(at.naive_utc()))
    };
    let all = micros.into_iter().flat_map(|array| array.iter());
    Ok(all.map(|micros| micros.map_or(Cell::Null, of)).collect())
}

fn texts(array: &ArrayRef) -> Result<Vec<Option<String>>, ArrowError> {
    if let Some(texts) = array.as_any().downcast_ref::<StringArray>() {
        return Ok(texts.iter().map(|text| text.map(str::to_owned)).collect());
    }
    let options = FormatOptions::new();
    let formatter = ArrayFormatter::try_new(array.as_ref(), &options)?;
    let text = |row: usize| (!array.is_null(row)).then(|| formatter.value(row).to_string());
    Ok((0..array.len()).map(text).collect())
}

/// Whether a moment is a day.
pub(crate) fn is_day(at: NaiveDateTime) -> bool {
    at.time() == NaiveTime::MIN
}

/// A schema of these columns, for rows that come from nowhere.
pub fn schema(columns: &[(&str, DataType)]) -> Arc<Schema> {
    let field = |(name, data_type): &(&str, DataType)| Field::new(*name, data_type.clone(), true);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Date32Array, Decimal128Array, Int64Array};

    use super::*;

    #[test]
    fn decimals_keep_every_digit_and_nulls_stay() {
        let columns = schema(&[
            ("d", DataType::Date32),
            ("a", DataType::Decimal128(38, 2)),
            ("n", DataType::Int64),
            ("f", DataType::Float32),
        ]);
        let amounts = Decimal128Array::from(vec![Some(123_456_789_012_345_678_901), None]);
        let batch = RecordBatch::try_new(
            Arc::clone(&columns),
            vec![
                Arc::new(Date32Array::from(vec![19_723, 19_724])),
                Arc::new(amounts.with_precision_and_scale(38, 2).expect("fits")),
                Arc::new(Int64Array::from(vec![Some(-5), None])),
                Arc::new(Float32Array::from(vec![0.1, f32::NAN])),
            ],
        );
        let mut rows = Rows::new(&columns, 10);
        assert!(rows.push(&batch.expect("a batch")).expect("pushed"));
        let Cell::Number(amount) = &rows.rows()[0][1] else { panic!("a number") };
        assert_eq!(amount.digits, "1234567890123456789.01");
        assert_eq!(rows.rows()[0][3], Cell::of_float(0.1));
        assert_eq!(rows.rows()[1][1..], [Cell::Null, Cell::Null, Cell::Null]);
        assert!(rows.is_numeric(2) && !rows.is_numeric(0));
        assert!(rows.moments(0).is_some());
    }

    #[test]
    fn more_rows_than_are_wanted_are_cut_and_it_is_known() {
        let columns = schema(&[("n", DataType::Int64)]);
        let batch = |numbers: Vec<i64>| {
            let array: ArrayRef = Arc::new(Int64Array::from(numbers));
            RecordBatch::try_new(Arc::clone(&columns), vec![array]).expect("a batch")
        };
        let mut rows = Rows::new(&columns, 2);
        assert!(rows.push(&batch(vec![1, 2])).expect("pushed"));
        assert!(!rows.is_cut());
        assert!(!rows.push(&batch(vec![3])).expect("pushed"));
        assert_eq!((rows.len(), rows.is_cut()), (2, true));
    }
}
