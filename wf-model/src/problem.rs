//! What the checker says, and where.

use std::ops::Range;

/// Says how bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The definition cannot be used.
    Error,
    /// The definition can be used, but probably says something that was not meant.
    Warning,
}

/// Describes one mistake in a definition.
///
/// The place is whatever the front end can point at: a span of tokens, a node of a file, or `()`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem<P> {
    /// Where it is.
    pub at: P,
    /// Which bytes of the text at `at` are meant, after escapes are decoded; one placeholder of a prompt, for example.
    pub within: Option<Range<usize>>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Other places that have to do with it, each with what it is.
    pub also: Vec<(P, String)>,
}

impl<P> Problem<P> {
    /// Returns an error at this place.
    pub fn error(at: P, message: impl Into<String>) -> Self {
        Problem {
            at,
            within: None,
            severity: Severity::Error,
            message: message.into(),
            help: None,
            also: Vec::new(),
        }
    }

    /// Returns a warning at this place.
    pub fn warning(at: P, message: impl Into<String>) -> Self {
        Problem {
            severity: Severity::Warning,
            ..Problem::error(at, message)
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Narrows the place to these bytes of the text that stands there.
    #[must_use]
    pub fn within(mut self, range: Range<usize>) -> Self {
        self.within = Some(range);
        self
    }

    /// Adds another place that has to do with it.
    #[must_use]
    pub fn also(mut self, at: P, message: impl Into<String>) -> Self {
        self.also.push((at, message.into()));
        self
    }
}

/// Says where the parts of a definition stand.
///
/// A list may be shorter than what it describes; what has no place of its own is reported where the
/// whole stands, so `Places::at(place)` is enough for a definition that was written by no person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places<P> {
    /// The whole definition.
    pub definition: P,
    /// The workflow's name.
    pub name: P,
    /// The name of each declared input.
    pub inputs: Vec<P>,
    /// The parts of each step.
    pub steps: Vec<StepPlaces<P>>,
}

impl<P: Clone> Places<P> {
    /// Returns places that all are this one.
    pub fn at(place: P) -> Self {
        Places {
            definition: place.clone(),
            name: place,
            inputs: Vec::new(),
            steps: Vec::new(),
        }
    }

    pub(crate) fn input(&self, input: usize) -> &P {
        self.inputs.get(input).unwrap_or(&self.definition)
    }

    pub(crate) fn key(&self, step: usize) -> &P {
        self.steps
            .get(step)
            .map_or(&self.definition, |step| &step.key)
    }

    pub(crate) fn agent(&self, step: usize) -> &P {
        self.steps
            .get(step)
            .map_or(&self.definition, |step| &step.agent)
    }

    pub(crate) fn prompt(&self, step: usize) -> &P {
        self.steps
            .get(step)
            .map_or(&self.definition, |step| &step.prompt)
    }

    pub(crate) fn dependency(&self, step: usize, entry: usize) -> &P {
        self.steps
            .get(step)
            .and_then(|step| step.dependencies.get(entry))
            .unwrap_or_else(|| self.key(step))
    }
}

/// Says where the parts of a step stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepPlaces<P> {
    /// The key, or the step itself if it has none.
    pub key: P,
    /// The agent's name.
    pub agent: P,
    /// The prompt.
    pub prompt: P,
    /// Each entry of the dependencies.
    pub dependencies: Vec<P>,
}

/// The most problems that are kept of one definition: nobody reads more, and hostile text could make millions.
pub(crate) const MOST_PROBLEMS: usize = 10_000;

/// After so many problems, warnings give way to errors.
pub(crate) const MOST_WARNINGS: usize = MOST_PROBLEMS / 2;

/// Gathers problems, up to [`MOST_PROBLEMS`].
#[derive(Debug)]
pub(crate) struct Problems<P> {
    found: Vec<Problem<P>>,
    has_errors: bool,
}

impl<P> Default for Problems<P> {
    fn default() -> Self {
        Problems {
            found: Vec::new(),
            has_errors: false,
        }
    }
}

impl<P> Problems<P> {
    pub(crate) fn push(&mut self, problem: Problem<P>) {
        self.has_errors |= problem.severity == Severity::Error;
        let most = match problem.severity {
            Severity::Error => MOST_PROBLEMS,
            Severity::Warning => MOST_WARNINGS,
        };
        if self.found.len() < most {
            self.found.push(problem);
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.has_errors
    }

    pub(crate) fn into_vec(self) -> Vec<Problem<P>> {
        self.found
    }
}

/// Puts backticks around a name, [`shown`] as a message can take it.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", shown(name))
}

/// Cuts a name to a length that fits a message, without control characters.
pub(crate) fn shown(name: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown = String::with_capacity(name.len().min(LONGEST));
    for (count, letter) in name.chars().enumerate() {
        if count == LONGEST {
            shown.push('…');
            break;
        }
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// Joins names for a message: the first eight.
pub(crate) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MOST_LISTED: usize = 8;
    let mut names = names.filter(|name| !name.is_empty());
    let mut shown = names
        .by_ref()
        .take(MOST_LISTED)
        .map(quoted)
        .collect::<Vec<_>>()
        .join(", ");
    if names.next().is_some() {
        shown.push_str(", …");
    }
    shown
}
