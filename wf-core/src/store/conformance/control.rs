//! Leases, and control by others than the owner.

use futures::StreamExt;

use super::checkpoints::marked;
use super::*;
use crate::id::CheckpointId;

/// The row as claimed is the row as stored.
pub async fn a_claim_raises_the_token_and_clears_the_request_to_pause(store: &dyn Store) {
    let row = started(store, "e").await;
    assert!(
        store
            .request_pause(&"e".into())
            .await
            .unwrap()
            .pause_requested
    );
    let claimed = store
        .claim(Claim::new(row.clone(), owner("next"), moment(99)))
        .await
        .unwrap();
    assert!(!claimed.pause_requested);
    let claimed = claimed.row;
    assert_eq!(
        claimed,
        Row {
            id: "e".into(),
            token: row.token + 1,
            revision: row.revision + 1
        }
    );
    let record = execution(store, &"e".into()).await;
    assert_eq!(record.row(), claimed);
    assert_eq!(record.owner, Some(owner("next")));
    assert_eq!(record.lease_until, Some(moment(99)));
    assert_eq!(record.state, State::ExecutingSteps);
    assert!(!record.pause_requested);
}

/// The next one who takes it over learns of it, even when it came after the row was read.
pub async fn a_claim_that_keeps_a_request_to_pause_tells_of_it(store: &dyn Store) {
    let keeping = |row: &Row| {
        let mut claim = Claim::new(row.clone(), owner("next"), moment(99));
        claim.keeps_pause = true;
        claim
    };
    let row = started(store, "e").await;
    let first = store.claim(keeping(&row)).await.unwrap();
    assert!(!first.pause_requested);
    store.request_pause(&"e".into()).await.unwrap();
    let second = store.claim(keeping(&first.row)).await.unwrap();
    assert!(second.pause_requested);
    assert_eq!(second.row.token, row.token + 2);
    let record = execution(store, &"e".into()).await;
    assert!(record.pause_requested);
    assert_eq!(record.row(), second.row);
    let third = store.claim(keeping(&second.row)).await.unwrap();
    assert!(third.pause_requested);
    paused(store, &third.row).await;
    assert!(!execution(store, &"e".into()).await.pause_requested);
}

/// Of two who saw the same row, one gets it.
pub async fn a_claim_to_a_row_that_has_changed_is_a_conflict(store: &dyn Store) {
    let row = started(store, "e").await;
    let claimed = store
        .claim(Claim::new(row.clone(), owner("next"), moment(99)))
        .await
        .unwrap()
        .row;
    assert!(
        store
            .claim(Claim::new(row, owner("late"), moment(99)))
            .await
            .unwrap_err()
            .is_conflict()
    );
    let token_alone = Row {
        token: claimed.token - 1,
        ..claimed.clone()
    };
    assert!(
        store
            .claim(Claim::new(token_alone, owner("late"), moment(99)))
            .await
            .unwrap_err()
            .is_conflict()
    );
    assert_eq!(execution(store, &"e".into()).await.row(), claimed);
}

/// There is nothing left to drive.
pub async fn an_execution_that_has_ended_cannot_be_claimed(store: &dyn Store) {
    let row = started(store, "e").await;
    let row = completed(store, &row).await;
    let before = execution(store, &"e".into()).await;
    assert!(
        store
            .claim(Claim::new(row, owner("next"), moment(99)))
            .await
            .unwrap_err()
            .is_conflict()
    );
    assert_eq!(execution(store, &"e".into()).await, before);
}

/// Fencing: the token that the former owner holds is out of date.
pub async fn the_former_owner_is_refused_after_a_claim(store: &dyn Store) {
    let row = started(store, "e").await;
    let claimed = store
        .claim(Claim::new(row.clone(), owner("next"), moment(99)))
        .await
        .unwrap()
        .row;
    let from = State::ExecutingSteps;
    let guessed = Row {
        revision: claimed.revision,
        ..row.clone()
    };
    for stale in [row, guessed] {
        let writes = steps(vec![insert(0, done(1))]);
        assert!(
            commit(store, &stale, from, Vec::new(), writes)
                .await
                .unwrap_err()
                .is_conflict()
        );
    }
    assert_eq!(load(store, &"e".into()).await.steps, []);
    commit(
        store,
        &claimed,
        from,
        Vec::new(),
        steps(vec![insert(0, done(1))]),
    )
    .await
    .unwrap();
}

/// Only those leases of this owner move that are named, and no revision does.
pub async fn leases_are_renewed_where_they_are_named_and_held(store: &dyn Store) {
    for id in ["first", "second", "dropped", "paused", "ended"] {
        started(store, id).await;
    }
    let mut foreign = new_execution("foreign");
    foreign.owner = owner("another");
    store.create(foreign).await.unwrap();
    paused(
        store,
        &Row {
            id: "paused".into(),
            token: 1,
            revision: 1,
        },
    )
    .await;
    completed(
        store,
        &Row {
            id: "ended".into(),
            token: 1,
            revision: 1,
        },
    )
    .await;

    let driven = ["first", "second", "foreign", "paused", "ended", "unknown"].map(Into::into);
    store
        .renew(&owner("owner"), &driven, moment(77))
        .await
        .unwrap();
    for id in ["first", "second"] {
        let record = execution(store, &id.into()).await;
        assert_eq!((record.lease_until, record.revision), (Some(moment(77)), 1));
    }
    for id in ["foreign", "dropped"] {
        let record = execution(store, &id.into()).await;
        assert_eq!(record.lease_until, Some(moment(10_000)), "{id}");
    }
    assert_eq!(execution(store, &"paused".into()).await.lease_until, None);
    assert_eq!(execution(store, &"ended".into()).await.lease_until, None);
    store
        .renew(&owner("nobody"), &driven, moment(78))
        .await
        .unwrap();
}

/// The owner's next commit is not refused.
pub async fn a_request_to_pause_leaves_the_revision(store: &dyn Store) {
    let row = started(store, "e").await;
    let asked = store.request_pause(&"e".into()).await.unwrap();
    assert!(asked.pause_requested);
    assert_eq!(asked.row(), row);
    assert_eq!(execution(store, &"e".into()).await, asked);
    assert_eq!(store.request_pause(&"e".into()).await.unwrap(), asked);
    commit(
        store,
        &row,
        State::ExecutingSteps,
        vec![step_completed(0)],
        Writes::new(moment(5), 5),
    )
    .await
    .unwrap();
    assert!(execution(store, &"e".into()).await.pause_requested);
}

/// The row comes back as it is.
pub async fn a_request_to_pause_what_is_paused_or_over_does_nothing(store: &dyn Store) {
    let row = started(store, "paused").await;
    paused(store, &row).await;
    let row = started(store, "ended").await;
    completed(store, &row).await;
    for id in ["paused", "ended"] {
        let before = execution(store, &id.into()).await;
        assert_eq!(store.request_pause(&id.into()).await.unwrap(), before);
        assert!(!before.pause_requested);
    }
}

/// Rows that were under way become `cancelled`; what is done stays done.
pub async fn cancelling_ends_the_execution_and_its_steps(store: &dyn Store) {
    let row = started(store, "e").await;
    let other = started(store, "other").await;
    let from = State::ExecutingSteps;
    let writes = vec![
        insert(0, done(1)),
        insert(1, running()),
        insert(2, StepRecord::pending()),
    ];
    let row = commit(store, &row, from, vec![step_completed(0)], steps(writes))
        .await
        .unwrap();
    commit(
        store,
        &other,
        from,
        Vec::new(),
        steps(vec![insert(1, running())]),
    )
    .await
    .unwrap();

    let cancelled = store.cancel(&"e".into(), moment(9)).await.unwrap();
    assert_eq!(cancelled.state, State::Cancelled);
    assert_eq!(
        cancelled.row(),
        Row {
            id: "e".into(),
            token: row.token + 1,
            revision: row.revision + 1
        }
    );
    assert_eq!(cancelled.completed_at, Some(moment(9)));
    assert_eq!(
        (cancelled.owner.clone(), cancelled.lease_until),
        (None, None)
    );
    let loaded = load(store, &"e".into()).await;
    assert_eq!(loaded.execution, cancelled);
    let ended = |record: StepRecord| StepRecord {
        state: StepState::Cancelled,
        completed_at: Some(moment(9)),
        ..record
    };
    assert_eq!(
        loaded.steps,
        [
            (0, done(1)),
            (1, ended(running())),
            (2, ended(StepRecord::pending()))
        ]
    );
    assert_eq!(load(store, &"other".into()).await.steps, [(1, running())]);
}

/// Once: where the newest checkpoint covers all that is done, there is nothing to mark.
pub async fn cancelling_marks_what_is_done(store: &dyn Store) {
    let row = started(store, "e").await;
    let row = marked(store, &row, "one".into(), 1, 5, vec![insert(0, done(1))])
        .await
        .unwrap();
    let from = State::ExecutingSteps;
    let writes = steps(vec![insert(1, done(2))]);
    commit(store, &row, from, Vec::new(), writes).await.unwrap();
    let cancelled = store.cancel(&"e".into(), moment(9)).await.unwrap();
    let [newest, _] = &store.checkpoints(&"e".into()).await.unwrap()[..] else {
        panic!("a checkpoint was not written, or one too many was");
    };
    assert_eq!(newest.id, CheckpointId::of(&"e".into(), cancelled.revision));
    assert_eq!(
        (newest.state, newest.created_at, newest.through_seq),
        (State::Cancelled, moment(9), 2)
    );
    assert_eq!(newest.completed_steps, [0, 1]);

    let row = started(store, "covered").await;
    marked(store, &row, "all".into(), 1, 5, vec![insert(0, done(1))])
        .await
        .unwrap();
    for id in ["covered", "e"] {
        let before = store.checkpoints(&id.into()).await.unwrap();
        store.cancel(&id.into(), moment(12)).await.unwrap();
        assert_eq!(store.checkpoints(&id.into()).await.unwrap(), before);
    }
    started(store, "nothing done").await;
    store
        .cancel(&"nothing done".into(), moment(12))
        .await
        .unwrap();
    assert_eq!(store.checkpoints(&"nothing done".into()).await.unwrap(), []);
}

/// The second finds nothing to do, and is no error.
pub async fn cancelling_twice_is_cancelling_once(store: &dyn Store) {
    started(store, "e").await;
    let first = store.cancel(&"e".into(), moment(9)).await.unwrap();
    assert_eq!(store.cancel(&"e".into(), moment(10)).await.unwrap(), first);
}

/// The row comes back in the state in which it ended.
pub async fn what_has_ended_is_not_cancelled(store: &dyn Store) {
    let row = started(store, "e").await;
    let row = commit(
        store,
        &row,
        State::ExecutingSteps,
        Vec::new(),
        steps(vec![insert(0, running())]),
    )
    .await
    .unwrap();
    completed(store, &row).await;
    let before = load(store, &"e".into()).await;
    assert_eq!(
        store.cancel(&"e".into(), moment(9)).await.unwrap(),
        before.execution
    );
    assert_eq!(load(store, &"e".into()).await, before);
}

/// Nobody has to drive it for that.
pub async fn a_paused_execution_can_be_cancelled(store: &dyn Store) {
    let row = started(store, "e").await;
    paused(store, &row).await;
    assert_eq!(
        store.cancel(&"e".into(), moment(9)).await.unwrap().state,
        State::Cancelled
    );
}

/// What the owner did not know of is not overwritten.
pub async fn the_owner_is_refused_after_a_cancel(store: &dyn Store) {
    let row = started(store, "e").await;
    let cancelled = store.cancel(&"e".into(), moment(9)).await.unwrap();
    let refused = commit(
        store,
        &row,
        State::ExecutingSteps,
        ending(),
        steps(vec![insert(0, done(1))]),
    )
    .await;
    assert!(refused.unwrap_err().is_conflict());
    let loaded = load(store, &"e".into()).await;
    assert_eq!((loaded.execution, loaded.steps), (cancelled, Vec::new()));
}

/// Each kind of control says so.
pub async fn control_of_an_unknown_execution_is_not_found(store: &dyn Store) {
    let nobody = "nobody".into();
    assert!(
        store
            .request_pause(&nobody)
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert!(
        store
            .cancel(&nobody, moment(1))
            .await
            .unwrap_err()
            .is_not_found()
    );
    let row = Row {
        id: nobody,
        token: 1,
        revision: 0,
    };
    assert!(
        store
            .claim(Claim::new(row, owner("next"), moment(9)))
            .await
            .unwrap_err()
            .is_not_found()
    );
}

/// The case waits for each item, and hangs on a store that does not yield.
pub async fn a_watch_yields_after_a_cancel_a_request_to_pause_and_a_claim(store: &dyn Store) {
    let row = started(store, "e").await;
    let mut news = store.watch(&"e".into());
    let mut also = store.watch(&"e".into());
    store.request_pause(&"e".into()).await.unwrap();
    assert_eq!(news.next().await, Some(()));
    assert_eq!(also.next().await, Some(()));
    store
        .claim(Claim::new(row, owner("next"), moment(99)))
        .await
        .unwrap();
    assert_eq!(news.next().await, Some(()));
    store.cancel(&"e".into(), moment(9)).await.unwrap();
    assert_eq!(news.next().await, Some(()));
    assert_eq!(also.next().await, Some(()));
}

/// Others are told all the same, and the store goes on.
pub async fn a_watch_that_was_dropped_is_in_nobodys_way(store: &dyn Store) {
    started(store, "e").await;
    let dropped = store.watch(&"e".into());
    let mut news = store.watch(&"e".into());
    drop(dropped);
    store.request_pause(&"e".into()).await.unwrap();
    assert_eq!(news.next().await, Some(()));
    drop(news);
    assert_eq!(
        store.cancel(&"e".into(), moment(9)).await.unwrap().state,
        State::Cancelled
    );
}
