//! Blocks to record batches: every row becomes typed values or a reject.

mod fields;
mod filter;
mod fixed;
mod members;
mod rescue;
mod selected;
pub(crate) mod values;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use millrace_contract::{ColumnDef, FileFormat, OnFail};

use crate::bind::{Binding, Origin};
use crate::block::{Block, Lines, MalformedRow};
use crate::column::MemberRules;
use crate::csv::Dialect;
use crate::fault::{Fault, Faults, Malformed};
use crate::quality::{Keyed, Keys};
use crate::rejects::{RejectLines, Rejecter};
use crate::source::Charset;
use crate::{FormatError, Plan, RowFilter, RowRule, arrow_schema};
use fields::FieldDecoder;
use fixed::FixedDecoder;
use members::MemberDecoder;
use rescue::without_misfits;
use selected::LeftOut;
use values::ValueDecoder;

/// A decoded block.
pub(crate) struct Decoded {
    /// The rows that are good.
    pub(crate) batch: RecordBatch,
    /// The rows that are not.
    pub(crate) rejects: RejectLines,
    /// Rows read.
    pub(crate) read: u64,
    /// Rows that broke each rule which only warns.
    pub(crate) warned: Vec<u64>,
    /// Rows that the filter left out.
    pub(crate) filtered: u64,
    /// Rows that the plan's selection leaves out.
    pub(crate) unselected: u64,
    /// What it takes to judge the good rows by the rules that look at more than
    /// one; only where there are such rules.
    pub(crate) keyed: Option<Keyed>,
}

/// Decodes the blocks of one file.
pub(crate) struct Decoder<'p> {
    plan: &'p Plan,
    schema: SchemaRef,
    rows: RowDecoder,
    rejecter: Rejecter<'p>,
    keys: Keys,
    member: Option<String>,
    /// Columns whose values are kept elsewhere if they are not of the type; none
    /// unless something is.
    rescuable: Vec<bool>,
}

/// How rows become columns.
enum RowDecoder {
    Fields(FieldDecoder),
    Fixed(FixedDecoder),
    Members(MemberDecoder),
    Values(ValueDecoder),
}

/// Rows that break a rule: positions in the batch, and the rule.
type Breach = (u32, usize);

impl<'p> Decoder<'p> {
    /// A decoder for a file, or the member of an archive, whose columns are bound
    /// as `binding` says.
    pub(crate) fn new(
        plan: &'p Plan,
        dialect: Option<Dialect>,
        binding: &'p Binding,
        member: Option<String>,
    ) -> Result<Self, FormatError> {
        let rules = MemberRules { extra: plan.extra, duplicates: plan.json.duplicate_keys };
        let rows = match dialect {
            Some(dialect) => {
                let nulls = match plan.format {
                    FileFormat::Xlsx => &plan.xlsx.null,
                    FileFormat::Csv
                    | FileFormat::Tsv
                    | FileFormat::Ndjson
                    | FileFormat::Json
                    | FileFormat::Fixed
                    | FileFormat::Parquet => &plan.csv.null,
                };
                RowDecoder::Fields(FieldDecoder::new(nulls, dialect, binding, rules)?)
            }
            None if plan.format == FileFormat::Fixed => {
                RowDecoder::Fixed(FixedDecoder::new(binding, plan)?)
            }
            None if plan.format == FileFormat::Parquet => {
                RowDecoder::Values(ValueDecoder::new(binding, rules)?)
            }
            None => RowDecoder::Members(MemberDecoder::new(binding, plan, rules)?),
        };
        let raw_bytes = plan.limits.reject_raw_bytes;
        let rejecter = Rejecter::new(binding, member.clone(), raw_bytes);
        let is_rescuable = |(column, origin): (&ColumnDef, &Origin)| {
            !column.required && matches!(origin, Origin::File { .. })
        };
        let rescuable = match plan.rescues() {
            true => binding.columns.iter().zip(&binding.origins).map(is_rescuable).collect(),
            false => Vec::new(),
        };
        let schema = arrow_schema(&plan.columns, &plan.captures);
        let keys = Keys::of(&plan.file_rules, &schema)?;
        Ok(Self { plan, schema, rows, rejecter, keys, member, rescuable })
    }

    /// Decodes a block. What it leaves in the block is of no further use.
    pub(crate) fn decode(&mut self, block: &mut Block) -> Result<Decoded, FormatError> {
        Self::set_bad_text_aside(block);
        let left_out = match &self.plan.only {
            Some(only) => LeftOut::all_but(only.within(self.member.as_deref()), block),
            None => LeftOut::default(),
        };
        let watched = self.plan.filter.as_deref().map(RowFilter::columns);
        let mut faults = Faults::watching(watched.unwrap_or_default()).rescuing(&self.rescuable);
        let mut arrays = match &mut self.rows {
            RowDecoder::Fields(fields) => fields.decode(block, &mut faults)?,
            RowDecoder::Fixed(fixed) => fixed.decode(block, &mut faults)?,
            RowDecoder::Members(members) => members.decode(block, &mut faults)?,
            RowDecoder::Values(values) => values.decode(block, &mut faults)?,
        };
        without_misfits(&mut arrays, faults.misfits()).map_err(defect)?;
        let batch = self.batch_of(arrays, block.rows.len())?;
        let mut skipped = self.skipped_rows(&batch, &faults, block)?;
        let filtered = left_out.join(&mut skipped);
        let (batch, kept) = good_rows(batch, &faults, &skipped)?;
        let mut warned = vec![0; self.plan.rules.len()];
        let breaches = self.check_rules(&batch, &kept, block, &mut warned)?;
        let mut faults = faults.into_list();
        faults.retain(|fault| !is_skipped(&skipped, fault.row));
        if let RowDecoder::Values(_) = self.rows {
            self.write_rows(block, &faults, &breaches, &kept);
        }
        let rejects = self.reject(block, faults, &breaches, &kept);
        let read = block.read;
        let (batch, keyed) = match self.keys.is_empty() {
            true => (without(&batch, &breaches)?, None),
            false => self.keyed(batch, kept, &breaches, block)?,
        };
        Ok(Decoded { batch, rejects, read, warned, filtered, unselected: left_out.count, keyed })
    }

    /// Writes the text of rows that had none, as far as it may be asked for: of
    /// rejected rows, or of all where later ones may be rejected for their keys.
    fn write_rows(&self, block: &mut Block, faults: &[Fault], breaches: &[Breach], kept: &[u32]) {
        if !self.keys.is_empty() {
            let all = (0..block.rows.len()).collect();
            return values::write_rows(block, all);
        }
        let faulty = faults.iter().map(|fault| fault.row);
        let broken = breaches.iter().map(|&(row, _)| block_row(kept, row));
        values::write_rows(block, faulty.chain(broken).collect());
    }

    /// The rows that break no rule, with their keys. Takes the block: its text is
    /// needed should one of them be rejected later.
    fn keyed(
        &self,
        batch: RecordBatch,
        mut kept: Vec<u32>,
        breaches: &[Breach],
        block: &mut Block,
    ) -> Result<(RecordBatch, Option<Keyed>), FormatError> {
        if kept.is_empty() {
            kept = (0..batch.num_rows() as u32).collect();
        }
        let batch = without(&batch, breaches)?;
        let mut broken = breaches.iter().map(|(row, _)| *row).peekable();
        let mut row = 0;
        kept.retain(|_| {
            row += 1;
            broken.next_if_eq(&(row - 1)).is_none()
        });
        let keys = self.keys.of_rows(&batch)?;
        let keyed = Keyed::new(keys, kept, std::mem::take(block), self.member.clone());
        Ok((batch, Some(keyed)))
    }

    /// Takes rows out of the block that are no text at all.
    fn set_bad_text_aside(block: &mut Block) {
        let Block { rows, bytes, malformed, charset, .. } = block;
        if charset.find_undefined(bytes).is_none() && memchr::memchr(0, bytes).is_none() {
            return;
        }
        let mut bad = Vec::new();
        for row in 0..rows.len() {
            let (start, end) = rows.span(row);
            let text = &bytes[start as usize..end as usize];
            if let Some(fault) = text_fault(text, *charset) {
                malformed.push(MalformedRow { start, end, fault });
                bad.push(row);
            }
        }
        rows.retain(|row| bad.binary_search(&row).is_err());
    }

    fn batch_of(&self, arrays: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch, FormatError> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options).map_err(defect)
    }

    /// Which rows the filter leaves out; none, if empty.
    fn skipped_rows(
        &self,
        batch: &RecordBatch,
        faults: &Faults,
        block: &Block,
    ) -> Result<Vec<bool>, FormatError> {
        let Some(filter) = self.plan.filter.as_deref() else { return Ok(Vec::new()) };
        filter::skipped_rows(filter, batch, faults).map_err(|error| FormatError::Rule {
            rule: filter.text().to_owned(),
            line: Lines::new(block).line_of(block.rows.span(0).0),
            source: error,
        })
    }

    /// Rows that break a rule which rejects rows, the first rule for each row.
    fn check_rules(
        &self,
        batch: &RecordBatch,
        kept: &[u32],
        block: &Block,
        warned: &mut [u64],
    ) -> Result<Vec<Breach>, FormatError> {
        let mut breaches: Vec<Breach> = Vec::new();
        if batch.num_rows() == 0 {
            return Ok(breaches);
        }
        for (index, rule) in self.plan.rules.iter().enumerate() {
            let broken = broken_rows(rule.as_ref(), batch).map_err(|error| FormatError::Rule {
                rule: rule.text().to_owned(),
                line: Lines::new(block).line_of(block.rows.span(block_row(kept, 0)).0),
                source: error,
            })?;
            match rule.on_fail() {
                OnFail::Warn => warned[index] += broken.len() as u64,
                OnFail::RejectRow => breaches.extend(broken.into_iter().map(|row| (row, index))),
                OnFail::RejectFile => {
                    if let Some(&row) = broken.first() {
                        let start = block.rows.span(block_row(kept, row)).0;
                        let line = Lines::new(block).line_of(start);
                        return Err(FormatError::FileRejected {
                            rule: rule.text().to_owned(),
                            line,
                        });
                    }
                }
            }
        }
        breaches.sort_unstable();
        breaches.dedup_by_key(|(row, _)| *row);
        Ok(breaches)
    }

    fn reject(
        &self,
        block: &Block,
        faults: Vec<Fault>,
        breaches: &[Breach],
        kept: &[u32],
    ) -> RejectLines {
        let mut rejects = self.rejecter.start(block);
        for row in &block.malformed {
            rejects.add_malformed(row);
        }
        for fault in &faults {
            rejects.add_fault(fault);
        }
        for &(row, rule) in breaches {
            rejects.add_breach(block_row(kept, row), self.plan.rules[rule].text());
        }
        rejects.finish()
    }
}

/// The rows without a fault that are not skipped, and which rows of the block
/// they are (all, if empty).
fn good_rows(
    batch: RecordBatch,
    faults: &Faults,
    skipped: &[bool],
) -> Result<(RecordBatch, Vec<u32>), FormatError> {
    if faults.is_empty() && !skipped.contains(&true) {
        return Ok((batch, Vec::new()));
    }
    let is_good = |row: usize| !faults.has(row) && !is_skipped(skipped, row);
    let keep = BooleanArray::from_iter((0..batch.num_rows()).map(|row| Some(is_good(row))));
    let kept = (0..batch.num_rows() as u32).filter(|&row| is_good(row as usize)).collect();
    Ok((filter_record_batch(&batch, &keep).map_err(defect)?, kept))
}

fn is_skipped(skipped: &[bool], row: usize) -> bool {
    skipped.get(row).copied().unwrap_or(false)
}

/// The row of the block that a row of the batch came from.
fn block_row(kept: &[u32], row: u32) -> usize {
    kept.get(row as usize).copied().unwrap_or(row) as usize
}

fn text_fault(text: &[u8], charset: Charset) -> Option<Malformed> {
    if let Some(at) = memchr::memchr(0, text) {
        return Some(Malformed::Nul { at: charset.source_length(&text[..at]) });
    }
    let (at, byte) = charset.find_undefined(text)?;
    Some(Malformed::Encoding { at: charset.source_length(&text[..at]), byte, charset })
}

/// The rows for which a rule is false.
fn broken_rows(rule: &dyn RowRule, batch: &RecordBatch) -> Result<Vec<u32>, crate::RuleError> {
    let holds = rule.check(batch)?;
    if holds.len() != batch.num_rows() {
        let said = format!("it answered {} rows of {}", holds.len(), batch.num_rows());
        return Err(crate::RuleError(said));
    }
    let broken = holds.iter().zip(0u32..).filter(|(holds, _)| *holds == Some(false));
    Ok(broken.map(|(_, row)| row).collect())
}

fn without(batch: &RecordBatch, breaches: &[Breach]) -> Result<RecordBatch, FormatError> {
    if breaches.is_empty() {
        return Ok(batch.clone());
    }
    let mut keep = vec![true; batch.num_rows()];
    for &(row, _) in breaches {
        keep[row as usize] = false;
    }
    filter_record_batch(batch, &BooleanArray::from(keep)).map_err(defect)
}

fn defect(error: ArrowError) -> FormatError {
    FormatError::Encode(error.to_string())
}
