//! A workflow of up to four steps, and what their programs do.

use std::fmt::Write as _;

use super::draw::Draw;

/// A workflow, with every setting that decides about its course.
pub(super) struct Scenario {
    pub(super) on_failure: &'static str,
    pub(super) max_parallel: Option<u64>,
    /// In milliseconds, as everything that takes time.
    pub(super) timeout: Option<u64>,
    pub(super) budget: Option<Limit>,
    pub(super) steps: Vec<Step>,
}

/// A limit of the budget.
#[derive(Debug, Clone, Copy)]
pub(super) enum Limit {
    Attempts(u64),
    WallTime(u64),
}

pub(super) struct Step {
    pub(super) needs: Vec<usize>,
    pub(super) parallel: bool,
    pub(super) optional: bool,
    pub(super) timeout: Option<u64>,
    pub(super) attempts: u64,
    delay: u64,
    jitter: bool,
    pub(super) program: Program,
}

/// What does a step.
pub(super) enum Program {
    True,
    False,
    /// Writes down when it begins and ends. What each attempt does; those after the last do as the last.
    Script(Vec<Act>),
}

/// What a script does in one attempt.
#[derive(Clone, Copy)]
pub(super) struct Act {
    millis: u64,
    pub(super) succeeds: bool,
}

impl Scenario {
    pub(super) fn drawn(draw: &mut Draw) -> Self {
        let count = usize::try_from(1 + draw.below(4)).unwrap();
        // Where nothing takes time, ends fall together.
        let millis: &[u64] = if draw.one_in(2) {
            &[0]
        } else {
            &[0, 0, 5, 10, 20]
        };
        Scenario {
            on_failure: draw.pick(&["fail", "continue", "pause"]),
            max_parallel: draw.one_in(2).then(|| 1 + draw.below(3)),
            timeout: draw.one_in(6).then(|| 10 + draw.below(150)),
            budget: match draw.below(8) {
                0 | 1 => Some(Limit::Attempts(1 + draw.below(6))),
                2 => Some(Limit::WallTime(10 + draw.below(100))),
                _ => None,
            },
            steps: (0..count).map(|at| Step::drawn(draw, at, millis)).collect(),
        }
    }

    /// Whether how far it gets depends on how fast the machine is.
    pub(super) fn is_timed(&self) -> bool {
        self.timeout.is_some() || matches!(self.budget, Some(Limit::WallTime(_)))
    }

    pub(super) fn key(at: usize) -> String {
        format!("s{at}")
    }

    /// The position of the step with that key.
    pub(super) fn position(&self, key: &str) -> Option<usize> {
        (0..self.steps.len()).find(|at| Self::key(*at) == key)
    }

    /// Whether a step that has failed runs again when the run is resumed.
    pub(super) fn is_renewed(&self, step: usize) -> bool {
        self.on_failure == "pause" && !self.steps[step].optional
    }

    /// The workflow file.
    pub(super) fn workflow(&self) -> String {
        let mut text = format!("name: Drawn\nconfig:\n  onFailure: {}\n", self.on_failure);
        if let Some(most) = self.max_parallel {
            let _ = writeln!(text, "  maxParallel: {most}");
        }
        if let Some(timeout) = self.timeout {
            let _ = writeln!(text, "  timeout: {timeout}ms");
        }
        let _ = match self.budget {
            Some(Limit::Attempts(most)) => writeln!(text, "  budget: {{ attempts: {most} }}"),
            Some(Limit::WallTime(most)) => writeln!(text, "  budget: {{ wallTime: {most}ms }}"),
            None => Ok(()),
        };
        text.push_str("steps:\n");
        for (at, step) in self.steps.iter().enumerate() {
            let key = Self::key(at);
            let needs: Vec<String> = step.needs.iter().map(|at| Self::key(*at)).collect();
            let _ = writeln!(text, "  - key: {key}\n    agent: {key}\n    prompt: p");
            let _ = writeln!(text, "    dependencies: [{}]", needs.join(", "));
            let (parallel, optional) = (step.parallel, step.optional);
            let _ = writeln!(text, "    parallel: {parallel}\n    optional: {optional}");
            if let Some(timeout) = step.timeout {
                let _ = writeln!(text, "    timeout: {timeout}ms");
            }
            let _ = writeln!(
                text,
                "    retryPolicy: {{ maxAttempts: {}, initialDelay: {}ms, jitter: {} }}",
                step.attempts, step.delay, step.jitter
            );
        }
        text
    }

    /// The agents file: an agent for each step.
    pub(super) fn agents(&self) -> String {
        let mut text = String::from("agents:\n");
        for (at, step) in self.steps.iter().enumerate() {
            let key = Self::key(at);
            let _ = match &step.program {
                Program::True => writeln!(text, "  {key}: {{ command: [\"true\"] }}"),
                Program::False => writeln!(text, "  {key}: {{ command: [\"false\"] }}"),
                Program::Script(acts) => {
                    let script = script(acts);
                    writeln!(
                        text,
                        "  {key}:\n    command: [sh, -c, '{script}']\n    env: {{ ROUND: env:ROUND }}"
                    )
                }
            };
        }
        text
    }
}

impl Step {
    fn drawn(draw: &mut Draw, at: usize, millis: &[u64]) -> Self {
        Step {
            needs: (0..at).filter(|_| draw.one_in(3)).collect(),
            parallel: !draw.one_in(5),
            optional: draw.one_in(4),
            timeout: draw.one_in(6).then(|| draw.pick(&[15, 1000])),
            attempts: draw.pick(&[1, 1, 2, 3]),
            delay: draw.pick(&[0, 10, 20, 50]),
            jitter: draw.one_in(4),
            program: match draw.below(10) {
                0 => Program::True,
                1 | 2 => Program::False,
                _ => Program::Script(
                    (0..=draw.below(4))
                        .map(|_| Act::drawn(draw, millis))
                        .collect(),
                ),
            },
        }
    }

    /// Whether its program succeeds in that attempt, counted from 1.
    pub(super) fn succeeds(&self, attempt: u64) -> bool {
        match &self.program {
            Program::True => true,
            Program::False => false,
            Program::Script(acts) => {
                let at = usize::try_from(attempt - 1).unwrap();
                acts[at.min(acts.len() - 1)].succeeds
            }
        }
    }

    /// What its result is.
    pub(super) fn answer(&self) -> &'static str {
        match self.program {
            Program::Script(_) => "done",
            _ => "",
        }
    }
}

impl Act {
    fn drawn(draw: &mut Draw, millis: &[u64]) -> Self {
        Act {
            millis: draw.pick(millis),
            succeeds: draw.below(5) > 1,
        }
    }
}

/// A script that does as the acts say. A line this short is written at once, whoever else writes.
fn script(acts: &[Act]) -> String {
    let mut cases = String::new();
    for (at, act) in acts.iter().enumerate() {
        let number = match at + 1 == acts.len() {
            true => "*".to_owned(),
            false => (at + 1).to_string(),
        };
        let sleep = match act.millis {
            0 => String::new(),
            millis => format!("sleep 0.{millis:03}; "),
        };
        let _ = write!(cases, "{number}) {sleep}{};; ", act.succeeds);
    }
    let line = |what: &str| format!("echo \"$AX_STEP_KEY $AX_ATTEMPT $ROUND {what}\" >>lines");
    let (begins, ends) = (line("begins"), line("ends"));
    format!("{begins}; case $AX_ATTEMPT in {cases}esac; end=$?; {ends}; test $end = 0 && echo done")
}
