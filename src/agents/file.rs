//! The agents file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use wf_core::agent::{Agent, Agents};
use wf_model::tree::{Entry, Node, Reader, Value};
use wf_model::{Problem, Report, Source};

use super::{CommandAgent, EchoAgent, Limited};

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
    /// A relative program is looked up beside the file before `PATH`, and a relative `cwd` is taken from
    /// there.
    ///
    /// # Errors
    ///
    /// Every mistake at once, each with its position and a way out; also a variable of the environment that
    /// the file asks for and that is not set.
    pub fn read(path: &Path, directory: &Path) -> Result<AgentsFile, Report> {
        let source = Source::file(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        // Where there is no current folder, paths stay as they are.
        let folder = std::path::absolute(folder.join(".")).unwrap_or_else(|_| folder.to_owned());
        AgentsFile::parse(&source, &folder, directory, &|name| std::env::var_os(name))
    }

    /// The agents, to be given to an engine.
    pub fn into_agents(self) -> Agents {
        self.agents
    }

    fn parse(
        source: &Source,
        folder: &Path,
        directory: &Path,
        environment: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<AgentsFile, Report> {
        let (root, mut reader) = source.parse()?;
        let mut file = Parser {
            reader: &mut reader,
            folder,
            directory,
            environment,
        };
        let agents = file.file(root);
        match agents {
            Some(agents) if !reader.has_errors() => Ok(AgentsFile { agents }),
            _ => Err(source.report(reader.into_problems())),
        }
    }
}

/// Takes the tree apart. Each method gives nothing after a problem, and has reported it.
struct Parser<'a> {
    reader: &'a mut Reader,
    folder: &'a Path,
    directory: &'a Path,
    environment: &'a dyn Fn(&str) -> Option<OsString>,
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
    fn file(&mut self, root: Node) -> Option<Agents> {
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
                "`command` is text, but must be a list: no shell takes it apart",
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Agents, String> {
        let environment = |name: &str| (name == "TOKEN").then(|| OsString::from("hunter2"));
        let source = Source::yaml("agents.yaml", text);
        AgentsFile::parse(
            &source,
            Path::new("/project"),
            Path::new("/start"),
            &environment,
        )
        .map(AgentsFile::into_agents)
        .map_err(|report| report.to_string())
    }

    fn mistakes(text: &str) -> Vec<(String, usize, usize)> {
        let environment = |_: &str| None;
        let source = Source::yaml("agents.yaml", text);
        let report = AgentsFile::parse(
            &source,
            Path::new("/project"),
            Path::new("/start"),
            &environment,
        )
        .unwrap_err();
        report
            .diagnostics()
            .iter()
            .map(|found| (found.message.clone(), found.line, found.column))
            .collect()
    }

    #[test]
    fn every_form_of_an_agent_is_read() {
        let agents = parse(
            "agents:
  backend: { command: [\"git\", \"diff\", \"--stat\", \"HEAD~1\"] }
  quality:
    builtin: echo
    timeout: 60s
    maxConcurrent: 2
    cwd: sub
    env: { MODE: fast, KEY: env:TOKEN }
    capabilities: [review, test]
",
        )
        .unwrap();
        assert_eq!(agents.names().collect::<Vec<_>>(), ["backend", "quality"]);
        assert!(agents.agent("@review").is_some());
    }

    #[test]
    fn a_json_file_is_read_as_well() {
        let source = Source::json("agents.json", r#"{"agents": {"a": {"builtin": "echo"}}}"#);
        let agents = AgentsFile::parse(&source, Path::new("/"), Path::new("/"), &|_| None)
            .unwrap()
            .into_agents();
        assert_eq!(agents.names().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn all_mistakes_come_at_once_with_their_places() {
        let text = "agents:
  a: { comand: [x] }
  b: { command: [x], builtin: echo }
  c: { builtin: ecco }
  d: { command: git diff, timeout: 5x }
  e: { command: [], maxConcurrent: 0 }
  f: { builtin: echo, env: { K: env:MISSING, AX_ATTEMPT: \"1\" } }
  \"@g\": { builtin: echo, capabilities: [\"@x\"] }
  h: { timeout: 5s }
agent: {}
";
        let found = mistakes(text);
        let places: Vec<(&str, usize, usize)> = found
            .iter()
            .map(|(message, line, column)| (message.as_str(), *line, *column))
            .collect();
        let expected = [
            ("unknown key `comand`; did you mean `command`?", 2, 8),
            (
                "agent `b` is two things at once; `builtin` is the second",
                3,
                22,
            ),
            (
                "`builtin` is `ecco`, which is none of its values; did you mean `echo`?",
                4,
                17,
            ),
            (
                "`command` is text, but must be a list: no shell takes it apart",
                5,
                17,
            ),
            ("`timeout` is `5x`, which is not a duration", 5, 36),
            ("`command` names no program", 6, 17),
            (
                "`maxConcurrent` is 0, but must be a whole number of at least 1",
                6,
                36,
            ),
            ("the environment variable `MISSING` is not set", 7, 33),
            (
                "`AX_ATTEMPT` is set for every attempt and cannot be given",
                7,
                46,
            ),
            ("an agent cannot be named `@g`", 8, 3),
            ("a capability cannot be named `@x`", 8, 41),
            ("agent `h` has no `command` and no `builtin`", 9, 3),
            ("unknown key `agent`; did you mean `agents`?", 10, 1),
        ];
        for mistake in expected {
            assert!(places.contains(&mistake), "{mistake:?} in {places:#?}");
        }
        assert_eq!(places.len(), expected.len(), "{places:#?}");
    }

    #[test]
    fn a_file_without_agents_is_a_mistake() {
        assert!(parse("").unwrap_err().contains("the file is empty"));
        assert!(parse("{}").unwrap_err().contains("missing key `agents`"));
        assert!(
            parse("agents: 1")
                .unwrap_err()
                .contains("`agents` is a number")
        );
        assert!(parse("- agents").is_err());
    }

    #[test]
    fn a_value_that_is_no_text_asks_for_quotes() {
        let said = parse("agents: { a: { builtin: echo, env: { PORT: 8080 } } }").unwrap_err();
        assert!(
            said.contains("`PORT` is a number, but must be text")
                && said.contains("put it in quotes"),
            "{said}"
        );
    }

    #[test]
    fn a_nul_character_is_refused() {
        let said = parse("agents: { a: { command: [\"a\\0b\"] } }").unwrap_err();
        assert!(
            said.contains("`command` has a NUL character in it"),
            "{said}"
        );
    }
}
