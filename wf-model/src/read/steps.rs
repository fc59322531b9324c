//! The `steps` section.

use std::sync::Arc;

use crate::check::{Gaps, StepGaps, schema_fault};
use crate::definition::{RetryPolicy, Step};
use crate::keys;
use crate::problem::{Places, Problem, StepPlaces, quoted};
use crate::tree::{Entry, Key, Node, Reader, Value};

use super::foreign;
use super::retry::{self, Retry};

/// The steps, and what some of them say of their retries.
#[derive(Default)]
pub(super) struct Steps {
    steps: Vec<Step>,
    retries: Vec<(usize, Retry)>,
}

impl Steps {
    /// Lays each step's retry policy over that of the workflow.
    pub(super) fn resolved(self, config: &Retry, reader: &mut Reader) -> Vec<Step> {
        let base = config.over(&RetryPolicy::default());
        config.warn_of_cut_delay(&base, reader);
        let mut steps = self.steps;
        if base != RetryPolicy::default() {
            steps.iter_mut().for_each(|step| step.retry = base);
        }
        for (index, retry) in &self.retries {
            if let Some(step) = steps.get_mut(*index) {
                step.retry = retry.over(&base);
                retry.warn_of_cut_delay(&step.retry, reader);
            }
        }
        steps
    }
}

const KEYS: [&str; 9] = keys::names(&keys::STEP);

/// What other tools call the keys of a step, such as AutomatosX in its newer files.
const ELSEWHERE: [(&str, &str); 12] = [
    ("stepId", "key"),
    ("step_id", "key"),
    ("id", "key"),
    ("agentId", "agent"),
    ("dependsOn", "dependencies"),
    ("depends_on", "dependencies"),
    ("depends", "dependencies"),
    ("needs", "dependencies"),
    ("retry", "retryPolicy"),
    ("retries", "retryPolicy"),
    ("schema", "outputSchema"),
    ("output_schema", "outputSchema"),
];

/// Reads the steps, their places, and which of their parts could not be read.
pub(super) fn read(
    node: Node,
    reader: &mut Reader,
    places: &mut Places<u32>,
    gaps: &mut Gaps,
) -> Steps {
    let place = node.place;
    let nodes = match node.value {
        Value::Sequence(nodes) => nodes,
        value => {
            gaps.steps = true;
            let message = format!("`steps` is {}, but must be a list", value.kind());
            reader.report(Problem::error(place, message).help("begin each step with `- key: …`"));
            return Steps::default();
        }
    };
    if nodes.is_empty() {
        gaps.steps = true;
        reader.report(
            Problem::error(place, "the workflow has no steps").help("add at least one to `steps`"),
        );
    }
    let count = nodes.len();
    let mut steps = Steps {
        steps: Vec::with_capacity(count),
        retries: Vec::new(),
    };
    places.steps.reserve(count);
    gaps.of_steps.reserve(count);
    places.steps.clear();
    gaps.of_steps.clear();
    for node in nodes {
        let place = node.place;
        let Value::Mapping(_) = node.value else {
            gaps.steps = true;
            let message = format!("a step is {}, but must be a mapping", node.value.kind());
            reader.report(
                Problem::error(place, message)
                    .help("write it as `- key: …` with `agent` and `prompt`"),
            );
            continue;
        };
        let mut reading = Reading::new(place);
        for entry in reader.mapping("step", node).unwrap_or_default() {
            reading.take(entry, reader);
        }
        let (step, step_places, step_gaps, retry) = reading.finish(place, reader);
        steps
            .retries
            .extend(retry.map(|retry| (steps.steps.len(), retry)));
        steps.steps.push(step);
        places.steps.push(step_places);
        gaps.of_steps.push(step_gaps);
    }
    steps
}

/// One step, while its entries are read.
struct Reading {
    step: Step,
    places: StepPlaces<u32>,
    gaps: StepGaps,
    retry: Option<Retry>,
    has_key: bool,
    has_agent: bool,
    has_prompt: bool,
    timeout_spelled: Option<(Arc<str>, u32)>,
}

impl Reading {
    fn new(place: u32) -> Self {
        Reading {
            step: Step::new("", "", ""),
            places: StepPlaces {
                key: place,
                agent: place,
                prompt: place,
                dependencies: Vec::new(),
            },
            gaps: StepGaps::default(),
            retry: None,
            has_key: false,
            has_agent: false,
            has_prompt: false,
            timeout_spelled: None,
        }
    }

    fn take(&mut self, entry: Entry, reader: &mut Reader) {
        let (key, value) = (entry.key, entry.value);
        let name = &*key.text;
        match (name, &value.value) {
            ("key", _) => {
                self.has_key = true;
                self.places.key = value.place;
                match reader.text(name, value) {
                    Some(text) => self.step.key = text,
                    None => self.gaps.key = true,
                }
            }
            ("agent", _) => {
                self.has_agent = true;
                self.places.agent = value.place;
                match reader.text(name, value) {
                    Some(text) => self.step.agent = text,
                    None => self.gaps.agent = true,
                }
            }
            ("prompt", _) => {
                self.has_prompt = true;
                self.places.prompt = value.place;
                match reader.text(name, value) {
                    Some(text) => self.step.prompt = text,
                    None => self.gaps.prompt = true,
                }
            }
            (known, Value::Null) if KEYS.contains(&known) || known == "timeoutMs" => {}
            ("dependencies", _) => match reader.texts(name, value) {
                Some(read) => (self.places.dependencies, self.step.dependencies) = read,
                None => self.gaps.dependencies = true,
            },
            ("parallel", _) => self.step.parallel = reader.boolean(name, value).unwrap_or(true),
            ("optional", _) => self.step.optional = reader.boolean(name, value).unwrap_or_default(),
            ("timeout" | "timeoutMs", _) => {
                if retry::is_first_spelling(&self.timeout_spelled, &key, reader) {
                    self.step.timeout = reader.timeout(name, value);
                    self.timeout_spelled = Some((key.text, key.place));
                }
            }
            ("retryPolicy", _) => self.retry = Some(retry::read(value, reader)),
            ("outputSchema", _) => {
                let place = value.place;
                let schema = reader.json(name, value);
                let fault = schema.as_ref().and_then(schema_fault);
                let unusable = schema
                    .as_ref()
                    .and_then(|schema| reader.schema_fault(schema));
                if let Some(fault) = fault {
                    reader.report(Problem::error(place, format!("`outputSchema` {fault}")));
                } else if let Some(fault) = unusable {
                    let message = format!("`outputSchema` is no JSON Schema: {fault}");
                    reader.report(Problem::error(place, message));
                } else {
                    self.step.output_schema = schema;
                }
            }
            _ => self.take_unknown(key, value, reader),
        }
    }

    /// Reports a key that has no meaning; its value counts as that of the key that was probably meant, so that
    /// one slip is not reported twice.
    fn take_unknown(&mut self, key: Key, value: Node, reader: &mut Reader) {
        if &*key.text == "config"
            && let Value::Mapping(entries) = value.value
        {
            return self.take_nested(&key, entries, reader);
        }
        if let Some(help) = foreign::of_step(&key.text) {
            return reader.foreign_key(&key, help);
        }
        let elsewhere = ELSEWHERE.iter().find(|(name, _)| *name == &*key.text);
        let meant = match elsewhere {
            Some((_, meant)) => Some(reader.unknown_key_for(&key, meant)),
            None => reader.unknown_key(&key, &KEYS),
        };
        let meant = match (meant, &value.value) {
            (Some(meant @ "key"), Value::Text(_)) if !self.has_key => Some(meant),
            (Some(meant @ "agent"), Value::Text(_)) if !self.has_agent => Some(meant),
            (Some(meant @ "prompt"), Value::Text(_)) if !self.has_prompt => Some(meant),
            (Some(meant @ "dependencies"), Value::Sequence(_))
                if self.step.dependencies.is_empty() =>
            {
                Some(meant)
            }
            _ => None,
        };
        if let Some(meant) = meant {
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
    }

    /// Reports settings of a step that stand in a mapping of their own, and takes those that are known.
    fn take_nested(&mut self, key: &Key, entries: Vec<Entry>, reader: &mut Reader) {
        let known = |entry: &Entry| {
            let name = &*entry.key.text;
            KEYS.contains(&name) || ELSEWHERE.iter().any(|(elsewhere, _)| *elsewhere == name)
        };
        let names = entries.iter().filter(|entry| known(entry));
        let names: Vec<String> = names.map(|entry| quoted(&entry.key.text)).collect();
        let help = match names.as_slice() {
            [] => "remove it: the keys of a step stand beside its `key`".to_owned(),
            names => format!("write {} beside the step's `key`", names.join(", ")),
        };
        let message = format!("unknown key {}", quoted(&key.text));
        reader.report(Problem::error(key.place, message).help(help));
        for entry in entries.into_iter().filter(known) {
            self.take(entry, reader);
        }
    }

    fn finish(
        mut self,
        place: u32,
        reader: &mut Reader,
    ) -> (Step, StepPlaces<u32>, StepGaps, Option<Retry>) {
        if !self.has_key {
            self.gaps.key = true;
            reader.missing_key(
                place,
                "key",
                "give the step a key, which other steps can name",
            );
        }
        if !self.has_agent {
            self.gaps.agent = true;
            reader.missing_key(place, "agent", "say which agent does the step");
        }
        if !self.has_prompt {
            self.gaps.prompt = true;
            reader.missing_key(place, "prompt", "say what the agent is asked");
        }
        (self.step, self.places, self.gaps, self.retry)
    }
}
