//! A text of YAML or JSON, and everything there is to say about it.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use crate::check::{Checked, check_draft, inputs_of_draft};
use crate::definition::{Definition, Input, Step};
use crate::problem::{Problem, Problems, Severity};
use crate::read;
use crate::report::{Finding, Report};
use crate::tree::{Node, Reader, Spot, Spots, Syntax, Wanted, text};

/// The longest file, and the longest text of YAML, that is read, in bytes: 64 MiB.
///
/// A text of JSON may be longer: the canonical form of what was read can be, and must be readable.
pub const MAX_LENGTH: usize = 64 << 20;

/// Names a way to write a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// YAML 1.2, with anchors, aliases and merge keys.
    Yaml,
    /// JSON.
    Json,
}

/// Holds a text to be read, with the name that is shown for it.
///
/// ```
/// use wf_model::Source;
///
/// let source = Source::yaml("review.yaml", "name: review\nsteps:\n  - { key: a, agent: x, prompt: p, dependencies: [b] }\n");
/// let report = source.read().expect_err("there is no step `b`");
/// assert_eq!(report.diagnostics()[0].message, "unknown dependency `b`");
/// assert_eq!((report.diagnostics()[0].line, report.diagnostics()[0].column), (3, 51));
/// ```
#[derive(Debug, Clone)]
pub struct Source {
    name: Arc<str>,
    text: Arc<str>,
    format: Format,
    schema_check: Option<SchemaCheck>,
}

/// Says what is wrong with a JSON Schema.
pub type SchemaCheck = fn(&serde_json::Value) -> Result<(), String>;

impl Source {
    /// Reads a file; its extension says what it is, or failing that, its beginning.
    ///
    /// # Errors
    /// When the file cannot be read, is longer than [`MAX_LENGTH`], or is not UTF-8.
    pub fn file(path: &Path) -> Result<Source, Report> {
        Source::file_as(path, path.display().to_string())
    }

    /// Reads a file as [`Source::file`] does, and calls it by another name in what is found in it.
    ///
    /// # Errors
    /// When the file cannot be read, is longer than [`MAX_LENGTH`], or is not UTF-8.
    pub fn file_as(path: &Path, name: impl Into<String>) -> Result<Source, Report> {
        Source::open(path, name.into(), |_| Ok(()))
    }

    /// Reads a file as [`Source::file`] does, unless `admit` refuses what was opened: with what is wrong with it, and what
    /// to do.
    ///
    /// # Errors
    /// When the file is refused, cannot be read, is longer than [`MAX_LENGTH`], or is not UTF-8.
    pub fn admitted_file(
        path: &Path,
        admit: impl FnOnce(&Metadata) -> Result<(), (String, String)>,
    ) -> Result<Source, Report> {
        Source::open(path, path.display().to_string(), admit)
    }

    fn open(
        path: &Path,
        name: String,
        admit: impl FnOnce(&Metadata) -> Result<(), (String, String)>,
    ) -> Result<Source, Report> {
        let unplaced = |message, help| Report::unplaced(&name, message, Some(help), (0, 0));
        let unreadable = |error: io::Error| {
            let help = "check that the path is right and that you may read it".to_owned();
            unplaced(format!("cannot read the file: {error}"), help)
        };
        let file = File::open(path).map_err(unreadable)?;
        let found = file.metadata().map_err(unreadable)?;
        admit(&found).map_err(|(wrong, help)| unplaced(wrong, help))?;
        let bytes = read_bounded(file).map_err(unreadable)?;
        if bytes.len() > MAX_LENGTH {
            let help = "split the workflow into smaller ones".to_owned();
            return Err(Report::unplaced(
                &name,
                "the file is longer than 64 MiB".to_owned(),
                Some(help),
                (0, 0),
            ));
        }
        let text = String::from_utf8(bytes).map_err(|error| not_utf8(&name, &error))?;
        let format = match path.extension().and_then(|extension| extension.to_str()) {
            Some(extension) if extension.eq_ignore_ascii_case("json") => Format::Json,
            Some(extension)
                if extension.eq_ignore_ascii_case("yaml")
                    || extension.eq_ignore_ascii_case("yml") =>
            {
                Format::Yaml
            }
            _ => format_of(&text),
        };
        Ok(Source::new(name, text, format))
    }

    /// Reads a text to its end; its beginning says what it is.
    ///
    /// # Errors
    /// When it cannot be read, is longer than [`MAX_LENGTH`], or is not UTF-8.
    pub fn from_reader(name: impl Into<String>, reader: impl io::Read) -> Result<Source, Report> {
        let name = name.into();
        let unplaced = |message: String, help: &str| {
            Report::unplaced(&name, message, Some(help.to_owned()), (0, 0))
        };
        let longest = u64::try_from(MAX_LENGTH).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        reader
            .take(longest.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| unplaced(format!("cannot be read: {error}"), "give a file instead"))?;
        if bytes.len() > MAX_LENGTH {
            return Err(unplaced(
                "the text is longer than 64 MiB".to_owned(),
                "split the workflow into smaller ones",
            ));
        }
        let text = String::from_utf8(bytes).map_err(|error| not_utf8(&name, &error))?;
        let format = format_of(&text);
        Ok(Source::new(name, text, format))
    }

    /// Takes a text of YAML.
    pub fn yaml(name: impl Into<String>, text: impl Into<String>) -> Source {
        Source::new(name.into(), text.into(), Format::Yaml)
    }

    /// Takes a text of JSON.
    pub fn json(name: impl Into<String>, text: impl Into<String>) -> Source {
        Source::new(name.into(), text.into(), Format::Json)
    }

    fn new(name: String, text: String, format: Format) -> Source {
        let text = text
            .strip_prefix('\u{feff}')
            .map(Arc::from)
            .unwrap_or_else(|| text.into());
        Source {
            name: name.into(),
            text,
            format,
            schema_check: None,
        }
    }

    /// Has each `outputSchema` pass this check too; without one it need only look like a JSON
    /// Schema.
    #[must_use]
    pub fn with_schema_check(mut self, check: SchemaCheck) -> Source {
        self.schema_check = Some(check);
        self
    }

    /// Returns the name that is shown for the text.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the text, without a byte order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns how the text is written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Reads a workflow definition and checks it; the report with the result holds warnings, or nothing.
    ///
    /// # Errors
    /// With everything that is wrong, warnings among it.
    pub fn read(&self) -> Result<(Checked, Report), Report> {
        let (root, mut reader) = self.parse()?;
        let checked = read::read(root, &mut reader).and_then(|draft| {
            check_draft(
                draft.definition,
                &draft.places,
                &draft.gaps,
                reader.problems(),
            )
        });
        let report = self.report(reader.into_problems());
        match checked {
            Some(checked) => Ok((checked, report)),
            None => Err(report),
        }
    }

    /// Reads a workflow definition as far as that is possible, and says nothing of what is wrong with it.
    ///
    /// For a tool that goes on after it has told what [`read`](Self::read) found. With the definition come the
    /// inputs of a run, as in [`Checked::inputs`]. None when the text is no definition at all.
    pub fn sketch(&self) -> Option<(Definition, Vec<Input>)> {
        let (root, mut reader) = self.parse().ok()?;
        let draft = read::read(root, &mut reader)?;
        let inputs = inputs_of_draft(&draft.definition, &draft.places, &draft.gaps);
        Some((draft.definition, inputs))
    }

    /// Reports what is wrong with the agents that the steps ask: `faults` gives that for a step, each with what to do about
    /// it, and it is reported where the step names its agent.
    pub fn report_agents(
        &self,
        mut faults: impl FnMut(&Step) -> Vec<(String, Option<String>)>,
    ) -> Report {
        let nothing = || self.report(Vec::new());
        let Ok((root, mut reader)) = self.parse() else {
            return nothing();
        };
        let Some(draft) = read::read(root, &mut reader) else {
            return nothing();
        };
        let mut problems = Problems::default();
        for (number, step) in draft.definition.steps.iter().enumerate() {
            for (message, help) in faults(step) {
                let mut problem = Problem::error(*draft.places.agent(number), message);
                problem.help = help;
                problems.push(problem);
            }
        }
        self.report(problems.into_vec())
    }

    /// Parses the text into a tree, to be taken apart with the reader that comes with it.
    ///
    /// The reader may already hold problems: what is odd, but no reason to stop.
    ///
    /// # Errors
    /// When the text is not YAML or JSON at all, is YAML longer than [`MAX_LENGTH`], nests too deep, or expands to
    /// too much.
    pub fn parse(&self) -> Result<(Node, Reader), Report> {
        if self.format == Format::Yaml && self.text.len() > MAX_LENGTH {
            let help = "split it into smaller ones".to_owned();
            return Err(Report::unplaced(
                &self.name,
                "the text is longer than 64 MiB".to_owned(),
                Some(help),
                (0, 0),
            ));
        }
        let parsed = match self.format {
            Format::Yaml => text::parse_yaml(&self.text),
            Format::Json => text::parse_json(&self.text).map(|root| (root, Vec::new())),
        };
        match parsed {
            Ok((root, problems)) => {
                let reader = Reader::new(problems).of_source(self);
                Ok((root, reader))
            }
            Err(Syntax { at, message, help }) => {
                let finding = Finding {
                    severity: Severity::Error,
                    message,
                    help,
                    range: at,
                    notes: Vec::new(),
                };
                Err(Report::new(&self.name, &self.text, vec![finding]))
            }
        }
    }

    /// Finds where nodes of this text's tree stand.
    pub(crate) fn find(&self, wanted: &Wanted) -> Spots {
        match self.format {
            Format::Yaml => text::find_in_yaml(&self.text, wanted),
            Format::Json => text::find_in_json(&self.text, wanted),
        }
    }

    /// Returns the check that each `outputSchema` must pass.
    pub(crate) const fn schema_check(&self) -> Option<SchemaCheck> {
        self.schema_check
    }

    /// Says where each problem of this text's tree stands.
    pub fn report(&self, problems: Vec<Problem<u32>>) -> Report {
        if problems.is_empty() {
            return Report::new(&self.name, &self.text, Vec::new());
        }
        let mut wanted = Wanted::default();
        for problem in &problems {
            match problem.within {
                Some(_) => wanted.text(problem.at),
                None => wanted.place(problem.at),
            }
            problem
                .also
                .iter()
                .for_each(|(place, _)| wanted.place(*place));
        }
        let spots = self.find(&wanted);
        let mut placeholders = std::collections::HashMap::new();
        let findings = problems.into_iter().map(|problem| {
            let at = |place: &u32| spots.get(place).map_or(0..0, |spot| spot.at.clone());
            let within = problem.within.and_then(|within| {
                let spot = spots.get(&problem.at)?;
                let map = placeholders
                    .entry(problem.at)
                    .or_insert_with(|| Placeholders::of(&self.text, spot));
                map.find(&self.text, spot, within)
            });
            Finding {
                severity: problem.severity,
                message: problem.message,
                help: problem.help,
                range: within.unwrap_or_else(|| at(&problem.at)),
                notes: problem
                    .also
                    .into_iter()
                    .map(|(place, message)| (at(&place), message))
                    .collect(),
            }
        });
        let findings = findings.collect();
        Report::new(&self.name, &self.text, findings)
    }
}

/// Where each `{{` of a text stands: in the text itself, and as it is written in the file.
struct Placeholders {
    decoded: Vec<usize>,
    written: Vec<usize>,
}

impl Placeholders {
    fn of(text: &str, spot: &Spot) -> Self {
        let starts = |text: &str, from: usize| {
            text.match_indices("{{")
                .map(|(start, _)| from + start)
                .collect()
        };
        let Some((range, decoded)) = &spot.text else {
            return Placeholders {
                decoded: Vec::new(),
                written: Vec::new(),
            };
        };
        let written = text.get(range.clone()).unwrap_or_default();
        Placeholders {
            decoded: starts(decoded, 0),
            written: starts(written, range.start),
        }
    }

    /// Returns where a part of the text is written; nothing if escapes make it look different.
    fn find(
        &self,
        text: &str,
        spot: &Spot,
        within: std::ops::Range<usize>,
    ) -> Option<std::ops::Range<usize>> {
        let count = self.decoded.binary_search(&within.start).ok()?;
        let start = *self.written.get(count)?;
        let (_, decoded) = spot.text.as_ref()?;
        let part = decoded.get(within)?;
        let rest = text.get(start..)?;
        let alike = part
            .bytes()
            .zip(rest.bytes())
            .take_while(|(a, b)| a == b)
            .count();
        // A part that goes over several lines is written with an indentation of its own.
        let is_whole = alike == part.len()
            || part
                .get(alike..)
                .is_some_and(|rest| rest.starts_with(char::is_whitespace));
        is_whole.then(|| start..start + alike)
    }
}

fn read_bounded(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MAX_LENGTH as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn not_utf8(name: &str, error: &std::string::FromUtf8Error) -> Report {
    let valid = error.utf8_error().valid_up_to();
    let before = String::from_utf8_lossy(error.as_bytes().get(..valid).unwrap_or_default());
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |line| line.chars().count())
        + 1;
    let byte = error.as_bytes().get(valid).copied().unwrap_or_default();
    let message =
        format!("the file is not UTF-8: byte 0x{byte:02x} at offset {valid} begins no character");
    let help = "save it as UTF-8; is it a text file?".to_owned();
    Report::unplaced(name, message, Some(help), (line, column))
}

/// Guesses the format of a text whose file has another name: JSON begins with `{` and a key in double quotes.
fn format_of(text: &str) -> Format {
    let beginning = text.trim_start_matches('\u{feff}').trim_start();
    match beginning.strip_prefix('{').map(str::trim_start) {
        Some(rest) if rest.starts_with(['"', '}']) => Format::Json,
        _ => Format::Yaml,
    }
}
