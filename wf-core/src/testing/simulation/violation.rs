//! What a simulated run must never do.

use std::fmt;

/// A promise that holds for every run, however it was disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Invariant {
    /// A step whose end is committed never runs again.
    DoneOnce,
    /// A step starts only when everything that it depends on is committed.
    DependenciesFirst,
    /// At most one owner writes: who has lost the lease writes nothing.
    OneOwner,
    /// Nothing leaves a terminal state.
    FinalEnd,
    /// Every recorded path is in the lifecycle's table and begins where the last one ended.
    LegalPath,
    /// What was acknowledged is there, as it was written.
    NothingLost,
    /// Who watches a run is told only of what is committed.
    ToldAfterwards,
    /// Attempts are numbered without a gap, recorded before the next one starts, and no more than allowed.
    AttemptsCounted,
    /// A request to pause that was acknowledged outlives whoever takes the run over, until somebody resumes it.
    PauseKept,
    /// A disturbed run ends as the undisturbed one does.
    SameEnd,
    /// Every attempt is recorded as its agent made it, and leads to what the step's settings say.
    AsScripted,
    /// No more steps run at once than allowed, none before its turn or before its wait is over, and none after a failure
    /// that stops the run.
    InTurn,
    /// A run ends in the state that its steps and settings lead to, with the result of its last steps.
    RightEnd,
    /// A run comes to its end, and only a failure of the store interrupts it.
    Progress,
}

/// An [`Invariant`] that did not hold, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    invariant: Invariant,
    message: String,
}

impl Violation {
    pub(super) fn new(invariant: Invariant, message: impl Into<String>) -> Self {
        Violation {
            invariant,
            message: message.into(),
        }
    }

    /// Adds in which run it was.
    pub(super) fn during(mut self, run: &str) -> Self {
        self.message = format!("{} ({run})", self.message);
        self
    }

    /// What did not hold.
    pub const fn invariant(&self) -> Invariant {
        self.invariant
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} does not hold: {}", self.invariant, self.message)
    }
}

impl std::error::Error for Violation {}
