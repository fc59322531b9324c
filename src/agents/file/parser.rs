//! From the tree of an agents file to agents, with every mistake on the way.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use wf_core::agent::{Agent, Agents};
use wf_model::Problem;
use wf_model::tree::{Entry, Node, Reader, Value};

use crate::agents::{CommandAgent, EchoAgent, Limited};

/// The keys of a file.
const FILE_KEYS: [&str; 1] = ["agents"];

/// The keys of an agent.
const AGENT_KEYS: [&str; 7] = [
    "command",
    "builtin",
    "timeout",
    "maxConcurrent",
    "env",
    "cwd",
    "capabilities",
];

/// What every attempt sets itself.
const RESERVED: [&str; 4] = [
    "AX_EXECUTION_ID",
    "AX_STEP_KEY",
    "AX_ATTEMPT",
    "AX_IDEMPOTENCY_KEY",
];

/// What a value in `env` begins with when it names a variable of the host.
const FROM_HOST: &str = "env:";

/// Takes the tree apart. Each method gives nothing after a problem, and has reported it.
pub(super) struct Parser<'a> {
    pub(super) reader: &'a mut Reader,
    pub(super) folder: &'a Path,
    pub(super) directory: &'a Path,
    pub(super) environment: &'a dyn Fn(&str) -> Option<OsString>,
}

/// What an agent is.
enum Kind {
    Command(Vec<String>),
    Echo,
}

/// A variable of a program's environment.
struct Variable {
    name: String,
    value: OsString,
    is_secret: bool,
}

impl Parser<'_> {
    /// Reads the whole file.
    pub(super) fn file(&mut self, root: Node) -> Option<Agents> {
        let place = root.place;
        let help = "write `agents:`, and under it each agent's name with what it is";
        if matches!(root.value, Value::Null) {
            self.reader
                .report(Problem::error(place, "the file is empty").help(help));
            return None;
        }
        let mut agents = None;
        let mut is_meant = false;
        for Entry { key, value } in self.reader.mapping("the agents file", root)? {
            match key.text.as_str() {
                "agents" => agents = Some(self.agents(value)),
                _ => is_meant |= self.reader.unknown_key(&key, &FILE_KEYS).is_some(),
            }
        }
        if agents.is_none() && !is_meant {
            self.reader.missing_key(place, "agents", help);
        }
        agents?
    }

    fn agents(&mut self, node: Node) -> Option<Agents> {
        let mut agents = Agents::new();
        for Entry { key, value } in self.reader.mapping("agents", node)? {
            if key.text.is_empty() || key.text.starts_with('@') {
                let message = format!("an agent cannot be named `{}`", key.text);
                let help =
                    "give it a name; what begins with `@` asks for one of its `capabilities`";
                self.reader
                    .report(Problem::error(key.place, message).help(help));
            }
            if let Some((agent, capabilities)) = self.agent(&key.text, key.place, value) {
                agents = agents.with_capable(key.text, agent, capabilities);
            }
        }
        Some(agents)
    }

    fn agent(
        &mut self,
        name: &str,
        place: u32,
        node: Node,
    ) -> Option<(Arc<dyn Agent>, Vec<String>)> {
        let mut kinds: Vec<(String, u32, Option<Kind>)> = Vec::new();
        let (mut timeout, mut max_concurrent, mut directory) = (None, None, None);
        let (mut variables, mut capabilities) = (Vec::new(), Vec::new());
        let mut is_meant = false;
        for Entry { key, value } in self.reader.mapping(name, node)? {
            let text = key.text.as_str();
            match text {
                "command" => {
                    kinds.push((key.text, key.place, self.command(value).map(Kind::Command)))
                }
                "builtin" => kinds.push((key.text, key.place, self.builtin(value))),
                "timeout" => timeout = self.reader.timeout(text, value),
                "maxConcurrent" => {
                    max_concurrent = self.reader.whole(text, value, 1..=u64::from(u32::MAX))
                }
                "env" => variables = self.variables(value).unwrap_or_default(),
                "cwd" => directory = self.cwd(value),
                "capabilities" => capabilities = self.capabilities(value).unwrap_or_default(),
                _ => {
                    is_meant |= matches!(
                        self.reader.unknown_key(&key, &AGENT_KEYS),
                        Some("command" | "builtin")
                    )
                }
            }
        }
        if let [(_, first, _), (second, other, _), ..] = kinds.as_slice() {
            let message = format!("agent `{name}` is two things at once; `{second}` is the second");
            let problem = Problem::error(*other, message)
                .help("keep one of them")
                .also(*first, "the first is here");
            self.reader.report(problem);
        }
        let Some((_, _, kind)) = kinds.into_iter().next() else {
            if is_meant {
                return None;
            }
            let message = format!("agent `{name}` has no `command` and no `builtin`");
            let help =
                "say what it is, such as `command: [\"program\", \"argument\"]` or `builtin: echo`";
            self.reader
                .report(Problem::error(place, message).help(help));
            return None;
        };
        let agent: Arc<dyn Agent> = match kind? {
            Kind::Command(command) => limited(
                self.program(command, variables, directory)?,
                timeout,
                max_concurrent,
            ),
            Kind::Echo => limited(EchoAgent, timeout, max_concurrent),
        };
        Some((agent, capabilities))
    }

    fn program(
        &self,
        command: Vec<String>,
        variables: Vec<Variable>,
        directory: Option<PathBuf>,
    ) -> Option<CommandAgent> {
        let mut words = command.into_iter();
        let agent = CommandAgent::new(words.next()?, words)
            .beside(self.folder)
            .directory(directory.as_deref().unwrap_or(self.directory));
        Some(variables.into_iter().fold(
            agent,
            |agent,
             Variable {
                 name,
                 value,
                 is_secret,
             }| match is_secret {
                true => agent.secret(name, value),
                false => agent.env(name, value),
            },
        ))
    }

    fn command(&mut self, node: Node) -> Option<Vec<String>> {
        let place = node.place;
        if let Value::Text(line) = &node.value {
            let words: Vec<String> = line
                .split_whitespace()
                .map(|word| format!("{word:?}"))
                .collect();
            let problem = Problem::error(
                place,
                "`command` is a string, but must be a list: no shell takes it apart",
            );
            self.reader
                .report(problem.help(format!("write it as `[{}]`", words.join(", "))));
            return None;
        }
        let words = self.reader.texts("command", node)?;
        match words.first() {
            Some((_, program)) if !program.is_empty() => {}
            _ => {
                let problem = Problem::error(place, "`command` names no program");
                self.reader
                    .report(problem.help("write the program first, then its arguments"));
                return None;
            }
        }
        let mut command = Vec::with_capacity(words.len());
        for (place, word) in words {
            command.push(self.without_nul("command", place, word)?);
        }
        Some(command)
    }

    fn builtin(&mut self, node: Node) -> Option<Kind> {
        self.reader.choice("builtin", node, &["echo"], |word| {
            (word == "echo").then_some(Kind::Echo)
        })
    }

    fn cwd(&mut self, node: Node) -> Option<PathBuf> {
        let place = node.place;
        let directory = self.reader.text("cwd", node)?;
        let directory = self.without_nul("cwd", place, directory)?;
        Some(self.folder.join(directory))
    }

    fn capabilities(&mut self, node: Node) -> Option<Vec<String>> {
        let mut capabilities = Vec::new();
        for (place, capability) in self.reader.texts("capabilities", node)? {
            if capability.is_empty() || capability.starts_with('@') {
                let message = format!("a capability cannot be named `{capability}`");
                let help = "write a word without `@`; steps ask for it as `agent: \"@word\"`";
                self.reader
                    .report(Problem::error(place, message).help(help));
            } else {
                capabilities.push(capability);
            }
        }
        Some(capabilities)
    }

    fn variables(&mut self, node: Node) -> Option<Vec<Variable>> {
        let mut variables = Vec::new();
        for Entry { key, value } in self.reader.mapping("env", node)? {
            let (name, place) = (key.text, value.place);
            if name.is_empty() || name.contains(['=', '\0']) {
                let message = format!("`{}` cannot be the name of a variable", name.escape_debug());
                self.reader.report(
                    Problem::error(key.place, message).help("write letters, digits and `_`"),
                );
            }
            if RESERVED.contains(&name.as_str()) {
                let message = format!("`{name}` is set for every attempt and cannot be given");
                self.reader
                    .report(Problem::error(key.place, message).help("choose another name"));
            }
            let Some(text) = self.reader.text(&name, value) else {
                continue;
            };
            let Some(text) = self.without_nul(&name, place, text) else {
                continue;
            };
            match text.strip_prefix(FROM_HOST) {
                None => variables.push(Variable {
                    name,
                    value: text.into(),
                    is_secret: false,
                }),
                Some(from) => {
                    if let Some(value) = self.host_variable(from, place) {
                        variables.push(Variable {
                            name,
                            value,
                            is_secret: true,
                        });
                    }
                }
            }
        }
        Some(variables)
    }

    /// The value of a variable of the host.
    fn host_variable(&mut self, name: &str, place: u32) -> Option<OsString> {
        if name.is_empty() {
            let problem = Problem::error(place, "`env:` names no variable");
            self.reader.report(
                problem.help("write the name of a variable after it, such as `env:API_KEY`"),
            );
            return None;
        }
        let value = if name.contains('=') {
            None
        } else {
            (self.environment)(name)
        };
        if value.is_none() {
            let problem = Problem::error(
                place,
                format!("the environment variable `{name}` is not set"),
            );
            self.reader.report(problem.help(format!(
                "set it before `ax` is started, with `export {name}=…`"
            )));
        }
        value
    }

    /// The text, unless it has in it what no argument, path or variable of a program can hold.
    fn without_nul(&mut self, name: &str, place: u32, text: String) -> Option<String> {
        if text.contains('\0') {
            let problem = Problem::error(place, format!("`{name}` has a NUL character in it"));
            self.reader
                .report(problem.help("take it out: programs cannot be given one"));
            return None;
        }
        Some(text)
    }
}

fn limited(
    agent: impl Agent + 'static,
    timeout: Option<Duration>,
    max_concurrent: Option<u64>,
) -> Arc<dyn Agent> {
    let mut limited = Limited::new(agent);
    if let Some(timeout) = timeout {
        limited = limited.timeout(timeout);
    }
    if let Some(attempts) = max_concurrent {
        limited = limited.max_concurrent(usize::try_from(attempts).unwrap_or(usize::MAX));
    }
    Arc::new(limited)
}
