//! What a run needs before it starts: its agents, a place to come back to, an engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use wf_core::agent::Agents;
use wf_core::engine::{Engine, EngineError};
use wf_core::id::ExecutionId;
use wf_core::plan::Plan;
use wf_core::store::{ExecutionRecord, Store};
use wf_model::{Report, Source};

use super::WATCHDOG;
use super::console::Console;
use super::database::Database;
use super::exit::{Failure, with_causes};
use super::journal::Journal;
use super::owner;
use super::progress::Progress;
use wf_agents::{AgentsFile, Watchdog};

// What an agent may write, the database takes.
const _: () = assert!(wf_agents::LARGEST_OUTPUT <= wf_diesel::LARGEST_RESULT);

/// Reads a workflow file and tells what the checker thinks of it.
pub(crate) fn read_plan(console: Console, file: &Path) -> Result<Arc<Plan>, Failure> {
    read_workflow(console, file).map(|(_, plan)| plan)
}

/// Reads a workflow file as [`read_plan`] does; gives its text as well, to report where it does not fit its agents.
pub(crate) fn read_workflow(console: Console, file: &Path) -> Result<(Source, Arc<Plan>), Failure> {
    let read = source(file).and_then(|source| {
        let (plan, warnings) = Plan::from_source(&source)?;
        Ok((source, plan, warnings))
    });
    match read {
        Ok((source, plan, warnings)) => {
            console.warnings(&warnings);
            Ok((source, plan))
        }
        Err(report) => {
            let name = named(file);
            let is_file = is_stdin(file) || looks_like_a_file(&name) || file.exists();
            let hint = if is_file {
                String::new()
            } else {
                format!("; if it is an execution, `ax workflow resume {name}` goes on with it")
            };
            Err(Failure::report(
                format!("the workflow `{name}` cannot be run{hint}"),
                report,
            ))
        }
    }
}

/// Whether a workflow is to be read from standard input.
pub(crate) fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

/// A workflow's file as it is called in messages.
pub(crate) fn named(file: &Path) -> String {
    if is_stdin(file) {
        STDIN.to_owned()
    } else {
        file.display().to_string()
    }
}

/// Reads a workflow file, or standard input where it is `-`.
pub(crate) fn source(file: &Path) -> Result<Source, Report> {
    if is_stdin(file) {
        Source::from_reader(STDIN, std::io::stdin().lock())
    } else {
        Source::file(file)
    }
}

/// Whether what should be an identifier is written like the path of a workflow file.
pub(crate) fn looks_like_a_file(text: &str) -> bool {
    let extension = Path::new(text).extension().and_then(|name| name.to_str());
    text.contains('/') || matches!(extension, Some("yaml" | "yml" | "json"))
}

/// What is found in a workflow on standard input is in this file.
const STDIN: &str = "<stdin>";

/// The name of the agents file of those who name none.
const AGENTS_FILE: &str = "agents.yaml";

/// The agents file of a run: the one that is given, else `agents.yaml` beside the workflow, else in the
/// current folder.
///
/// # Errors
///
/// When none is given and neither is there; the message says where it was looked for.
pub(crate) fn agents_file(given: Option<&Path>, workflow: &Path) -> Result<PathBuf, Failure> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    let beside = workflow.parent().unwrap_or(Path::new("")).join(AGENTS_FILE);
    let places = [beside, PathBuf::from(AGENTS_FILE)];
    match places.iter().find(|place| place.exists()) {
        Some(place) => Ok(place.clone()),
        None => {
            let [beside, here] = places.each_ref().map(|place| place.display());
            let looked = if beside.to_string() == here.to_string() {
                format!("`{here}`")
            } else {
                format!("`{beside}` and `{here}`")
            };
            Err(Failure::wrong(format!(
                "there is no agents file: looked for {looked}; name one with `--agents FILE`"
            )))
        }
    }
}

/// Reads an agents file for a workflow; programs start in `directory` unless the file says otherwise.
///
/// From here on no program of the same user can read the environment and the memory of this process.
pub(crate) fn read_agents(
    file: &Path,
    directory: &Path,
    workflow: &Source,
) -> Result<Agents, Failure> {
    hide_from_agents();
    match AgentsFile::read_for_workflow(file, directory, watchdog(), workflow) {
        Ok(agents) => Ok(agents.into_agents()),
        Err(report) => {
            let mut found = report.diagnostics().iter();
            let file = file.display();
            let message = match found.any(|found| *found.file == *workflow.name()) {
                true => format!(
                    "the workflow `{}` cannot be run with the agents of `{file}`",
                    workflow.name()
                ),
                false => format!("the agents file `{file}` cannot be used"),
            };
            Err(Failure::report(message, report))
        }
    }
}

/// Who kills the programs when this process cannot. Where this program cannot be found, it cannot be started a second time.
fn watchdog() -> Option<Watchdog> {
    let ax = std::env::current_exe().ok();
    ax.map(|ax| Watchdog::new(ax, [WATCHDOG]))
}

/// Keeps what this process knows, such as the variables that hold keys, from the programs that it starts.
#[cfg(target_os = "linux")]
fn hide_from_agents() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    // It fails nowhere; and where it did, what agents write would still be masked.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Other systems have no such switch, or need none.
#[cfg(not(target_os = "linux"))]
const fn hide_from_agents() {}

/// The agents of an execution that was started before: of the file that is given, else of the file that it was
/// started with; programs start in the folder that it was started in.
///
/// What the database chooses is said before anything runs.
pub(crate) async fn agents_of(
    console: Console,
    execution: &ExecutionRecord,
    given: Option<&Path>,
    store: &dyn Store,
    database: &Database,
) -> Result<Agents, Failure> {
    let origin = &execution.origin;
    let file = match (given, &origin.agents_file) {
        (Some(given), _) => given,
        (None, Some(recorded)) => {
            let file = Path::new(recorded);
            if file.is_relative() {
                return Err(Failure::wrong(format!(
                    "execution `{}` records the agents file `{recorded}`, whose folder is not known; name it with \
                     `--agents FILE`",
                    execution.id,
                )));
            }
            if !file.exists() {
                return Err(Failure::wrong(format!(
                    "execution `{}` was started with the agents file `{recorded}`, which is not there any more; name \
                     it where it is now with `--agents FILE`",
                    execution.id,
                )));
            }
            file
        }
        (None, None) => {
            return Err(Failure::wrong(format!(
                "execution `{}` was not started by `ax`, so its agents are not known; go on with it where it was \
                 started, or name an agents file with `--agents FILE`",
                execution.id,
            )));
        }
    };
    let directory = match &origin.directory {
        Some(directory) => directory.into(),
        None => current_directory()?,
    };
    say_what_is_chosen(console, given.is_some(), file, &directory);
    let definition = store.definition(&execution.workflow_id).await;
    let definition = definition.map_err(|error| database.failure(&error))?;
    let definition: Asking = definition
        .and_then(|definition| serde_json::from_str(definition.as_str()).ok())
        .unwrap_or_default();
    let asked: Vec<&str> = definition
        .steps
        .iter()
        .map(|step| step.agent.as_str())
        .collect();
    hide_from_agents();
    match AgentsFile::read_for(file, &directory, watchdog(), &asked) {
        Ok(agents) => Ok(agents.into_agents()),
        Err(report) => Err(Failure::report(
            format!("the agents file `{}` cannot be used", file.display()),
            report,
        )),
    }
}

/// Says which file of agents and which folder the database chooses, unless they are those of whoever runs something here
/// and names none: the database may have come from elsewhere.
fn say_what_is_chosen(console: Console, is_given: bool, file: &Path, directory: &Path) {
    let is_same = |one: &Path, other: &Path| match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    };
    let is_here = is_same(directory, Path::new("."));
    let (shown, place) = (file.display(), directory.display());
    let is_usual = is_here && is_same(file, Path::new(AGENTS_FILE));
    if !(is_given || is_usual) {
        console.tell(&format!(
            "going on with the agents file `{shown}` and programs in `{place}`, as the database records"
        ));
    } else if !is_here {
        console.tell(&format!(
            "going on with programs in `{place}`, as the database records"
        ));
    }
}

/// As much of a stored definition as says whom its steps ask.
#[derive(Default, Deserialize)]
struct Asking {
    steps: Vec<AskingStep>,
}

#[derive(Deserialize)]
struct AskingStep {
    #[serde(default)]
    agent: String,
}

/// The current folder.
pub(crate) fn current_directory() -> Result<PathBuf, Failure> {
    std::env::current_dir()
        .map_err(|error| Failure::system("failed to find the current folder", &error))
}

/// A path as text, to be written down for those who resume the run.
pub(crate) fn recorded(path: &Path) -> Result<String, Failure> {
    let path = std::path::absolute(path)
        .map_err(|error| Failure::system("failed to find the current folder", &error))?;
    match path.into_os_string().into_string() {
        Ok(path) => Ok(path),
        Err(path) => Err(Failure::wrong(format!(
            "the path `{}` is not UTF-8 and cannot be recorded; rename it",
            path.to_string_lossy(),
        ))),
    }
}

/// An engine that drives runs in this process, and whose owner others can tell to be gone.
pub(crate) fn engine(store: Arc<dyn Store>, agents: Agents, progress: &Arc<Progress>) -> Engine {
    let progress = Arc::clone(progress);
    Engine::new(store, agents)
        .with_owner(owner::this(), owner::is_gone)
        .with_observer(move |notice| progress.show(notice))
}

/// Makes an engine whose runs are also written down in the journals of the database.
pub(crate) fn driver(
    console: Console,
    database: &Database,
    store: Arc<dyn Store>,
    agents: Agents,
    progress: &Arc<Progress>,
) -> Engine {
    let progress = Arc::clone(progress);
    let journal = Journal::new(console, database);
    engine(store, agents, &progress).with_observer(move |notice| {
        journal.note(notice);
        progress.show(notice);
    })
}

/// Writes the execution's identifier where a script finds it first.
///
/// The execution exists by now: if its identifier cannot be written there, it is told, and the execution goes on.
pub(crate) fn announce(console: Console, id: &ExecutionId) {
    if console.json {
        console.tell(id.as_str());
        return;
    }
    let started = id.clone();
    // What is wrong with standard output by then is told when it has failed.
    let _ = console.text_or(id.as_str(), move |failure| {
        console.error(&format!(
            "{}; the execution is `{started}`",
            failure.message
        ));
    });
}

/// The engine's error as the command's.
pub(crate) fn failure(error: &EngineError, database: &Database) -> Failure {
    if let Some(store) = error.store() {
        return database.failure(store);
    }
    let message = with_causes(error);
    if error.is_not_found() {
        let list = format!(
            "`ax workflow executions{}` lists those there are",
            database.arguments()
        );
        return Failure::wrong(format!("{message}; {list}"));
    }
    if error.is_illegal() {
        return Failure::wrong(format!(
            "{message}; go on from one of its checkpoints with `ax workflow restore`, or start anew with \
             `ax workflow run`"
        ));
    }
    Failure::wrong(message)
}
