//! Prompt templates: text with `{{placeholders}}`.

use std::ops::Range;

/// Holds the prompts of a definition's steps, cut into text and references whose names are resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Templates {
    parts: Vec<Part>,
    /// Where the parts of each step end.
    ends: Vec<usize>,
}

impl Templates {
    /// Returns what makes up the prompt of a step, in its order; nothing for a step that is not there.
    pub fn parts(&self, step: usize) -> &[Part] {
        let start = match step.checked_sub(1) {
            Some(before) => self.ends.get(before).copied(),
            None => Some(0),
        };
        let range = start.zip(self.ends.get(step).copied());
        range
            .and_then(|(start, end)| self.parts.get(start..end))
            .unwrap_or_default()
    }

    pub(crate) fn with_capacity(steps: usize) -> Self {
        Templates {
            parts: Vec::with_capacity(steps),
            ends: Vec::with_capacity(steps),
        }
    }

    /// Adds a piece of text to the prompt of the step that comes next.
    pub(crate) fn push_text(&mut self, range: Range<usize>) {
        let is_first = self.parts.len() == self.ends.last().copied().unwrap_or(0);
        match self.parts.last_mut() {
            Some(Part::Text(last)) if !is_first && last.end == range.start => last.end = range.end,
            _ => self.parts.push(Part::Text(range)),
        }
    }

    /// Adds a reference to the prompt of the step that comes next.
    pub(crate) fn push(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// Puts a part where another stands.
    pub(crate) fn replace(&mut self, index: usize, part: Part) {
        if let Some(place) = self.parts.get_mut(index) {
            *place = part;
        }
    }

    /// How many parts there are, of all prompts together.
    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Says that the prompt of that step is whole.
    pub(crate) fn close(&mut self) {
        self.ends.push(self.parts.len());
    }
}

/// Makes up a prompt, one after the other: see [`Templates`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text that is inserted as it stands: where in the step's prompt, in bytes, and not empty.
    Text(Range<usize>),
    /// The value of an input, or what a path in it leads to.
    Input {
        /// Which input: an index into [`Checked::inputs`](crate::Checked::inputs).
        input: usize,
        /// Keys and array indices, outermost first; empty for the whole value.
        path: Vec<String>,
        /// How the value is written.
        form: Form,
    },
    /// The result of a step, or what a path in it leads to.
    Step {
        /// Which step: an index into the definition's steps.
        step: usize,
        /// Keys and array indices, outermost first; empty for the whole result.
        path: Vec<String>,
        /// How the value is written.
        form: Form,
    },
}

/// Says how a value is written into a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// A string as it is, anything else as compact JSON.
    #[default]
    Text,
    /// As compact JSON, a string in quotes and with its escapes: `{{name | json}}`.
    Json,
}

impl Form {
    /// The filter that asks for JSON.
    pub(crate) const JSON: &'static str = "json";
}

/// Tells whether a text can name a step or an input: `[A-Za-z_][A-Za-z0-9_-]*`.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Cuts a prompt into pieces; the names in it are not looked up yet.
pub(crate) fn pieces(prompt: &str) -> Pieces<'_> {
    Pieces { prompt, at: 0 }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Text(Range<usize>),
    Placeholder(Placeholder<'a>),
    Broken { range: Range<usize>, fault: Fault },
}

/// A `{{head.path}}` whose form is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placeholder<'a> {
    /// Where it stands in the prompt, in bytes, braces included.
    pub(crate) range: Range<usize>,
    pub(crate) head: &'a str,
    /// What stands after the first dot.
    path: Option<&'a str>,
    pub(crate) form: Form,
}

impl Placeholder<'_> {
    pub(crate) fn is_dotted(&self) -> bool {
        self.path.is_some()
    }

    pub(crate) fn path(&self) -> Vec<String> {
        self.path
            .into_iter()
            .flat_map(|path| path.split('.'))
            .map(|key| key.trim().to_owned())
            .collect()
    }

    /// Returns the path in a step's result: a leading `result` names the result itself.
    pub(crate) fn path_in_result(&self) -> Vec<String> {
        let mut path = self.path();
        if path.first().is_some_and(|first| first == "result") {
            path.remove(0);
        }
        path
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Unclosed,
    Empty,
    Malformed,
    /// What stands after `|` is no filter.
    Filter,
}

pub(crate) struct Pieces<'a> {
    prompt: &'a str,
    at: usize,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let start = self.at;
        let rest = self.prompt.get(start..).filter(|rest| !rest.is_empty())?;
        let Some(inner) = rest.strip_prefix("{{") else {
            let text = opening(rest)
                .and_then(|end| rest.get(..end))
                .unwrap_or(rest);
            self.at += text.len();
            return Some(Piece::Text(start..self.at));
        };
        if inner.starts_with("{{") {
            self.at += 4;
            return Some(Piece::Text(start..start + 2));
        }
        // What comes first decides: `}}` closes the placeholder, `{{` begins another before this one was closed.
        let end = inner
            .as_bytes()
            .windows(2)
            .position(|pair| pair == b"}}" || pair == b"{{");
        let content = end
            .and_then(|end| inner.split_at_checked(end))
            .filter(|(_, after)| after.starts_with('}'));
        let Some((content, _)) = content else {
            self.at += 2;
            return Some(Piece::Broken {
                range: start..start + 2,
                fault: Fault::Unclosed,
            });
        };
        let range = start..start + content.len() + 4;
        self.at = range.end;
        Some(placeholder(content, range))
    }
}

/// Where the first `{{` stands. Most prompts have few braces: looking for one alone is faster than looking for two.
fn opening(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find('{')?;
        if text.as_bytes().get(at + 1) == Some(&b'{') {
            return Some(at);
        }
        from = at + 1;
    }
}

fn placeholder(content: &str, range: Range<usize>) -> Piece<'_> {
    let content = content.trim();
    if content.is_empty() {
        return Piece::Broken {
            range,
            fault: Fault::Empty,
        };
    }
    let (content, form) = match content.split_once('|') {
        None => (content, Form::Text),
        Some((content, filter)) if filter.trim() == Form::JSON => (content.trim_end(), Form::Json),
        Some(_) => {
            return Piece::Broken {
                range,
                fault: Fault::Filter,
            };
        }
    };
    let (head, path) = match content.split_once('.') {
        Some((head, path)) => (head.trim_end(), Some(path)),
        None => (content, None),
    };
    if !is_name(head) || !path.is_none_or(|path| path.split('.').all(|key| is_path_key(key.trim())))
    {
        return Piece::Broken {
            range,
            fault: Fault::Malformed,
        };
    }
    Piece::Placeholder(Placeholder {
        range,
        head,
        path,
        form,
    })
}

fn is_path_key(key: &str) -> bool {
    !key.is_empty()
        && !key.contains(|letter: char| {
            letter.is_whitespace() || letter.is_control() || "{}".contains(letter)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(prompt: &str) -> Vec<String> {
        pieces(prompt)
            .map(|piece| match piece {
                Piece::Text(range) => format!("text {}", &prompt[range]),
                Piece::Placeholder(found) => {
                    format!(
                        "{} {:?} at {:?}",
                        found.head,
                        found.path_in_result(),
                        found.range
                    )
                }
                Piece::Broken { range, fault } => format!("{fault:?} at {range:?}"),
            })
            .collect()
    }

    #[test]
    fn text_and_placeholders_alternate() {
        assert_eq!(shown("a {{b}}c"), ["text a ", "b [] at 2..7", "text c"]);
        assert_eq!(shown("{{b}}{{c-d}}"), ["b [] at 0..5", "c-d [] at 5..12"]);
        assert!(shown("").is_empty());
    }

    #[test]
    fn spaces_inside_the_braces_are_ignored() {
        assert_eq!(shown("{{  b  }}"), ["b [] at 0..9"]);
        assert_eq!(shown("{{ b . c.\td }}"), ["b [\"c\", \"d\"] at 0..14"]);
        assert_eq!(shown("{{\n  b\n}}"), ["b [] at 0..9"]);
    }

    #[test]
    fn a_leading_result_is_the_result_itself() {
        assert_eq!(shown("{{a.result}}"), ["a [] at 0..12"]);
        assert_eq!(
            shown("{{a.result.files.0.name}}"),
            ["a [\"files\", \"0\", \"name\"] at 0..25"]
        );
        assert_eq!(
            shown("{{a.files.0.name}}"),
            ["a [\"files\", \"0\", \"name\"] at 0..18"]
        );
        assert_eq!(shown("{{a.result.result}}"), ["a [\"result\"] at 0..19"]);
        assert_eq!(shown("{{a.results}}"), ["a [\"results\"] at 0..13"]);
    }

    #[test]
    fn four_braces_write_two() {
        assert_eq!(shown("{{{{a}}"), ["text {{", "text a}}"]);
        assert_eq!(shown("{{{{{{a}}"), ["text {{", "a [] at 4..9"]);
    }

    #[test]
    fn closing_and_single_braces_are_text() {
        assert_eq!(shown("a }} b { c }"), ["text a }} b { c }"]);
        assert_eq!(shown("{{a}}}"), ["a [] at 0..5", "text }"]);
    }

    #[test]
    fn an_unclosed_placeholder_ends_where_the_next_begins() {
        assert_eq!(
            shown("{{a {{b}}"),
            ["Unclosed at 0..2", "text a ", "b [] at 4..9"]
        );
        assert_eq!(
            shown("x {{a} y"),
            ["text x ", "Unclosed at 2..4", "text a} y"]
        );
        assert_eq!(shown("{{"), ["Unclosed at 0..2"]);
        assert_eq!(shown("{{{"), ["Unclosed at 0..2", "text {"]);
    }

    #[test]
    fn what_is_no_name_is_malformed() {
        for prompt in [
            "{{a b}}",
            "{{1a}}",
            "{{a..b}}",
            "{{a.}}",
            "{{.a}}",
            "{{a.b c}}",
            "{{{a}}",
            "{{é}}",
        ] {
            assert!(
                matches!(
                    pieces(prompt).next(),
                    Some(Piece::Broken {
                        fault: Fault::Malformed,
                        ..
                    })
                ),
                "{prompt}"
            );
        }
        assert_eq!(shown("{{ }}"), ["Empty at 0..5"]);
        assert_eq!(shown("{{}}"), ["Empty at 0..4"]);
    }

    #[test]
    fn a_path_key_may_be_any_word() {
        assert_eq!(
            shown("{{a.größe.$ref.x-y}}"),
            ["a [\"größe\", \"$ref\", \"x-y\"] at 0..22"]
        );
    }
}
