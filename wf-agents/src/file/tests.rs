//! What is read of an agents file, and what is said of its mistakes.

use super::*;

fn parse(text: &str) -> Result<Agents, String> {
    let environment = |name: &str| (name == "TOKEN").then(|| OsString::from("hunter2"));
    let source = Source::yaml("agents.yaml", text);
    AgentsFile::parse(
        &source,
        Path::new("/project"),
        Path::new("/start"),
        &environment,
        None,
        None,
    )
    .0
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
        None,
        None,
    )
    .0
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
    let agents = AgentsFile::parse(
        &source,
        Path::new("/"),
        Path::new("/"),
        &|_| None,
        None,
        None,
    )
    .0
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
            "`command` is a string, but must be a list: no shell takes it apart",
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
        (
            "agent `h` has no `command`, no `preset`, no `openai` and no `builtin`",
            9,
            3,
        ),
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
        said.contains("`PORT` is a number, but must be a string")
            && said.contains("put it in quotes"),
        "{said}"
    );
}

#[test]
fn a_variable_that_is_set_to_nothing_is_a_mistake() {
    let environment = |_: &str| Some(OsString::new());
    let text = "agents: { a: { builtin: echo, env: { KEY: 'env:TOKEN', PLAIN: '' } } }";
    let source = Source::yaml("agents.yaml", text);
    let folder = Path::new("/");
    let (file, _) = AgentsFile::parse(&source, folder, folder, &environment, None, None);
    let report = file.unwrap_err();
    let [found] = report.diagnostics() else {
        panic!("{report}");
    };
    assert_eq!(found.message, "what `env:TOKEN` names is empty");
}

#[tokio::test]
async fn a_secret_is_missed_where_its_agent_may_be_asked_and_nowhere_else() {
    let text = "agents:
  a: { builtin: echo, fallback: [b] }
  b: { builtin: echo, env: { K: 'env:B' }, fallback: [c] }
  c: { builtin: echo, env: { K: 'file:/nowhere/c' } }
  d: { builtin: echo, env: { K: 'env:D' }, capabilities: [dig] }
  e: { builtin: echo, capabilities: [dig, sing] }
  f: { builtin: echo, env: { K: 'env:EMPTY' } }
";
    let environment = |name: &str| (name == "EMPTY").then(OsString::new);
    let source = Source::yaml("agents.yaml", text);
    let folder = Path::new("/");
    let parse = |asked: Option<&[&str]>| {
        AgentsFile::parse(&source, folder, folder, &environment, None, asked).0
    };
    for (asked, lines) in [
        (None, &[3, 4, 5, 7][..]),
        (Some(&["a"][..]), &[3, 4]),
        (Some(&["c"]), &[4]),
        (Some(&["@dig"]), &[5]),
        (Some(&["f", "e"]), &[7]),
        (Some(&["e", "@sing", "nobody"]), &[]),
        (Some(&[]), &[]),
    ] {
        let found: Vec<usize> = match parse(asked) {
            Ok(_) => Vec::new(),
            Err(report) => report
                .diagnostics()
                .iter()
                .map(|found| found.line)
                .collect(),
        };
        assert_eq!(found, lines, "{asked:?}");
    }
    let agents = parse(Some(&["e"])).unwrap().into_agents();
    assert_eq!(agents.names().count(), 6);
    let execution = wf_core::id::ExecutionId::from("x");
    let request = wf_core::agent::Request::new("p", &execution, "s", 1);
    let error = agents.agent("d").unwrap().call(request).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "agent `d` cannot be asked: the environment variable `D` is not set"
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
