//! From the tree to a definition, with the place of each part.

mod budget;
mod config;
mod foreign;
mod inputs;
mod retry;
mod steps;

use crate::check::Gaps;
use crate::definition::{Config, DEFAULT_VERSION, Definition};
use crate::keys;
use crate::problem::{Places, Problem};
use crate::tree::{Entry, Key, Node, Reader, Value};

/// A definition as far as it could be read.
pub(crate) struct Draft {
    pub(crate) definition: Definition,
    pub(crate) places: Places<u32>,
    pub(crate) gaps: Gaps,
}

const KEYS: [&str; 8] = keys::names(&keys::WORKFLOW);

/// Reads a definition; gives nothing if the document is something else altogether.
pub(crate) fn read(root: Node, reader: &mut Reader) -> Option<Draft> {
    let place = root.place;
    match root.value {
        Value::Null => {
            reader.report(
                Problem::error(place, "the file is empty")
                    .help("a workflow has at least a `name` and `steps`"),
            );
            return None;
        }
        Value::Mapping(_) => {}
        value => {
            let message = format!("the file is {}, but must be a mapping", value.kind());
            reader.report(
                Problem::error(place, message)
                    .help("a workflow begins with `name: …` and has `steps`"),
            );
            return None;
        }
    }
    let mut reading = Reading::new(place);
    for entry in reader.mapping("the workflow", root)? {
        reading.take(entry, reader);
    }
    Some(reading.finish(place, reader))
}

/// A definition, while its entries are read.
struct Reading {
    definition: Definition,
    places: Places<u32>,
    gaps: Gaps,
    config: config::Settings,
    steps: steps::Steps,
    has_name: bool,
    has_steps: bool,
    has_inputs: bool,
}

impl Reading {
    fn new(place: u32) -> Self {
        Reading {
            definition: Definition::new(""),
            places: Places::at(place),
            gaps: Gaps::default(),
            config: config::Settings::default(),
            steps: steps::Steps::default(),
            has_name: false,
            has_steps: false,
            has_inputs: false,
        }
    }

    fn take(&mut self, entry: Entry, reader: &mut Reader) {
        let (key, value) = (entry.key, entry.value);
        let name = &*key.text;
        match (name, &value.value) {
            ("name", _) => {
                self.has_name = true;
                self.places.name = value.place;
                match reader.text(name, value) {
                    Some(text) => self.definition.name = text,
                    None => self.gaps.name = true,
                }
            }
            ("steps", _) => {
                self.has_steps = true;
                self.steps = steps::read(value, reader, &mut self.places, &mut self.gaps);
            }
            ("inputs", _) => {
                self.has_inputs = true;
                match inputs::read(value, reader) {
                    Some((inputs, places)) => {
                        (self.definition.inputs, self.places.inputs) = (Some(inputs), places)
                    }
                    None => self.gaps.inputs = true,
                }
            }
            (known, Value::Null) if KEYS.contains(&known) => {}
            ("description", _) => self.definition.description = reader.text(name, value),
            ("version", _) => self.definition.version = version(reader, value),
            ("author", _) => self.definition.author = reader.text(name, value),
            ("tags", _) => {
                let (_, tags) = reader.texts(name, value).unwrap_or_default();
                self.definition.tags = tags;
            }
            ("config", _) => self.config = config::read(value, reader),
            _ => self.take_unknown(key, value, reader),
        }
    }

    /// Reports a key that has no meaning; its value counts as that of the key that was probably meant, so that
    /// one slip is not reported twice.
    fn take_unknown(&mut self, key: Key, value: Node, reader: &mut Reader) {
        if let Some((meant, help)) = foreign::of_workflow(&key.text) {
            reader.foreign_key(&key, help);
            // A `name` that comes later takes its place.
            if meant == "name" && !self.has_name && matches!(value.value, Value::Text(_)) {
                self.take_as(meant, key, value, reader);
            }
            return;
        }
        match (reader.unknown_key(&key, &KEYS), &value.value) {
            (Some(meant @ "name"), Value::Text(_)) if !self.has_name => {
                self.take_as(meant, key, value, reader)
            }
            (Some(meant @ "steps"), Value::Sequence(_)) if !self.has_steps => {
                self.take_as(meant, key, value, reader)
            }
            (Some(meant @ "inputs"), Value::Mapping(_)) if !self.has_inputs => {
                self.take_as(meant, key, value, reader)
            }
            _ => {}
        }
    }

    fn take_as(&mut self, meant: &str, key: Key, value: Node, reader: &mut Reader) {
        self.take(
            Entry {
                key: Key {
                    text: meant.into(),
                    ..key
                },
                value,
            },
            reader,
        );
    }

    fn finish(mut self, place: u32, reader: &mut Reader) -> Draft {
        if !self.has_name {
            self.gaps.name = true;
            reader.missing_key(
                place,
                "name",
                "give the workflow a name, as in `name: code-review`",
            );
        }
        if !self.has_steps {
            self.gaps.steps = true;
            reader.missing_key(
                place,
                "steps",
                "list at least one step, with `key`, `agent` and `prompt`",
            );
        }
        self.definition.steps = self.steps.resolved(&self.config.retry, reader);
        let Config {
            max_parallel,
            timeout,
            on_failure,
            budget: _,
        } = Config::default();
        self.definition.config = Config {
            max_parallel: self.config.max_parallel.unwrap_or(max_parallel),
            timeout: self.config.timeout.or(timeout),
            on_failure: self.config.on_failure.unwrap_or(on_failure),
            budget: self.config.budget,
        };
        Draft {
            definition: self.definition,
            places: self.places,
            gaps: self.gaps,
        }
    }
}

fn version(reader: &mut Reader, node: Node) -> String {
    let place = node.place;
    let Some(version) = reader.text("version", node) else {
        return DEFAULT_VERSION.to_owned();
    };
    if version.trim().is_empty() {
        reader.report(
            Problem::error(place, "`version` is empty")
                .help(format!("leave it out for `{DEFAULT_VERSION}`")),
        );
        return DEFAULT_VERSION.to_owned();
    }
    version
}
