//! A run goes on by type where it was left, if the program is still that of the run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::executor::block_on;
use wf_core::agent::{Agents, StepError};
use wf_core::engine::{Engine, RunOptions};
use wf_core::id::ExecutionId;
use wf_core::step::StepState;
use wf_core::store::{MemoryStore, Store};
use wf_core::typed::Ended;
use wf_core::workflow;

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
        let status = paused.status();
        let total = &status.step("total").unwrap().record;
        assert_eq!(total.state, StepState::Pending);
        let error = total.error.clone().unwrap();
        let reason = status.execution.error.as_deref().unwrap();
        assert_eq!(reason, format!("step `total`: {error}"));
        // A program that reads it goes on.
        let run = engine.resume_as::<before::Build>(&id).await.unwrap();
        assert!(matches!(run.finish().await.unwrap(), Ended::Paused(_)));
        error
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

#[test]
fn a_host_that_starts_takes_over_the_orphans_of_its_own_workflow() {
    let store = Arc::new(MemoryStore::new());
    let engine = Engine::new(store.clone(), Agents::new());
    let heir = Engine::new(store, Agents::new()).with_owner("heir".into(), |_| true);
    block_on(async {
        for (id, n) in [("first", 3), ("second", 4)] {
            let options = RunOptions::default().with_id(id);
            drop(engine.start_as(Doubled { n }, options).await.unwrap());
        }
        let options = RunOptions::default().with_id("other");
        let text = "four".to_owned();
        drop(engine.start_as(Parks { text }, options).await.unwrap());

        assert!(heir.recover().await.unwrap().is_empty());
        let mut ended = Vec::new();
        for run in heir.recover_as::<Doubled>().await.unwrap() {
            let id = run.id().clone();
            let output = run.finish().await.unwrap().completed().unwrap();
            ended.push((id, *output.quadruple()));
        }
        assert_eq!(ended, [("first".into(), 12), ("second".into(), 16)]);
        assert!(heir.recover_as::<Doubled>().await.unwrap().is_empty());
        let other = heir.status(&"other".into()).await.unwrap();
        assert_eq!(other.execution.token, 1);
    });
}

#[test]
fn one_orphan_is_taken_over_by_its_own_workflow_to_the_pause_that_was_asked_for() {
    let store = Arc::new(MemoryStore::new());
    let engine = Engine::new(store.clone(), Agents::new());
    let heir = Engine::new(store.clone(), Agents::new()).with_owner("heir".into(), |_| true);
    let id = ExecutionId::from("run");
    block_on(async {
        let options = RunOptions::default().with_id("run");
        drop(engine.start_as(Doubled { n: 4 }, options).await.unwrap());
        store.request_pause(&id).await.unwrap();

        let other = heir.take_over_as::<changed::ParksToo>(&id).await;
        assert!(other.unwrap_err().is_definition());
        let run = heir.take_over_as::<Doubled>(&id).await.unwrap();
        let Ended::Paused(paused) = run.finish().await.unwrap() else {
            panic!("the run was not paused");
        };
        let parked = heir.take_over_as::<Doubled>(&id).await;
        assert!(parked.unwrap_err().is_illegal());
        let run = paused.resume().await.unwrap();
        let output = run.finish().await.unwrap().completed().unwrap();
        assert_eq!(*output.quadruple(), 16);
    });
}
