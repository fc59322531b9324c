//! Large answers are taken in without holding up what else the thread has to do.

use std::fmt::Write as _;
use std::fs;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use ax::agents::{Preset, PresetAgent};
use wf_core::agent::{Agent, Reply, Request, StepError};
use wf_core::id::ExecutionId;

use crate::presets::{claude, on_path};

/// How large the answers are, in bytes.
const LENGTH: usize = 10_000_000;

/// How often another future is polled at least while an answer is masked. That takes seconds, a poll less than a
/// microsecond; where the answer is masked between two polls, there are some hundred.
const TURNS: usize = 10_000;

/// An answer with nothing to mask, of which a line of each page begins as a secret does.
fn long() -> String {
    let page = format!("sk-test-0123456789 {}\n", "some other words ".repeat(600));
    page.repeat(LENGTH / page.len())
}

fn secrets() -> impl Iterator<Item = String> {
    (0..500).map(|number| format!("sk-test-0123456789-{number:03}"))
}

/// Awaits the future beside another, which is polled as often as there is a turn; gives how often that was after everything
/// had come.
async fn beside<T>(
    future: impl Future<Output = T>,
    mut has_come: impl FnMut() -> bool,
) -> (T, usize) {
    let mut future = pin!(future);
    let mut turns = 0;
    let answer = poll_fn(|context| {
        if let Poll::Ready(answer) = future.as_mut().poll(context) {
            return Poll::Ready(answer);
        }
        if turns > 0 || has_come() {
            turns += 1;
        }
        context.waker().wake_by_ref();
        Poll::Pending
    });
    (answer.await, turns)
}

fn check(answer: Result<Reply, StepError>, turns: usize) {
    let reply = answer.unwrap();
    assert!(reply.result.as_str().len() > LENGTH - 200_000);
    assert!(turns > TURNS, "there were {turns} turns for others");
}

#[cfg(feature = "openai")]
#[tokio::test]
async fn others_have_their_turn_while_the_answer_of_a_model_is_masked() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use crate::server::{Server, answer, streamed};
    use ax::agents::OpenAiAgent;
    use serde_json::json;

    let text = long();
    let whole = json!({"choices": [{"message": {"content": text}, "finish_reason": "stop"}]});
    let server =
        Server::start([answer("200 OK", "", &whole.to_string()), streamed(&[&text])]).await;
    let mut agent = OpenAiAgent::new(&server.url, "m").unwrap();
    for secret in secrets() {
        agent = agent.secret_header("x-key", &secret, &secret).unwrap();
    }
    for _ in 0..2 {
        // What is shown as it comes is all there before the rest is masked.
        let shown = AtomicUsize::new(0);
        let listener = |text: &str| {
            shown.fetch_add(text.len(), Ordering::Relaxed);
        };
        let execution = ExecutionId::from("run-1");
        let request = Request::new("p", &execution, "step", 1).with_output(&listener);
        let has_come = || shown.load(Ordering::Relaxed) + 100 > text.len();
        let (answer, turns) = beside(agent.call(request), has_come).await;
        check(answer, turns);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn others_have_their_turn_while_the_answer_of_a_preset_is_read_and_masked() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("output"), claude(false, &long())).unwrap();
    let mut script = String::from("#!/bin/sh\n");
    let shown = folder.path().display();
    write!(script, "cd '{shown}'\necho $$ >process\nexec cat output\n").unwrap();
    crate::program::write(&folder.path().join("claude"), &script);
    let mut agent = on_path(PresetAgent::new(Preset::Claude), folder.path());
    for (number, secret) in secrets().enumerate() {
        agent = agent.with(|program| program.secret(format!("KEY_{number}"), secret));
    }
    // What a program writes is read by the time that it has ended, but for what a pipe holds.
    let has_ended = || {
        let process = fs::read_to_string(folder.path().join("process")).unwrap_or_default();
        let Some(process) = process.strip_suffix('\n') else {
            return false;
        };
        let stat = fs::read_to_string(format!("/proc/{process}/stat"));
        stat.map_or(true, |stat| stat.contains(") Z "))
    };
    let execution = ExecutionId::from("run-1");
    let request = Request::new("p", &execution, "step", 1);
    let (answer, turns) = beside(agent.call(request), has_ended).await;
    check(answer, turns);
}
