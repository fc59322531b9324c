//! The inputs of a run, from the command line.

use std::collections::btree_map::Entry;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use wf_core::plan::{Inputs, Plan};
use wf_core::value::Json;
use wf_model::InputKind;

use super::arguments::Run;
use super::exit::Failure;
use super::start;

/// The longest input that is read from a file or from standard input, in bytes: 64 MiB.
const LONGEST_INPUT: u64 = 64 << 20;

/// Reads what `--input` and `--input-json` give.
///
/// # Errors
///
/// Every mistake at once, but for those that only the plan can find: an unknown input, a missing one, one
/// of the wrong type.
pub(crate) fn read(plan: &Plan, arguments: &Run) -> Result<Inputs, Failure> {
    let mut given = Given {
        plan,
        values: Inputs::new(),
        mistakes: Vec::new(),
        stdin_is_read: start::is_stdin(&arguments.file).then_some("the workflow"),
    };
    if let Some(json) = &arguments.input_json {
        given.object(json);
    }
    for input in &arguments.inputs {
        given.input(input);
    }
    match given.mistakes.as_slice() {
        [] => Ok(given.values),
        mistakes => Err(Failure::wrong(mistakes.join("\n"))),
    }
}

struct Given<'a> {
    plan: &'a Plan,
    values: Inputs,
    mistakes: Vec<String>,
    /// What standard input was read for.
    stdin_is_read: Option<&'static str>,
}

impl Given<'_> {
    /// Takes `KEY=VALUE`, `KEY=@FILE` or `KEY=@-`.
    fn input(&mut self, input: &OsStr) {
        let bytes = input.as_bytes();
        let mut parts = bytes.splitn(2, |byte| *byte == b'=');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
            let input = input.to_string_lossy();
            self.mistakes.push(format!(
                "`--input {input}` has no `=`; write `--input KEY=VALUE` or `--input KEY=@FILE`"
            ));
            return;
        };
        let name = String::from_utf8_lossy(name).into_owned();
        let what = format!("input `{name}`");
        let text = match self.text(&what, OsStr::from_bytes(value)) {
            Ok(text) => text,
            Err(mistake) => return self.mistakes.push(mistake),
        };
        let kind = self
            .plan
            .inputs()
            .iter()
            .find(|input| input.name == name)
            .map_or(InputKind::String, |input| input.kind);
        if kind == InputKind::String {
            return self.take(name, Json::string(&text));
        }
        match Json::parse(&text) {
            Ok(value) => self.take(name, value),
            Err(error) => {
                let shown = shown(&text);
                self.mistakes.push(format!(
                    "{what} must be of type {}, and {shown} is not JSON ({error}); {}",
                    kind.name(),
                    example(&name, kind),
                ));
            }
        }
    }

    /// Takes a JSON object.
    fn object(&mut self, given: &OsStr) {
        let text = match self.text("`--input-json`", given) {
            Ok(text) => text,
            Err(mistake) => return self.mistakes.push(mistake),
        };
        match serde_json::from_str::<Members>(&text) {
            Ok(Members(members)) => {
                for (name, value) in members {
                    match Json::parse(value.get()) {
                        Ok(value) => self.take(name, value),
                        Err(error) => self
                            .mistakes
                            .push(format!("input `{name}` cannot be read: {error}")),
                    }
                }
            }
            Err(error) => self
                .mistakes
                .push(format!("`--input-json` must be a JSON object: {error}")),
        }
    }

    /// What is meant by a value: itself, the content of a file, or standard input.
    fn text(&mut self, what: &str, value: &OsStr) -> Result<String, String> {
        let not_utf_8 = |from: &str| format!("{what} is not UTF-8{from}");
        let Some(path) = value.as_bytes().strip_prefix(b"@") else {
            return value
                .to_str()
                .map(str::to_owned)
                .ok_or_else(|| not_utf_8(""));
        };
        if path == b"-" {
            if let Some(other) = self.stdin_is_read.replace("another input") {
                return Err(format!(
                    "{what} is to be read from standard input, which {other} is read from already; give one of them \
                     as a file"
                ));
            }
            let bytes = bounded(io::stdin().lock())
                .map_err(|error| format!("failed to read {what}: {error}"))?;
            return String::from_utf8(bytes).map_err(|_| not_utf_8(" (standard input)"));
        }
        let path = Path::new(OsStr::from_bytes(path));
        let shown = path.display();
        let bytes = fs::File::open(path).and_then(bounded).map_err(|error| {
            format!("failed to read {what} from `{shown}`: {error}; a value that begins with `@` goes into `--input-json`")
        })?;
        String::from_utf8(bytes).map_err(|_| not_utf_8(&format!(" (file `{shown}`)")))
    }

    fn take(&mut self, name: String, value: Json) {
        match self.values.entry(name) {
            Entry::Vacant(free) => {
                free.insert(value);
            }
            Entry::Occupied(taken) => {
                self.mistakes
                    .push(format!("input `{}` is given twice", taken.key()));
            }
        }
    }
}

/// What a value of the kind looks like on the command line.
fn example(name: &str, kind: InputKind) -> String {
    let (what, value) = match kind {
        InputKind::Integer => ("a whole number", "10"),
        InputKind::Number => ("a number", "2.5"),
        InputKind::Boolean => ("`true` or `false`", "true"),
        InputKind::Array => ("JSON in single quotes", "'[\"one\", \"two\"]'"),
        InputKind::Object => ("JSON in single quotes", "'{\"key\": \"value\"}'"),
        _ => {
            return format!("a text is written in double quotes, as in `-i {name}='\"text\"'`");
        }
    };
    format!("write {what}, as in `-i {name}={value}`")
}

/// Reads to the end, or to where no input of a workflow can go on.
fn bounded(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(LONGEST_INPUT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_INPUT {
        let error =
            format!("it is longer than {LONGEST_INPUT} bytes; give the path of a file instead");
        return Err(io::Error::other(error));
    }
    Ok(bytes)
}

/// The members of a JSON object, with their repetitions.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object such as `{\"name\": \"value\"}`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// The beginning of a text between backticks.
fn shown(text: &str) -> String {
    let line: String = text
        .chars()
        .take(40)
        .filter(|letter| !letter.is_control())
        .collect();
    let more = if text.chars().nth(40).is_some() {
        "…"
    } else {
        ""
    };
    format!("`{line}{more}`")
}
