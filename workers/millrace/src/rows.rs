//! Rows as they are printed: a table for people, JSON and CSV for programs. The
//! last two are written as the rows come.

use std::collections::HashSet;
use std::io::{self, BufWriter, ErrorKind, Stdout, Write};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value;

use crate::args::RowFormat;
use crate::show;

/// Longest text of a cell of a table for people.
const CELL: usize = 60;

/// Prints rows.
pub(crate) struct RowPrinter {
    format: RowFormat,
    columns: Vec<Column>,
    output: BufWriter<Stdout>,
    /// Rows of a table, whose widths are known at the end.
    table: Vec<Vec<String>>,
    started: bool,
    /// Nobody reads any more.
    closed: bool,
}

/// A column and how its values are shown.
struct Column {
    name: String,
    /// On the right of a table, and bare in JSON.
    number: bool,
}

impl RowPrinter {
    /// A printer of texts; `numbers` are the positions of columns with numbers.
    pub(crate) fn new(format: RowFormat, names: &[&str], numbers: &[usize]) -> Self {
        let column = |(index, name): (usize, &&str)| Column {
            name: (*name).to_owned(),
            number: numbers.contains(&index),
        };
        Self::of_columns(format, names.iter().enumerate().map(column).collect())
    }

    /// A printer of batches.
    pub(crate) fn of_schema(format: RowFormat, schema: &Schema) -> Self {
        let columns = schema.fields().iter().map(|field| Column {
            name: field.name().clone(),
            number: field.data_type().is_numeric(),
        });
        Self::of_columns(format, columns.collect())
    }

    fn of_columns(format: RowFormat, columns: Vec<Column>) -> Self {
        let output = BufWriter::new(io::stdout());
        Self { format, columns, output, table: Vec::new(), started: false, closed: false }
    }

    /// Whether there is no use in going on, as in `millrace query … | head`.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Prints rows.
    pub(crate) fn batch(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        let options = FormatOptions::default();
        let formatters = batch.columns().iter();
        let formatters = formatters.map(|column| ArrayFormatter::try_new(column, &options));
        let formatters = formatters.collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let text = |column: usize| {
                let is_null = batch.column(column).is_null(row);
                (!is_null).then(|| formatters[column].value(row).to_string())
            };
            match self.format {
                RowFormat::Json => {
                    let values = (0..batch.num_columns())
                        .map(|column| json_value(batch.column(column), row, text(column)));
                    let values = values.collect();
                    self.json(values)?;
                }
                RowFormat::Table | RowFormat::Csv => {
                    self.texts((0..batch.num_columns()).map(text).collect())?;
                }
            }
        }
        Ok(())
    }

    /// Prints a row of texts; `None` is null.
    pub(crate) fn texts(&mut self, row: Vec<Option<String>>) -> anyhow::Result<()> {
        match self.format {
            RowFormat::Table => {
                let cell = |text: Option<String>| show::brief(&text.unwrap_or_default(), CELL);
                self.table.push(row.into_iter().map(cell).collect());
                Ok(())
            }
            RowFormat::Csv => {
                self.start()?;
                let fields: Vec<String> =
                    row.iter().map(|text| csv_field(text.as_deref())).collect();
                self.write(&format!("{}\n", fields.join(",")))
            }
            RowFormat::Json => {
                let value = |(text, column): (Option<String>, &Column)| match text {
                    None => Value::Null,
                    Some(text) if column.number => {
                        text.parse().map_or(Value::String(text), |number: u64| number.into())
                    }
                    Some(text) => Value::String(text),
                };
                let values = row.into_iter().zip(&self.columns).map(value).collect();
                self.json(values)
            }
        }
    }

    /// Prints a row as an object. A name that stands twice is told apart by its
    /// position.
    fn json(&mut self, values: Vec<Value>) -> anyhow::Result<()> {
        let mut text = String::from(if self.started { ",\n {" } else { "[{" });
        self.started = true;
        let mut seen = HashSet::new();
        for (index, (column, value)) in self.columns.iter().zip(values).enumerate() {
            let name = match seen.insert(&column.name) {
                true => column.name.clone(),
                false => format!("{}_{}", column.name, index + 1),
            };
            let comma = if index > 0 { ", " } else { "" };
            text.push_str(&format!("{comma}{}: {value}", Value::String(name)));
        }
        text.push('}');
        self.write(&text)
    }

    /// Prints what comes before the first row of CSV.
    fn start(&mut self) -> anyhow::Result<()> {
        if std::mem::replace(&mut self.started, true) {
            return Ok(());
        }
        let names = self.columns.iter().map(|column| csv_field(Some(&column.name)));
        let header = names.collect::<Vec<_>>().join(",");
        self.write(&format!("{header}\n"))
    }

    /// Prints what is left.
    pub(crate) fn finish(&mut self) -> anyhow::Result<()> {
        match self.format {
            RowFormat::Table => {
                let headers = self.columns.iter().map(|column| (&*column.name, column.number));
                let text =
                    show::grid(&headers.collect::<Vec<_>>(), std::mem::take(&mut self.table));
                self.write(&format!("{text}\n"))?;
            }
            RowFormat::Csv => self.start()?,
            RowFormat::Json if self.started => self.write("]\n")?,
            RowFormat::Json => self.write("[]\n")?,
        }
        let flushed = self.output.flush();
        self.keep(flushed)
    }

    fn write(&mut self, text: &str) -> anyhow::Result<()> {
        let written = self.output.write_all(text.as_bytes());
        self.keep(written)
    }

    fn keep(&mut self, outcome: io::Result<()>) -> anyhow::Result<()> {
        match outcome {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            outcome => Ok(outcome?),
        }
    }
}

/// A value in JSON: numbers bare, but decimals as texts, since most readers of
/// JSON make floats of them.
fn json_value(column: &dyn Array, row: usize, text: Option<String>) -> Value {
    let Some(text) = text else { return Value::Null };
    match column.data_type() {
        DataType::Boolean => Value::Bool(column.as_boolean().value(row)),
        DataType::Float32 => {
            float(f64::from(column.as_primitive::<Float32Type>().value(row)), text)
        }
        DataType::Float64 => float(column.as_primitive::<Float64Type>().value(row), text),
        kind if kind.is_integer() => match (text.parse::<i64>(), text.parse::<u64>()) {
            (Ok(number), _) => number.into(),
            (_, Ok(number)) => number.into(),
            _ => Value::String(text),
        },
        _ => Value::String(text),
    }
}

/// A float, or its name where JSON has no number for it.
fn float(value: f64, text: String) -> Value {
    serde_json::Number::from_f64(value).map_or(Value::String(text), Value::Number)
}

/// A field of CSV after RFC 4180; null is nothing, an empty text `""`.
fn csv_field(text: Option<&str>) -> String {
    match text {
        None => String::new(),
        Some(text) if text.is_empty() || text.contains(['"', ',', '\n', '\r']) => {
            format!("\"{}\"", text.replace('"', "\"\""))
        }
        Some(text) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_tells_null_from_an_empty_text() {
        let fields = [None, Some(""), Some("a"), Some("a,\"b\"")].map(csv_field);
        assert_eq!(fields, ["", "\"\"", "a", "\"a,\"\"b\"\"\""]);
    }
}
