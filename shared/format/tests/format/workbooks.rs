//! Workbooks for the tests, put together part by part as spreadsheets write
//! them (ECMA-376).

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// Number formats of cells, by the number that cells have for their style.
pub(crate) const DATE: u32 = 1;
pub(crate) const MOMENT: u32 = 2;
pub(crate) const TIME: u32 = 3;

const STYLES: &str = r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="21"/></cellXfs></styleSheet>"#;

/// A workbook while it is put together.
#[derive(Default)]
pub(crate) struct Book {
    sheets: Vec<(String, String)>,
    strings: Vec<String>,
    pub(crate) is_1904: bool,
}

impl Book {
    /// Adds a sheet of cells such as `<c r="A1"><v>1</v></c>`, row by row.
    pub(crate) fn sheet(mut self, name: &str, rows: &[(u32, String)]) -> Self {
        let row = |(number, cells): &(u32, String)| format!("<row r=\"{number}\">{cells}</row>");
        self.sheets.push((name.to_owned(), rows.iter().map(row).collect()));
        self
    }

    /// A text among those that all sheets share, as a cell.
    pub(crate) fn text(&mut self, cell: &str, text: &str) -> String {
        self.strings.push(text.to_owned());
        format!("<c r=\"{cell}\" t=\"s\"><v>{}</v></c>", self.strings.len() - 1)
    }

    /// The bytes of the file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
        let rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let numbered = || (1..).zip(&self.sheets);
        let sheets: String = numbered()
            .map(|(n, (name, _))| format!("<sheet name=\"{name}\" sheetId=\"{n}\" r:id=\"r{n}\"/>"))
            .collect();
        let rels: String = numbered()
            .map(|(n, _)| {
                format!("<Relationship Id=\"r{n}\" Type=\"{rel}/worksheet\" Target=\"worksheets/sheet{n}.xml\"/>")
            })
            .collect();
        let strings: String =
            self.strings.iter().map(|text| format!("<si><t>{text}</t></si>")).collect();
        let package = "http://schemas.openxmlformats.org/package/2006";
        let mut parts = vec![
            (
                "[Content_Types].xml".to_owned(),
                format!("<Types xmlns=\"{package}/content-types\"/>"),
            ),
            (
                "_rels/.rels".to_owned(),
                format!(
                    "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"r1\" Type=\"{rel}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
                ),
            ),
            (
                "xl/workbook.xml".to_owned(),
                format!(
                    "<workbook xmlns=\"{main}\" xmlns:r=\"{rel}\"><workbookPr date1904=\"{}\"/><sheets>{sheets}</sheets></workbook>",
                    u8::from(self.is_1904)
                ),
            ),
            (
                "xl/_rels/workbook.xml.rels".to_owned(),
                format!(
                    "<Relationships xmlns=\"{package}/relationships\">{rels}<Relationship Id=\"s\" Type=\"{rel}/styles\" Target=\"styles.xml\"/><Relationship Id=\"t\" Type=\"{rel}/sharedStrings\" Target=\"sharedStrings.xml\"/></Relationships>"
                ),
            ),
            ("xl/styles.xml".to_owned(), STYLES.to_owned()),
            ("xl/sharedStrings.xml".to_owned(), format!("<sst xmlns=\"{main}\">{strings}</sst>")),
        ];
        parts.extend(numbered().map(|(n, (_, rows))| {
            let xml =
                format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>");
            (format!("xl/worksheets/sheet{n}.xml"), xml)
        }));
        zip(&parts)
    }
}

/// A number as a cell.
pub(crate) fn number(cell: &str, value: &str) -> String {
    format!("<c r=\"{cell}\"><v>{value}</v></c>")
}

/// A number that is shown by a style, as a cell.
pub(crate) fn styled(cell: &str, style: u32, value: &str) -> String {
    format!("<c r=\"{cell}\" s=\"{style}\"><v>{value}</v></c>")
}

/// A cell of type `b`, `e`, `str` or `d`, with a formula as spreadsheets keep it.
pub(crate) fn typed(cell: &str, kind: &str, value: &str) -> String {
    format!("<c r=\"{cell}\" t=\"{kind}\"><f>1+1</f><v>{value}</v></c>")
}

/// A ZIP archive of deflated members.
pub(crate) fn zip(parts: &[(String, String)]) -> Vec<u8> {
    let bytes = |(name, text): &(String, String)| (name.clone(), text.clone().into_bytes());
    zip_of(&parts.iter().map(bytes).collect::<Vec<_>>())
}

/// A ZIP archive of deflated members that are no text.
pub(crate) fn zip_of(parts: &[(impl AsRef<str>, Vec<u8>)]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in parts {
        let name = name.as_ref();
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        let packed = encoder.finish().unwrap();
        let mut crc = Crc::new();
        crc.update(text);
        let mut common = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
        for number in [crc.sum(), packed.len() as u32, text.len() as u32] {
            common.extend(number.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend((file.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        file.extend(b"PK\x03\x04");
        file.extend(&common);
        file.extend(name.as_bytes());
        file.extend(&packed);
    }
    let (start, count) = (file.len() as u32, parts.len() as u16);
    file.extend(&directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend(count.to_le_bytes());
    file.extend(count.to_le_bytes());
    file.extend((directory.len() as u32).to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0, 0]);
    file
}
