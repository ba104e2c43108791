//! Files that are no text: Parquet, and the sheets of workbooks.
//!
//! Both can only be read from several places at once, so the source is kept in
//! an unnamed temporary file first. From there on their rows go the way of all
//! rows: blocks, a decoder, the books.

mod guard;
pub(crate) mod parquet;
pub(crate) mod sheet;
mod spool;
mod workbook;

use std::io::Read;
use std::thread::{Scope, scope};

use millrace_contract::{CsvOptions, FileFormat};

use crate::bind::{Binding, bind};
use crate::block::Block;
use crate::books::Books;
use crate::csv::{Dialect, Quoting};
use crate::decode::Decoder;
use crate::encode::{Encoder, Lanes, Router};
use crate::source::{Content, Source};
use crate::split::{Counts, Skipped};
use crate::transform::within;
use crate::{FormatError, Plan, Report, Sink};
use guard::guarded;
use parquet::ParquetFile;
use sheet::Sheet;
pub(crate) use spool::spool;

/// Whether files of a format are read from a temporary file and not as text.
pub(crate) fn is_binary(format: FileFormat) -> bool {
    match format {
        FileFormat::Parquet | FileFormat::Xlsx => true,
        FileFormat::Csv
        | FileFormat::Tsv
        | FileFormat::Ndjson
        | FileFormat::Json
        | FileFormat::Fixed => false,
    }
}

/// Transforms a file of Parquet or XLSX, or an archive of such files.
pub(crate) fn transform(
    source: impl Read,
    plan: &Plan,
    sink: &mut dyn Sink,
) -> Result<Report, FormatError> {
    let source = Source::open_as(source, Content::Binary(plan.format), &plan.limits)?;
    scope(|scope| run(scope, source, plan, sink))
}

fn run<'scope, R: Read>(
    scope: &'scope Scope<'scope, '_>,
    mut source: Source<R>,
    plan: &Plan,
    sink: &mut dyn Sink,
) -> Result<Report, FormatError> {
    let mut counts = Counts::default();
    let mut opened = Opened::of(&mut source, plan)?;
    let router = Router::of(plan)?;
    let lanes = match plan.threads.get() {
        1 => Lanes::here(router.file_schema()),
        count => Lanes::on_threads(scope, router.file_schema(), count),
    };
    let mut books = Books::open(plan, Encoder::new(plan, router, lanes)?, sink)?;
    loop {
        let member = source.member().map(str::to_owned);
        let read = opened.read(plan, member.clone(), &mut books, &mut counts);
        read.map_err(|error| within(member, error))?;
        let found = source.next_member();
        if !found.map_err(|error| within(source.member().map(str::to_owned), error))? {
            break;
        }
        opened = Opened::of(&mut source, plan)?;
    }
    counts.source_bytes = source.source_bytes();
    counts.decompressed_bytes = source.decompressed_bytes();
    books.close(counts)
}

/// A file whose columns are known.
struct Opened {
    table: Table,
    binding: Binding,
}

enum Table {
    Parquet(ParquetFile),
    Sheet(Box<Sheet>),
}

impl Opened {
    fn of<R: Read>(source: &mut Source<R>, plan: &Plan) -> Result<Self, FormatError> {
        let opened = Self::open(source, plan);
        opened.map_err(|error| within(source.member().map(str::to_owned), error))
    }

    fn open<R: Read>(source: &mut Source<R>, plan: &Plan) -> Result<Self, FormatError> {
        let file = spool(source, plan.format, &plan.limits)?;
        if plan.format == FileFormat::Xlsx {
            let sheet = Sheet::open(file, &plan.xlsx, &plan.limits)?;
            let binding = bind(plan, sheet.header())?;
            return Ok(Self { table: Table::Sheet(Box::new(sheet)), binding });
        }
        let file = ParquetFile::open(file, &plan.limits)?;
        let binding = bind(plan, Some(&file.header()))?;
        Ok(Self { table: Table::Parquet(file), binding })
    }

    /// Enters all rows of the file in the books.
    fn read(
        self,
        plan: &Plan,
        member: Option<String>,
        books: &mut Books<'_>,
        counts: &mut Counts,
    ) -> Result<(), FormatError> {
        let Self { table, binding } = self;
        let dialect = matches!(table, Table::Sheet(_)).then(cells).transpose()?;
        let mut decoder = Decoder::new(plan, dialect, &binding, member)?;
        let mut enter = |mut block: Block| {
            books.enter(decoder.decode(&mut block)?)?;
            Ok(true)
        };
        let read = match table {
            Table::Parquet(file) => file.read(&binding, &mut enter)?,
            Table::Sheet(mut sheet) => sheet.read(binding.fields, &mut enter)?,
        };
        counts.rows += read.rows;
        let Skipped { blank, comments, preamble, outside } = read.skipped;
        counts.skipped.blank += blank;
        counts.skipped.comments += comments;
        counts.skipped.preamble += preamble;
        counts.skipped.outside += outside;
        Ok(())
    }
}

/// What takes blocks, and says whether it wants more.
pub(crate) type Enter<'a> = dyn FnMut(Block) -> Result<bool, FormatError> + 'a;

/// How the fields of a sheet's rows are written: as they are.
pub(crate) fn cells() -> Result<Dialect, FormatError> {
    let plain = CsvOptions { quote: None, ..CsvOptions::default() };
    let dialect = Dialect::new(FileFormat::Csv, &plain)?;
    Ok(Dialect { quoting: Quoting { quote: None, escape: None }, ..dialect })
}

/// The error for a file that can't be read.
fn unreadable(what: String) -> FormatError {
    FormatError::Unreadable { byte: 0, what }
}
