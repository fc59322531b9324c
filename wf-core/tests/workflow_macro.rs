//! `workflow!` as a host uses it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::executor::block_on;
use serde::{Deserialize, Serialize};
use wf_core::agent::{Agents, StepError};
use wf_core::engine::{Engine, RunOptions};
use wf_core::id::ExecutionId;
use wf_core::plan::Plan;
use wf_core::store::MemoryStore;
use wf_core::typed::{Ended, PausedRun, RunError, RunOf, Workflow};
use wf_core::{AgentSet, workflow};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Changes {
    files: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Lint {
    warnings: u32,
}

async fn lint(changes: &Changes) -> Result<Lint, std::io::Error> {
    let warnings = u32::try_from(changes.files.len()).map_err(std::io::Error::other)?;
    Ok(Lint { warnings })
}

workflow! {
    /// Reviews a change.
    #[name = "Code Review"]
    #[version = "2.1.0"]
    pub workflow CodeReview(
        /// The change.
        git_diff: String,
        depth: u32,
    ) for Team {
        /// What was changed.
        step parse_changes: Changes = ask backend "Parse {git_diff}";
        step lint: Lint = lint(parse_changes).await?;
        #[retry(attempts = 3, delay = "1ms", jitter = false)]
        #[timeout = "60s"]
        step audit: String = ask security "Audit {n} files at depth {depth}: {parse_changes}", n = parse_changes.files.len();
        #[after(audit)]
        #[parallel = false]
        step report: String = format!("{} warnings, {git_diff}", lint.warnings);
        #[key = "the-end"]
        step end: String = ask backend "{report} | {audit}";
    }
}

#[derive(AgentSet)]
struct Team {
    backend: Backend,
    security: Echo,
}

struct Backend;
struct Echo;

impl wf_core::agent::Agent for Backend {
    fn call<'a>(
        &'a self,
        request: wf_core::agent::Request<'a>,
    ) -> futures::future::BoxFuture<'a, Result<wf_core::agent::Reply, StepError>> {
        let reply = match request.step {
            "parse-changes" => r#"{ "files": ["a.rs", "b.rs"] }"#,
            _ => request.prompt,
        };
        let reply = wf_core::agent::Reply::read(reply);
        Box::pin(async move { Ok(reply) })
    }
}

impl wf_core::agent::Agent for Echo {
    fn call<'a>(
        &'a self,
        request: wf_core::agent::Request<'a>,
    ) -> futures::future::BoxFuture<'a, Result<wf_core::agent::Reply, StepError>> {
        Box::pin(async move { Ok(wf_core::agent::Reply::text(request.prompt)) })
    }
}

/// A host names every type that it holds.
struct Host {
    engine: Engine<Team>,
    running: Option<RunOf<CodeReview>>,
    parked: Option<PausedRun<CodeReview>>,
}

fn review() -> CodeReview {
    CodeReview {
        git_diff: "diff".to_owned(),
        depth: 2,
    }
}

fn engine() -> Engine<Team> {
    let team = Team {
        backend: Backend,
        security: Echo,
    };
    Engine::new(Arc::new(MemoryStore::new()), team)
}

#[test]
fn a_workflow_runs_and_gives_every_output_by_type() {
    let mut host = Host {
        engine: engine(),
        running: None,
        parked: None,
    };
    let output = block_on(async {
        let run = host
            .engine
            .start_as(review(), RunOptions::default())
            .await?;
        host.running = Some(run);
        match host.running.take() {
            Some(run) => run.finish().await?.completed(),
            None => unreachable!(),
        }
    })
    .unwrap();
    assert!(host.parked.is_none());
    assert_eq!(output.parse_changes().files, ["a.rs", "b.rs"]);
    assert_eq!(*output.lint(), Lint { warnings: 2 });
    assert_eq!(
        output.end(),
        r#"2 warnings, diff | Audit 2 files at depth 2: {"files":["a.rs","b.rs"]}"#
    );
}

#[test]
fn the_definition_is_what_a_file_would_hold() {
    assert_eq!(
        CodeReview::to_definition().to_yaml(),
        "name: Code Review
description: Reviews a change.
version: 2.1.0
inputs:
  git_diff:
    type: string
    description: The change.
  depth:
    type: integer
steps:
- key: parse-changes
  agent: backend
  prompt: Parse {{git_diff}}
- key: lint
  agent: native:lint
  prompt: ''
  dependencies:
  - parse-changes
- key: audit
  agent: native:security
  prompt: 'Audit native:n files at depth {{depth}}: {{parse-changes.result}}'
  dependencies:
  - parse-changes
  timeout: 1m
  retryPolicy:
    maxAttempts: 3
    initialDelay: 1ms
    jitter: false
- key: report
  agent: native:report
  prompt: ''
  dependencies:
  - lint
  - audit
  parallel: false
- key: the-end
  agent: backend
  prompt: '{{report.result}} | {{audit.result}}'
  dependencies:
  - report
  - audit
"
    );
}

#[test]
fn agents_chosen_at_run_time_are_checked_before_anything_runs() {
    let agents = Agents::new().with("backend", |prompt: String| async move { prompt });
    let engine = Engine::new(Arc::new(MemoryStore::new()), agents);
    let error = block_on(engine.run(review())).unwrap_err();
    let RunError::Engine(error) = error else {
        panic!("{error}");
    };
    assert!(error.is_agent());
    assert_eq!(
        error.to_string(),
        "step `audit` asks agent `security`, which is not there; the agents are: `backend`"
    );
}

static FAILS: AtomicBool = AtomicBool::new(true);

workflow! {
    #[on_failure = "pause"]
    workflow Parks(text: String) {
        step first: Vec<u32> = vec![u32::try_from(text.len())?];
        step second: u32 = if FAILS.swap(false, Ordering::Relaxed) { Err(StepError::terminal("not yet"))? } else { first[0] + 1 };
    }
}

#[test]
fn a_paused_run_is_resumed_and_reads_its_values_back() {
    let engine = Engine::new(Arc::new(MemoryStore::new()), Agents::new());
    let options = || RunOptions::default();
    let output = block_on(async {
        let text = "four".to_owned();
        let run = engine.start_as(Parks { text }, options()).await.unwrap();
        let Ended::Paused(paused) = run.finish().await.unwrap() else {
            panic!("the run was not paused");
        };
        paused
            .resume()
            .await
            .unwrap()
            .finish()
            .await
            .unwrap()
            .completed()
    })
    .unwrap();
    assert_eq!(output.first(), &[4]);
    assert_eq!(*output.second(), 5);
}

workflow! {
    workflow Tolerant {
        #[optional]
        step fails: String = Err(StepError::terminal("no"))?;
        step reads: String = fails.map_or("nothing", String::as_str).to_owned();
        step shows: String = ask echo "{fails} {known}", known = fails.is_some();
    }
}

#[test]
fn readers_of_an_optional_step_get_an_option() {
    let agents = Agents::new().with("echo", |prompt: String| async move { prompt });
    let engine = Engine::new(Arc::new(MemoryStore::new()), agents);
    let output = block_on(engine.run(Tolerant {})).unwrap();
    assert_eq!(output.fails(), None);
    assert_eq!(output.reads(), "nothing");
    assert_eq!(output.shows(), "null false");
}

mod changed {
    wf_core::workflow! {
        #[name = "Parks"]
        #[on_failure = "pause"]
        pub(super) workflow ParksToo(text: String) {
            step first: Vec<u64> = vec![u64::try_from(text.len())?];
            step third: u32 = u32::try_from(first[0])?;
        }
    }
}

#[test]
fn an_execution_is_resumed_on_its_own_definition_only() {
    let engine = Engine::new(Arc::new(MemoryStore::new()), Agents::new());
    let error = block_on(async {
        let options = RunOptions::default().with_id("run");
        let text = "four".to_owned();
        let run = engine.start_as(Parks { text }, options).await.unwrap();
        drop(run);
        let id = ExecutionId::from("run");
        let untyped = engine.resume(&id).await.unwrap_err();
        assert!(untyped.is_definition());
        assert_eq!(
            untyped.to_string(),
            "workflow `Parks` of execution `run` is compiled into a program; resume the execution there"
        );
        engine
            .resume_as::<changed::ParksToo>(&id)
            .await
            .unwrap_err()
    });
    assert!(error.is_definition());
    assert_eq!(
        error.to_string(),
        "execution `run` was started on another definition of workflow `Parks`: step `first` has another output type; step `third` is new; step `second` is gone; resume it with the program that started it"
    );
}

workflow!(pub workflow FileReview = file "tests/workflows/review.yaml");

workflow! {
    /// Reviews a change.
    #[name = "Review"]
    workflow SameReview(git_diff: String) {
        #[parallel = false]
        step parse_changes: String = ask backend "Parse: {git_diff}";
        #[retry(attempts = 2, delay = "5ms", jitter = false)]
        step security_audit: String = ask security "{{literal}} {parse_changes}";
        step r#type: String = ask security "Type of {parse_changes}";
        #[optional]
        step aggregate_results: String = ask backend "security={security_audit}, type={type}";
    }
}

#[test]
fn a_file_and_a_declaration_give_equal_plans_and_equal_logs() {
    let (file, declared) = (Plan::of::<FileReview>(), Plan::of::<SameReview>());
    assert_eq!(file.definition(), declared.definition());
    assert_eq!(file.graph(), declared.graph());
    let log = |plan: &Arc<Plan>| {
        let log = Arc::new(std::sync::Mutex::new(String::new()));
        let noted = Arc::clone(&log);
        let fail_once = Arc::new(AtomicBool::new(true));
        let agents = Agents::new()
            .with("backend", |prompt: String| async move { prompt })
            .with("security", move |prompt: String| {
                let fails = prompt.contains("literal") && fail_once.swap(false, Ordering::Relaxed);
                async move {
                    if fails {
                        Err(StepError::retryable("once"))
                    } else {
                        Ok(prompt)
                    }
                }
            });
        let engine = Engine::new(Arc::new(MemoryStore::new()), agents)
            .with_clock(wf_core::clock::SystemClock::new())
            .with_observer(move |notice| {
                use std::fmt::Write as _;
                if let wf_core::engine::Notice::Moved { path, to, .. } = notice {
                    writeln!(noted.lock().unwrap(), "{path:?} -> {to}").unwrap();
                }
            });
        let options = RunOptions::default().with_id("run");
        let inputs = [("git_diff".to_owned(), wf_core::value::Json::string("x"))].into();
        let status = block_on(async {
            engine
                .start(plan, inputs, options)
                .await
                .unwrap()
                .finish()
                .await
                .unwrap()
        });
        assert_eq!(
            status.result.unwrap().as_str(),
            r#"{"aggregate-results":"security={literal} Parse: x, type=Type of Parse: x"}"#
        );
        log.lock().unwrap().clone()
    };
    let (of_file, of_declaration) = (log(&file), log(&declared));
    assert!(of_file.contains("StepCompleted"), "{of_file}");
    assert_eq!(of_file, of_declaration);
}

#[test]
fn a_file_has_typed_inputs_step_keys_and_the_same_api() {
    let agents = || {
        let echo = |prompt: String| async move { prompt };
        Agents::new().with("backend", echo).with("security", echo)
    };
    assert_eq!(FileReview::STEP_TYPE, "type");
    assert!(FileReview::SOURCE.starts_with("name: Review"));
    let engine = Engine::new(Arc::new(MemoryStore::new()), agents());
    let output = block_on(engine.run(FileReview {
        git_diff: "x".to_owned(),
    }))
    .unwrap();
    assert_eq!(output.r#type().unwrap().as_str(), r#""Type of Parse: x""#);
}

#[test]
fn a_workflow_is_declared_in_a_function() {
    workflow! {
        workflow Local(n: u32) { step double: u32 = n * 2; }
    }
    let engine = Engine::new(Arc::new(MemoryStore::new()), Agents::new());
    assert_eq!(*block_on(engine.run(Local { n: 4 })).unwrap().double(), 8);
}

/// One workflow as two builds of a program have it: its definition is the same, the type's fields are not.
macro_rules! build {
    ($module:ident, $field:ty, $value:expr, $total:path) => {
        mod $module {
            #[derive(serde::Serialize, serde::Deserialize)]
            pub(super) struct Found {
                pub(super) files: $field,
            }

            wf_core::workflow! {
                #[name = "Build"]
                #[on_failure = "pause"]
                pub(super) workflow Build {
                    step found: Found = Found { files: $value };
                    step total: usize = $total(&found.files)?;
                }
            }
        }
    };
}

fn not_yet(_: &[String]) -> Result<usize, StepError> {
    Err(StepError::terminal("not in this build"))
}

fn count(files: &[u32]) -> Result<usize, StepError> {
    Ok(files.len())
}

build!(before, Vec<String>, vec!["a.rs".to_owned()], super::not_yet);
build!(after, Vec<u32>, vec![1], super::count);

#[test]
fn a_stored_value_that_no_longer_fits_is_an_error_that_names_step_and_field() {
    let engine = Engine::new(Arc::new(MemoryStore::new()), Agents::new());
    let error = block_on(async {
        let options = RunOptions::default().with_id("run");
        let run = engine.start_as(before::Build {}, options).await.unwrap();
        let Ended::Paused(paused) = run.finish().await.unwrap() else {
            panic!("the run was not paused");
        };
        let id = paused.id().clone();
        let run = engine.resume_as::<after::Build>(&id).await.unwrap();
        let Ended::Paused(paused) = run.finish().await.unwrap() else {
            panic!("the run was not paused");
        };
        let step = paused.status().step("total").unwrap();
        step.record.error.clone().unwrap()
    });
    assert_eq!(
        error,
        "the stored result of step `found` does not fit its type: field `files[0]`: invalid type: string \"a.rs\", expected u32 at line 1 column 16"
    );
}

#[test]
fn a_typed_execution_is_restored_from_its_checkpoint_and_reads_its_values_back() {
    let engine = Engine::new(Arc::new(MemoryStore::new()), Agents::new());
    let id = ExecutionId::from("run");
    let output = block_on(async {
        let options = RunOptions::default().with_id("run");
        let run = engine.start_as(Doubled { n: 4 }, options).await.unwrap();
        let first = run.finish().await.unwrap().completed().unwrap();
        assert_eq!(*first.quadruple(), 16);
        let checkpoints = engine.checkpoints(&id).await.unwrap();
        let checkpoint = checkpoints[0].id();
        let untyped = engine.restore(checkpoint, RunOptions::default()).await;
        assert!(untyped.unwrap_err().is_definition());
        let options = RunOptions::default();
        let run = engine
            .restore_as::<Doubled>(checkpoint, options)
            .await
            .unwrap();
        assert_ne!(*run.id(), id);
        run.finish().await.unwrap().completed().unwrap()
    });
    assert_eq!((*output.double(), *output.quadruple()), (8, 16));
}

workflow! {
    workflow Doubled(n: u32) {
        step double: u32 = n * 2;
        step quadruple: u32 = double * 2;
    }
}

workflow! {
    /// What a pattern binds is no mention, whatever steps there are.
    workflow Patterns(n: Option<u32>) {
        step found: u32 = match n { Some(found) => *found, None => 0 };
        step first: u32 = if let Some(count) = n { *count + found } else { 0 };
        step count: u32 = first + 1;
    }
}

#[test]
fn a_pattern_may_bind_the_name_of_its_own_or_a_later_step() {
    let definition = <Patterns as wf_core::typed::Workflow>::to_definition();
    let needs: Vec<_> = definition
        .steps
        .iter()
        .map(|step| step.dependencies.join(" "))
        .collect();
    assert_eq!(needs, ["", "found", "first"]);
}

workflow! {
    /// Widths and precisions are references like any other.
    workflow Aligned(text: String, width: usize) {
        step half: usize = width / 2;
        step shown: String = ask echo "{text:>width$}|{text:.half$}|{width}";
        step code: String = format!("{shown:*<width$.half$}");
    }
}

#[test]
fn a_width_or_a_precision_in_a_prompt_is_a_reference() {
    let agents = Agents::new().with("echo", |prompt: String| async move { prompt });
    let engine = Engine::new(Arc::new(MemoryStore::new()), agents);
    let text = "abc".to_owned();
    let output = block_on(engine.run(Aligned { text, width: 4 })).unwrap();
    assert_eq!(output.shown(), " abc|ab|4");
    assert_eq!(output.code(), " a**");
    let definition = Aligned::to_definition();
    assert_eq!(definition.steps[1].dependencies, ["half"]);
    assert_eq!(definition.steps[2].dependencies, ["shown", "half"]);
}

/// A set whose agents have other names than its fields.
#[derive(AgentSet)]
struct Renamed<A: wf_core::agent::Agent + 'static> {
    backend: A,
    #[agent(name = "security_expert")]
    security: Echo,
    #[agent(name = "quality-check")]
    quality: Echo,
    #[agent(name = "type")]
    kind: A,
}

workflow! {
    workflow AsksRenamed(text: String) for Renamed<Echo> {
        step parse: String = ask backend "{text}";
        step audit: String = ask security_expert "{parse}";
        step check: String = ask "quality-check" "{audit}";
        step same: String = ask "security_expert" "{check}";
        step kind: String = ask r#type "{same}.";
    }
}

#[test]
fn a_workflow_for_a_set_asks_its_agents_by_the_names_they_have() {
    let team = Renamed {
        backend: Echo,
        security: Echo,
        quality: Echo,
        kind: Echo,
    };
    let engine = Engine::new(Arc::new(MemoryStore::new()), team);
    let text = "abc".to_owned();
    let output = block_on(engine.run(AsksRenamed { text })).unwrap();
    assert_eq!(output.kind(), "abc.");
}

fn boxed(is_right: bool) -> Result<u32, Box<dyn std::error::Error>> {
    if is_right { Ok(1) } else { Err("boxed")? }
}

workflow! {
    workflow Errors(kind: String) {
        step error: f64 = match kind.as_str() {
            "boxed" => f64::from(boxed(false)?),
            "text" => Err("a text")?,
            "not finite" => f64::from(boxed(true)?) / 0.0,
            _ => 0.5,
        };
    }
}

workflow! {
    workflow Number(_number: f64) {
        step two: u32 = 2;
    }
}

#[test]
fn an_error_of_any_kind_and_a_number_that_json_lacks_fail_the_step() {
    let engine = Engine::new(Arc::new(MemoryStore::new()), Agents::new());
    let run = |kind: &str| {
        let kind = kind.to_owned();
        match block_on(engine.run(Errors { kind })) {
            Ok(output) => output.error().to_string(),
            Err(RunError::Failed(status)) => status.steps[0].record.error.clone().unwrap(),
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(run("boxed"), "boxed");
    assert_eq!(run("text"), "a text");
    assert_eq!(run("none"), "0.5");
    assert_eq!(
        run("not finite"),
        "the output cannot be written as JSON: JSON has no number `inf`"
    );
    let number = Number { _number: f64::NAN };
    let error = block_on(engine.run(number)).unwrap_err();
    assert_eq!(
        format!("{error:?}"),
        "input `_number` cannot be written as JSON: JSON has no number `NaN`"
    );
}

workflow! {
    workflow Described(text: String) {
        #[output_schema = r#"{ "type": "string", "maxLength": 80 }"#]
        step short: String = text.chars().take(80).collect();
    }
}

#[test]
fn the_schema_of_an_output_is_part_of_the_definition() {
    let schema = serde_json::json!({ "type": "string", "maxLength": 80 });
    let step = &Described::to_definition().steps[0];
    assert_eq!(step.output_schema.as_ref(), Some(&schema));
    let stored = Plan::of::<Described>();
    let plain = Plan::from_yaml("t.yaml", &Described::to_definition().to_yaml()).unwrap();
    assert_ne!(stored.hash(), plain.hash());
}
