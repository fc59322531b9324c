//! Committing: the compare-and-set, and what is written with it.

use std::time::Duration;

use super::*;
use crate::usage::Usage;

/// The state is that of the path's end, and each step's row is as it was given.
pub async fn a_commit_writes_the_whole_path_and_its_steps(store: &dyn Store) {
    let row = started(store, "e").await;
    let mut failed = done(2);
    failed.state = StepState::Failed;
    failed.result = None;
    failed.error = Some("exit status 1".to_owned());
    failed.retry_base = 1;
    let mut second = Attempt::start(2, moment(3)).end(moment(5), Some("exit status 1".to_owned()));
    second.usage = Some(serde_json::json!({ "input_tokens": 12, "cost": 0.5 }));
    failed.attempts.push(second);
    let writes = steps(vec![insert(1, failed.clone()), insert(0, done(1))]);
    let path = vec![step_completed(0), step_completed(1)];
    let row = commit(store, &row, State::ExecutingSteps, path, writes)
        .await
        .unwrap();

    let loaded = load(store, &"e".into()).await;
    assert_eq!(loaded.execution.state, State::AwaitingCompletion);
    assert_eq!(loaded.execution.row(), row);
    assert_eq!(loaded.execution.driven_millis, 5);
    assert_eq!(loaded.execution.owner, Some(owner("owner")));
    assert_eq!(loaded.execution.completed_at, None);
    assert_eq!(loaded.steps, [(0, done(1)), (1, failed)]);
}

/// The state stays; the revision rises.
pub async fn a_commit_without_a_path_records_work_alone(store: &dyn Store) {
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
    let loaded = load(store, &"e".into()).await;
    assert_eq!(loaded.execution.state, State::ExecutingSteps);
    assert_eq!(loaded.execution.row(), row);
    assert_eq!(loaded.steps, [(0, running())]);
}

/// What a row lacks now is gone from it.
pub async fn a_step_row_is_updated_in_place(store: &dyn Store) {
    let row = started(store, "e").await;
    let from = State::ExecutingSteps;
    let row = commit(
        store,
        &row,
        from,
        Vec::new(),
        steps(vec![insert(2, done(1))]),
    )
    .await
    .unwrap();
    commit(
        store,
        &row,
        from,
        Vec::new(),
        steps(vec![update(2, StepRecord::pending())]),
    )
    .await
    .unwrap();
    assert_eq!(
        load(store, &"e".into()).await.steps,
        [(2, StepRecord::pending())]
    );
}

/// Nothing of a stale owner's commit is recorded.
pub async fn a_commit_from_a_stale_state_token_or_revision_is_a_conflict(store: &dyn Store) {
    let row = started(store, "e").await;
    let before = load(store, &"e".into()).await;
    let token = Row {
        token: row.token + 1,
        ..row.clone()
    };
    let revision = Row {
        revision: row.revision - 1,
        ..row.clone()
    };
    for (row, from) in [
        (token, State::ExecutingSteps),
        (revision, State::ExecutingSteps),
        (row, State::SchedulingSteps),
    ] {
        let writes = steps(vec![insert(0, done(1))]);
        assert!(
            commit(store, &row, from, Vec::new(), writes)
                .await
                .unwrap_err()
                .is_conflict()
        );
    }
    assert_eq!(load(store, &"e".into()).await, before);
}

/// A commit that comes second finds another revision.
pub async fn of_two_commits_from_one_revision_one_is_a_conflict(store: &dyn Store) {
    let row = started(store, "e").await;
    let from = State::ExecutingSteps;
    let first = commit(
        store,
        &row,
        from,
        Vec::new(),
        steps(vec![insert(0, done(1))]),
    );
    let second = commit(
        store,
        &row,
        from,
        Vec::new(),
        steps(vec![insert(1, done(1))]),
    );
    let (first, second) = futures::join!(first, second);
    let refused = match (first, second) {
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => error,
        both => panic!("one of two is written, and not {both:?}"),
    };
    assert!(refused.is_conflict());
    let loaded = load(store, &"e".into()).await;
    assert_eq!(loaded.execution.revision, row.revision + 1);
    assert_eq!(loaded.steps.len(), 1);
}

/// A path that the table does not have is refused, and so is one that leads elsewhere than it says.
pub async fn an_illegal_path_is_rejected(store: &dyn Store) {
    let row = started(store, "e").await;
    let before = load(store, &"e".into()).await;
    let legal = Commit::new(
        row,
        State::ExecutingSteps,
        vec![step_completed(0)],
        Writes::new(moment(5), 5),
    )
    .unwrap();
    let mut elsewhere = legal.clone();
    elsewhere.to = State::Completed;
    let mut illegal = legal;
    illegal.path = vec![Event::Resume];
    for commit in [elsewhere, illegal] {
        assert!(store.commit(commit).await.unwrap_err().is_rejected());
    }
    assert_eq!(load(store, &"e".into()).await, before);
}

/// There is no row to compare with.
pub async fn a_commit_to_an_unknown_execution_is_an_error(store: &dyn Store) {
    let row = Row {
        id: "nobody".into(),
        token: 1,
        revision: 0,
    };
    let refused = commit(
        store,
        &row,
        State::Idle,
        opening(),
        Writes::new(moment(1), 1),
    )
    .await
    .unwrap_err();
    assert!(refused.is_not_found() || refused.is_conflict());
    assert_eq!(store.executions().await.unwrap(), []);
}

/// After the end, not even work alone is recorded.
pub async fn the_end_gives_the_lease_back_and_is_final(store: &dyn Store) {
    let row = started(store, "e").await;
    let row = completed(store, &row).await;
    let ended = execution(store, &"e".into()).await;
    assert_eq!(ended.state, State::Completed);
    assert_eq!(ended.completed_at, Some(moment(3)));
    assert_eq!((ended.owner.clone(), ended.lease_until), (None, None));
    assert_eq!(ended.row(), row);

    let writes = steps(vec![insert(0, done(1))]);
    let refused = commit(store, &row, State::Completed, Vec::new(), writes)
        .await
        .unwrap_err();
    assert!(refused.is_rejected());
    assert_eq!(execution(store, &"e".into()).await, ended);
}

/// A paused execution is nobody's, and has not ended.
pub async fn a_pause_gives_the_lease_back(store: &dyn Store) {
    let row = started(store, "e").await;
    store.request_pause(&"e".into()).await.unwrap();
    let row = paused(store, &row).await;
    let paused = execution(store, &"e".into()).await;
    assert_eq!(paused.state, State::Paused);
    assert_eq!((paused.owner.clone(), paused.lease_until), (None, None));
    assert_eq!(paused.completed_at, None);
    assert!(!paused.pause_requested);
    assert_eq!(paused.row(), row);
}

/// The reason of a pause or of a failure is there as long as the execution rests there.
pub async fn an_error_is_recorded_until_the_execution_goes_on(store: &dyn Store) {
    let row = started(store, "e").await;
    let with_error = |error: &str| {
        let mut writes = Writes::new(moment(5), 5);
        writes.error = Some(error.to_owned());
        writes
    };
    let checkpoint = Event::CheckpointCreated {
        checkpoint: "c".into(),
    };
    let pause = vec![Event::Pause, checkpoint];
    let from = State::ExecutingSteps;
    let row = commit(store, &row, from, pause, with_error("no key"))
        .await
        .unwrap();
    let paused = execution(store, &"e".into()).await;
    assert_eq!(paused.error.as_deref(), Some("no key"));

    let writes = Writes::new(moment(6), 6);
    let row = commit(store, &row, State::Paused, vec![Event::Resume], writes)
        .await
        .unwrap();
    assert_eq!(execution(store, &"e".into()).await.error, None);

    let failure = vec![
        Event::CheckpointRestored,
        Event::Error {
            message: "step `a` failed".to_owned(),
        },
    ];
    let from = State::RestoringFromCheckpoint;
    commit(store, &row, from, failure, with_error("step `a` failed"))
        .await
        .unwrap();
    let failed = execution(store, &"e".into()).await;
    assert_eq!(failed.state, State::Failed);
    assert_eq!(failed.error.as_deref(), Some("step `a` failed"));
}

/// It is read as it was written, by every way there is, and is gone with the pause.
pub async fn when_a_paused_execution_can_go_on_is_recorded_until_it_does(store: &dyn Store) {
    let at = moment(7_200_000);
    for id in ["resumed", "cancelled"] {
        let row = started(store, id).await;
        assert_eq!(execution(store, &id.into()).await.resume_at, None);
        let mut writes = Writes::new(moment(5), 5);
        writes.error = Some("limit reached".to_owned());
        writes.resume_at = Some(at);
        let checkpoint = Event::CheckpointCreated {
            checkpoint: "c".into(),
        };
        let pause = vec![Event::Pause, checkpoint];
        let row = commit(store, &row, State::ExecutingSteps, pause, writes)
            .await
            .unwrap();
        assert_eq!(execution(store, &id.into()).await.resume_at, Some(at));
        let loaded = load(store, &id.into()).await;
        assert_eq!(loaded.execution.resume_at, Some(at));
        let listed = store.executions().await.unwrap();
        let listed = listed.iter().find(|listed| listed.id == id.into());
        assert_eq!(listed.unwrap().resume_at, Some(at));

        if id == "resumed" {
            let writes = Writes::new(moment(6), 6);
            commit(store, &row, State::Paused, vec![Event::Resume], writes)
                .await
                .unwrap();
        } else {
            let cancelled = store.cancel(&id.into(), moment(6)).await.unwrap();
            assert_eq!(cancelled.resume_at, None);
        }
        let now = execution(store, &id.into()).await;
        assert_eq!((now.resume_at, now.error), (None, None), "{id}");
    }
}

/// A row that is there already, one that is not, and a step that the workflow lacks: each undoes the whole commit.
pub async fn step_rows_that_cannot_be_written_reject_the_commit(store: &dyn Store) {
    let row = started(store, "e").await;
    let from = State::ExecutingSteps;
    let row = commit(
        store,
        &row,
        from,
        Vec::new(),
        steps(vec![insert(0, done(1))]),
    )
    .await
    .unwrap();
    let before = load(store, &"e".into()).await;
    for bad in [
        insert(0, done(2)),
        update(1, done(2)),
        insert(3, done(2)),
        update(u32::MAX, done(2)),
    ] {
        let writes = steps(vec![insert(2, done(3)), bad]);
        let refused = commit(store, &row, from, vec![step_completed(2)], writes)
            .await
            .unwrap_err();
        assert!(refused.is_rejected(), "{refused:?}");
        assert_eq!(load(store, &"e".into()).await, before);
    }
}

/// Two executions of one workflow, and one of another, share no rows.
pub async fn steps_of_two_executions_are_kept_apart(store: &dyn Store) {
    let mut other = new_execution("other");
    other.workflow = workflow("another");
    store.create(other).await.unwrap();
    let first = started(store, "first").await;
    let second = started(store, "second").await;
    let from = State::ExecutingSteps;
    commit(
        store,
        &first,
        from,
        Vec::new(),
        steps(vec![insert(0, done(1))]),
    )
    .await
    .unwrap();
    commit(
        store,
        &second,
        from,
        Vec::new(),
        steps(vec![insert(0, running()), insert(2, done(1))]),
    )
    .await
    .unwrap();
    assert_eq!(load(store, &"first".into()).await.steps, [(0, done(1))]);
    assert_eq!(
        load(store, &"second".into()).await.steps,
        [(0, running()), (2, done(1))]
    );
    assert_eq!(load(store, &"other".into()).await.steps, []);
}

/// Those of its last attempts, of its completed steps; an execution that is not completed counts for nothing.
pub async fn durations_are_those_of_a_completed_execution(store: &dyn Store) {
    let durations = async |most| store.durations(&"w".into(), most).await.unwrap();
    let failed = StepRecord {
        state: StepState::Failed,
        ..done(3)
    };
    let mut twice = done(2);
    twice.attempts = vec![
        Attempt::start(1, moment(1)).end(moment(500), Some("no".to_owned())),
        Attempt::start(2, moment(600)).end(moment(1_350), None),
    ]
    .into();
    let rows = || {
        vec![
            insert(0, done(1)),
            insert(1, twice.clone()),
            insert(2, failed.clone()),
        ]
    };
    let row = started(store, "e").await;
    let row = commit(store, &row, State::ExecutingSteps, vec![], steps(rows())).await;
    assert_eq!(durations(9).await, []);
    completed(store, &row.unwrap()).await;
    let (first, second) = (Duration::from_millis(4), Duration::from_millis(750));
    assert_eq!(durations(9).await, [(0, first), (1, second)]);
    assert_eq!(durations(1).await, [(0, first)]);
    assert_eq!(store.durations(&"other".into(), 9).await.unwrap(), []);
}

/// Of the last attempts at its steps in any execution: a failure that reports nothing says nothing.
pub async fn the_most_that_each_agent_has_used_is_known(store: &dyn Store) {
    let used = async |agents: &[&str]| {
        let agents = agents.iter().map(|&agent| agent.to_owned()).collect();
        store.usage_of(agents).await.unwrap()
    };
    let with = |error: Option<&str>, usage: &str| {
        let mut record = done(1);
        let mut attempt = Attempt::start(1, moment(1)).end(moment(5), error.map(str::to_owned));
        attempt.usage = Some(json(usage).to_value()).filter(|usage| !usage.is_null());
        record.attempts = vec![attempt].into();
        record
    };
    assert_eq!(used(&["backend"]).await, []);
    let rows = [
        (
            "one",
            with(None, r#"{"input_tokens":100,"output_tokens":20}"#),
        ),
        ("two", with(Some("no"), r#"{"total_tokens":90,"cost":0.5}"#)),
        ("three", with(Some("no"), "null")),
    ];
    for (id, record) in rows {
        let row = started(store, id).await;
        let rows = vec![insert(0, record), insert(1, running())];
        commit(store, &row, State::ExecutingSteps, vec![], steps(rows))
            .await
            .unwrap();
    }
    let most = Usage {
        tokens: 120,
        cost: 0.5,
    };
    assert_eq!(
        used(&["backend", "nobody"]).await,
        [("backend".to_owned(), most)]
    );
    assert_eq!(used(&[]).await, []);
}
