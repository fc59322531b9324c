//! `pause` and `cancel`.

use std::sync::Arc;

use wf_core::agent::Agents;
use wf_core::engine::Engine;
use wf_core::id::ExecutionId;
use wf_core::lifecycle::State;
use wf_diesel::SqliteStore;

use super::arguments::Execution;
use super::console::Console;
use super::database::Database;
use super::document::StatusDocument;
use super::exit::{Exit, Failure};
use super::progress::Progress;
use super::start;

/// Asks for a pause; without a living process that drives the execution it is paused at once.
pub(crate) async fn pause(
    console: Console,
    database: &Database,
    arguments: &Execution,
) -> Result<Exit, Failure> {
    let (engine, id) = open(console, database, arguments)?;
    let execution = engine
        .pause(&id)
        .await
        .map_err(|error| start::failure(&error, database))?;
    let said = match execution.state {
        State::Paused => format!("paused {id}"),
        _ => format!("pausing {id}: it is paused when its running steps have ended"),
    };
    answer(console, database, &engine, &id, &said).await
}

/// Cancels the execution for good.
pub(crate) async fn cancel(
    console: Console,
    database: &Database,
    arguments: &Execution,
) -> Result<Exit, Failure> {
    let (engine, id) = open(console, database, arguments)?;
    engine
        .cancel(&id)
        .await
        .map_err(|error| start::failure(&error, database))?;
    answer(console, database, &engine, &id, &format!("cancelled {id}")).await
}

/// What is said of an execution that is not there.
pub(crate) fn not_found(id: &ExecutionId, database: &Database) -> Failure {
    if start::looks_like_a_file(id.as_str()) {
        return Failure::wrong(format!(
            "there is no execution `{id}`, which looks like a workflow file; `ax workflow run {id}` starts one, and \
             `ax workflow executions{}` lists those there are",
            database.arguments(),
        ));
    }
    Failure::wrong(format!(
        "there is no execution `{id}`; `ax workflow executions{}` lists those there are",
        database.arguments(),
    ))
}

/// An engine without agents: enough to control and to read.
fn open(
    console: Console,
    database: &Database,
    arguments: &Execution,
) -> Result<(Engine, ExecutionId), Failure> {
    without_agents(console, database, arguments, database.open_existing()?)
}

/// An engine without agents, on a database that perhaps may not be written to.
pub(crate) fn open_to_read(
    console: Console,
    database: &Database,
    arguments: &Execution,
) -> Result<(Engine, ExecutionId), Failure> {
    without_agents(console, database, arguments, database.open_to_read()?)
}

fn without_agents(
    console: Console,
    database: &Database,
    arguments: &Execution,
    store: Option<SqliteStore>,
) -> Result<(Engine, ExecutionId), Failure> {
    let id = ExecutionId::from(arguments.id.as_str());
    let store = store.ok_or_else(|| not_found(&id, database))?;
    let progress = Arc::new(Progress::new(Console {
        quiet: true,
        ..console
    }));
    Ok((start::engine(Arc::new(store), Agents::new(), &progress), id))
}

async fn answer(
    console: Console,
    database: &Database,
    engine: &Engine,
    id: &ExecutionId,
    said: &str,
) -> Result<Exit, Failure> {
    if console.json {
        let status = engine
            .status(id)
            .await
            .map_err(|error| start::failure(&error, database))?;
        console.document(&StatusDocument::new(&status))?;
    } else {
        console.text(said)?;
    }
    Ok(Exit::Done)
}
