//! Keeps the books of one file: what was read, written, rejected and skipped,
//! each counted where it happens, and whether it adds up.

use arrow::array::RecordBatch;
use millrace_contract::{RejectLimit, RowBalance, SqlRows};

use crate::decode::Decoded;
use crate::encode::Encoder;
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
    read: u64,
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
            read: 0,
        })
    }

    /// Writes a block's rows and rejects. Gives the file up as soon as it has
    /// more rejects than any number of good rows could make up for.
    pub(crate) fn enter(&mut self, decoded: Decoded) -> Result<(), FormatError> {
        self.read += decoded.read;
        for (total, warned) in self.warned.iter_mut().zip(&decoded.warned) {
            *total += warned;
        }
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
        if self.plan.reject_limit.exceeded(self.rejects.rows, counts.rows) {
            return Err(self.too_many_rejects());
        }
        self.end_reshaping()?;
        let written = self.encoder.flush()?;
        let mut balance = RowBalance { read: counts.rows, written, ..RowBalance::default() };
        balance.rejected = self.rejects.rows;
        balance.sql = self.reshaping.is_some().then_some(self.reshaped);
        let Skipped { blank, comments, preamble } = counts.skipped;
        for (rule, count) in [(BLANK_LINE, blank), (COMMENT, comments), (PREAMBLE, preamble)] {
            if count > 0 {
                balance.skip(rule, count);
            }
        }
        balance.check()?;
        self.rejects.finish()?;
        let schema = self.encoder.schema();
        let metadata = serde_json::to_string(&balance).unwrap_or_default();
        let outputs = self.encoder.finish(&[(BALANCE_KEY.to_owned(), metadata)])?;
        let warnings = self.plan.rules.iter().zip(self.warned).filter(|(_, count)| *count > 0);
        Ok(Report {
            balance,
            outputs,
            reject_groups: self.groups.into_groups(),
            warnings: warnings
                .map(|(rule, count)| Warning { rule: rule.text().to_owned(), count })
                .collect(),
            schema,
            source_bytes: counts.source_bytes,
            decompressed_bytes: counts.decompressed_bytes,
        })
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
            read: self.read,
            limit: self.plan.reject_limit,
            groups: std::mem::take(&mut self.groups).into_groups(),
        }
    }
}

/// An error with what was to be made of the rows.
fn in_reshape(plan: &Plan, source: ReshapeError) -> FormatError {
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

/// The rule by which lines in front of the header are skipped.
const PREAMBLE: &str = "preamble";

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
