//! Who is asked instead.

mod chain;

use std::fmt;

use futures::future::BoxFuture;
use serde_json::Value;
use wf_core::agent::{Agent, Allowance, InterimSlot, Reply, Request, StepError};
use wf_core::usage::{Usage, add_reported, set_reported};

pub(super) use self::chain::{Chain, Link};

use super::fault::{Blame, Diagnose, Fault};

/// Asks one agent after the other, within one attempt, until one succeeds.
///
/// The next is asked after any failure except one that only another prompt can avoid. When all fail, the
/// message has the failure of each, and the mildest counts: retryable if any is, else
/// [unavailable](StepError::Unavailable) if any is, else terminal; with the shortest wait that was asked for.
/// What those that failed have used is added to the usage; when another than the first answers, the usage
/// names it as `agent`, and has those that failed with their messages as `failed`. Whoever watches sees each failure
/// when the next is asked. When those that failed have used all that the run's budget
/// [leaves the attempt](Request::allowance), nobody else is asked.
///
/// # Cancellation
///
/// Dropping an attempt drops that of the agent which is being asked.
pub struct Fallback {
    agents: Vec<(String, Box<dyn Diagnose>)>,
}

impl Fallback {
    /// The agent of that name, alone.
    pub fn new(name: impl Into<String>, agent: impl Diagnose + 'static) -> Self {
        Fallback { agents: Vec::new() }.or(name, agent)
    }

    /// Adds an agent that is asked when all before it have failed.
    #[must_use]
    pub fn or(mut self, name: impl Into<String>, agent: impl Diagnose + 'static) -> Self {
        self.agents.push((name.into(), Box::new(agent)));
        self
    }

    async fn ask(&self, request: Request<'_>) -> Result<Reply, Fault> {
        in_turn(self.by_name().into_iter(), request).await
    }

    fn by_name(&self) -> Vec<(&str, &dyn Diagnose)> {
        let agents = self.agents.iter();
        agents
            .map(|(name, agent)| (name.as_str(), &**agent))
            .collect()
    }
}

/// Asks these agents, each with its name, until one succeeds.
async fn in_turn<'a>(
    agents: impl Iterator<Item = (&'a str, &'a dyn Diagnose)> + Send,
    request: Request<'_>,
) -> Result<Reply, Fault> {
    let mut agents = agents.peekable();
    let mut failed: Vec<(&str, Fault)> = Vec::new();
    let mut left = request.allowance;
    let mut unasked = None;
    while let Some((name, agent)) = agents.next() {
        let interim = InterimSlot::default();
        let mut inner = request.with_allowance(left);
        if !failed.is_empty() {
            request.interim.hand_on(&interim, used(&failed));
            inner = inner.with_interim(&interim);
        }
        match agent.diagnose(inner).await {
            Ok(reply) if failed.is_empty() => return Ok(reply),
            Ok(mut reply) => {
                let mut usage = reply.usage.take().unwrap_or_default();
                let failures = failed.iter().map(|(name, fault)| told(name, &fault.error));
                let mut failures: Vec<Value> = failures.collect();
                // Fallbacks of its own may have answered.
                if let Some(Value::Array(more)) = usage.get_mut("failed") {
                    failures.append(more);
                }
                for (_, fault) in failed {
                    add_reported(&mut usage, fault.error.into_failure().usage);
                }
                set_reported(&mut usage, "agent", name.into());
                set_reported(&mut usage, "failed", failures.into());
                return Ok(reply.with_usage(usage));
            }
            Err(fault) => {
                let mut next = match fault.blame {
                    Blame::Prompt => None,
                    _ => agents.peek().map(|(name, _)| *name),
                };
                let used = fault.error.failure().usage.as_ref();
                match left.after(used.map(Usage::reported).unwrap_or_default()) {
                    Some(rest) => left = rest,
                    None => unasked = next.take(),
                }
                if let Some(next) = next {
                    let error = &fault.error;
                    let line = format!("[agent `{name}` failed: {error}; asking `{next}`]\n");
                    request.output.write(&line);
                }
                failed.push((name, fault));
                if next.is_none() {
                    break;
                }
            }
        }
    }
    Err(together(failed, unasked))
}

impl Agent for Fallback {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        Box::pin(async move { self.ask(request).await.map_err(|fault| fault.error) })
    }

    /// What all of them may use, one after the other.
    fn bound(&self, request: Request<'_>) -> Allowance {
        let bounds = self.agents.iter().map(|(_, agent)| agent.bound(request));
        bounds.fold(Allowance::NOTHING, Allowance::and)
    }
}

impl Diagnose for Fallback {
    fn diagnose<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, Fault>> {
        Box::pin(self.ask(request))
    }
}

impl fmt::Debug for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.agents.iter().map(|(name, _)| name))
            .finish()
    }
}

/// What those that failed have used.
fn used(failed: &[(&str, Fault)]) -> Option<Value> {
    let mut usage = Value::Null;
    for (_, fault) in failed {
        add_reported(&mut usage, fault.error.failure().usage.clone());
    }
    (!usage.is_null()).then_some(usage)
}

/// One failure, for the usage.
fn told(name: &str, error: &StepError) -> Value {
    serde_json::json!({"agent": name, "error": error.to_string()})
}

/// All failures as one, and who was not asked since nothing was left to pay for it.
fn together(mut failed: Vec<(&str, Fault)>, unasked: Option<&str>) -> Fault {
    if failed.len() == 1
        && unasked.is_none()
        && let Some((_, alone)) = failed.pop()
    {
        return alone;
    }
    let said: Vec<String> = failed
        .iter()
        .map(|(name, fault)| format!("`{name}`: {}", fault.error))
        .collect();
    let mut message = format!("every agent that was asked failed: {}", said.join("; "));
    if let Some(name) = unasked {
        message += &format!(
            "; `{name}` was not asked, since this attempt has used what the run's budget leaves it; \
             a larger `perAttempt` leaves it more"
        );
    }
    let is = |test: fn(&StepError) -> bool| failed.iter().any(|(_, fault)| test(&fault.error));
    let mut error = if is(StepError::is_retryable) {
        StepError::retryable(message)
    } else if is(StepError::is_unavailable) {
        StepError::unavailable(message)
    } else {
        StepError::terminal(message)
    };
    let waits = failed.iter().map(|(_, fault)| fault.error.failure());
    if let Some(wait) = waits.filter_map(|failure| failure.retry_after).min() {
        error = error.retry_after(wait);
    }
    // Another attempt is in vain where each that could be asked again has reached a limit.
    let limited = failed.iter().map(|(_, fault)| &fault.error);
    let limited = limited.filter(|error| error.is_retryable());
    let resets: Option<Vec<_>> = limited.map(|error| error.failure().resets_at).collect();
    if let Some(at) = resets.and_then(|resets| resets.into_iter().min()) {
        error = error.resets_at(at);
        if is(|error| error.failure().waits_for_reset) {
            error = error.waiting_for_reset();
        }
    }
    if let Some(usage) = used(&failed) {
        error = error.with_usage(usage);
    }
    Fault::attempt(error)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use wf_core::id::ExecutionId;

    use super::*;

    /// Always gives the same.
    struct Fixed(Result<Reply, Fault>);

    impl Agent for Fixed {
        fn call<'a>(&'a self, _: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
            Box::pin(async { self.0.clone().map_err(|fault| fault.error) })
        }
    }

    impl Diagnose for Fixed {
        fn diagnose<'a>(&'a self, _: Request<'a>) -> BoxFuture<'a, Result<Reply, Fault>> {
            Box::pin(async { self.0.clone() })
        }
    }

    fn fails(error: StepError) -> Fixed {
        Fixed(Err(Fault::attempt(error)))
    }

    async fn ask(agent: &Fallback) -> Result<Reply, StepError> {
        let execution = ExecutionId::from("run");
        agent.call(Request::new("p", &execution, "s", 1)).await
    }

    #[tokio::test]
    async fn the_next_is_asked_after_a_failure_of_any_class() {
        for error in [
            StepError::retryable("busy"),
            StepError::terminal("no such model"),
            StepError::unavailable("down"),
        ] {
            let said = error.to_string();
            let spent = json!({"input_tokens": 3, "cost": 0.5, "model": "m"});
            let agent = Fallback::new("a", fails(error.with_usage(spent))).or(
                "b",
                Fixed(Ok(Reply::text("yes").with_usage(
                    json!({"input_tokens": 4, "cost": 0.25, "model": "n"}),
                ))),
            );
            let reply = ask(&agent).await.unwrap();
            assert_eq!(reply.result.as_str(), r#""yes""#);
            let expected = json!({"input_tokens": 7, "cost": 0.75, "model": "n", "agent": "b",
                "failed": [{"agent": "a", "error": said}]});
            assert_eq!(reply.usage.unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn whoever_watches_sees_each_failure_when_the_next_is_asked() {
        let shown = std::sync::Mutex::new(String::new());
        let listener = |text: &str| shown.lock().unwrap().push_str(text);
        let execution = ExecutionId::from("run");
        let request = Request::new("p", &execution, "s", 1).with_output(&listener);
        let agent = Fallback::new("a", fails(StepError::terminal("gone")))
            .or("b", fails(StepError::retryable("busy")))
            .or("c", fails(StepError::retryable("slow")));
        agent.call(request).await.unwrap_err();
        assert_eq!(
            *shown.lock().unwrap(),
            "[agent `a` failed: gone; asking `b`]\n[agent `b` failed: busy; asking `c`]\n"
        );
    }

    #[tokio::test]
    async fn when_all_fail_the_mildest_counts_and_every_failure_is_told() {
        let agent = Fallback::new("a", fails(StepError::terminal("refused")))
            .or(
                "b",
                fails(StepError::retryable("busy").retry_after(Duration::from_secs(9))),
            )
            .or(
                "c",
                fails(StepError::retryable("slow").retry_after(Duration::from_secs(3))),
            );
        let error = ask(&agent).await.unwrap_err();
        assert!(error.is_retryable());
        assert_eq!(error.failure().retry_after, Some(Duration::from_secs(3)));
        assert_eq!(
            error.to_string(),
            "every agent that was asked failed: `a`: refused; `b`: busy; `c`: slow"
        );
        let agent = Fallback::new("a", fails(StepError::terminal("refused")))
            .or("b", fails(StepError::unavailable("down")));
        assert!(ask(&agent).await.unwrap_err().is_unavailable());
        let agent = Fallback::new("a", fails(StepError::terminal("x")))
            .or("b", fails(StepError::terminal("y")));
        let error = ask(&agent).await.unwrap_err();
        assert!(matches!(error, StepError::Terminal(_)), "{error:?}");
    }

    #[tokio::test]
    async fn what_those_that_failed_have_used_is_known_when_the_attempt_is_stopped() {
        let failure = StepError::terminal("no").with_usage(json!({"cost": 0.5}));
        let forever = |_: String| std::future::pending::<Result<Reply, StepError>>();
        let agent = Fallback::new("a", fails(failure)).or("b", forever);
        let (slot, execution) = (InterimSlot::default(), ExecutionId::from("run"));
        let request = Request::new("p", &execution, "s", 1).with_interim(&slot);
        assert!(futures::poll!(agent.call(request)).is_pending());
        let left = wf_core::agent::Interim::Underway(json!({"cost": 0.5}));
        assert_eq!(slot.take(), Some(left));
    }

    #[tokio::test]
    async fn nobody_else_is_asked_when_the_attempt_has_used_what_it_may() {
        let costs = |cost: f64| StepError::retryable("no").with_usage(json!({"cost": cost}));
        let asked = async |allowed: f64| {
            let inner = Fallback::new("b", fails(costs(1.0))).or("c", fails(costs(1.0)));
            let agent = Fallback::new("a", fails(costs(1.0)))
                .or("bc", inner)
                .or("d", fails(StepError::terminal("gone")))
                .or("e", Fixed(Ok(Reply::text("yes"))));
            let execution = ExecutionId::from("run");
            let allowance = Allowance {
                cost: Some(allowed),
                ..Allowance::UNLIMITED
            };
            let request = Request::new("p", &execution, "s", 1).with_allowance(allowance);
            agent.call(request).await
        };
        let used = |error: &StepError| Usage::reported(error.failure().usage.as_ref().unwrap());
        for (allowed, unasked) in [(1.0, "`bc`"), (2.0, "`c`"), (3.0, "`d`")] {
            let error = asked(allowed).await.unwrap_err();
            assert_eq!(used(&error).cost, allowed, "{error}");
            let said = format!("{unasked} was not asked, since this attempt has used");
            assert!(error.to_string().contains(&said), "{error}");
            assert!(error.is_retryable());
        }
        // What costs nothing is no reason to stop.
        assert_eq!(asked(4.0).await.unwrap().result.as_str(), r#""yes""#);
    }

    #[tokio::test]
    async fn nobody_else_is_asked_what_only_another_prompt_can_mend() {
        let refused = Fault::prompt(StepError::terminal("too long"));
        let agent =
            Fallback::new("a", Fixed(Err(refused))).or("b", Fixed(Ok(Reply::text("never"))));
        assert_eq!(
            ask(&agent).await.unwrap_err(),
            StepError::terminal("too long")
        );
    }
}
