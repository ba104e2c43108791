//! The rows of a sheet, cell by cell as they stand in the workbook.
//!
//! Every cell becomes the text that a CSV file would have for it: numbers in
//! their shortest form, dates and times as ISO 8601, booleans as words. The
//! table begins with the first row that has a value, and its columns with the
//! first cell of that row, unless a range says where it lies.

use std::fs::File;
use std::mem::take;
use std::sync::Arc;

use calamine::{Cell, DataRef};
use millrace_contract::{CellRange, XlsxOptions};

use super::workbook::{self, Workbook, damaged};
use super::{Enter, guarded, unreadable};
use crate::bind::stable_names;
use crate::block::{Block, CELL_END, Cells, MalformedRow, Places};
use crate::fault::Malformed;
use crate::split::Counts;
use crate::values::cell_text;
use crate::{FormatError, Limits, SchemaDifference};

/// Rows of a block, at most.
const MOST_ROWS: usize = 4096;

/// A sheet whose header has been read.
pub(crate) struct Sheet {
    workbook: Workbook,
    name: String,
    area: CellRange,
    has_range: bool,
    header: Option<Vec<String>>,
    nulls: Vec<String>,
    limits: Limits,
    /// Rows in front of the header that have values.
    preamble: u64,
    blank: u64,
    /// Rows of other tables.
    outside: u64,
}

/// First and last row of a table among others.
struct Table {
    first: u32,
    last: u32,
}

impl Table {
    fn rows(&self) -> u64 {
        u64::from(self.last - self.first) + 1
    }
}

/// Adds a part to a name, if it says something.
fn join(name: &mut String, part: &str) {
    if !name.is_empty() && !part.is_empty() {
        name.push('_');
    }
    name.push_str(part);
}

/// The cells of one row, in any order.
#[derive(Default)]
struct Row {
    number: u32,
    cells: Vec<(u32, Value)>,
    bytes: usize,
}

enum Value {
    Text(String),
    Error(String),
}

impl Sheet {
    /// Opens a workbook and reads the header of the sheet that is meant.
    ///
    /// # Errors
    /// [`FormatError::Plan`] if there is no such sheet, listing those there are,
    /// and [`FormatError::Unreadable`] if the workbook is damaged.
    pub(crate) fn open(
        file: File,
        options: &XlsxOptions,
        limits: &Limits,
    ) -> Result<Self, FormatError> {
        let workbook = workbook::open(file, limits)?;
        let name = workbook::sheet_name(&workbook, options.sheet.as_ref())?;
        let all =
            CellRange { first_column: 0, last_column: u32::MAX - 1, first_row: 0, last_row: None };
        let mut sheet = Self {
            workbook,
            name,
            area: options.range.unwrap_or(all),
            has_range: options.range.is_some(),
            header: None,
            nulls: options.null.clone(),
            limits: limits.clone(),
            preamble: 0,
            blank: 0,
            outside: 0,
        };
        sheet.find_table(options)?;
        Ok(sheet)
    }

    /// The names of the columns, if the first row has them.
    pub(crate) fn header(&self) -> Option<&[String]> {
        self.header.as_deref()
    }

    /// How many columns the table has.
    pub(crate) fn width(&self) -> usize {
        (self.area.last_column - self.area.first_column) as usize + 1
    }

    /// Finds the first row of the table, and takes it off if it is the header.
    fn find_table(&mut self, options: &XlsxOptions) -> Result<(), FormatError> {
        if let Some(number) = options.table {
            self.choose_table(number)?;
        }
        let rows = self.first_rows(options)?;
        let Some(last) = rows.last() else {
            return match options.header {
                true => Err(FormatError::Schema(vec![SchemaDifference::NoHeader])),
                false => Err(unreadable(format!("the sheet `{}` has no values", self.name))),
            };
        };
        let columns = || rows.iter().flat_map(|row| &row.cells).map(|(column, _)| *column);
        if options.range.is_none() {
            self.area.first_column = columns().min().unwrap_or_default();
            self.area.last_column = columns().max().unwrap_or_default();
        }
        if self.width() > self.limits.columns {
            return Err(FormatError::Schema(vec![SchemaDifference::TooMany(self.limits.columns)]));
        }
        self.area.first_row = last.number;
        if options.header {
            self.area.first_row += 1;
            self.header = Some(self.names(rows));
        }
        Ok(())
    }

    /// The first rows behind those that are skipped: as many as the header has, or
    /// one.
    fn first_rows(&mut self, options: &XlsxOptions) -> Result<Vec<Row>, FormatError> {
        let wanted = if options.header { options.header_rows.max(1) as usize } else { 1 };
        let first = self.area.first_row.saturating_add(options.skip_rows);
        let (mut preamble, mut blank, mut found) = (0, 0, Vec::new());
        self.rows(&mut |row| {
            if row.cells.is_empty() {
                blank += 1;
            } else if row.number < first {
                preamble += 1;
            } else {
                found.push(row);
            }
            Ok(found.len() < wanted)
        })?;
        self.preamble += preamble;
        self.blank += blank;
        // A header that is cut short is none.
        if found.len() < wanted { Ok(Vec::new()) } else { Ok(found) }
    }

    /// The names that the rows of a header give its columns.
    fn names(&self, rows: Vec<Row>) -> Vec<String> {
        let mut names = vec![String::new(); self.width()];
        let last = rows.len().saturating_sub(1);
        for (at, row) in rows.into_iter().enumerate() {
            let mut texts = vec![String::new(); names.len()];
            for (column, value) in row.cells {
                let (Value::Text(text) | Value::Error(text)) = value;
                texts[(column - self.area.first_column) as usize] = text;
            }
            let mut above = String::new();
            for (name, text) in names.iter_mut().zip(texts) {
                if at < last && text.is_empty() {
                    join(name, &above);
                } else {
                    join(name, &text);
                    above = text;
                }
            }
        }
        names
    }

    /// Makes the area that of one of the tables that blank rows set apart.
    ///
    /// # Errors
    /// [`FormatError::Plan`] if there are not as many.
    fn choose_table(&mut self, number: i32) -> Result<(), FormatError> {
        let (mut tables, mut blank, mut behind) = (Vec::<Table>::new(), 0, None);
        self.rows(&mut |row| {
            if row.cells.is_empty() {
                blank += 1;
                return Ok(true);
            }
            // A row without a cell is not handed over.
            let goes_on = behind.replace(row.number).is_some_and(|last| last + 1 == row.number);
            match tables.last_mut().filter(|_| goes_on) {
                Some(table) => table.last = row.number,
                None => tables.push(Table { first: row.number, last: row.number }),
            }
            Ok(true)
        })?;
        let count = tables.len();
        let at = match usize::try_from(number) {
            Ok(from_start) => from_start.checked_sub(1),
            Err(_) => count.checked_sub(number.unsigned_abs() as usize),
        };
        let Some(table) = at.and_then(|at| tables.get(at)) else {
            let name = &self.name;
            let what =
                format!("the sheet `{name}` has {count} tables, and none is number {number}");
            return Err(FormatError::Plan { what });
        };
        (self.area.first_row, self.area.last_row) = (table.first, Some(table.last));
        self.outside = tables.iter().map(Table::rows).sum::<u64>() - table.rows();
        self.blank = blank;
        Ok(())
    }

    /// Hands over all rows of `fields` cells, block by block.
    pub(crate) fn read(
        &mut self,
        fields: usize,
        enter: &mut Enter<'_>,
    ) -> Result<Counts, FormatError> {
        let rows = self.preamble + self.blank + self.outside;
        let mut counts = Counts { rows, ..Counts::default() };
        counts.skipped.preamble = self.preamble;
        counts.skipped.blank = self.blank;
        counts.skipped.outside = self.outside;
        let named = match &self.header {
            Some(header) => stable_names(header),
            None => stable_names(&vec![String::new(); fields]),
        };
        let mut filled = Filling {
            header: named.into(),
            first_column: self.area.first_column,
            fields,
            block: Block::default(),
            nulls: take(&mut self.nulls),
        };
        filled.start();
        let Limits { block_bytes, row_bytes, .. } = self.limits;
        self.rows(&mut |row| {
            counts.rows += 1;
            if row.bytes > row_bytes {
                let number = row.number + 1;
                return Err(unreadable(format!("row {number} is longer than {row_bytes} bytes")));
            }
            if row.cells.is_empty() {
                counts.skipped.blank += 1;
                return Ok(true);
            }
            filled.push(row);
            let is_full =
                filled.block.read as usize == MOST_ROWS || filled.block.bytes.len() >= block_bytes;
            if is_full { enter(filled.take()) } else { Ok(true) }
        })?;
        if filled.block.read > 0 {
            enter(filled.take())?;
        }
        Ok(counts)
    }

    /// Calls `each` with every row of the area that the sheet has, until it
    /// answers false.
    fn rows(
        &mut self,
        each: &mut dyn FnMut(Row) -> Result<bool, FormatError>,
    ) -> Result<(), FormatError> {
        let area = self.area;
        let has_range = self.has_range;
        let (workbook, name) = (&mut self.workbook, &self.name);
        let opened = guarded("workbook", move || workbook.worksheet_cells_reader(name))?;
        let mut cells = opened.map_err(|error| damaged(&error))?;
        let mut row = Row::default();
        let mut is_open = false;
        loop {
            let cell = guarded("workbook", || cells.next_cell())?;
            let Some(cell) = cell.map_err(|error| damaged(&error))? else { break };
            let (number, column) = cell.get_position();
            if is_open && number != row.number {
                if number < row.number {
                    let what = format!("row {} comes behind row {}", number + 1, row.number + 1);
                    return Err(unreadable(format!("the sheet is damaged: {what}")));
                }
                is_open = false;
                if !each(take(&mut row))? {
                    return Ok(());
                }
            }
            if area.last_row.is_some_and(|last| number > last) {
                return Ok(());
            }
            if number < area.first_row {
                continue;
            }
            (is_open, row.number) = (true, number);
            let is_inside = (area.first_column..=area.last_column).contains(&column);
            // What lies beside a range that is given is not of the table; beside a
            // table that was found it makes its row too long.
            if is_inside || !has_range {
                row.add(column, &cell);
            }
        }
        if is_open {
            each(row)?;
        }
        Ok(())
    }
}

impl Row {
    /// Adds a cell, unless it is empty. Of two for one place the last one counts.
    fn add(&mut self, column: u32, cell: &Cell<DataRef<'_>>) {
        let value = match cell.get_value() {
            DataRef::Error(error) => Value::Error(error.to_string()),
            value => match cell_text(value) {
                Some(text) => Value::Text(text),
                None => return,
            },
        };
        let (Value::Text(text) | Value::Error(text)) = &value;
        self.bytes += text.len() + 1;
        self.cells.retain(|(other, _)| *other != column);
        self.cells.push((column, value));
    }
}

/// A block while it is filled with rows.
struct Filling {
    header: Arc<[String]>,
    first_column: u32,
    /// Cells per row.
    fields: usize,
    /// Texts of errors that mean null.
    nulls: Vec<String>,
    block: Block,
}

impl Filling {
    fn start(&mut self) {
        let Self { header, first_column, block, .. } = self;
        let (header, first_column) = (Arc::clone(header), *first_column);
        block.places = Places::Cells(Cells { rows: Vec::new(), first_column, header });
        block.rows.reset(self.fields);
    }

    fn take(&mut self) -> Block {
        let block = take(&mut self.block);
        self.start();
        block
    }

    /// Adds a row: its cells one behind the other, each closed by a character that
    /// no cell holds.
    fn push(&mut self, row: Row) {
        let Self { block, fields, first_column, .. } = self;
        let start = block.bytes.len() as u32;
        let place = |column: u32| column.wrapping_sub(*first_column) as usize;
        let beside = row.cells.iter().filter(|(column, _)| place(*column) >= *fields).count();
        let mut fault = (beside > 0)
            .then(|| Malformed::FieldCount { expected: *fields, found: *fields + beside });
        let mut texts = vec![String::new(); *fields];
        for (column, value) in row.cells {
            let Some(text) = texts.get_mut(place(column)) else { continue };
            *text = match value {
                Value::Text(text) => text,
                Value::Error(error) => {
                    if fault.is_none() && !self.nulls.contains(&error) {
                        let (field, error) = (place(column), error.clone());
                        fault = Some(Malformed::ErrorCell { field, error });
                    }
                    error
                }
            };
        }
        let mut marks = vec![start.wrapping_sub(1)];
        for (index, text) in texts.iter().enumerate() {
            if index > 0 {
                block.bytes.push(CELL_END);
            }
            block.bytes.extend(text.bytes());
            marks.push(block.bytes.len() as u32);
        }
        match fault {
            Some(fault) => {
                let end = block.bytes.len() as u32;
                block.malformed.push(MalformedRow { start, end, fault });
            }
            None => block.rows.marks.extend(marks),
        }
        block.bytes.push(CELL_END);
        block.read += 1;
        if let Places::Cells(cells) = &mut block.places {
            cells.rows.push((start, u64::from(row.number) + 1));
        }
    }
}
