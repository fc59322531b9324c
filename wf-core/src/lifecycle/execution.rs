//! The typed face: an execution in a known state, and a path that is not yet written down.

use std::fmt;
use std::marker::PhantomData;

use super::{AnyExecution, Event, State, StateType};
use crate::id::ExecutionId;

/// Which execution row it is, and what a commit compares before it writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The execution.
    pub id: ExecutionId,
    /// The fencing token of the lease under which the row is driven.
    pub token: u64,
    /// How often the row has been written.
    pub revision: u64,
}

/// One workflow execution, known to be in lifecycle state `S` in its store.
///
/// Only the events that are legal in `S` are methods of `Execution<S>`. There is no way to make one but
/// to load it, to create it, or to commit a [`Pending`].
///
/// ```compile_fail,E0599
/// use wf_core::lifecycle::{Execution, state};
///
/// fn pause(completed: Execution<state::Completed>) {
///     completed.pause(); // no method named `pause` found for `Execution<Completed>`
/// }
/// ```
#[must_use = "an execution goes on only when it is driven"]
pub struct Execution<S> {
    row: Row,
    state: PhantomData<fn() -> S>,
}

/// A path of transitions that was computed and is not yet in the store.
///
/// It can take the next event that is legal in `To`, or be [committed](Pending::commit). There is no
/// other way from here to `Execution<To>`: what was not written down cannot be acted upon.
#[must_use = "the transition is not in force until `commit` has written it"]
pub struct Pending<From, To> {
    row: Row,
    path: Vec<Event>,
    states: PhantomData<fn() -> (From, To)>,
}

impl<S: StateType> Execution<S> {
    pub(super) const fn new(row: Row) -> Self {
        Execution {
            row,
            state: PhantomData,
        }
    }

    /// Which row it is, and at which revision.
    pub const fn row(&self) -> &Row {
        &self.row
    }

    /// Begins an empty path: committed as it is, it records work without a change of state.
    pub fn path(self) -> Pending<S, S> {
        Pending {
            row: self.row,
            path: Vec::new(),
            states: PhantomData,
        }
    }
}

impl<F: StateType, T: StateType> Pending<F, T> {
    pub(super) fn then<N: StateType>(mut self, event: Event) -> Pending<F, N> {
        debug_assert_eq!(T::STATE.next(event.kind()), Some(N::STATE));
        self.path.push(event);
        Pending {
            row: self.row,
            path: self.path,
            states: PhantomData,
        }
    }

    /// Which row it is, and at which revision it stands before the path is committed.
    pub const fn row(&self) -> &Row {
        &self.row
    }

    /// The state that the path leads to.
    pub const fn state(&self) -> State {
        T::STATE
    }

    /// Splits the path into what is to be written and what is known once that is confirmed.
    pub(crate) fn into_unconfirmed(self) -> (Vec<Event>, Unconfirmed) {
        let to = T::STATE;
        (self.path, Unconfirmed { row: self.row, to })
    }
}

/// A path of transitions whose commit is under way.
///
/// There is no way on from here without the proof that it has landed.
#[derive(Debug)]
#[must_use = "the transition is not in force until its commit has landed"]
pub struct Unconfirmed {
    row: Row,
    to: State,
}

impl Unconfirmed {
    /// Which row it is, and at which revision it stood before the path was committed.
    pub const fn row(&self) -> &Row {
        &self.row
    }

    /// Returns the execution where the path has led it, given the proof that the path was written.
    pub fn confirm(self, committed: Committed) -> AnyExecution {
        let Committed(row) = committed;
        debug_assert_eq!(row.revision, self.row.revision + 1);
        AnyExecution::new(self.to, row)
    }
}

/// The proof that a path was written, with the row as it then stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed(Row);

impl Committed {
    /// Proves that a path was written which began at `row`. Only [`commit`](crate::store::commit) knows that.
    pub(crate) fn after(mut row: Row) -> Self {
        row.revision += 1;
        Committed(row)
    }
}

impl<S: StateType> fmt::Debug for Execution<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Execution<{}>({} at revision {})",
            S::STATE.type_name(),
            self.row.id,
            self.row.revision
        )
    }
}

impl<F: StateType, T: StateType> fmt::Debug for Pending<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Pending<{}, {}>({})",
            F::STATE.type_name(),
            T::STATE.type_name(),
            self.row.id
        )
    }
}
