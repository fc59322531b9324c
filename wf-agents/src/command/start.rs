//! The start of a program, and what stands in its way.

use std::io;
use std::path::Path;
use std::process::Command;

use wf_core::agent::{Request, StepError};

use super::CommandAgent;
use crate::fault::Fault;
use crate::group::{Group, Manners, Pipes};
use crate::program::{self, Missing};
use crate::shortage::{is_shortage, when_there_is_room};

/// What could not be started.
enum NotStarted {
    Watchdog(io::Error),
    Program(io::Error),
}

impl NotStarted {
    const fn cause(&self) -> &io::Error {
        match self {
            NotStarted::Watchdog(error) | NotStarted::Program(error) => error,
        }
    }
}

impl CommandAgent {
    /// Starts the program, once there is room for it and nothing is left of the attempts before.
    pub(super) async fn start(&self, request: Request<'_>) -> Result<(Group, Pipes), Fault> {
        let file = self
            .find()
            .map_err(|missing| Fault::agent(self.terminal(missing.describe(&self.program))))?;
        let key = request.idempotency_key();
        let waiting = request.waiting();
        Group::predecessors_ended(&key).await;
        drop(waiting);
        let start = || {
            let watch = self.watchdog.as_ref();
            let watch = watch.map(|watchdog| watchdog.expect(request)).transpose();
            let watch = watch.map_err(NotStarted::Watchdog)?;
            let manners = Manners {
                grace: self.kill_grace,
                key: key.clone(),
            };
            Group::start(&mut self.command(&file, request), watch, manners)
                .map_err(NotStarted::Program)
        };
        let started = when_there_is_room(request, start, NotStarted::cause).await;
        started.map_err(|not| match not {
            NotStarted::Watchdog(error) if !is_shortage(&error) => {
                let message = format!("the watchdog over programs could not be started: {error}");
                Fault::attempt(self.retryable(message))
            }
            NotStarted::Watchdog(error) | NotStarted::Program(error) => {
                self.not_started(&file, &error)
            }
        })
    }

    /// The file of the program.
    pub(crate) fn find(&self) -> Result<std::path::PathBuf, Missing> {
        let variables = self.environment.iter();
        let mut path = variables.filter(|(name, _)| name == "PATH");
        let path = path.next().map(|(_, path)| path.as_os_str());
        program::find(&self.program, self.folder.as_deref(), path)
    }

    /// What keeps the program from being started now, if it is known before: what is wrong, and the way out.
    pub(crate) fn obstacle(&self) -> Option<(String, String)> {
        let missing = self.find().err()?;
        Some((missing.problem(&self.program), missing.help(&self.program)))
    }

    fn command(&self, file: &Path, request: Request<'_>) -> Command {
        let mut command = Command::new(file);
        command.args(&self.arguments).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
            .env("AX_EXECUTION_ID", request.execution.as_str())
            .env("AX_STEP_KEY", request.step)
            .env("AX_ATTEMPT", request.attempt.to_string())
            .env("AX_IDEMPOTENCY_KEY", request.idempotency_key());
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
    }

    /// Why the program, whose file is there, could not be started.
    fn not_started(&self, file: &Path, error: &io::Error) -> Fault {
        let program = file.display();
        if let Some(directory) = self
            .directory
            .as_deref()
            .filter(|directory| !directory.is_dir())
        {
            let directory = directory.display();
            return Fault::attempt(self.unavailable(format!(
                "`{program}` cannot be started in `{directory}`, which is not a folder; make it again, or correct the agent's \
                 `cwd`"
            )));
        }
        if is_shortage(error) {
            return Fault::attempt(self.unavailable(format!(
                "`{program}` cannot be started: {error}, and no program of this run is left whose end would make room; end \
                 others, or raise the limit"
            )));
        }
        let message = match error.kind() {
            io::ErrorKind::NotFound => format!(
                "`{program}` cannot be started: the interpreter that its first line names is missing"
            ),
            // `ENOEXEC` has no kind of its own.
            _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => format!(
                "`{program}` is no program for this machine; a script needs a first line such as `#!/bin/sh`"
            ),
            io::ErrorKind::PermissionDenied
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::ArgumentListTooLong => {
                format!("`{program}` cannot be started: {error}")
            }
            _ => {
                let message = format!("`{program}` could not be started: {error}");
                return Fault::attempt(self.retryable(message));
            }
        };
        Fault::agent(self.terminal(message))
    }

    fn unavailable(&self, message: String) -> StepError {
        StepError::unavailable(self.secrets.redact_message(message))
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn what_the_system_has_no_room_for_is_unavailable_and_other_failures_are_not() {
        let agent = CommandAgent::new("cat", ["-"]);
        let not_started = |errno: Errno| {
            let error = io::Error::from_raw_os_error(errno.raw_os_error());
            agent.not_started(Path::new("/bin/cat"), &error).error
        };
        for errno in [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM] {
            let error = not_started(errno);
            assert!(matches!(error, StepError::Unavailable(_)), "{error:?}");
            let said = error.to_string();
            assert!(said.starts_with("`/bin/cat` cannot be started: "), "{said}");
            assert!(said.contains("no program of this run is left"), "{said}");
        }
        for errno in [Errno::IO, Errno::ACCESS, Errno::NOEXEC, Errno::TOOBIG] {
            let error = not_started(errno);
            assert!(!matches!(error, StepError::Unavailable(_)), "{error:?}");
        }
    }
}
