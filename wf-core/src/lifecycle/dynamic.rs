//! The lifecycle for code that knows the state only at run time.

use std::fmt;

use super::{Event, EventKind, State};

impl State {
    /// The state that `event` leads to from here, if it is legal.
    pub const fn next(self, event: EventKind) -> Option<State> {
        let legal = self.legal();
        let mut row = 0;
        while row < legal.len() {
            if legal[row].0 as u8 == event as u8 {
                return Some(legal[row].1);
            }
            row += 1;
        }
        None
    }

    /// Whether the state is final: no event leads out of it.
    pub const fn is_terminal(self) -> bool {
        self.legal().is_empty()
    }

    /// Whether an execution in this state can be resumed: (`self`, `Resume`) is in the table.
    pub const fn can_resume(self) -> bool {
        self.next(EventKind::Resume).is_some()
    }

    /// The state of that name, as [`State::name`] writes it.
    pub fn parse(name: &str) -> Option<State> {
        State::ALL
            .iter()
            .copied()
            .find(|state| state.name() == name)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Returns the state that `event` leads to from `state`.
///
/// A pure function: nothing is recorded.
///
/// # Errors
///
/// [`TransitionError`] when the pair is not in the table; its message lists what is legal.
///
/// # Examples
///
/// ```
/// use wf_core::lifecycle::{Event, State, transition};
///
/// assert_eq!(transition(State::Paused, &Event::Resume), Ok(State::RestoringFromCheckpoint));
/// assert_eq!(
///     transition(State::Completed, &Event::Pause).unwrap_err().to_string(),
///     "event `Pause` is not legal in state `Completed`, which is final",
/// );
/// ```
pub const fn transition(state: State, event: &Event) -> Result<State, TransitionError> {
    let event = event.kind();
    match state.next(event) {
        Some(next) => Ok(next),
        None => Err(TransitionError { state, event }),
    }
}

/// Whether `event` is legal in `state`.
pub const fn validate_transition(state: State, event: EventKind) -> bool {
    state.next(event).is_some()
}

/// An event that is not legal in the state it met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransitionError {
    state: State,
    event: EventKind,
}

impl TransitionError {
    /// The state that the execution was in.
    pub const fn state(&self) -> State {
        self.state
    }

    /// The event that is not legal there.
    pub const fn event(&self) -> EventKind {
        self.event
    }
}

impl fmt::Display for TransitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let legal = self.state.legal().iter();
        let legal: Vec<String> = legal.map(|(event, _)| format!("`{event}`")).collect();
        let way_out = match legal.as_slice() {
            [] => ", which is final".to_owned(),
            legal => format!("; legal here: {}", legal.join(", ")),
        };
        let (event, state) = (self.event, self.state.type_name());
        write!(
            f,
            "event `{event}` is not legal in state `{state}`{way_out}"
        )
    }
}

impl std::error::Error for TransitionError {}

// Facts about the table that a slip of the pen would break, checked when the crate is compiled.
const _: () = {
    let mut legal = 0;
    let mut terminal = 0;
    let mut reached = 1; // `Idle`, the first state, is where an execution begins.
    let mut state = 0;
    while state < State::ALL.len() {
        let rows = State::ALL[state].legal();
        legal += rows.len();
        terminal += rows.is_empty() as usize;
        state += 1;
    }
    // Every state is reachable: as many rounds as there are states close the set.
    let mut round = 0;
    while round < State::ALL.len() {
        let mut state = 0;
        while state < State::ALL.len() {
            if reached & (1 << state) != 0 {
                let rows = State::ALL[state].legal();
                let mut row = 0;
                while row < rows.len() {
                    reached |= 1 << rows[row].1 as u32;
                    row += 1;
                }
            }
            state += 1;
        }
        round += 1;
    }
    assert!(State::ALL.len() == 14, "the lifecycle has 14 states");
    assert!(EventKind::ALL.len() == 14, "the lifecycle has 14 events");
    assert!(legal == 41, "the lifecycle has 41 legal pairs");
    assert!(terminal == 3, "three states are final");
    assert!(
        reached == (1 << State::ALL.len()) - 1,
        "every state can be reached"
    );
};
