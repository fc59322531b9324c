//! Databases of each released schema still open, resume and finish.

use std::fs;
use std::path::{Path, PathBuf};

use futures::executor::block_on;
use wf_core::id::Timestamp;
use wf_core::lifecycle::State;
use wf_diesel::SqliteStore;

use crate::bench::{Scratch, Worker, assert_sound};

/// Each made by `cargo run -p wf-diesel --example golden -- FILE` when its schema was the newest.
fn golden() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "db"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_golden_database_opens_resumes_and_finishes() {
    let files = golden();
    assert!(!files.is_empty());
    let mut has_limited = false;
    for file in files {
        let scratch = Scratch::new();
        fs::copy(&file, scratch.path()).unwrap();
        let worker = Worker::honest();
        let engine = worker.engine(SqliteStore::open(scratch.path()).unwrap(), "heir");
        let before = |id: &str| block_on(engine.status(&id.into())).unwrap();

        let finished = before("finished");
        assert_eq!(finished.state(), State::Completed, "{}", file.display());
        assert_eq!(
            finished.result.as_ref().unwrap().as_str(),
            r#"{"join":"result of join"}"#
        );
        assert_eq!(before("paused").state(), State::Paused);
        assert_eq!(before("interrupted").state(), State::ExecutingSteps);

        // Databases of schemas that keep no such moment have no such run.
        let limited = block_on(engine.status(&"limited".into())).ok();
        if let Some(limited) = &limited {
            let lifted = Timestamp::from_millis(4_000_000_000_000);
            assert_eq!(limited.state(), State::Paused);
            assert_eq!(limited.execution.resume_at, Some(lifted));
        }
        has_limited |= limited.is_some();

        let limited = limited.map(|_| "limited");
        for id in ["paused", "interrupted"].into_iter().chain(limited) {
            let calls = worker.calls().len();
            let id = id.into();
            let end = block_on(async { engine.resume(&id).await?.finish().await }).unwrap();
            assert_eq!(end.result, finished.result, "{}: `{id}`", file.display());
            assert_eq!(worker.calls()[calls..], ["right", "join"]);
            assert_eq!(end.execution.resume_at, None);
        }
        // The attempt that was cut off counts, and is told apart from a failure.
        let attempts = &before("interrupted")
            .step("right")
            .unwrap()
            .record
            .attempts
            .clone();
        assert_eq!((attempts.len(), attempts[0].interrupted), (2, true));
        assert!(
            block_on(engine.resume(&"finished".into()))
                .unwrap_err()
                .is_illegal()
        );
        drop(engine);
        assert_sound(&scratch.path());
    }
    assert!(has_limited);
}
