//! Values that stand somewhere else: in a variable of the host, or in a file.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use wf_model::Problem;
use wf_model::tree::{Entry, Node};

use super::parser::Parser;
use crate::ownership;

/// What every attempt sets itself.
const RESERVED: [&str; 4] = [
    "AX_EXECUTION_ID",
    "AX_STEP_KEY",
    "AX_ATTEMPT",
    "AX_IDEMPOTENCY_KEY",
];

/// What a value begins with when it names a variable of the host.
const FROM_HOST: &str = "env:";

/// What a value begins with when it names a file that holds it.
const FROM_FILE: &str = "file:";

/// The largest file that is taken for a secret, in bytes.
const LARGEST: u64 = 64 * 1024;

/// The largest file of certificates, in bytes; those of a whole system have a quarter of a million.
#[cfg(feature = "openai")]
const LARGEST_BUNDLE: u64 = 16 * 1024 * 1024;

/// A value, and whether it came from where secrets are.
pub(super) struct Given {
    pub(super) value: OsString,
    pub(super) is_secret: bool,
}

/// A variable of a program's environment.
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) given: Given,
}

impl Parser<'_> {
    /// The variables under `env`.
    pub(super) fn variables(&mut self, node: Node) -> Option<Vec<Variable>> {
        let mut variables = Vec::new();
        for Entry { key, value } in self.reader.mapping("env", node)? {
            let name = key.text.to_string();
            if name.is_empty() || name.contains(['=', '\0']) {
                let message = format!("`{}` cannot be the name of a variable", name.escape_debug());
                self.reader.report(
                    Problem::error(key.place, message).help("write letters, digits and `_`"),
                );
            }
            if RESERVED.contains(&name.as_str()) {
                let message = format!("`{name}` is set for every attempt and cannot be given");
                self.reader
                    .report(Problem::error(key.place, message).help("choose another name"));
            }
            if let Some(given) = self.given(&name, value) {
                variables.push(Variable { name, given });
            }
        }
        Some(variables)
    }

    /// A value as it stands, or the one that it refers to as `env:NAME` or `file:PATH`.
    pub(super) fn given(&mut self, name: &str, node: Node) -> Option<Given> {
        let place = node.place;
        let text = self.reader.text(name, node)?;
        let text = self.without_nul(name, place, text)?;
        let (value, is_secret): (OsString, bool) = if let Some(from) = text.strip_prefix(FROM_HOST)
        {
            (self.host_variable(from, place)?, true)
        } else if let Some(from) = text.strip_prefix(FROM_FILE) {
            (self.secret_file(from, place)?, true)
        } else {
            (text.clone().into(), false)
        };
        if is_secret && value.is_empty() {
            let problem = Problem::error(place, format!("what `{text}` names is empty"));
            self.lacks(problem.help(format!("give it a value, or leave `{name}` out")));
            return None;
        }
        Some(Given { value, is_secret })
    }

    /// The value of a variable of the host.
    pub(super) fn host_variable(&mut self, name: &str, place: u32) -> Option<OsString> {
        if name.is_empty() {
            let problem = Problem::error(place, "`env:` names no variable");
            self.reader.report(
                problem.help("write the name of a variable after it, such as `env:API_KEY`"),
            );
            return None;
        }
        let value = if name.contains('=') {
            None
        } else {
            (self.environment)(name)
        };
        if let Some(value) = &value {
            self.secrets.share(value.as_bytes());
        } else {
            let problem = Problem::error(
                place,
                format!("the environment variable `{name}` is not set"),
            );
            self.lacks(problem.help(format!(
                "set it before `ax` is started, with `export {name}=…`"
            )));
        }
        value
    }

    /// The content of a file, without the end of its last line.
    pub(super) fn secret_file(&mut self, path: &str, place: u32) -> Option<OsString> {
        if path.is_empty() {
            let problem = Problem::error(place, "`file:` names no file");
            self.reader
                .report(problem.help("write a path after it, such as `file:secrets/api-key`"));
            return None;
        }
        let file = self.folder.join(path);
        let Unusable { wrong, help } = match read("the secret file", &file, LARGEST) {
            Ok(content) if content.contains(&0) => {
                format!("the file `{}` has a NUL character in it", file.display()).into()
            }
            Ok(content) => {
                let value = without_line_end(content);
                self.secrets.share(value.as_bytes());
                return Some(value);
            }
            Err(unusable) => unusable,
        };
        let help = help.unwrap_or_else(|| {
            "name a file that holds the value alone; a relative path is taken from the folder of the agents file"
                .to_owned()
        });
        self.lacks(Problem::error(place, wrong).help(help));
        None
    }

    /// An agent lacks a secret: a mistake, unless nobody asks it.
    pub(super) fn lacks(&mut self, problem: Problem<u32>) {
        match self.asked {
            None => self.reader.report(problem),
            Some(_) => self.lacking.push(problem),
        }
    }

    /// The content of a file of certificates.
    #[cfg(feature = "openai")]
    pub(super) fn certificates(&mut self, path: &str, place: u32) -> Option<Vec<u8>> {
        let file = self.folder.join(path);
        let what = "the file of certificates";
        let Unusable { wrong, help } = match read(what, &file, LARGEST_BUNDLE) {
            Ok(content) => return Some(content),
            Err(unusable) => unusable,
        };
        let help = help.unwrap_or_else(|| {
            "name a file of certificates as PEM; a relative path is taken from the folder of the agents file".to_owned()
        });
        self.reader.report(Problem::error(place, wrong).help(help));
        None
    }

    /// The text, unless it has in it what no argument, path or variable of a program can hold.
    pub(super) fn without_nul(&mut self, name: &str, place: u32, text: String) -> Option<String> {
        if text.contains('\0') {
            let problem = Problem::error(place, format!("`{name}` has a NUL character in it"));
            self.reader
                .report(problem.help("take it out: programs cannot be given one"));
            return None;
        }
        Some(text)
    }
}

/// What is wrong with a file, and what to do where the caller does not know better.
struct Unusable {
    wrong: String,
    help: Option<String>,
}

impl From<String> for Unusable {
    fn from(wrong: String) -> Self {
        Unusable { wrong, help: None }
    }
}

/// The content of a file, or what is wrong with the file.
fn read(what: &str, file: &Path, largest: u64) -> Result<Vec<u8>, Unusable> {
    let unreadable =
        |error: io::Error| format!("the file `{}` cannot be read: {error}", file.display());
    let open = ownership::open(what, file).map_err(unreadable)?;
    let open = open.map_err(|untrusted| Unusable {
        wrong: untrusted.problem(),
        help: Some(untrusted.way_out()),
    })?;
    let kind = open.metadata().map_err(unreadable)?.file_type();
    let shown = file.display();
    if kind.is_dir() {
        return Err(format!("the file `{shown}` is a folder").into());
    }
    if !kind.is_file() {
        let wrong = "is a pipe or a device, and no file with a content";
        return Err(format!("the file `{shown}` {wrong}").into());
    }
    let mut content = Vec::new();
    let length = open.take(largest + 1).read_to_end(&mut content);
    match length.map_err(unreadable)? {
        length if u64::try_from(length).is_ok_and(|length| length > largest) => {
            let wrong = format!("has more than {largest} bytes, which is too much");
            Err(format!("the file `{shown}` {wrong}").into())
        }
        _ => Ok(content),
    }
}

fn without_line_end(mut content: Vec<u8>) -> OsString {
    for end in [b'\n', b'\r'] {
        if content.last() == Some(&end) {
            content.pop();
        }
    }
    OsString::from_vec(content)
}
