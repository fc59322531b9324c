//! How time and memory grow from 10,000 to 100,000 steps: at most eleven times; and by how much those floors grow that
//! only compute, for which 100,000 steps are too many for the processor's caches as well.
//!
//! Each measurement is a process of its own, so that the most memory it ever had is its own.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use wf_core::agent::Agents;
use wf_core::engine::{Engine, RunOptions};
use wf_core::id::{CheckpointId, Timestamp};
use wf_core::plan::{Inputs, Plan};
use wf_diesel::SqliteStore;
use wf_model::check_unplaced;

use crate::measure::{Report, each, median, time};
use crate::reload::HalfDone;
use crate::workloads::Shape;
use crate::{planning, runs};

/// The first argument of a process that measures one thing.
const CHILD: &str = "--measure-growth-of";

/// The smaller and the greater number of steps, and by how much what they take may differ.
const STEPS: [usize; 2] = [10_000, 100_000];
const MOST: f64 = 11.0;

/// How often each is measured.
const TURNS: usize = 5;

/// What grows, and whether it is ours.
const KINDS: [(&str, bool); 9] = [
    ("parse", true),
    ("serde_yaml alone", false),
    ("plan", true),
    ("Kahn's algorithm alone", false),
    ("run in memory", true),
    (POLLS, false),
    ("durable run", true),
    ("checkpoint", true),
    ("resume", true),
];

/// The floor of a run in memory.
pub(crate) const POLLS: &str = "polls in place";

/// The time and the memory of one measurement.
#[derive(Clone, Copy)]
struct Taken {
    time: Duration,
    /// Kibibytes beyond what was used before; none where the system does not say.
    memory: Option<u64>,
}

pub(crate) fn measure(report: &mut Report) {
    for (kind, is_ours) in KINDS {
        let goal = |times: f64| is_ours.then_some((times <= MOST, "at most 11"));
        if !report.wants(kind) {
            continue;
        }
        let mut all: [Vec<Taken>; 2] = [Vec::new(), Vec::new()];
        for _ in 0..TURNS {
            for (taken, steps) in all.iter_mut().zip(STEPS) {
                taken.push(ask_child(kind, steps));
            }
        }
        let [small, great] = all.map(|taken| {
            let time = median(taken.iter().map(|taken| taken.time));
            let memory = taken.iter().filter_map(|taken| taken.memory);
            (
                time,
                (taken.iter().any(|taken| taken.memory.is_some())).then(|| median(memory)),
            )
        });
        let times = great.0.as_secs_f64() / small.0.as_secs_f64();
        let shown = format!("{} → {}, {times:.1} ×", each(small.0, 1), each(great.0, 1));
        report.line(&format!("{kind}, time"), &shown, goal(times));
        if let (Some(small), Some(great)) = (small.1, great.1) {
            // Below a mebibyte it is the allocator's that is measured.
            let times = great as f64 / small.max(1024) as f64;
            let shown = format!("{small} KiB → {great} KiB, {times:.1} ×");
            report.line(&format!("{kind}, memory"), &shown, goal(times));
        }
    }
}

/// Whether this process is to measure one thing only; it then has done so.
pub(crate) fn is_child() -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, mark, kind, steps] = arguments.as_slice() else {
        return false;
    };
    if mark != CHILD {
        return false;
    }
    let steps = steps.parse().expect("a number of steps");
    let taken = take(kind, steps);
    println!(
        "{} {}",
        taken.time.as_nanos(),
        taken.memory.map_or(-1, |kib| kib as i64)
    );
    true
}

/// How long one thing takes in a process of its own, whose heap nothing else has used.
pub(crate) fn alone(kind: &str, steps: usize) -> Duration {
    ask_child(kind, steps).time
}

fn ask_child(kind: &str, steps: usize) -> Taken {
    let program = std::env::current_exe().expect("a program knows where it is");
    let answer = Command::new(program)
        .args([CHILD, kind, &steps.to_string()])
        .output();
    let answer = answer.expect("the program starts again");
    assert!(
        answer.status.success(),
        "{}",
        String::from_utf8_lossy(&answer.stderr)
    );
    let text = String::from_utf8_lossy(&answer.stdout);
    let (nanos, memory) = text.trim().split_once(' ').expect("two numbers");
    Taken {
        time: Duration::from_nanos(nanos.parse().expect("a number")),
        memory: memory.parse().ok(),
    }
}

fn take(kind: &str, steps: usize) -> Taken {
    match kind {
        "parse" => {
            let text = Shape::random(steps).yaml();
            watched(|| planning::read(&text))
        }
        "serde_yaml alone" => {
            let text = Shape::random(steps).yaml();
            watched(|| planning::parse(&text))
        }
        "Kahn's algorithm alone" => {
            let definition = Shape::random(steps).definition();
            watched(|| planning::kahn(&definition))
        }
        "plan" => {
            let definition = Shape::random(steps).definition();
            watched(|| {
                Plan::new(
                    check_unplaced(definition)
                        .expect("the definition is right")
                        .0,
                )
            })
        }
        "run in memory" => {
            let plan = Shape::random(steps).plan();
            watched(|| runs::run(&plan))
        }
        POLLS => {
            let plan = Shape::random(steps).plan();
            watched(|| runs::poll_inline(&plan))
        }
        "durable run" => {
            let plan = Shape::random(steps).plan();
            let folder = tempfile::tempdir().expect("a folder");
            let store = SqliteStore::open(folder.path().join("bench.db")).expect("a database");
            let agents = Agents::new().with("echo", |prompt: String| async move { prompt });
            let engine = Engine::new(Arc::new(store), agents);
            watched(|| {
                block_on(async {
                    let run = engine.start(&plan, Inputs::new(), RunOptions::default());
                    run.await?.finish().await
                })
                .expect("the store works")
            })
        }
        "checkpoint" => {
            let half = HalfDone::new(steps);
            let store = half.engine.store();
            let now = Timestamp::from_millis(1);
            let make = |id: &str| {
                block_on(store.create_checkpoint(&half.id, &CheckpointId::from(id), now))
                    .expect("the store works");
            };
            // The first write after the run also moves the run's pages from the log to the database.
            make("first");
            watched(|| make("second"))
        }
        "resume" => {
            let half = HalfDone::new(steps);
            watched(|| block_on(half.engine.resume(&half.id)).expect("the store works"))
        }
        other => panic!("there is nothing called `{other}`"),
    }
}

/// Does the work, and says what it took.
fn watched<T>(work: impl FnOnce() -> T) -> Taken {
    // Forgets the most that was used until now, where the system can.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let before = kibibytes("VmRSS:");
    let (time, _made) = time(work);
    let most = kibibytes("VmHWM:");
    Taken {
        time,
        memory: before
            .zip(most)
            .map(|(before, most)| most.saturating_sub(before)),
    }
}

fn kibibytes(field: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
