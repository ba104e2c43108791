//! Columns that are known, held against a file's sample: what has to be added
//! and what has to widen.

use std::collections::HashSet;

use millrace_contract::{Captures, ColumnChange, ColumnDef};

use super::lattice::{Reach, allowed, wider};
use super::{Sample, Survey};
use crate::bind::folded;
use crate::{Evolved, FormatError, SchemaDifference};

impl Survey {
    /// The columns that hold all of the sample and all that `known` holds;
    /// without columns that are known, those of the file, of which declared ones
    /// may have widened.
    ///
    /// Known columns keep their order and names, new ones come after them in the
    /// order of the file and may be null. Evolving again changes nothing.
    ///
    /// # Errors
    /// [`FormatError::Schema`] if the file has no column for one that is required
    /// and none of `captures` stands for it: such a file changes nothing.
    pub fn evolve(
        &self,
        known: Option<&[ColumnDef]>,
        captures: &Captures,
    ) -> Result<Evolved, FormatError> {
        let mut columns = known.map_or_else(|| self.infer().columns, <[_]>::to_vec);
        if let Some(said) = &self.said {
            return Ok(with_new_columns(columns, &said.columns));
        }
        let mut changes = Vec::new();
        let mut added = Vec::new();
        let mut met = HashSet::new();
        for sample in &self.sampled.columns {
            match self.position_in(&columns, sample).filter(|position| met.insert(*position)) {
                Some(position) => changes.extend(self.widen(&mut columns[position], sample)),
                None => added.push(sample),
            }
        }
        self.check_required(&columns, &met, captures)?;
        let mut taken = columns.iter().map(|column| folded(&column.name)).collect();
        for sample in added {
            let column = sample.column(&mut taken);
            changes.push(ColumnChange {
                column: column.name.clone(),
                from: None,
                to: column.data_type,
                why: sample.guess.why().unwrap_or_default(),
            });
            columns.push(column);
        }
        Ok(Evolved { columns, changes })
    }

    fn check_required(
        &self,
        columns: &[ColumnDef],
        met: &HashSet<usize>,
        captures: &Captures,
    ) -> Result<(), FormatError> {
        // Which of the objects have a key is for each of them to show.
        if self.is_exact {
            return Ok(());
        }
        let is_captured = |column: &ColumnDef| {
            captures.keys().any(|capture| folded(capture) == folded(&column.name))
        };
        let is_missing = |(position, column): &(usize, &ColumnDef)| {
            let has_none = column.default.is_none() && !is_captured(column);
            column.required && !met.contains(position) && has_none
        };
        let missing = columns.iter().enumerate().filter(is_missing);
        let missing: Vec<_> = missing
            .map(|(_, column)| SchemaDifference::Missing(column.source_name().to_owned()))
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(FormatError::Schema(missing)) }
    }

    fn position_in(&self, columns: &[ColumnDef], sample: &Sample) -> Option<usize> {
        let source = sample.source_name();
        let is_source = |column: &ColumnDef| match self.is_exact {
            true => column.source_name() == source,
            false => folded(column.source_name()) == folded(source),
        };
        columns.iter().position(is_source)
    }

    fn widen(&self, column: &mut ColumnDef, sample: &Sample) -> Option<ColumnChange> {
        let is_declared = self.declared.iter().any(|declared| declared.name == column.name);
        let reach = match (is_declared, column.is_plain()) {
            (false, _) => Reach::Text,
            (true, true) => Reach::Kind,
            (true, false) => return None,
        };
        let (from, why) = (column.data_type, why(column, sample));
        column.data_type = wider(from, &sample.guess, reach)?;
        Some(ColumnChange {
            column: column.name.clone(),
            from: Some(from),
            to: column.data_type,
            why,
        })
    }
}

/// Adds the columns that a file says it has. Those that are known stay as they
/// are: a value of another type that does not fit rejects its row.
fn with_new_columns(mut columns: Vec<ColumnDef>, said: &[ColumnDef]) -> Evolved {
    let mut changes = Vec::new();
    for column in said {
        let source = folded(column.source_name());
        if columns.iter().any(|known| folded(known.source_name()) == source) {
            continue;
        }
        changes.push(ColumnChange {
            column: column.name.clone(),
            from: None,
            to: column.data_type,
            why: "the file has it".to_owned(),
        });
        columns.push(ColumnDef { required: false, ..column.clone() });
    }
    Evolved { columns, changes }
}

/// The first value that is of no kind the column takes, or else that the numbers
/// are too large or too long.
fn why(column: &ColumnDef, sample: &Sample) -> String {
    let allowed = allowed(column.data_type);
    match sample.guess.firsts().iter().find(|first| first.looks & !allowed != 0) {
        Some(first) => first.said(),
        None => format!("there are values that a {} can't hold", column.data_type),
    }
}
