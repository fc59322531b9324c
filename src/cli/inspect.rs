//! `list`, `executions`, `status` and `checkpoints`: what the database holds.

use std::collections::HashMap;

use wf_core::engine::Status;
use wf_core::id::WorkflowId;
use wf_core::lifecycle::State;
use wf_core::store::{ExecutionRecord, Store, WorkflowRecord};
use wf_core::value::Json;

use super::arguments::Execution;
use super::console::Console;
use super::control;
use super::database::{Database, quoted};
use super::document::{CheckpointDocument, ExecutionDocument, StatusDocument, WorkflowDocument};
use super::drive::is_abandoned;
use super::exit::{Exit, Failure};
use super::moment::{human, to_the_second};
use super::start;
use super::table::{Cell, Table};

/// What is said of an execution that somebody should drive and nobody does.
const NOBODY: &str = "the process that drove it is gone, or does not answer";

/// Lists the workflows that were run, newest first.
pub(crate) async fn list(console: Console, database: &Database) -> Result<Exit, Failure> {
    let failed = |error| database.failure(&error);
    let store = database.open_to_read()?;
    let workflows = match &store {
        Some(store) => store.workflows().await.map_err(failed)?,
        None => Vec::new(),
    };
    if console.json {
        let mut definitions = Vec::with_capacity(workflows.len());
        for workflow in &workflows {
            let definition = match &store {
                Some(store) => store.definition(&workflow.id).await.map_err(failed)?,
                None => None,
            };
            definitions.push(definition.unwrap_or_else(Json::null));
        }
        let documents = workflows.iter().zip(&definitions);
        let documents =
            documents.map(|(workflow, definition)| WorkflowDocument::new(workflow, definition));
        console.document(&documents.collect::<Vec<_>>())?;
    } else if workflows.is_empty() {
        console.note("no workflow was run yet; `ax workflow run FILE` runs one");
    } else {
        let mut table = Table::new(&["id", "name", "version", "created_at", "description"]);
        for workflow in &workflows {
            table.row([
                Cell::from(workflow.id.as_str()),
                Cell::cut(&workflow.name),
                Cell::cut(&workflow.version),
                Cell::from(to_the_second(workflow.created_at)),
                Cell::cut(workflow.description.as_deref().unwrap_or_default()),
            ]);
        }
        console.tables(&[table])?;
    }
    Ok(Exit::Done)
}

/// Lists the executions, newest first.
pub(crate) async fn executions(console: Console, database: &Database) -> Result<Exit, Failure> {
    let failed = |error| database.failure(&error);
    let store = database.open_to_read()?;
    let (executions, workflows) = match &store {
        Some(store) => (
            store.executions().await.map_err(failed)?,
            store.workflows().await.map_err(failed)?,
        ),
        None => Default::default(),
    };
    let by_id: HashMap<&WorkflowId, &WorkflowRecord> = workflows
        .iter()
        .map(|workflow| (&workflow.id, workflow))
        .collect();
    if console.json {
        let mut contexts = Vec::with_capacity(executions.len());
        for execution in &executions {
            let context = match &store {
                Some(store) => store.context(&execution.id).await.map_err(failed)?,
                None => None,
            };
            contexts.push(context.unwrap_or_else(Json::null));
        }
        let documents = executions
            .iter()
            .zip(&contexts)
            .map(|(execution, context)| {
                let workflow = by_id.get(&execution.workflow_id).copied();
                ExecutionDocument::new(execution, context, workflow)
            });
        console.document(&documents.collect::<Vec<_>>())?;
    } else if executions.is_empty() {
        console.note("there are no executions yet; `ax workflow run FILE` starts one");
    } else {
        let mut table = Table::new(&[
            "id",
            "workflow",
            "state",
            "started_at",
            "completed_at",
            "error",
        ]);
        for execution in &executions {
            let workflow = by_id
                .get(&execution.workflow_id)
                .map_or("", |workflow| workflow.name.as_str());
            table.row([
                Cell::from(execution.id.as_str()),
                Cell::cut(workflow),
                Cell::state(execution.state),
                Cell::from(to_the_second(execution.started_at)),
                Cell::from(
                    execution
                        .completed_at
                        .map(to_the_second)
                        .unwrap_or_default(),
                ),
                match &execution.error {
                    Some(error) => Cell::cut(error),
                    None if is_left_behind(execution) => Cell::from(NOBODY),
                    None => Cell::from(""),
                },
            ]);
        }
        console.tables(&[table])?;
    }
    Ok(Exit::Done)
}

/// Shows how an execution stands, step by step.
pub(crate) async fn status(
    console: Console,
    database: &Database,
    arguments: &Execution,
) -> Result<Exit, Failure> {
    let (engine, id) = control::open_to_read(console, database, arguments)?;
    let status = engine
        .status(&id)
        .await
        .map_err(|error| start::failure(&error, database))?;
    if console.json {
        console.document(&StatusDocument::new(&status))?;
    } else {
        console.tables(&shown(&status, database))?;
    }
    Ok(Exit::Done)
}

/// Lists the checkpoints of an execution, newest first.
pub(crate) async fn checkpoints(
    console: Console,
    database: &Database,
    arguments: &Execution,
) -> Result<Exit, Failure> {
    let (engine, id) = control::open_to_read(console, database, arguments)?;
    let failed = |error| start::failure(&error, database);
    let checkpoints = engine.checkpoints(&id).await.map_err(failed)?;
    if console.json {
        let documents = checkpoints.iter().map(CheckpointDocument::from);
        console.document(&documents.collect::<Vec<_>>())?;
    } else if checkpoints.is_empty() {
        console.note(&format!(
            "the execution has no checkpoint: none was written yet, or they were pruned; `ax workflow status {}{}` shows \
             what is done",
            quoted(id.as_str()),
            database.arguments()
        ));
    } else {
        let mut table = Table::new(&["id", "state", "created_at", "completed_steps"]);
        for checkpoint in &checkpoints {
            let record = &checkpoint.record;
            let mut steps = checkpoint.completed_steps();
            let count = steps.len();
            let covered = match steps.next_back() {
                Some(last) => format!("{count} of {}, the last `{last}`", checkpoint.step_count()),
                None => format!("0 of {}", checkpoint.step_count()),
            };
            table.row([
                Cell::from(record.id.as_str()),
                Cell::state(record.state),
                Cell::from(to_the_second(record.created_at)),
                Cell::from(covered),
            ]);
        }
        console.tables(&[table])?;
        console.note(&format!(
            "start a new execution from one of them with: ax workflow restore CHECKPOINT-ID{}",
            database.arguments()
        ));
    }
    Ok(Exit::Done)
}

/// A header, then a row for each step.
fn shown(status: &Status, database: &Database) -> [Table; 2] {
    let execution = &status.execution;
    let mut facts = vec![
        ("execution", Cell::from(execution.id.as_str())),
        (
            "workflow",
            Cell::cut(&format!("{} {}", status.workflow, status.version)),
        ),
        ("state", Cell::state(execution.state)),
        (
            "started_at",
            Cell::from(to_the_second(execution.started_at)),
        ),
    ];
    if let Some(checkpoint) = &execution.restored_from {
        let checkpoint = Cell::from(checkpoint.as_str());
        facts.push(("restored_from", checkpoint));
    }
    if let Some(resume_at) = execution.resume_at {
        facts.push(("resume_at", Cell::from(to_the_second(resume_at))));
    }
    if let Some(completed_at) = execution.completed_at {
        let took = human(completed_at.since(execution.started_at));
        facts.push((
            "completed_at",
            Cell::from(format!("{} (after {took})", to_the_second(completed_at))),
        ));
    }
    let usage = status.usage();
    if !usage.is_none() {
        let tokens = (usage.tokens > 0).then(|| format!("{} tokens", usage.tokens));
        let cost = (usage.cost > 0.0).then(|| format!("a cost of {}", usage.cost));
        let used: Vec<String> = [tokens, cost].into_iter().flatten().collect();
        facts.push(("usage", Cell::from(used.join(", "))));
    }
    if !status.budget.is_unlimited() {
        facts.push(("budget", Cell::from(status.budget.to_string())));
    }
    let rests = rests(execution);
    let is_left = is_left_behind(execution);
    if is_left {
        facts.push(("owner", Cell::from(NOBODY)));
    } else if execution.pause_requested && !rests {
        facts.push(("pause", Cell::from("asked for; running steps end first")));
    }
    if let Some(error) = &execution.error {
        facts.push(("error", Cell::from(error.replace('\n', "\n  "))));
    }
    if execution.state == State::Paused || is_left {
        let id = quoted(execution.id.as_str());
        facts.push((
            "resume",
            Cell::from(format!("ax workflow resume {id}{}", database.arguments())),
        ));
    }
    let mut header = Table::without_header();
    for (name, fact) in facts {
        header.row([Cell::from(name), fact]);
    }
    let mut steps = Table::new(&["step", "state", "attempts", "duration", "error"]);
    for step in &status.steps {
        steps.row([
            Cell::from(step.key.as_str()),
            Cell::step_state(step.state),
            Cell::from(step.record.attempts.len().to_string()),
            Cell::from(step.duration().map(human).unwrap_or_default()),
            Cell::cut(step.record.error.as_deref().unwrap_or_default()),
        ]);
    }
    [header, steps]
}

/// Whether nobody has to drive it: it has ended, or is paused.
fn rests(execution: &ExecutionRecord) -> bool {
    execution.state.is_terminal() || execution.state == State::Paused
}

/// Whether somebody has to drive it, and nobody does.
fn is_left_behind(execution: &ExecutionRecord) -> bool {
    !rests(execution) && is_abandoned(execution)
}
