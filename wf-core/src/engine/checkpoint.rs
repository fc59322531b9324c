//! Checkpoints as hosts see them: made, listed, gone on from, and deleted when they are old.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use super::{Engine, EngineError, Run, RunOptions, confirm, load};
use crate::id::{CheckpointId, ExecutionId};
use crate::plan::Plan;
use crate::step::StepState;
use crate::store::CheckpointRecord;

/// How long checkpoints are kept, unless a host wants it otherwise: seven days.
pub const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A point of an execution that another execution can be restored from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The checkpoint's row. Its `completed_steps` are the steps that a restored execution does not run again.
    pub record: CheckpointRecord,
    plan: Arc<Plan>,
}

impl Checkpoint {
    /// The checkpoint's identifier.
    pub const fn id(&self) -> &CheckpointId {
        &self.record.id
    }

    /// The keys of the steps that a restored execution does not run again, in the order in which they were
    /// committed: those completed, and those that failed and are optional.
    pub fn completed_steps(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator {
        let steps = self.record.completed_steps.iter();
        steps.map(|&step| self.plan.key(step as usize))
    }

    /// How many steps the workflow has.
    pub fn step_count(&self) -> usize {
        self.plan.steps().len()
    }
}

impl<A> Engine<A> {
    /// Writes a checkpoint of all that is recorded of an execution, and returns its identifier.
    ///
    /// The execution may be paused, or driven by any engine: it is not disturbed. Steps that are under way are not
    /// in the checkpoint.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](EngineError::is_not_found); [`is_illegal`](EngineError::is_illegal) when the execution has
    /// ended, with a checkpoint of its own; [`is_store`](EngineError::is_store).
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves it open whether the checkpoint is written.
    pub fn checkpoint<'a>(
        &'a self,
        id: &'a ExecutionId,
    ) -> BoxFuture<'a, Result<CheckpointId, EngineError>> {
        Box::pin(async move {
            let now = self.parts.clock.now();
            let checkpoint = CheckpointId::generate(now);
            match confirm::create_checkpoint(&*self.parts.store, id, &checkpoint, now).await {
                Err(error) if error.is_not_found() => Err(EngineError::not_found(id)),
                Err(error) if error.is_conflict() => {
                    let execution = self.parts.store.execution(id).await?;
                    let execution = execution.ok_or_else(|| EngineError::not_found(id))?;
                    let asked = "given another checkpoint";
                    Err(EngineError::ended(id, execution.state, asked))
                }
                Err(error) => Err(error.into()),
                Ok(()) => Ok(checkpoint),
            }
        })
    }

    /// Lists the checkpoints of an execution, newest first.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](EngineError::is_not_found), [`is_store`](EngineError::is_store), also when what is stored cannot
    /// be read.
    pub fn checkpoints<'a>(
        &'a self,
        id: &'a ExecutionId,
    ) -> BoxFuture<'a, Result<Vec<Checkpoint>, EngineError>> {
        Box::pin(async move {
            let mut listed = self.parts.store.checkpoints(id).await?;
            let loaded = load::load(&self.parts, id).await?;
            let plan = load::plan(&self.parts, id, &loaded.workflow).await?;
            let records = load::records(plan.graph().len(), loaded.steps);
            let stands = |step: u32| {
                records
                    .get(step as usize)
                    .is_some_and(|record| match record.state {
                        StepState::Completed => true,
                        StepState::Failed => plan.is_optional(step),
                        _ => false,
                    })
            };
            for record in &mut listed {
                record.completed_steps.retain(|&step| stands(step));
            }
            let checkpoints = listed.into_iter().map(|record| Checkpoint {
                record,
                plan: Arc::clone(&plan),
            });
            Ok(checkpoints.collect())
        })
    }

    /// Creates an execution that goes on from a checkpoint, of whatever execution, also one that has ended, and
    /// returns its run.
    ///
    /// What was completed then, or failed and is optional, is not run again; all else is, with a fresh allowance of
    /// attempts, on the same definition and inputs. The execution that is restored from stays as it is, and is not
    /// needed any more. The new one has the identifier that the options say, and their origin where they
    /// have one, else that of the execution restored from.
    ///
    /// # Errors
    ///
    /// Nothing is recorded when there is no such checkpoint ([`is_not_found`](EngineError::is_not_found)), its
    /// definition cannot be run here ([`is_definition`](EngineError::is_definition)), an agent is missing
    /// ([`is_agent`](EngineError::is_agent)) or the identifier is taken ([`is_exists`](EngineError::is_exists)).
    /// When the store fails ([`is_store`](EngineError::is_store)) the new execution may be there, paused.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves it open whether the execution is created; if it is, it is paused.
    pub fn restore<'a>(
        &'a self,
        checkpoint: &'a CheckpointId,
        options: RunOptions,
    ) -> BoxFuture<'a, Result<Run, EngineError>> {
        Box::pin(Run::restore(&self.parts, checkpoint, options, None))
    }

    /// Deletes a checkpoint, and nothing else; also one that an execution was restored from, which goes on naming it.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](EngineError::is_not_found), [`is_store`](EngineError::is_store).
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves it open whether the checkpoint is deleted.
    pub fn delete_checkpoint<'a>(
        &'a self,
        id: &'a CheckpointId,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(async move {
            if self.parts.store.delete_checkpoint(id).await? {
                Ok(())
            } else {
                Err(EngineError::no_checkpoint(id))
            }
        })
    }

    /// Deletes the checkpoints that are older than that, usually [`RETENTION`], but never the newest one of an
    /// execution that has not ended, nor one that an execution was restored from; returns how many. Executions and
    /// their steps stay.
    ///
    /// # Errors
    ///
    /// [`is_store`](EngineError::is_store).
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves it open whether the checkpoints are deleted.
    pub fn prune(&self, older_than: Duration) -> BoxFuture<'_, Result<u64, EngineError>> {
        Box::pin(async move {
            let before = self.parts.clock.now().before(older_than);
            Ok(self.parts.store.prune_checkpoints(before).await?)
        })
    }
}
