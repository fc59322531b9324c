//! Tables whose columns line up.

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
use wf_core::lifecycle::State;
use wf_core::step::StepState;

use wf_view::printable::printable;

/// The widest that a free text in a table may be, in columns of the terminal.
const WIDEST: usize = 80;

/// Rows under a header; the last column may have any width.
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
}

/// A text without what would steer a terminal, and how it is shown where there are colours.
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Table {
    /// A table with these headers and no rows.
    pub(crate) fn new(headers: &[&str]) -> Self {
        let style = Style::new().bold();
        let header = headers.iter().map(|header| Cell {
            text: header.to_uppercase(),
            style,
        });
        Table {
            rows: vec![header.collect()],
        }
    }

    /// A table of rows only.
    pub(crate) const fn without_header() -> Self {
        Table { rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as text with styles, without a newline at its end.
    pub(crate) fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                self.rows
                    .iter()
                    .filter_map(|row| row.get(column))
                    .map(Cell::width)
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let mut out = String::new();
        for (number, row) in self.rows.iter().enumerate() {
            if number > 0 {
                out.push('\n');
            }
            let mut gap = 0;
            for (cell, width) in row.iter().zip(&widths) {
                if cell.text.is_empty() {
                    gap += width + 2;
                    continue;
                }
                let style = cell.style;
                out.extend(std::iter::repeat_n(' ', gap));
                out.push_str(&format!("{style}{}{style:#}", cell.text));
                gap = width.saturating_sub(cell.width()) + 2;
            }
        }
        out
    }
}

impl Cell {
    /// A text on one line, cut where it is too wide.
    pub(crate) fn cut(text: &str) -> Self {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut cell = Cell::from(line);
        if cell.width() > WIDEST {
            let mut width = 0;
            cell.text = cell
                .text
                .chars()
                .take_while(|letter| {
                    width += letter.width().unwrap_or(0);
                    width < WIDEST
                })
                .chain(['…'])
                .collect();
        }
        cell
    }

    /// The state of an execution, in the word that people use for it.
    pub(crate) fn state(state: State, word: &str) -> Self {
        let style = match state {
            State::Completed => AnsiColor::Green.on_default(),
            State::Failed => AnsiColor::Red.on_default(),
            State::Paused | State::Cancelled => AnsiColor::Yellow.on_default(),
            _ => AnsiColor::Cyan.on_default(),
        };
        Cell {
            text: word.to_owned(),
            style,
        }
    }

    /// The state of a step.
    pub(crate) fn step_state(state: StepState) -> Self {
        let style = match state {
            StepState::Completed => AnsiColor::Green.on_default(),
            StepState::Failed => AnsiColor::Red.on_default(),
            StepState::Cancelled => AnsiColor::Yellow.on_default(),
            StepState::Running => AnsiColor::Cyan.on_default(),
            StepState::Pending | StepState::Skipped => Style::new().dimmed(),
        };
        Cell {
            text: state.name().to_owned(),
            style,
        }
    }

    fn width(&self) -> usize {
        self.text.width()
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell {
            text: printable(text),
            style: Style::new(),
        }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::from(text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(table: &Table) -> String {
        anstream::adapter::strip_str(&table.render()).to_string()
    }

    #[test]
    fn columns_line_up_and_lines_have_no_space_at_their_end() {
        let mut table = Table::new(&["key", "state", "error"]);
        table.row([
            Cell::from("日本"),
            Cell::step_state(StepState::Completed),
            Cell::from(""),
        ]);
        table.row([
            Cell::from("parse-changes"),
            Cell::from(""),
            Cell::cut("no\n such\tfile"),
        ]);
        assert_eq!(
            shown(&table),
            "KEY            STATE      ERROR\n\
             日本           completed\n\
             parse-changes             no such file"
        );
    }

    #[test]
    fn no_cell_steers_the_terminal() {
        for cell in [
            Cell::from("a\u{1b}]0;x\u{7}\u{202e}b"),
            Cell::from(String::from("a\u{1b}]0;x\u{7}\u{202e}b")),
            Cell::cut("a\u{1b}]0;x\u{7}\u{202e}b"),
        ] {
            assert_eq!(cell.text, "a]0;xb");
        }
    }

    #[test]
    fn a_wide_text_is_cut() {
        let cell = Cell::cut(&"ö".repeat(200));
        assert_eq!(cell.width(), WIDEST);
        assert!(cell.text.ends_with('…'));
        assert_eq!(Cell::cut(&"x".repeat(WIDEST)).text, "x".repeat(WIDEST));
    }
}
