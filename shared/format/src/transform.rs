//! One file from bytes to Parquet: a splitter, decoders and encoding lanes, in a
//! row of threads or all on the caller's.

use std::io::Read;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Scope, scope};

use millrace_contract::{FileFormat, LineEnds};

use crate::bind::{Binding, bind};
use crate::block::Block;
use crate::books::Books;
use crate::csv::{Dialect, is_delimited};
use crate::decode::{Decoded, Decoder};
use crate::encode::{Encoder, Lanes, Router};
use crate::records::{self, is_binary};
use crate::source::encoding_of;
use crate::split::{Counts, Cut, Splitter};
use crate::{FormatError, Plan, Report, SchemaDifference, Sink};

/// Turns one file into Parquet and rejects.
///
/// Parquet and XLSX are copied to a temporary file first (in the folder `TMPDIR`
/// names), which is gone with the call.
///
/// The threads read ahead by a few blocks at most, so memory follows from the
/// plan's limits. A file that fits into one block is done on the calling
/// thread. The calling thread is also the one that calls the sink and its
/// writers.
///
/// # Errors
/// [`FormatError`]; whatever was written through the sink is then to be
/// discarded, except that the rejects of a
/// [`FormatError::TooManyRejects`] are complete up to where the file was given
/// up.
pub fn transform(
    source: impl Read + Send,
    plan: &Plan,
    sink: &mut dyn Sink,
) -> Result<Report, FormatError> {
    if is_binary(plan.format) {
        return records::transform(source, plan, sink);
    }
    let encoding = encoding_of(plan.format, &plan.csv, &plan.fixed);
    let mut splitter = Splitter::open(source, encoding, &plan.limits)?;
    if splitter.member().is_some() {
        return scope(|scope| transform_members(scope, splitter, plan, sink));
    }
    let opened = Opened::of(&mut splitter, plan)?;
    if plan.threads.get() == 1 || splitter.is_whole() {
        return opened.run_here(splitter, sink);
    }
    scope(|scope| opened.run_on_threads(scope, splitter, sink))
}

/// Transforms the members of an archive one after the other, as if they were one
/// file: each has its own header, all have the same columns.
fn transform_members<'scope, 'a, R: Read>(
    scope: &'scope Scope<'scope, '_>,
    mut splitter: Splitter<R>,
    plan: &'a Plan,
    sink: &mut dyn Sink,
) -> Result<Report, FormatError> {
    let open = |splitter: &mut Splitter<R>| {
        let opened = Opened::of(splitter, plan);
        opened.map_err(|error| within(splitter.member(), error))
    };
    let mut opened: Opened<'a> = open(&mut splitter)?;
    let router = Router::of(plan)?;
    let lanes = match plan.threads.get() {
        1 => Lanes::here(router.file_schema()),
        count => Lanes::on_threads(scope, router.file_schema(), count),
    };
    let mut books = Books::open(plan, Encoder::new(plan, router, lanes)?, sink)?;
    loop {
        let member = splitter.member();
        let read = opened.read_member(&mut splitter, &mut books);
        read.map_err(|error| within(member.clone(), error))?;
        if is_enough(plan.sample_rows, splitter.counts().rows) {
            return books.close(splitter.counts());
        }
        let found = splitter.next_member();
        if !found.map_err(|error| within(splitter.member(), error))? {
            return books.close(splitter.counts());
        }
        opened = open(&mut splitter)?;
    }
}

/// An error with the archive's member it came up in.
pub(crate) fn within(member: Option<String>, error: FormatError) -> FormatError {
    match (member, error) {
        // Of all members together.
        (_, error @ (FormatError::TooManyRejects { .. } | FormatError::Source(_)))
        | (None, error) => error,
        (Some(member), error) => FormatError::Member { member, error: Box::new(error) },
    }
}

/// A file whose columns are known.
struct Opened<'a> {
    plan: &'a Plan,
    dialect: Option<Dialect>,
    binding: Binding,
    cut: Cut,
    /// What an archive calls it.
    member: Option<String>,
}

impl<'a> Opened<'a> {
    fn of<R: Read>(splitter: &mut Splitter<R>, plan: &'a Plan) -> Result<Self, FormatError> {
        let member = splitter.member();
        if !is_delimited(plan.format) {
            let cut = match plan.format {
                FileFormat::Fixed => splitter.cut_of_fixed(plan.fixed.skip_lines)?,
                format => splitter.cut_of_json(format)?,
            };
            let binding = bind(plan, None)?;
            return Ok(Self { plan, dialect: None, binding, cut, member });
        }
        let mut dialect = Dialect::new(plan.format, &plan.csv)?;
        splitter.enter_block(plan.csv.block.as_ref(), plan.csv.line_ends == LineEnds::Mixed)?;
        splitter.skip_preamble(plan.csv.skip_lines)?;
        splitter.detect_line_end(Some(&mut dialect))?;
        let header = match plan.csv.header {
            true => Some(take_header(splitter, &dialect)?),
            false => None,
        };
        let binding = bind(plan, header.as_deref())?;
        let cut = Cut::Fields(dialect, binding.fields);
        Ok(Self { plan, dialect: Some(dialect), binding, cut, member })
    }

    fn decoder(&self) -> Result<Decoder<'_>, FormatError> {
        Decoder::new(self.plan, self.dialect, &self.binding, self.member.clone())
    }

    fn run_here<R: Read>(
        &self,
        mut splitter: Splitter<R>,
        sink: &mut dyn Sink,
    ) -> Result<Report, FormatError> {
        let router = Router::of(self.plan)?;
        let lanes = Lanes::here(router.file_schema());
        let mut books = Books::open(self.plan, Encoder::new(self.plan, router, lanes)?, sink)?;
        self.read_member(&mut splitter, &mut books)?;
        books.close(splitter.counts())
    }

    /// Enters all that is left of a file, or of an archive's member, in the books.
    fn read_member<R: Read>(
        &self,
        splitter: &mut Splitter<R>,
        books: &mut Books<'_>,
    ) -> Result<(), FormatError> {
        let mut decoder = self.decoder()?;
        let mut spare = Block::default();
        while let Some(mut block) = splitter.next(self.cut, spare)? {
            books.enter(decoder.decode(&mut block)?)?;
            spare = block;
            if is_enough(self.plan.sample_rows, splitter.counts().rows) {
                break;
            }
        }
        Ok(())
    }

    fn run_on_threads<'scope, R: Read + Send + 'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        splitter: Splitter<R>,
        sink: &mut dyn Sink,
    ) -> Result<Report, FormatError> {
        let count = self.plan.threads.get();
        let router = Router::of(self.plan)?;
        let lanes = Lanes::on_threads(scope, router.file_schema(), count);
        let mut books = Books::open(self.plan, Encoder::new(self.plan, router, lanes)?, sink)?;
        let (spares, used) = channel();
        let mut blocks = Vec::with_capacity(count);
        let mut decoded = Vec::with_capacity(count);
        for _ in 0..count {
            let (block, queue) = sync_channel(QUEUE);
            let (answer, answers) = sync_channel(QUEUE);
            let (decoder, spares) = (self.decoder()?, spares.clone());
            scope.spawn(move || decode_all(decoder, &queue, &answer, &spares));
            blocks.push(block);
            decoded.push(answers);
        }
        drop(spares);
        let (cut, sample) = (self.cut, self.plan.sample_rows);
        let splitting = scope.spawn(move || split_all(splitter, cut, sample, &blocks, &used));
        // Blocks go to the decoders in turn, so their answers come in turn.
        for answers in decoded.iter().cycle() {
            let Ok(answer) = answers.recv() else { break };
            books.enter(answer?)?;
        }
        match splitting.join() {
            Ok(counts) => books.close(counts?),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Blocks that may wait in front of a decoder, and batches behind it.
const QUEUE: usize = 1;

fn split_all<R: Read>(
    mut splitter: Splitter<R>,
    cut: Cut,
    sample_rows: Option<u64>,
    decoders: &[SyncSender<Block>],
    used: &Receiver<Block>,
) -> Result<Counts, FormatError> {
    for decoder in decoders.iter().cycle() {
        let spare = used.try_recv().unwrap_or_default();
        let Some(block) = splitter.next(cut, spare)? else { break };
        if decoder.send(block).is_err() {
            // The file has failed further down, where the reason is known.
            break;
        }
        if is_enough(sample_rows, splitter.counts().rows) {
            break;
        }
    }
    Ok(splitter.counts())
}

/// Whether a look at the file has seen as many rows as it wants.
fn is_enough(sample_rows: Option<u64>, rows: u64) -> bool {
    sample_rows.is_some_and(|wanted| rows >= wanted)
}

fn decode_all(
    mut decoder: Decoder<'_>,
    blocks: &Receiver<Block>,
    answers: &SyncSender<Result<Decoded, FormatError>>,
    spares: &Sender<Block>,
) {
    while let Ok(mut block) = blocks.recv() {
        let answer = decoder.decode(&mut block);
        let failed = answer.is_err();
        // The splitter may be done and gone; then nobody needs the memory.
        let _ = spares.send(block);
        if answers.send(answer).is_err() || failed {
            return;
        }
    }
}

/// The header's names, or why there are none.
fn take_header<R: Read>(
    splitter: &mut Splitter<R>,
    dialect: &Dialect,
) -> Result<Vec<String>, FormatError> {
    let header = splitter.take_header(dialect)?;
    header.ok_or_else(|| FormatError::Schema(vec![SchemaDifference::NoHeader]))
}
