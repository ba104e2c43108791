//! Any bytes as delimited text in any dialect: rows balance, chunks make no
//! difference, nothing panics.
#![no_main]

mod transformed;

use libfuzzer_sys::fuzz_target;
use millrace_contract::{CsvOptions, Encoding, Escape, FileFormat, LineEnds, Ragged};
use transformed::check;

fuzz_target!(|input: &[u8]| {
    let [dialect, encoding, bytes @ ..] = input else { return };
    let bit = |place: u8| dialect >> place & 1 == 1;
    let csv = CsvOptions {
        delimiter: if bit(0) { ';' } else { ',' },
        quote: (!bit(1)).then_some('"'),
        escape: if bit(2) { Escape::Backslash } else { Escape::Double },
        header: !bit(3),
        comment: bit(4).then(|| "#".to_owned()),
        trailing_delimiter: bit(5),
        ragged: if bit(6) { Ragged::Fit } else { Ragged::default() },
        line_ends: if bit(7) { LineEnds::Mixed } else { LineEnds::default() },
        encoding: match encoding % 5 {
            0 => Encoding::Utf8,
            1 => Encoding::Utf16Le,
            2 => Encoding::Utf16Be,
            3 => Encoding::Latin1,
            _ => Encoding::Windows1252,
        },
        ..CsvOptions::default()
    };
    check(FileFormat::Csv, csv, bytes);
});
