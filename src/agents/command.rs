//! The agent that is a program.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use futures::future::BoxFuture;
use wf_core::agent::{Agent, Reply, Request, StepError};

use super::capture::{Tail, read_output, write_prompt};
use super::group::Group;
use super::program;
use super::secrets::Secrets;

/// How much a program may write to its standard output unless told otherwise, in bytes.
pub const OUTPUT_LIMIT: u64 = 64 * 1024 * 1024;

/// The variables that a program gets of its host's environment, besides those that begin with `LC_`.
const INHERITED: [&str; 5] = ["PATH", "HOME", "USER", "LANG", "TMPDIR"];

/// How long the pipes of a program that has ended may stay open in hands that escaped its process group.
const GRACE: Duration = Duration::from_secs(1);

/// Runs a program for each attempt: the prompt on its standard input, the result on its standard output.
///
/// No shell is involved; the program gets the arguments as they are given here. It runs in a process group
/// of its own, with an environment of `PATH`, `HOME`, `USER`, `LANG`, `LC_*`, `TMPDIR`, what
/// [`env`](Self::env) and [`secret`](Self::secret) add, and `AX_EXECUTION_ID`, `AX_STEP_KEY`, `AX_ATTEMPT`
/// and `AX_IDEMPOTENCY_KEY`.
///
/// An attempt is over when the program has ended and its output is read to the end. What it leaves running
/// in its process group is killed then. Output is read by [`Reply::read`]; output that is not UTF-8, or is
/// longer than the limit, fails the step for good, and so does a program that is missing. An exit status
/// other than zero fails the attempt, with the end of what the program wrote to its standard error.
///
/// Must be called within a tokio runtime whose I/O and time drivers are enabled.
///
/// # Cancellation
///
/// Dropping the future of an attempt kills the program and its whole process group with `SIGKILL`.
#[derive(Clone)]
pub struct CommandAgent {
    program: PathBuf,
    arguments: Vec<OsString>,
    folder: Option<PathBuf>,
    directory: Option<PathBuf>,
    environment: Vec<(OsString, OsString)>,
    secrets: Secrets,
    output_limit: u64,
}

impl CommandAgent {
    /// The agent that runs `program` with `arguments`, in the current folder of the host.
    ///
    /// The environment is taken from the host's when this is called.
    pub fn new<A: Into<OsString>>(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let inherited = std::env::vars_os().filter(|(name, _)| is_inherited(name));
        CommandAgent {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            folder: None,
            directory: None,
            environment: inherited.collect(),
            secrets: Secrets::default(),
            output_limit: OUTPUT_LIMIT,
        }
    }

    /// The same, where a relative program is looked up in this folder before `PATH`.
    #[must_use]
    pub fn beside(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// The same, where the program is started in this folder.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// The same with a variable in the program's environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        let name = name.into();
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.into()));
        self
    }

    /// The same with a variable whose value never appears in an error.
    #[must_use]
    pub fn secret(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        let value = value.into();
        self.secrets.add(value.as_bytes());
        self.env(name, value)
    }

    /// The same, where the program may write this many bytes to its standard output.
    #[must_use]
    pub const fn output_limit(mut self, bytes: u64) -> Self {
        self.output_limit = bytes;
        self
    }

    async fn attempt(&self, request: Request<'_>) -> Result<Reply, StepError> {
        let path = self
            .environment
            .iter()
            .find(|(name, _)| name == "PATH")
            .map(|(_, path)| path.as_os_str());
        let file = program::find(&self.program, self.folder.as_deref(), path)
            .map_err(|missing| StepError::terminal(missing.describe(&self.program)))?;
        let (mut group, pipes) = Group::start(&mut self.command(&file, request))
            .map_err(|error| self.not_started(&file, &error))?;

        let mut output = Vec::new();
        let mut errors = Tail::new(&self.secrets);
        let status = {
            let mut exchange = pin!(async {
                let limit = self.output_limit;
                tokio::try_join!(
                    write_prompt(pipes.stdin, request.prompt),
                    async {
                        read_output(pipes.stdout, limit, &mut output).await?;
                        let length = u64::try_from(output.len()).unwrap_or(u64::MAX);
                        if length > limit {
                            Err(io::Error::from(io::ErrorKind::FileTooLarge))
                        } else {
                            Ok(())
                        }
                    },
                    errors.read(pipes.stderr),
                )
                .map(|_| ())
                .map_err(|error| self.not_exchanged(&error))
            });
            let mut exchanged = false;
            while !exchanged {
                tokio::select! {
                    biased;
                    done = &mut exchange => { done?; exchanged = true; }
                    ended = group.ended() => { ended.map_err(|error| self.not_awaited(&error))?; break; }
                }
            }
            group
                .ended()
                .await
                .map_err(|error| self.not_awaited(&error))?;
            let status = group.reap().map_err(|error| self.not_awaited(&error))?;
            if !exchanged {
                // Only a process that left the group can still hold a pipe: the program itself has
                // written all it had to write, so what is there then counts.
                if let Ok(done) = tokio::time::timeout(GRACE, &mut exchange).await {
                    done?;
                }
            }
            status
        };
        if !status.success() {
            return Err(StepError::retryable(self.failure(status, errors, &output)));
        }
        match String::from_utf8(output) {
            Ok(text) => Ok(Reply::read(&text)),
            Err(error) => Err(StepError::terminal(format_args!(
                "the output of `{}` is not UTF-8 (from byte {} on); make the program write UTF-8",
                self.program.display(),
                error.utf8_error().valid_up_to(),
            ))),
        }
    }

    fn command(&self, file: &Path, request: Request<'_>) -> Command {
        let mut command = Command::new(file);
        command.args(&self.arguments).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
            .env("AX_EXECUTION_ID", request.execution.as_str())
            .env("AX_STEP_KEY", request.step)
            .env("AX_ATTEMPT", request.attempt.to_string())
            .env("AX_IDEMPOTENCY_KEY", request.idempotency_key);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command
    }

    /// Why the program, whose file is there, could not be started.
    fn not_started(&self, file: &Path, error: &io::Error) -> StepError {
        let program = file.display();
        if let Some(directory) = self
            .directory
            .as_deref()
            .filter(|directory| !directory.is_dir())
        {
            let directory = directory.display();
            return self.terminal(format!(
                "`{program}` cannot be started in `{directory}`, which is not a folder"
            ));
        }
        match error.kind() {
            io::ErrorKind::NotFound => self.terminal(format!(
                "`{program}` cannot be started: the interpreter that its first line names is missing"
            )),
            // `ENOEXEC` has no kind of its own.
            _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => self.terminal(format!(
                "`{program}` is no program for this machine; a script needs a first line such as `#!/bin/sh`"
            )),
            io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput | io::ErrorKind::ArgumentListTooLong => {
                self.terminal(format!("`{program}` cannot be started: {error}"))
            }
            _ => self.retryable(format!("`{program}` could not be started: {error}")),
        }
    }

    /// Why the pipes to and from the program broke, or were given up.
    fn not_exchanged(&self, error: &io::Error) -> StepError {
        let program = self.program.display();
        if error.kind() == io::ErrorKind::FileTooLarge {
            let limit = self.output_limit;
            return self.terminal(format!(
                "`{program}` wrote more than {limit} bytes to its standard output and was killed; \
                 make it write large results to a file and answer with the file's path"
            ));
        }
        self.retryable(format!("the exchange with `{program}` broke off: {error}"))
    }

    fn not_awaited(&self, error: &io::Error) -> StepError {
        self.retryable(format!(
            "the end of `{}` could not be awaited: {error}",
            self.program.display()
        ))
    }

    /// What a program that failed is reported with.
    fn failure(&self, status: ExitStatus, errors: Tail, output: &[u8]) -> String {
        let program = self.program.display();
        let ended = match (status.code(), status.signal()) {
            (Some(code), _) => format!("`{program}` exited with status {code}"),
            (None, Some(signal)) => format!("`{program}` was killed by signal {signal}"),
            (None, None) => format!("`{program}` failed"),
        };
        let ended = self.secrets.redact_message(ended);
        let shown = errors.show(&self.secrets);
        if !shown.is_empty() {
            return format!("{ended}: {shown}");
        }
        match Tail::of(output, &self.secrets).show(&self.secrets) {
            shown if shown.is_empty() => format!("{ended} and wrote nothing"),
            shown => {
                format!("{ended} and wrote nothing to its standard error; its output ends: {shown}")
            }
        }
    }

    fn terminal(&self, message: String) -> StepError {
        StepError::terminal(self.secrets.redact_message(message))
    }

    fn retryable(&self, message: String) -> StepError {
        StepError::retryable(self.secrets.redact_message(message))
    }
}

impl Agent for CommandAgent {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        Box::pin(self.attempt(request))
    }
}

/// Shows the command and the names of its variables, and no value.
impl fmt::Debug for CommandAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&OsStr> = self
            .environment
            .iter()
            .map(|(name, _)| name.as_os_str())
            .collect();
        f.debug_struct("CommandAgent")
            .field("program", &self.program)
            .field("arguments", &self.arguments)
            .field("environment", &names)
            .finish_non_exhaustive()
    }
}

fn is_inherited(name: &OsStr) -> bool {
    INHERITED.iter().any(|inherited| name == *inherited) || name.as_bytes().starts_with(b"LC_")
}
