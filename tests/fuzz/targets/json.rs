//! Any bytes as JSON documents and as NDJSON: rows balance, chunks make no
//! difference, nothing panics.
#![no_main]

mod transformed;

use libfuzzer_sys::fuzz_target;
use millrace_contract::{CsvOptions, FileFormat};
use transformed::check;

fuzz_target!(|input: &[u8]| {
    let [format, bytes @ ..] = input else { return };
    let format = if format & 1 == 1 { FileFormat::Json } else { FileFormat::Ndjson };
    check(format, CsvOptions::default(), bytes);
});
