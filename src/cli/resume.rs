//! `resume`.

use std::sync::Arc;
use std::time::Duration;

use wf_core::agent::Agents;
use wf_core::engine::{Budget, Engine, EngineError, PerAttempt, ResumeOptions};
use wf_core::id::ExecutionId;
use wf_core::lifecycle::State;
use wf_core::store::Store;

use super::arguments::Resume;
use super::console::Console;
use super::database::{Database, quoted};
use super::drive::Session;
use super::exit::{Exit, Failure};
use super::progress::Progress;
use super::signals::Signals;
use super::{control, start};

/// Continues an execution that is paused, or whose process died.
pub(crate) async fn resume(
    console: Console,
    database: &Database,
    arguments: &Resume,
) -> Result<Exit, Failure> {
    let id = ExecutionId::from(arguments.id.as_str());
    // What is wrong with the texts is found before anything else.
    changed(EVERYTHING_LIMITED, &arguments.budget)?;
    let Some(store) = database.open_existing()? else {
        return Err(control::not_found(&id, database));
    };
    let store: Arc<dyn Store> = Arc::new(store);
    let progress = Arc::new(Progress::new(console));

    let found = store
        .execution(&id)
        .await
        .map_err(|error| database.failure(&error))?;
    if let Some(execution) = found.filter(|execution| execution.state.is_terminal()) {
        let state = execution.state;
        let engine = start::engine(store, Agents::new(), &progress);
        return ended(console, database, engine, progress, &id, state).await;
    }

    // Without agents nothing can be resumed: all that is wrong but the agents is found so.
    let without_agents = start::engine(Arc::clone(&store), Agents::new(), &progress);
    match without_agents.resume(&id).await {
        Err(error) if error.is_agent() => {}
        Err(error) => {
            return not_resumed(console, database, without_agents, progress, &id, error).await;
        }
        Ok(_) => return Err(Failure::wrong(format!("execution `{id}` has no steps"))),
    }

    let execution = store
        .execution(&id)
        .await
        .map_err(|error| database.failure(&error))?;
    let execution = execution.ok_or_else(|| control::not_found(&id, database))?;
    let agents = start::agents_of(
        console,
        &execution,
        arguments.agents.as_deref(),
        &*store,
        database,
    )
    .await?;

    let signals = Signals::catch()
        .map_err(|error| Failure::system("failed to listen for signals", &error))?;
    let engine = start::driver(console, database, store, agents, &progress);
    let failed = |error| start::failure(&error, database);
    let mut options = ResumeOptions::default();
    if !arguments.budget.is_empty() {
        let now = engine.status(&id).await.map_err(failed)?.budget;
        options = options.with_budget(changed(now, &arguments.budget)?);
    }
    let run = match engine.resume_with(&id, options).await {
        Ok(run) => run,
        Err(error) => return not_resumed(console, database, engine, progress, &id, error).await,
    };
    Session {
        console,
        database,
        engine,
        progress,
        signals,
        agents_file: arguments
            .agents
            .as_ref()
            .map(|file| file.display().to_string()),
    }
    .drive(run)
    .await
}

/// Reports why an execution is not resumed: its end, if it has come to one meanwhile.
async fn not_resumed(
    console: Console,
    database: &Database,
    engine: Engine,
    progress: Arc<Progress>,
    id: &ExecutionId,
    error: EngineError,
) -> Result<Exit, Failure> {
    if error.is_illegal()
        && let Ok(Some(execution)) = engine.store().execution(id).await
        && execution.state.is_terminal()
    {
        return ended(console, database, engine, progress, id, execution.state).await;
    }
    Err(start::failure(&error, database))
}

/// Reports the end of an execution that has ended: nothing of it is run.
async fn ended(
    console: Console,
    database: &Database,
    engine: Engine,
    progress: Arc<Progress>,
    id: &ExecutionId,
    state: State,
) -> Result<Exit, Failure> {
    let (shown, arguments) = (quoted(id.as_str()), database.arguments());
    console.note(&format!(
        "execution `{id}` is `{state}`, which is final: nothing is run; `ax workflow checkpoints {shown}{arguments}` \
         lists where `ax workflow restore` can go on from, and `ax workflow run` starts anew"
    ));
    let signals = Signals::catch()
        .map_err(|error| Failure::system("failed to listen for signals", &error))?;
    let mut session = Session {
        console,
        database,
        engine,
        progress,
        signals,
        agents_file: None,
    };
    let status = session.status(id).await?;
    session.report(&status).await
}

/// A budget in which every limit can be added to.
const EVERYTHING_LIMITED: Budget = Budget {
    tokens: Some(0),
    cost: Some(0.0),
    wall_time: Some(Duration::ZERO),
    attempts: Some(0),
    per_attempt: PerAttempt {
        tokens: None,
        cost: None,
    },
};

/// The budget with what `--budget` says.
fn changed(mut budget: Budget, changes: &[String]) -> Result<Budget, Failure> {
    for change in changes {
        budget.change(change).map_err(|fault| {
            Failure::wrong(format!("`--budget {change}` cannot be used: {fault}"))
        })?;
    }
    match budget.shortfall() {
        Some(fault) => Err(Failure::wrong(format!(
            "`--budget` cannot be used: {fault}; raise the limit, or lift it with `none`"
        ))),
        None => Ok(budget),
    }
}
