//! A broken engine or store is caught, whichever invariant it breaks.
//!
//! Each break is a layer that breaks one rule: above the audit it makes the engine act on what is not so, below it
//! the store itself is broken.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;

use super::diamond;
use crate::id::ExecutionId;
use crate::lifecycle::{Event, State};
use crate::step::{Attempts, StepState};
use crate::store::{
    Claim, Claimed, Commit, ExecutionRecord, LoadedExecution, MemoryStore, Restore, StepRecord,
    Store, StoreError, StoreLayer,
};
use crate::testing::{Fault, Invariant, Simulation, Violation};
use crate::value::Json;

/// The one rule that is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Break {
    /// Keeps every rule.
    Nothing,
    /// Every seventh commit is acknowledged and not written.
    AcknowledgesWithoutWriting,
    /// A commit is acknowledged when it is asked for, and written with the next one.
    AcknowledgesBeforeWriting,
    /// The state, token and revision of a commit are not compared.
    ComparesNothing,
    /// A claim leaves the token as it is.
    KeepsTheToken,
    /// A commit is written without the rows of failed attempts.
    LosesFailedAttempts,
    /// A commit is written without the rows of completed steps.
    LosesCompletedSteps,
    /// What was completed is loaded as if nothing were known of it.
    ForgetsWhatWasDone,
    /// What is loaded has a step that is done, and is not.
    InventsResults,
    /// The attempts that were made are loaded as if there had been none.
    ForgetsAttempts,
    /// What is loaded has lost the results of the steps.
    ForgetsResults,
    /// The row that is loaded says that an ended execution still runs.
    DeniesTheEnd,
    /// What has ended can be claimed.
    ClaimsTheEnded,
    /// The commit that ends the execution is preceded by an event that is not legal there.
    StraysFromTheTable,
    /// A claim forgets what was asked for.
    ForgetsThePause,
    /// A checkpoint covers less than was committed.
    ShortensCheckpoints,
    /// An engine commits once, and never again.
    NeverCommits,
    /// What is restored stands where the oldest checkpoint was, whichever was named.
    RestoresAnotherCheckpoint,
    /// What is restored has lost the results of the steps that were copied.
    RestoresWithoutResults,
}

/// A store that keeps all rules but one.
struct Broken {
    inner: Arc<dyn Store>,
    rule: Break,
    commits: AtomicU64,
    held_back: Mutex<Option<Commit>>,
}

impl Broken {
    fn over(rule: Break, inner: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(Broken {
            inner,
            rule,
            commits: AtomicU64::new(0),
            held_back: Mutex::new(None),
        })
    }

    async fn break_commit(&self, mut commit: Commit) -> Result<(), StoreError> {
        let number = self.commits.fetch_add(1, Ordering::Relaxed);
        let steps = &mut commit.writes.steps;
        match self.rule {
            Break::AcknowledgesWithoutWriting if number % 7 == 6 => return Ok(()),
            Break::AcknowledgesBeforeWriting => {
                let due = self
                    .held_back
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .replace(commit);
                return match due {
                    Some(due) => self.inner.commit(due).await,
                    None => Ok(()),
                };
            }
            Break::ComparesNothing => {
                if let Ok(Some(now)) = self.inner.execution(&commit.row.id).await {
                    commit.row = now.row();
                    if !now.state.is_terminal() {
                        commit.from = now.state;
                        commit.to = commit
                            .path
                            .iter()
                            .try_fold(now.state, |state, event| state.next(event.kind()))
                            .unwrap_or(now.state);
                        if commit.to == now.state {
                            commit.path.clear();
                        }
                    }
                }
            }
            Break::LosesFailedAttempts => {
                steps.retain(|write| write.record.state != StepState::Pending);
            }
            Break::LosesCompletedSteps => {
                steps.retain(|write| write.record.state != StepState::Completed);
            }
            Break::StraysFromTheTable if commit.to == State::Completed => {
                commit.path.insert(0, Event::Resume);
            }
            Break::ShortensCheckpoints => {
                if let Some(mark) = &mut commit.writes.checkpoint {
                    mark.through_seq = mark.through_seq.saturating_sub(1);
                }
            }
            Break::NeverCommits if number > 0 => {
                return Err(StoreError::rejected("not on this day"));
            }
            _ => {}
        }
        self.inner.commit(commit).await
    }

    fn break_load(&self, loaded: &mut LoadedExecution) {
        match self.rule {
            Break::ForgetsWhatWasDone => loaded
                .steps
                .retain(|(_, record)| record.state != StepState::Completed),
            Break::InventsResults => invent_a_result(&mut loaded.steps),
            Break::ForgetsAttempts => {
                for (_, record) in &mut loaded.steps {
                    record.attempts = Attempts::new();
                    record.state = match record.state {
                        StepState::Running => StepState::Pending,
                        state => state,
                    };
                }
            }
            Break::ForgetsResults => {
                for (_, record) in &mut loaded.steps {
                    record.result = record.result.as_ref().map(|_| Json::null());
                }
            }
            Break::RestoresWithoutResults if loaded.execution.restored_from.is_some() => {
                for (_, record) in &mut loaded.steps {
                    record.result = record.result.as_ref().map(|_| Json::null());
                }
            }
            Break::DeniesTheEnd => deny_the_end(&mut loaded.execution),
            _ => {}
        }
    }
}

/// Says that the second step is done, if nothing is known of it.
fn invent_a_result(steps: &mut Vec<(u32, StepRecord)>) {
    if steps.iter().all(|(step, _)| *step != 1) {
        let mut record = StepRecord::pending();
        record.state = StepState::Completed;
        record.result = Some(Json::null());
        steps.push((1, record));
    }
}

fn deny_the_end(execution: &mut ExecutionRecord) {
    if execution.state.is_terminal() {
        execution.state = State::AwaitingCompletion;
    }
}

impl StoreLayer for Broken {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.break_commit(commit))
    }

    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claimed, StoreError>> {
        Box::pin(async move {
            let mut next = claim.row.clone();
            let mut claim = claim;
            claim.keeps_pause &= self.rule != Break::ForgetsThePause;
            let answer = self.inner.claim(claim).await;
            next.revision += 1;
            match self.rule {
                Break::KeepsTheToken => {
                    answer.map(|claimed| Claimed::new(next, claimed.pause_requested))
                }
                Break::ClaimsTheEnded => {
                    next.token += 1;
                    Ok(Claimed::new(next, false))
                }
                _ => answer,
            }
        })
    }

    fn execution(
        &self,
        id: &ExecutionId,
    ) -> BoxFuture<'_, Result<Option<ExecutionRecord>, StoreError>> {
        let id = id.clone();
        Box::pin(async move {
            let mut found = self.inner.execution(&id).await?;
            if let Some(execution) = &mut found
                && self.rule == Break::DeniesTheEnd
            {
                deny_the_end(execution);
            }
            Ok(found)
        })
    }

    fn load(&self, id: &ExecutionId) -> BoxFuture<'_, Result<Option<LoadedExecution>, StoreError>> {
        let id = id.clone();
        Box::pin(async move {
            let mut loaded = self.inner.load(&id).await?;
            if let Some(loaded) = &mut loaded {
                self.break_load(loaded);
            }
            Ok(loaded)
        })
    }

    fn restore(&self, restore: Restore) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>> {
        Box::pin(async move {
            let mut restore = restore;
            if self.rule == Break::RestoresAnotherCheckpoint {
                let listed = self.inner.checkpoints(&ExecutionId::from("run")).await?;
                let ids = listed.into_iter().map(|checkpoint| checkpoint.id);
                if let Some(other) = ids.rev().find(|id| *id != restore.checkpoint) {
                    restore.checkpoint = other;
                }
            }
            self.inner.restore(restore).await
        })
    }
}

/// What a few simulations have seen of a break.
#[derive(Debug)]
struct Seen {
    /// One for each seed that has caught it.
    violations: Vec<Violation>,
}

/// How many seeds look for each break.
const SEEDS: usize = 5;

impl Seen {
    /// Asserts that every seed has caught it, each by that invariant.
    #[track_caller]
    fn assert_caught(&self, invariant: Invariant) {
        self.assert_caught_by(invariant, SEEDS);
    }

    /// Asserts that every seed has caught it, and so many or more by that invariant before any other.
    #[track_caller]
    fn assert_caught_by(&self, invariant: Invariant, floor: usize) {
        let by = |violation: &&Violation| violation.invariant() == invariant;
        let by_it = self.violations.iter().filter(by).count();
        let caught = self.violations.len();
        assert!(
            caught == SEEDS && by_it >= floor,
            "caught by {caught} of {SEEDS} seeds, by {by_it} as {invariant:?}: {self:?}"
        );
    }
}

/// What is seen of an engine that breaks that rule, over a few seeds.
fn seen_above(rule: Break) -> Seen {
    seen(|simulation| simulation.with_layer(move |inner| Broken::over(rule, inner)))
}

/// What is seen of a store that breaks that rule.
fn seen_below(rule: Break) -> Seen {
    seen(|simulation| {
        simulation.with_store(move || Broken::over(rule, Arc::new(MemoryStore::new())))
    })
}

fn seen(break_it: impl Fn(Simulation) -> Simulation) -> Seen {
    let plan = diamond();
    let seeds = 0..u64::try_from(SEEDS).unwrap();
    let violations = seeds.filter_map(|seed| {
        break_it(Simulation::new(&plan, seed))
            .disturb_everywhere(Fault::ALL)
            .err()
    });
    Seen {
        violations: violations.collect(),
    }
}

#[test]
fn who_breaks_nothing_is_not_suspected() {
    assert_eq!(seen_above(Break::Nothing).violations, []);
    assert_eq!(seen_below(Break::Nothing).violations, []);
    let restoring = seen(|simulation| {
        let layer = |inner| Broken::over(Break::Nothing, inner);
        simulation.with_restore().with_layer(layer)
    });
    assert_eq!(restoring.violations, []);
}

#[test]
fn a_write_that_is_acknowledged_and_not_there_is_caught() {
    seen_below(Break::AcknowledgesWithoutWriting).assert_caught(Invariant::NothingLost);
}

#[test]
fn what_is_told_before_the_commit_is_caught() {
    // It starts retries too early as well, and that may be seen first.
    seen_above(Break::AcknowledgesBeforeWriting).assert_caught_by(Invariant::ToldAfterwards, 1);
}

#[test]
fn a_dependent_that_starts_before_the_commit_is_caught() {
    seen_above(Break::InventsResults).assert_caught(Invariant::DependenciesFirst);
}

#[test]
fn a_stale_owner_that_writes_is_caught() {
    seen_below(Break::ComparesNothing).assert_caught(Invariant::OneOwner);
}

#[test]
fn a_claim_that_keeps_the_token_is_caught() {
    seen_below(Break::KeepsTheToken).assert_caught(Invariant::OneOwner);
}

#[test]
fn a_retry_before_the_failure_is_committed_is_caught() {
    seen_above(Break::LosesFailedAttempts).assert_caught(Invariant::AttemptsCounted);
}

#[test]
fn a_step_that_is_over_without_its_row_is_caught() {
    seen_above(Break::LosesCompletedSteps).assert_caught(Invariant::NothingLost);
}

#[test]
fn a_completed_step_that_runs_again_is_caught() {
    seen_above(Break::ForgetsWhatWasDone).assert_caught(Invariant::DoneOnce);
}

#[test]
fn attempts_that_are_counted_anew_are_caught() {
    seen_above(Break::ForgetsAttempts).assert_caught(Invariant::AttemptsCounted);
}

#[test]
fn a_result_that_is_lost_on_the_way_back_is_caught() {
    seen_above(Break::ForgetsResults).assert_caught(Invariant::SameEnd);
    seen_below(Break::ForgetsResults).assert_caught(Invariant::NothingLost);
}

#[test]
fn an_end_that_is_left_again_is_caught() {
    // A store in which what has ended can be claimed, and an engine that does not see the end.
    let seen = seen(|simulation| {
        simulation
            .with_store(|| Broken::over(Break::ClaimsTheEnded, Arc::new(MemoryStore::new())))
            .with_layer(|inner| Broken::over(Break::DeniesTheEnd, inner))
    });
    // What was claimed in vain before the end has another revision, and that may be seen first.
    seen.assert_caught_by(Invariant::FinalEnd, 4);
}

#[test]
fn what_is_restored_from_another_checkpoint_or_without_results_is_caught() {
    for rule in [
        Break::RestoresAnotherCheckpoint,
        Break::RestoresWithoutResults,
    ] {
        let seen = seen(|simulation| {
            simulation
                .with_restore()
                .with_store(move || Broken::over(rule, Arc::new(MemoryStore::new())))
        });
        seen.assert_caught(Invariant::NothingLost);
    }
}

#[test]
fn a_request_to_pause_that_is_forgotten_is_caught() {
    for (rule, caught) in [(Break::Nothing, 0), (Break::ForgetsThePause, SEEDS)] {
        let seen = seen(|simulation| {
            simulation
                .with_pause(Duration::from_millis(40))
                .with_store(move || Broken::over(rule, Arc::new(MemoryStore::new())))
        });
        let by = |violation: &&Violation| violation.invariant() == Invariant::PauseKept;
        assert_eq!(
            seen.violations.iter().filter(by).count(),
            caught,
            "{seen:?}"
        );
    }
}

#[test]
fn a_path_outside_the_table_is_caught() {
    seen_above(Break::StraysFromTheTable).assert_caught(Invariant::LegalPath);
}

#[test]
fn a_checkpoint_that_leaves_a_step_out_is_caught() {
    seen_above(Break::ShortensCheckpoints).assert_caught(Invariant::NothingLost);
}

#[test]
fn a_run_that_comes_to_no_end_is_caught() {
    seen_above(Break::NeverCommits).assert_caught(Invariant::Progress);
}

#[test]
fn a_violation_says_how_to_see_it_again() {
    let mut seen = seen_above(Break::ForgetsWhatWasDone);
    let violation = seen.violations.swap_remove(0);
    let message = violation.to_string();
    assert!(
        message.starts_with("DoneOnce does not hold: step `"),
        "{message}"
    );
    let (_, run) = message.rsplit_once(" (seed ").unwrap();
    let (seed, place) = run.trim_end_matches(')').split_once(", ").unwrap();
    let (fault, write) = place.split_once(" at write ").unwrap();
    let fault = *Fault::ALL
        .iter()
        .find(|known| format!("{known:?}") == fault)
        .unwrap();
    let again = Simulation::new(&diamond(), seed.parse().unwrap())
        .with_layer(|inner| Broken::over(Break::ForgetsWhatWasDone, inner))
        .disturb(write.parse().unwrap(), fault);
    assert_eq!(again, Err(violation));
}
