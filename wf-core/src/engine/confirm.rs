//! Writes whose answer may be lost on the way: what became of them is looked up, and what has landed goes on.
//!
//! Commits are looked up where they are made, in [`Pending::commit`](crate::lifecycle::Pending::commit).

use crate::id::{CheckpointId, ExecutionId, Timestamp};
use crate::lifecycle::State;
use crate::store::{Claim, Claimed, ExecutionRecord, NewExecution, Restore, Store, StoreError};

/// Creates an execution. One that is there with this owner, as it was created, is this one.
pub(super) async fn create(store: &dyn Store, new: NewExecution) -> Result<(), StoreError> {
    let (id, owner) = (new.id.clone(), new.owner.clone());
    let answer = store.create(new).await;
    let is_this = |found: &ExecutionRecord| {
        (found.token, found.revision) == (1, 0) && found.owner.as_ref() == Some(&owner)
    };
    looked_up(store, &id, answer, is_this, drop).await
}

/// Takes a lease. One that has risen by one and is this owner's was taken by this claim.
pub(super) async fn claim(store: &dyn Store, claim: Claim) -> Result<Claimed, StoreError> {
    let (row, owner) = (claim.row.clone(), claim.owner.clone());
    let answer = store.claim(claim).await;
    let is_this = |found: &ExecutionRecord| {
        (found.token, found.revision) == (row.token + 1, row.revision + 1)
            && found.owner.as_ref() == Some(&owner)
    };
    let claimed = |found: ExecutionRecord| Claimed::new(found.row(), found.pause_requested);
    looked_up(store, &row.id, answer, is_this, claimed).await
}

/// Restores an execution. One that is there and stands where this checkpoint was is as good as this one.
pub(super) async fn restore(
    store: &dyn Store,
    restore: Restore,
) -> Result<ExecutionRecord, StoreError> {
    let (id, checkpoint) = (restore.id.clone(), restore.checkpoint.clone());
    let answer = store.restore(restore).await;
    let is_this = |found: &ExecutionRecord| {
        (found.token, found.revision) == (0, 0) && found.restored_from.as_ref() == Some(&checkpoint)
    };
    looked_up(store, &id, answer, is_this, |found| found).await
}

/// Cancels an execution. One that has ended would be answered as it is.
pub(super) async fn cancel(
    store: &dyn Store,
    id: &ExecutionId,
    at: Timestamp,
) -> Result<ExecutionRecord, StoreError> {
    let answer = store.cancel(id, at).await;
    let is_over = |found: &ExecutionRecord| found.state.is_terminal();
    looked_up(store, id, answer, is_over, |found| found).await
}

/// Asks for a pause. What is asked for, paused or over would be answered as it is.
pub(super) async fn request_pause(
    store: &dyn Store,
    id: &ExecutionId,
) -> Result<ExecutionRecord, StoreError> {
    let answer = store.request_pause(id).await;
    let is_so = |found: &ExecutionRecord| {
        found.pause_requested || found.state == State::Paused || found.state.is_terminal()
    };
    looked_up(store, id, answer, is_so, |found| found).await
}

/// Writes a checkpoint, whose identifier nobody else has.
pub(super) async fn create_checkpoint(
    store: &dyn Store,
    execution: &ExecutionId,
    id: &CheckpointId,
    at: Timestamp,
) -> Result<(), StoreError> {
    match store.create_checkpoint(execution, id, at).await {
        Err(error) if error.is_unanswered() => match store.checkpoint(id).await {
            Ok(Some(_)) => Ok(()),
            _ => Err(error),
        },
        answer => answer,
    }
}

/// The answer; if it was lost, one made from the row, when that shows that the write has landed.
async fn looked_up<T>(
    store: &dyn Store,
    id: &ExecutionId,
    answer: Result<T, StoreError>,
    has_landed: impl Fn(&ExecutionRecord) -> bool,
    answered: impl FnOnce(ExecutionRecord) -> T,
) -> Result<T, StoreError> {
    match answer {
        Err(error) if error.is_unanswered() => match store.execution(id).await {
            Ok(Some(found)) if has_landed(&found) => Ok(answered(found)),
            _ => Err(error),
        },
        answer => answer,
    }
}
