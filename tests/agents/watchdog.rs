//! What is left when the command is killed with no chance to clean up: nothing.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::ops::{Deref, DerefMut};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ax::agents::{CommandAgent, Watchdog};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;

use crate::ask;

/// A folder with a workflow of that many steps, whose one agent runs the script.
fn folder(steps: usize, script: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let steps: Vec<String> = (0..steps)
        .map(|step| format!("  - {{ key: s{step}, agent: worker, prompt: p }}\n"))
        .collect();
    let workflow = format!(
        "name: W\nconfig: {{ maxParallel: 64 }}\nsteps:\n{}",
        steps.concat()
    );
    fs::write(folder.path().join("w.yaml"), workflow).unwrap();
    fs::write(folder.path().join("script"), script).unwrap();
    let agents = "agents: { worker: { command: [sh, script] } }\n";
    fs::write(folder.path().join("agents.yaml"), agents).unwrap();
    folder
}

fn fifo(folder: &Path, name: &str) -> PathBuf {
    let fifo = folder.join(name);
    let made = Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    fifo
}

/// A running command, which is killed at the latest when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

fn run(folder: &Path) -> Running {
    let child = Command::new(env!("CARGO_BIN_EXE_ax"))
        .args(["workflow", "run", "w.yaml", "--id", "x"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    Running(child.unwrap())
}

/// The watchdogs of that process: processes of the same program that it has started.
fn watchdogs(host: u32) -> Vec<Pid> {
    // Each thread has the children that it has started itself.
    let threads = fs::read_dir(format!("/proc/{host}/task")).unwrap();
    let children: String = threads
        .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok())
        .collect();
    let children = children.split_whitespace().filter_map(|id| {
        let words = fs::read(format!("/proc/{id}/cmdline")).ok()?;
        let is_watchdog = words.split(|byte| *byte == 0).nth(1) == Some(b"watchdog");
        is_watchdog.then(|| Pid::from_raw(id.parse().ok()?))?
    });
    children.collect()
}

/// Kills the watchdog of that process, and waits until another has taken its place.
fn succeeded(host: u32) -> Pid {
    let [before] = watchdogs(host)[..] else {
        panic!("{:?}", watchdogs(host));
    };
    kill_process(before, Signal::KILL).unwrap();
    loop {
        match watchdogs(host)[..] {
            [now] if now != before => return now,
            _ => std::thread::yield_now(),
        }
    }
}

/// The session of a process; none where its leader lies outside of what this process can see, as in a container.
fn session_of(process: Pid) -> Option<Pid> {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name in parentheses may hold anything; after it come the state, the parent, the group and the session.
    let (_, rest) = status.rsplit_once(')').unwrap();
    Pid::from_raw(rest.split_whitespace().nth(3).unwrap().parse().unwrap())
}

/// What a process has open.
fn open_files(process: &str) -> Vec<String> {
    let open = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .map(|link| link.display().to_string())
        .collect()
}

/// A program that ignores what it can, has children that do so too, and says when all are up.
const STUBBORN: &str = "
exec 9>held
trap '' TERM INT HUP QUIT
(trap '' TERM INT HUP; while :; do sleep 1000; done) &
sleep 1000 &
echo up >up
while :; do wait; done
";

#[test]
fn nothing_is_left_of_the_agents_when_the_command_is_killed() {
    let folder = folder(3, STUBBORN);
    let (held, up) = (fifo(folder.path(), "held"), fifo(folder.path(), "up"));
    let mut ax = run(folder.path());
    let held = std::thread::spawn(move || fs::File::open(held).unwrap());
    let mut told = BufReader::new(fs::File::open(&up).unwrap());
    let mut line = String::new();
    for _ in 0..3 {
        line.clear();
        // The pipe ends between two who write.
        while told.read_line(&mut line).unwrap() == 0 {
            told = BufReader::new(fs::File::open(&up).unwrap());
        }
    }
    ax.kill().unwrap();
    // The pipe ends when no process has it open any more.
    let mut rest = String::new();
    held.join().unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    ax.wait().unwrap();
}

#[test]
fn the_watchdog_hears_no_signal_to_the_group_and_belongs_to_no_terminal() {
    let folder = folder(1, STUBBORN);
    let (held, up) = (fifo(folder.path(), "held"), fifo(folder.path(), "up"));
    let mut ax = run(folder.path());
    let held = std::thread::spawn(move || fs::File::open(held).unwrap());
    fs::read(&up).unwrap();
    let [watchdog] = watchdogs(ax.id())[..] else {
        panic!("{:?}", watchdogs(ax.id()));
    };
    // It begins a session of its own as the first thing it does.
    while session_of(watchdog) != Some(watchdog) {
        std::thread::yield_now();
    }
    // What this process itself was given, it hands on.
    let given = open_files("self");
    let mut open = open_files(&watchdog.as_raw_nonzero().to_string());
    open.retain(|link| link != "/dev/null" && !given.contains(link));
    assert!(
        open.len() == 1 && open[0].starts_with("pipe:"),
        "{open:?} beside {given:?}"
    );
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let group = Pid::from_raw(ax.id().try_into().unwrap()).unwrap();
        // The second one ends the command, which kills its programs itself.
        let _ = kill_process_group(group, signal);
    }
    let mut rest = String::new();
    held.join().unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!(ax.wait().unwrap().code(), Some(130));
}

#[test]
fn a_watchdog_that_is_killed_has_a_successor() {
    let first = "if [ \"$AX_STEP_KEY\" = s0 ]; then echo up >up; read word <go; exit; fi";
    let folder = folder(2, &format!("{first}\n{STUBBORN}"));
    let workflow = fs::read_to_string(folder.path().join("w.yaml")).unwrap();
    let workflow = workflow.replace("s1, agent", "s1, dependencies: [s0], agent");
    fs::write(folder.path().join("w.yaml"), workflow).unwrap();
    let (held, up) = (fifo(folder.path(), "held"), fifo(folder.path(), "up"));
    let go = fifo(folder.path(), "go");
    let mut ax = run(folder.path());
    let held = std::thread::spawn(move || fs::File::open(held).unwrap());
    fs::read(&up).unwrap();
    let now = succeeded(ax.id());
    fs::write(&go, "go\n").unwrap();
    fs::read(&up).unwrap();
    assert_eq!(watchdogs(ax.id()), [now]);
    ax.kill().unwrap();
    let mut rest = String::new();
    held.join().unwrap().read_to_string(&mut rest).unwrap();
    ax.wait().unwrap();
}

#[test]
fn a_watchdog_that_is_stopped_has_a_successor_and_holds_nothing_up() {
    let folder = folder(1, STUBBORN);
    let (held, up) = (fifo(folder.path(), "held"), fifo(folder.path(), "up"));
    let mut ax = run(folder.path());
    let held = std::thread::spawn(move || fs::File::open(held).unwrap());
    fs::read(&up).unwrap();
    for _ in 0..3 {
        let [before] = watchdogs(ax.id())[..] else {
            panic!("{:?}", watchdogs(ax.id()));
        };
        kill_process(before, Signal::STOP).unwrap();
        while !matches!(watchdogs(ax.id())[..], [now] if now != before) {
            std::thread::yield_now();
        }
    }
    ax.kill().unwrap();
    let mut rest = String::new();
    held.join().unwrap().read_to_string(&mut rest).unwrap();
    ax.wait().unwrap();
}

#[tokio::test]
async fn a_watchdog_that_reads_nothing_holds_nothing_up() {
    // It takes in as much as a pipe holds, and no more.
    let watchdog = Watchdog::new("/bin/sh", ["-c", "exec sleep 30"]);
    let agent = CommandAgent::new("true", [""; 0]).watched(watchdog);
    let execution = wf_core::id::ExecutionId::from("x".repeat(2000));
    for number in 1..80 {
        use wf_core::agent::{Agent, Request};
        let request = Request::new("p", &execution, "step", number);
        agent.call(request).await.unwrap();
    }
}

#[test]
fn a_successor_knows_the_programs_that_run_already() {
    let folder = folder(1, STUBBORN);
    let (held, up) = (fifo(folder.path(), "held"), fifo(folder.path(), "up"));
    let mut ax = run(folder.path());
    let held = std::thread::spawn(move || fs::File::open(held).unwrap());
    fs::read(&up).unwrap();
    // No other program starts: the end of a watchdog alone brings the next.
    for _ in 0..3 {
        succeeded(ax.id());
    }
    ax.kill().unwrap();
    let mut rest = String::new();
    held.join().unwrap().read_to_string(&mut rest).unwrap();
    ax.wait().unwrap();
}

#[tokio::test]
async fn a_watchdog_that_cannot_stay_is_not_started_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let starts = folder.path().join("starts");
    let started = || fs::read_to_string(&starts).unwrap().lines().count();
    // It ends at once, and each end is a reason to start the next.
    let watchdog = Watchdog::new(
        "/bin/sh",
        ["-c".into(), format!("echo >>{}", starts.display())],
    );
    // Each program stays until there were as many watchdogs as there may be, and a while longer.
    let script = "while [ $(wc -l <starts) -lt $0 ]; do sleep 0.01; done; sleep 0.3; echo done";
    let mut before = 0;
    for _ in 0..2 {
        let enough = before + 8;
        let agent = CommandAgent::new("sh", ["-c", script, &enough.to_string()])
            .directory(folder.path())
            .watched(watchdog.clone());
        assert_eq!(ask(&agent, "p").await.unwrap().result.as_str(), r#""done""#);
        // One more may be started with the program, and one when it is told of the program.
        let after = started();
        assert!((8..=10).contains(&(after - before)), "{after}");
        before = after;
    }
}

#[tokio::test]
async fn a_program_does_not_run_without_a_watchdog_that_was_asked_for() {
    let watchdog = Watchdog::new("/no/such/watchdog", [""]);
    let agent = CommandAgent::new("sh", ["-c", "echo done"]).watched(watchdog);
    let error = ask(&agent, "p").await.unwrap_err();
    assert!(error.to_string().contains("watchdog"), "{error}");
}

#[test]
fn a_watchdog_does_not_have_the_name_of_the_command() {
    let folder = folder(1, STUBBORN);
    let up = fifo(folder.path(), "up");
    let held = fifo(folder.path(), "held");
    let ax = run(folder.path());
    let held = std::thread::spawn(move || fs::File::open(held).unwrap());
    fs::read(&up).unwrap();
    let [watchdog] = watchdogs(ax.id())[..] else {
        panic!("{:?}", watchdogs(ax.id()));
    };
    let watchdog = format!("/proc/{}", watchdog.as_raw_nonzero());
    let words = fs::read(format!("{watchdog}/cmdline")).unwrap();
    assert!(words.starts_with(b"agent-watchdog\0"), "{words:?}");
    // It takes its name as the first thing it does.
    while fs::read_to_string(format!("{watchdog}/comm")).unwrap() != "agent-watchdog\n" {
        std::thread::yield_now();
    }
    drop(ax);
    held.join().unwrap();
}

#[test]
fn a_command_that_ends_by_itself_leaves_no_watchdog() {
    let folder = folder(2, "echo done\n");
    let mut ax = run(folder.path());
    let id = ax.id();
    let status = ax.wait().unwrap();
    assert!(status.success(), "{status:?}");
    assert!(!Path::new(&format!("/proc/{id}")).exists());
}

/// A host that dies before it can say which group its program has; the program has ended by then, and left a child.
const SUDDEN: &str = r#"
mkfifo pipe
"$AX" watchdog <pipe >/dev/null 2>&1 &
exec 4>pipe
echo 'expect 1 ["x","s","1"]' >&4
AX_EXECUTION_ID=x AX_STEP_KEY=s AX_ATTEMPT=1 setsid sh -c 'exec 4>&- 9>held; sleep 1000 &'
kill -9 $$
"#;

#[test]
fn what_a_program_has_left_is_killed_though_nobody_was_told_of_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let held = fifo(folder.path(), "held");
    let mut host = Command::new("sh")
        .args(["-c", SUDDEN])
        .env("AX", env!("CARGO_BIN_EXE_ax"))
        .current_dir(folder.path())
        .spawn()
        .unwrap();
    let mut rest = String::new();
    let mut held = fs::File::open(held).unwrap();
    held.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert!(!host.wait().unwrap().success());
}

#[test]
fn killed_at_any_moment_the_command_leaves_nothing() {
    // Programs come and go all the time, so that many a kill hits the moment between a program's start and the
    // word about it. What is left would hold the pipe.
    let script = "exec 9>held\ntrap '' TERM\n: >>began\nread word <never\n";
    for round in 0..12_u32 {
        let folder = folder(40, script);
        let held = fifo(folder.path(), "held");
        fifo(folder.path(), "never");
        let mut ax = run(folder.path());
        let began = folder.path().join("began");
        let held = std::thread::spawn(move || fs::File::open(held).unwrap());
        while !began.exists() {
            std::thread::yield_now();
        }
        for _ in 0..round * 20_000 {
            std::hint::spin_loop();
        }
        ax.kill().unwrap();
        ax.wait().unwrap();
        let mut rest = String::new();
        held.join().unwrap().read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
    }
}
