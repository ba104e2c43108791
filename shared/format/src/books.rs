//! Keeps the books of one file: what was read, written, rejected and skipped,
//! each counted where it happens, and whether it adds up.

use arrow::array::RecordBatch;
use millrace_contract::{OnFail, RejectLimit, RowBalance, SqlRows};

use crate::decode::Decoded;
use crate::encode::Encoder;
use crate::quality::{FileCheck, Newest, Uniques};
use crate::rejects::{Groups, RejectLines};
use crate::split::{Counts, Skipped};
use crate::{FormatError, Plan, Report, ReshapeError, Reshaping, Sink, SinkWriter, Warning};

/// Takes decoded blocks in the order of the file, writes them and counts.
pub(crate) struct Books<'a> {
    plan: &'a Plan,
    sink: &'a mut dyn Sink,
    encoder: Encoder<'a>,
    reshaping: Option<Box<dyn Reshaping>>,
    /// Rows that went into `reshaping` and came out of it.
    reshaped: SqlRows,
    rejects: RejectWriter,
    groups: Groups,
    warned: Vec<u64>,
    uniques: Uniques<'a>,
    newest: Newest<'a>,
    /// By the plan's file rules.
    file_warned: Vec<u64>,
    read: u64,
    filtered: u64,
    unselected: u64,
}

impl<'a> Books<'a> {
    /// Opens the books of a file.
    ///
    /// # Errors
    /// [`FormatError::Reshape`].
    pub(crate) fn open(
        plan: &'a Plan,
        encoder: Encoder<'a>,
        sink: &'a mut dyn Sink,
    ) -> Result<Self, FormatError> {
        let reshaping = plan.reshape.as_ref().map(|reshape| reshape.start()).transpose();
        Ok(Self {
            plan,
            sink,
            encoder,
            reshaping: reshaping.map_err(|source| in_reshape(plan, source))?,
            reshaped: SqlRows::default(),
            rejects: RejectWriter::default(),
            groups: Groups::default(),
            warned: vec![0; plan.rules.len()],
            uniques: Uniques::new(plan),
            newest: Newest::new(&plan.file_rules),
            file_warned: vec![0; plan.file_rules.len()],
            read: 0,
            filtered: 0,
            unselected: 0,
        })
    }

    /// Writes a block's rows and rejects. Gives the file up as soon as it has
    /// more rejects than any number of good rows could make up for.
    pub(crate) fn enter(&mut self, mut decoded: Decoded) -> Result<(), FormatError> {
        self.read += decoded.read;
        self.filtered += decoded.filtered;
        self.unselected += decoded.unselected;
        for (total, warned) in self.warned.iter_mut().zip(&decoded.warned) {
            *total += warned;
        }
        if let Some(keyed) = decoded.keyed.take() {
            let repeats = self.uniques.judge(&mut decoded.batch, &keyed, &mut self.file_warned)?;
            decoded.rejects.merge(repeats);
        }
        self.newest.see(&decoded.batch)?;
        self.rejects.write(&decoded.rejects, self.sink)?;
        self.groups.merge(decoded.rejects.groups);
        match self.plan.reject_limit {
            RejectLimit::Rows(most) if self.rejects.rows > most => Err(self.too_many_rejects()),
            RejectLimit::Rows(_) | RejectLimit::Percent(_) => self.write(decoded.batch),
        }
    }

    /// Writes good rows, or what is made of them.
    fn write(&mut self, rows: RecordBatch) -> Result<(), FormatError> {
        if self.reshaping.is_none() {
            return self.encoder.write(&rows, self.sink);
        }
        if rows.num_rows() == 0 {
            return Ok(());
        }
        self.write_ready()?;
        self.reshaped.taken += rows.num_rows() as u64;
        let plan = self.plan;
        match &mut self.reshaping {
            Some(reshaping) => reshaping.push(rows).map_err(|source| in_reshape(plan, source)),
            None => Ok(()),
        }
    }

    /// Writes the rows that have been made, until more are asked for.
    fn write_ready(&mut self) -> Result<(), FormatError> {
        let plan = self.plan;
        let Some(reshaping) = &mut self.reshaping else { return Ok(()) };
        while let Some(rows) = reshaping.next().map_err(|source| in_reshape(plan, source))? {
            self.reshaped.made += rows.num_rows() as u64;
            self.encoder.write(&rows, self.sink)?;
        }
        Ok(())
    }

    /// Writes all that is still to be made.
    fn end_reshaping(&mut self) -> Result<(), FormatError> {
        self.write_ready()?;
        if let Some(reshaping) = &mut self.reshaping {
            reshaping.end();
        }
        self.write_ready()
    }

    /// Completes the file, if it adds up.
    pub(crate) fn close(mut self, counts: Counts) -> Result<Report, FormatError> {
        if self.plan.reject_limit.exceeded(self.rejects.rows, counts.rows - self.filtered) {
            return Err(self.too_many_rejects());
        }
        self.end_reshaping()?;
        let written = self.encoder.flush()?;
        self.judge_file(written)?;
        let mut balance = RowBalance { read: counts.rows, written, ..RowBalance::default() };
        balance.rejected = self.rejects.rows;
        balance.sql = self.reshaping.is_some().then_some(self.reshaped);
        let Skipped { blank, comments, preamble, outside } = counts.skipped;
        for (rule, count) in [
            (BLANK_LINE, blank),
            (COMMENT, comments),
            (PREAMBLE, preamble),
            (OUTSIDE_BLOCK, outside),
        ] {
            if count > 0 {
                balance.skip(rule, count);
            }
        }
        for (rule, count) in [(WHERE, self.filtered), (NOT_REPLAYED, self.unselected)] {
            if count > 0 {
                balance.skip(rule, count);
            }
        }
        balance.check()?;
        self.check_selection(&balance)?;
        self.rejects.finish()?;
        let schema = self.encoder.schema();
        let metadata = serde_json::to_string(&balance).unwrap_or_default();
        let outputs = self.encoder.finish(&[(BALANCE_KEY.to_owned(), metadata)])?;
        let rules = self.plan.rules.iter().map(|rule| rule.text());
        let rules = rules.chain(self.plan.file_rules.iter().map(|rule| rule.text.as_str()));
        let counts_by_rule = rules.zip(self.warned.into_iter().chain(self.file_warned));
        let warnings = counts_by_rule.filter(|(_, count)| *count > 0);
        Ok(Report {
            balance,
            outputs,
            reject_groups: self.groups.into_groups(),
            warnings: warnings
                .map(|(rule, count)| Warning { rule: rule.to_owned(), count })
                .collect(),
            schema,
            source_bytes: counts.source_bytes,
            decompressed_bytes: counts.decompressed_bytes,
        })
    }

    /// Every row that was to be gone through again has to be where it was.
    fn check_selection(&self, balance: &RowBalance) -> Result<(), FormatError> {
        let Some(only) = &self.plan.only else { return Ok(()) };
        let found = balance.good() + balance.rejected + self.filtered;
        match found == only.len() {
            true => Ok(()),
            false => Err(FormatError::Selection { wanted: only.len(), found }),
        }
    }

    /// Holds the file as a whole against the rules about it. The rejects of one
    /// that is refused are completed: they may say why.
    fn judge_file(&mut self, written: u64) -> Result<(), FormatError> {
        let rules = self.plan.file_rules.iter().enumerate();
        let miscounted = rules.filter_map(|(index, rule)| match rule.check {
            FileCheck::RowCount { least, most } if !(least..=most).contains(&written) => {
                Some((index, format!("{written} rows passed")))
            }
            FileCheck::RowCount { .. } | FileCheck::Unique { .. } | FileCheck::MaxAge { .. } => {
                None
            }
        });
        let mut broken: Vec<_> = miscounted.chain(self.newest.broken()).collect();
        broken.sort_unstable();
        for (index, found) in broken {
            let rule = &self.plan.file_rules[index];
            match rule.on_fail {
                OnFail::Warn => self.file_warned[index] = 1,
                OnFail::RejectFile | OnFail::RejectRow => {
                    self.rejects.finish()?;
                    return Err(FormatError::FileRuleBroken { rule: rule.text.clone(), found });
                }
            }
        }
        Ok(())
    }

    /// The error for a file with too many rejects; these are completed, so that
    /// a person can see what is wrong.
    fn too_many_rejects(&mut self) -> FormatError {
        let rejected = self.rejects.rows;
        if let Err(error) = self.rejects.finish() {
            return error;
        }
        FormatError::TooManyRejects {
            rejected,
            read: self.read - self.filtered,
            limit: self.plan.reject_limit,
            groups: std::mem::take(&mut self.groups).into_groups(),
        }
    }
}

/// An error with what was to be made of the rows.
/// An error of what makes rows, with what it was to do.
pub(crate) fn in_reshape(plan: &Plan, source: ReshapeError) -> FormatError {
    const LONGEST: usize = 200;
    let text = plan.reshape.as_ref().map_or("", |reshape| reshape.text());
    let mut shown = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = shown.char_indices().nth(LONGEST) {
        shown.truncate(cut);
        shown.push('…');
    }
    FormatError::Reshape { text: shown, source }
}

/// The rule by which blank lines are skipped.
const BLANK_LINE: &str = "blank_line";

/// The rule by which comments are skipped.
const COMMENT: &str = "comment";

/// The rule by which rows are skipped that the dataset's filter does not select.
const WHERE: &str = "where";

/// The rule by which rows are skipped that are not gone through again.
const NOT_REPLAYED: &str = "not_replayed";

/// The rule by which lines in front of the header are skipped.
const PREAMBLE: &str = "preamble";

/// The rule by which lines are skipped that are not of the block.
const OUTSIDE_BLOCK: &str = "outside_block";

/// Key of the row balance in a Parquet file's metadata.
const BALANCE_KEY: &str = "millrace.balance";

/// Writes rejects and counts them by their lines.
#[derive(Default)]
struct RejectWriter {
    writer: Option<Box<dyn SinkWriter>>,
    rows: u64,
}

impl RejectWriter {
    fn write(&mut self, rejects: &RejectLines, sink: &mut dyn Sink) -> Result<(), FormatError> {
        if rejects.ndjson.is_empty() {
            return Ok(());
        }
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(sink.rejects().map_err(FormatError::Sink)?),
        };
        writer.write_all(&rejects.ndjson).map_err(FormatError::Sink)?;
        self.rows += memchr::memchr_iter(b'\n', &rejects.ndjson).count() as u64;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), FormatError> {
        match self.writer.take() {
            Some(writer) => writer.finish().map_err(FormatError::Sink),
            None => Ok(()),
        }
    }
}
