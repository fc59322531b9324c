//! Agents that are down: left alone, and tried again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ax::agents::{Diagnose, Fallback, Fault, Limited, RateLimit};
use futures::future::BoxFuture;
use tokio::time::Instant;
use wf_core::agent::{Agent, Reply, Request, StepError};

use crate::{ask, attempt};

const RESET: Duration = Duration::from_secs(30);

/// Answers as it is told to, each answer after a second.
#[derive(Clone, Default)]
struct Scripted {
    mood: Arc<Mutex<Option<Fault>>>,
    calls: Arc<AtomicUsize>,
}

impl Scripted {
    fn down() -> Fault {
        Fault::agent(StepError::retryable("connection refused"))
    }

    fn is_now(&self, mood: Option<Fault>) {
        *self.mood.lock().unwrap() = mood;
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn limited(&self) -> Limited<Scripted> {
        Limited::new(self.clone()).breaker("m", 5, RESET)
    }
}

impl Agent for Scripted {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        Box::pin(async move { self.diagnose(request).await.map_err(|fault| fault.error) })
    }
}

impl Diagnose for Scripted {
    fn diagnose<'a>(&'a self, _: Request<'a>) -> BoxFuture<'a, Result<Reply, Fault>> {
        Box::pin(async {
            self.calls.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(1)).await;
            match self.mood.lock().unwrap().clone() {
                None => Ok(Reply::text("well")),
                Some(fault) => Err(fault),
            }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn after_too_many_failures_in_a_row_nobody_is_let_through() {
    let script = Scripted::default();
    script.is_now(Some(Scripted::down()));
    let agent = script.limited();
    for number in 1..5 {
        assert!(
            attempt(&agent, "p", number)
                .await
                .unwrap_err()
                .is_retryable()
        );
    }
    let error = attempt(&agent, "p", 5).await.unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
    let said = "agent `m` is down: 5 attempts in a row failed, the last with: connection refused; \
                fix it, then resume the execution `run-1`";
    assert_eq!(error.to_string(), said);
    assert_eq!(ask(&agent, "p").await.unwrap_err().to_string(), said);
    assert_eq!(script.calls(), 5);
}

#[tokio::test(start_paused = true)]
async fn fewer_failures_suffice_where_nobody_was_reached() {
    let nobody = || Some(Fault::nobody(StepError::retryable("connection refused")));
    let script = Scripted::default();
    let agent = script.limited().unreached(3);
    // A failure of somebody who answers, between them, begins the row anew.
    for mood in [nobody(), nobody(), Some(Scripted::down()), nobody()] {
        script.is_now(mood);
        assert!(ask(&agent, "p").await.unwrap_err().is_retryable());
    }
    // The fifth in a row.
    assert!(ask(&agent, "p").await.unwrap_err().is_unavailable());

    let script = Scripted::default();
    let agent = script.limited().unreached(3);
    script.is_now(nobody());
    for number in 1..3 {
        let error = attempt(&agent, "p", number).await.unwrap_err();
        assert!(error.is_retryable(), "{error:?}");
    }
    assert!(attempt(&agent, "p", 3).await.unwrap_err().is_unavailable());
    assert_eq!(script.calls(), 3);
}

#[test]
fn a_program_that_fails_again_and_again_pauses_the_run_where_a_breaker_is_asked_for() {
    let run = |breaker: &str| {
        let folder = tempfile::tempdir().unwrap();
        let agents = format!("agents: {{ a: {{ command: [sh, -c, 'exit 1'] {breaker} }} }}");
        std::fs::write(folder.path().join("agents.yaml"), agents).unwrap();
        let mut workflow = String::from("name: W\nconfig: { onFailure: continue }\nsteps:\n");
        for step in 0..20 {
            let policy = "retryPolicy: { maxAttempts: 5, initialDelay: 1ms }";
            workflow += &format!("  - {{ key: s{step}, agent: a, prompt: p, {policy} }}\n");
        }
        std::fs::write(folder.path().join("w.yaml"), workflow).unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_ax"))
            .args(["workflow", "run", "w.yaml", "--json", "--quiet"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let steps = said["steps"].as_object().unwrap().values();
        let attempts = steps.map(|step| step["attempts"].as_u64().unwrap());
        (output.status.code(), attempts.sum::<u64>())
    };
    let (status, attempts) = run(", breaker: 2");
    // Those that had begun when it became known have ended.
    assert!(status == Some(3) && attempts < 40, "{status:?} {attempts}");
    assert_eq!(run(""), (Some(1), 100));
}

#[tokio::test(start_paused = true)]
async fn failures_that_all_began_at_once_are_one_sign_alone() {
    let script = Scripted::default();
    script.is_now(Some(Scripted::down()));
    let agent = script.limited();
    let answers = futures::future::join_all((0..20).map(|_| ask(&agent, "p"))).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().unwrap_err().is_retryable()),
        "{answers:?}"
    );
    // The next one knows more.
    assert!(attempt(&agent, "p", 2).await.unwrap_err().is_unavailable());
}

#[tokio::test(start_paused = true)]
async fn a_success_and_a_refused_prompt_say_that_the_agent_is_well() {
    let script = Scripted::default();
    let agent = script.limited();
    for mood in [
        None,
        Some(Fault::prompt(StepError::terminal("too long"))),
        None,
    ] {
        for _ in 0..4 {
            script.is_now(Some(Scripted::down()));
            assert!(ask(&agent, "p").await.unwrap_err().is_retryable());
        }
        script.is_now(mood);
        let _ = ask(&agent, "p").await;
    }
}

#[tokio::test(start_paused = true)]
async fn failures_that_say_nothing_of_the_agent_never_trip_it() {
    let script = Scripted::default();
    script.is_now(Some(Fault::attempt(StepError::retryable("exit status 1"))));
    let agent = script.limited();
    for number in 1..50 {
        assert!(
            attempt(&agent, "p", number)
                .await
                .unwrap_err()
                .is_retryable()
        );
    }
}

async fn tripped(script: &Scripted, agent: &impl Agent) {
    script.is_now(Some(Scripted::down()));
    while !ask(agent, "p").await.unwrap_err().is_unavailable() {}
}

#[tokio::test(start_paused = true)]
async fn after_a_while_one_looks_and_the_others_wait_for_what_it_finds() {
    let script = Scripted::default();
    let agent = script.limited();
    tripped(&script, &agent).await;
    tokio::time::sleep(RESET).await;
    let before = script.calls();
    let answers = futures::future::join_all((0..10).map(|_| ask(&agent, "p"))).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().unwrap_err().is_unavailable())
    );
    assert_eq!(script.calls(), before + 1);
    tokio::time::sleep(RESET).await;
    script.is_now(None);
    let answers = futures::future::join_all((0..10).map(|_| ask(&agent, "p"))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(script.calls(), before + 11);
}

#[tokio::test(start_paused = true)]
async fn when_the_one_who_looks_is_dropped_the_next_one_looks() {
    let script = Scripted::default();
    let agent = Arc::new(script.limited());
    tripped(&script, &agent).await;
    tokio::time::sleep(RESET).await;
    script.is_now(None);
    let looks = |agent: &Arc<Limited<Scripted>>| {
        let agent = Arc::clone(agent);
        tokio::spawn(async move { ask(&*agent, "p").await })
    };
    let first = looks(&agent);
    tokio::task::yield_now().await;
    let second = looks(&agent);
    tokio::task::yield_now().await;
    first.abort();
    assert!(second.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_their_turn_hear_at_once_that_it_is_in_vain() {
    let script = Scripted::default();
    script.is_now(Some(Scripted::down()));
    let agent = script
        .limited()
        .max_concurrent(1)
        .rate_limit(RateLimit::parse("6/h").unwrap());
    let begin = Instant::now();
    let answers = futures::future::join_all((0..20).map(|_| ask(&agent, "p"))).await;
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );
    let down = answers
        .iter()
        .filter(|answer| answer.as_ref().unwrap_err().is_unavailable());
    assert_eq!((down.count(), script.calls()), (16, 5));
}

#[tokio::test(start_paused = true)]
async fn zero_turns_the_breaker_off() {
    let script = Scripted::default();
    script.is_now(Some(Scripted::down()));
    let agent = Limited::new(script.clone()).breaker("m", 0, RESET);
    for number in 1..50 {
        assert!(
            attempt(&agent, "p", number)
                .await
                .unwrap_err()
                .is_retryable()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_is_down_has_its_fallback() {
    let script = Scripted::default();
    let agent = Fallback::new("m", script.limited()).or("spare", |_: String| async { "spare" });
    script.is_now(Some(Scripted::down()));
    for _ in 0..20 {
        assert_eq!(
            ask(&agent, "p").await.unwrap().result.as_str(),
            r#""spare""#
        );
    }
    assert_eq!(script.calls(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_fan_out_keeps_both_its_bounds() {
    let now = Arc::new(AtomicUsize::new(0));
    let starts = Arc::new(Mutex::new(Vec::new()));
    let agent = {
        let (now, starts) = (Arc::clone(&now), Arc::clone(&starts));
        move |_: String| {
            let (now, starts) = (Arc::clone(&now), Arc::clone(&starts));
            async move {
                assert!(now.fetch_add(1, Ordering::SeqCst) < 5);
                starts.lock().unwrap().push(Instant::now());
                tokio::time::sleep(Duration::from_millis(30)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                "done"
            }
        }
    };
    let agent = Limited::new(agent)
        .max_concurrent(5)
        .rate_limit(RateLimit::parse("50/s").unwrap())
        // Shorter than the wait of most, which does not count.
        .timeout(Duration::from_millis(100));
    let answers = futures::future::join_all((0..200).map(|_| ask(&agent, "p"))).await;
    assert!(answers.iter().all(Result::is_ok));
    let starts = starts.lock().unwrap();
    assert_eq!(starts.len(), 200);
    assert!(
        starts
            .windows(51)
            .all(|window| window[50] - window[0] > Duration::from_secs(1))
    );
}

#[tokio::test(start_paused = true)]
async fn a_timeout_tells_what_was_written_by_then() {
    struct Slow;
    impl Agent for Slow {
        fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
            Box::pin(async move {
                request.output.write("half an answer");
                std::future::pending().await
            })
        }
    }
    let agent = Limited::new(Slow).timeout(Duration::from_secs(60));
    assert_eq!(
        ask(&agent, "p").await.unwrap_err(),
        StepError::retryable(
            "no answer within 1m, the agent's `timeout`; what it wrote ends: half an answer"
        )
    );
}
