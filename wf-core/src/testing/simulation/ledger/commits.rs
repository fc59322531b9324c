//! What a commit may write: a legal path, the rows that belong to it, and nothing that was written before.

use super::{Checked, Head, Ledger, broken, is_closed, is_over};
use crate::lifecycle::{Event, EventKind, State};
use crate::step::{Outcome, StepState};
use crate::store::{Commit, StepRecord, StepWrite};
use crate::testing::simulation::violation::{Invariant, Violation};

impl Ledger {
    /// The store has taken a commit.
    pub(in crate::testing::simulation) fn committed(&mut self, commit: &Commit) -> Checked {
        let head = self.compared(&commit.row, "a commit")?;
        if head.state != commit.from {
            return broken(
                Invariant::LegalPath,
                format!(
                    "a path from `{}` was recorded in `{}`",
                    commit.from, head.state
                ),
            );
        }
        let resumes = commit
            .path
            .iter()
            .any(|event| event.kind() == EventKind::CheckpointRestored);
        let mut ended = self.ended_by(commit)?;
        for write in &commit.writes.steps {
            self.check_step(write, resumes)?;
        }
        for write in &commit.writes.steps {
            if let Some(seq) = newly_over(self.step(write.step), &write.record) {
                ended.retain(|&step| step != write.step);
                if seq <= self.seq {
                    let key = self.plan.key(write.step as usize);
                    return broken(
                        Invariant::NothingLost,
                        format!(
                            "step `{key}` was committed as number {seq} after number {}",
                            self.seq
                        ),
                    );
                }
            }
        }
        if let Some(&step) = ended.first() {
            let key = self.plan.key(step as usize);
            return broken(
                Invariant::NothingLost,
                format!("step `{key}` is over by the path of a commit, and its row is not written"),
            );
        }
        for write in &commit.writes.steps {
            self.seq = self.seq.max(write.record.seq.unwrap_or(0));
            if is_over(write.record.state) {
                self.ended.push((write.step, write.record.state));
            }
            if let Some(step) = self.steps.get_mut(write.step as usize) {
                *step = Some(StepRecord::clone(&write.record));
            }
        }
        if let Some(mark) = &commit.writes.checkpoint
            && mark.through_seq != self.seq
        {
            return broken(
                Invariant::NothingLost,
                format!(
                    "a checkpoint covers the steps up to number {}, and the last is {}",
                    mark.through_seq, self.seq
                ),
            );
        }
        self.pausing &= !commit.to.is_terminal() && commit.to != State::Paused;
        self.head = Some(Head {
            state: commit.to,
            revision: head.revision + 1,
            ..head
        });
        Ok(())
    }

    /// The steps that end by a commit's path; each must have its row, and rest on what is committed.
    fn ended_by(&self, commit: &Commit) -> Result<Vec<u32>, Violation> {
        let mut ended = Vec::new();
        for event in &commit.path {
            let Event::StepCompleted { step: outcome } = event else {
                continue;
            };
            ended.push(outcome.step);
            let unmet = self
                .plan
                .graph()
                .dependencies(outcome.step as usize)
                .iter()
                .find(|&&needed| !self.is_satisfied(needed));
            if let Some(&needed) = unmet
                && outcome.outcome == Outcome::Succeeded
            {
                let (key, needed) = (
                    self.plan.key(outcome.step as usize),
                    self.plan.key(needed as usize),
                );
                return broken(
                    Invariant::DependenciesFirst,
                    format!("step `{key}` was done before `{needed}` was committed"),
                );
            }
        }
        Ok(ended)
    }

    fn check_step(&self, write: &StepWrite, resumes: bool) -> Checked {
        let StepWrite { step, record, .. } = write;
        let key = self.plan.key(*step as usize);
        let old = self.step(*step);
        if let Some(old) = old.filter(|old| is_over(old.state)) {
            let renewed =
                resumes && old.state == StepState::Failed && record.state == StepState::Pending;
            if *old != **record && !renewed {
                return broken(
                    Invariant::NothingLost,
                    format!(
                        "step `{key}` was `{}`, and its row was written again",
                        old.state
                    ),
                );
            }
        }
        if record.state == StepState::Completed && record.result.is_none() {
            return broken(
                Invariant::NothingLost,
                format!("step `{key}` was committed without its result"),
            );
        }
        let before = old.map_or(&[][..], |old| old.attempts.as_slice());
        let kept = before
            .iter()
            .zip(&record.attempts)
            .all(|(old, new)| old == new || (!is_closed(old) && old.started_at == new.started_at));
        let numbered = (1..)
            .zip(&record.attempts)
            .all(|(number, attempt)| attempt.number == number);
        let failed = || {
            let made = record.attempts.iter().skip(record.retry_base as usize);
            made.filter(|attempt| attempt.error.is_some() && !attempt.interrupted)
        };
        // A refused answer is asked for again twice beyond what the policy grants.
        let refused = failed().filter(|attempt| attempt.rejected).count();
        let failures = failed().count() - refused.min(2);
        let allowed = self
            .plan
            .steps()
            .get(*step as usize)
            .map_or(0, |step| step.retry.max_attempts.get());
        let too_many = u32::try_from(failures).unwrap_or(u32::MAX) > allowed;
        if !kept || !numbered || too_many || record.attempts.len() < before.len() {
            return broken(
                Invariant::AttemptsCounted,
                format!("the attempts at step `{key}` do not continue those that were recorded"),
            );
        }
        Ok(())
    }
}

/// The place of a step that is over by this row, and was not before.
fn newly_over(old: Option<&StepRecord>, new: &StepRecord) -> Option<u64> {
    let was_over = old.is_some_and(|old| is_over(old.state));
    (is_over(new.state) && !was_over).then(|| new.seq.unwrap_or(0))
}
