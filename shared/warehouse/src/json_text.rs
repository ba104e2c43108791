//! Lists and structs as JSON text: what a `jsonb` column, or a text, holds of
//! them.
//!
//! Integers and decimals keep all their digits; what JSON has no number for is
//! null; dates, times and bytes (as base64) are strings.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use millrace_contract::DataType as ColumnType;

/// The rows of a nested column as JSON; null stays null. Texts that `data_type`
/// says are JSON themselves are written as they are.
pub(crate) fn json_texts(
    array: &ArrayRef,
    data_type: Option<ColumnType>,
) -> Result<StringArray, ArrowError> {
    let mut texts = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        if array.is_null(row) {
            texts.push(None);
            continue;
        }
        let mut text = String::new();
        write(&mut text, array, data_type, row)?;
        texts.push(Some(text));
    }
    Ok(texts.into())
}

fn write(
    text: &mut String,
    array: &ArrayRef,
    data_type: Option<ColumnType>,
    row: usize,
) -> Result<(), ArrowError> {
    if array.is_null(row) {
        text.push_str("null");
        return Ok(());
    }
    match array.data_type() {
        DataType::List(_) => {
            let element = match data_type {
                Some(ColumnType::List(element)) => Some(*element),
                _ => None,
            };
            write_list(text, &array.as_list::<i32>().value(row), element)?;
        }
        DataType::Struct(fields) => {
            text.push('{');
            for (index, (field, column)) in
                fields.iter().zip(array.as_struct().columns()).enumerate()
            {
                text.push_str(if index > 0 { "," } else { "" });
                text.push_str(&quoted(field.name()));
                text.push(':');
                write(text, column, member(data_type, index), row)?;
            }
            text.push('}');
        }
        DataType::Float32 => write_float(text, array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => write_float(text, array.as_primitive::<Float64Type>().value(row)),
        DataType::Binary => {
            text.push_str(&quoted(&STANDARD.encode(array.as_binary::<i32>().value(row))));
        }
        DataType::Utf8 if data_type == Some(ColumnType::Json) => {
            text.push_str(array.as_string::<i32>().value(row));
        }
        DataType::Boolean => text.push_str(&array_value_to_string(array, row)?),
        number if number.is_integer() || matches!(number, DataType::Decimal128(..)) => {
            text.push_str(&array_value_to_string(array, row)?);
        }
        _ => text.push_str(&quoted(&array_value_to_string(array, row)?)),
    }
    Ok(())
}

/// The type of a struct's member.
fn member(data_type: Option<ColumnType>, index: usize) -> Option<ColumnType> {
    match data_type {
        Some(ColumnType::Struct(fields)) => fields.get(index).map(|field| field.data_type),
        _ => None,
    }
}

fn write_list(
    text: &mut String,
    elements: &ArrayRef,
    element: Option<ColumnType>,
) -> Result<(), ArrowError> {
    text.push('[');
    for row in 0..elements.len() {
        text.push_str(if row > 0 { "," } else { "" });
        write(text, elements, element, row)?;
    }
    text.push(']');
    Ok(())
}

/// The shortest digits that read back as the same float.
fn write_float<F: Into<f64> + std::fmt::Display + Copy>(text: &mut String, value: F) {
    match value.into().is_finite() {
        true => text.push_str(&value.to_string()),
        false => text.push_str("null"),
    }
}

fn quoted(text: &str) -> String {
    // A string always serialises.
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Decimal128Array, Int64Array, ListArray, StructArray};
    use arrow::datatypes::{Field, Fields, Int64Type};

    use super::*;

    #[test]
    fn json_within_is_written_as_it_is() {
        let doc: ArrayRef = Arc::new(StringArray::from(vec![Some(r#"{"x":[1]}"#), None]));
        let fields: Fields = vec![Field::new("doc", DataType::Utf8, true)].into();
        let rows: ArrayRef = Arc::new(StructArray::new(fields, vec![doc], None));
        let data_type = "struct<doc: json>".parse().expect("a type");
        let texts = json_texts(&rows, Some(data_type)).expect("JSON");
        assert_eq!(texts.value(0), r#"{"doc":{"x":[1]}}"#);
        assert_eq!(texts.value(1), r#"{"doc":null}"#);
    }

    #[test]
    fn nested_values_are_json_with_all_their_digits() {
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![Some(9_007_199_254_740_993), None]));
        let prices = Decimal128Array::from(vec![1250, -5]).with_precision_and_scale(12, 2);
        let prices: ArrayRef = Arc::new(prices.expect("a decimal"));
        let tags =
            ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None]), None]);
        let tags: ArrayRef = Arc::new(tags);
        let fields: Fields = [("id", &ids), ("say \"x\"", &prices), ("tags", &tags)]
            .iter()
            .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
            .collect();
        let rows: ArrayRef = Arc::new(StructArray::new(fields, vec![ids, prices, tags], None));
        let texts = json_texts(&rows, None).expect("JSON");
        assert_eq!(texts.value(0), r#"{"id":9007199254740993,"say \"x\"":12.50,"tags":[1,null]}"#);
        assert_eq!(texts.value(1), r#"{"id":null,"say \"x\"":-0.05,"tags":null}"#);
    }
}
