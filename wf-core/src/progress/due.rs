//! What is to be done and was not given yet.

use std::collections::VecDeque;

use super::{Action, Start, Transition};

/// What is to be done and was not given yet.
#[derive(Default)]
pub(super) struct Due {
    pub(super) withdraw: bool,
    pub(super) drop: bool,
    pub(super) commit: Option<Transition>,
    pub(super) starts: VecDeque<Start>,
    pub(super) ask: Option<u32>,
    pub(super) is_over: bool,
}

impl Due {
    /// Takes what is to be done next.
    pub(super) fn next(&mut self) -> Option<Action> {
        if std::mem::take(&mut self.withdraw) {
            return Some(Action::Withdraw);
        }
        if std::mem::take(&mut self.drop) {
            return Some(Action::DropAttempts);
        }
        if let Some(transition) = self.commit.take() {
            return Some(Action::Commit(transition));
        }
        if let Some(start) = self.starts.pop_front() {
            return Some(Action::Start(start));
        }
        if let Some(step) = self.ask.take() {
            return Some(Action::AskBound { step });
        }
        std::mem::take(&mut self.is_over).then_some(Action::Finished)
    }

    pub(super) fn is_any(&self) -> bool {
        self.withdraw
            || self.drop
            || self.commit.is_some()
            || !self.starts.is_empty()
            || self.ask.is_some()
            || self.is_over
    }
}
