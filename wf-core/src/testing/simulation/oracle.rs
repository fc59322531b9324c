//! What a drawn run may do, by its workflow and its script alone: no part of the engine is asked.

mod end;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

pub(super) use end::End;

use self::verdict::{Kind, Tally, Verdict};
use super::script::{Act, Script, digest};
use super::violation::{Invariant, Violation};
use crate::plan::Plan;
use crate::step::StepState;
use crate::store::StepRecord;
use crate::value::Json;

type Checked = Result<(), Violation>;

/// The rows of an execution's steps, as they are known to be committed.
pub(super) type Rows<'a> = &'a [Option<StepRecord>];

/// Follows the calls of one execution, and judges each.
pub(super) struct Oracle {
    plan: Arc<Plan>,
    script: Arc<Script>,
    /// How many steps the longest chain has that begins with each step.
    chains: Vec<u32>,
    calls: Vec<Call>,
    /// The steps that an engine knows to be ready, by its last word of a commit.
    ready: Option<(u32, Vec<usize>)>,
    restored: bool,
}

/// One call to an agent.
struct Call {
    engine: u32,
    step: usize,
    open: bool,
    /// When its time is over, if the agent does not answer within it.
    due: Option<Duration>,
    /// When the agent answered, or its time was over.
    ended: Option<Duration>,
    verdict: Verdict,
}

impl Oracle {
    pub(super) fn new(plan: &Arc<Plan>, script: &Arc<Script>, restored: bool) -> Self {
        let mut chains = vec![1; plan.steps().len()];
        // A drawn step depends on those before it only.
        for step in (0..chains.len()).rev() {
            for &needed in plan.graph().dependencies(step) {
                chains[needed as usize] = chains[needed as usize].max(chains[step] + 1);
            }
        }
        Oracle {
            plan: Arc::clone(plan),
            script: Arc::clone(script),
            chains,
            calls: Vec::new(),
            ready: None,
            restored,
        }
    }

    /// The engine that holds the lease calls the agent of a step; gives the call's number.
    pub(super) fn starts(
        &mut self,
        engine: u32,
        (key, attempt, prompt): (&str, u32, &str),
        now: Duration,
        rows: Rows<'_>,
    ) -> (Option<usize>, Checked) {
        let Some(step) = self.position(key) else {
            return (None, Ok(()));
        };
        let checked = self
            .check_turn(engine, step, now, rows)
            .and_then(|()| self.check_prompt(step, prompt, rows));
        let (verdict, checked) = match (self.verdict(step, attempt, rows), checked) {
            (Ok(verdict), checked) => (verdict, checked),
            (Err(violation), checked) => (Verdict::Failed, checked.and(Err(violation))),
        };
        let kind = Kind::of(self, step, attempt);
        self.calls.push(Call {
            engine,
            step,
            open: true,
            due: (!kind.is_answered).then(|| now + kind.time),
            ended: None,
            verdict,
        });
        (Some(self.calls.len() - 1), checked)
    }

    /// A call's agent has answered.
    pub(super) fn ends(&mut self, call: usize, now: Duration) {
        if let Some(call) = self.calls.get_mut(call) {
            call.open = false;
            call.ended = Some(now);
        }
    }

    /// A call was dropped.
    pub(super) fn drops(&mut self, call: usize, now: Duration) {
        if let Some(call) = self.calls.get_mut(call) {
            call.open = false;
            call.ended = call.due.filter(|due| *due <= now);
        }
    }

    /// An engine has heard that a commit of its own has landed.
    pub(super) fn hears(&mut self, engine: u32, rows: Rows<'_>) {
        let satisfied = |&step: &u32| self.is_satisfied(step as usize, rows);
        let ready = (0..self.chains.len()).filter(|&step| {
            let untouched = rows[step]
                .as_ref()
                .is_none_or(|row| row.attempts.is_empty() && row.state == StepState::Pending);
            untouched
                && self.plan.graph().dependencies(step).iter().all(satisfied)
                && self.calls.iter().all(|call| call.step != step)
        });
        self.ready = Some((engine, ready.collect()));
    }

    fn check_turn(&self, engine: u32, step: usize, now: Duration, rows: Rows<'_>) -> Checked {
        let steps = self.plan.steps();
        let config = &self.plan.definition().config;
        let key = self.plan.key(step);
        let own = || self.calls.iter().filter(|call| call.engine == engine);
        let running: Vec<usize> = own()
            .filter(|call| call.open)
            .map(|call| call.step)
            .collect();
        if running.len() >= config.max_parallel.get() as usize {
            return out_of_turn(format!(
                "step `{key}` was started when {} were running, and {} may",
                running.len(),
                config.max_parallel
            ));
        }
        if let Some(&other) = running.first()
            && (!steps[step].parallel || running.iter().any(|&other| !steps[other].parallel))
        {
            let other = self.plan.key(other);
            return out_of_turn(format!(
                "step `{key}` was started beside `{other}`, and one of them runs alone"
            ));
        }
        let stops = |call: &&Call| {
            let optional = steps[call.step].optional;
            let fails = call.verdict == Verdict::Failed
                && !optional
                && config.on_failure != wf_model::OnFailure::Continue;
            call.ended.is_some() && (fails || call.verdict == Verdict::Parked)
        };
        if let Some(call) = own().find(stops) {
            let other = self.plan.key(call.step);
            return out_of_turn(format!(
                "step `{key}` was started after `{other}` had stopped the run"
            ));
        }
        if let Some(last) = own().rfind(|call| call.step == step)
            && let (Some(ended), Verdict::Again(wait)) = (last.ended, last.verdict)
            && now < ended + wait
        {
            return out_of_turn(format!(
                "step `{key}` was tried again before its wait of {wait:?} was over"
            ));
        }
        let before = |other: usize| (std::cmp::Reverse(self.chains[other]), other);
        if let Some((_, ready)) = self
            .ready
            .as_ref()
            .filter(|(of, _)| *of == engine && !self.restored)
            && let Some(&other) = ready.iter().find(|&&other| {
                before(other) < before(step)
                    && rows[other].is_none()
                    && self.calls.iter().all(|call| call.step != other)
            })
        {
            let other = self.plan.key(other);
            return out_of_turn(format!(
                "step `{key}` was started before `{other}`, whose turn it was"
            ));
        }
        Ok(())
    }

    /// The prompt is the definition's, with the results that are committed.
    fn check_prompt(&self, step: usize, prompt: &str, rows: Rows<'_>) -> Checked {
        let expected = self.prompt(step, rows);
        let made = rows[step]
            .as_ref()
            .map_or(&[][..], |row| row.attempts.as_slice());
        let refused = made
            .iter()
            .rfind(|made| !made.interrupted)
            .is_some_and(|made| Kind::of(self, step, made.number).is_rejected);
        let right = match prompt.strip_prefix(expected.as_str()) {
            Some(remark) if refused => remark.starts_with("\n\nYour last answer was refused"),
            rest => rest == Some(""),
        };
        if right {
            return Ok(());
        }
        let key = self.plan.key(step);
        unlike(format!(
            "step `{key}` was asked `{prompt}`, and is to be asked `{expected}`"
        ))
    }

    fn prompt(&self, step: usize, rows: Rows<'_>) -> String {
        let mut prompt = self.plan.steps()[step].prompt.to_string();
        for &needed in self.plan.graph().dependencies(step) {
            let needed = needed as usize;
            let result = rows[needed].as_ref().and_then(|row| row.result.as_ref());
            let text = result.map_or_else(|| "null".to_owned(), text);
            prompt = prompt.replace(&format!("{{{{{}}}}}", self.plan.key(needed)), &text);
        }
        prompt
    }

    /// What the attempt that begins now will lead to, after those that are recorded.
    fn verdict(&self, step: usize, attempt: u32, rows: Rows<'_>) -> Result<Verdict, Violation> {
        let mut tally = Tally::default();
        if let Some(row) = &rows[step] {
            for made in row.attempts.iter().skip(row.retry_base as usize) {
                if made.interrupted {
                    continue;
                }
                let verdict =
                    tally.take(&self.plan.steps()[step], &Kind::of(self, step, made.number));
                if !matches!(verdict, Verdict::Again(_)) {
                    let key = self.plan.key(step);
                    return unlike(format!(
                        "step `{key}` was tried again after attempt {}, which leads to {verdict:?}",
                        made.number
                    ));
                }
            }
        }
        Ok(tally.take(&self.plan.steps()[step], &Kind::of(self, step, attempt)))
    }

    fn is_satisfied(&self, step: usize, rows: Rows<'_>) -> bool {
        rows[step].as_ref().is_some_and(|row| match row.state {
            StepState::Completed => true,
            StepState::Failed => self.plan.steps()[step].optional,
            _ => false,
        })
    }

    fn position(&self, key: &str) -> Option<usize> {
        self.plan.steps().iter().position(|step| step.key == key)
    }

    /// What the step answers, if it does.
    fn result(&self, step: usize, attempt: u32, rows: Rows<'_>) -> Option<Json> {
        let key = self.plan.key(step);
        match self.script.act(key, attempt) {
            Act::Answer(_, result) => Some(result),
            Act::Digest(_) => Some(Json::string(&digest(key, &self.prompt(step, rows)))),
            _ => None,
        }
    }
}

/// A result as it stands in a prompt.
fn text(result: &Json) -> String {
    serde_json::from_str(result.as_str()).unwrap_or_else(|_| result.as_str().to_owned())
}

fn out_of_turn<T>(message: String) -> Result<T, Violation> {
    Err(Violation::new(Invariant::InTurn, message))
}

fn unlike<T>(message: String) -> Result<T, Violation> {
    Err(Violation::new(Invariant::AsScripted, message))
}
