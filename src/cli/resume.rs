//! `resume`.

use std::sync::Arc;
use std::time::Duration;

use wf_core::agent::Agents;
use wf_core::engine::{Budget, PerAttempt, ResumeOptions};
use wf_core::id::ExecutionId;
use wf_core::store::Store;

use super::arguments::Resume;
use super::console::Console;
use super::database::Database;
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

    // Without agents nothing can be resumed: all that is wrong but the agents is found so.
    let without_agents = start::engine(Arc::clone(&store), Agents::new(), &progress);
    match without_agents.resume(&id).await {
        Err(error) if error.is_agent() => {}
        Err(error) => return Err(start::failure(&error, database)),
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
    let run = engine.resume_with(&id, options).await.map_err(failed)?;
    Session {
        console,
        database,
        engine,
        progress,
        signals,
    }
    .drive(run)
    .await
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
