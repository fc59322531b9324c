//! Going on from a checkpoint, and finding what nobody drives on.

use super::checkpoints::marked;
use super::*;
use crate::id::CheckpointId;
use crate::store::{CheckpointRecord, Restore, WorkflowRecord};

/// Every column of the new row is as the trait says, and its steps are those that the checkpoint covers.
pub async fn a_restored_execution_stands_where_the_checkpoint_was(store: &dyn Store) {
    interrupted(store).await;
    let source = load(store, &"e".into()).await;
    let execution = store.restore(restore("two", "new")).await.unwrap();
    let expected = ExecutionRecord {
        last_seq: 2,
        origin: origin(),
        budget: None,
        restored_from: Some("two".into()),
        ..ExecutionRecord::new("new".into(), "w".into(), State::Paused, moment(20))
    };
    assert_eq!(execution, expected);
    let loaded = load(store, &"new".into()).await;
    assert_eq!(loaded.execution, expected);
    let used_again = WorkflowRecord {
        updated_at: moment(20),
        ..source.workflow.clone()
    };
    assert_eq!(loaded.workflow, used_again);
    let context = store.context(&"new".into()).await.unwrap();
    assert_eq!(context, Some(json(r#"{"inputs":{"n":1}}"#)));
    assert_eq!(loaded.steps, [(0, done(2)), (2, done(1))]);
    let checkpoint = CheckpointRecord {
        completed_steps: vec![2, 0],
        ..CheckpointRecord::new(
            CheckpointId::of(&"new".into(), 0),
            "new".into(),
            State::Paused,
            2,
            moment(20),
            0,
        )
    };
    assert_eq!(
        store.checkpoints(&"new".into()).await.unwrap(),
        [checkpoint]
    );
    let after = load(store, &"e".into()).await;
    assert_eq!(
        (after.execution, after.steps),
        (source.execution, source.steps)
    );
}

/// It goes on while the source does, and when the checkpoint is gone.
pub async fn a_restored_execution_needs_its_source_no_more(store: &dyn Store) {
    let row = interrupted(store).await;
    store.restore(restore("two", "new")).await.unwrap();
    store.delete_checkpoint(&"two".into()).await.unwrap();
    let writes = steps(vec![update(1, done(3))]);
    commit(store, &row, State::ExecutingSteps, ending(), writes)
        .await
        .unwrap();
    let before = load(store, &"new".into()).await;
    assert_eq!(before.steps, [(0, done(2)), (2, done(1))]);
    let claim = Claim::new(before.execution.row(), owner("next"), moment(99));
    let claimed = store.claim(claim).await.unwrap().row;
    assert_eq!((claimed.token, claimed.revision), (1, 1));
    let resume = vec![
        Event::Resume,
        Event::CheckpointRestored,
        Event::StepsScheduled { steps: 1 },
    ];
    let writes = steps(vec![insert(1, done(3))]);
    commit(store, &claimed, State::Paused, resume, writes)
        .await
        .unwrap();
    assert_eq!(load(store, &"new".into()).await.steps.len(), 3);
}

/// What failed for good and what was skipped because of it run again; what is not covered runs in any case.
pub async fn a_failure_is_restored_only_where_it_is_optional(store: &dyn Store) {
    let row = started(store, "e").await;
    let ended = |state, seq| StepRecord {
        state,
        error: Some("no".to_owned()),
        result: None,
        ..done(seq)
    };
    let writes = vec![
        insert(0, ended(StepState::Failed, 1)),
        insert(1, ended(StepState::Failed, 2)),
        insert(2, ended(StepState::Skipped, 3)),
    ];
    marked(store, &row, "c".into(), 3, 5, writes).await.unwrap();
    let mut optional = restore("c", "optional");
    optional.optional = vec![0];
    store.restore(optional).await.unwrap();
    let loaded = load(store, &"optional".into()).await;
    assert_eq!(loaded.steps, [(0, ended(StepState::Failed, 1))]);
    assert_eq!(loaded.execution.last_seq, 3);
    store.restore(restore("c", "required")).await.unwrap();
    let loaded = load(store, &"required".into()).await;
    assert_eq!((loaded.steps, loaded.execution.last_seq), (Vec::new(), 3));
}

/// Its own checkpoint is as good as any.
pub async fn a_restored_execution_can_be_restored_from(store: &dyn Store) {
    interrupted(store).await;
    store.restore(restore("two", "second")).await.unwrap();
    let own = CheckpointId::of(&"second".into(), 0);
    let third = store.restore(restore(own.as_str(), "third")).await.unwrap();
    assert_eq!(third.restored_from, Some(own));
    let steps = load(store, &"third".into()).await.steps;
    assert_eq!(steps, [(0, done(2)), (2, done(1))]);
}

/// What is refused leaves no trace.
pub async fn an_execution_is_restored_to_an_identifier_that_is_free(store: &dyn Store) {
    interrupted(store).await;
    let before = load(store, &"e".into()).await;
    let taken = store.restore(restore("two", "e")).await;
    assert!(taken.unwrap_err().is_exists());
    let unknown = store.restore(restore("unknown", "new")).await;
    assert!(unknown.unwrap_err().is_not_found());
    assert_eq!(load(store, &"e".into()).await, before);
    assert_eq!(store.execution(&"new".into()).await.unwrap(), None);
    assert_eq!(store.checkpoints(&"e".into()).await.unwrap().len(), 2);
}

/// Oldest first, whether its owner lives or not.
pub async fn what_is_driven_is_unfinished_and_nothing_else(store: &dyn Store) {
    assert_eq!(store.unfinished().await.unwrap(), []);
    for (id, at) in [("late", 2), ("b", 1), ("a", 1)] {
        let mut new = new_execution(id);
        new.at = moment(at);
        store.create(new).await.unwrap();
    }
    let row = started(store, "paused").await;
    paused(store, &row).await;
    let row = started(store, "ended").await;
    completed(store, &row).await;
    started(store, "cancelled").await;
    store.cancel(&"cancelled".into(), moment(9)).await.unwrap();
    interrupted(store).await;
    store.restore(restore("two", "restored")).await.unwrap();
    let unfinished = store.unfinished().await.unwrap();
    let identifiers: Vec<_> = unfinished.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(identifiers, ["e", "a", "b", "late"]);
    assert_eq!(unfinished[0], execution(store, &"e".into()).await);
}

/// An execution of which two steps are done and one runs, with a checkpoint `none` and a checkpoint `two`.
async fn interrupted(store: &dyn Store) -> Row {
    let row = started(store, "e").await;
    let row = marked(store, &row, "none".into(), 0, 5, Vec::new())
        .await
        .unwrap();
    let writes = vec![insert(2, done(1)), insert(0, done(2)), insert(1, running())];
    marked(store, &row, "two".into(), 2, 6, writes)
        .await
        .unwrap()
}

fn restore(checkpoint: &str, id: &str) -> Restore {
    Restore::new(
        checkpoint.into(),
        id.into(),
        Vec::new(),
        origin(),
        moment(20),
    )
}

fn origin() -> Origin {
    Origin {
        agents_file: Some("others.yaml".to_owned()),
        directory: Some("/".to_owned()),
    }
}
