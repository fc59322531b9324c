//! Writes that share transactions, stores that share a file, and news from one to the other.

use std::pin::pin;
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::task::{Context, Wake, Waker};

use diesel::connection::SimpleConnection;
use futures::executor::block_on;
use futures::future::join_all;
use futures::{FutureExt, StreamExt};
use wf_core::id::ExecutionId;
use wf_core::lifecycle::{Row, State};
use wf_core::store::{Claim, Store};
use wf_diesel::SqliteStore;

use crate::fixtures::{
    Scratch, assert_sound, moment, new_execution, number, result_of, revision, started,
};

#[test]
fn writes_that_wait_together_share_a_transaction() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let mut other = scratch.connection();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let mut writes = pin!(join_all(
        (0..500).map(|id| store.create(new_execution(&format!("e{id}"), 2)))
    ));
    // All have queued; the first may have been taken alone.
    assert!(writes.as_mut().now_or_never().is_none());
    other.batch_execute("ROLLBACK").unwrap();
    assert!(block_on(writes).into_iter().all(|created| created.is_ok()));
    assert!(store.commits() <= 2, "{} transactions", store.commits());
    assert_eq!(block_on(store.executions()).unwrap().len(), 500);
    assert_sound(&scratch.path());
}

#[test]
fn a_write_that_is_refused_is_rolled_back_alone() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let rows: Vec<Row> = (0..20)
        .map(|id| started(&store, &format!("e{id}"), 2))
        .collect();
    let before = store.commits();
    let mut other = scratch.connection();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    // Every fourth names a step that its workflow lacks.
    let writes = rows
        .iter()
        .enumerate()
        .map(|(at, row)| store.commit(result_of(row, if at % 4 == 3 { 2 } else { 0 }, 1)));
    let mut writes = pin!(join_all(writes));
    assert!(writes.as_mut().now_or_never().is_none());
    other.batch_execute("ROLLBACK").unwrap();
    for (at, answer) in block_on(writes).into_iter().enumerate() {
        let loaded = block_on(store.load(&rows[at].id)).unwrap().unwrap();
        if at % 4 == 3 {
            assert!(answer.unwrap_err().is_rejected());
            assert_eq!((loaded.execution.revision, loaded.steps.len()), (1, 0));
        } else {
            answer.unwrap();
            assert_eq!((loaded.execution.revision, loaded.steps.len()), (2, 1));
        }
    }
    assert!(store.commits() > before);
    assert_sound(&scratch.path());
}

#[test]
fn a_conflict_does_not_disturb_its_batch() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let fresh = started(&store, "fresh", 2);
    let stale = Row {
        revision: 0,
        ..started(&store, "stale", 2)
    };
    let before = store.commits();
    let mut other = scratch.connection();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let first = store.create(new_execution("first", 2));
    let (stale, fresh) = (
        store.commit(result_of(&stale, 0, 1)),
        store.commit(result_of(&fresh, 0, 1)),
    );
    let mut writes = pin!(async { futures::join!(first, stale, fresh) });
    assert!(writes.as_mut().now_or_never().is_none());
    other.batch_execute("ROLLBACK").unwrap();
    let (first, stale, fresh) = block_on(writes);
    first.unwrap();
    fresh.unwrap();
    assert!(stale.unwrap_err().is_conflict());
    assert!(store.commits() - before <= 2);
}

#[test]
fn two_stores_on_one_file_write_at_once() {
    const EACH: u32 = 100;
    let scratch = Scratch::new();
    let stores = [scratch.open(), scratch.open()];
    let together = Barrier::new(stores.len());
    std::thread::scope(|scope| {
        for (number, store) in stores.iter().enumerate() {
            let together = &together;
            scope.spawn(move || {
                together.wait();
                let mut row = started(store, &format!("e{number}"), EACH as usize);
                for step in 0..EACH {
                    block_on(store.commit(result_of(&row, step, u64::from(step) + 1))).unwrap();
                    row.revision += 1;
                }
            });
        }
    });
    for number in 0..stores.len() {
        let id = ExecutionId::from(format!("e{number}"));
        let seen_by_the_other = block_on(stores[1 - number].load(&id)).unwrap().unwrap();
        assert_eq!(seen_by_the_other.steps.len(), EACH as usize);
    }
    // The workflow of both is stored once.
    assert_eq!(
        number(
            &mut scratch.connection(),
            "SELECT count(*) FROM workflow_steps"
        ),
        i64::from(EACH)
    );
    assert_sound(&scratch.path());
}

#[test]
fn of_many_claims_through_two_stores_one_succeeds() {
    let scratch = Scratch::new();
    let stores = [scratch.open(), scratch.open()];
    let row = started(&stores[0], "e", 1);
    let together = Barrier::new(8);
    let claimed: usize = std::thread::scope(|scope| {
        let claims: Vec<_> = (0..8)
            .map(|number| {
                let (store, row, together) = (&stores[number % 2], &row, &together);
                scope.spawn(move || {
                    together.wait();
                    let claim =
                        Claim::new(row.clone(), format!("owner {number}").into(), moment(9));
                    match block_on(store.claim(claim)) {
                        Ok(_) => 1,
                        Err(error) => {
                            assert!(error.is_conflict());
                            0
                        }
                    }
                })
            })
            .collect();
        claims.into_iter().map(|claim| claim.join().unwrap()).sum()
    });
    assert_eq!(claimed, 1);
    assert_eq!(revision(&stores[0], "e"), 2);
}

#[test]
fn a_watch_hears_of_another_stores_write() {
    let scratch = Scratch::new();
    let (ours, theirs) = (scratch.open(), scratch.open());
    started(&ours, "e", 1);
    let mut news = ours.watch(&"e".into());
    assert_eq!(
        block_on(theirs.cancel(&"e".into(), moment(9)))
            .unwrap()
            .state,
        State::Cancelled
    );
    assert_eq!(block_on(news.next()), Some(()));
    drop(news);
    // And again, after the first thread that asked has ended or not.
    let mut news = ours.watch(&"e".into());
    block_on(theirs.create(new_execution("f", 1))).unwrap();
    assert_eq!(block_on(news.next()), Some(()));
}

#[test]
fn a_write_of_another_store_before_the_watch_is_heard_of_too() {
    let scratch = Scratch::new();
    let (ours, theirs) = (scratch.open(), scratch.open());
    started(&ours, "e", 1);
    block_on(theirs.cancel(&"e".into(), moment(9))).unwrap();
    assert_eq!(block_on(ours.watch(&"e".into()).next()), Some(()));
}

#[test]
fn an_owner_is_not_told_of_its_own_commits() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let row = started(&store, "e", 1);
    let mut news = store.watch(&"e".into());
    block_on(store.commit(result_of(&row, 0, 1))).unwrap();
    assert_eq!(news.next().now_or_never(), None);
    block_on(store.request_pause(&"e".into())).unwrap();
    assert_eq!(news.next().now_or_never(), Some(Some(())));
}

#[test]
fn a_watch_ends_with_its_store() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let mut news = store.watch(&"e".into());
    drop(store);
    assert_eq!(block_on(news.next()), None);
}

#[test]
fn a_clone_is_the_same_store() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let clone = store.clone();
    drop(store);
    started(&clone, "e", 1);
    assert_eq!(clone.commits(), 2);
}

#[test]
fn the_last_handle_may_be_dropped_by_a_waker_while_the_store_answers() {
    let scratch = Scratch::new();
    let store = scratch.open();
    started(&store, "e", 1);
    let mut other = scratch.connection();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let mut news = store.watch(&"e".into());
    assert!(store.request_pause(&"e".into()).now_or_never().is_none());
    let (waker, dropped) = dropping(store);
    while news
        .as_mut()
        .poll_next(&mut Context::from_waker(&waker))
        .is_ready()
    {}
    other.batch_execute("ROLLBACK").unwrap();
    dropped.recv().unwrap();
    assert_eq!(block_on(news.next()), None);
    assert!(
        block_on(scratch.open().execution(&"e".into()))
            .unwrap()
            .unwrap()
            .pause_requested
    );
}

#[test]
fn the_last_handle_may_be_dropped_by_a_waker_while_the_store_probes() {
    let scratch = Scratch::new();
    let store = scratch.open();
    started(&store, "e", 1);
    let theirs = scratch.open();
    let mut news = store.watch(&"e".into());
    let (waker, dropped) = dropping(store);
    while news
        .as_mut()
        .poll_next(&mut Context::from_waker(&waker))
        .is_ready()
    {}
    block_on(theirs.cancel(&"e".into(), moment(9))).unwrap();
    dropped.recv().unwrap();
    assert_eq!(block_on(news.next()), None);
}

/// A waker that drops a store on the thread that wakes, and says when it has.
fn dropping(store: SqliteStore) -> (Waker, mpsc::Receiver<()>) {
    struct Last {
        store: Mutex<Option<SqliteStore>>,
        dropped: mpsc::Sender<()>,
    }

    impl Wake for Last {
        fn wake(self: Arc<Self>) {
            let store = self.store.lock().unwrap().take();
            if store.is_some() {
                drop(store);
                self.dropped.send(()).unwrap();
            }
        }
    }

    let (dropped, has_dropped) = mpsc::channel();
    let store = Mutex::new(Some(store));
    (Waker::from(Arc::new(Last { store, dropped })), has_dropped)
}

#[test]
fn a_write_whose_caller_has_gone_is_written_before_the_store_closes() {
    let scratch = Scratch::new();
    let store = scratch.open();
    for id in 0..50 {
        assert!(
            store
                .create(new_execution(&format!("e{id}"), 1))
                .now_or_never()
                .is_none_or(|created| created.is_ok())
        );
    }
    drop(store);
    assert_eq!(block_on(scratch.open().executions()).unwrap().len(), 50);
}
