//! Column types as Athena's DDL has them ("Data types in Amazon Athena", Amazon
//! Athena User Guide).

use millrace_contract::DataType;

/// Reads the rows of the objects.
pub const SERDE: &str = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe";

/// Reads lists of objects.
pub const INPUT_FORMAT: &str = "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat";

/// Would write text; nobody does.
pub const OUTPUT_FORMAT: &str = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat";

/// The type that a column of the lake's Parquet is read as.
///
/// Unsigned numbers take the next wider signed type, as Athena has none; of `uint64`
/// what exceeds nine quintillion reads as a negative number. A time of day, which
/// Athena has no column type for, is the number of its microseconds.
pub fn hive_type(data_type: DataType) -> String {
    let plain = match data_type {
        DataType::Bool => "boolean",
        DataType::Int8 => "tinyint",
        DataType::Int16 | DataType::UInt8 => "smallint",
        DataType::Int32 | DataType::UInt16 => "int",
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 | DataType::Time => "bigint",
        DataType::Float32 => "float",
        DataType::Float64 => "double",
        DataType::Date => "date",
        DataType::Timestamp { .. } => "timestamp",
        DataType::String | DataType::Json | DataType::Uuid => "string",
        DataType::Binary => "binary",
        DataType::Decimal { precision, scale } => return format!("decimal({precision},{scale})"),
        DataType::List(item) => return format!("array<{}>", hive_type(*item)),
        DataType::Struct(fields) => {
            let field = |field: &millrace_contract::StructField| {
                format!("{}:{}", field.name, hive_type(field.data_type))
            };
            let fields: Vec<String> = fields.iter().map(field).collect();
            return format!("struct<{}>", fields.join(","));
        }
    };
    plain.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_one_of_athenas() {
        for (ours, expected) in [
            ("bool", "boolean"),
            ("uint8", "smallint"),
            ("int32", "int"),
            ("uint32", "bigint"),
            ("decimal(12,2)", "decimal(12,2)"),
            ("timestamptz_ms", "timestamp"),
            ("json", "string"),
            ("list<int64>", "array<bigint>"),
            ("struct<id: int64, tags: list<string>>", "struct<id:bigint,tags:array<string>>"),
        ] {
            let data_type: DataType = ours.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(hive_type(data_type), expected);
        }
    }
}
