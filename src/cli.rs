//! The `ax` command: from a command line to an exit status.
//!
//! One module per command or pair of commands, and one each for what they share: where the database is,
//! what ends up on which stream, the JSON documents, the tables, and how the command ends.

mod arguments;
mod console;
mod control;
mod database;
mod document;
mod draw;
mod drive;
mod exit;
mod inputs;
mod inspect;
mod journal;
mod lane;
mod lines;
mod logs;
mod moment;
mod output;
mod owner;
mod paused;
mod progress;
mod prune;
mod rehearsal;
mod restore;
mod resume;
mod room;
mod run;
mod signals;
mod standing;
mod start;
mod table;
mod usage;
mod validate;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command, Workflow};
use console::Console;
use database::Database;
use exit::{Exit, Failure};

/// The argument with which the command starts itself as a watchdog over agents; nothing that users see.
const WATCHDOG: &str = "watchdog";

/// Does what a command line asks for, whose first argument is the command's own name.
///
/// Writes to standard output and standard error, and makes a panic report itself in one line. Meant to be
/// all that the `main` of a program calls.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    console::report_defects();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if arguments.get(1).is_some_and(|first| first == WATCHDOG) {
        return wf_agents::keep_watch();
    }
    let parsed = match Arguments::try_parse_from(&arguments) {
        Ok(parsed) => parsed,
        Err(error) => return settle(console::usage(&error, &arguments), Console::PLAIN),
    };
    let console = Console::new(&parsed.global);
    if parsed.global.trust_files {
        wf_agents::ownership::trust_files();
    }
    let exit = execute(&parsed, console).unwrap_or_else(|failure| {
        console.failure(&failure);
        failure.exit
    });
    settle(exit, console)
}

/// Waits for the readers of both streams: who was interrupted has waited long enough.
fn settle(exit: Exit, console: Console) -> ExitCode {
    // One without files, which says also that there was none left to open.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let Ok(runtime) = runtime else {
        return exit.into();
    };
    if exit == Exit::Interrupted {
        runtime.block_on(output::last_words());
        return exit.into();
    }
    let exit = match runtime.block_on(console.written()) {
        // What failed before has said so.
        Err(failure) if exit == Exit::Done => {
            console.error(&failure.message);
            failure.exit
        }
        _ => exit,
    };
    runtime.block_on(async {
        journal::written().await;
        output::finished().await;
    });
    exit.into()
}

fn execute(arguments: &Arguments, console: Console) -> Result<Exit, Failure> {
    let Command::Workflow(command) = &arguments.command;
    if let Workflow::Validate(validate) = command {
        return validate::validate(console, validate);
    }
    let database = Database::locate(arguments.global.db.as_deref())?;
    wf_agents::open_many_files();
    room::check_files()?;
    let task = async {
        signals::outlive_full_files()
            .map_err(|error| Failure::system("failed to listen for signals", &error))?;
        match command {
            Workflow::Run(run) if run.dry_run => rehearsal::show(console, run).await,
            Workflow::Run(run) => run::run(console, &database, run).await,
            Workflow::Resume(resume) => resume::resume(console, &database, resume).await,
            Workflow::List => inspect::list(console, &database).await,
            Workflow::Executions => inspect::executions(console, &database).await,
            Workflow::Status(execution) => inspect::status(console, &database, execution).await,
            Workflow::Checkpoints(execution) => {
                inspect::checkpoints(console, &database, execution).await
            }
            Workflow::Pause(execution) => control::pause(console, &database, execution).await,
            Workflow::Cancel(execution) => control::cancel(console, &database, execution).await,
            Workflow::Restore(restore) => restore::restore(console, &database, restore).await,
            Workflow::Logs(logs) => logs::logs(console, &database, logs).await,
            Workflow::Prune(prune) => prune::prune(console, &database, prune).await,
            Workflow::Validate(validate) => validate::validate(console, validate),
            Workflow::Graph(graph) => draw::draw(console, &database, graph).await,
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .map_err(|error| Failure::system("failed to start the runtime", &error))?
        .block_on(async {
            let done = task.await;
            leave(matches!(done, Ok(Exit::Interrupted))).await;
            done
        })
}

/// Sees the programs end that were asked to: at once when the user does not want to wait, or does not want to any more.
async fn leave(at_once: bool) {
    if at_once {
        wf_agents::kill_programs();
    }
    let ended = wf_agents::programs_ended();
    let Ok(mut signals) = signals::Signals::catch() else {
        return ended.await;
    };
    tokio::pin!(ended);
    tokio::select! {
        biased;
        () = &mut ended => {}
        () = signals.next() => {
            wf_agents::kill_programs();
            ended.await;
        }
    }
}
