//! Definitions that are made up: every setting there is, as chance has it, and the same every time.

use std::num::NonZeroU32;
use std::time::Duration;

use wf_core::plan::{Definition, Inputs};
use wf_core::value::{Json, Tree};
use wf_model::{Budget, Input, InputKind, OnFailure, PerAttempt, RetryPolicy, Step};

/// What the agent of a step does; the end of the step's key. See [`Scripted`](crate::play::Scripted).
const COURSES: [&str; 7] = [
    "answers",
    "objects",
    "lists",
    "fails-once",
    "fails",
    "breaks",
    "sleeps",
];

/// Text as it stands in a prompt and as a file writes it.
const TEXTS: [(&str, &str); 5] = [
    ("Look at ", "Look at "),
    (
        " \"and\" {\"a\": [1, {}]} then ",
        " \"and\" {\"a\": [1, {}]} then ",
    ),
    ("\n- über\t", "\n- über\t"),
    (" {{escaped}} ", " {{{{escaped}} "),
    (" back\\slash: ", " back\\slash: "),
];

/// The definition of a seed.
pub(crate) fn definition(seed: u64) -> Definition {
    let mut draw = Draw(seed);
    let mut definition = Definition::new(format!("Drawn {seed}"));
    definition.description = draw.maybe(|_| format!("Was drawn with \"{seed}\"."));
    if draw.one_in(2) {
        definition.version = format!("{seed}.2.0-rc");
    }
    definition.author = draw.maybe(|_| "A. U. Thor".to_owned());
    if draw.one_in(2) {
        definition.tags = vec!["drawn".to_owned(), "two words".to_owned()];
    }
    definition.inputs = Some(inputs_of(&mut draw, seed)).filter(|inputs| !inputs.is_empty());
    definition.config.on_failure = OnFailure::ALL[usize::try_from(seed % 3).unwrap()];
    if draw.one_in(2) {
        definition.config.max_parallel = draw.count(3);
    }
    if draw.one_in(3) {
        definition.config.budget = Budget {
            tokens: Some(100_000),
            cost: draw.maybe(|_| 2.5),
            wall_time: draw.maybe(|_| Duration::from_secs(3000)),
            attempts: draw.maybe(|_| 4),
            per_attempt: PerAttempt {
                tokens: Some(10),
                cost: draw.maybe(|_| 0.0),
            },
        };
    }
    if draw.one_in(3) {
        definition.config.timeout = Some(Duration::from_secs(90));
    }
    let usual = retry(&mut draw);
    let count = 3 + draw.below(5);
    for at in 0..count {
        let step = step(&mut draw, &definition, at, &usual);
        definition.steps.push(step);
    }
    definition
}

fn inputs_of(draw: &mut Draw, seed: u64) -> Vec<Input> {
    const NAMES: [&str; 3] = ["git_diff", "for", "n"];
    // One after the other, so that each kind comes up, and what need not be given, which in Rust can be anything.
    let count = seed % 4;
    let begin = seed / 4 * 6 + count * count.saturating_sub(1) / 2;
    let kinds = InputKind::ALL.into_iter().map(Some).chain([None]).cycle();
    let kinds = kinds.skip(usize::try_from(begin).unwrap());
    NAMES
        .into_iter()
        .zip(kinds)
        .take(usize::try_from(count).unwrap())
        .map(|(name, kind)| Input {
            required: kind.is_some(),
            description: draw.maybe(|_| format!("What is given as `{name}`.")),
            ..Input::required(name, kind.unwrap_or(InputKind::Any))
        })
        .collect()
}

fn retry(draw: &mut Draw) -> RetryPolicy {
    let usual = RetryPolicy::default();
    RetryPolicy {
        max_attempts: if draw.one_in(2) {
            draw.count(3)
        } else {
            usual.max_attempts
        },
        initial_delay: if draw.one_in(2) {
            Duration::from_millis(250)
        } else {
            usual.initial_delay
        },
        backoff_multiplier: if draw.one_in(3) {
            1.5
        } else {
            usual.backoff_multiplier
        },
        max_delay: if draw.one_in(3) {
            Duration::from_secs(120)
        } else {
            usual.max_delay
        },
        jitter: draw.one_in(2),
    }
}

fn step(draw: &mut Draw, definition: &Definition, at: u64, usual: &RetryPolicy) -> Step {
    let course = draw.pick(&COURSES);
    let key = match draw.below(6) {
        0 => format!("Step_{at}-{course}"),
        1 if at == 1 => "type".to_owned(),
        _ => format!("step-{at}-{course}"),
    };
    let agent = draw.pick(&["backend", "security", "other-agent", "@review"]);
    let mut prompt = draw.pick(&TEXTS).1.to_owned();
    let mut dependencies = Vec::new();
    for input in definition.inputs.iter().flatten() {
        // Each is used at least once, by the first step.
        if at == 0 || draw.one_in(4) {
            prompt.push_str(&format!("{{{{{}}}}}{}", input.name, draw.pick(&TEXTS).1));
        }
    }
    for before in definition.steps.iter().rev() {
        if draw.one_in(2) {
            prompt.push_str(&format!(
                "{{{{{}.result}}}}{}",
                before.key,
                draw.pick(&TEXTS).1
            ));
            dependencies.push(before.key.clone());
        }
    }
    for before in &definition.steps {
        if !dependencies.contains(&before.key) && draw.one_in(4) {
            dependencies.push(before.key.clone());
        }
    }
    Step {
        dependencies,
        parallel: !draw.one_in(4),
        optional: draw.one_in(4),
        timeout: draw.maybe(|_| Duration::from_secs(30)),
        retry: if draw.one_in(3) { retry(draw) } else { *usual },
        output_schema: draw.one_in(3).then(|| schema(draw)),
        ..Step::new(key, agent, prompt)
    }
}

/// A schema that every answer fits, only some do, or none does.
fn schema(draw: &mut Draw) -> Tree {
    match draw.below(3) {
        0 => serde_json::json!({ "description": "\"any\"" }),
        1 => serde_json::json!({ "type": ["string", "object"] }),
        _ => serde_json::json!({ "type": "boolean" }),
    }
}

/// A value for each input, as JSON; the one that need not be given is `null`.
pub(crate) fn inputs(definition: &Definition) -> Inputs {
    let inputs = definition.inputs.iter().flatten();
    let values = inputs.map(|input| {
        let value = match input.kind {
            _ if !input.required => Tree::Null,
            InputKind::String => Tree::from("a {{string}} with {n}"),
            InputKind::Number => Tree::from(2.5),
            InputKind::Integer => Tree::from(7),
            InputKind::Boolean => Tree::from(true),
            InputKind::Array | InputKind::Any => serde_json::json!([1, "two"]),
            InputKind::Object => serde_json::json!({ "a": "b" }),
        };
        (input.name.clone(), Json::from_value(&value))
    });
    values.collect()
}

/// Chance that is the same every time: SplitMix64 (Steele, Lea, Flood 2014).
struct Draw(u64);

impl Draw {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn one_in(&mut self, all: u64) -> bool {
        self.below(all) == 0
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.one_in(2).then(|| make(self))
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }

    /// A number from 1 to `most`.
    fn count(&mut self, most: u64) -> NonZeroU32 {
        let more = u32::try_from(self.below(most)).unwrap();
        NonZeroU32::MIN.saturating_add(more)
    }
}
