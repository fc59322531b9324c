//! The order of `fsync` and report, as the kernel sees it. Where it cannot be asked, the replay in [`power`](crate::power)
//! is the proof.

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use wf_core::engine::Notice;
use wf_core::lifecycle::State;
use wf_diesel::SqliteStore;

use crate::bench::{Scratch, Worker, chain, start};

/// Names the database to the process that is traced.
const DATABASE: &str = "WF_DIESEL_TRACED_DATABASE";

const STEPS: usize = 10;

#[test]
fn every_report_follows_a_sync_of_the_log() {
    if let Some(path) = env::var_os(DATABASE).map(PathBuf::from) {
        run_and_report(&path);
        return;
    }
    let scratch = Scratch::new();
    // The folder is made by the traced process as well.
    let fresh = scratch.path().with_file_name("fresh");
    let Some(trace) = traced(&fresh.join("ax.db")) else {
        // Past the harness, which keeps what a passing test prints.
        let said = "\nSKIPPED: the order of sync and report is not traced here: `strace` cannot be run; \
                    the replay of the log's prefixes (`power`) is the proof\n";
        std::io::stderr().write_all(said.as_bytes()).unwrap();
        return;
    };
    assert_folders_are_synced(&trace, &fresh);
    let mut written = false;
    let (mut reports, mut commits) = (0, 0);
    for line in trace.lines() {
        if line.contains("ax.db-wal>") && line.contains("pwrite64(") {
            written = true;
        } else if is_synced(line) {
            commits += u32::from(written);
            written = false;
        } else if line.contains("reports>") && line.contains("write(") {
            reports += 1;
            assert!(
                !written,
                "report {reports} comes before the log is on the disk:\n{trace}"
            );
        }
    }
    // One for each step, and the one that the run is completed.
    assert_eq!(reports, STEPS + 1, "{trace}");
    assert!(
        commits > STEPS.try_into().unwrap(),
        "{commits} syncs of the log"
    );
}

/// The name of the new folder, and that of the database in it, are on the disk before anything is written to the log.
fn assert_folders_are_synced(trace: &str, fresh: &Path) {
    let fresh = fresh.canonicalize().unwrap();
    for folder in [fresh.parent().unwrap(), &fresh] {
        let decoded = format!("<{}>", folder.display());
        let mut opening = trace
            .lines()
            .take_while(|line| !(line.contains("ax.db-wal>") && line.contains("pwrite64(")));
        assert!(
            opening.any(|line| line.contains("fsync(") && line.contains(&decoded)),
            "{decoded} is not synced:\n{trace}"
        );
    }
}

/// Whether a sync of the log is done; one that another thread interrupts in the trace is done when it is resumed.
fn is_synced(line: &str) -> bool {
    let at_once = line.contains("ax.db-wal>") && line.contains("sync(");
    (at_once && !line.contains("<unfinished")) || line.contains("sync resumed>")
}

/// The traced run: each report is a write of its own.
fn run_and_report(path: &Path) {
    let reports = Mutex::new(fs::File::create(beside(path, "reports")).unwrap());
    let engine = Worker::honest()
        .engine(SqliteStore::open(path).unwrap(), "only")
        .with_observer(move |notice| match notice {
            Notice::StepEnded { step, .. } => {
                reports.lock().unwrap().write_all(step.as_bytes()).unwrap();
            }
            Notice::Moved { to, .. } if *to == State::Completed => {
                reports.lock().unwrap().write_all(b"completed").unwrap();
            }
            _ => {}
        });
    assert_eq!(
        start(&engine, &chain(STEPS)).unwrap().state(),
        State::Completed
    );
}

/// The system calls of a run, in their order; none where they cannot be traced.
fn traced(database: &Path) -> Option<String> {
    let trace = beside(database, "trace");
    let status = Command::new("strace")
        .args([
            "--follow-forks",
            "--decode-fds=path",
            "--trace=write,pwrite64,fdatasync,fsync",
        ])
        .arg("--output")
        .arg(&trace)
        .arg(env::current_exe().unwrap())
        .args(["--exact", "sync::every_report_follows_a_sync_of_the_log"])
        .env(DATABASE, database)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .ok()?;
    let trace = fs::read_to_string(trace)
        .ok()
        .filter(|trace| !trace.is_empty())?;
    assert!(status.success(), "{trace}");
    Some(trace)
}

/// A file beside the folder of the database, which is not there yet.
fn beside(database: &Path, name: &str) -> PathBuf {
    database.parent().unwrap().with_file_name(name)
}
