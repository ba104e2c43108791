//! Where each column takes its values from: a file's header held against the
//! plan.

use std::collections::{HashMap, HashSet};

use millrace_contract::{
    ColumnDef, DataType, ExtraColumns, FileFormat, MissingColumns, SchemaMode,
};

use crate::csv::is_delimited;
use crate::types::appended_captures;
use crate::{FormatError, Plan, SchemaDifference};

/// A file's columns, bound to the plan's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Binding {
    /// Columns of the batches: the declared ones, then captures.
    pub(crate) columns: Vec<ColumnDef>,
    /// Where each of them takes its values from.
    pub(crate) origins: Vec<Origin>,
    /// Fields per row of the file.
    pub(crate) fields: usize,
    /// Fields that no column takes and that are kept: positions in the row, and
    /// names.
    pub(crate) rescued: Vec<(usize, String)>,
}

/// Where a column takes its values from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The field at this position; in JSON, the member with the column's name,
    /// or else the capture.
    File {
        /// Position in the row.
        position: usize,
        /// What stands for a member that is missing.
        otherwise: Option<String>,
    },
    /// A path part, or the default of a column that the file does not have: the
    /// same for every row.
    Capture(String),
    /// Nowhere: it is null.
    Absent,
    /// Whatever fits no other column.
    Rescued,
}

/// Binds a header by name. `None` binds by position, or by JSON key.
///
/// # Errors
/// [`FormatError::Schema`] with every difference at once.
pub(crate) fn bind(plan: &Plan, header: Option<&[String]>) -> Result<Binding, FormatError> {
    let mut columns = plan.columns.clone();
    let by_capture = |(name, _): (&String, &String)| ColumnDef::new(name, DataType::String);
    columns.extend(appended_captures(&plan.columns, &plan.captures).map(by_capture));
    refuse_duplicates(&columns)?;
    let mut rescued = Vec::new();
    let (origins, fields) = match header {
        Some(header) => (bind_header(plan, header, &columns, &mut rescued)?, header.len()),
        None if !is_delimited(plan.format) && plan.format != FileFormat::Xlsx => {
            bind_keys(plan, &columns)
        }
        None => bind_positions(plan, &columns),
    };
    spell_defaults(plan, &mut columns, &origins);
    Ok(Binding { columns, origins, fields, rescued })
}

/// Tables take no two columns whose names differ in letter case alone.
fn refuse_duplicates(columns: &[ColumnDef]) -> Result<(), FormatError> {
    let mut seen = HashMap::new();
    for column in columns {
        if let Some(other) = seen.insert(folded(&column.name), &column.name) {
            let what = format!("columns `{other}` and `{}` have the same name", column.name);
            return Err(FormatError::Plan { what });
        }
    }
    Ok(())
}

fn bind_positions(plan: &Plan, columns: &[ColumnDef]) -> (Vec<Origin>, usize) {
    let mut fields = 0;
    let origins = columns.iter().map(|column| match capture_of(plan, column) {
        _ if plan.rescues_in(column) => Origin::Rescued,
        Some(value) => Origin::Capture(value.clone()),
        None => {
            fields += 1;
            Origin::File { position: fields - 1, otherwise: None }
        }
    });
    (origins.collect(), fields)
}

fn bind_keys(plan: &Plan, columns: &[ColumnDef]) -> (Vec<Origin>, usize) {
    let declared = plan.columns.len();
    let origin = |(position, column): (usize, &ColumnDef)| match capture_of(plan, column) {
        _ if plan.rescues_in(column) => Origin::Rescued,
        Some(value) if position >= declared => Origin::Capture(value.clone()),
        otherwise => Origin::File { position, otherwise: otherwise.cloned() },
    };
    (columns.iter().enumerate().map(origin).collect(), 1)
}

fn bind_header(
    plan: &Plan,
    header: &[String],
    columns: &[ColumnDef],
    rescued: &mut Vec<(usize, String)>,
) -> Result<Vec<Origin>, FormatError> {
    if header.len() > plan.limits.columns {
        return Err(FormatError::Schema(vec![SchemaDifference::TooMany(plan.limits.columns)]));
    }
    let mut differences = Vec::new();
    let names = match plan.mode {
        SchemaMode::Strict if plan.rescues() => {
            differences.extend(ambiguities(header, |name| is_declared(plan, name)));
            stable_names(header)
        }
        SchemaMode::Strict => {
            differences.extend(ambiguities(header, |name| is_taken(plan, name)));
            header.iter().map(|name| name.trim().to_owned()).collect()
        }
        SchemaMode::Infer | SchemaMode::Evolve => stable_names(header),
    };
    let mut positions: HashMap<String, usize> = HashMap::new();
    for (position, name) in names.iter().enumerate() {
        positions.entry(folded(name)).or_insert(position);
    }
    let mut origins = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        if plan.rescues_in(column) {
            origins.push(Origin::Rescued);
            continue;
        }
        let is_declared = index < plan.columns.len();
        let name = is_declared.then(|| folded(column.source_name()));
        let position = name.and_then(|name| positions.remove(&name));
        origins.push(match (position, capture_of(plan, column)) {
            (Some(position), _) => Origin::File { position, otherwise: None },
            (None, Some(value)) => Origin::Capture(value.clone()),
            (None, None) => absent(plan, column, &mut differences),
        });
    }
    if plan.rescues() {
        rescued.extend(positions.into_values().map(|position| (position, names[position].clone())));
        rescued.sort_unstable();
    } else if plan.extra == ExtraColumns::Refuse {
        differences.extend(extras(positions, &names));
    }
    if differences.is_empty() { Ok(origins) } else { Err(FormatError::Schema(differences)) }
}

/// What a column has that the file does not have.
fn absent(plan: &Plan, column: &ColumnDef, differences: &mut Vec<SchemaDifference>) -> Origin {
    if let Some(default) = &column.default {
        return Origin::Capture(default.clone());
    }
    let is_tolerated = plan.mode.is_open() || plan.missing == MissingColumns::Null;
    if !is_tolerated || column.required {
        differences.push(SchemaDifference::Missing(column.source_name().to_owned()));
    }
    Origin::Absent
}

/// A default is written plainly, however the files write the column's values.
fn spell_defaults(plan: &Plan, columns: &mut [ColumnDef], origins: &[Origin]) {
    for (column, origin) in columns.iter_mut().zip(origins) {
        if matches!(origin, Origin::Capture(_)) && capture_of(plan, column).is_none() {
            *column = ColumnDef {
                from: column.from.take(),
                required: column.required,
                ..ColumnDef::new(&column.name, column.data_type)
            };
        }
    }
}

/// Columns of the file that nothing is bound to, in the order of the file.
fn extras(unbound: HashMap<String, usize>, names: &[String]) -> Vec<SchemaDifference> {
    let mut unbound: Vec<_> = unbound.into_values().collect();
    unbound.sort_unstable();
    unbound
        .into_iter()
        .filter(|&position| !names[position].is_empty())
        .map(|position| SchemaDifference::Extra {
            name: names[position].clone(),
            position: position + 1,
        })
        .collect()
}

/// Whether a column of the file is of any interest.
fn is_taken(plan: &Plan, name: &str) -> bool {
    plan.extra == ExtraColumns::Refuse || is_declared(plan, name)
}

fn is_declared(plan: &Plan, name: &str) -> bool {
    let name = folded(name);
    plan.columns.iter().any(|column| folded(column.source_name()) == name)
}

/// Names that stand more than once, and columns without a name, as far as they
/// are of interest.
fn ambiguities(header: &[String], is_taken: impl Fn(&str) -> bool) -> Vec<SchemaDifference> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for name in header {
        *counts.entry(folded(name)).or_default() += 1;
    }
    let mut found = Vec::new();
    for (position, name) in header.iter().enumerate().filter(|(_, name)| is_taken(name)) {
        if name.trim().is_empty() {
            found.push(SchemaDifference::Unnamed(position + 1));
        } else if let Some(count) = counts.remove(&folded(name)).filter(|&count| count > 1) {
            found.push(SchemaDifference::Duplicate { name: name.trim().to_owned(), count });
        }
    }
    found
}

/// A name for every column: trimmed, `column_3` for the third where it has none,
/// `name_2` for the second of a name.
pub(crate) fn stable_names(header: &[String]) -> Vec<String> {
    let mut taken: HashSet<String> = header.iter().map(|name| folded(name)).collect();
    let mut seen = HashSet::new();
    let mut names = Vec::with_capacity(header.len());
    for (position, name) in header.iter().enumerate() {
        let is_first = seen.insert(folded(name));
        names.push(match name.trim() {
            "" => free_name("column", position + 1, &mut taken),
            name if is_first => name.to_owned(),
            name => free_name(name, 2, &mut taken),
        });
    }
    names
}

/// A name with a number behind it that is not taken; then it is.
pub(crate) fn free_name(stem: &str, first: usize, taken: &mut HashSet<String>) -> String {
    let mut number = first;
    loop {
        let name = format!("{stem}_{number}");
        if taken.insert(folded(&name)) {
            return name;
        }
        number += 1;
    }
}

/// The form in which names are compared.
pub(crate) fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

fn capture_of<'a>(plan: &'a Plan, column: &ColumnDef) -> Option<&'a String> {
    let name = folded(&column.name);
    plan.captures.iter().find(|(capture, _)| folded(capture) == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use millrace_contract::{Captures, Dataset};

    use super::*;

    fn plan(mode: SchemaMode, columns: &[&str], captures: &[(&str, &str)]) -> Plan {
        let column = |text: &&str| {
            let (name, rest) = text.split_once(' ').expect("a name and a type");
            let (data_type, flag) = rest.split_once(' ').unwrap_or((rest, ""));
            ColumnDef {
                name: name.into(),
                from: flag.strip_prefix("from=").map(str::to_owned),
                data_type: data_type.parse().expect("a type"),
                required: flag == "required",
                ..ColumnDef::new("", DataType::String)
            }
        };
        let mut plan = Plan::of(&Dataset {
            name: "d".into(),
            pattern: "*".into(),
            description: None,
            format: FileFormat::Csv,
            csv: Default::default(),
            json: Default::default(),
            fixed: Default::default(),
            filter: None,
            shared: false,
            xlsx: Default::default(),
            schema: Default::default(),
            expect: Vec::new(),
            rejects: Default::default(),
            transform: None,
            parquet: Default::default(),
            limits: Default::default(),
            load: None,
        });
        plan.mode = mode;
        plan.columns = columns.iter().map(column).collect();
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        plan.captures = captures.iter().map(owned).collect::<Captures>();
        plan
    }

    fn header(plan: &Plan, names: &[&str]) -> Result<Binding, FormatError> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        bind(plan, Some(&names))
    }

    #[test]
    fn columns_are_bound_by_name_whatever_the_order_and_the_letter_case() {
        let plan = plan(SchemaMode::Strict, &["id int64", "total int64 from=Grand Total"], &[]);
        let binding = header(&plan, &[" GRAND TOTAL ", "Id"]).expect("binds");
        let file = |position| Origin::File { position, otherwise: None };
        assert_eq!(binding.origins, [file(1), file(0)]);
    }

    #[test]
    fn every_difference_is_listed_at_once() {
        let plan = plan(SchemaMode::Strict, &["id int64", "name string", "when date"], &[]);
        let error =
            header(&plan, &["ID", "when", "", "colour", "when", "size"]).expect_err("differs");
        insta::assert_snapshot!(error, @"the columns differ from the schema: column `when` stands 2 times in the header; the column at position 3 has no name; column `name` is missing; column `colour` (position 4) is not in the schema; column `size` (position 6) is not in the schema");
    }

    #[test]
    fn an_inferred_schema_takes_missing_columns_for_null_but_no_new_ones() {
        let plan = plan(
            SchemaMode::Infer,
            &["id int64 required", "name string", "name_2 string", "column_4 string"],
            &[],
        );
        let binding = header(&plan, &["id", "name", "Name", ""]).expect("binds");
        assert_eq!(binding.fields, 4);
        assert!(binding.origins.iter().all(|origin| matches!(origin, Origin::File { .. })));
        let binding = header(&plan, &["id"]).expect("binds");
        assert_eq!(binding.origins[1..], [Origin::Absent, Origin::Absent, Origin::Absent]);
        let error = header(&plan, &["name", "new"]).expect_err("differs");
        insta::assert_snapshot!(error, @"the columns differ from the schema: column `id` is missing; column `new` (position 2) is not in the schema");
    }

    #[test]
    fn captures_fill_columns_the_file_lacks_and_are_appended_otherwise() {
        let plan = plan(
            SchemaMode::Strict,
            &["Year int64", "id int64"],
            &[("year", "2024"), ("region", "eu")],
        );
        let binding = header(&plan, &["id"]).expect("binds");
        assert_eq!(binding.columns[2].name, "region");
        let capture = |value: &str| Origin::Capture(value.into());
        assert_eq!(binding.origins[0], capture("2024"));
        assert_eq!(binding.origins[2], capture("eu"));
        let binding = header(&plan, &["id", "year"]).expect("binds");
        assert_eq!(binding.origins[0], Origin::File { position: 1, otherwise: None });
        assert!(header(&plan, &["id", "year", "region"]).is_err());
    }

    #[test]
    fn unnamed_and_repeated_columns_get_stable_names() {
        let names: Vec<_> = ["a", "", "A ", "a_2", "", "a"].map(str::to_owned).into();
        assert_eq!(stable_names(&names), ["a", "column_2", "A_3", "a_2", "column_5", "a_4"]);
    }
}
