//! What the tests share: plans in a line, a sink in memory, tables as text.

use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use millrace_contract::{
    ColumnDef, CsvOptions, DataType, Dataset, FileFormat, Formats, Reject, Schema, SchemaMode,
};
use millrace_format::{FormatError, Inferred, Plan, Report, Sink, SinkWriter, infer, transform};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// A plan for files of `format` with columns such as `amount decimal(12,2)
/// required`, `day date %d/%m/%Y` or `total int64 from=Total`, strictly held to.
pub(crate) fn plan(format: FileFormat, columns: &[&str]) -> Plan {
    let mut plan = Plan::of(&dataset(format, columns));
    plan.threads = NonZeroUsize::new(2).unwrap();
    plan
}

/// A dataset of files of `format` with columns, strictly held to.
pub(crate) fn dataset(format: FileFormat, columns: &[&str]) -> Dataset {
    Dataset {
        name: "test".into(),
        pattern: "*".into(),
        description: None,
        format,
        json: Default::default(),
        fixed: Default::default(),
        filter: None,
        shared: false,
        xlsx: Default::default(),
        csv: CsvOptions::default(),
        schema: Schema {
            mode: SchemaMode::Strict,
            columns: columns.iter().map(|text| column(text)).collect(),
            sample_bytes: 1 << 20,
            ..Schema::default()
        },
        expect: Vec::new(),
        rejects: Default::default(),
        transform: None,
        parquet: Default::default(),
        limits: Default::default(),
        load: None,
    }
}

/// Infers the columns of a file from its first `bytes` bytes.
pub(crate) fn infer_from(
    input: impl Read,
    format: FileFormat,
    csv: &CsvOptions,
    bytes: u64,
) -> Result<Inferred, FormatError> {
    let mut dataset = dataset(format, &[]);
    dataset.csv = csv.clone();
    dataset.schema.mode = SchemaMode::Infer;
    dataset.schema.sample_bytes = bytes;
    infer(input, &dataset)
}

/// A CSV plan.
pub(crate) fn csv(columns: &[&str]) -> Plan {
    plan(FileFormat::Csv, columns)
}

/// An NDJSON plan.
pub(crate) fn ndjson(columns: &[&str]) -> Plan {
    plan(FileFormat::Ndjson, columns)
}

fn column(text: &str) -> ColumnDef {
    let mut words = text.splitn(3, ' ');
    let (name, data_type) = (words.next().unwrap(), words.next().unwrap());
    let rest = words.next().unwrap_or_default();
    let format = if rest.starts_with('%') { vec![rest.to_owned()] } else { Vec::new() };
    ColumnDef {
        name: name.into(),
        from: rest.strip_prefix("from=").map(str::to_owned),
        data_type: data_type.parse().unwrap(),
        format: Formats(format),
        required: rest == "required",
        ..ColumnDef::new("", DataType::String)
    }
}

/// What a transformation came to.
pub(crate) struct Outcome {
    pub(crate) report: Report,
    pub(crate) files: Vec<Vec<u8>>,
    pub(crate) rejects: Vec<Reject>,
}

impl Outcome {
    /// All rows of all files.
    pub(crate) fn rows(&self) -> Vec<String> {
        self.batches().iter().flat_map(shown).collect()
    }

    pub(crate) fn batches(&self) -> Vec<RecordBatch> {
        self.files.iter().flat_map(|file| read_parquet(file)).collect()
    }

    /// The messages of the rejects.
    pub(crate) fn messages(&self) -> Vec<&str> {
        self.rejects.iter().map(|reject| reject.message.as_str()).collect()
    }
}

/// Transforms `input` and reads back what was written.
pub(crate) fn run(input: impl AsRef<[u8]>, plan: &Plan) -> Result<Outcome, FormatError> {
    run_from(input.as_ref(), plan)
}

/// Transforms what a reader gives.
pub(crate) fn run_from(input: impl Read + Send, plan: &Plan) -> Result<Outcome, FormatError> {
    let mut sink = MemorySink::default();
    let report = transform(input, plan, &mut sink)?;
    let rejects = sink.rejects();
    assert_eq!(report.balance.check(), Ok(()));
    assert_eq!(report.balance.rejected, rejects.len() as u64);
    let grouped: u64 = report.reject_groups.iter().map(|group| group.count).sum();
    assert_eq!(report.balance.rejected, grouped);
    let files = sink.files();
    assert_eq!(report.outputs.len(), files.len());
    for (output, file) in report.outputs.iter().zip(&files) {
        assert_eq!(output.bytes, file.len() as u64);
        let rows: usize = read_parquet(file).iter().map(RecordBatch::num_rows).sum();
        assert_eq!(output.rows, rows as u64);
    }
    Ok(Outcome { report, files, rejects })
}

pub(crate) fn read_parquet(file: &[u8]) -> Vec<RecordBatch> {
    let bytes = Bytes::copy_from_slice(file);
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
    reader.map(Result::unwrap).collect()
}

/// The rows of a batch, values separated by `|`; null is `∅`.
pub(crate) fn shown(batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default().with_null("∅");
    let formatters: Vec<_> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap())
        .collect();
    let row = |row| {
        let cells = formatters.iter().map(|cells| cells.value(row).to_string());
        cells.collect::<Vec<_>>().join("|")
    };
    (0..batch.num_rows()).map(row).collect()
}

/// One column of all batches.
pub(crate) fn column_of(batches: &[RecordBatch], name: &str) -> ArrayRef {
    let parts: Vec<_> = batches.iter().map(|batch| batch.column_by_name(name).unwrap()).collect();
    let parts: Vec<&dyn Array> = parts.iter().map(|part| part.as_ref()).collect();
    arrow::compute::concat(&parts).unwrap()
}

/// A sink in memory. A file counts once it is finished.
#[derive(Clone, Default)]
pub(crate) struct MemorySink(Arc<Mutex<Store>>);

#[derive(Default)]
struct Store {
    opened: usize,
    files: Vec<(String, Vec<u8>)>,
}

impl MemorySink {
    /// The Parquet files in the order of their ordinals.
    pub(crate) fn files(&self) -> Vec<Vec<u8>> {
        let mut files = self.0.lock().unwrap().files.clone();
        files.retain(|(name, _)| name.starts_with("file"));
        files.sort();
        files.into_iter().map(|(_, bytes)| bytes).collect()
    }

    /// The rejects, once they are finished.
    pub(crate) fn rejects(&self) -> Vec<Reject> {
        let store = self.0.lock().unwrap();
        let file = store.files.iter().find(|(name, _)| name == "rejects");
        let text = file.map(|(_, bytes)| String::from_utf8(bytes.clone()).unwrap());
        let lines = text.as_deref().unwrap_or_default().lines();
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// How many files were finished, and how many opened.
    pub(crate) fn finished_of_opened(&self) -> (usize, usize) {
        let store = self.0.lock().unwrap();
        (store.files.len(), store.opened)
    }

    fn open(&self, name: String) -> io::Result<Box<dyn SinkWriter>> {
        self.0.lock().unwrap().opened += 1;
        Ok(Box::new(MemoryFile { store: self.0.clone(), name, bytes: Vec::new() }))
    }
}

impl Sink for MemorySink {
    fn output(
        &mut self,
        _: &[(String, Option<String>)],
        ordinal: u32,
    ) -> io::Result<Box<dyn SinkWriter>> {
        self.open(format!("file {ordinal:05}"))
    }

    fn rejects(&mut self) -> io::Result<Box<dyn SinkWriter>> {
        self.open("rejects".into())
    }
}

struct MemoryFile {
    store: Arc<Mutex<Store>>,
    name: String,
    bytes: Vec<u8>,
}

impl Write for MemoryFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.bytes.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SinkWriter for MemoryFile {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.store.lock().unwrap().files.push((self.name, self.bytes));
        Ok(())
    }
}

/// A reader that gives a few bytes at a time.
pub(crate) struct Trickle<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) sizes: Vec<usize>,
    pub(crate) turn: usize,
}

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes[self.turn % self.sizes.len()].max(1);
        self.turn += 1;
        let size = size.min(buffer.len());
        self.bytes.read(&mut buffer[..size])
    }
}
