//! The agent that is a program.

mod start;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitStatus;
use std::time::Duration;

use futures::future::BoxFuture;
use wf_core::agent::{Agent, Allowance, Reply, Request, StepError};

use super::capture::{Tail, read_output, write_prompt};
use super::captured::Expected;
use super::fault::{Blame, Diagnose, Fault};
use super::live::Lines;
use super::reset::limited;
use super::secrets::Secrets;
use super::watchdog::Watchdog;

/// How much a program may write to its standard output unless told otherwise, in bytes.
pub const OUTPUT_LIMIT: u64 = 64 * 1024 * 1024;

/// The variables that a program gets of its host's environment, besides those that begin with `LC_`.
const INHERITED: [&str; 5] = ["PATH", "HOME", "USER", "LANG", "TMPDIR"];

/// How long a program that is to end has from `SIGTERM` to `SIGKILL` unless told otherwise.
pub const KILL_GRACE: Duration = Duration::from_secs(5);

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
/// longer than the limit, fails the step for good, and so does a program that is missing. Where the folder in which it is to
/// start is gone, or the system has no room for it and none of this process's programs runs whose end would make some, the
/// agent is [unavailable](StepError::Unavailable). An exit status
/// other than zero fails the attempt, with the end of what the program wrote to its standard error. While it
/// runs, the lines of both are shown to whoever watches. The value of a [`secret`](Self::secret) is masked in
/// all of them; in the result, when it has at least 8 bytes.
///
/// Must be called within a tokio runtime whose I/O and time drivers are enabled.
///
/// # Cancellation
///
/// Dropping the future of an attempt sends `SIGTERM` to the program and its whole process group, and `SIGKILL` to what is left
/// of it after the [grace](Self::kill_grace); the drop does not wait for that, but the next attempt at the same step does, and
/// a host does with [`programs_ended`](super::programs_ended). With a [`Watchdog`] the group is killed also when the host
/// itself is.
#[derive(Clone)]
pub struct CommandAgent {
    program: PathBuf,
    arguments: Vec<OsString>,
    folder: Option<PathBuf>,
    directory: Option<PathBuf>,
    environment: Vec<(OsString, OsString)>,
    secrets: Secrets,
    output_limit: u64,
    kill_grace: Duration,
    watchdog: Option<Watchdog>,
}

/// What a program that has ended has left.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) output: Vec<u8>,
    errors: Tail,
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
            kill_grace: KILL_GRACE,
            watchdog: None,
        }
    }

    /// Looks a program whose name has a `/` up from this folder.
    #[must_use]
    pub fn beside(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Sets the folder that the program is started in.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Sets a variable in the program's environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        let name = name.into();
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.into()));
        self
    }

    /// Sets a variable whose value never appears in an error.
    #[must_use]
    pub fn secret(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        let value = value.into();
        self.secrets.add(value.as_bytes());
        self.env(name, value)
    }

    /// Sets how many bytes the program may write to its standard output.
    #[must_use]
    pub const fn output_limit(mut self, bytes: u64) -> Self {
        self.output_limit = bytes;
        self
    }

    /// Sets how long after it was asked to end a program is killed; zero is at once.
    #[must_use]
    pub const fn kill_grace(mut self, grace: Duration) -> Self {
        self.kill_grace = grace;
        self
    }

    /// Has the process groups killed also when the host dies without a word.
    #[must_use]
    pub fn watched(mut self, watchdog: Watchdog) -> Self {
        self.watchdog = Some(watchdog);
        self
    }

    /// Adds arguments after those that it has.
    pub(super) fn arguments(mut self, more: impl IntoIterator<Item = OsString>) -> Self {
        self.arguments.extend(more);
        self
    }

    /// Hides what was given to others as well.
    pub(super) fn hiding(mut self, shared: &Secrets) -> Self {
        self.secrets.join(shared);
        self
    }

    /// What must not be shown.
    pub(super) const fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The program's name, for messages.
    pub(super) fn name(&self) -> std::path::Display<'_> {
        self.program.display()
    }

    async fn attempt(&self, request: Request<'_>) -> Result<Reply, Fault> {
        let ended = self
            .run(request, request.prompt, &Expected::default())
            .await?;
        if !ended.status.success() {
            let message = self.failure(ended);
            let error = limited(StepError::retryable(&message), &message, request.now());
            // A limit says nothing about whether the program is well.
            let blame = match error.failure().resets_at {
                Some(_) => Blame::Attempt,
                None => Blame::Exit,
            };
            return Err(Fault::new(error, blame));
        }
        let text = self.text(ended.output).map_err(Fault::attempt)?;
        Ok(self.secrets.reply_of(text).await)
    }

    /// Runs the program to its end, or for a short while after it has said all.
    pub(super) async fn run(
        &self,
        request: Request<'_>,
        prompt: &str,
        expected: &Expected,
    ) -> Result<Ended, Fault> {
        let (mut group, pipes) = self.start(request).await?;
        let output = &expected.captured;
        let mut errors = Tail::new(&self.secrets);
        let exchanged = {
            let mut shown = Lines::new(request.output, &self.secrets, expected.meaning);
            let mut complaints = Lines::new(request.output, &self.secrets, None);
            let mut said_all = pin!(expected.said_all());
            let mut exchange = pin!(async {
                tokio::try_join!(
                    write_prompt(pipes.stdin, prompt),
                    async {
                        let limit = self.output_limit;
                        read_output(pipes.stdout, limit, output, &mut shown).await?;
                        match u64::try_from(output.len()) {
                            Ok(length) if length <= limit => Ok(()),
                            _ => Err(io::Error::from(io::ErrorKind::FileTooLarge)),
                        }
                    },
                    errors.read(pipes.stderr, &mut complaints),
                )
                .map(|_| ())
            });
            let mut exchanged = None;
            let has_ended = loop {
                tokio::select! {
                    biased;
                    done = &mut exchange, if exchanged.is_none() => exchanged = Some(done),
                    ended = group.ended() => {
                        ended.map_err(|error| self.not_awaited(&error))?;
                        break true;
                    }
                    () = &mut said_all => break false,
                }
                if matches!(exchanged, Some(Err(_))) {
                    break false;
                }
            };
            match exchanged {
                Some(Err(error)) => Err(error),
                // How a program ends that does not end by itself says nothing about its answer.
                _ if !has_ended => {
                    drop(group);
                    Ok(ExitStatus::from_raw(0))
                }
                exchanged => {
                    let status = group.reap().map_err(|error| self.not_awaited(&error))?;
                    let done = match exchanged {
                        Some(done) => done,
                        // Only a process that left the group can still hold a pipe: the program itself has
                        // written all it had to write, so what is there then counts.
                        None => tokio::time::timeout(GRACE, &mut exchange)
                            .await
                            .unwrap_or(Ok(())),
                    };
                    done.map(|()| status)
                }
            }
        };
        match exchanged {
            Ok(status) => Ok(Ended {
                status,
                output: output.take(),
                errors,
            }),
            Err(error) => {
                let error = output.look(|output| self.not_exchanged(&error, output));
                Err(Fault::attempt(error))
            }
        }
    }

    /// The output as text, with whatever secrets it has.
    pub(super) fn text(&self, output: Vec<u8>) -> Result<String, StepError> {
        String::from_utf8(output).map_err(|error| {
            self.terminal(format!(
                "the output of `{}` is not UTF-8 (from byte {} on); make the program write UTF-8; it ends: {}",
                self.program.display(),
                error.utf8_error().valid_up_to(),
                self.end_of(error.as_bytes()),
            ))
        })
    }

    /// Why the pipes to and from the program broke, or were given up.
    fn not_exchanged(&self, error: &io::Error, output: &[u8]) -> StepError {
        let program = self.program.display();
        if error.kind() == io::ErrorKind::FileTooLarge {
            let (limit, end) = (self.output_limit, self.end_of(output));
            return self.terminal(format!(
                "`{program}` wrote more than {limit} bytes to its standard output and was killed; \
                 make it write large results to a file and answer with the file's path; \
                 what was read of its output ends: {end}"
            ));
        }
        self.retryable(format!("the exchange with `{program}` broke off: {error}"))
    }

    fn not_awaited(&self, error: &io::Error) -> Fault {
        Fault::attempt(self.retryable(format!(
            "the end of `{}` could not be awaited: {error}",
            self.program.display()
        )))
    }

    /// What a program that failed is reported with.
    pub(super) fn failure(&self, ended: Ended) -> String {
        let how = self.ending(ended.status);
        let shown = ended.errors.show(&self.secrets);
        if !shown.is_empty() {
            return format!("{how}: {shown}");
        }
        match self.end_of(&ended.output) {
            shown if shown.is_empty() => format!("{how} and wrote nothing"),
            shown => {
                format!("{how} and wrote nothing to its standard error; its output ends: {shown}")
            }
        }
    }

    /// How a program has ended.
    pub(super) fn ending(&self, status: ExitStatus) -> String {
        let program = self.program.display();
        self.secrets
            .redact_message(match (status.code(), status.signal()) {
                (Some(code), _) => format!("`{program}` exited with status {code}"),
                (None, Some(signal)) => format!("`{program}` was killed by signal {signal}"),
                (None, None) => format!("`{program}` failed"),
            })
    }

    /// The end of an output, for a message.
    pub(super) fn end_of(&self, output: &[u8]) -> String {
        Tail::of(output, &self.secrets).show(&self.secrets)
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
        Box::pin(async move { self.attempt(request).await.map_err(|fault| fault.error) })
    }

    /// Nothing: a program reports no usage.
    fn bound(&self, _: Request<'_>) -> Allowance {
        Allowance::NOTHING
    }
}

impl Diagnose for CommandAgent {
    fn diagnose<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, Fault>> {
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
