//! The agents of a run: their file, and what their programs can see and do.

use serde_json::json;

use crate::program;
use crate::workbench::{Workbench, outcome};

/// A workflow of one step whose prompt is the input `p`.
fn workbench(agents: &str) -> Workbench {
    let workbench = Workbench::new();
    workbench.write(
        "one.yaml",
        "name: One\nsteps: [{ key: only, agent: worker, prompt: '{{p}}' }]\n",
    );
    workbench.write("agents.yaml", agents);
    workbench
}

#[test]
fn all_mistakes_in_the_agents_file_come_at_once_with_their_places() {
    let workbench = workbench(
        "agents:\n  worker: { comand: [cat] }\n  other: { builtin: ecco, timeout: 5x }\n",
    );
    let run = workbench
        .workflow(&["run", "one.yaml", "--input", "p=x"])
        .assert_status(2);
    let run = run
        .assert_says(
            "error: unknown key `comand`; did you mean `command`?\n --> agents.yaml:2:13\n",
        )
        .assert_says("--> agents.yaml:3:21\n")
        .assert_says("--> agents.yaml:3:36\n")
        .assert_says("error: the agents file `agents.yaml` cannot be used");
    assert_eq!(run.stdout, "");
    let run = workbench
        .workflow(&["run", "one.yaml", "--input", "p=x", "--json"])
        .assert_status(2);
    assert_eq!(run.json()["diagnostics"].as_array().unwrap().len(), 3);
    assert_eq!(run.json()["diagnostics"][0]["line"], json!(2));
    assert_eq!(workbench.content(), ["agents.yaml", "one.yaml"]);
}

#[test]
fn an_agent_that_is_not_in_the_file_is_an_error_before_anything_runs() {
    let workbench = workbench("agents: { wroker: { command: [touch, ran] } }\n");
    let run = workbench
        .workflow(&["run", "one.yaml", "--input", "p=x"])
        .assert_status(2);
    let run = run.assert_says(
        "error: step `only` asks agent `worker`, which is not there; did you mean `wroker`?",
    );
    assert_eq!(run.stdout, "");
    assert_eq!(workbench.content(), ["agents.yaml", "one.yaml"]);
}

#[test]
fn a_secret_is_needed_only_by_agents_that_may_be_asked() {
    let others =
        "other: { builtin: echo, env: { K: 'env:AX_TEST_NOT_SET' }, capabilities: [spare] }";
    let workbench = workbench(&format!(
        "agents: {{ worker: {{ builtin: echo }}, {others} }}\n"
    ));
    let run = ["run", "one.yaml", "--input", "p=x"];
    workbench.workflow(&run).assert_status(0);
    let dry = ["run", "one.yaml", "--input", "p=x", "--dry-run"];
    workbench.workflow(&dry).assert_status(0);
    let missing = "the environment variable `AX_TEST_NOT_SET` is not set";
    let needed =
        format!("agents: {{ worker: {{ builtin: echo, fallback: [other] }}, {others} }}\n");
    workbench.write("agents.yaml", &needed);
    workbench
        .workflow(&run)
        .assert_status(2)
        .assert_says(missing);
    workbench
        .workflow(&dry)
        .assert_status(2)
        .assert_says(missing);
    // The same when it goes on.
    workbench.write(
        "two.yaml",
        "name: Two\nconfig: { onFailure: pause }\nsteps: [{ key: a, agent: '@spare', prompt: p }]\n",
    );
    workbench.write(
        "failing.yaml",
        "agents: { w: { command: ['false'], capabilities: [spare] } }\n",
    );
    workbench
        .workflow(&["run", "two.yaml", "--id", "x", "--agents", "failing.yaml"])
        .assert_status(3);
    workbench
        .workflow(&["resume", "x", "--agents", "agents.yaml"])
        .assert_status(2)
        .assert_says(missing);
    workbench.write(
        "spare.yaml",
        "agents: { w: { builtin: echo, capabilities: [spare] }, v: { builtin: echo, env: { K: 'env:AX_TEST_NOT_SET' } } }\n",
    );
    workbench
        .workflow(&["resume", "x", "--agents", "spare.yaml"])
        .assert_status(0);
}

#[test]
fn the_file_is_looked_for_beside_the_workflow_then_in_the_current_folder() {
    let workbench = workbench("agents: { worker: { command: [echo, here] } }\n");
    std::fs::create_dir(workbench.path("flows")).unwrap();
    std::fs::rename(workbench.path("one.yaml"), workbench.path("flows/one.yaml")).unwrap();
    let result = |workbench: &Workbench, more: &[&str]| {
        let run = workbench
            .workflow(&[&["run", "flows/one.yaml", "--input", "p=x"], more].concat())
            .assert_status(0);
        run.id_and_result().1.to_owned()
    };
    assert_eq!(result(&workbench, &[]), "here\n");
    workbench.write(
        "flows/agents.yaml",
        "agents: { worker: { command: [echo, beside] } }\n",
    );
    assert_eq!(result(&workbench, &[]), "beside\n");
    workbench.write(
        "given.yaml",
        "agents: { worker: { command: [echo, given] } }\n",
    );
    assert_eq!(result(&workbench, &["--agents", "given.yaml"]), "given\n");
}

#[test]
fn without_an_agents_file_it_is_said_where_it_was_looked_for() {
    let workbench = workbench("");
    std::fs::remove_file(workbench.path("agents.yaml")).unwrap();
    let run = workbench
        .workflow(&["run", "one.yaml", "--input", "p=x"])
        .assert_status(2);
    run.assert_says(
        "error: there is no agents file: looked for `agents.yaml`; name one with `--agents FILE`",
    );
}

#[test]
fn a_program_is_looked_up_beside_the_agents_file() {
    let workbench = workbench("");
    std::fs::create_dir(workbench.path("tools")).unwrap();
    workbench.write(
        "tools/agents.yaml",
        "agents: { worker: { command: [bin/audit, -v] } }\n",
    );
    std::fs::create_dir(workbench.path("tools/bin")).unwrap();
    program::write(
        &workbench.path("tools/bin/audit"),
        "#!/bin/sh\necho \"$1 in $(basename \"$PWD\")\"\n",
    );
    let run = workbench.workflow(&[
        "run",
        "one.yaml",
        "--agents",
        "tools/agents.yaml",
        "--input",
        "p=x",
    ]);
    let run = run.assert_status(0);
    let folder = workbench
        .path("")
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(run.id_and_result().1, format!("-v in {folder}\n"));
}

#[test]
fn a_relative_folder_to_start_in_is_taken_from_the_agents_file() {
    let workbench = workbench("");
    std::fs::create_dir_all(workbench.path("tools/inner")).unwrap();
    workbench.write(
        "tools/agents.yaml",
        "agents: { worker: { command: [sh, -c, 'basename $PWD'], cwd: inner } }\n",
    );
    let run = workbench.workflow(&[
        "run",
        "one.yaml",
        "--agents",
        "tools/agents.yaml",
        "--input",
        "p=x",
    ]);
    assert_eq!(run.assert_status(0).id_and_result().1, "inner\n");
}

#[test]
fn what_steps_may_ask_and_is_not_there_is_told_in_both_files_before_anything_runs() {
    let workbench = workbench(
        "agents:
  worker: { command: [no-such-program], fallback: [other] }
  other: { command: [./script], cwd: gone, capabilities: [dig] }
  unasked: { command: [no-such-program-either], cwd: gone }
  spaced: { command: [\"python3 x\"] }
  none: { preset: gemini, env: { PATH: /nowhere } }
",
    );
    workbench.write("script", "no program");
    workbench.write("beside", "no program");
    let steps = "name: Many
steps:
  - { key: a, agent: worker, prompt: x }
  - { key: b, agent: wroker, prompt: x }
  - { key: c, agent: '@digg', prompt: x }
  - { key: d, agent: '@dig', prompt: x }
  - { key: e, agent: spaced, prompt: x }
  - { key: f, agent: none, prompt: x }
";
    workbench.write("one.yaml", steps);
    for command in [&["run", "one.yaml"][..], &["validate", "one.yaml"]] {
        let told = workbench.workflow(command).assert_status(2);
        assert_eq!(told.stdout, "");
        let told = told
            .assert_says("error: agent `worker` cannot be asked: there is no program `no-such-program`; looked in ")
            .assert_says(" --> one.yaml:3:22\n")
            .assert_says("`worker` may ask agent `other`, which cannot be asked: ")
            .assert_says("step `b` asks agent `wroker`, which is not there; did you mean `worker`?\n --> one.yaml:4:22\n")
            .assert_says("step `c` asks an agent that can `digg`, and there is none; did you mean `dig`?\n --> one.yaml:5:22\n")
            .assert_says("`@dig` may ask agent `other`, which cannot be asked: ")
            .assert_says("error: there is no program `no-such-program`; looked in ")
            .assert_says(" --> agents.yaml:2:23\n")
            .assert_says("script` may not be executed\n --> agents.yaml:3:22\n")
            .assert_says("error: there is no folder `")
            .assert_says(" --> agents.yaml:3:38\n")
            .assert_says(" --> agents.yaml:5:23\n")
            .assert_says("help: a command is a list: write `[\"python3\", \"x\"]`")
            .assert_says("there is no program `gemini`; looked in `/nowhere`\n --> agents.yaml:6:19\n");
        assert!(!told.stderr.contains("no-such-program-either"), "{told:?}");
        assert!(!told.stderr.contains("agents.yaml:4"), "{told:?}");
    }
    let json = workbench.workflow(&["run", "one.yaml", "--json"]);
    let json = json.assert_status(2).json();
    let files = json["diagnostics"].as_array().unwrap().iter();
    let files: Vec<&str> = files.filter_map(|found| found["file"].as_str()).collect();
    assert!(
        files.contains(&"one.yaml") && files.contains(&"agents.yaml"),
        "{json}"
    );
    assert_eq!(
        workbench.content(),
        ["agents.yaml", "beside", "one.yaml", "script"]
    );
}

#[test]
fn a_program_beside_the_agents_file_is_named_with_a_slash() {
    let workbench = workbench("agents: { worker: { command: [audit] } }\n");
    program::write(&workbench.path("audit"), "#!/bin/sh\necho done\n");
    let bare = workbench.workflow(&["run", "one.yaml", "--input", "p=x"]);
    bare.assert_status(2)
        .assert_says("error: `audit` is not in PATH\n --> agents.yaml:1:31\n")
        .assert_says("help: write `./audit` for the one beside the agents file");
    workbench.write(
        "agents.yaml",
        "agents: { worker: { command: [./audit] } }\n",
    );
    let run = workbench.workflow(&["run", "one.yaml", "--input", "p=x", "--quiet"]);
    assert_eq!(run.assert_status(0).id_and_result().1, "done\n");
}

#[test]
fn validate_looks_at_the_agents_that_run_would_use() {
    let workbench = workbench("agents: { other: { builtin: echo } }\n");
    let unknown = "step `only` asks agent `worker`, which is not there";
    let beside = workbench.workflow(&["validate", "one.yaml"]);
    beside.assert_status(2).assert_says(unknown);
    workbench.write("good.yaml", "agents: { worker: { builtin: echo } }\n");
    let given = workbench.workflow(&["validate", "one.yaml", "--agents", "good.yaml"]);
    assert_eq!(
        given.assert_status(0).stdout,
        "one.yaml: ok (1 step, 1 input)\n"
    );
    let absent = workbench.workflow(&["validate", "one.yaml", "--agents", "absent.yaml"]);
    absent.assert_status(2).assert_says("absent.yaml");
    std::fs::remove_file(workbench.path("agents.yaml")).unwrap();
    workbench
        .workflow(&["validate", "one.yaml"])
        .assert_status(0);
}

#[test]
fn a_folder_that_goes_away_pauses_the_run() {
    let workbench = workbench(
        "agents:
  remover: { command: [rmdir, work] }
  worker: { command: [cat], cwd: work }
",
    );
    std::fs::create_dir(workbench.path("work")).unwrap();
    workbench.write(
        "one.yaml",
        "name: One
steps:
  - { key: first, agent: remover, prompt: x }
  - { key: only, agent: worker, prompt: x, dependencies: [first] }
",
    );
    let paused = workbench.workflow(&["run", "one.yaml", "--id", "x"]);
    paused.assert_status(3).assert_says("which is not a folder");
    std::fs::create_dir(workbench.path("work")).unwrap();
    let resumed = workbench.workflow(&["resume", "x"]).assert_status(0);
    assert_eq!(resumed.told(), "x\n");
}

#[test]
fn programs_do_with_signals_what_the_system_has_them_do() {
    let workbench =
        workbench("agents: { worker: { command: [grep, SigIgn, /proc/self/status] } }\n");
    let run = workbench.command(&["workflow", "run", "one.yaml", "--input", "p=x", "--quiet"]);
    let mut ignoring = std::process::Command::new("sh");
    ignoring.args(["-c", "trap '' HUP INT QUIT USR1 TERM; exec \"$0\" \"$@\""]);
    ignoring.arg(run.get_program()).args(run.get_args());
    ignoring.current_dir(workbench.path("")).env_clear();
    ignoring.envs(
        run.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let run = outcome(&mut ignoring).assert_status(0);
    let mask = run.id_and_result().1;
    let mask = u64::from_str_radix(mask.trim().trim_start_matches("SigIgn:").trim(), 16).unwrap();
    for signal in [1, 2, 3, 10, 15] {
        assert_eq!(mask & (1 << (signal - 1)), 0, "{signal} in {mask:x}");
    }
}

#[test]
fn programs_wait_for_room_and_no_step_fails_for_the_lack_of_it() {
    let workbench =
        workbench("agents: { worker: { command: [sh, -c, 'sleep 0.1; ulimit -n'] } }\n");
    let steps: String = (0..60)
        .map(|step| format!("  - {{ key: s{step}, agent: worker, prompt: x }}\n"))
        .collect();
    let text = format!("name: Many\nconfig: {{ maxParallel: 60 }}\nsteps:\n{steps}");
    workbench.write("many.yaml", text);
    let run = workbench.command(&["workflow", "run", "many.yaml", "--json"]);
    let limited = |limits: &str| {
        let mut limited = std::process::Command::new("sh");
        limited.args(["-c", &format!("{limits}; exec \"$0\" \"$@\"")]);
        limited.arg(run.get_program()).args(run.get_args());
        limited.current_dir(workbench.path("")).env_clear();
        limited.envs(
            run.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        outcome(&mut limited).assert_status(0).json()
    };
    let json = limited("ulimit -n 64");
    assert_eq!(json["steps"]["s0"]["attempts"], 1);
    // The soft limit is raised, and programs have the one that was there.
    let json = limited("ulimit -Sn 64");
    assert_eq!(json["steps"]["s59"]["result"], "64");
}

#[test]
fn a_cancel_lets_programs_end_by_themselves_and_leaves_none() {
    let workbench = Workbench::stepwise();
    let script =
        "trap \"echo bye >bye; exit\" TERM; exec 9>held; echo up >up; while :; do sleep 0.05; done";
    workbench.write(
        "agents.yaml",
        format!("agents: {{ worker: {{ command: [sh, -c, '{script}'] }} }}\n"),
    );
    workbench.pipe("held");
    let held = std::thread::spawn({
        let held = workbench.path("held");
        move || std::fs::read(held).unwrap()
    });
    let run = workbench.start(&["run", "stepwise.yaml", "--id", "x"]);
    workbench.hear("up");
    workbench.workflow(&["cancel", "x"]).assert_status(0);
    crate::workbench::end(run).assert_status(4);
    // The command outlives its programs.
    assert_eq!(
        std::fs::read_to_string(workbench.path("bye")).unwrap(),
        "bye\n"
    );
    assert_eq!(held.join().unwrap(), b"");
}

#[test]
fn status_has_the_usage_of_each_step_and_of_each_attempt() {
    // The first attempt fails after it has cost something; the third agent says nothing of what it used.
    let script = r#"[ "$AX_ATTEMPT" = 1 ] && fails=true || fails=false
echo "{\"type\": \"result\", \"is_error\": $fails, \"result\": \"well\", \"total_cost_usd\": 0.25, \
\"usage\": {\"input_tokens\": $AX_ATTEMPT, \"output_tokens\": 2}}"
"#;
    let workbench = workbench(
        "agents:
  paid: { preset: claude, command: [sh, script], flags: [], model: opus }
  free: { builtin: echo }
",
    );
    workbench.write("script", script);
    workbench.write(
        "one.yaml",
        "name: One
steps:
  - { key: paid, agent: paid, prompt: p, retryPolicy: { maxAttempts: 2, initialDelay: 1ms } }
  - { key: free, agent: free, prompt: p }
",
    );
    let run = workbench
        .workflow(&["run", "one.yaml", "--id", "x", "--json"])
        .assert_status(0)
        .json();
    let status = workbench.workflow(&["status", "x", "--json"]).json();
    assert_eq!(run, status);
    assert_eq!(status["usage"], json!({ "tokens": 7, "cost": 0.5 }));
    assert_eq!(
        status["steps"]["free"],
        json!({ "state": "completed", "attempts": 1, "result": "p" })
    );
    let mut usage = status["steps"]["paid"]["usage"].clone();
    for attempt in usage["attempts"].as_array_mut().unwrap() {
        let attempt = attempt.as_object_mut().unwrap();
        assert!(attempt.remove("duration_millis").unwrap().is_u64());
        assert!(attempt.remove("started_at").unwrap().is_string());
        assert_eq!(attempt["usage"]["model"], "opus");
        attempt["usage"].as_object_mut().unwrap().remove("model");
    }
    assert_eq!(
        usage,
        json!({
            "tokens": 7, "cost": 0.5,
            "attempts": [
                { "number": 1, "usage": { "input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "cost": 0.25 } },
                { "number": 2, "usage": { "input_tokens": 2, "output_tokens": 2, "total_tokens": 4, "cost": 0.25 } },
            ],
        })
    );
}

/// A workbench whose one agent is a model where nobody listens.
#[cfg(feature = "openai")]
fn nobody_listens(more: &str) -> Workbench {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let workbench = workbench(&format!(
        "agents: {{ worker: {{ openai: {{ baseUrl: 'http://{address}/v1', model: m }}{more} }} }}\n"
    ));
    workbench.write(
        "one.yaml",
        "name: One
config: { retryPolicy: { maxAttempts: 3, initialDelay: 1ms } }
steps: [{ key: only, agent: worker, prompt: x }]
",
    );
    workbench
}

#[cfg(feature = "openai")]
#[test]
fn a_run_whose_agent_is_down_pauses_without_any_configuration_and_loses_no_retry() {
    let workbench = nobody_listens("");
    let run = workbench
        .workflow(&["run", "one.yaml", "--id", "x"])
        .assert_status(3);
    let run =
        run.assert_says("agent `worker` is down: 3 attempts in a row failed, the last with: ");
    run.assert_says("fix it, then resume the execution `x`");
    // Mended.
    workbench.write("agents.yaml", "agents: { worker: { builtin: echo } }\n");
    workbench.workflow(&["resume", "x"]).assert_status(0);
}

#[cfg(feature = "openai")]
#[test]
fn a_breaker_that_is_given_is_the_one_that_holds() {
    for more in [", breaker: 4", ", breaker: 0"] {
        let workbench = nobody_listens(more);
        let run = workbench
            .workflow(&["run", "one.yaml", "--json"])
            .assert_status(1)
            .json();
        assert_eq!(run["steps"]["only"]["attempts"], 3);
    }
}

#[test]
fn at_a_capability_the_agent_with_the_fewest_calls_is_asked() {
    // Both begin before either ends: each waits until it sees the other.
    let script = "echo up >$1.up; while ! [ -e $2.up ]; do sleep 0.01; done; echo $1";
    let workbench = workbench(&format!(
        "agents:
  left: {{ command: [sh, -c, '{script}', sh, left, right], capabilities: [work] }}
  right: {{ command: [sh, -c, '{script}', sh, right, left], capabilities: [work] }}
  other: {{ command: [sh, -c, 'exit 1'] }}
"
    ));
    workbench.write(
        "two.yaml",
        "name: Two
steps:
  - { key: a, agent: '@work', prompt: x, timeout: 20s }
  - { key: b, agent: '@work', prompt: x, timeout: 20s }
",
    );
    let run = workbench
        .workflow(&["run", "two.yaml", "--json"])
        .assert_status(0)
        .json();
    let result = &run["result"];
    assert_eq!(*result, json!({ "a": "left", "b": "right" }));
    workbench.write(
        "none.yaml",
        "name: None\nsteps: [{ key: a, agent: '@wrok', prompt: x }]\n",
    );
    let wrong = workbench.workflow(&["run", "none.yaml"]).assert_status(2);
    assert!(
        wrong
            .stderr
            .contains("asks an agent that can `wrok`, and there is none; did you mean `work`?"),
        "{wrong:?}"
    );
}

#[test]
fn a_prompt_is_never_interpreted() {
    let workbench = workbench("agents: { worker: { command: [cat] } }\n");
    let prompt = "$(touch x); `touch x`; touch x & ' \" \\ {{nothing}}\u{1b}[2J";
    let run = workbench
        .workflow(&["run", "one.yaml", "--input", &format!("p={prompt}")])
        .assert_status(0);
    assert_eq!(run.id_and_result().1, format!("{prompt}\n"));
    assert!(!workbench.path("x").exists());
}

#[test]
fn a_program_gets_the_allow_list_and_what_the_file_names() {
    let workbench =
        workbench("agents: { worker: { command: [env], env: { MODE: fast, KEY: env:SOURCE } } }\n");
    let mut command = workbench.command(&[
        "workflow", "run", "one.yaml", "--input", "p=x", "--id", "run-1",
    ]);
    command
        .env("SOURCE", "value")
        .env("SECRET", "hunter2")
        .env("LC_ALL", "C")
        .env("TMPDIR", "/tmp")
        .env("USER", "me");
    let run = outcome(&mut command).assert_status(0);
    let result = run.id_and_result();
    let mut lines: Vec<&str> = result
        .1
        .lines()
        .filter(|line| !line.starts_with("PATH="))
        .collect();
    lines.sort_unstable();
    // It begins with what tells this database from others.
    let key = lines
        .iter()
        .position(|line| line.starts_with("AX_IDEMPOTENCY_KEY="));
    let key = lines.remove(key.unwrap());
    assert!(key.ends_with("/run-1/only"), "{key}");
    let home = format!(
        "HOME={}",
        workbench.path("").to_str().unwrap().trim_end_matches('/')
    );
    assert_eq!(
        lines,
        [
            "AX_ATTEMPT=1",
            "AX_EXECUTION_ID=run-1",
            "AX_STEP_KEY=only",
            home.as_str(),
            "KEY=value",
            "LC_ALL=C",
            "MODE=fast",
            "TMPDIR=/tmp",
            "USER=me",
        ],
    );
}

#[test]
fn a_variable_that_is_not_set_is_an_error_before_anything_runs() {
    let workbench = workbench("agents:\n  worker: { builtin: echo, env: { KEY: env:MISSING } }\n");
    let run = workbench
        .workflow(&["run", "one.yaml", "--input", "p=x"])
        .assert_status(2);
    run.assert_says(
        "error: the environment variable `MISSING` is not set\n --> agents.yaml:2:40\n",
    );
    assert_eq!(workbench.content(), ["agents.yaml", "one.yaml"]);
}

#[test]
fn a_secret_appears_in_no_message_and_no_row() {
    let workbench = workbench(
        "agents: { worker: { command: [sh, -c, 'echo $KEY >&2; exit 1'], env: { KEY: env:SOURCE } } }\n",
    );
    let mut command = workbench.command(&[
        "workflow", "run", "one.yaml", "--input", "p=x", "--id", "run-1",
    ]);
    let run = outcome(command.env("SOURCE", "hunter2")).assert_status(1);
    let run = run.assert_says("exited with status 1: [redacted]\n");
    assert!(!run.stderr.contains("hunter2"));
    let status = workbench
        .workflow(&["status", "run-1", "--json"])
        .assert_status(0);
    assert!(status.stdout.contains("[redacted]") && !status.stdout.contains("hunter2"));
    let database = std::fs::read(workbench.path(".ax/ax.db")).unwrap();
    assert!(!database.windows(7).any(|window| window == b"hunter2"));
}

#[test]
fn escape_sequences_of_a_program_do_not_reach_the_terminal_in_errors() {
    let workbench = workbench(
        "agents: { worker: { command: [sh, -c, 'printf \"\\033[2Jgone\" >&2; exit 1'] } }\n",
    );
    let run = workbench
        .workflow(&["run", "one.yaml", "--input", "p=x"])
        .assert_status(1);
    let run = run.assert_says("gone");
    assert!(!run.stderr.contains('\u{1b}'), "{run:?}");
    let status = workbench.workflow(&["status", &run.id_and_result().0]);
    assert!(
        status.stdout.contains("gone") && !status.stdout.contains('\u{1b}'),
        "{status:?}"
    );
}

#[test]
fn why_a_run_has_paused_is_told_beside_the_steps_that_have_failed() {
    let workbench = Workbench::new();
    workbench.write(
        "mixed.yaml",
        "name: Mixed\nconfig: { onFailure: continue, maxParallel: 1 }\nsteps:\n\
         - { key: a, agent: bad, prompt: p }\n\
         - { key: b, agent: bad, prompt: p }\n",
    );
    workbench.write(
        "agents.yaml",
        "agents: { bad: { command: [sh, -c, exit 3], breaker: 2 } }\n",
    );
    workbench
        .workflow(&["run", "mixed.yaml"])
        .assert_status(3)
        .assert_says("error: step `a` failed: `sh` exited with status 3")
        .assert_says("error: the run paused by itself: step `b`: agent `bad` is down: ");
}
