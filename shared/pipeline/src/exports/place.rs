//! Where an export's objects go, and what else is there.

use millrace_contract::{Dataset, Export, ExportPlace, KeyPart};
use serde::Deserialize;

use super::{Around, loaded_into};
use crate::entry::Entry;
use crate::names;
use crate::pipeline::Pipeline;
use crate::placeholders::key_parts;
use crate::walk::Section;

/// The buckets of the lake, as the file names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Side {
    Curated,
    Raw,
}

/// Reads `to` and `bucket`.
pub(crate) fn read(
    section: &Section<'_>,
    around: &Around<'_>,
    is_incremental: bool,
) -> Option<ExportPlace> {
    let side = section.get("bucket").map_or(Some(Side::Curated), |entry| entry.choice());
    let entry = section.need("to", &format!("\"{}/{{date}}/\"", place_of(section)))?;
    let text = entry.text()?;
    let (bucket, key) = match text.strip_prefix("s3://") {
        Some(rest) => {
            if let Some(bucket) = section.get("bucket") {
                bucket.note("`to` names its bucket itself");
            }
            let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
            if let Err(why) = names::bucket(bucket) {
                entry.note(why);
            }
            (bucket.to_owned(), key)
        }
        None => match side? {
            Side::Curated => (around.lake.curated.clone(), text),
            Side::Raw => (around.lake.raw.clone(), text),
        },
    };
    let folder = folder(&entry, key)?;
    let place = ExportPlace { bucket, folder };
    note_prefix(&entry, &place, around, &place_of(section));
    let tells_runs_apart = place.values().any(|name| matches!(name, "time" | "run"));
    if is_incremental && !tells_runs_apart {
        entry.note_with(
            "each run of an incremental export needs a folder of its own, or it would replace the \
             rows of the one before",
            format!("write `to = \"{}/{{time}}/\"`", text.trim_end_matches('/')),
        );
    }
    Some(place)
}

/// A folder that suggests itself: `exports/users` for `[exports.users]`.
fn place_of(section: &Section<'_>) -> String {
    section.path.replace('.', "/")
}

fn folder(entry: &Entry<'_>, key: &str) -> Option<Vec<KeyPart>> {
    if key.starts_with('/') || key.contains("//") {
        entry.note("a key's folders have names; leave the `/` out");
        return None;
    }
    if key.chars().any(char::is_control) || key.len() > 512 {
        entry.note("a key takes up to 512 bytes here, without control characters");
        return None;
    }
    let ended = format!("{}/", key.trim_end_matches('/'));
    key_parts(&ended).map_err(|why| entry.note(why)).ok()
}

/// A folder of its own, so that what is removed there is never another's.
fn note_prefix(entry: &Entry<'_>, place: &ExportPlace, around: &Around<'_>, own: &str) {
    let prefix = place.literal_prefix();
    let Some((first, _)) = prefix.split_once('/').filter(|(first, _)| !first.is_empty()) else {
        return entry.note_with(
            "`to` has to begin with a folder that is the same for every run",
            format!("write `to = \"{own}/…\"`"),
        );
    };
    if place.bucket != around.lake.curated {
        return;
    }
    if first.starts_with('_') {
        entry.note(format!("folders of the lake that begin with `_`, as `{first}`, are ours"));
    }
    if around.datasets.iter().any(|dataset| dataset.name == first) {
        entry.note_with(
            format!("`{first}/` is the folder of dataset `{first}`"),
            format!("write `to = \"{own}/…\"`"),
        );
    }
}

/// Two exports that would replace each other's objects.
pub(super) fn note_shared(section: &Section<'_>, export: &Export, before: &[Export]) {
    let tells_apart = export.to.values().any(|name| matches!(name, "export" | "run"));
    let Some(other) = before.iter().find(|other| other.to == export.to && !tells_apart) else {
        return;
    };
    if let Some(entry) = section.get("to") {
        entry.note_with(
            format!("export `{}` writes there already", other.name),
            "give each a folder of its own, by `{export}` for instance",
        );
    }
}

/// An export whose objects would be loaded into the table they come from.
pub(super) fn note_loop(section: &Section<'_>, export: &Export, around: &Around<'_>) {
    let Some(source) = loaded_into(&export.source, around.datasets) else { return };
    let read_as = reader(export, around);
    if let (Some(entry), true) =
        (section.get("to"), read_as.is_some_and(|dataset| dataset.name == source.name))
    {
        entry.note_with(
            format!(
                "what is written there is read as dataset `{}`, which is loaded into the table it \
                 comes from",
                source.name
            ),
            "write to a folder that no dataset's pattern matches",
        );
    }
}

impl Pipeline {
    /// The dataset that reads what an export writes, by the name of one of its
    /// objects, if there is one.
    pub fn read_again_as(&self, export: &Export) -> Option<&str> {
        let around = Around { lake: &self.lake, datasets: &self.datasets, globs: &self.globs };
        reader(export, &around).map(|dataset| dataset.name.as_str())
    }
}

/// The dataset that would read the export's objects.
fn reader<'d>(export: &Export, around: &Around<'d>) -> Option<&'d Dataset> {
    if export.to.bucket != around.lake.raw {
        return None;
    }
    let key = example_key(export);
    let matching = around.datasets.iter().zip(around.globs);
    matching.into_iter().find(|(_, glob)| glob.matches(&key).is_some()).map(|(dataset, _)| dataset)
}

/// A key as one of the export's objects would have.
fn example_key(export: &Export) -> String {
    let part = |part: &KeyPart| match part {
        KeyPart::Text(text) => text.clone(),
        KeyPart::Value(name) => match name.as_str() {
            "date" => "2026-01-31".to_owned(),
            "yyyy" => "2026".to_owned(),
            "mm" | "dd" | "hour" | "minute" => "01".to_owned(),
            "time" => "20260131T010101Z".to_owned(),
            "export" => export.name.clone(),
            _ => "x".to_owned(),
        },
    };
    let folder: String = export.to.folder.iter().map(part).collect();
    format!("{folder}part-00000.{}", export.format)
}
