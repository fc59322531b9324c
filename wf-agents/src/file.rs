//! The agents file.

mod document;
mod fallbacks;
mod kinds;
mod lacking;
#[cfg(feature = "openai")]
mod model;
mod parser;
mod reference;
mod size;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::Metadata;
use std::path::Path;

use wf_core::agent::Agents;
use wf_model::{Report, Source};

use self::parser::{Parser, Unmet};
use super::Watchdog;
use super::secrets::Secrets;
use crate::ownership;

/// The agents that a file names.
///
/// ```yaml
/// agents:
///   backend: { command: ["git", "diff", "--stat"], timeout: 60s }
///   reviewer: { builtin: echo, capabilities: [review] }
/// ```
#[derive(Debug, Clone)]
pub struct AgentsFile {
    agents: Agents,
}

impl AgentsFile {
    /// Reads a file; programs start in `directory` unless the file gives their agent a `cwd`.
    ///
    /// A program whose name has a `/` is looked up from the folder of the file, any other in `PATH` alone; a relative `cwd`
    /// is taken from the folder of the file.
    ///
    /// # Errors
    ///
    /// Every mistake at once, each with its position and a way out; also a variable of the environment that
    /// the file asks for and that is not set. A file, or one that it takes a secret or certificates from, that belongs to another user than
    /// this one or root, or that everybody may write to, is not used; see [`trust_files`](super::trust_files).
    pub fn read(path: &Path, directory: &Path) -> Result<AgentsFile, Report> {
        AgentsFile::open(path, directory, None, None)
    }

    /// Reads a file as [`read`](Self::read) does; what its programs leave running when this process is killed is
    /// killed by the watchdog.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_watched(
        path: &Path,
        directory: &Path,
        watchdog: Watchdog,
    ) -> Result<AgentsFile, Report> {
        AgentsFile::open(path, directory, Some(watchdog), None)
    }

    /// Reads a file as [`read`](Self::read) does, or with a watchdog as [`read_watched`](Self::read_watched), for runs whose
    /// steps ask `asked`: names of agents, or `@capability`.
    ///
    /// A secret, a program or a `cwd` that is not there is a mistake where one of these needs it, or one that is asked when it
    /// fails. Any other agent without it fails for good when it is asked all the same.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_for(
        path: &Path,
        directory: &Path,
        watchdog: Option<Watchdog>,
        asked: &[&str],
    ) -> Result<AgentsFile, Report> {
        AgentsFile::open(path, directory, watchdog, Some(asked))
    }

    /// Reads a file as [`read_for`](Self::read_for) does, for runs of that workflow.
    ///
    /// # Errors
    ///
    /// As [`read_for`](Self::read_for); also where a step asks an agent that is not there. The report has the steps that ask
    /// for what is not there, and then the mistakes of the file.
    pub fn read_for_workflow(
        path: &Path,
        directory: &Path,
        watchdog: Option<Watchdog>,
        workflow: &Source,
    ) -> Result<AgentsFile, Report> {
        let definition = workflow.sketch().map(|(definition, _)| definition);
        let steps = definition
            .map(|definition| definition.steps)
            .unwrap_or_default();
        let asked: Vec<&str> = steps.iter().map(|step| step.agent.as_str()).collect();
        let (file, unmet) = AgentsFile::open_with_unmet(path, directory, watchdog, Some(&asked));
        if unmet.is_empty() {
            return file;
        }
        let mut told = BTreeSet::new();
        let asking = workflow.report_agents(|step| {
            let faults = unmet.iter().filter(|unmet| unmet.wanted == step.agent);
            let is_first = told.insert(step.agent.clone());
            faults
                // What is told in the agents file as well is told at one of the steps.
                .filter(|unmet| is_first || !unmet.is_elsewhere)
                .map(|unmet| {
                    let message = format!("step `{}` {}", step.key, unmet.message);
                    let message = if unmet.is_elsewhere {
                        unmet.message.clone()
                    } else {
                        message
                    };
                    (message, unmet.help.clone())
                })
                .collect()
        });
        Err(match file {
            Ok(_) => asking,
            Err(report) => asking.and(report),
        })
    }

    /// The agents, to be given to an engine.
    pub fn into_agents(self) -> Agents {
        self.agents
    }

    fn open(
        path: &Path,
        directory: &Path,
        watchdog: Option<Watchdog>,
        asked: Option<&[&str]>,
    ) -> Result<AgentsFile, Report> {
        AgentsFile::open_with_unmet(path, directory, watchdog, asked).0
    }

    fn open_with_unmet(
        path: &Path,
        directory: &Path,
        watchdog: Option<Watchdog>,
        asked: Option<&[&str]>,
    ) -> (Result<AgentsFile, Report>, Vec<Unmet>) {
        let source = match Source::admitted_file(path, |found| admit(path, found)) {
            Ok(source) => source,
            Err(report) => return (Err(report), Vec::new()),
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        // Where there is no current folder, paths stay as they are.
        let folder = std::path::absolute(folder.join(".")).unwrap_or_else(|_| folder.to_owned());
        let environment = |name: &str| std::env::var_os(name);
        AgentsFile::parse(&source, &folder, directory, &environment, watchdog, asked)
    }

    fn parse(
        source: &Source,
        folder: &Path,
        directory: &Path,
        environment: &dyn Fn(&str) -> Option<OsString>,
        watchdog: Option<Watchdog>,
        asked: Option<&[&str]>,
    ) -> (Result<AgentsFile, Report>, Vec<Unmet>) {
        let (root, mut reader) = match source.parse() {
            Ok(parsed) => parsed,
            Err(report) => return (Err(report), Vec::new()),
        };
        let mut file = Parser {
            reader: &mut reader,
            folder,
            directory,
            environment,
            watchdog,
            asked,
            lacking: Vec::new(),
            named: BTreeSet::new(),
            unmet: Vec::new(),
            secrets: Secrets::default(),
        };
        let agents = file.file(root);
        let unmet = file.unmet;
        let file = match agents {
            Some(agents) if !reader.has_errors() => Ok(AgentsFile { agents }),
            _ => Err(source.report(reader.into_problems())),
        };
        (file, unmet)
    }
}

/// Refuses a file of agents that others may change: it says which programs are run.
fn admit(path: &Path, found: &Metadata) -> Result<(), (String, String)> {
    let what = "the agents file";
    ownership::check_link(what, path)
        .and_then(|()| ownership::check(what, path, found))
        .and_then(|()| ownership::check_folder_of(what, path))
        .map_err(|untrusted| (untrusted.problem(), untrusted.way_out()))
}
