//! A circuit breaker: an agent that is down is left alone.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use wf_core::agent::{Reply, Request, StepError};

use crate::fault::{Blame, Fault};

/// Counts failures that say the agent is down, and lets nobody through when there were too many in a row.
pub(super) struct Circuit {
    name: String,
    most: u32,
    /// How many failures in a row suffice where nobody was reached.
    most_unreached: u32,
    /// Whether a program's exit status counts.
    counts_exits: bool,
    reset: Duration,
    state: Mutex<State>,
    /// Told at every change of phase.
    changed: Notify,
}

struct State {
    phase: Phase,
    /// Failures in a row.
    failures: u32,
    /// The last of them that reached nobody.
    unreached: u32,
    /// Passes and failures so far: says which came first.
    events: u64,
    /// The event that was the first failure in a row.
    first: u64,
    /// Whether an attempt of this row began after another of it had failed.
    spaced: bool,
}

enum Phase {
    /// The agent is well, as far as is known.
    Closed,
    /// The agent is down; from that moment on, if ever, somebody may look again.
    Open {
        until: Option<Instant>,
        reason: String,
    },
    /// Somebody looks whether the agent is well again; what was wrong with it.
    Probing { reason: String },
}

/// One attempt that was let through. Dropping it says nothing about the agent.
pub(super) struct Pass<'a> {
    circuit: &'a Circuit,
    began: u64,
    is_probe: bool,
}

impl Circuit {
    pub(super) const fn new(name: String, most: u32, reset: Duration) -> Self {
        Circuit {
            name,
            most,
            most_unreached: most,
            counts_exits: false,
            reset,
            state: Mutex::new(State {
                phase: Phase::Closed,
                failures: 0,
                unreached: 0,
                events: 0,
                first: 0,
                spaced: false,
            }),
            changed: Notify::const_new(),
        }
    }

    /// Has fewer failures in a row suffice when they reached nobody.
    pub(super) fn unreached(self, most: u32) -> Self {
        Circuit {
            most_unreached: most.clamp(1, self.most),
            ..self
        }
    }

    /// Counts a program that ends with a status other than zero as failed.
    pub(super) fn counting_exits(self) -> Self {
        Circuit {
            counts_exits: true,
            ..self
        }
    }

    /// Waits until the agent is known to be down, and says so.
    pub(super) async fn down(&self, request: Request<'_>) -> StepError {
        loop {
            // Listens before it looks, so that no change falls in between.
            let changed = self.changed.notified();
            let reason = match &self.lock().phase {
                Phase::Open { until, reason } if !is_due(*until) => Some(reason.clone()),
                _ => None,
            };
            if let Some(reason) = reason {
                return self.unavailable(&reason, request);
            }
            changed.await;
        }
    }

    /// Waits until an attempt may go through: the agent is not known to be down, or it is time to look.
    pub(super) async fn pass(&self) -> Pass<'_> {
        loop {
            let changed = self.changed.notified();
            if let Some(pass) = self.try_pass() {
                return pass;
            }
            changed.await;
        }
    }

    fn try_pass(&self) -> Option<Pass<'_>> {
        let mut state = self.lock();
        let probe = match &mut state.phase {
            Phase::Closed => None,
            Phase::Open { until, reason } if is_due(*until) => Some(std::mem::take(reason)),
            Phase::Open { .. } | Phase::Probing { .. } => return None,
        };
        let is_probe = probe.is_some();
        if let Some(reason) = probe {
            state.phase = Phase::Probing { reason };
        }
        state.events += 1;
        Some(Pass {
            circuit: self,
            began: state.events,
            is_probe,
        })
    }

    fn unavailable(&self, reason: &str, request: Request<'_>) -> StepError {
        StepError::unavailable(format_args!(
            "agent `{}` is down: {reason}; fix it, then resume the execution `{}`",
            self.name, request.execution,
        ))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, state: &mut State, phase: Phase) {
        state.phase = phase;
        self.changed.notify_waiters();
    }
}

impl Pass<'_> {
    /// Says how the attempt ended; gives its answer, or that the agent is down.
    pub(super) fn report(
        mut self,
        answer: Result<Reply, Fault>,
        request: Request<'_>,
    ) -> Result<Reply, Fault> {
        match answer {
            Err(fault) => match fault.blame {
                Blame::Agent | Blame::Nobody => Err(self.failed(fault, request)),
                Blame::Exit if self.circuit.counts_exits => Err(self.failed(fault, request)),
                Blame::Attempt | Blame::Exit => Err(fault),
                Blame::Prompt => {
                    self.succeeded();
                    Err(fault)
                }
            },
            Ok(reply) => {
                self.succeeded();
                Ok(reply)
            }
        }
    }

    fn succeeded(&mut self) {
        let circuit = self.circuit;
        let mut state = circuit.lock();
        (state.failures, state.unreached, state.spaced) = (0, 0, false);
        if !matches!(state.phase, Phase::Closed) {
            circuit.enter(&mut state, Phase::Closed);
        }
        self.is_probe = false;
    }

    fn failed(&mut self, fault: Fault, request: Request<'_>) -> Fault {
        let circuit = self.circuit;
        let mut state = circuit.lock();
        state.events += 1;
        if state.failures == 0 {
            state.first = state.events;
        }
        state.failures = state.failures.saturating_add(1);
        state.unreached = match fault.blame {
            Blame::Nobody => state.unreached.saturating_add(1),
            _ => 0,
        };
        state.spaced |= self.began > state.first;
        let is_enough = state.failures >= circuit.most || state.unreached >= circuit.most_unreached;
        let is_down = is_enough && state.spaced;
        if !(self.is_probe || is_down) {
            return fault;
        }
        let reason = format!(
            "{} attempts in a row failed, the last with: {}",
            state.failures, fault.error
        );
        let mut error = circuit.unavailable(&reason, request);
        if let Some(usage) = fault.error.into_failure().usage {
            error = error.with_usage(usage);
        }
        let until = Instant::now().checked_add(circuit.reset);
        circuit.enter(&mut state, Phase::Open { until, reason });
        self.is_probe = false;
        Fault::agent(error)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.is_probe {
            return;
        }
        let mut state = self.circuit.lock();
        if let Phase::Probing { reason } = &mut state.phase {
            // Nothing was learnt: the next one may look at once.
            let reason = std::mem::take(reason);
            let until = Some(Instant::now());
            self.circuit
                .enter(&mut state, Phase::Open { until, reason });
        }
    }
}

fn is_due(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() >= until)
}
