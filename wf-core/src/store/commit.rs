//! Writing a path of transitions: from what is pending to the proof that it has landed.

use std::sync::Arc;

use super::{Commit, Store, StoreError, Writes};
use crate::lifecycle::{
    AnyExecution, Committed, Event, Pending, StateType, Unconfirmed, transition,
};

impl<F: StateType, T: StateType> Pending<F, T> {
    /// Splits the path into the request that writes it with `writes`, and what is known once that has landed.
    pub fn into_commit(self, writes: Writes) -> (Commit, Unconfirmed) {
        let (path, unconfirmed) = self.into_unconfirmed();
        let commit = Commit {
            row: unconfirmed.row().clone(),
            from: F::STATE,
            to: T::STATE,
            path,
            writes,
        };
        (commit, unconfirmed)
    }

    /// Writes the path and `writes`, in one transaction, if the row is still as this owner left it.
    ///
    /// # Errors
    ///
    /// Those of [`commit`].
    ///
    /// # Cancellation
    ///
    /// As for [`commit`].
    pub async fn commit(
        self,
        store: Arc<dyn Store>,
        writes: Writes,
    ) -> Result<(AnyExecution, Vec<Event>), StoreError> {
        let (request, unconfirmed) = self.into_commit(writes);
        let path = request.path.clone();
        let committed = commit(store, request).await?;
        Ok((unconfirmed.confirm(committed), path))
    }
}

impl Commit {
    /// Checks that the path leads where the commit says, by the lifecycle's table: a store does so before it writes.
    ///
    /// # Errors
    ///
    /// [`is_rejected`](StoreError::is_rejected).
    pub fn check(&self) -> Result<(), StoreError> {
        if self.from.is_terminal() {
            return Err(StoreError::rejected(format!(
                "the end of an execution is final: `{}` is not written again",
                self.row.id
            )));
        }
        let mut state = self.from;
        for event in &self.path {
            let next = transition(state, event);
            state = next.map_err(|error| StoreError::rejected(error.to_string()))?;
        }
        if state == self.to {
            return Ok(());
        }
        Err(StoreError::rejected(format!(
            "the path leads to state `{}`, and not to `{}`",
            state.type_name(),
            self.to.type_name(),
        )))
    }
}

/// Writes a path of transitions with all that belongs to it, and returns the proof that it has landed.
///
/// An answer that was lost on the way is looked up: when the row stands at this owner's token and the next revision,
/// the commit has landed.
///
/// # Errors
///
/// [`StoreError`]; with [`is_conflict`](StoreError::is_conflict) when somebody else has written the row since, in
/// which case nothing of this commit is recorded.
///
/// # Cancellation
///
/// Dropping the future leaves it open whether the commit lands; whoever loads the row next sees which.
pub fn commit(
    store: Arc<dyn Store>,
    commit: Commit,
) -> impl Future<Output = Result<Committed, StoreError>> + Send {
    let row = commit.row.clone();
    // Not an `async fn`, which would hold the commit for as long as it is under way.
    async move {
        let answer = store.commit(commit);
        match answer.await {
            Err(error) if error.is_unanswered() => match store.execution(&row.id).await {
                Ok(Some(now)) if now.token != row.token => {
                    return Err(StoreError::conflict(format!(
                        "execution `{}` was taken over or cancelled by another",
                        row.id
                    )));
                }
                Ok(Some(now)) if now.revision == row.revision + 1 => {}
                _ => return Err(error),
            },
            answer => answer?,
        }
        Ok(Committed::after(row))
    }
}
