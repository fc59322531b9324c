//! `graph`.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use wf_core::agent::Agents;
use wf_core::engine::{Engine, Status, StepStatus};
use wf_core::id::{ExecutionId, WorkflowId};
use wf_core::plan::Plan;
use wf_core::store::Store;
use wf_core::value::Json;

use super::arguments::{Graph, GraphFormat};
use super::console::Console;
use super::database::Database;
use super::exit::{Exit, Failure};
use super::moment::human;
use super::{standing, start};
use wf_view::graph::{Diagram, Node, dot, mermaid, svg};

/// Draws a workflow file, a stored workflow, or an execution with how far it is.
pub(crate) async fn draw(
    console: Console,
    database: &Database,
    arguments: &Graph,
) -> Result<Exit, Failure> {
    let diagram = subject(console, database, &arguments.subject).await?;
    let (format, picture) = match arguments.format {
        GraphFormat::Mermaid => ("mermaid", mermaid(&diagram)),
        GraphFormat::Dot => ("dot", dot(&diagram)),
        GraphFormat::Svg => ("svg", svg(&diagram)),
    };
    if console.json {
        console.document(&GraphDocument {
            format,
            graph: &picture,
        })?;
    } else {
        console.text(&picture)?;
    }
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct GraphDocument<'a> {
    format: &'a str,
    graph: &'a str,
}

/// What is to be drawn: a file of that name if there is one, else what the database has under that name.
async fn subject(
    console: Console,
    database: &Database,
    subject: &OsStr,
) -> Result<Diagram, Failure> {
    let file = Path::new(subject);
    if start::is_stdin(file) || file.exists() {
        let plan = start::read_plan(console, file)?;
        return Ok(diagram(&plan, plan.name().to_owned(), None));
    }
    let name = subject.to_string_lossy();
    if let Some(store) = database.open_to_read()? {
        let store: Arc<dyn Store> = Arc::new(store);
        let id = ExecutionId::from(name.as_ref());
        let failed = |error| database.failure(&error);
        if let Some(execution) = store.execution(&id).await.map_err(failed)? {
            let definition = store.definition(&execution.workflow_id).await;
            let plan = stored(&execution.workflow_id, definition.map_err(failed)?)?;
            let engine = Engine::new(store, Agents::new());
            let status = engine
                .status(&id)
                .await
                .map_err(|error| start::failure(&error, database))?;
            let word = standing::of_status(&status);
            let title = format!("{} · {id} · {word}", plan.name());
            return Ok(diagram(&plan, title, Some(&status)));
        }
        let id = WorkflowId::from(name.as_ref());
        if let definition @ Some(_) = store.definition(&id).await.map_err(failed)? {
            let plan = stored(&id, definition)?;
            return Ok(diagram(&plan, plan.name().to_owned(), None));
        }
    }
    let arguments = database.arguments();
    if start::looks_like_a_file(&name) {
        return Err(Failure::wrong(format!(
            "there is no file `{name}`; check the path, or give the identifier of a workflow or of an execution",
        )));
    }
    Err(Failure::wrong(format!(
        "there is no file, no workflow and no execution `{name}`; `ax workflow list{arguments}` and \
         `ax workflow executions{arguments}` list those there are",
    )))
}

fn stored(id: &WorkflowId, definition: Option<Json>) -> Result<Arc<Plan>, Failure> {
    let definition = definition.unwrap_or_else(Json::null);
    Plan::from_json(id.as_str(), definition.as_str()).map_err(|report| {
        let message = format!("the stored definition of workflow `{id}` cannot be read");
        Failure {
            exit: Exit::Store,
            ..Failure::report(message, report)
        }
    })
}

fn diagram(plan: &Plan, title: String, status: Option<&Status>) -> Diagram {
    let nodes = plan.steps().iter().enumerate().map(|(position, step)| {
        let status = status.and_then(|status| status.steps.get(position));
        Node {
            key: step.key.clone(),
            agent: step.agent.clone(),
            serial: !step.parallel,
            optional: step.optional,
            state: status.map(|status| status.state),
            note: status.and_then(note),
        }
    });
    let graph = plan.graph();
    let edges = (0..graph.len()).flat_map(|step| {
        let before = graph
            .dependencies(step)
            .iter()
            .filter_map(|before| usize::try_from(*before).ok());
        before.map(move |before| (before, step))
    });
    Diagram {
        title,
        nodes: nodes.collect(),
        edges: edges.collect(),
    }
}

/// `2 attempts, 1.3 s`, as far as it says something.
fn note(status: &StepStatus) -> Option<String> {
    let attempts = Some(status.record.attempts.len()).filter(|attempts| *attempts > 1);
    let parts: Vec<String> = attempts
        .map(|attempts| format!("{attempts} attempts"))
        .into_iter()
        .chain(status.duration().map(human))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
