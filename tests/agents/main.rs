//! Agents as hosts use them: models, presets, limits, fallbacks, secrets, and what they leave behind.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod answers;
mod breaker;
mod budgets;
mod capabilities;
mod documents;
mod ends;
mod file;
mod hostile;
#[cfg(feature = "openai")]
mod https;
#[cfg(feature = "openai")]
mod model_answers;
#[cfg(feature = "openai")]
mod openai;
mod presets;
#[path = "../program/mod.rs"]
mod program;
#[cfg(feature = "openai")]
mod proxy;
#[cfg(feature = "openai")]
mod real_server;
#[cfg(feature = "openai")]
mod secrets;
#[cfg(feature = "openai")]
mod server;
#[cfg(target_os = "linux")]
mod terminal;
mod turns;
mod watchdog;

use std::sync::Mutex;

use wf_core::agent::{Agent, Reply, Request, StepError};
use wf_core::id::ExecutionId;

/// Makes one attempt.
async fn ask(agent: &(impl Agent + ?Sized), prompt: &str) -> Result<Reply, StepError> {
    attempt(agent, prompt, 1).await
}

/// Makes the attempt of that number.
async fn attempt(
    agent: &(impl Agent + ?Sized),
    prompt: &str,
    number: u32,
) -> Result<Reply, StepError> {
    let execution = ExecutionId::from("run-1");
    agent
        .call(Request::new(prompt, &execution, "step", number))
        .await
}

/// Makes one attempt; returns also what was shown while it ran.
async fn watch(
    agent: &(impl Agent + ?Sized),
    prompt: &str,
) -> (Result<Reply, StepError>, Vec<String>) {
    let shown = Mutex::new(Vec::new());
    let listener = |text: &str| shown.lock().unwrap().push(text.to_owned());
    let execution = ExecutionId::from("run-1");
    let request = Request::new(prompt, &execution, "step", 1).with_output(&listener);
    let answer = agent.call(request).await;
    (answer, shown.into_inner().unwrap())
}
