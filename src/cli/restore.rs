//! `restore`.

use std::sync::Arc;

use wf_core::agent::Agents;
use wf_core::engine::RunOptions;
use wf_core::id::{CheckpointId, ExecutionId};
use wf_core::store::Store;

use super::arguments::Restore;
use super::console::Console;
use super::database::{Database, quoted};
use super::drive::Session;
use super::exit::{Exit, Failure};
use super::progress::Progress;
use super::start;

/// Starts a new execution from a checkpoint, and drives it.
pub(crate) async fn restore(
    console: Console,
    database: &Database,
    arguments: &Restore,
) -> Result<Exit, Failure> {
    let checkpoint = CheckpointId::from(arguments.id.as_str());
    let Some(store) = database.open_existing()? else {
        return Err(not_found(&checkpoint, database));
    };
    let store: Arc<dyn Store> = Arc::new(store);
    let failed = |error| database.failure(&error);
    let Some(found) = store.checkpoint(&checkpoint).await.map_err(failed)? else {
        let mistaken = ExecutionId::from(arguments.id.as_str());
        if store.execution(&mistaken).await.map_err(failed)?.is_none() {
            return Err(not_found(&checkpoint, database));
        }
        let has_any = !store
            .checkpoints(&mistaken)
            .await
            .map_err(failed)?
            .is_empty();
        return Err(takes_a_checkpoint(&mistaken, has_any, database));
    };
    let source = store.execution(&found.execution_id).await.map_err(failed)?;
    let source = source.ok_or_else(|| not_found(&checkpoint, database))?;
    let progress = Arc::new(Progress::new(console));

    // Without agents nothing can be restored: all that is wrong but the agents is found so.
    let without_agents = start::engine(Arc::clone(&store), Agents::new(), &progress);
    match without_agents
        .restore(&checkpoint, RunOptions::default())
        .await
    {
        Err(error) if error.is_agent() => {}
        Err(error) => return Err(start::failure(&error, database)),
        Ok(run) => {
            return Err(Failure::wrong(format!(
                "execution `{}` has no steps",
                run.id()
            )));
        }
    }
    let agents = start::agents_of(
        console,
        &source,
        arguments.agents.as_deref(),
        &*store,
        database,
    )
    .await?;
    let mut options = RunOptions::default();
    if let Some(given) = &arguments.agents {
        options.origin.agents_file = Some(start::recorded(given)?);
    }
    if source.origin.directory.is_none() {
        options.origin.directory = Some(start::recorded(&start::current_directory()?)?);
    }

    let engine = start::driver(console, database, store, agents, &progress);
    let mut session = Session::new(console, database, engine, progress)?;
    let run = session
        .engine
        .restore(&checkpoint, options)
        .await
        .map_err(|error| start::failure(&error, database))?;
    start::announce(console, run.id());
    session.drive(run).await
}

fn not_found(id: &CheckpointId, database: &Database) -> Failure {
    Failure::wrong(format!(
        "there is no checkpoint `{id}`, or it was pruned; `ax workflow checkpoints EXECUTION-ID{}` lists those of an \
         execution",
        database.arguments(),
    ))
}

fn takes_a_checkpoint(id: &ExecutionId, has_any: bool, database: &Database) -> Failure {
    let (id, arguments) = (quoted(id.as_str()), database.arguments());
    Failure::wrong(if has_any {
        format!(
            "`{id}` is an execution, and no checkpoint; `ax workflow checkpoints {id}{arguments}` lists those it has"
        )
    } else {
        format!(
            "`{id}` is an execution, and has no checkpoint left; `ax workflow resume {id}{arguments}` goes on with one \
             that has not ended, and `ax workflow run` starts anew"
        )
    })
}
