//! `run`.

use std::sync::Arc;

use wf_core::engine::RunOptions;
use wf_core::id::ExecutionId;
use wf_core::plan::Plan;
use wf_core::value::Json;

use super::arguments::Run;
use super::console::Console;
use super::database::Database;
use super::drive::Session;
use super::exit::{Exit, Failure};
use super::progress::Progress;
use super::{inputs, rehearsal, start};
use wf_view::printable::steers;

/// The longest identifier that a user may choose, in bytes.
const LONGEST_ID: usize = 200;

/// Runs a workflow, or reports the execution that was started under the same identifier before.
pub(crate) async fn run(
    console: Console,
    database: &Database,
    arguments: &Run,
) -> Result<Exit, Failure> {
    let id = arguments.id.as_deref().map(identifier).transpose()?;
    let (workflow, plan) = start::read_workflow(console, &arguments.file)?;
    let inputs = inputs::read(&plan, arguments)?;
    let directory = start::current_directory()?;
    let agents_file = start::agents_file(arguments.agents.as_deref(), &arguments.file)?;
    let agents = start::read_agents(&agents_file, &directory, &workflow)?;
    // Every mistake is found before a database is made.
    let prepared = rehearsal::prepare(&plan, inputs, &agents)?;
    let context = prepared.context().clone();

    let mut options = RunOptions::default();
    options.id = id.clone();
    options.origin.agents_file = Some(start::recorded(&agents_file)?);
    options.origin.directory = Some(start::recorded(&directory)?);

    let progress = Arc::new(Progress::new(console));
    let store = Arc::new(database.open()?);
    let engine = start::driver(console, database, store, agents, &progress);
    let mut session = Session::new(console, database, engine, progress)?;
    let started = session.engine.start_prepared(prepared, options).await;
    match (started, id) {
        (Ok(run), _) => {
            start::announce(console, run.id());
            session.drive(run).await
        }
        (Err(error), Some(id)) if error.is_exists() => {
            let mut session = session.with_agents_file(arguments.agents.as_deref());
            again(&mut session, &id, &plan, &context).await
        }
        (Err(error), _) => Err(start::failure(&error, database)),
    }
}

/// Goes on with the execution that has the identifier already, if it is of the same run.
async fn again(
    session: &mut Session<'_>,
    id: &ExecutionId,
    plan: &Plan,
    context: &Json,
) -> Result<Exit, Failure> {
    let other = if session.execution(id).await?.workflow_id != *plan.id() {
        Some("runs another definition")
    } else {
        let stored = session.engine.store().context(id).await;
        let stored = stored.map_err(|error| session.database.failure(&error))?;
        (stored.as_ref() != Some(context)).then_some("has other inputs")
    };
    if let Some(other) = other {
        return Err(Failure::wrong(format!(
            "there is an execution `{id}` already, which {other}; choose another `--id`, or leave it out",
        )));
    }
    start::announce(session.console, id);
    session.follow(id).await
}

fn identifier(id: &str) -> Result<ExecutionId, Failure> {
    let problem = if id.is_empty() {
        "is empty".to_owned()
    } else if id.starts_with('-') {
        "begins with `-`, like an option".to_owned()
    } else if id.len() > LONGEST_ID {
        format!("is longer than {LONGEST_ID} bytes")
    } else if id
        .chars()
        .any(|letter| steers(letter) || letter.is_whitespace())
    {
        "has white space or control characters in it".to_owned()
    } else {
        return Ok(ExecutionId::from(id));
    };
    Err(Failure::wrong(format!(
        "the identifier given with `--id` {problem}; give a short word or a UUID"
    )))
}
