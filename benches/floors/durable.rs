//! Runs on SQLite with `synchronous = FULL`, beside bare statements that leave the same rows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::StreamExt;
use futures::executor::block_on;
use tempfile::TempDir;
use wf_core::agent::Agents;
use wf_core::engine::{Engine, RunOptions};
use wf_core::lifecycle::State;
use wf_core::plan::{Inputs, Plan};
use wf_diesel::SqliteStore;

use crate::bare::{self, Replay};
use crate::measure::{Goal, Pair, Report, pairs, time};
use crate::workloads::Shape;

pub(crate) fn measure(report: &mut Report) {
    for (steps, goal) in [
        (100, Goal::Open),
        (1_000, Goal::Rate(0.8)),
        (3_000, Goal::Open),
    ] {
        let workload = Workload::once(Shape::chain(steps));
        workload.measure(report, &format!("chain of {steps}, commits"), goal);
    }
    for (width, goal) in [
        (100, Goal::Open),
        (1_000, Goal::Open),
        (10_000, Goal::Rate(0.6)),
    ] {
        let workload = Workload::once(Shape::fan_out(width));
        workload.measure(report, &format!("fan-out 1+{width}+1, rows"), goal);
    }
    for steps in [100, 1_000, 3_000] {
        let workload = Workload::once(Shape::layered(steps));
        workload.measure(
            report,
            &format!("layers of ten, {steps} steps, rows"),
            Goal::Open,
        );
    }
    for (runs, at_once, goal) in [
        (100, 100, Goal::Open),
        (1_000, 1_000, Goal::Rate(0.6)),
        (1_000, 64, Goal::Rate(0.6)),
        (10_000, 10_000, Goal::Open),
    ] {
        let workload = Workload {
            shape: Shape::chain(5),
            runs,
            at_once,
        };
        let what = format!("{runs} five-step workflows, {at_once} at once, rows");
        workload.measure(report, &what, goal);
    }
}

/// So many runs of one workflow, of which so many are under way at a time.
struct Workload {
    shape: Shape,
    runs: usize,
    at_once: usize,
}

impl Workload {
    const fn once(shape: Shape) -> Self {
        Workload {
            shape,
            runs: 1,
            at_once: 1,
        }
    }

    fn measure(&self, report: &mut Report, what: &str, goal: Goal) {
        if !report.wants(what) {
            return;
        }
        let plan = self.shape.plan();
        let mut counts = (0, 0);
        let pairs = pairs(|| {
            let bench = Bench::new(&plan);
            let before = bench.store.commits();
            let (ours, ()) = time(|| block_on(bench.run(&plan, self.runs, self.at_once)));
            let commits = bench.store.commits() - before;
            let database = bench.close();
            let replay = Replay::of(&database.path, commits, self.at_once);
            counts = (commits, replay.rows());
            let copy = Bench::new(&plan).close();
            let floor = replay.play(&copy.path);
            bare::assert_equal(&database.path, &copy.path);
            Pair { ours, floor }
        });
        let (commits, rows) = counts;
        report.pairs(
            &format!("{what} ({commits} commits, {rows} rows)"),
            self.runs * self.shape.steps(),
            "step",
            &pairs,
            goal,
        );
    }
}

/// A new database that knows the workflow.
struct Bench {
    engine: Engine,
    store: SqliteStore,
    database: Database,
}

struct Database {
    path: PathBuf,
    _folder: TempDir,
}

impl Bench {
    fn new(plan: &Arc<Plan>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bench.db");
        let store = open(&path);
        let agents = Agents::new().with("echo", |prompt: String| async move { prompt });
        let engine = Engine::new(Arc::new(store.clone()), agents);
        // Stores the workflow, outside of what is measured; the run itself is given up.
        let mut options = RunOptions::default();
        options.id = Some(bare::GIVEN_UP.into());
        drop(block_on(engine.start(plan, Inputs::new(), options)).expect("the run starts"));
        Bench {
            engine,
            store,
            database: Database {
                path,
                _folder: folder,
            },
        }
    }

    async fn run(&self, plan: &Arc<Plan>, runs: usize, at_once: usize) {
        let one = async || {
            let run = self
                .engine
                .start(plan, Inputs::new(), RunOptions::default());
            let status = run.await.expect("the run starts").finish().await;
            assert_eq!(status.expect("the store works").state(), State::Completed);
        };
        futures::stream::iter(0..runs)
            .map(|_| one())
            .buffer_unordered(at_once)
            .collect::<()>()
            .await;
    }

    fn close(self) -> Database {
        self.database
    }
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path).expect("a new database opens")
}
