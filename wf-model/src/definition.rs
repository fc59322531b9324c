//! The workflow definition as plain data.

use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::Value;

use crate::agent_ref::AgentRef;
use crate::budget::Budget;
use crate::literal::Literal;

/// The version that a definition has when it names none.
pub const DEFAULT_VERSION: &str = "1.0.0";

/// Describes a workflow: what it takes, how it runs, and its steps.
///
/// This is plain data, whatever it was read from. [`check`](crate::check) turns it into a
/// [`Checked`](crate::Checked) definition, whose names are resolved and whose graph is acyclic.
///
/// ```
/// use wf_model::{Definition, Step};
///
/// let mut review = Definition::new("review");
/// review.steps.push(Step::new("parse", "backend", "Parse {{diff}}"));
/// review.steps.push(Step { dependencies: vec!["parse".into()], ..Step::new("audit", "security", "Audit {{parse}}") });
///
/// let (checked, warnings) = wf_model::check_unplaced(review).expect("a correct definition");
/// assert_eq!(checked.inputs[0].name, "diff");
/// assert!(warnings.is_empty());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The workflow's name; not empty.
    pub name: String,
    /// What the workflow is for.
    pub description: Option<String>,
    /// The version of the workflow; [`DEFAULT_VERSION`] unless given.
    pub version: String,
    /// Who wrote the workflow.
    pub author: Option<String>,
    /// Free words to find the workflow by.
    pub tags: Vec<String>,
    /// The declared inputs; `None` when the definition has no `inputs` section.
    pub inputs: Option<Vec<Input>>,
    /// How an execution is driven.
    pub config: Config,
    /// The steps, in file order; at least one.
    pub steps: Vec<Step>,
}

impl Definition {
    /// Returns a definition with this name, everything else at its default, and no steps yet.
    pub fn new(name: impl Into<String>) -> Self {
        Definition {
            name: name.into(),
            description: None,
            version: DEFAULT_VERSION.to_owned(),
            author: None,
            tags: Vec::new(),
            inputs: None,
            config: Config::default(),
            steps: Vec::new(),
        }
    }
}

/// Declares one input of a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// The name that templates use; `[A-Za-z_][A-Za-z0-9_-]*`.
    pub name: String,
    /// What values it takes.
    pub kind: InputKind,
    /// Whether a run must give it; never true when there is a default.
    pub required: bool,
    /// The value it has when a run does not give it.
    pub default: Option<Literal>,
    /// What the input is.
    pub description: Option<String>,
}

impl Input {
    /// Returns a required input of this name and kind.
    pub fn required(name: impl Into<String>, kind: InputKind) -> Self {
        Input {
            name: name.into(),
            kind,
            required: true,
            default: None,
            description: None,
        }
    }
}

/// Names the kind of value that an input takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InputKind {
    /// Text.
    String,
    /// Any number.
    Number,
    /// A number without a fraction.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A JSON array.
    Array,
    /// A JSON object.
    Object,
    /// Anything, `null` included.
    Any,
}

impl InputKind {
    /// Every kind, in the order in which they are documented.
    pub const ALL: [InputKind; 7] = [
        InputKind::String,
        InputKind::Number,
        InputKind::Integer,
        InputKind::Boolean,
        InputKind::Array,
        InputKind::Object,
        InputKind::Any,
    ];

    /// Returns the name that a definition uses for this kind.
    pub const fn name(self) -> &'static str {
        match self {
            InputKind::String => "string",
            InputKind::Number => "number",
            InputKind::Integer => "integer",
            InputKind::Boolean => "boolean",
            InputKind::Array => "array",
            InputKind::Object => "object",
            InputKind::Any => "any",
        }
    }

    /// Returns the kind that has this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Tells whether an input of this kind takes this value.
    ///
    /// A number without a fraction is an integer however it is written, as in JSON Schema: `2.0` is one.
    pub fn accepts(self, value: &Value) -> bool {
        match self {
            InputKind::String => value.is_string(),
            InputKind::Number => value.is_number(),
            InputKind::Integer => match value {
                Value::Number(number) => {
                    number.is_i64()
                        || number.is_u64()
                        || number.as_f64().is_some_and(|float| float.fract() == 0.0)
                }
                _ => false,
            },
            InputKind::Boolean => value.is_boolean(),
            InputKind::Array => value.is_array(),
            InputKind::Object => value.is_object(),
            InputKind::Any => true,
        }
    }
}

/// Says how an execution is driven.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// How many steps of one execution may run at once; 16 unless given.
    pub max_parallel: NonZeroU32,
    /// How long one execution may be driven, not counting the time it is paused; unlimited unless given.
    pub timeout: Option<Duration>,
    /// What a step's failure does to the rest.
    pub on_failure: OnFailure,
    /// What one execution may use before it pauses; unlimited unless given.
    pub budget: Budget,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            max_parallel: NonZeroU32::MIN.saturating_add(15),
            timeout: None,
            on_failure: OnFailure::default(),
            budget: Budget::default(),
        }
    }
}

/// Says what the failure of a step does to the rest of the execution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum OnFailure {
    /// Nothing new starts, running steps finish, then the execution has failed.
    #[default]
    Fail,
    /// What does not depend on the failed step still runs, then the execution has failed.
    Continue,
    /// The execution is paused; the failed step runs again on resume.
    Pause,
}

impl OnFailure {
    /// Every choice, in the order in which they are documented.
    pub const ALL: [OnFailure; 3] = [OnFailure::Fail, OnFailure::Continue, OnFailure::Pause];

    /// Returns the name that a definition uses for this choice.
    pub const fn name(self) -> &'static str {
        match self {
            OnFailure::Fail => "fail",
            OnFailure::Continue => "continue",
            OnFailure::Pause => "pause",
        }
    }

    /// Returns the choice that has this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == name)
    }
}

/// Says how often a step is tried, and how long is waited in between.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// How often a step is tried in all; 1 (no retry) unless given.
    pub max_attempts: NonZeroU32,
    /// The wait before the second attempt; 1 second unless given.
    pub initial_delay: Duration,
    /// What each further wait is multiplied by; finite, at least 1; 2 unless given.
    pub backoff_multiplier: f64,
    /// The longest wait; 60 seconds unless given.
    pub max_delay: Duration,
    /// Whether waits are varied at random, so that many retries do not come at once; true unless given.
    pub jitter: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            max_attempts: NonZeroU32::MIN,
            initial_delay: Duration::from_secs(1),
            backoff_multiplier: 2.0,
            max_delay: Duration::from_secs(60),
            jitter: true,
        }
    }
}

/// Describes one step of a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The step's name, unique in the workflow; `[A-Za-z_][A-Za-z0-9_-]*`.
    pub key: String,
    /// The agent that does the step, or `@capability` for any agent that lists it.
    pub agent: String,
    /// The template of what the agent is asked.
    pub prompt: String,
    /// The keys of the steps that must be done before this one.
    pub dependencies: Vec<String>,
    /// Whether other steps of the same execution may run at the same time; true unless given.
    pub parallel: bool,
    /// Whether the run goes on without this step when it fails.
    pub optional: bool,
    /// How long one attempt may take; unlimited unless given.
    pub timeout: Option<Duration>,
    /// How the step is retried: its own keys over the workflow's over the defaults, key by key.
    pub retry: RetryPolicy,
    /// A JSON Schema of the step's result.
    pub output_schema: Option<Value>,
}

impl Step {
    /// Returns who does the step.
    pub fn agent_ref(&self) -> AgentRef<'_> {
        AgentRef::of(&self.agent)
    }

    /// Returns a step with this key, agent and prompt, and everything else at its default.
    pub fn new(
        key: impl Into<String>,
        agent: impl Into<String>,
        prompt: impl Into<String>,
    ) -> Self {
        Step {
            key: key.into(),
            agent: agent.into(),
            prompt: prompt.into(),
            dependencies: Vec::new(),
            parallel: true,
            optional: false,
            timeout: None,
            retry: RetryPolicy::default(),
            output_schema: None,
        }
    }
}
