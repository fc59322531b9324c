//! Faults of one kind, planted in what an engine writes, are found by drawn workflows: a commit that does not follow from
//! what is recorded, where several steps meet in one.

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::lifecycle::{EventKind, State};
use crate::step::StepState;
use crate::store::{Commit, StepRecord, StepWrite, Store, StoreError, StoreLayer};
use crate::testing::{Fault, explore};

/// What is wrong with some commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slip {
    /// The row of a step that is given up is updated, though it was never inserted.
    UpdatesWhatIsNotThere,
    /// A row that is there is inserted beside others.
    InsertsWhatIsThere,
    /// The last of several rows is not written.
    DropsTheLastRow,
    /// A failed attempt beside the end of another step is not written.
    DropsAFailure,
    /// Two steps that end together have one number.
    NumbersTwoAlike,
    /// A number is left out where steps end together.
    SkipsANumber,
    /// Two steps that end together have each other's results.
    SwapsResults,
    /// A checkpoint does not cover the last of the steps that end together.
    ShortensCheckpoints,
    /// What a failed attempt used is not written.
    ForgetsUsage,
    /// A step that is given up stays as it was.
    KeepsAStaleState,
    /// A step that is tried again after a pause has no fresh allowance.
    RenewsNothing,
    /// An attempt that failed beside others is written as one that was cut off.
    CutsWhatHasEnded,
}

impl Slip {
    const ALL: [Slip; 12] = [
        Slip::UpdatesWhatIsNotThere,
        Slip::InsertsWhatIsThere,
        Slip::DropsTheLastRow,
        Slip::DropsAFailure,
        Slip::NumbersTwoAlike,
        Slip::SkipsANumber,
        Slip::SwapsResults,
        Slip::ShortensCheckpoints,
        Slip::ForgetsUsage,
        Slip::KeepsAStaleState,
        Slip::RenewsNothing,
        Slip::CutsWhatHasEnded,
    ];

    fn spoil(self, commit: &mut Commit) {
        let fails = commit.to == State::Failed;
        let resumes = commit
            .path
            .iter()
            .any(|event| event.kind() == EventKind::CheckpointRestored);
        let steps = &mut commit.writes.steps;
        let together = steps.len() > 1;
        let is_over = |write: &StepWrite| write.record.seq.is_some();
        match self {
            Slip::UpdatesWhatIsNotThere if fails && together => {
                if let Some(last) = steps.last_mut() {
                    last.exists |= last.record.state == StepState::Failed;
                }
            }
            Slip::InsertsWhatIsThere if together => {
                if let Some(last) = steps.last_mut() {
                    last.exists = false;
                }
            }
            Slip::DropsTheLastRow if together => drop(steps.pop()),
            Slip::DropsAFailure if steps.iter().any(is_over) => steps.retain(is_over),
            Slip::NumbersTwoAlike | Slip::SkipsANumber
                if steps.iter().filter(|one| is_over(one)).count() > 1 =>
            {
                if let Some(last) = last(steps, is_over) {
                    last.seq = match self {
                        Slip::SkipsANumber => last.seq.map(|seq| seq + 1),
                        _ => last.seq.map(|seq| seq - 1),
                    };
                }
            }
            Slip::SwapsResults => {
                let mut done = steps
                    .iter_mut()
                    .filter(|write| write.record.state == StepState::Completed)
                    .map(|write| Arc::make_mut(&mut write.record));
                if let (Some(first), Some(second)) = (done.next(), done.next()) {
                    std::mem::swap(&mut first.result, &mut second.result);
                }
            }
            Slip::ShortensCheckpoints if together => {
                if let Some(mark) = &mut commit.writes.checkpoint {
                    mark.through_seq = mark.through_seq.saturating_sub(1);
                }
            }
            Slip::ForgetsUsage => {
                if let Some(record) = last(steps, |write| write.record.state == StepState::Pending)
                    && let Some(made) = record.attempts.last_mut()
                {
                    made.usage = None;
                }
            }
            Slip::KeepsAStaleState if fails && together => {
                if let Some(record) = last(steps, |write| write.record.state == StepState::Failed) {
                    record.state = StepState::Pending;
                }
            }
            Slip::RenewsNothing if resumes => {
                for write in steps {
                    Arc::make_mut(&mut write.record).retry_base = 0;
                }
            }
            Slip::CutsWhatHasEnded if together => {
                if let Some(record) = last(steps, |write| write.record.error.is_some())
                    && let Some(made) = record.attempts.last_mut()
                {
                    made.interrupted = true;
                }
            }
            _ => {}
        }
    }
}

/// The record of the last write that is like that.
fn last(steps: &mut [StepWrite], is_like: impl Fn(&StepWrite) -> bool) -> Option<&mut StepRecord> {
    let write = steps.iter_mut().rfind(|write| is_like(write))?;
    Some(Arc::make_mut(&mut write.record))
}

/// Stands between an engine and its store.
struct Planted(Slip, Arc<dyn Store>);

impl StoreLayer for Planted {
    fn inner(&self) -> &dyn Store {
        &*self.1
    }

    fn commit(&self, mut commit: Commit) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.spoil(&mut commit);
        self.1.commit(commit)
    }
}

#[test]
fn every_planted_fault_is_found_within_ten_thousand_drawn_workflows() {
    for slip in Slip::ALL {
        let found = explore(0..10_000, &[Fault::DeathAfter], |simulation| {
            simulation.with_layer(move |inner| Arc::new(Planted(slip, inner)))
        });
        assert!(found.is_err(), "{slip:?} was not found: {found:?}");
    }
}
