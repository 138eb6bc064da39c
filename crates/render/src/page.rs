use anstyle::Style;
use unicode_width::UnicodeWidthStr;

/// What text is laid out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many columns it has; a wider table is set as one paragraph a row.
    pub width: usize,
    /// Whether it has colours.
    pub colour: Colour,
}

/// Whether text carries ANSI styles. Words say whatever colours say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// It does.
    Ansi,
    /// It does not.
    Plain,
}

impl Page {
    /// Wraps a text of our own in a style.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        match self.colour {
            Colour::Ansi => format!("{style}{text}{style:#}"),
            Colour::Plain => text.to_owned(),
        }
    }
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// What stands above it.
    pub(crate) title: &'static str,
    /// On which side its cells are flush.
    pub(crate) flush: Flush,
}

/// On which side the cells of a column are flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flush {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A column of words.
pub(crate) const fn words(title: &'static str) -> Column {
    Column { title, flush: Flush::Left }
}

/// A column of numbers.
pub(crate) const fn numbers(title: &'static str) -> Column {
    Column { title, flush: Flush::Right }
}

/// Rows of cells below titles; what is in the cells has been made safe.
#[derive(Clone, Debug)]
pub(crate) struct Table<const N: usize> {
    /// The columns.
    pub(crate) columns: [Column; N],
    /// The rows, each in its style.
    pub(crate) rows: Vec<(Style, [String; N])>,
}

const GAP: &str = "   ";
const INDENT: &str = "    ";

impl<const N: usize> Table<N> {
    /// Sets the table side by side where the page is wide enough, else as one paragraph a row.
    pub(crate) fn text(&self, page: Page) -> String {
        let widths = self.widths();
        let total = widths.iter().sum::<usize>() + GAP.len() * N.saturating_sub(1);
        let lines: Vec<String> = if total <= page.width { self.grid(page, widths) } else { self.stack(page) };
        lines.join("\n")
    }

    fn widths(&self) -> [usize; N] {
        let mut widths = self.columns.map(|column| column.title.width());
        for (_, cells) in &self.rows {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.width());
            }
        }
        widths
    }

    fn grid(&self, page: Page, widths: [usize; N]) -> Vec<String> {
        let titles = self.columns.map(|column| column.title.to_owned());
        let mut lines = vec![self.line(&titles, widths)];
        for (style, cells) in &self.rows {
            lines.push(page.paint(*style, &self.line(cells, widths)));
        }
        lines
    }

    fn line(&self, cells: &[String; N], widths: [usize; N]) -> String {
        let mut line = String::new();
        for ((cell, column), width) in cells.iter().zip(&self.columns).zip(widths) {
            let blanks = " ".repeat(width - cell.width());
            match column.flush {
                Flush::Left => line.extend([cell, blanks.as_str(), GAP]),
                Flush::Right => line.extend([&blanks, cell.as_str(), GAP]),
            }
        }
        line.trim_end().to_owned()
    }

    fn stack(&self, page: Page) -> Vec<String> {
        let mut lines = vec![];
        for (style, cells) in &self.rows {
            lines.push(page.paint(*style, &cells[0]));
            let facts = cells.iter().zip(&self.columns).skip(1).filter(|(cell, _)| !cell.is_empty());
            lines
                .extend(wrapped(facts.map(|(cell, column)| format!("{}: {cell}", column.title)), page.width));
        }
        lines
    }
}

/// Fills indented lines with pieces, never breaking one.
fn wrapped(pieces: impl Iterator<Item = String>, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for piece in pieces {
        match lines.last_mut() {
            Some(line) if line.width() + piece.width() + 2 <= width => line.extend(["; ", &piece]),
            Some(_) | None => lines.push(format!("{INDENT}{piece}")),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table<3> {
        Table {
            columns: [words("name"), numbers("value"), words("remark")],
            rows: vec![
                (Style::new(), ["中文".into(), "12".into(), "wide".into()]),
                (Style::new().bold(), ["parse".into(), "7".into(), String::new()]),
            ],
        }
    }

    #[test]
    fn columns_line_up_whatever_the_script() {
        let page = Page { width: 80, colour: Colour::Plain };
        assert_eq!(table().text(page), "name    value   remark\n中文       12   wide\nparse       7");
    }

    #[test]
    fn a_narrow_page_gets_a_paragraph_for_each_row() {
        let page = Page { width: 20, colour: Colour::Plain };
        let expected = "中文\n    value: 12\n    remark: wide\nparse\n    value: 7";
        assert_eq!(table().text(page), expected);
    }

    #[test]
    fn colours_surround_a_row_and_move_nothing() {
        let page = Page { width: 80, colour: Colour::Ansi };
        assert!(table().text(page).ends_with("\n\u{1b}[1mparse       7\u{1b}[0m"));
    }
}
