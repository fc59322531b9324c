//! Driving a run to its end, or to where the user wants it to stop.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use serde::Deserialize;
use wf_core::clock::{Clock, SystemClock};
use wf_core::engine::{Engine, EngineError, Run, Status, StepStatus};
use wf_core::id::ExecutionId;
use wf_core::lifecycle::State;
use wf_core::step::StepState;
use wf_core::store::ExecutionRecord;

use super::console::{Console, brief};
use super::database::{Database, quoted};
use super::document::StatusDocument;
use super::exit::{Exit, Failure, with_causes};
use super::progress::Progress;
use super::signals::Signals;
use super::start::failure;
use super::{control, journal, output, owner, paused};

/// How long a follower waits for a change before it looks whether the driver still lives.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What the commands that drive an execution have in common.
pub(crate) struct Session<'a> {
    pub(crate) console: Console,
    pub(crate) database: &'a Database,
    pub(crate) engine: Engine,
    progress: Arc<Progress>,
    signals: Signals,
    agents_file: Option<String>,
}

/// How long the database may take to say how things stand when the user has interrupted twice.
const AT_ONCE: Duration = Duration::from_millis(200);

/// How long a reader has for the report of a run when the user interrupts it.
const LAST_WORDS: Duration = Duration::from_millis(500);

impl<'a> Session<'a> {
    /// Makes a session, which hears signals from here on.
    pub(crate) fn new(
        console: Console,
        database: &'a Database,
        engine: Engine,
        progress: Arc<Progress>,
    ) -> Result<Self, Failure> {
        let signals = Signals::catch()
            .map_err(|error| Failure::system("failed to listen for signals", &error))?;
        Ok(Session {
            console,
            database,
            engine,
            progress,
            signals,
            agents_file: None,
        })
    }

    /// Names the agents file that was given, where another than the recorded one is needed to go on.
    pub(crate) fn with_agents_file(mut self, given: Option<&Path>) -> Self {
        self.agents_file = given.map(|file| file.display().to_string());
        self
    }

    /// Drives the run and reports how it ended. A first signal pauses it, a second one drops it.
    pub(crate) async fn drive(&mut self, run: Run) -> Result<Exit, Failure> {
        let id = run.id().clone();
        let mut finish = run.finish();
        let engine = self.engine.clone();
        let mut request: Option<BoxFuture<'_, Result<ExecutionRecord, EngineError>>> = None;
        let mut interrupted = false;
        let ended = loop {
            let asked = async {
                match &mut request {
                    Some(request) => request.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                ended = &mut finish => break ended,
                () = self.signals.next() => {
                    if interrupted {
                        // Dropping the run kills the process groups of its agents.
                        drop(finish);
                        self.progress.end();
                        self.console.note(&format!("stopped; continue with: {}", self.resume_command(&id)));
                        return self.stopped(&id).await;
                    }
                    interrupted = true;
                    self.progress.pausing("; once more kills them");
                    request = Some(engine.pause(&id));
                }
                answer = asked => {
                    request = None;
                    if let Err(error) = answer
                        && !error.is_illegal()
                    {
                        let reason = with_causes(&error);
                        self.progress.line(&format!("failed to pause: {reason}; once more kills the running steps"));
                    }
                }
            }
        };
        self.progress.end();
        match ended {
            Ok(status) => self.report(&status).await,
            Err(error) if error.is_lost() => self.follow(&id).await,
            Err(error) => {
                let mut failure = failure(&error, self.database);
                if let Some(error) = error.store()
                    && (error.is_busy() || error.is_full() || error.is_unanswered())
                {
                    failure.message.push_str(&format!(
                        " with: {}; what was recorded is kept, and a step whose end could not be recorded runs again",
                        self.resume_command(&id)
                    ));
                }
                Err(failure)
            }
        }
    }

    /// Waits until an execution that another process drives has ended or is paused, and reports it; drives
    /// it on when that process dies.
    pub(crate) async fn follow(&mut self, id: &ExecutionId) -> Result<Exit, Failure> {
        let mut told = false;
        loop {
            // Watching begins before reading, so that nothing falls in between.
            let mut changes = self.engine.store().watch(id);
            let execution = self.execution(id).await?;
            if execution.state.is_terminal() || execution.state == State::Paused {
                let status = self.status(id).await?;
                return self.report(&status).await;
            }
            if is_abandoned(&execution) {
                match self.engine.take_over(id).await {
                    Ok(run) => return Box::pin(self.drive(run)).await,
                    Err(error) if error.is_held() || error.is_illegal() => {}
                    Err(error) => return Err(failure(&error, self.database)),
                }
            }
            if !std::mem::replace(&mut told, true) {
                self.console.note(&format!(
                    "execution `{id}` is run by another process; following it until it ends"
                ));
            }
            tokio::select! {
                // A store that misses a change is asked again soon; and no change tells of a death.
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                Some(()) = changes.next() => {}
                () = self.signals.next() => {
                    self.console.note("no longer following; the execution goes on in its own process");
                    return self.stopped(id).await;
                }
            }
        }
    }

    /// The last words of a command that was interrupted.
    async fn stopped(&self, id: &ExecutionId) -> Result<Exit, Failure> {
        if self.console.json {
            let status = tokio::time::timeout(AT_ONCE, self.status(id)).await;
            let status = status.unwrap_or_else(|_| {
                Err(Failure::wrong(
                    "stopped before the database could say how the execution stands",
                ))
            });
            let status = status.map_err(|failure| Failure {
                exit: Exit::Interrupted,
                ..failure
            })?;
            self.console.document(&StatusDocument::new(&status))?;
        }
        Ok(Exit::Interrupted)
    }

    /// Reads how the execution stands.
    pub(crate) async fn status(&self, id: &ExecutionId) -> Result<Status, Failure> {
        self.engine
            .status(id)
            .await
            .map_err(|error| failure(&error, self.database))
    }

    /// Reports an execution that has ended or is paused: the result on standard output, else what to do.
    pub(crate) async fn report(&mut self, status: &Status) -> Result<Exit, Failure> {
        let id = &status.execution.id;
        match status.state() {
            State::Completed => {}
            State::Failed => {
                let reason = status
                    .execution
                    .error
                    .as_deref()
                    .unwrap_or("no reason is recorded");
                self.console
                    .error(&format!("the execution failed: {}", brief(reason)));
                let inspect = format!(
                    "ax workflow status {}{}",
                    quoted(id.as_str()),
                    self.database.arguments()
                );
                self.console
                    .note(&format!("each step is shown by: {inspect}"));
            }
            State::Cancelled => self.console.error("the execution was cancelled"),
            _ => {
                let optional = self.optional_steps(status).await?;
                let (minor, failed): (Vec<&StepStatus>, Vec<&StepStatus>) = status
                    .steps
                    .iter()
                    .filter(|step| step.state == StepState::Failed)
                    .partition(|step| optional.contains(step.key.as_str()));
                for step in minor {
                    let failure = brief(&failure_of(step)).into_owned();
                    self.console.note(&format!("{failure} (it is optional)"));
                }
                let failed: Vec<String> = failed.into_iter().map(failure_of).collect();
                // What failed under `onFailure: pause` is why it has paused, and is told below.
                if let Some(reason) = &status.execution.error
                    && !failed.contains(reason)
                {
                    self.console
                        .error(&format!("the run paused by itself: {}", brief(reason)));
                }
                for failure in &failed {
                    self.console.error(&brief(failure));
                }
                let more = paused::budget_arguments(status);
                self.console.note(&format!(
                    "paused; continue with: {}{more}",
                    self.resume_command(id)
                ));
                if !more.is_empty() {
                    self.console.note(
                        "it adds to the budget; write another amount, or `none` to lift the limit",
                    );
                }
            }
        }
        let written = if self.console.json {
            self.console.document(&StatusDocument::new(status))
        } else if let Some(result) = &status.result {
            self.console.result(result.as_str())
        } else {
            Ok(())
        };
        // What a slow reader has not taken yet is waited for: the run is over, and nobody depends on this process.
        let mut reading = std::pin::pin!(async {
            journal::written().await;
            output::finished().await;
            self.console.written().await
        });
        let read = tokio::select! {
            biased;
            read = &mut reading => read,
            // A signal that comes when the run is over already does not change how it has ended.
            () = self.signals.next() => match tokio::time::timeout(LAST_WORDS, reading).await {
                Ok(read) => read,
                Err(_) => return Ok(Exit::Interrupted),
            },
        };
        written.and(read.map(drop)).map_err(|mut failure| {
            let (state, arguments) = (status.state(), self.database.arguments());
            let id = quoted(id.as_str());
            failure.message.push_str(&format!(
                "; the execution is `{state}`, and what it made is shown by: ax workflow status {id}{arguments} --json"
            ));
            failure
        })?;
        Ok(Exit::of(status.state()))
    }

    /// The steps whose failure fails nothing; looked up only where a step has failed.
    async fn optional_steps(&self, status: &Status) -> Result<HashSet<String>, Failure> {
        if status
            .steps
            .iter()
            .all(|step| step.state != StepState::Failed)
        {
            return Ok(HashSet::new());
        }
        let store = self.engine.store();
        let definition = store.definition(&status.execution.workflow_id).await;
        let definition = definition.map_err(|error| self.database.failure(&error))?;
        let definition: Optional = definition
            .and_then(|definition| serde_json::from_str(definition.as_str()).ok())
            .unwrap_or_default();
        let steps = definition.steps.into_iter();
        Ok(steps
            .filter(|step| step.optional)
            .map(|step| step.key)
            .collect())
    }

    /// Reads the execution's row.
    pub(crate) async fn execution(&self, id: &ExecutionId) -> Result<ExecutionRecord, Failure> {
        let read = self.engine.store().execution(id).await;
        let found = read.map_err(|error| self.database.failure(&error))?;
        found.ok_or_else(|| control::not_found(id, self.database))
    }

    fn resume_command(&self, id: &ExecutionId) -> String {
        let agents = self.agents_file.as_deref();
        let agents = agents
            .map(|file| format!(" --agents {}", quoted(file)))
            .unwrap_or_default();
        let id = quoted(id.as_str());
        format!(
            "ax workflow resume {id}{agents}{}",
            self.database.arguments()
        )
    }
}

/// Whether the execution is driven by nobody who is known to live.
pub(crate) fn is_abandoned(execution: &ExecutionRecord) -> bool {
    let now = SystemClock::new().now();
    let expired = execution.lease_until.is_none_or(|until| until <= now);
    expired || execution.owner.as_ref().is_none_or(owner::is_gone)
}

/// What is said of a step that has failed, as the engine says it of the run.
fn failure_of(step: &StepStatus) -> String {
    let reason = step.record.error.as_deref();
    let reason = reason.unwrap_or("no reason is recorded");
    format!("step `{}` failed: {reason}", step.key)
}

/// As much of a stored definition as says which steps may fail.
#[derive(Default, Deserialize)]
struct Optional {
    steps: Vec<OptionalStep>,
}

#[derive(Deserialize)]
struct OptionalStep {
    key: String,
    #[serde(default)]
    optional: bool,
}
