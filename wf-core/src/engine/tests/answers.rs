//! A write whose answer is lost on the way: what has landed goes on, and what has not is told.

use std::sync::Arc;

use futures::executor::block_on;

use super::harness::{id, options, plan};
use crate::agent::Agents;
use crate::engine::{Engine, EngineError, RunOptions, Status};
use crate::lifecycle::State;
use crate::plan::Inputs;
use crate::store::{MemoryStore, Store};
use crate::testing::{Fault, FaultyStore};

/// An engine on a store that fails at its first write.
fn failing(inner: &Arc<MemoryStore>, fault: Fault) -> Engine {
    let store = FaultyStore::new(Arc::clone(inner) as Arc<dyn Store>).with_fault(1, fault);
    engine(Arc::new(store))
}

fn engine(store: Arc<dyn Store>) -> Engine {
    let agents = Agents::new().with("a", |prompt: String| async move { prompt });
    Engine::new(store, agents)
}

async fn start(engine: &Engine) -> Result<Status, EngineError> {
    let plan = plan("", "a\nb, dependencies: [a]");
    let run = engine.start(&plan, Inputs::new(), options()).await?;
    run.finish().await
}

/// A store in which an execution is created and paused.
fn paused() -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    let engine = engine(store.clone());
    let plan = plan("", "a\nb, dependencies: [a]");
    let paused = async {
        drop(engine.start(&plan, Inputs::new(), options()).await?);
        engine.pause(&id()).await
    };
    assert_eq!(block_on(paused).unwrap().state, State::Paused);
    store
}

#[test]
fn a_run_whose_creation_was_not_answered_is_driven() {
    let store = Arc::new(MemoryStore::new());
    let status = block_on(start(&failing(&store, Fault::LostAnswer))).unwrap();
    assert_eq!(status.state(), State::Completed);
    let nothing = Arc::new(MemoryStore::new());
    let error = block_on(start(&failing(&nothing, Fault::Unwritten))).unwrap_err();
    assert!(error.store().unwrap().is_unanswered());
    assert_eq!(block_on(nothing.execution(&id())).unwrap(), None);
}

#[test]
fn an_execution_of_another_is_not_taken_for_the_one_that_was_created() {
    let store = paused();
    let error = block_on(start(&failing(&store, Fault::Unwritten))).unwrap_err();
    assert!(error.is_store(), "{error}");
}

#[test]
fn a_run_whose_claim_was_not_answered_is_driven() {
    let store = paused();
    let resume = async |fault| {
        let engine = failing(&store, fault);
        engine.resume(&id()).await?.finish().await
    };
    assert!(block_on(resume(Fault::Unwritten)).unwrap_err().is_store());
    let before = block_on(store.execution(&id())).unwrap().unwrap();
    assert_eq!(before.state, State::Paused);
    let status = block_on(resume(Fault::LostAnswer)).unwrap();
    assert_eq!(status.state(), State::Completed);
    // Nobody had to take it a second time.
    assert_eq!(status.execution.token, before.token + 1);
}

#[test]
fn a_run_whose_restoration_was_not_answered_is_driven() {
    let store = paused();
    let checkpoint = block_on(store.checkpoints(&id())).unwrap()[0].id.clone();
    let restore = async |fault, name: &str| {
        let engine = failing(&store, fault);
        let options = RunOptions::default().with_id(name);
        engine.restore(&checkpoint, options).await?.finish().await
    };
    let status = block_on(restore(Fault::LostAnswer, "landed")).unwrap();
    assert_eq!(status.state(), State::Completed);
    assert_eq!(status.execution.id, "landed".into());
    let error = block_on(restore(Fault::Unwritten, "lost")).unwrap_err();
    assert!(error.is_store());
    assert_eq!(block_on(store.execution(&"lost".into())).unwrap(), None);
    assert_eq!(block_on(store.executions()).unwrap().len(), 2);
}

#[test]
fn a_cancellation_a_pause_and_a_checkpoint_that_were_not_answered_are_looked_up() {
    for (fault, lands) in [(Fault::LostAnswer, true), (Fault::Unwritten, false)] {
        let store = paused();
        let engine = failing(&store, fault);
        assert_eq!(block_on(engine.checkpoint(&id())).is_ok(), lands);
        let listed = block_on(store.checkpoints(&id())).unwrap();
        assert_eq!(listed.len(), 1 + usize::from(lands));

        let engine = failing(&store, fault);
        let cancelled = block_on(engine.cancel(&id()));
        assert_eq!(cancelled.is_ok(), lands);
        let state = block_on(store.execution(&id())).unwrap().unwrap().state;
        assert_eq!(state == State::Cancelled, lands);
    }
    for (fault, lands) in [(Fault::LostAnswer, true), (Fault::Unwritten, false)] {
        let store = Arc::new(MemoryStore::new());
        let plan = plan("", "a");
        let owner = engine(store.clone());
        let run = block_on(owner.start(&plan, Inputs::new(), options())).unwrap();
        let other = failing(&store, fault);
        assert_eq!(block_on(other.pause(&id())).is_ok(), lands);
        let status = block_on(run.finish()).unwrap();
        assert_eq!(status.state() == State::Paused, lands);
    }
}
