//! `unique` rules, judged in the order of the file.

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use millrace_contract::OnFail;

use super::keys::{Key, Keyed};
use super::seen::{Place, Seen};
use super::{FileCheck, FileRule};
use crate::rejects::{RejectLines, Rejecter};
use crate::{FormatError, Plan};

/// The `unique` rules of a plan and the keys they have seen.
pub(crate) struct Uniques<'p> {
    rules: Vec<Unique<'p>>,
    raw_bytes: usize,
    /// The archive's member the rows are from, counted.
    member: u32,
    member_name: Option<String>,
}

struct Unique<'p> {
    rule: &'p FileRule,
    /// Position among the plan's file rules.
    index: usize,
    seen: Seen,
}

/// A row whose key was there before: its row in the batch, the rule and where
/// the key was first.
struct Repeat {
    row: usize,
    rule: usize,
    first: Place,
}

impl<'p> Uniques<'p> {
    /// The `unique` rules of a plan, with no keys.
    pub(crate) fn new(plan: &'p Plan) -> Self {
        let is_unique = |rule: &FileRule| matches!(rule.check, FileCheck::Unique { .. });
        let rules = plan.file_rules.iter().enumerate().filter(|(_, rule)| is_unique(rule));
        let rules: Vec<_> = rules.collect();
        let bytes = plan.limits.unique_bytes / rules.len().max(1);
        let unique = |(index, rule)| Unique { rule, index, seen: Seen::new(bytes) };
        Self {
            rules: rules.into_iter().map(unique).collect(),
            raw_bytes: plan.limits.reject_raw_bytes,
            member: 0,
            member_name: None,
        }
    }

    /// Takes out of `batch` what repeats a key, and counts in `warned` (by the
    /// plan's file rules) what only warns. Answers the rejects.
    ///
    /// A row's keys count once it passes all these rules, so that a row that is
    /// rejected makes no other one a repetition.
    pub(crate) fn judge(
        &mut self,
        batch: &mut RecordBatch,
        keyed: &Keyed,
        warned: &mut [u64],
    ) -> Result<RejectLines, FormatError> {
        if self.member_name != keyed.member {
            self.member_name.clone_from(&keyed.member);
            self.member += 1;
        }
        let mut rejected = Vec::new();
        for row in 0..batch.num_rows() {
            match self.repeat(row, keyed, warned)? {
                Some(repeat) => rejected.push(repeat),
                None => self.enter(row, keyed)?,
            }
        }
        if rejected.is_empty() {
            return Ok(RejectLines::default());
        }
        let mut keep = vec![true; batch.num_rows()];
        for repeat in &rejected {
            keep[repeat.row] = false;
        }
        *batch = filter_record_batch(batch, &BooleanArray::from(keep))
            .map_err(|error| FormatError::Encode(error.to_string()))?;
        Ok(self.reject(&rejected, keyed))
    }

    /// The first rule by which a row is rejected.
    fn repeat(
        &mut self,
        row: usize,
        keyed: &Keyed,
        warned: &mut [u64],
    ) -> Result<Option<Repeat>, FormatError> {
        let mut rejected = None;
        for (rule, unique) in self.rules.iter_mut().enumerate() {
            let Some(key) = keyed.keys[rule][row] else { continue };
            let Some(first) = unique.find(&key)? else { continue };
            match unique.rule.on_fail {
                OnFail::RejectRow => {
                    rejected.get_or_insert(Repeat { row, rule, first });
                }
                OnFail::RejectFile => {
                    let rule = unique.rule.text.clone();
                    return Err(FormatError::FileRejected { rule, line: keyed.lines[row] });
                }
                OnFail::Warn => warned[unique.index] += 1,
            }
        }
        Ok(rejected)
    }

    fn enter(&mut self, row: usize, keyed: &Keyed) -> Result<(), FormatError> {
        let place = Place::new(keyed.lines[row], self.member);
        for (rule, unique) in self.rules.iter_mut().enumerate() {
            if let Some(key) = keyed.keys[rule][row] {
                unique.enter(key, place)?;
            }
        }
        Ok(())
    }

    fn reject(&self, rejected: &[Repeat], keyed: &Keyed) -> RejectLines {
        let rejecter = Rejecter::new(&[], keyed.member.clone(), self.raw_bytes);
        let mut rejects = rejecter.start(&keyed.block);
        for repeat in rejected {
            let row = keyed.rows[repeat.row] as usize;
            let rule = &self.rules[repeat.rule].rule.text;
            match repeat.first.is_in_member_of(Place::new(1, self.member)) {
                true => rejects.add_repeated(row, rule, repeat.first.line()),
                // A line of another member would be looked for in this one.
                false => rejects.add_breach(row, rule),
            }
        }
        rejects.finish()
    }
}

impl Unique<'_> {
    fn find(&mut self, key: &Key) -> Result<Option<Place>, FormatError> {
        self.seen.find(key).map_err(|error| scratch(self.rule, error))
    }

    fn enter(&mut self, key: Key, place: Place) -> Result<(), FormatError> {
        self.seen.enter(key, place).map_err(|error| scratch(self.rule, error))
    }
}

fn scratch(rule: &FileRule, error: std::io::Error) -> FormatError {
    FormatError::Scratch { rule: rule.text.clone(), error }
}
