//! What any agent can be given: a time limit, bounds on how many attempts start and run at once, and a circuit
//! breaker.

mod circuit;
mod rate;

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use wf_core::agent::{Agent, Allowance, Interim, InterimSlot, Reply, Request, StepError};

use self::circuit::Circuit;
use self::rate::Rate;
pub use self::rate::RateLimit;
use super::aside::{LARGE, aside};
use super::capture::Tail;
use super::fault::{Diagnose, Fault};
use super::secrets::Secrets;

/// After how many failures in a row an agent of a file is taken to be down, unless the file says otherwise.
pub const BREAKER: u32 = 5;

/// After how many failures in a row that reached nobody an agent of a file is taken to be down, unless the file
/// says otherwise.
pub const BREAKER_UNREACHED: u32 = 3;

/// How long an agent of a file that is down is left alone before an attempt looks whether it is well again,
/// unless the file says otherwise.
pub const BREAKER_RESET: Duration = Duration::from_secs(30);

/// Bounds how long an attempt of an agent takes, how many of its attempts run at once and how many start in a
/// while, and leaves alone an agent that is down.
///
/// Needs a tokio runtime with its timer enabled where a time limit, a rate limit or a breaker is set. An
/// attempt that waits for its turn is not yet running: its time limit, and its step's, begin when its turn
/// comes. Those who wait come in the order in which they asked.
///
/// # Cancellation
///
/// Dropping an attempt that waits gives its turn to the next one.
pub struct Limited<A> {
    agent: A,
    /// Makes an attempt: by `Agent::call`, or by `Diagnose::diagnose` where a breaker needs it.
    attempt: for<'a> fn(&'a A, Request<'a>) -> BoxFuture<'a, Result<Reply, Fault>>,
    timeout: Option<Duration>,
    turns: Option<Semaphore>,
    rate: Option<Rate>,
    circuit: Option<Circuit>,
    waits_for_reset: bool,
}

/// An agent that asks to be left alone for longer than this has reached a limit.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

impl<A: Agent> Limited<A> {
    /// The agent without a limit.
    pub fn new(agent: A) -> Self {
        Limited {
            agent,
            attempt: |agent, request| {
                Box::pin(async move { agent.call(request).await.map_err(Fault::attempt) })
            },
            timeout: None,
            turns: None,
            rate: None,
            circuit: None,
            waits_for_reset: false,
        }
    }

    /// Stops an attempt that takes longer than `timeout`; it fails, retryably.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Lets at most `attempts` run at once, of whatever execution; further ones wait.
    ///
    /// Zero is taken as one: an agent that may do nothing would wait for ever.
    #[must_use]
    pub fn max_concurrent(mut self, attempts: usize) -> Self {
        self.turns = Some(Semaphore::new(attempts.clamp(1, Semaphore::MAX_PERMITS)));
        self
    }

    /// Has a run wait until a limit that the agent has reached is lifted, and not pause.
    #[must_use]
    pub const fn wait_for_reset(mut self) -> Self {
        self.waits_for_reset = true;
        self
    }

    /// Lets no more attempts start in a while than the limit says; further ones wait.
    #[must_use]
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate = Some(Rate::new(limit));
        self
    }
}

impl<A: Diagnose> Limited<A> {
    /// Sorts failures by who is to blame, and takes the agent to be down after
    /// `failures` attempts in a row whose failures say so; 0 turns that off.
    ///
    /// An attempt that finds the agent down fails with [`StepError::Unavailable`], which pauses its run. The
    /// failures must not all be of attempts that ran at once: one that began after another had failed is
    /// among them. When `reset` has passed, one attempt looks whether the agent is well again, and others
    /// wait for what it finds. `name` is the agent's name for messages.
    #[must_use]
    pub fn breaker(mut self, name: impl Into<String>, failures: u32, reset: Duration) -> Self {
        self.attempt = |agent, request| agent.diagnose(request);
        self.circuit = (failures > 0).then(|| Circuit::new(name.into(), failures, reset));
        self
    }

    /// Has the breaker that was set take the agent to be down already after `failures` attempts in a
    /// row that [reached nobody](super::Blame::Nobody); at least 1, and no more than the breaker's own.
    #[must_use]
    pub fn unreached(mut self, failures: u32) -> Self {
        self.circuit = self.circuit.map(|circuit| circuit.unreached(failures));
        self
    }

    /// Has the breaker that was set also count that a program [ends](super::Blame::Exit) with a status other
    /// than zero.
    #[must_use]
    pub fn counting_exits(mut self) -> Self {
        self.circuit = self.circuit.map(Circuit::counting_exits);
        self
    }
}

impl<A: Agent> Limited<A> {
    async fn run(&self, request: Request<'_>) -> Result<Reply, Fault> {
        let waiting = request.waiting();
        let turn = async {
            let turn = match &self.turns {
                Some(turns) => Some(turns.acquire().await.map_err(StepError::terminal)?),
                None => None,
            };
            let pass = match &self.circuit {
                Some(circuit) => Some(circuit.pass().await),
                None => None,
            };
            // Last: what starts now is counted now.
            if let Some(rate) = &self.rate {
                rate.start().await;
            }
            Ok::<_, StepError>((turn, pass))
        };
        let (_turn, pass) = match &self.circuit {
            None => turn.await,
            Some(circuit) => tokio::select! {
                biased;
                // Whoever waits hears at once that waiting is in vain.
                down = circuit.down(request) => Err(down),
                turn = turn => turn,
            },
        }
        .map_err(Fault::agent)?;
        drop(waiting);
        let answer = self.bounded(request).await;
        let answer = answer.map_err(|fault| self.limited(fault, request));
        match pass {
            Some(pass) => pass.report(answer, request),
            None => answer,
        }
    }

    /// The failure, where it is that of a limit that names its reset, with what is to be done about it.
    fn limited(&self, mut fault: Fault, request: Request<'_>) -> Fault {
        let failure = fault.error.failure();
        let long = failure.retry_after.filter(|wait| *wait > LONGEST_PAUSE);
        if let (None, Some(wait)) = (failure.resets_at, long) {
            fault.error = fault.error.resets_at(request.now().after(wait));
        }
        if self.waits_for_reset {
            fault.error = fault.error.waiting_for_reset();
        }
        fault
    }

    async fn bounded(&self, request: Request<'_>) -> Result<Reply, Fault> {
        let Some(timeout) = self.timeout else {
            return (self.attempt)(&self.agent, request).await;
        };
        let hidden = Secrets::default();
        let written = Mutex::new(Tail::new(&hidden));
        let output = request.output;
        let listener = |text: &str| {
            let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
            written.push(text.as_bytes());
            output.write(text);
        };
        let interim = InterimSlot::default();
        request.interim.hand_on(&interim, None);
        let inner = request.with_output(&listener).with_interim(&interim);
        let mut attempt = (self.attempt)(&self.agent, inner);
        loop {
            match tokio::time::timeout(timeout, &mut attempt).await {
                Ok(answer) => return answer,
                // Its time begins when it has what it needs.
                Err(_) if request.is_waiting() => {}
                Err(_) => break,
            }
        }
        drop(attempt);
        // What there is may be large, and nobody knows yet.
        let left = aside(LARGE, move || interim.take()).await;
        let usage = match left {
            Some(Interim::Ended(ended)) => return ended.map_err(Fault::attempt),
            Some(Interim::Underway(usage)) => Some(usage),
            None => None,
        };
        let timeout = wf_model::format_duration(timeout);
        let message = format!("no answer within {timeout}, the agent's `timeout`");
        let written = written.into_inner().unwrap_or_else(PoisonError::into_inner);
        let message = match written.show(&hidden) {
            shown if shown.is_empty() => message,
            shown => format!("{message}; what it wrote ends: {shown}"),
        };
        let error = StepError::retryable(message);
        Err(Fault::attempt(match usage {
            Some(usage) => error.with_usage(usage),
            None => error,
        }))
    }
}

impl<A: Agent> Agent for Limited<A> {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        Box::pin(async move { self.run(request).await.map_err(|fault| fault.error) })
    }

    fn bound(&self, request: Request<'_>) -> Allowance {
        self.agent.bound(request)
    }
}

impl<A: Agent> Diagnose for Limited<A> {
    fn diagnose<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, Fault>> {
        Box::pin(self.run(request))
    }
}

impl<A: fmt::Debug> fmt::Debug for Limited<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limited")
            .field("agent", &self.agent)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
