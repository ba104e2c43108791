//! What must hold for any bytes at all.

use std::io::{self, Read};
use std::num::NonZeroUsize;

use millrace_contract::{
    CsvOptions, Dataset, FileFormat, FixedOptions, JsonOptions, ParquetCompression, ParquetOptions,
    RejectOptions, RowBalance, Schema,
};
use millrace_format::{FormatError, Limits, Plan, Sink, SinkWriter, infer, transform};

/// Infers the columns, then transforms the bytes at once and in pieces: both
/// give the same rows, and the rows add up.
pub fn check(format: FileFormat, csv: CsvOptions, bytes: &[u8]) {
    let dataset = dataset(format, csv);
    let Ok(inferred) = infer(bytes, &dataset) else { return };
    let mut plan = Plan::of(&dataset);
    plan.columns = inferred.columns;
    plan.threads = NonZeroUsize::MIN;
    plan.limits = limits(1 << 16);
    let whole = transform(bytes, &plan, &mut Discard).map(|report| report.balance);
    plan.limits = limits(1 << 6);
    let pieces = transform(Trickle(bytes), &plan, &mut Discard).map(|report| report.balance);
    match (whole, pieces) {
        (Ok(whole), Ok(pieces)) => {
            assert_eq!(whole, pieces, "the pieces the bytes come in make a difference");
            assert_balanced(&whole);
        }
        (Err(_), Err(_)) => {}
        // Whether bytes look like text at all is judged by the first block.
        (Ok(whole), Err(FormatError::Unreadable { .. })) => assert_balanced(&whole),
        (Err(FormatError::Unreadable { .. }), Ok(pieces)) => assert_balanced(&pieces),
        (whole, pieces) => panic!("one refused, the other not: {whole:?} {pieces:?}"),
    }
}

fn assert_balanced(balance: &RowBalance) {
    balance.check().expect("rows add up");
}

/// Bounds that the fuzzer can reach.
fn limits(block_bytes: usize) -> Limits {
    Limits { block_bytes, decompressed_bytes: 16 << 20, ..Limits::default() }
}

fn dataset(format: FileFormat, csv: CsvOptions) -> Dataset {
    Dataset {
        name: "fuzz".into(),
        pattern: "*".into(),
        description: None,
        format,
        csv,
        json: JsonOptions::default(),
        fixed: FixedOptions::default(),
        schema: Schema { sample_bytes: 1 << 20, ..Schema::default() },
        xlsx: Default::default(),
        filter: None,
        shared: false,
        expect: Vec::new(),
        rejects: RejectOptions::default(),
        parquet: ParquetOptions {
            compression: ParquetCompression::Uncompressed,
            ..ParquetOptions::default()
        },
        limits: Default::default(),
        transform: None,
        load: None,
    }
}

/// A few bytes at a time.
struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = into.len().min(7);
        self.0.read(&mut into[..length])
    }
}

/// Takes everything and keeps nothing.
struct Discard;

impl Sink for Discard {
    fn output(
        &mut self,
        _: &[(String, Option<String>)],
        _: u32,
    ) -> io::Result<Box<dyn SinkWriter>> {
        Ok(Box::new(Self))
    }

    fn rejects(&mut self) -> io::Result<Box<dyn SinkWriter>> {
        Ok(Box::new(Self))
    }
}

impl SinkWriter for Discard {
    fn finish(self: Box<Self>) -> io::Result<()> {
        Ok(())
    }
}

impl io::Write for Discard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
