//! One attempt at a step, as an agent sees it.

use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{InterimAt, InterimSlot};
use crate::clock::{Clock, SystemClock};
use crate::id::{ExecutionId, Timestamp};
use crate::usage::Usage;

/// One attempt at a step, as an agent sees it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The rendered prompt.
    pub prompt: &'a str,
    /// The execution that the step belongs to.
    pub execution: &'a ExecutionId,
    /// The step's key.
    pub step: &'a str,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// Where the agent may show what it writes while it writes it.
    pub output: Output<'a>,
    /// The JSON Schema that the result has to fit: the step's `outputSchema`. The engine checks it; an
    /// agent may pass it on to a model.
    pub schema: Option<&'a serde_json::Value>,
    /// What the run's budget leaves the attempt, where it has one: who asks several times within one attempt stops when
    /// that is used up.
    pub allowance: Allowance,
    /// Where the agent leaves word of what the attempt has come to, for when it is stopped before it ends.
    pub interim: InterimAt<'a>,
    clock: Time<'a>,
    /// The agents that were asked in this attempt, where one was asked in another's place.
    pub asked: Option<&'a Asked>,
    queued: Option<&'a Queued>,
    /// What tells the store of the execution from others.
    store: &'a str,
}

impl<'a> Request<'a> {
    /// An attempt at `step` of `execution`.
    pub const fn new(
        prompt: &'a str,
        execution: &'a ExecutionId,
        step: &'a str,
        attempt: u32,
    ) -> Self {
        Request {
            prompt,
            execution,
            step,
            attempt,
            output: Output(None),
            schema: None,
            allowance: Allowance::UNLIMITED,
            interim: InterimAt(None),
            clock: Time(None),
            asked: None,
            queued: None,
            store: "",
        }
    }

    /// Sets the clock.
    #[must_use]
    pub const fn with_clock(mut self, clock: &'a dyn Clock) -> Self {
        self.clock = Time(Some(clock));
        self
    }

    /// Tells the time, by the engine's clock where it makes the attempt.
    pub fn now(&self) -> Timestamp {
        match self.clock.0 {
            Some(clock) => clock.now(),
            None => SystemClock::new().now(),
        }
    }

    /// Sends what the agent shows to `listener`.
    #[must_use]
    pub const fn with_output(mut self, listener: &'a (dyn Fn(&str) + Send + Sync)) -> Self {
        self.output = Output(Some(listener));
        self
    }

    /// Sets a JSON Schema that the result has to fit.
    #[must_use]
    pub const fn with_schema(mut self, schema: &'a serde_json::Value) -> Self {
        self.schema = Some(schema);
        self
    }

    /// Sets what the attempt may use.
    #[must_use]
    pub const fn with_allowance(mut self, allowance: Allowance) -> Self {
        self.allowance = allowance;
        self
    }

    /// Has the agent leave in `slot` what the attempt has come to.
    #[must_use]
    pub const fn with_interim(mut self, slot: &'a InterimSlot) -> Self {
        self.interim = InterimAt(Some(slot));
        self
    }

    pub(crate) const fn with_store(mut self, identity: &'a str) -> Self {
        self.store = identity;
        self
    }

    /// Keeps the agents that are asked in `asked`.
    #[must_use]
    pub const fn with_asked(mut self, asked: &'a Asked) -> Self {
        self.asked = Some(asked);
        self
    }

    pub(crate) const fn with_queued(mut self, queued: &'a Queued) -> Self {
        self.queued = Some(queued);
        self
    }

    /// Returns what every attempt at this step of this execution shares, and no other step of any execution in any
    /// store: `STORE/EXECUTION/STEP`, where STORE is the [identity](crate::store::Store::identity) of the store, if it
    /// has one.
    ///
    /// It is ASCII: of the execution's identifier, all bytes but letters, digits, `-`, `.`, `_` and `~` are
    /// percent-encoded (RFC 3986, section 2.1).
    pub fn idempotency_key(&self) -> String {
        let mut key = String::with_capacity(64);
        if !self.store.is_empty() {
            key.push_str(self.store);
            key.push('/');
        }
        for &byte in self.execution.as_str().as_bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                key.push(byte.into());
            } else {
                // Writing to a string never fails.
                let _ = write!(key, "%{byte:02X}");
            }
        }
        key.push('/');
        key.push_str(self.step);
        key
    }

    /// Says that the attempt waits for its turn (a rate limit, a bound on how many run at once): the step's
    /// timeout stands still until the guard is dropped.
    ///
    /// ```
    /// use wf_core::agent::{Reply, Request, StepError};
    ///
    /// async fn call(request: Request<'_>, turns: &futures::lock::Mutex<()>) -> Result<Reply, StepError> {
    ///     let waiting = request.waiting();
    ///     let turn = turns.lock().await;
    ///     drop(waiting);
    ///     # drop(turn);
    ///     Ok(Reply::text("done"))
    /// }
    /// ```
    pub fn waiting(&self) -> Waiting<'a> {
        if let Some(queued) = self.queued {
            queued.0.fetch_add(1, Ordering::Relaxed);
        }
        Waiting(self.queued)
    }

    /// Tells whether the attempt [waits](Self::waiting) for its turn.
    pub fn is_waiting(&self) -> bool {
        self.queued.is_some_and(Queued::is_waiting)
    }
}

/// What an attempt may use at most.
///
/// ```
/// use serde_json::json;
/// use wf_core::agent::Allowance;
/// use wf_core::usage::Usage;
///
/// let allowance = Allowance { tokens: Some(100), ..Allowance::UNLIMITED };
/// let used = |tokens| Usage::reported(&json!({"total_tokens": tokens}));
/// assert_eq!(allowance.after(used(60)).unwrap().tokens, Some(40));
/// assert_eq!(allowance.after(used(100)), None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Allowance {
    /// How many tokens, if that is limited.
    pub tokens: Option<u64>,
    /// How much money, if that is limited.
    pub cost: Option<f64>,
}

impl Allowance {
    /// As much as it takes.
    pub const UNLIMITED: Allowance = Allowance {
        tokens: None,
        cost: None,
    };

    /// Nothing at all.
    pub const NOTHING: Allowance = Allowance {
        tokens: Some(0),
        cost: Some(0.0),
    };

    /// What either of two may use at most: the larger of each.
    #[must_use]
    pub fn or(self, other: Allowance) -> Allowance {
        let (tokens, cost) = (self.tokens.zip(other.tokens), self.cost.zip(other.cost));
        Allowance {
            tokens: tokens.map(|(one, another)| one.max(another)),
            cost: cost.map(|(one, another)| one.max(another)),
        }
    }

    /// What two may use at most, one after the other.
    #[must_use]
    pub fn and(self, other: Allowance) -> Allowance {
        let (tokens, cost) = (self.tokens.zip(other.tokens), self.cost.zip(other.cost));
        Allowance {
            tokens: tokens.map(|(one, another)| one.saturating_add(another)),
            cost: cost.map(|(one, another)| one + another),
        }
    }

    /// What is left when so much was used; none when nothing is left of something that was used.
    pub fn after(self, used: Usage) -> Option<Allowance> {
        let Allowance { tokens, cost } = self;
        // A sum of decimal fractions may be off by a hair.
        let hair = cost.unwrap_or_default() * 1e-9;
        let tokens_are_up = used.tokens > 0 && tokens.is_some_and(|most| used.tokens >= most);
        let cost_is_up = used.cost > 0.0 && cost.is_some_and(|most| used.cost + hair >= most);
        (!tokens_are_up && !cost_is_up).then(|| Allowance {
            tokens: tokens.map(|most| most - used.tokens.min(most)),
            cost: cost.map(|most| (most - used.cost).max(0.0)),
        })
    }
}

/// The agents that were asked in one attempt, by name: none is asked twice.
///
/// ```
/// use wf_core::agent::Asked;
///
/// let asked = Asked::default();
/// assert!(asked.add("reviewer"));
/// assert!(!asked.add("reviewer"));
/// ```
#[derive(Debug, Default)]
pub struct Asked(Mutex<BTreeSet<String>>);

impl Asked {
    /// Adds an agent; tells whether it was not asked before.
    pub fn add(&self, agent: &str) -> bool {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !asked.contains(agent) && asked.insert(agent.to_owned())
    }

    /// Tells whether the agent was asked.
    pub fn contains(&self, agent: &str) -> bool {
        let asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.contains(agent)
    }
}

/// Where an agent shows what it writes while it writes it.
///
/// The engine passes it on to its observer as [`Notice::Output`](crate::engine::Notice::Output); without an
/// observer it is dropped.
#[derive(Clone, Copy)]
pub struct Output<'a>(Option<&'a (dyn Fn(&str) + Send + Sync)>);

impl Output<'_> {
    /// Whether anybody listens: what is costly to prepare need not be prepared otherwise.
    pub const fn is_heard(&self) -> bool {
        self.0.is_some()
    }

    /// Shows a piece of text, of any length, as it came: pieces follow each other without a break.
    ///
    /// Secrets must have been taken out.
    pub fn write(&self, text: &str) {
        if let Some(listener) = self.0
            && !text.is_empty()
        {
            listener(text);
        }
    }
}

impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("is_heard", &self.is_heard())
            .finish()
    }
}

/// What tells the time.
#[derive(Clone, Copy)]
struct Time<'a>(Option<&'a dyn Clock>);

impl fmt::Debug for Time<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Time").finish_non_exhaustive()
    }
}

/// An attempt that waits for its turn, until it is dropped.
#[derive(Debug)]
#[must_use = "the step's timeout stands still only while this lives"]
pub struct Waiting<'a>(Option<&'a Queued>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(queued) = self.0 {
            queued.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// How many waits of an attempt are under way. The agent and the engine look at it on the same task.
#[derive(Debug, Default)]
pub(crate) struct Queued(AtomicUsize);

impl Queued {
    pub(crate) fn is_waiting(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}
