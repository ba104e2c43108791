//! What files are when nobody says.

use std::fs::{File, read_dir};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use millrace_contract::FileFormat;
use millrace_format::{FormatError, Sniffed, infer, sniff};

use crate::support::{csv, dataset, run};

fn sniffed(bytes: &[u8], name: &str) -> Sniffed {
    sniff(bytes, name).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

const PARQUET: &[u8] = b"PAR1\x15\x04\x15\x00PAR1";
const WORKBOOK: &[u8] = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
    \x13\0\0\0[Content_Types].xml....................";

#[test]
fn binary_formats_are_told_by_their_bytes_also_within_compression() {
    for (bytes, format) in [(PARQUET, FileFormat::Parquet), (WORKBOOK, FileFormat::Xlsx)] {
        assert_eq!(sniffed(bytes, "x.csv").format, format);
        assert_eq!(sniffed(&gzip(bytes), "x.csv.gz").format, format);
    }
}

#[test]
fn a_binary_file_declared_as_text_is_refused_with_the_word_to_write() {
    for (bytes, word) in [(PARQUET, "parquet"), (WORKBOOK, "xlsx")] {
        for bytes in [bytes.to_vec(), gzip(bytes)] {
            let error = run(&bytes, &csv(&["a string"])).err().unwrap().to_string();
            assert!(error.contains(&format!("write `format = \"{word}\"`")), "{error}");
            let error = infer(&bytes[..], &dataset(FileFormat::Ndjson, &[])).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
    }
    let old = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0\0\0";
    let error = sniff(&old[..], "x.xls").unwrap_err().to_string();
    assert!(error.contains("to be saved as .xlsx"), "{error}");
}

#[test]
fn what_is_found_reads_the_file() -> Result<(), FormatError> {
    let text = "\u{feff}id;amount;note\r\n1;2,50;\"a;b\"\r\n2;3,00;c\r\n";
    let found = sniffed(&gzip(text.as_bytes()), "x.txt.gz");
    assert_eq!(found.format, FileFormat::Csv);
    let mut plan = csv(&["id int64", "amount string", "note string"]);
    plan.csv = found.csv;
    let outcome = run(text, &plan)?;
    assert_eq!(outcome.rows(), ["1|2,50|a;b", "2|3,00|c"]);
    Ok(())
}

#[test]
fn real_files_are_told_apart() {
    let Some(root) = std::env::var_os("MILLRACE_REAL_DATA") else { return };
    let found = |path: &Path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        sniff(File::open(path).unwrap(), name)
    };
    let mut seen = 0;
    for (folder, formats) in [
        ("csv", &[FileFormat::Csv, FileFormat::Tsv][..]),
        ("csv-spectrum/csvs", &[FileFormat::Csv]),
        ("parquet", &[FileFormat::Parquet]),
        ("ndjson", &[FileFormat::Ndjson, FileFormat::Json]),
        ("JSONTestSuite/test_parsing", &[FileFormat::Json, FileFormat::Ndjson]),
    ] {
        for entry in read_dir(Path::new(&root).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.to_string_lossy().ends_with(".baseline.json") || path.is_dir() {
                continue;
            }
            // Among the JSON files are some that are UTF-16, or no text at all.
            let Ok(found) = found(&path) else {
                assert!(folder.starts_with("JSON"), "{}", path.display());
                continue;
            };
            assert!(formats.contains(&found.format), "{}: {found:?}", path.display());
            let is_tsv = path.to_string_lossy().contains(".tsv");
            assert_eq!(found.format == FileFormat::Tsv, is_tsv, "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 300, "only {seen}");
}
