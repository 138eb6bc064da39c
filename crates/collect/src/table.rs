//! Tables of comma-separated values with a header line.

use csv::{ReaderBuilder, StringRecord};

use crate::error::ReadError;
use crate::input::Input;

/// The header and the rows of a table.
pub(crate) struct Table {
    header: Vec<String>,
    rows: Vec<(usize, StringRecord)>,
}

/// One row of a [`Table`].
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    table: &'a Table,
    record: &'a StringRecord,
    line: usize,
}

impl Table {
    /// Reads the whole text. Rows may have too few or too many cells.
    pub(crate) fn read(input: &Input, separator: u8) -> Result<Self, ReadError> {
        let blank = input.text().len() - input.text().trim_start().len();
        let text = &input.text().as_bytes()[blank..];
        let mut reader = ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(text);
        let broken =
            |cause: csv::Error| input.refuse("expected a table of comma-separated values").caused_by(cause);
        let header = reader.headers().map_err(broken)?.iter().map(|name| name.trim().to_owned()).collect();
        let (mut rows, mut at, mut line) = (Vec::new(), 0, 1);
        for record in reader.records() {
            let record = record.map_err(broken)?;
            // The position lies before the line feed of the row above.
            let start = record.position().map_or(0, |position| position.byte() as usize) + blank;
            let start =
                start + input.text()[start..].bytes().take_while(|byte| b"\r\n".contains(byte)).count();
            line += input.text()[at..start].bytes().filter(|byte| *byte == b'\n').count();
            at = start;
            rows.push((line, record));
        }
        Ok(Self { header, rows })
    }

    /// Returns the names of the columns.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// Returns the rows in their order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|(line, record)| Row { table: self, record, line: *line })
    }
}

impl<'a> Row<'a> {
    /// Returns the cell in the first column that has one of these names, whatever their case; `None` where there
    /// is no such column, or the row ends before it.
    pub(crate) fn get(self, names: &[&str]) -> Option<&'a str> {
        let is_named = |name: &String| names.iter().any(|wanted| name.eq_ignore_ascii_case(wanted));
        let index = self.table.header.iter().position(is_named)?;
        self.record.get(index).map(str::trim)
    }

    /// Returns how many cells the row has where that is not the number of columns.
    pub(crate) fn ragged(self) -> Option<usize> {
        Some(self.record.len()).filter(|cells| *cells != self.table.header.len())
    }

    /// Returns the line on which the row begins, counted from 1.
    pub(crate) fn line(self) -> usize {
        self.line
    }
}

/// Returns the names in the first line of a text, for recognising formats.
pub(crate) fn header(text: &str, separator: u8) -> Vec<String> {
    let line = text.trim_start().lines().next().unwrap_or_default();
    // JSON is no table, and a reader of tables takes as long to make as a small file to read.
    if line.starts_with(['{', '[']) {
        return vec![];
    }
    let mut reader =
        ReaderBuilder::new().has_headers(false).delimiter(separator).from_reader(line.as_bytes());
    let first = reader.records().next().and_then(Result::ok).unwrap_or_default();
    first.iter().map(|name| name.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Options;

    #[test]
    fn rows_know_their_lines() {
        for text in ["\n\na,b\n1,2\n\n\"x\ny\",3\n4\n", "\r\n\r\na,b\r\n1,2\r\n\r\n\"x\r\ny\",3\r\n4\r\n"] {
            let options = Options::default();
            let input = Input::stream("in", text.as_bytes(), &options).unwrap();
            let table = Table::read(&input, b',').unwrap();
            let rows: Vec<_> =
                table.rows().map(|row| (row.line(), row.get(&["B", "none"]), row.ragged())).collect();
            assert_eq!(rows, [(4, Some("2"), None), (6, Some("3"), None), (8, None, Some(1))]);
            assert_eq!(header(text, b','), table.header());
        }
    }
}
