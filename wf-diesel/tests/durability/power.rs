//! A power cut: what was reported is in the log before it is reported, and any prefix of the log is a run that goes on.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use diesel::connection::SimpleConnection;
use wf_core::engine::Notice;
use wf_core::lifecycle::State;
use wf_diesel::SqliteStore;

use crate::bench::{
    Scratch, Worker, assert_completed, assert_sound, chain, committed, connection, resume, start,
};

const STEPS: usize = 12;

/// The files of a run as they were at its end, and when each step was reported.
struct Recording {
    database: Vec<u8>,
    log: Vec<u8>,
    /// Each step with the length of the log when the host was told that it is done.
    reported: Vec<(String, usize)>,
}

/// Runs a chain, and keeps its whole log.
fn record() -> Recording {
    let scratch = Scratch::new();
    let (path, log) = (scratch.path(), scratch.path().with_extension("db-wal"));
    let store = SqliteStore::open(&path).unwrap();
    // Who reads from the first moment on keeps the log from being reset.
    let mut reader = connection(&path);
    reader
        .batch_execute("BEGIN; SELECT count(*) FROM workflows")
        .unwrap();
    let reported: Arc<Mutex<Vec<(String, usize)>>> = Arc::default();
    let engine = {
        let (reported, log) = (Arc::clone(&reported), log.clone());
        Worker::honest()
            .engine(store, "only")
            .with_observer(move |notice| {
                if let Notice::StepEnded { step, .. } = notice {
                    let length = usize::try_from(fs::metadata(&log).unwrap().len()).unwrap();
                    reported.lock().unwrap().push(((*step).to_owned(), length));
                }
            })
    };
    let status = start(&engine, &chain(STEPS)).unwrap();
    assert_eq!(status.state(), State::Completed);
    let reported = reported.lock().unwrap().clone();
    assert_eq!(reported.len(), STEPS);
    Recording {
        database: fs::read(&path).unwrap(),
        log: fs::read(&log).unwrap(),
        reported,
    }
}

impl Recording {
    /// The length of the log's header, and of each frame in it, by SQLite's file format.
    fn frames(&self) -> impl Iterator<Item = usize> {
        let page = u32::from_be_bytes(self.log[8..12].try_into().unwrap());
        let frame = 24 + usize::try_from(page).unwrap();
        (0..)
            .map(move |count| 32 + count * frame)
            .take_while(|&length| length <= self.log.len())
    }

    /// Writes the files as a power cut may have left them: the log ends there.
    fn cut(&self, path: &Path, length: usize) {
        fs::write(path, &self.database).unwrap();
        fs::write(path.with_extension("db-wal"), &self.log[..length]).unwrap();
    }
}

#[test]
fn every_prefix_of_the_log_holds_what_was_reported_by_then() {
    let recording = record();
    let all: Vec<String> = recording
        .reported
        .iter()
        .map(|(step, _)| step.clone())
        .collect();
    let mut seen = Vec::new();
    for length in recording.frames() {
        let scratch = Scratch::new();
        recording.cut(&scratch.path(), length);
        let there = match SqliteStore::open(scratch.path()) {
            Ok(_) => committed(&scratch.path()),
            Err(error) => panic!("a log of {length} bytes: {error}"),
        };
        let reported = recording.reported.iter().filter(|(_, at)| *at <= length);
        assert!(
            there.len() >= reported.count(),
            "a log of {length} bytes: {there:?}"
        );
        assert!(
            all.starts_with(&there),
            "a log of {length} bytes: {there:?}"
        );
        assert_sound(&scratch.path());
        seen.push(there.len());
    }
    // The cuts reach from a run without results to one that has them all.
    assert_eq!((seen[0], seen[seen.len() - 1]), (0, STEPS));
}

#[test]
fn a_log_that_is_torn_in_a_frame_holds_what_was_reported_before() {
    let recording = record();
    let (_, at) = recording.reported[STEPS / 2];
    for torn in [at + 1, at + 23, at + 1000] {
        let scratch = Scratch::new();
        recording.cut(&scratch.path(), torn);
        drop(SqliteStore::open(scratch.path()).unwrap());
        assert!(committed(&scratch.path()).len() > STEPS / 2);
        assert_sound(&scratch.path());
    }
}

#[test]
fn a_run_goes_on_after_a_cut_at_every_report() {
    let recording = record();
    for (number, (_, length)) in recording.reported.iter().enumerate().take(STEPS - 1) {
        let scratch = Scratch::new();
        recording.cut(&scratch.path(), *length);
        let store = SqliteStore::open(scratch.path()).unwrap();
        let before = committed(&scratch.path());
        assert!(before.len() > number);
        let worker = Worker::honest();
        let status = resume(&worker.engine(store, "heir")).unwrap();
        assert_completed(&status, &worker.calls(), &before);
    }
}
