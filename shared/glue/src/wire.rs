//! Between tables as we know them and as Glue's API has them.

use std::collections::BTreeMap;

use aws_sdk_glue::error::BuildError;
use aws_sdk_glue::types::{
    Column, Partition, PartitionInput, SerDeInfo, StorageDescriptor, Table, TableInput,
};
use millrace_catalog::{ColumnSpec, INPUT_FORMAT, OUTPUT_FORMAT, PartitionSpec, SERDE, TableSpec};

/// A table to be made or changed.
pub(crate) fn table_input(spec: &TableSpec) -> Result<TableInput, BuildError> {
    let keys = spec.partition_keys.iter().map(column).collect::<Result<_, _>>()?;
    TableInput::builder()
        .name(&spec.name)
        .set_description(spec.description.clone())
        .table_type("EXTERNAL_TABLE")
        .storage_descriptor(descriptor(&spec.columns, &spec.location)?)
        .set_partition_keys(Some(keys))
        .set_parameters(Some(spec.parameters.clone().into_iter().collect()))
        .build()
}

/// A partition to be made or changed, with the columns of its table.
pub(crate) fn partition_input(
    table: &TableSpec,
    partition: &PartitionSpec,
) -> Result<PartitionInput, BuildError> {
    let descriptor = descriptor(&table.columns, &partition.location)?;
    let input = PartitionInput::builder().set_values(Some(partition.values.clone()));
    Ok(input.storage_descriptor(descriptor).build())
}

/// Rows of Parquet, by way of lists of objects.
fn descriptor(columns: &[ColumnSpec], location: &str) -> Result<StorageDescriptor, BuildError> {
    let serde = SerDeInfo::builder().serialization_library(SERDE);
    let serde = serde.parameters("serialization.format", "1").build();
    Ok(StorageDescriptor::builder()
        .set_columns(Some(columns.iter().map(column).collect::<Result<_, _>>()?))
        .location(location)
        .input_format(INPUT_FORMAT)
        .output_format(OUTPUT_FORMAT)
        .serde_info(serde)
        .build())
}

fn column(spec: &ColumnSpec) -> Result<Column, BuildError> {
    let column = Column::builder().name(&spec.name).r#type(&spec.hive_type);
    column.set_comment(spec.comment.clone()).build()
}

/// A table as it was found.
pub(crate) fn table_spec(found: &Table) -> TableSpec {
    let descriptor = found.storage_descriptor();
    let parameters = found.parameters().into_iter().flatten();
    TableSpec {
        name: found.name().to_owned(),
        description: said(found.description()),
        location: descriptor.and_then(StorageDescriptor::location).unwrap_or_default().to_owned(),
        columns: columns(descriptor.map(StorageDescriptor::columns).unwrap_or_default()),
        partition_keys: columns(found.partition_keys()),
        parameters: parameters
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<BTreeMap<_, _>>(),
    }
}

/// A partition as it was found.
pub(crate) fn partition_spec(found: &Partition) -> PartitionSpec {
    let descriptor = found.storage_descriptor();
    let columns = columns(descriptor.map(StorageDescriptor::columns).unwrap_or_default());
    PartitionSpec {
        values: found.values().to_vec(),
        location: descriptor.and_then(StorageDescriptor::location).unwrap_or_default().to_owned(),
        columns: ColumnSpec::digest_of(&columns),
    }
}

fn columns(found: &[Column]) -> Vec<ColumnSpec> {
    let column = |column: &Column| ColumnSpec {
        name: column.name().to_owned(),
        hive_type: column.r#type().unwrap_or_default().to_owned(),
        comment: said(column.comment()),
    };
    found.iter().map(column).collect()
}

fn said(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}
