//! The command line as clap reads it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use wf_model::parse_duration;

/// Runs durable workflows of agents.
#[derive(Debug, Parser)]
#[command(
    name = "ax",
    version,
    arg_required_else_help = true,
    subcommand_required = true
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The database: `sqlite:PATH` or a path [default: .ax/ax.db]
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "AX_DATABASE_URL",
        hide_env_values = true
    )]
    pub(crate) db: Option<OsString>,
    /// Write exactly one JSON document to standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Write no progress, only results and errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Tell each transition of the execution as well
    #[arg(long, short, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Use files also when they belong to another user or everybody may write to them
    #[arg(long, global = true)]
    pub(crate) trust_files: bool,
    /// When to use colours; NO_COLOR turns them off unless this says `always`
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run workflows and look after their executions
    #[command(subcommand)]
    Workflow(Workflow),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Workflow {
    /// Run a workflow
    Run(Run),
    /// List the workflows that were run
    List,
    /// List the executions
    Executions,
    /// Show how far an execution is
    Status(Execution),
    /// List the checkpoints of an execution
    Checkpoints(Execution),
    /// Pause an execution: running steps end, no further step starts
    Pause(Execution),
    /// Continue an execution that is paused or whose process died
    Resume(Resume),
    /// Cancel an execution for good: its running steps are killed
    Cancel(Execution),
    /// Start a new execution from a checkpoint: only what was not done then is run
    Restore(Restore),
    /// Show what happened in an execution, and what its agents wrote
    Logs(Logs),
    /// Delete old checkpoints, and nothing else
    Prune(Prune),
    /// Check workflow files without running them
    Validate(Validate),
    /// Draw a workflow, or how far an execution of it is
    Graph(Graph),
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The workflow: a YAML or JSON file
    pub(crate) file: PathBuf,
    /// The agents file [default: agents.yaml beside FILE, then in the current folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) agents: Option<PathBuf>,
    /// An input: its text, the content of a file, or standard input; JSON unless the input is a string
    #[arg(long = "input", short, value_name = "KEY=VALUE|KEY=@FILE|KEY=@-")]
    pub(crate) inputs: Vec<OsString>,
    /// The inputs as one JSON object
    #[arg(long, value_name = "JSON|@FILE|@-")]
    pub(crate) input_json: Option<OsString>,
    /// The execution's identifier; running again with the same one never starts a second execution
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Show the plan and each prompt, with echoes for answers; nothing is recorded
    #[arg(long, conflicts_with = "id")]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The execution's identifier
    pub(crate) id: String,
    /// The agents file [default: the one that the execution was started with]
    #[arg(long, value_name = "FILE")]
    pub(crate) agents: Option<PathBuf>,
    /// A limit of its budget from now on, `+` to add to what it is, `none` to lift it: tokens=200000, cost=+2.5, wallTime=none, attempts=+20
    #[arg(long = "budget", value_name = "LIMIT=AMOUNT")]
    pub(crate) budget: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The execution's identifier
    pub(crate) id: String,
    /// Only what this step's agents wrote, as they wrote it
    pub(crate) step: Option<String>,
    /// Go on until the execution has ended or is paused; with --json, one entry per line
    #[arg(long, short)]
    pub(crate) follow: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The checkpoint's identifier, as `ax workflow checkpoints` lists it
    #[arg(value_name = "CHECKPOINT-ID")]
    pub(crate) id: String,
    /// The agents file [default: the one that the execution was started with]
    #[arg(long, value_name = "FILE")]
    pub(crate) agents: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Prune {
    /// How old a checkpoint must be, such as `12h` or `30d`; the newest of a run that is not over is kept, and so is each that a run was restored from
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = parse_duration)]
    pub(crate) older_than: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct Execution {
    /// The execution's identifier
    pub(crate) id: String,
}

#[derive(Debug, Args)]
pub(crate) struct Validate {
    /// The workflow files
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The agents file [default: agents.yaml beside FILE, then in the current folder, if there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) agents: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Graph {
    /// A workflow file, or the identifier of a stored workflow or of an execution
    #[arg(value_name = "FILE|WORKFLOW-ID|EXECUTION-ID")]
    pub(crate) subject: OsString,
    /// The format
    #[arg(long, value_name = "FORMAT", default_value = "mermaid")]
    pub(crate) format: GraphFormat,
}

/// A format for pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// A Mermaid flowchart, for Markdown pages
    Mermaid,
    /// A Graphviz digraph
    Dot,
    /// A finished picture
    Svg,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn checkpoints_are_kept_as_long_as_hosts_keep_them() {
        let parsed = Arguments::try_parse_from(["ax", "workflow", "prune"]);
        let Ok(Arguments {
            command: Command::Workflow(Workflow::Prune(prune)),
            ..
        }) = parsed
        else {
            panic!("{parsed:?}");
        };
        assert_eq!(prune.older_than, wf_core::engine::RETENTION);
    }
}
