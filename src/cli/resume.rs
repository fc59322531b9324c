//! `resume`.

use std::sync::Arc;
use std::time::Duration;

use wf_core::agent::Agents;
use wf_core::engine::{Budget, EngineError, PerAttempt, ResumeOptions};
use wf_core::id::ExecutionId;
use wf_core::lifecycle::State;
use wf_core::store::Store;

use super::arguments::Resume;
use super::console::Console;
use super::database::{Database, quoted};
use super::drive::Session;
use super::exit::{Exit, Failure};
use super::progress::Progress;
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
        return ended(
            Session::new(console, database, engine, progress)?,
            &id,
            state,
        )
        .await;
    }

    // Without agents nothing can be resumed: all that is wrong but the agents is found so.
    let without_agents = start::engine(Arc::clone(&store), Agents::new(), &progress);
    match without_agents.resume(&id).await {
        Err(error) if error.is_agent() => {}
        Err(error) => {
            let session = Session::new(console, database, without_agents, progress)?;
            return not_resumed(session, &id, error).await;
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

    let engine = start::driver(console, database, store, agents, &progress);
    let mut session = Session::new(console, database, engine, progress)?
        .with_agents_file(arguments.agents.as_deref());
    let mut options = ResumeOptions::default();
    if !arguments.budget.is_empty() {
        let now = session.status(&id).await?.budget;
        options = options.with_budget(changed(now, &arguments.budget)?);
    }
    match session.engine.resume_with(&id, options).await {
        Ok(run) => session.drive(run).await,
        Err(error) => not_resumed(session, &id, error).await,
    }
}

/// Reports why an execution is not resumed: its end, if it has come to one meanwhile.
async fn not_resumed(
    session: Session<'_>,
    id: &ExecutionId,
    error: EngineError,
) -> Result<Exit, Failure> {
    if error.is_illegal()
        && let Ok(Some(execution)) = session.engine.store().execution(id).await
        && execution.state.is_terminal()
    {
        return ended(session, id, execution.state).await;
    }
    Err(start::failure(&error, session.database))
}

/// Reports the end of an execution that has ended: nothing of it is run.
async fn ended(mut session: Session<'_>, id: &ExecutionId, state: State) -> Result<Exit, Failure> {
    let (shown, arguments) = (quoted(id.as_str()), session.database.arguments());
    session.console.note(&format!(
        "execution `{id}` is `{state}`, which is final: nothing is run; `ax workflow checkpoints {shown}{arguments}` \
         lists where `ax workflow restore` can go on from, and `ax workflow run` starts anew"
    ));
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
