//! Reads `[views]`: queries that are kept in the warehouse under a name.

use millrace_contract::{Dataset, View};

use crate::entry::Entry;
use crate::load;
use crate::names;
use crate::statement;
use crate::walk::{Section, suggestion};

/// Reads the views; they come in an order in which each finds those it depends
/// on.
pub(crate) fn read(section: &Section<'_>, datasets: &[Dataset]) -> Vec<View> {
    let named = section.named();
    let views: Vec<View> = named.iter().filter_map(|(name, entry)| view(name, entry)).collect();
    for (name, entry) in &named {
        note_dependencies(name, entry, &views);
        if let Some(view) = views.iter().find(|view| view.name == *name) {
            note_table(entry, view, datasets);
        }
    }
    in_order(views)
}

fn view(name: &str, entry: &Entry<'_>) -> Option<View> {
    if let Err(why) = names::table(name) {
        entry.findings.note(entry.key_span.clone(), &entry.path, why, None);
    }
    let section = entry.section()?;
    let schema = section.get("schema").and_then(|entry| load::schema(&entry));
    let depends_on = section.get("depends_on").and_then(|entry| entry.texts()).unwrap_or_default();
    let sql = section.need("sql", r#""select …""#)?;
    let text = sql.text()?;
    if let Err(why) = statement::queries(text) {
        sql.note(why);
    }
    Some(View {
        name: name.to_owned(),
        schema,
        sql: statement::trimmed(text).to_owned(),
        depends_on: depends_on.into_iter().map(|(name, _)| name.to_owned()).collect(),
    })
}

fn note_dependencies(name: &str, entry: &Entry<'_>, views: &[View]) {
    let listed = entry.section().and_then(|section| section.get("depends_on"));
    for (other, place) in listed.and_then(|entry| entry.texts()).unwrap_or_default() {
        let names: Vec<&str> = views.iter().map(|view| view.name.as_str()).collect();
        if !names.contains(&other) {
            place.note_with(
                format!("there is no view `{other}`"),
                suggestion(other, &names)
                    .unwrap_or_else(|| "tables need not be named; they are waited for".to_owned()),
            );
        } else if reaches(views, other, name) {
            place.note(format!("view `{name}` depends on itself by way of `{other}`"));
        }
    }
}

/// Whether a view depends on another, at however many removes.
fn reaches(views: &[View], from: &str, to: &str) -> bool {
    let mut seen = vec![from];
    let mut next = 0;
    while let Some(name) = seen.get(next).copied() {
        if name == to {
            return true;
        }
        let view = views.iter().find(|view| view.name == name);
        for other in view.into_iter().flat_map(|view| &view.depends_on) {
            if !seen.contains(&other.as_str()) {
                seen.push(other);
            }
        }
        next += 1;
    }
    false
}

fn note_table(entry: &Entry<'_>, view: &View, datasets: &[Dataset]) {
    let is_taken = |dataset: &&Dataset| {
        let target = dataset.load.as_ref();
        target.is_some_and(|load| load.table == view.name && load.schema == view.schema)
    };
    if let Some(dataset) = datasets.iter().find(is_taken) {
        let why = format!("dataset `{}` has a table of the name `{}`", dataset.name, view.name);
        entry.findings.note(entry.key_span.clone(), &entry.path, why, None);
    }
}

/// Those that nothing is missing for first; of views in a circle, which are
/// noted, the order does not matter.
fn in_order(mut views: Vec<View>) -> Vec<View> {
    let mut ordered: Vec<View> = Vec::with_capacity(views.len());
    while !views.is_empty() {
        let has = |name: &String| ordered.iter().any(|view| view.name == *name);
        let ready = views.iter().position(|view| view.depends_on.iter().all(has));
        ordered.push(views.remove(ready.unwrap_or_default()));
    }
    ordered
}
