//! What derived datasets are to each other and to the rest of the file: an order
//! without circles, names and tables of their own.

use millrace_contract::{Dataset, Export};

use super::ReadDerived;
use crate::glob::Glob;
use crate::order;

/// What derived datasets are read beside.
pub(crate) struct Beside<'a> {
    pub(crate) datasets: &'a [Dataset],
    /// The datasets' patterns, in the same order.
    pub(crate) globs: &'a [Glob],
    pub(crate) exports: &'a [Export],
}

/// Notes circles, names that are taken, tables that others load into, and inputs
/// whose files do not say what they are waited for by.
pub(crate) fn note_around(all: &[ReadDerived<'_>], beside: &Beside<'_>) {
    let graph = all.iter().map(|read| &read.derived).collect::<Vec<_>>();
    for (index, read) in all.iter().enumerate() {
        note_circle(read, &graph);
        note_name(read, beside);
        let earlier = all[..index].iter().map(|read| &read.dataset);
        note_table(read, beside.datasets.iter().chain(earlier));
        note_per(read, beside);
    }
}

fn sql<'w>(read: &ReadDerived<'w>) -> crate::entry::Entry<'w> {
    let section = read.entry.section();
    section.and_then(|section| section.get("sql")).unwrap_or_else(|| read.entry.clone())
}

fn note_circle(read: &ReadDerived<'_>, graph: &[&millrace_contract::Derived]) {
    // Each circle is said once, where its first dataset stands.
    let Some(circle) = order::circle(graph, &read.derived.name) else { return };
    let position = |name: &str| graph.iter().position(|derived| derived.name == name);
    let first = circle.iter().filter_map(|name| position(name)).min();
    if first == position(&read.derived.name) {
        let shown = circle.join(" → ");
        sql(read).note_with(
            format!("`{}` is made of itself: {shown}", read.derived.name),
            "make one of them of datasets that are there before",
        );
    }
}

fn note_name(read: &ReadDerived<'_>, beside: &Beside<'_>) {
    let (name, entry) = (&read.derived.name, &read.entry);
    let note = |why: String| {
        entry.findings.note(entry.key_span.clone(), &entry.path, why, None);
    };
    if beside.datasets.iter().any(|dataset| dataset.name == *name) {
        note(format!("there is a dataset `{name}` already"));
    }
    let is_scheduled = |export: &Export| export.schedule.is_some() && export.name == *name;
    if read.derived.schedule.is_some() && beside.exports.iter().any(is_scheduled) {
        note(format!("export `{name}` has a schedule of that name already"));
    }
}

fn note_table<'d>(read: &ReadDerived<'_>, mut others: impl Iterator<Item = &'d Dataset>) {
    let Some(load) = &read.dataset.load else { return };
    let same = |other: &&Dataset| {
        let target = other.load.as_ref();
        target.is_some_and(|target| target.full_name() == load.full_name())
    };
    let section = read.entry.section().and_then(|section| section.section("load"));
    if let (Some(other), Some(table)) =
        (others.find(same), section.and_then(|load| load.get("table")))
    {
        table.note_with(
            format!("dataset `{}` is loaded into `{}`", other.name, load.full_name()),
            "what is derived needs a table of its own",
        );
    }
}

/// A file's value is in its path.
fn note_per(read: &ReadDerived<'_>, beside: &Beside<'_>) {
    let Some(after) = &read.derived.after else { return };
    let section = read.entry.section().and_then(|section| section.section("after"));
    let Some(entry) = section.and_then(|section| section.get("per")) else { return };
    let found = beside.datasets.iter().zip(beside.globs);
    for name in &after.all {
        let dataset = found.clone().find(|(dataset, _)| dataset.name == *name);
        let mut captures = dataset.into_iter().flat_map(|(_, glob)| glob.capture_names());
        if !captures.any(|capture| capture == after.per) {
            entry.note_with(
                format!("the paths of `{name}` do not say `{}`", after.per),
                format!("write `{{{}}}` in its `match`, or wait for others", after.per),
            );
        }
    }
}
