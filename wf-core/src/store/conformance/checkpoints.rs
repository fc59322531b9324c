//! Checkpoints: marks in the order in which the steps of an execution were committed.

use super::*;
use crate::id::CheckpointId;
use crate::store::{CheckpointRecord, NewCheckpoint, Restore};

/// Checkpoints of one moment come in the order of their commits, too.
pub async fn checkpoints_are_listed_newest_first(store: &dyn Store) {
    let mut row = started(store, "e").await;
    let mut expected = Vec::new();
    for at in [5, 5, 5, 6, 6, 7, 7, 7, 7, 7, 7] {
        let id = CheckpointId::of(&row.id, row.revision + 1);
        expected.insert(0, id.clone());
        row = marked(store, &row, id, 0, at, Vec::new()).await.unwrap();
    }
    let listed = store.checkpoints(&"e".into()).await.unwrap();
    assert_eq!(
        listed
            .into_iter()
            .map(|checkpoint| checkpoint.id)
            .collect::<Vec<_>>(),
        expected
    );
}

/// In the order of `seq`, whatever the steps' positions; steps that end later are not in it.
pub async fn a_checkpoint_covers_the_steps_up_to_its_mark(store: &dyn Store) {
    let other = started(store, "other").await;
    marked(store, &other, "o".into(), 1, 5, vec![insert(1, done(1))])
        .await
        .unwrap();
    let row = started(store, "e").await;
    let row = marked(store, &row, "none".into(), 0, 5, vec![insert(1, running())])
        .await
        .unwrap();
    let row = marked(
        store,
        &row,
        "two".into(),
        2,
        6,
        vec![insert(2, done(1)), insert(0, done(2))],
    )
    .await
    .unwrap();
    marked(store, &row, "three".into(), 3, 7, vec![update(1, done(3))])
        .await
        .unwrap();

    let expected = |id: &str, through_seq, steps: &[u32], at, revision| CheckpointRecord {
        completed_steps: steps.to_vec(),
        ..CheckpointRecord::new(
            id.into(),
            "e".into(),
            State::ExecutingSteps,
            through_seq,
            moment(at),
            revision,
        )
    };
    assert_eq!(
        store.checkpoints(&"e".into()).await.unwrap(),
        [
            expected("three", 3, &[2, 0, 1], 7, 4),
            expected("two", 2, &[2, 0], 6, 3),
            expected("none", 0, &[], 5, 2)
        ],
    );
}

/// The commit that would write it again is undone.
pub async fn the_identifier_of_a_checkpoint_is_taken_once(store: &dyn Store) {
    let row = started(store, "e").await;
    let row = marked(store, &row, "c".into(), 1, 5, vec![insert(0, done(1))])
        .await
        .unwrap();
    let before = load(store, &"e".into()).await;
    assert!(
        marked(store, &row, "c".into(), 2, 6, vec![insert(1, done(2))])
            .await
            .unwrap_err()
            .is_rejected()
    );
    assert_eq!(load(store, &"e".into()).await, before);
    assert_eq!(store.checkpoints(&"e".into()).await.unwrap().len(), 1);
}

/// Both by the same words.
pub async fn one_checkpoint_is_read_as_it_is_listed(store: &dyn Store) {
    let row = started(store, "e").await;
    let row = marked(store, &row, "one".into(), 1, 5, vec![insert(2, done(1))])
        .await
        .unwrap();
    marked(store, &row, "two".into(), 2, 6, vec![insert(0, done(2))])
        .await
        .unwrap();
    for listed in store.checkpoints(&"e".into()).await.unwrap() {
        assert_eq!(store.checkpoint(&listed.id).await.unwrap(), Some(listed));
    }
    assert_eq!(store.checkpoint(&"three".into()).await.unwrap(), None);
}

/// The owner's next commit is not refused.
pub async fn a_checkpoint_by_hand_covers_what_is_recorded_and_leaves_the_row(store: &dyn Store) {
    let row = started(store, "e").await;
    let create = |id: &str, at| store.create_checkpoint(&"e".into(), &id.into(), moment(at));
    create("none", 4).await.unwrap();
    let writes = steps(vec![
        insert(2, done(1)),
        insert(0, done(2)),
        insert(1, running()),
    ]);
    let row = commit(store, &row, State::ExecutingSteps, Vec::new(), writes)
        .await
        .unwrap();
    let before = load(store, &"e".into()).await;
    create("two", 6).await.unwrap();
    assert_eq!(load(store, &"e".into()).await, before);
    assert_eq!(before.execution.row(), row);
    commit(
        store,
        &row,
        State::ExecutingSteps,
        Vec::new(),
        steps(vec![update(1, done(3))]),
    )
    .await
    .unwrap();

    let expected = |id: &str, through_seq, steps: &[u32], at, revision| CheckpointRecord {
        completed_steps: steps.to_vec(),
        ..CheckpointRecord::new(
            id.into(),
            "e".into(),
            State::ExecutingSteps,
            through_seq,
            moment(at),
            revision,
        )
    };
    assert_eq!(
        store.checkpoints(&"e".into()).await.unwrap(),
        [
            expected("two", 2, &[2, 0], 6, 2),
            expected("none", 0, &[], 4, 1)
        ],
    );
    assert!(create("two", 7).await.unwrap_err().is_rejected());
}

/// The end has a checkpoint already, or needs none.
pub async fn a_checkpoint_by_hand_of_what_is_over_or_unknown_is_refused(store: &dyn Store) {
    let row = started(store, "e").await;
    completed(store, &row).await;
    let create = |of: &str| store.create_checkpoint(&of.into(), &"c".into(), moment(9));
    assert!(create("e").await.unwrap_err().is_conflict());
    assert!(create("nobody").await.unwrap_err().is_not_found());
    assert_eq!(store.checkpoint(&"c".into()).await.unwrap(), None);
}

/// Not even when the step that had it is to run again.
pub async fn no_number_that_a_checkpoint_covers_is_given_again(store: &dyn Store) {
    let row = started(store, "e").await;
    assert_eq!(load(store, &"e".into()).await.execution.last_seq, 0);
    let writes = vec![insert(0, done(1)), insert(1, done(2))];
    let row = marked(store, &row, "two".into(), 2, 5, writes)
        .await
        .unwrap();
    let writes = steps(vec![update(1, StepRecord::pending())]);
    let row = commit(store, &row, State::ExecutingSteps, Vec::new(), writes)
        .await
        .unwrap();
    assert_eq!(load(store, &"e".into()).await.execution.last_seq, 2);
    let writes = steps(vec![update(1, done(3))]);
    commit(store, &row, State::ExecutingSteps, Vec::new(), writes)
        .await
        .unwrap();
    assert_eq!(load(store, &"e".into()).await.execution.last_seq, 3);
    let two = store.checkpoint(&"two".into()).await.unwrap().unwrap();
    assert_eq!(two.completed_steps, [0]);
}

/// What it covered can be read and run on as before.
pub async fn a_deleted_checkpoint_is_gone_and_its_steps_stay(store: &dyn Store) {
    let row = started(store, "e").await;
    let row = marked(store, &row, "one".into(), 1, 5, vec![insert(0, done(1))])
        .await
        .unwrap();
    marked(store, &row, "two".into(), 2, 6, vec![insert(1, done(2))])
        .await
        .unwrap();
    let before = load(store, &"e".into()).await;
    assert!(store.delete_checkpoint(&"one".into()).await.unwrap());
    assert!(!store.delete_checkpoint(&"one".into()).await.unwrap());
    assert_eq!(load(store, &"e".into()).await, before);
    assert_eq!(identifiers(store, "e").await, ["two"]);
}

/// Of two of one moment, that of the later revision is the newer.
pub async fn pruning_spares_the_newest_checkpoint_of_what_has_not_ended(store: &dyn Store) {
    for id in ["running", "paused", "ended", "young"] {
        let mut row = started(store, id).await;
        for (name, at) in [("first", 5), ("second", 5), ("third", 6)] {
            let at = if id == "young" { at + 100 } else { at };
            let checkpoint = format!("{id} {name}").into();
            row = marked(store, &row, checkpoint, 0, at, Vec::new())
                .await
                .unwrap();
        }
        match id {
            "paused" => _ = paused(store, &row).await,
            "ended" => _ = completed(store, &row).await,
            _ => {}
        }
    }
    assert_eq!(store.prune_checkpoints(moment(5)).await.unwrap(), 0);
    assert_eq!(store.prune_checkpoints(moment(6)).await.unwrap(), 6);
    assert_eq!(identifiers(store, "ended").await, ["ended third"]);
    assert_eq!(store.prune_checkpoints(moment(50)).await.unwrap(), 1);
    assert_eq!(identifiers(store, "running").await, ["running third"]);
    assert_eq!(identifiers(store, "paused").await, ["paused third"]);
    assert_eq!(identifiers(store, "ended").await, [""; 0]);
    assert_eq!(identifiers(store, "young").await.len(), 3);
    assert_eq!(store.prune_checkpoints(moment(50)).await.unwrap(), 0);
}

/// The revision tells which is the newest; only what is old is told by the moment.
pub async fn a_clock_that_was_set_back_makes_no_checkpoint_older(store: &dyn Store) {
    let mut row = started(store, "e").await;
    for (name, at) in [("first", 500), ("second", 600), ("third", 5), ("fourth", 6)] {
        row = marked(store, &row, name.into(), 0, at, Vec::new())
            .await
            .unwrap();
    }
    let newest_first = ["fourth", "third", "second", "first"];
    assert_eq!(identifiers(store, "e").await, newest_first);
    assert_eq!(store.prune_checkpoints(moment(50)).await.unwrap(), 1);
    assert_eq!(identifiers(store, "e").await, ["fourth", "second", "first"]);
    assert_eq!(store.prune_checkpoints(moment(550)).await.unwrap(), 1);
    assert_eq!(identifiers(store, "e").await, ["fourth", "second"]);
    completed(store, &row).await;
    assert_eq!(store.prune_checkpoints(moment(550)).await.unwrap(), 1);
    assert_eq!(identifiers(store, "e").await, ["second"]);
}

/// Neither when it is old nor when its execution has ended: `restored_from` names what is there.
pub async fn pruning_spares_what_an_execution_was_restored_from(store: &dyn Store) {
    let row = started(store, "e").await;
    let row = marked(store, &row, "one".into(), 0, 5, Vec::new())
        .await
        .unwrap();
    let row = marked(store, &row, "two".into(), 0, 6, Vec::new())
        .await
        .unwrap();
    completed(store, &row).await;
    let restore = Restore::new(
        "one".into(),
        "new".into(),
        Vec::new(),
        Origin::default(),
        moment(20),
    );
    store.restore(restore).await.unwrap();
    store.cancel(&"new".into(), moment(30)).await.unwrap();
    // `two`, and the own checkpoint of what was restored.
    assert_eq!(store.prune_checkpoints(moment(50)).await.unwrap(), 2);
    assert_eq!(identifiers(store, "e").await, ["one"]);
    assert_eq!(identifiers(store, "new").await, [""; 0]);
    assert!(store.delete_checkpoint(&"one".into()).await.unwrap());
}

async fn identifiers(store: &dyn Store, id: &str) -> Vec<String> {
    let checkpoints = store.checkpoints(&id.into()).await.unwrap();
    checkpoints
        .into_iter()
        .map(|checkpoint| checkpoint.id.as_str().to_owned())
        .collect()
}

/// Commits step rows with a checkpoint, in `executing_steps`.
pub(super) async fn marked(
    store: &dyn Store,
    row: &Row,
    id: CheckpointId,
    through_seq: u64,
    at: i64,
    writes: Vec<StepWrite>,
) -> Result<Row, StoreError> {
    let mut writes = steps(writes);
    writes.at = moment(at);
    writes.checkpoint = Some(NewCheckpoint::new(id, through_seq));
    commit(store, row, State::ExecutingSteps, Vec::new(), writes).await
}
