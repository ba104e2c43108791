//! Reads one `[datasets.NAME]` table.

use millrace_contract::{
    ColumnDef, CsvOptions, Dataset, Expectation, ExtraColumns, FileFormat, FixedOptions,
    JsonOptions, OnFail, RESCUED, RejectLimit, RejectOptions, Schema, SchemaMode,
};
use toml::de::DeValue;

use crate::columns;
use crate::csv;
use crate::entry::Entry;
use crate::freshness::{self, Freshness};
use crate::glob::Glob;
use crate::known::Known;
use crate::limits;
use crate::load;
use crate::names;
use crate::parquet;
use crate::sql_transform;
use crate::walk::Section;
use crate::xlsx;

/// How much decompressed data inference looks at unless the file says so.
const SAMPLE_BYTES: u64 = 64 << 20;

/// A dataset, its parsed pattern and where the pattern stands.
pub(crate) struct ReadDataset<'w> {
    pub(crate) dataset: Dataset,
    pub(crate) glob: Glob,
    pub(crate) pattern: Entry<'w>,
    pub(crate) freshness: Option<Freshness>,
}

/// Reads a dataset, or as much of it as can be read: nothing comes back if the
/// pattern is missing or wrong, but everything else has been looked at.
pub(crate) fn read<'w>(name: &str, entry: &Entry<'w>) -> Option<ReadDataset<'w>> {
    if let Err(why) = names::dataset(name) {
        entry.findings.note(entry.key_span.clone(), &entry.path, why, None);
    }
    let section = entry.section()?;
    let pattern = section.need("match", r#""raw/{year}/*.csv""#);
    let text = pattern.as_ref().and_then(Entry::text);
    let glob = pattern.as_ref().zip(text).and_then(|(entry, text)| parse_pattern(entry, text));
    let captures: Vec<&str> = glob.iter().flat_map(Glob::capture_names).collect();
    let format = format(&section, text);
    let schema = schema(&section, format);
    let has_sql = section.get("transform").is_some();
    let transform = section.section("transform").and_then(|section| sql_transform::read(&section));
    let known = Known {
        // What SQL gives is known to those who can plan it.
        columns: if has_sql { &[] } else { &schema.columns },
        captures,
        // With a pattern that cannot be read there is no telling.
        open: has_sql || schema.mode.is_open() || glob.is_none(),
    };
    let parquet = parquet::read(&section, &known);
    let csv = csv::read(&section, format);
    note_nameless(&section, &csv, schema.mode);
    let filter = filter(&section);
    let shared = section.get("shared").and_then(|entry| entry.flag());
    let description = section.get("description").and_then(|entry| entry.text());
    let load = section.section("load").and_then(|section| load::read(&section, &known));
    let freshness = section.section("freshness");
    let freshness = freshness.and_then(|section| freshness::read(name, &section));
    let dataset = Dataset {
        name: name.to_owned(),
        description: description.map(str::to_owned),
        pattern: text.unwrap_or_default().to_owned(),
        format,
        csv,
        json: json(&section, format),
        fixed: fixed(&section, format),
        // What is filtered is meant to be a part of its files.
        shared: shared.unwrap_or(filter.is_some()),
        filter,
        xlsx: xlsx::read(&section, format),
        expect: expectations(&section),
        rejects: rejects(&section),
        transform,
        parquet,
        limits: limits::read(&section),
        load,
        schema,
    };
    Some(ReadDataset { dataset, glob: glob?, pattern: pattern?, freshness })
}

fn parse_pattern(entry: &Entry<'_>, text: &str) -> Option<Glob> {
    Glob::parse(text).map_err(|error| entry.note(error)).ok()
}

/// The format that is said, or else the one the pattern's ending says.
fn format(section: &Section<'_>, pattern: Option<&str>) -> FileFormat {
    if let Some(entry) = section.get("format") {
        return entry.choice().unwrap_or(FileFormat::Csv);
    }
    let Some(pattern) = pattern else { return FileFormat::Csv };
    let pattern = pattern.to_ascii_lowercase();
    let compressed = [".gz", ".zst", ".bz2", ".xz", ".lz4", ".sz", ".zip"];
    let stem = compressed.into_iter().find_map(|ending| pattern.strip_suffix(ending));
    match stem.unwrap_or(&pattern).rsplit('.').next() {
        Some("csv") => FileFormat::Csv,
        Some("tsv" | "tab") => FileFormat::Tsv,
        Some("ndjson" | "jsonl") => FileFormat::Ndjson,
        Some("json") => FileFormat::Json,
        Some("parquet") => FileFormat::Parquet,
        Some("xlsx") => FileFormat::Xlsx,
        _ => {
            section.need("format", r#""csv""#);
            FileFormat::Csv
        }
    }
}

fn json(section: &Section<'_>, format: FileFormat) -> JsonOptions {
    let Some(entry) = section.get("json") else { return JsonOptions::default() };
    match format {
        FileFormat::Ndjson | FileFormat::Json => {}
        FileFormat::Csv
        | FileFormat::Tsv
        | FileFormat::Fixed
        | FileFormat::Parquet
        | FileFormat::Xlsx => {
            entry.note("`json` says how JSON objects are read, but the format is another");
        }
    }
    let Some(json) = entry.section() else { return JsonOptions::default() };
    JsonOptions {
        flatten: json.get("flatten").and_then(|entry| entry.flag()).unwrap_or_default(),
        duplicate_keys: json
            .get("duplicate_keys")
            .and_then(|entry| entry.choice())
            .unwrap_or_default(),
    }
}

fn fixed(section: &Section<'_>, format: FileFormat) -> FixedOptions {
    let defaults = FixedOptions::default();
    let Some(entry) = section.get("fixed") else { return defaults };
    if format != FileFormat::Fixed {
        entry.note("`fixed` says how columns of fixed width are read, but the format is another");
    }
    let Some(fixed) = entry.section() else { return defaults };
    let null = fixed.get("null").and_then(|entry| entry.texts());
    let skipped = fixed.get("skip_lines").and_then(|entry| entry.number(0..=csv::MOST_SKIPPED));
    FixedOptions {
        null: null.map_or(defaults.null, |texts| {
            texts.into_iter().map(|(text, _)| text.to_owned()).collect()
        }),
        encoding: fixed.get("encoding").and_then(|entry| entry.choice()).unwrap_or_default(),
        skip_lines: skipped.and_then(|lines| u32::try_from(lines).ok()).unwrap_or_default(),
    }
}

fn schema(section: &Section<'_>, format: FileFormat) -> Schema {
    let Some(schema) = section.section("schema") else {
        if format == FileFormat::Fixed {
            section.need("schema", r#"{ mode = "strict", columns = […] }"#);
        }
        return Schema { sample_bytes: SAMPLE_BYTES, ..Schema::default() };
    };
    let mode: SchemaMode = schema.get("mode").and_then(|entry| entry.choice()).unwrap_or_default();
    let columns = schema.get("columns").map(|entry| columns::read(&entry, format));
    if mode == SchemaMode::Strict {
        need_columns(&schema);
    } else if format == FileFormat::Fixed
        && let Some(entry) = schema.need("mode", r#""strict""#)
    {
        entry.note("the places of columns can't be inferred; declare them with mode `strict`");
    }
    let sample = schema.get("sample_bytes").and_then(|entry| entry.size(1 << 10..=1 << 40));
    let read = Schema {
        mode,
        columns: columns.unwrap_or_default(),
        sample_bytes: sample.unwrap_or(SAMPLE_BYTES),
        extra: schema.get("extra").and_then(|entry| entry.choice()).unwrap_or_default(),
        missing: schema.get("missing").and_then(|entry| entry.choice()).unwrap_or_default(),
        rescue: false,
    };
    note_extra(&schema, &read);
    let rescue = schema.get("rescue").and_then(|entry| rescue(&entry, &read));
    if rescue.unwrap_or_default() { read.with_rescue() } else { read }
}

/// What is not declared is added by mode `evolve`.
fn note_extra(schema: &Section<'_>, read: &Schema) {
    if let (SchemaMode::Evolve, ExtraColumns::Ignore) = (read.mode, read.extra)
        && let Some(entry) = schema.get("extra")
    {
        entry.note("mode `evolve` adds the columns that are not declared; they can't be ignored");
    }
}

/// Columns evolve by their names.
fn note_nameless(section: &Section<'_>, csv: &CsvOptions, mode: SchemaMode) {
    if let (SchemaMode::Evolve, false, Some(entry)) = (mode, csv.header, section.get("csv")) {
        entry.note_with(
            "without a header, columns have no names to evolve by",
            "declare them with mode = \"strict\"",
        );
    }
}

/// Whether what fits no column is kept.
fn rescue(entry: &Entry<'_>, schema: &Schema) -> Option<bool> {
    let rescues = entry.flag()?;
    if rescues && schema.extra == ExtraColumns::Ignore {
        entry.note("`extra` says that columns which are not declared are left out, not kept");
    }
    let taken = |column: &&ColumnDef| column.name.eq_ignore_ascii_case(RESCUED);
    if let Some(column) = schema.columns.iter().find(taken).filter(|_| rescues) {
        entry.note(format!("there is a column `{}` already", column.name));
        return None;
    }
    Some(rescues)
}

fn need_columns(schema: &Section<'_>) {
    let example = r#"[{ name = "id", type = "int64" }]"#;
    let Some(entry) = schema.need("columns", example) else { return };
    if entry.is_empty_list() {
        entry.note_with(
            "mode `strict` takes the declared columns, and there are none",
            format!("write `columns = {example}`, or mode = \"infer\""),
        );
    }
}

fn filter(section: &Section<'_>) -> Option<String> {
    let entry = section.get("where")?;
    let filter = entry.text()?.trim();
    if filter.is_empty() {
        entry.note_with("the condition is empty", r#"write a SQL condition such as "kind = 'a'""#);
        return None;
    }
    Some(filter.to_owned())
}

fn expectations(section: &Section<'_>) -> Vec<Expectation> {
    let items = section.get("expect").and_then(|entry| entry.items()).unwrap_or_default();
    items.iter().filter_map(expectation).collect()
}

fn expectation(item: &Entry<'_>) -> Option<Expectation> {
    let section = item.section()?;
    let on_fail: Option<OnFail> = section.get("on_fail").and_then(|entry| entry.choice());
    let entry = section.need("rule", r#""amount > 0""#)?;
    let rule = entry.text()?.trim();
    if rule.is_empty() {
        entry.note_with("the rule is empty", r#"write a SQL condition such as "amount > 0""#);
        return None;
    }
    Some(Expectation { rule: rule.to_owned(), on_fail: on_fail.unwrap_or_default() })
}

fn rejects(section: &Section<'_>) -> RejectOptions {
    let max = section.section("rejects").and_then(|rejects| rejects.get("max"));
    let max = max.and_then(|entry| match entry.value.get_ref() {
        DeValue::Integer(_) => entry.number(0..=u64::MAX).map(RejectLimit::Rows),
        _ => entry.parsed(),
    });
    RejectOptions { max: max.unwrap_or_default() }
}
