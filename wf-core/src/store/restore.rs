//! What is asked of a store to go on from a checkpoint.

use crate::id::{CheckpointId, ExecutionId, Timestamp};
use crate::store::Origin;

/// An execution to be inserted where a checkpoint was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restore {
    /// The checkpoint.
    pub checkpoint: CheckpointId,
    /// The identifier of the new execution.
    pub id: ExecutionId,
    /// The positions of the optional steps: their failures are final, and copied.
    pub optional: Vec<u32>,
    /// Where the new execution is started from.
    pub origin: Origin,
    /// Now.
    pub at: Timestamp,
}

impl Restore {
    /// An execution `id` that stands where `checkpoint` was.
    pub const fn new(
        checkpoint: CheckpointId,
        id: ExecutionId,
        optional: Vec<u32>,
        origin: Origin,
        at: Timestamp,
    ) -> Self {
        Restore {
            checkpoint,
            id,
            optional,
            origin,
            at,
        }
    }
}
