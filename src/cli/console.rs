//! What is written where: results on standard output, all else on standard error.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};

use anstream::ColorChoice;
use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::value::RawValue;
use wf_model::{Report, Role};

use super::arguments::{Color, Global};
use super::document::{self, ErrorDocument};
use super::exit::{Exit, Failure};
use super::lane::Weight;
use super::output;
use super::table::Table;
use super::usage::hint;
pub(crate) use wf_view::printable::printable;
use wf_view::printable::printable_json;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const NOTE: Style = AnsiColor::Cyan.on_default().bold();
const FRAME: Style = AnsiColor::Blue.on_default().bold();

/// The two streams, and what the user wants to see on them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    /// Whether standard output is one JSON document.
    pub(crate) json: bool,
    /// Whether progress and remarks are left out.
    pub(crate) quiet: bool,
    /// Whether transitions are told.
    pub(crate) verbose: bool,
}

impl Console {
    /// What is used before the command line was read.
    pub(crate) const PLAIN: Console = Console {
        json: false,
        quiet: false,
        verbose: false,
    };

    /// The console as the command line wants it; settles also when colours are used.
    pub(crate) fn new(global: &Global) -> Self {
        let choice = match global.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        choice.write_global();
        Console {
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
        }
    }

    /// Queues a text for standard output, without what would steer a terminal, and with a newline at its end if it has none.
    ///
    /// # Errors
    ///
    /// When standard output could not be written to before.
    pub(crate) fn text(self, text: &str) -> Result<(), Failure> {
        self.text_or(text, |_| ())
    }

    /// Queues a text as [`text`](Self::text) does; when it cannot be written, `otherwise` gets the reason.
    pub(crate) fn text_or(
        self,
        text: &str,
        otherwise: impl FnOnce(&Failure) + Send + 'static,
    ) -> Result<(), Failure> {
        self.write(printable(text), otherwise)
    }

    /// Queues a text for standard output as it is, but for a newline at its end if it has none.
    fn write(
        self,
        mut text: String,
        otherwise: impl FnOnce(&Failure) + Send + 'static,
    ) -> Result<(), Failure> {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        output::print(text, |why| otherwise(&unwritten(why)));
        output::is_read().map(drop).map_err(|why| unwritten(&why))
    }

    /// Waits until standard output has taken all that was queued for it, and says whether anybody still reads it.
    pub(crate) async fn written(self) -> Result<bool, Failure> {
        output::printed().await.map_err(|why| unwritten(&why))
    }

    /// Queues tables for standard output, an empty line between them, with colours where they are wanted.
    pub(crate) fn tables(self, tables: &[Table]) -> Result<(), Failure> {
        let text = tables.iter().map(Table::render).collect::<Vec<_>>();
        let text = text.join("\n\n");
        let text = match anstream::AutoStream::choice(&io::stdout()) {
            ColorChoice::Never => anstream::adapter::strip_str(&text).to_string(),
            _ => text,
        };
        self.write(text, |_| ())
    }

    /// Writes a JSON document to standard output: in one line, or indented where a person reads it. What would steer a
    /// terminal is escaped in it.
    pub(crate) fn document(self, document: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(document)
            .map_err(|error| Failure::system("failed to write the result as JSON", &error))?;
        let text = printable_json(text);
        self.text(&if io::stdout().is_terminal() {
            document::indented(&text)
        } else {
            text
        })
    }

    /// Writes the result of a run to standard output: the JSON object, or on a terminal, when it holds one text
    /// alone, the text. Where the object goes to a file or a program, the text is a remark for whoever watches.
    pub(crate) fn result(self, result: &str) -> Result<(), Failure> {
        let text = only_text(result);
        if io::stdout().is_terminal() {
            return self.text(&text.unwrap_or_else(|| document::indented(result)));
        }
        if let Some(text) = text {
            self.note(&text);
        }
        // To a file or a program it is data.
        self.write(document::indented(result), |_| ())
    }

    /// Writes a line to standard error, whatever else the user wants to see there.
    pub(crate) fn tell(self, text: &str) {
        say(&printable(text));
    }

    /// Writes a remark to standard error, unless the user wants none.
    pub(crate) fn note(self, text: &str) {
        if !self.quiet {
            self.tell(text);
        }
    }

    /// Writes warnings to standard error.
    pub(crate) fn warnings(self, report: &Report) {
        if !report.is_empty() {
            self.report(report);
        }
    }

    /// Writes the mistakes in a file to standard error.
    pub(crate) fn report(self, report: &Report) {
        say(&format!("{}\n", painted(report)));
    }

    /// Writes why the command failed to standard error, and as JSON to standard output where that is wanted.
    pub(crate) fn failure(self, failure: &Failure) {
        if let Some(report) = &failure.report {
            self.report(report);
        }
        self.error(&failure.message);
        if self.json {
            // Nothing is left to be said when standard output is gone as well.
            let _ = self.document(&ErrorDocument::new(
                &failure.message,
                failure.report.as_ref(),
            ));
        }
    }

    /// Writes an error to standard error, its further lines indented.
    pub(crate) fn error(self, message: &str) {
        let message = printable(message).replace('\n', "\n       ");
        say(&format!("{ERROR}error:{ERROR:#} {message}"));
    }
}

/// A text of more than this many bytes, or lines, is told in brief.
const LONG: (usize, usize) = (800, 10);

/// Of a text told in brief, at most this many bytes of its first line are left.
const BEGINNING: usize = 200;

/// Of a text told in brief, at most this many bytes, and lines, are left at its end.
const END: (usize, usize) = (500, 6);

/// The beginning and the last lines of what is long, such as the message of an agent that has written much.
pub(crate) fn brief(text: &str) -> Cow<'_, str> {
    let text = text.trim_end();
    let is_short = text.len() <= LONG.0 && text.lines().count() <= LONG.1;
    let line = text.lines().next().unwrap_or_default();
    let beginning = line.get(..line.floor_char_boundary(BEGINNING));
    let (Some(beginning), false) = (beginning, is_short) else {
        return Cow::Borrowed(text);
    };
    let rest = text.get(beginning.len()..).unwrap_or_default();
    let lines = rest.rmatch_indices('\n').map(|(at, _)| at + 1);
    let from = rest.ceil_char_boundary(rest.len().saturating_sub(END.0));
    // Whole lines, where the last one is none that is too long itself.
    let whole = lines.take(END.1).take_while(|at| *at >= from).last();
    let end = rest.get(whole.unwrap_or(from)..).unwrap_or_default();
    Cow::Owned(match whole {
        Some(_) => format!("{beginning} …\n{end}"),
        None => format!("{beginning} … {end}"),
    })
}

/// The one text that a run's result holds, if it holds nothing else.
fn only_text(result: &str) -> Option<String> {
    let members: HashMap<String, &RawValue> = serde_json::from_str(result).ok()?;
    let mut members = members.into_values();
    let only = members.next().filter(|_| members.next().is_none())?;
    serde_json::from_str(only.get()).ok()
}

/// Makes a panic say in one line that it is a defect.
pub(crate) fn report_defects() {
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let said = payload.downcast_ref::<&str>().copied();
        let said = said
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        let place = panic
            .location()
            .map(|place| format!(" ({}:{})", place.file(), place.line()))
            .unwrap_or_default();
        // The process may end before the thread of standard error comes to it.
        let _ = writeln!(
            anstream::stderr().lock(),
            "{ERROR}error:{ERROR:#} this is a defect of `ax`, please report it: {}{place}",
            printable(said)
        );
    }));
}

/// Writes what is wrong with a command line, or the help that it asks for.
pub(crate) fn usage(error: &clap::Error, arguments: &[OsString]) -> Exit {
    let text = error.to_string();
    let shown = printable(&text);
    if shown == text {
        // Nothing can be done where the streams are closed.
        let _ = error.print();
    } else {
        // It quotes what was typed, and that would steer the terminal.
        say(shown.trim_end());
    }
    if !error.use_stderr() {
        return Exit::Done;
    }
    let hint = hint(error);
    if let Some(hint) = &hint {
        say(&format!("\n{NOTE}hint:{NOTE:#} {}", printable(hint)));
    }
    let options = arguments.iter().take_while(|argument| *argument != "--");
    if options.clone().any(|option| option == "--json") {
        let text = error.to_string();
        let text = text.split("\n\n").next().unwrap_or_default();
        let message = text.strip_prefix("error: ").unwrap_or(text).trim();
        let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
        let message = format!("{message}{hint}");
        let console = Console {
            json: true,
            ..Console::PLAIN
        };
        let _ = console.document(&ErrorDocument::new(&message, None));
    }
    Exit::Wrong
}

/// The report with colours.
fn painted(report: &Report) -> String {
    let mut out = String::new();
    for piece in report.pieces() {
        let style = match piece.role {
            Role::Error => ERROR,
            Role::Warning => WARNING,
            Role::Note => NOTE,
            Role::Message => Style::new().bold(),
            Role::Frame => FRAME,
            _ => Style::new(),
        };
        out.push_str(&format!("{style}{}{style:#}", printable(&piece.text)));
    }
    out
}

fn unwritten(why: &str) -> Failure {
    Failure {
        exit: Exit::Store,
        message: format!("failed to write to standard output: {why}"),
        report: None,
    }
}

/// Queues a line for standard error.
fn say(line: &str) {
    output::say(Weight::Kept, line.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_told_by_its_beginning_and_its_last_lines() {
        let short = "`sh` exited with status 1: no such file\nor folder";
        assert_eq!(brief(short), short);
        let flood: String = (0..200).map(|line| format!("line {line}\n")).collect();
        assert_eq!(
            brief(&format!("`sh` exited with status 1: …{flood}")),
            "`sh` exited with status 1: …line 0 …\nline 194\nline 195\nline 196\nline 197\nline 198\nline 199"
        );
        let one_line = "ü".repeat(5000);
        let told = brief(&one_line);
        assert!(told.len() <= BEGINNING + END.0 + 8, "{}", told.len());
        assert_eq!(told.trim_matches('ü'), " … ");
    }

    #[test]
    fn only_a_result_of_one_text_is_one_text() {
        let text = only_text(r##"{"review":"# Review\nfine"}"##);
        assert_eq!(text.as_deref(), Some("# Review\nfine"));
        assert_eq!(only_text(r#"{"review":{"ok":true}}"#), None);
        assert_eq!(only_text(r#"{"a":"x","b":"y"}"#), None);
    }

    #[test]
    fn a_report_is_painted_and_not_changed() {
        let report = wf_model::Source::yaml("a.yaml", "name: x\nsteps: 1\n")
            .read()
            .unwrap_err();
        let painted = painted(&report);
        assert_ne!(painted, report.to_string());
        assert_eq!(
            anstream::adapter::strip_str(&painted).to_string(),
            report.to_string()
        );
    }
}
