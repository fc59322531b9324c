//! Checkpoints: marks in the order in which the steps of an execution were committed.

use super::*;
use crate::id::CheckpointId;
use crate::store::{CheckpointRecord, NewCheckpoint};

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

    let expected = |id: &str, through_seq, completed_steps: &[u32], at| CheckpointRecord {
        id: id.into(),
        execution_id: "e".into(),
        state: State::ExecutingSteps,
        context: json("{}"),
        through_seq,
        completed_steps: completed_steps.to_vec(),
        created_at: moment(at),
    };
    assert_eq!(
        store.checkpoints(&"e".into()).await.unwrap(),
        [
            expected("three", 3, &[2, 0, 1], 7),
            expected("two", 2, &[2, 0], 6),
            expected("none", 0, &[], 5)
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

/// Commits step rows with a checkpoint, in `executing_steps`.
async fn marked(
    store: &dyn Store,
    row: &Row,
    id: CheckpointId,
    through_seq: u64,
    at: i64,
    writes: Vec<StepWrite>,
) -> Result<Row, StoreError> {
    let mut writes = steps(writes);
    writes.at = moment(at);
    writes.checkpoint = Some(NewCheckpoint { id, through_seq });
    commit(store, row, State::ExecutingSteps, Vec::new(), writes).await
}
