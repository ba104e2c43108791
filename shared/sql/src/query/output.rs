//! The columns a query gives, as the contract's types: what the Parquet files and
//! the table have.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType as ArrowType, Field, FieldRef, Schema, SchemaRef, TimeUnit as ArrowUnit,
};
use arrow::error::ArrowError;
use millrace_contract::{ColumnDef, DataType, StructField, TimeUnit};

use super::fault::SqlFault;
use super::names::Names;
use crate::refuse::shown_type;

/// Key under which a field carries a type that Arrow has no word for. DataFusion
/// hands it on with the column as it is, and drops it with what is made of it.
const KIND: &str = "ARROW:extension:name";

/// Types that are texts to Arrow.
const KINDS: [(DataType, &str); 2] =
    [(DataType::Json, "millrace.json"), (DataType::Uuid, "millrace.uuid")];

/// Columns of a contract as fields that say their types in full.
pub fn table_schema(columns: &[ColumnDef]) -> SchemaRef {
    let field = |column: &ColumnDef| {
        let kind = KINDS.iter().find(|(data_type, _)| *data_type == column.data_type);
        let metadata = kind.map(|(_, kind)| (KIND.to_owned(), (*kind).to_owned()));
        let data_type = millrace_format::arrow_type(column.data_type);
        Field::new(&column.name, data_type, !column.required)
            .with_metadata(HashMap::from_iter(metadata))
    };
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

/// The same columns under the names that are shown.
pub(crate) fn shown(schema: &Schema, names: &mut Names) -> SchemaRef {
    let fields = schema.fields().iter();
    let fields = fields.map(|field| field.as_ref().clone().with_name(names.show(field.name())));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The same columns under the names they have.
pub(crate) fn real(schema: &Schema, names: &Names) -> SchemaRef {
    let fields = schema.fields().iter();
    let fields = fields.map(|field| field.as_ref().clone().with_name(names.real(field.name())));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The columns that come out of a query, each with a name of its own.
pub(crate) fn columns(
    schema: &Schema,
    names: &Names,
    aliases: &HashSet<String>,
    texts: &[String],
) -> Result<Vec<ColumnDef>, SqlFault> {
    let mut seen = HashSet::new();
    let column = |(index, field): (usize, &Arc<Field>)| {
        let shown = field.name();
        if !(names.has(shown) || aliases.contains(&shown.to_lowercase())) {
            let text = texts.get(index).cloned().unwrap_or_else(|| plain(shown));
            return Err(SqlFault::Unnamed { position: index + 1, text });
        }
        let name = names.real(shown);
        if !seen.insert(name.to_lowercase()) {
            return Err(SqlFault::Duplicate(name));
        }
        let data_type = contract_type(field).map_err(|instead| SqlFault::Type {
            kind: shown_type(field.data_type()),
            instead: instead.replace("{}", &name),
            column: name.clone(),
        })?;
        Ok(ColumnDef { required: !field.is_nullable(), ..ColumnDef::new(name, data_type) })
    };
    schema.fields().iter().enumerate().map(column).collect()
}

/// An expression as DataFusion names it, without the table in front of columns.
fn plain(text: &str) -> String {
    text.replace("input.", "")
}

/// A field's type by the name it has in the pipeline file, or else Arrow's.
pub fn type_name(field: &Field) -> String {
    contract_type(field)
        .map_or_else(|_| shown_type(field.data_type()), |data_type| data_type.to_string())
}

/// The contract's type for a field, or what to write instead, `{}` standing for
/// the column.
fn contract_type(field: &Field) -> Result<DataType, String> {
    let kind = field.metadata().get(KIND);
    let found = KINDS.iter().find(|(_, name)| kind.is_some_and(|kind| kind == name));
    match (of_arrow(field.data_type()), found) {
        (Ok(DataType::String), Some((data_type, _))) => Ok(*data_type),
        (outcome, _) => outcome,
    }
}

fn of_arrow(data_type: &ArrowType) -> Result<DataType, String> {
    Ok(match data_type {
        ArrowType::Boolean => DataType::Bool,
        ArrowType::Int8 => DataType::Int8,
        ArrowType::Int16 => DataType::Int16,
        ArrowType::Int32 => DataType::Int32,
        ArrowType::Int64 => DataType::Int64,
        ArrowType::UInt8 => DataType::UInt8,
        ArrowType::UInt16 => DataType::UInt16,
        ArrowType::UInt32 => DataType::UInt32,
        ArrowType::UInt64 => DataType::UInt64,
        ArrowType::Float16 | ArrowType::Float32 => DataType::Float32,
        ArrowType::Float64 => DataType::Float64,
        ArrowType::Decimal32(precision, scale)
        | ArrowType::Decimal64(precision, scale)
        | ArrowType::Decimal128(precision, scale)
        | ArrowType::Decimal256(precision, scale) => decimal(*precision, *scale)?,
        ArrowType::Date32 => DataType::Date,
        ArrowType::Date64 => return Err("cast({} as date)".to_owned()),
        ArrowType::Time32(_) | ArrowType::Time64(_) => DataType::Time,
        ArrowType::Timestamp(unit, zone) => {
            let unit = match unit {
                ArrowUnit::Millisecond => TimeUnit::Milli,
                ArrowUnit::Second | ArrowUnit::Microsecond | ArrowUnit::Nanosecond => {
                    TimeUnit::Micro
                }
            };
            DataType::Timestamp { unit, utc: zone.is_some() }
        }
        ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => DataType::String,
        ArrowType::Dictionary(_, values) => of_arrow(values)?,
        ArrowType::RunEndEncoded(_, values) => of_arrow(values.data_type())?,
        ArrowType::Null => return Err("cast(null as string) as {}".to_owned()),
        ArrowType::Duration(_) | ArrowType::Interval(_) => {
            return Err("date_part('epoch', …) as {}".to_owned());
        }
        ArrowType::Binary
        | ArrowType::LargeBinary
        | ArrowType::BinaryView
        | ArrowType::FixedSizeBinary(_) => DataType::Binary,
        ArrowType::List(element)
        | ArrowType::LargeList(element)
        | ArrowType::FixedSizeList(element, _) => DataType::list(of_arrow(element.data_type())?),
        ArrowType::Struct(fields) => {
            let field = |field: &FieldRef| {
                let data_type = of_arrow(field.data_type())?;
                Ok(StructField { name: field.name().clone(), data_type })
            };
            DataType::structure(fields.iter().map(field).collect::<Result<_, String>>()?)
        }
        ArrowType::ListView(_)
        | ArrowType::LargeListView(_)
        | ArrowType::Map(..)
        | ArrowType::Union(..) => return Err("cast({} as string)".to_owned()),
    })
}

fn decimal(precision: u8, scale: i8) -> Result<DataType, String> {
    match u8::try_from(scale) {
        Ok(scale) if precision <= 38 && scale <= precision => {
            Ok(DataType::Decimal { precision, scale })
        }
        Ok(scale) => Err(format!("cast({{}} as decimal(38,{}))", scale.min(38))),
        Err(_) => Err("cast({} as decimal(38,0))".to_owned()),
    }
}

/// Gives rows the names and types they are written by. A value that does not fit
/// is an error, never a null.
pub(crate) fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| {
        if column.data_type() == field.data_type() {
            return Ok(Arc::clone(column));
        }
        cast_with_options(column, field.data_type(), &options)
    });
    let columns = columns.collect::<Result<Vec<ArrayRef>, _>>()?;
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows)
}
