//! Where a dataset's rows are loaded, and how they meet what is there: the part
//! of a definition that the warehouse carries out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dataset::is_default;

/// Where a dataset's rows are loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadTarget {
    /// Table name as the database shall have it; quoted wherever it is used.
    pub table: String,
    /// How rows meet what is there already.
    pub mode: LoadMode,
    /// Key columns of [`LoadMode::Upsert`]; empty otherwise.
    #[serde(default)]
    pub key: Vec<String>,
    /// The database's schema that the table is in; where new tables go by
    /// themselves unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Whether the schema is created where it is missing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub create_schema: bool,
    /// Column by which [`LoadMode::Upsert`] tells which row of a key is the
    /// newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_by: Option<String>,
    /// Statements of [`LoadMode::Merge`], in their order. `{input}` stands for
    /// the rows of the file, `{table}` for the table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sql: Vec<String>,
    /// Columns of the primary key; none unless given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub primary_key: Vec<String>,
    /// Columns of each further index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Vec<String>>,
}

impl LoadTarget {
    /// The table as messages and the commit record name it: with its schema,
    /// where it has one.
    pub fn full_name(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{schema}.{}", self.table),
            None => self.table.clone(),
        }
    }
}

/// How a file's rows meet what the table holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoadMode {
    /// Every new object version adds its rows.
    #[default]
    Append,
    /// A new version of an object replaces the rows of the older one.
    ReplaceFile,
    /// The table holds the rows of one file: the one that was published last.
    ReplaceTable,
    /// Rows replace those with the same key: the one with the greatest value of
    /// the column `order_by` wins, of equals and without that column the last.
    Upsert,
    /// The pipeline file's own SQL puts the rows in.
    Merge,
}

impl LoadMode {
    /// The name in the pipeline file and in the commit record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::ReplaceFile => "replace_file",
            Self::ReplaceTable => "replace_table",
            Self::Upsert => "upsert",
            Self::Merge => "merge",
        }
    }
}

/// A view of the warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Name as the database shall have it; quoted wherever it is used.
    pub name: String,
    /// The database's schema that it is in, where it is not the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The query, in the database's own SQL.
    pub sql: String,
    /// Views of the pipeline that have to be there first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
}

impl View {
    /// The view as messages and records name it: with its schema, where it has
    /// one.
    pub fn full_name(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{schema}.{}", self.name),
            None => self.name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_of_an_earlier_version_is_written_as_it_was() {
        let text = r#"{"table":"t","mode":"upsert","key":["id"]}"#;
        let target: LoadTarget = serde_json::from_str(text).expect("a target");
        assert_eq!(serde_json::to_string(&target).expect("JSON"), text);
        assert_eq!(target.full_name(), "t");
    }
}
