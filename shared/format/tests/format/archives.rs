//! ZIP archives: every member is read, and what can't be is refused by name.

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use crate::support::{Trickle, csv, run, run_from};
use millrace_contract::OnFail;
use millrace_format::{FileCheck, FileRule};

/// How a member is written.
#[derive(Clone, Copy, PartialEq)]
enum How {
    Stored,
    Deflated,
    /// With checksum and sizes behind the contents.
    Described,
}

/// An archive as archivers write it.
fn archive(members: &[(&str, &str, How)]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut directory = Vec::new();
    for (name, text, how) in members {
        let packed = match how {
            How::Stored => text.as_bytes().to_vec(),
            How::Deflated | How::Described => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(text.as_bytes()).unwrap();
                encoder.finish().unwrap()
            }
        };
        let mut crc = Crc::new();
        crc.update(text.as_bytes());
        let mut sizes = crc.sum().to_le_bytes().to_vec();
        sizes.extend((packed.len() as u32).to_le_bytes());
        sizes.extend((text.len() as u32).to_le_bytes());
        let described = *how == How::Described;
        let method = if *how == How::Stored { 0u16 } else { 8 };
        let header = |sizes: &[u8]| {
            let mut header = vec![20, 0, if described { 8 } else { 0 }, 0];
            header.extend(method.to_le_bytes());
            header.extend([0; 4]);
            header.extend(sizes);
            header.extend((name.len() as u16).to_le_bytes());
            header.extend([0, 0]);
            header
        };
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(header(&sizes));
        directory.extend([0; 14]);
        directory.extend(name.as_bytes());
        file.extend(b"PK\x03\x04");
        file.extend(header(if described { &[0; 12] } else { &sizes }));
        file.extend(name.as_bytes());
        file.extend(packed);
        if described {
            file.extend(b"PK\x07\x08");
            file.extend(sizes);
        }
    }
    file.extend(directory);
    file.extend(b"PK\x05\x06");
    file.extend([0; 18]);
    file
}

#[test]
fn the_rows_of_every_member_are_read() {
    let many: String = (0..5000).map(|row| format!("y,{row}\n")).collect();
    let many = format!("b,a\n{many}");
    let file = archive(&[
        ("folder/", "", How::Stored),
        ("folder/one.csv", "a,b\n1,x\nbad,x\n", How::Stored),
        ("__MACOSX/folder/._one.csv", "\u{0}\u{5}", How::Deflated),
        ("two.csv", &many, How::Described),
        ("three.csv", "a,b\n\n", How::Deflated),
    ]);
    let mut plan = csv(&["a int64", "b string"]);
    plan.limits.block_bytes = 1000;
    for sizes in [vec![1 << 20], vec![1, 7, 30]] {
        let outcome = run_from(Trickle { bytes: &file, sizes, turn: 0 }, &plan).unwrap();
        let rows = outcome.rows();
        assert_eq!((rows.len(), rows[0].as_str(), rows[5000].as_str()), (5001, "1|x", "4999|y"));
        let reject = &outcome.rejects[0];
        assert_eq!(reject.member.as_deref(), Some("folder/one.csv"));
        assert_eq!((reject.line, reject.byte_offset), (3, 8));
        assert_eq!(outcome.report.balance.skipped["blank_line"], 1);
        assert_eq!(outcome.report.source_bytes, file.len() as u64);
    }
}

#[test]
fn a_key_counts_once_in_all_members() {
    let bytes = archive(&[
        ("a.csv", "n,s\n1,x\n1,y\n", How::Stored),
        ("b.csv", "n,s\n2,z\n1,q\n2,r\n", How::Stored),
    ]);
    let mut plan = csv(&["n int64", "s string"]);
    plan.file_rules = vec![FileRule {
        text: "unique(n)".into(),
        on_fail: OnFail::RejectRow,
        check: FileCheck::Unique { columns: vec![0] },
    }];
    let outcome = run(bytes, &plan).unwrap();
    assert_eq!(outcome.rows(), ["1|x", "2|z"]);
    assert_eq!(
        outcome.messages(),
        [
            "line 3: `unique(n)` does not hold, line 2 has the same",
            "line 3: `unique(n)` does not hold",
            "line 4: `unique(n)` does not hold, line 2 has the same",
        ]
    );
}

#[test]
fn a_members_own_fault_names_it() {
    let plan = csv(&["a int64"]);
    let file =
        archive(&[("one.csv", "a\n1\n", How::Deflated), ("two.csv", "other\n1\n", How::Deflated)]);
    let error = run(&file, &plan).err().unwrap();
    assert!(error.is_contract());
    insta::assert_snapshot!(error, @"in `two.csv`: the columns differ from the schema: column `a` is missing; column `other` (position 1) is not in the schema");
}

#[test]
fn archives_that_are_damaged_or_locked_are_refused() {
    let plan = csv(&["a int64"]);
    let whole = archive(&[("one.csv", "a\n1\n2\n3\n", How::Described)]);
    let said = |file: &[u8]| run(file, &plan).err().map(|error| error.to_string());
    for cut in [3, 20, 40, 50, whole.len() - 60, whole.len() - 20] {
        let error = said(&whole[..cut]).unwrap_or_else(|| panic!("cut at {cut}"));
        assert!(cut < 4 || error.contains("the ZIP stream ends early"), "{cut}: {error}");
    }
    let mut locked = whole.clone();
    locked[6] |= 1;
    assert!(said(&locked).unwrap().contains("member `one.csv` is encrypted"));
    let mut wrong = archive(&[("one.csv", "a\n1\n", How::Stored)]);
    wrong[14] ^= 1;
    assert!(said(&wrong).unwrap().contains("member `one.csv` has a wrong checksum"));
    let mut method = archive(&[("one.csv", "a\n1\n", How::Deflated)]);
    method[8] = 14;
    assert!(said(&method).unwrap().contains("is packed by method 14"));
    let office = archive(&[("[Content_Types].xml", "<x/>", How::Deflated)]);
    assert!(said(&office).unwrap().contains("an Office document"));
    assert!(said(&archive(&[])).unwrap().contains("no files in it"));
    assert_eq!(
        said(&archive(&[("x/", "", How::Stored)])).unwrap(),
        "unreadable at byte 0: the archive has no files in it"
    );
}
