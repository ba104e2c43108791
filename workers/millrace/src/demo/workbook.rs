//! Sample workbooks, as little of them as a spreadsheet needs to be one (ECMA-376):
//! cells with texts and numbers, in a ZIP archive that compresses nothing.

use std::fmt::{Display, Write as _};
use std::io;

use flate2::Crc;

/// A cell of a row.
pub(super) enum Cell {
    /// Nothing.
    Empty,
    /// A text.
    Text(String),
    /// A number, as it is kept.
    Number(String),
}

impl Cell {
    /// A text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A number.
    pub(super) fn number(number: impl Display) -> Self {
        Self::Number(number.to_string())
    }
}

/// A workbook while it is put together.
pub(super) struct Workbook {
    /// Names, and the rows as XML.
    sheets: Vec<(String, String)>,
}

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const SHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";

impl Workbook {
    /// One without sheets.
    pub(super) fn new() -> Self {
        Self { sheets: Vec::new() }
    }

    /// Adds a sheet.
    pub(super) fn sheet(mut self, name: &str, rows: &[Vec<Cell>]) -> Self {
        let mut xml = String::new();
        for (number, row) in (1..).zip(rows).filter(|(_, row)| !row.is_empty()) {
            let cells: String =
                ('A'..='Z').zip(row).map(|(column, cell)| cell_xml(column, number, cell)).collect();
            // Writing to a string never fails.
            let _ = write!(xml, "<row r=\"{number}\">{cells}</row>");
        }
        self.sheets.push((name.to_owned(), xml));
        self
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// If it is longer than an archive of this kind can be.
    pub(super) fn bytes(&self) -> io::Result<Vec<u8>> {
        let mut parts = vec![
            ("[Content_Types].xml".to_owned(), self.content_types()),
            ("_rels/.rels".to_owned(), relations(&[("r1", "officeDocument", "xl/workbook.xml")])),
            ("xl/workbook.xml".to_owned(), self.workbook()),
        ];
        let ids: Vec<_> = (1..=self.sheets.len())
            .map(|n| (format!("r{n}"), format!("worksheets/sheet{n}.xml")))
            .collect();
        let related: Vec<_> =
            ids.iter().map(|(id, target)| (&**id, "worksheet", &**target)).collect();
        parts.push(("xl/_rels/workbook.xml.rels".to_owned(), relations(&related)));
        for (n, (_, rows)) in (1..).zip(&self.sheets) {
            let xml =
                format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{rows}</sheetData></worksheet>");
            parts.push((format!("xl/worksheets/sheet{n}.xml"), xml));
        }
        archive(&parts)
    }

    fn content_types(&self) -> String {
        let sheets = (1..=self.sheets.len()).map(|n| {
            format!(
                "<Override PartName=\"/xl/worksheets/sheet{n}.xml\" ContentType=\"{SHEET}.worksheet+xml\"/>"
            )
        });
        format!(
            "<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" \
             ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
             <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
             <Override PartName=\"/xl/workbook.xml\" ContentType=\"{SHEET}.sheet.main+xml\"/>{}</Types>",
            sheets.collect::<String>()
        )
    }

    fn workbook(&self) -> String {
        let sheets = (1..).zip(&self.sheets).map(|(n, (name, _))| {
            format!("<sheet name=\"{}\" sheetId=\"{n}\" r:id=\"r{n}\"/>", escaped(name))
        });
        format!(
            "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets>{}</sheets></workbook>",
            sheets.collect::<String>()
        )
    }
}

fn cell_xml(column: char, row: u32, cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Number(number) => format!("<c r=\"{column}{row}\"><v>{number}</v></c>"),
        Cell::Text(text) => {
            format!("<c r=\"{column}{row}\" t=\"inlineStr\"><is><t>{}</t></is></c>", escaped(text))
        }
    }
}

fn relations(targets: &[(&str, &str, &str)]) -> String {
    let each = targets.iter().map(|(id, kind, target)| {
        format!("<Relationship Id=\"{id}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/>")
    });
    let each: String = each.collect();
    format!("<Relationships xmlns=\"{PACKAGE}/relationships\">{each}</Relationships>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// A ZIP archive of members as they are (APPNOTE.TXT, 4.3).
fn archive(parts: &[(String, String)]) -> io::Result<Vec<u8>> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in parts {
        let offset = field(file.len())?;
        let head = head(name, text.as_bytes())?;
        file.extend(b"PK\x03\x04");
        file.extend(&head);
        file.extend(name.as_bytes());
        file.extend(text.as_bytes());
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&head);
        // No comment, first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(offset);
        directory.extend(name.as_bytes());
    }
    let start = field(file.len())?;
    let count = u16::try_from(parts.len()).map_err(io::Error::other)?.to_le_bytes();
    let length = field(directory.len())?;
    file.extend(directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([count, count].concat());
    file.extend([length, start].concat());
    file.extend([0, 0]);
    Ok(file)
}

/// What a member's own header and the directory say of it.
fn head(name: &str, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut crc = Crc::new();
    crc.update(bytes);
    let size = field(bytes.len())?;
    // Version 2.0, no flags, stored, midnight of the first day that the format knows.
    let mut head = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
    head.extend(crc.sum().to_le_bytes());
    head.extend([size, size].concat());
    head.extend(u16::try_from(name.len()).map_err(io::Error::other)?.to_le_bytes());
    head.extend([0, 0]);
    Ok(head)
}

fn field(number: usize) -> io::Result<[u8; 4]> {
    Ok(u32::try_from(number).map_err(io::Error::other)?.to_le_bytes())
}
