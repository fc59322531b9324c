//! The graphs that are run, as definitions and as texts.

use std::fmt::Write as _;
use std::sync::Arc;

use wf_core::plan::{Definition, Plan, Step};

/// Which steps each step needs, by number.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) needs: Vec<Vec<usize>>,
}

/// What every step is asked, and what it answers: a hundred bytes.
pub(crate) fn prompt() -> String {
    "x".repeat(100)
}

impl Shape {
    /// Each step needs the one before.
    pub(crate) fn chain(steps: usize) -> Self {
        let needs = (0..steps).map(|step| step.checked_sub(1).into_iter().collect());
        Shape {
            name: "chain",
            needs: needs.collect(),
        }
    }

    /// One step, then `width` that need it, then one that needs them all.
    pub(crate) fn fan_out(width: usize) -> Self {
        let mut needs = vec![Vec::new()];
        needs.extend((0..width).map(|_| vec![0]));
        needs.push((1..=width).collect());
        Shape {
            name: "fan-out",
            needs,
        }
    }

    /// Layers of ten; each step needs three of the layer before.
    pub(crate) fn layered(steps: usize) -> Self {
        let needs = (0..steps).map(|step| match step / 10 {
            0 => Vec::new(),
            layer => {
                let mut needs: Vec<usize> = (0..3)
                    .map(|at| (layer - 1) * 10 + (step + at * 3) % 10)
                    .collect();
                needs.sort_unstable();
                needs
            }
        });
        Shape {
            name: "layered",
            needs: needs.collect(),
        }
    }

    /// Each step needs up to three of all before it, drawn by chance; the same every time.
    pub(crate) fn random(steps: usize) -> Self {
        let mut chance = Chance::new(7);
        let needs = (0..steps).map(|step| {
            let mut needs: Vec<usize> = (0..3.min(step)).map(|_| chance.below(step)).collect();
            needs.sort_unstable();
            needs.dedup();
            needs
        });
        Shape {
            name: "random",
            needs: needs.collect(),
        }
    }

    pub(crate) fn steps(&self) -> usize {
        self.needs.len()
    }

    /// The workflow in JSON; every step asks the agent `echo`.
    pub(crate) fn json(&self) -> String {
        let mut text = format!(r#"{{"name":"{}","steps":["#, self.name);
        let prompt = prompt();
        for (step, needs) in self.needs.iter().enumerate() {
            if step > 0 {
                text.push(',');
            }
            let needs: Vec<String> = needs.iter().map(|need| format!("\"s{need}\"")).collect();
            let needs = needs.join(",");
            let _ = write!(
                text,
                r#"{{"key":"s{step}","agent":"echo","prompt":"{prompt}","dependencies":[{needs}]}}"#
            );
        }
        text.push_str("]}");
        text
    }

    /// The same in YAML, as people write it.
    pub(crate) fn yaml(&self) -> String {
        let mut text = format!("name: {}\nsteps:\n", self.name);
        let prompt = prompt();
        for (step, needs) in self.needs.iter().enumerate() {
            let needs: Vec<String> = needs.iter().map(|need| format!("\"s{need}\"")).collect();
            let needs = needs.join(", ");
            let _ = writeln!(
                text,
                "  - key: \"s{step}\"\n    agent: \"echo\"\n    prompt: \"{prompt}\"\n    dependencies: [{needs}]"
            );
        }
        text
    }

    /// The definition, made without a text: what it leaves in memory is what it holds.
    pub(crate) fn definition(&self) -> Definition {
        let mut definition = Definition::new(self.name);
        let prompt = prompt();
        let steps = self.needs.iter().enumerate().map(|(at, needs)| {
            let mut step = Step::new(format!("s{at}"), "echo", prompt.as_str());
            step.dependencies = needs.iter().map(|need| format!("s{need}")).collect();
            step
        });
        definition.steps = steps.collect();
        definition
    }

    /// The plan.
    pub(crate) fn plan(&self) -> Arc<Plan> {
        Plan::from_json("bench.json", &self.json()).unwrap_or_else(|report| panic!("{report}"))
    }
}

/// Numbers that look random and are the same every time: xorshift64* (Vigna, 2016).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
