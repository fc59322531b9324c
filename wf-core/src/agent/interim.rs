//! What an attempt has come to when it is stopped before it ends by itself.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::{Reply, StepError};
use crate::usage::add_reported;

/// What an attempt has come to when it is stopped before it ends by itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Interim {
    /// Nothing was missing but the end: the answer is whole, or the failure is known.
    Ended(Result<Reply, StepError>),
    /// It was under way, and has used this, as [`Reply::usage`] has it.
    Underway(Value),
}

impl Interim {
    /// What the attempt has used, when the agent knows.
    pub fn into_usage(self) -> Option<Value> {
        match self {
            Interim::Ended(Ok(reply)) => reply.usage,
            Interim::Ended(Err(error)) => error.into_failure().usage,
            Interim::Underway(usage) => Some(usage),
        }
    }

    /// Adds what was used before within the same attempt.
    #[must_use]
    pub fn after(self, used: Value) -> Self {
        let sum = |usage: Option<Value>| {
            let mut usage = usage.unwrap_or_default();
            add_reported(&mut usage, Some(used));
            usage
        };
        match self {
            Interim::Ended(Ok(mut reply)) => {
                let usage = sum(reply.usage.take());
                Interim::Ended(Ok(reply.with_usage(usage)))
            }
            Interim::Ended(Err(error)) => {
                let usage = sum(error.failure().usage.clone());
                Interim::Ended(Err(error.with_usage(usage)))
            }
            Interim::Underway(usage) => Interim::Underway(sum(Some(usage))),
        }
    }
}

/// Where an agent leaves word of what an attempt has come to, for whoever stops it: the engine, when the time of the
/// step or of the run is over, or a wrapper with a timeout of its own. It is the [`interim`](super::Request::interim) of a request.
///
/// What is left is a function, so that nothing is computed unless the attempt is stopped. It is called at most once, by
/// whoever stops the attempt, and shares with the attempt what the two need:
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use serde_json::json;
/// use wf_core::agent::{Interim, Reply, Request, StepError};
///
/// async fn call(request: Request<'_>) -> Result<Reply, StepError> {
///     let read = Arc::new(Mutex::new(String::new()));
///     request.interim.set({
///         let read = Arc::clone(&read);
///         move || match read.lock() {
///             Ok(text) if text.ends_with("</answer>") => Some(Interim::Ended(Ok(Reply::text(&text)))),
///             _ => Some(Interim::Underway(json!({"input_tokens": 1000}))),
///         }
///     });
///     // … reads into `read` …
///     # Ok(Reply::text("done"))
/// }
/// ```
///
/// A wrapper that makes several attempts in one, or bounds the time of one, gives the inner request a slot of its own
/// ([`Request::with_interim`](super::Request::with_interim)) and, where it is stopped itself, [takes](Self::take) from that.
#[derive(Clone, Default)]
pub struct InterimSlot(Arc<Mutex<Option<Left>>>);

/// What was left in a slot.
enum Left {
    /// What tells what the attempt has come to, and whether that takes long.
    Look { look: Look, is_slow: bool },
    /// What is left in the slot of an inner request, after so much was used before it.
    Inner(InterimSlot, Option<Value>),
}

type Look = Box<dyn FnOnce() -> Option<Interim> + Send>;

impl InterimSlot {
    /// Leaves what tells what the attempt has come to; takes the place of what was left before.
    ///
    /// It is called on the task that drives the run, and must not take long: else see [`set_slow`](Self::set_slow).
    pub fn set(&self, look: impl FnOnce() -> Option<Interim> + Send + 'static) {
        self.leave(Left::Look {
            look: Box::new(look),
            is_slow: false,
        });
    }

    /// Leaves what may take long to tell, since it reads a large answer: it is called on a thread of its own.
    pub fn set_slow(&self, look: impl FnOnce() -> Option<Interim> + Send + 'static) {
        self.leave(Left::Look {
            look: Box::new(look),
            is_slow: true,
        });
    }

    fn leave(&self, left: Left) {
        let before = self.lock().replace(left);
        // What it holds may be large: not under the lock.
        drop(before);
    }

    /// Whether it takes long to take what was left.
    pub(crate) fn is_slow(&self) -> bool {
        match &*self.lock() {
            None => false,
            Some(Left::Look { is_slow, .. }) => *is_slow,
            Some(Left::Inner(inner, _)) => inner.is_slow(),
        }
    }

    /// Asks what was left, which is gone afterwards; none where nothing was, or nothing is known.
    pub fn take(&self) -> Option<Interim> {
        let left = self.lock().take();
        match left? {
            Left::Look { look, .. } => look(),
            Left::Inner(inner, used) => match (inner.take(), used) {
                (Some(interim), Some(used)) => Some(interim.after(used)),
                (None, Some(used)) => Some(Interim::Underway(used)),
                (interim, None) => interim,
            },
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Left>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for InterimSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InterimSlot")
            .field("is_set", &self.lock().is_some())
            .finish()
    }
}

/// What an agent sees of a slot; where nobody stops the attempt there may be none.
#[derive(Debug, Clone, Copy)]
pub struct InterimAt<'a>(pub(super) Option<&'a InterimSlot>);

impl InterimAt<'_> {
    /// Leaves what may take long to tell, as [`InterimSlot::set_slow`] does.
    pub fn set_slow(&self, look: impl FnOnce() -> Option<Interim> + Send + 'static) {
        if let Some(slot) = self.0 {
            slot.set_slow(look);
        }
    }

    /// Leaves what tells what the attempt has come to, as [`InterimSlot::set`] does.
    pub fn set(&self, look: impl FnOnce() -> Option<Interim> + Send + 'static) {
        if let Some(slot) = self.0 {
            slot.set(look);
        }
    }

    /// Leaves what is left in the slot of an inner request, after so much was used before it within the same attempt.
    pub fn hand_on(&self, inner: &InterimSlot, used: Option<Value>) {
        if let Some(slot) = self.0 {
            slot.leave(Left::Inner(inner.clone(), used));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_used_before_is_added_to_what_an_inner_attempt_has_come_to() {
        let used = |tokens: u64| json!({"total_tokens": tokens});
        let left = |interim: Option<Interim>, before: Option<Value>| {
            let (inner, outer) = (InterimSlot::default(), InterimSlot::default());
            inner.set(move || interim);
            InterimAt(Some(&outer)).hand_on(&inner, before);
            outer.take()
        };
        let (answer, failure) = (Reply::text("x"), StepError::terminal("no"));
        for (interim, expected) in [
            (Interim::Underway(used(3)), Interim::Underway(used(10))),
            (
                Interim::Ended(Ok(answer.clone())),
                Interim::Ended(Ok(answer.with_usage(used(7)))),
            ),
            (
                Interim::Ended(Err(failure.clone().with_usage(used(1)))),
                Interim::Ended(Err(failure.with_usage(used(8)))),
            ),
        ] {
            assert_eq!(left(Some(interim.clone()), None), Some(interim.clone()));
            assert_eq!(left(Some(interim), Some(used(7))), Some(expected));
        }
        let nothing = left(None, Some(used(7)));
        assert_eq!(nothing, Some(Interim::Underway(used(7))));
        assert_eq!(left(None, None), None);
    }
}
