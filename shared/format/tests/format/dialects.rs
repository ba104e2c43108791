//! The dialects and encodings that files come in, and headers that drift.

use millrace_contract::{
    CsvOptions, Encoding, Escape, ExtraColumns, LineEnds, MissingColumns, Ragged,
};

use crate::support::{csv, run};

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn control_characters_delimit() {
    for delimiter in ['\u{1}', '|', ';', '\t', '~'] {
        let mut plan = csv(&["a int64", "b string"]);
        plan.csv.delimiter = delimiter;
        let text = "a,b\n1,x y\n".replace(',', &delimiter.to_string());
        assert_eq!(run(text, &plan).unwrap().rows(), ["1|x y"], "{delimiter:?}");
    }
}

#[test]
fn without_a_quote_quotes_are_text() {
    let mut plan = csv(&["a string", "b string"]);
    plan.csv.quote = None;
    let outcome = run("a,b\n\"x,5\"\n", &plan).unwrap();
    assert_eq!(outcome.rows(), ["\"x|5\""]);
}

#[test]
fn a_backslash_makes_the_next_character_stand_for_itself() {
    let mut plan = csv(&["a string", "n int64"]);
    plan.csv.escape = Escape::Backslash;
    plan.csv.null = vec!["\\N".into()];
    let text = "a,n\n\"say \\\"hi\\\"\",1\nx\\,y,2\n\\N,\\N\n\"C:\\\\\",3\n";
    let outcome = run(text, &plan).unwrap();
    assert_eq!(outcome.rows(), ["say \"hi\"|1", "x,y|2", "∅|∅", "C:\\|3"]);
}

#[test]
fn preamble_comments_and_blank_lines_are_skipped_and_counted() {
    let mut plan = csv(&["a int64", "b string"]);
    plan.csv.skip_lines = 2;
    plan.csv.comment = Some("#".into());
    let text = "Report \"of\nMay\n# made by hand\na,b\n\n1,x\n# \"quote\n2,#y\n";
    let outcome = run(text, &plan).unwrap();
    assert_eq!(outcome.rows(), ["1|x", "2|#y"]);
    let balance = &outcome.report.balance;
    assert_eq!(
        (balance.skipped["preamble"], balance.skipped["comment"], balance.skipped["blank_line"]),
        (2, 2, 1)
    );
    assert_eq!((balance.read, balance.written), (7, 2));
    let error = run("only\n", &plan).err().unwrap();
    assert!(error.is_contract(), "{error}");
}

#[test]
fn rows_of_another_width_are_made_to_fit_only_where_that_is_said() {
    let mut plan = csv(&["a int64", "b string", "c int64"]);
    let text = "a,b,c\n1\n1,x,2,3\n1,x,y,z\n";
    assert_eq!(run(text, &plan).unwrap().rejects[0].rule, "field_count");
    plan.csv.ragged = Ragged::Fit;
    let outcome = run(text, &plan).unwrap();
    assert_eq!(outcome.rows(), ["1|∅|∅", "1|x|2"]);
    assert_eq!(outcome.messages(), ["column `c` at line 4: `y` is not an int64"]);
    plan = csv(&["a int64", "b string"]);
    plan.csv = CsvOptions {
        delimiter: '|',
        header: false,
        trailing_delimiter: true,
        ..CsvOptions::default()
    };
    assert_eq!(run("1|x|\n2||\n", &plan).unwrap().rows(), ["1|x", "2|∅"]);
}

#[test]
fn lines_that_end_in_all_ways_are_told_apart_where_that_is_said() {
    let mut plan = csv(&["a int64", "b string"]);
    plan.csv.line_ends = LineEnds::Mixed;
    let outcome = run("a,b\r1,x\r\n2,y\nz,3\r\n\r4,\"l\r\nm\"", &plan).unwrap();
    assert_eq!(outcome.rows(), ["1|x", "2|y", "4|l\r\nm"]);
    assert_eq!((outcome.rejects[0].line, outcome.rejects[0].byte_offset), (4, 13));
    assert_eq!(outcome.report.balance.skipped["blank_line"], 1);
}

#[test]
fn utf_16_is_read_with_and_without_its_mark_and_places_are_those_of_the_file() {
    let mut plan = csv(&["prénom string", "n int64"]);
    let text = "prénom,n\n😀ö,1\né,x\n";
    let row = text.find("é,x").unwrap();
    let offset = 2 * text[..row].encode_utf16().count() as u64;
    // With a mark nothing need be said.
    let outcome = run(utf16(&format!("\u{FEFF}{text}")), &plan).unwrap();
    assert_eq!(outcome.rows(), ["😀ö|1"]);
    assert_eq!((outcome.rejects[0].line, outcome.rejects[0].byte_offset), (3, offset + 2));
    assert_eq!(outcome.rejects[0].raw, "é,x");
    plan.csv.encoding = Encoding::Utf16Le;
    let outcome = run(utf16(text), &plan).unwrap();
    assert_eq!((outcome.rows().len(), outcome.rejects[0].byte_offset), (1, offset));
    plan.csv.encoding = Encoding::Utf16Be;
    let error = run(utf16(&format!("\u{FEFF}{text}")), &plan).err().unwrap();
    insta::assert_snapshot!(error, @"unreadable at byte 0: the byte order mark is that of UTF-16 (little endian), but the encoding is said to be UTF-16 (big endian)");
}

#[test]
fn bytes_that_an_encoding_does_not_have_cost_their_row() {
    let mut plan = csv(&["a string", "b string"]);
    plan.csv.encoding = Encoding::Windows1252;
    let outcome = run(b"a,b\n\x80,\x93x\x94\n\xE9\xE9,\x81\nz,y\n", &plan).unwrap();
    assert_eq!(outcome.rows(), ["€|“x”", "z|y"]);
    assert_eq!(outcome.messages(), ["line 3: byte 4 of the row, `0x81`, is not Windows-1252"]);
    assert_eq!(outcome.rejects[0].byte_offset, 10);
    plan.csv.encoding = Encoding::Utf16Le;
    let mut bytes = utf16("a,b\n1,x\n2,yy\n3,z\n");
    bytes[21] = 0xD8;
    let outcome = run(&bytes, &plan).unwrap();
    assert_eq!(outcome.rows(), ["1|x", "3|z"]);
    assert_eq!(
        outcome.messages(),
        ["line 3: byte 5 of the row begins half a surrogate pair: not UTF-16"]
    );
    assert_eq!(outcome.rejects[0].byte_offset, 16);
    bytes.push(0);
    assert_eq!(run(&bytes, &plan).unwrap().rejects.len(), 2);
}

#[test]
fn a_header_may_drift_as_far_as_the_schema_lets_it() {
    let mut plan = csv(&["id int64 required", "name string", "size int64"]);
    let drifted = "NAME,x,id,x,\na,1,7,2,3\n";
    let error = run(drifted, &plan).err().unwrap();
    insta::assert_snapshot!(error, @"the columns differ from the schema: column `x` stands 2 times in the header; the column at position 5 has no name; column `size` is missing; column `x` (position 2) is not in the schema");
    plan.extra = ExtraColumns::Ignore;
    let error = run(drifted, &plan).err().unwrap();
    insta::assert_snapshot!(error, @"the columns differ from the schema: column `size` is missing");
    plan.missing = MissingColumns::Null;
    assert_eq!(run(drifted, &plan).unwrap().rows(), ["7|a|∅"]);
    let error = run("name,name,size\n", &plan).err().unwrap();
    insta::assert_snapshot!(error, @"the columns differ from the schema: column `name` stands 2 times in the header; column `id` is missing");
}

#[test]
fn a_quote_that_is_never_closed_swallows_nothing_unseen() {
    let mut plan = csv(&["a int64", "b string"]);
    let rows: String = (0..1000).map(|row| format!("{row},x\n")).collect();
    let outcome = run(format!("a,b\n1,x\n2,\"open\n{rows}"), &plan).unwrap();
    let balance = &outcome.report.balance;
    assert_eq!((balance.read, balance.written, balance.rejected), (1002, 1, 1001));
    assert_eq!(outcome.rejects[0].message, "line 3: a quote is opened and never closed");
    assert_eq!(
        outcome.rejects[1000].message,
        "line 1003: the quote opened 1000 lines above is never closed"
    );
    plan.limits.row_bytes = 500;
    let error = run(format!("a,b\n1,x\n2,\"open\n{rows}"), &plan).err().unwrap();
    assert!(error.to_string().starts_with("the row at line 3 (byte 8)"), "{error}");
}
