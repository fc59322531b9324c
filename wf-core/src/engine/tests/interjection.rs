//! Somebody asks for a pause in the very moment in which an execution gets its driver.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};

use super::harness::{Act, Bench, die_after, id, options, plan};
use crate::agent::Agents;
use crate::engine::Engine;
use crate::lifecycle::State;
use crate::plan::Inputs;
use crate::store::{Claim, Claimed, MemoryStore, NewExecution, Store, StoreError, StoreLayer};

/// A store in which every execution is asked to pause just before it is claimed, and as soon as it is created or
/// claimed.
struct Impatient {
    inner: Arc<MemoryStore>,
    before: bool,
    after: bool,
}

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

impl StoreLayer for Impatient {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    fn create(&self, new: NewExecution) -> Answer<'_, ()> {
        async move {
            let id = new.id.clone();
            self.inner.create(new).await?;
            self.inner.request_pause(&id).await.map(drop)
        }
        .boxed()
    }

    fn claim(&self, claim: Claim) -> Answer<'_, Claimed> {
        async move {
            if self.before {
                self.inner.request_pause(&claim.row.id).await?;
            }
            let claimed = self.inner.claim(claim).await?;
            if self.after {
                self.inner.request_pause(&claimed.row.id).await?;
            }
            Ok(claimed)
        }
        .boxed()
    }
}

fn impatient(bench: &Bench, before: bool, after: bool) -> Engine {
    let agents = Agents::new().with("a", bench.agent.clone());
    let inner = Arc::clone(&bench.store);
    let store = Impatient {
        inner,
        before,
        after,
    };
    Engine::new(Arc::new(store), agents)
        .with_clock(bench.clock.clone())
        .with_owner("impatient".into(), |_| true)
}

#[test]
fn a_pause_asked_for_while_an_execution_is_created_is_not_missed() {
    let bench = Bench::new();
    let engine = impatient(&bench, false, true);
    let plan = plan("", "a\nb, dependencies: [a]");
    let run = async {
        let run = engine.start(&plan, Inputs::new(), options());
        run.await.unwrap().finish().await.unwrap()
    };
    let status = bench.clock.run(run).unwrap();
    assert_eq!(status.state(), State::Paused);
}

#[test]
fn a_pause_asked_for_while_an_execution_is_taken_over_is_not_missed() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Hang, Act::Answer(1, "a")]);
    die_after(&bench, &plan("", "a\nb, dependencies: [a]"), 5);
    let engine = impatient(&bench, false, true);
    let run = async { engine.resume(&id()).await.unwrap().finish().await.unwrap() };
    let status = bench.clock.run(run).unwrap();
    assert_eq!(status.state(), State::Paused);
}

#[test]
fn a_pause_asked_for_between_reading_an_execution_and_taking_it_over_is_kept_by_who_recovers_it() {
    let bench = Bench::new();
    bench.agent.on("a", &[Act::Hang, Act::Answer(1, "a")]);
    die_after(&bench, &plan("", "a\nb, dependencies: [a]"), 5);
    let engine = impatient(&bench, true, false);
    let run = async {
        let runs = engine.recover().await.unwrap();
        let [run] = <[_; 1]>::try_from(runs).unwrap();
        run.finish().await.unwrap()
    };
    let status = bench.clock.run(run).unwrap();
    assert_eq!(status.state(), State::Paused);
    assert_eq!(bench.calls().len(), 1);
}
