//! The `lifecycle!` macro: one table in, every face of it out.

/// Declares the lifecycle from its one table.
///
/// `events` names each event once, with its payload and its method; `states` lists, per state, the
/// events that are legal in it and where each leads. A state without rows is terminal.
///
/// Out of it come the state types and values, the events, one inherent `impl` block per state on
/// [`Execution`] and on [`Pending`], [`On`] for generic
/// code, [`AnyExecution`], the dynamic functions, and the Mermaid text.
macro_rules! lifecycle {
    // The nested macro below needs a literal `$`, and stable Rust has no `$$`: it is handed in.
    ( events { $($events:tt)* } states { $($states:tt)* } ) => {
        lifecycle! { @declare ($) events { $($events)* } states { $($states)* } }
    };
    (
        @declare ($d:tt)
        events { $( $(#[doc = $event_doc:literal])* $event:ident $( { $field:ident : $payload:ty } )? => $method:ident, )+ }
        states { $( $(#[doc = $state_doc:literal])* $state:ident = $name:literal { $( $on:ident => $to:ident ),* $(,)? } )+ }
    ) => {
        /// The lifecycle's states, as types.
        pub mod state {
            $( $(#[doc = $state_doc])* #[derive(Debug, Clone, Copy)] pub enum $state {} )+
        }

        /// The lifecycle's events, as types: for generic code bounded by [`On`].
        pub mod event {
            $( $(#[doc = $event_doc])* #[derive(Debug, Clone, Copy)] pub enum $event {} )+
        }

        mod sealed {
            pub trait Sealed {}
            $( impl Sealed for super::state::$state {} )+
        }

        /// A lifecycle state as a type; implemented by exactly the types in [`state`].
        pub trait StateType: sealed::Sealed + 'static {
            /// The state as a value.
            const STATE: State;
        }
        $( impl StateType for state::$state { const STATE: State = State::$state; } )+

        /// A lifecycle state.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum State { $( $(#[doc = $state_doc])* $state ),+ }

        /// Something that happened to an execution, with what it carries.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event {
            $( $(#[doc = $event_doc])* $event $( {
                #[doc = concat!("What `", stringify!($event), "` carries.")]
                $field: $payload
            } )? ),+
        }

        /// Which event, without what it carries.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EventKind { $( $(#[doc = $event_doc])* $event ),+ }

        impl State {
            /// Every state, in the table's order.
            pub const ALL: &'static [State] = &[ $( State::$state ),+ ];

            /// The state's name in the database, in JSON and on the command line.
            pub const fn name(self) -> &'static str {
                match self { $( State::$state => $name ),+ }
            }

            /// The state's name in the table and in Rust.
            pub const fn type_name(self) -> &'static str {
                match self { $( State::$state => stringify!($state) ),+ }
            }

            /// The events that are legal in this state, each with the state it leads to.
            pub const fn legal(self) -> &'static [(EventKind, State)] {
                match self { $( State::$state => &[ $( (EventKind::$on, State::$to) ),* ] ),+ }
            }
        }

        impl EventKind {
            /// Every event, in the table's order.
            pub const ALL: &'static [EventKind] = &[ $( EventKind::$event ),+ ];

            /// The event's name.
            pub const fn name(self) -> &'static str {
                match self { $( EventKind::$event => stringify!($event) ),+ }
            }
        }

        impl Event {
            /// Which event it is.
            pub const fn kind(&self) -> EventKind {
                match self { $( Event::$event { .. } => EventKind::$event ),+ }
            }
        }

        /// The lifecycle as a Mermaid `stateDiagram-v2`.
        pub const MERMAID: &str = concat!(
            "stateDiagram-v2\n",
            $( $( "    ", stringify!($state), " --> ", stringify!($to), ": ", stringify!($on), "\n", )* )+
        );

        /// What a `CHECK` on a column `state` allows, in SQL: `state = 'idle' OR …`.
        pub const STATE_CHECK_SQL: &str = {
            let all = concat!( $( " OR state = '", $name, "'" ),+ );
            // The first separator is cut off.
            all.split_at(4).1
        };

        /// Event `E` is legal in state `Self`.
        ///
        /// For generic code; where the state is known, call the event's method on
        /// [`Execution`].
        #[diagnostic::on_unimplemented(
            message = "event `{E}` is not legal in lifecycle state `{Self}`",
            label = "not legal in `{Self}`"
        )]
        pub trait On<E>: StateType {
            /// The state that the event leads to.
            type Next: StateType;
        }
        $( $( impl On<event::$on> for state::$state { type Next = state::$to; } )* )+

        // One arm per event: how its method reads in a given state. Called once per row of the table.
        macro_rules! event_method {
            $( ($event $d from:ident $d to:ident) => {
                $(#[doc = $event_doc])*
                #[doc = concat!("\n`", stringify!($d from), "` → [`", stringify!($d to), "`](state::", stringify!($d to), ").")]
                pub fn $method(self $(, $field: $payload)?) -> Pending<state::$d from, state::$d to> {
                    self.path().then(Event::$event $( { $field } )?)
                }
            }; )+
        }
        macro_rules! further_method {
            $( ($event $d from:ident $d to:ident) => {
                $(#[doc = $event_doc])*
                #[doc = concat!("\n… `", stringify!($d from), "` → [`", stringify!($d to), "`](state::", stringify!($d to), "), on the same path.")]
                pub fn $method(self $(, $field: $payload)?) -> Pending<F, state::$d to> {
                    self.then(Event::$event $( { $field } )?)
                }
            }; )+
        }
        $(
            #[doc = concat!("# `", stringify!($state), "`")]
            $(#[doc = $state_doc])*
            impl Execution<state::$state> { $( event_method!($on $state $to); )* }

            #[doc = concat!("# … `", stringify!($state), "`")]
            $(#[doc = $state_doc])*
            impl<F: StateType> Pending<F, state::$state> { $( further_method!($on $state $to); )* }
        )+

        /// An execution whose state is known only at run time, as it comes from a store.
        #[derive(Debug)]
        #[must_use = "an execution goes on only when it is driven"]
        pub enum AnyExecution { $( $(#[doc = $state_doc])* $state(Execution<state::$state>) ),+ }

        impl AnyExecution {
            pub(crate) fn new(state: State, row: Row) -> Self {
                match state { $( State::$state => AnyExecution::$state(Execution::new(row)) ),+ }
            }

            /// The state that the execution is in.
            pub const fn state(&self) -> State {
                match self { $( AnyExecution::$state(_) => State::$state ),+ }
            }

            /// Which row it is, and at which revision.
            pub const fn row(&self) -> &Row {
                match self { $( AnyExecution::$state(execution) => execution.row() ),+ }
            }
        }

        $(
            impl From<Execution<state::$state>> for AnyExecution {
                fn from(execution: Execution<state::$state>) -> Self { AnyExecution::$state(execution) }
            }

            impl TryFrom<AnyExecution> for Execution<state::$state> {
                type Error = AnyExecution;

                fn try_from(any: AnyExecution) -> Result<Self, AnyExecution> {
                    match any { AnyExecution::$state(execution) => Ok(execution), other => Err(other) }
                }
            }
        )+
    };
}

pub(super) use lifecycle;
