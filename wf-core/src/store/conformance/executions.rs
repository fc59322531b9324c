//! Creating, and reading what was created.

use super::*;
use crate::store::{ExecutionQuery, WorkflowQuery, WorkflowRecord};

/// Every column of a new row is as the trait says.
pub async fn a_new_execution_is_idle_and_leased_to_its_owner(store: &dyn Store) {
    store.create(new_execution("e")).await.unwrap();
    let expected = ExecutionRecord {
        owner: Some(owner("owner")),
        token: 1,
        lease_until: Some(moment(10_000)),
        origin: new_execution("e").origin,
        ..ExecutionRecord::new("e".into(), "w".into(), State::Idle, moment(0))
    };
    assert_eq!(execution(store, &"e".into()).await, expected);
    let loaded = load(store, &"e".into()).await;
    assert_eq!(loaded.execution, expected);
    assert_eq!(loaded.workflow.id, "w".into());
    assert_eq!(loaded.steps, []);
}

/// The second execution of one identifier leaves no trace.
pub async fn an_identifier_is_taken_once(store: &dyn Store) {
    store.create(new_execution("e")).await.unwrap();
    let mut second = new_execution("e");
    second.workflow = workflow("other");
    second.owner = owner("another");
    assert!(store.create(second).await.unwrap_err().is_exists());
    assert_eq!(
        execution(store, &"e".into()).await.owner,
        Some(owner("owner"))
    );
    assert_eq!(store.workflow(&"other".into()).await.unwrap(), None);
    assert_eq!(store.executions().await.unwrap().len(), 1);
}

/// What it says is not written again; only that it was run again.
pub async fn a_workflow_is_stored_once_for_all_its_executions(store: &dyn Store) {
    store.create(new_execution("first")).await.unwrap();
    let mut second = new_execution("second");
    second.at = moment(50);
    store.create(second).await.unwrap();
    let new = workflow("w");
    let expected = WorkflowRecord {
        id: new.id,
        name: new.definition.name.clone(),
        description: new.definition.description.clone(),
        version: new.definition.version.clone(),
        hash: new.hash,
        created_at: moment(0),
        updated_at: moment(50),
    };
    assert_eq!(
        store.workflow(&"w".into()).await.unwrap(),
        Some(expected.clone())
    );
    assert_eq!(store.workflows().await.unwrap(), [expected]);
    let definition = store.definition(&"w".into()).await.unwrap();
    assert_eq!(definition, Some(new.canonical));
}

/// Asking for what does not exist is no error.
pub async fn what_is_not_there_is_none(store: &dyn Store) {
    assert_eq!(store.execution(&"e".into()).await.unwrap(), None);
    assert_eq!(store.load(&"e".into()).await.unwrap(), None);
    assert_eq!(store.context(&"e".into()).await.unwrap(), None);
    assert_eq!(store.definition(&"w".into()).await.unwrap(), None);
    assert_eq!(store.workflow(&"w".into()).await.unwrap(), None);
    assert_eq!(store.workflows().await.unwrap(), []);
    assert_eq!(store.executions().await.unwrap(), []);
    assert_eq!(store.checkpoints(&"e".into()).await.unwrap(), []);
}

/// Of one moment, the greater identifier is the newer.
pub async fn lists_are_newest_first(store: &dyn Store) {
    for (id, at) in [("b", 1), ("c", 0), ("d", 2), ("a", 1)] {
        let mut new = new_execution(id);
        new.workflow = workflow(id);
        new.at = moment(at);
        store.create(new).await.unwrap();
    }
    let executions = store.executions().await.unwrap();
    let executions: Vec<_> = executions
        .iter()
        .map(|execution| execution.id.as_str())
        .collect();
    assert_eq!(executions, ["d", "b", "a", "c"]);
    let workflows = store.workflows().await.unwrap();
    let workflows: Vec<_> = workflows
        .iter()
        .map(|workflow| workflow.id.as_str())
        .collect();
    assert_eq!(workflows, ["d", "b", "a", "c"]);
}

/// A page begins where the one before it ended, also among those of one moment.
pub async fn lists_are_picked_by_what_is_asked_for(store: &dyn Store) {
    for (id, name, at) in [
        ("a", "one", 0),
        ("b", "one", 1),
        ("c", "two", 1),
        ("d", "one", 2),
        ("e", "two", 3),
    ] {
        let mut new = new_execution(id);
        new.workflow = workflow(id);
        let mut definition = (*new.workflow.definition).clone();
        definition.name = name.to_owned();
        new.workflow.definition = definition.into();
        new.at = moment(at);
        store.create(new).await.unwrap();
    }
    store.cancel(&"d".into(), moment(5)).await.unwrap();
    let executions = async |query: &ExecutionQuery| -> Vec<String> {
        let found = store.executions_by(query.clone()).await.unwrap();
        found.iter().map(|found| found.id.to_string()).collect()
    };
    let mut query = ExecutionQuery::default();
    assert_eq!(executions(&query).await, ["e", "d", "c", "b", "a"]);
    query.since = Some(moment(1));
    assert_eq!(executions(&query).await, ["e", "d", "c", "b"]);
    query.limit = Some(2);
    assert_eq!(executions(&query).await, ["e", "d"]);
    query.before = Some((moment(2), "d".into()));
    assert_eq!(executions(&query).await, ["c", "b"]);
    query.before = Some((moment(1), "c".into()));
    assert_eq!(executions(&query).await, ["b"]);
    query.before = None;
    query.workflow = Some("one".to_owned());
    assert_eq!(executions(&query).await, ["d", "b"]);
    query.state = Some(State::Cancelled);
    assert_eq!(executions(&query).await, ["d"]);
    query.workflow = Some("three".to_owned());
    assert_eq!(executions(&query).await, [""; 0]);

    let workflows = async |query: &WorkflowQuery| -> Vec<String> {
        let found = store.workflows_by(query.clone()).await.unwrap();
        found.iter().map(|found| found.id.to_string()).collect()
    };
    let mut query = WorkflowQuery {
        name: Some("one".to_owned()),
        ..WorkflowQuery::default()
    };
    assert_eq!(workflows(&query).await, ["d", "b", "a"]);
    query.since = Some(moment(1));
    query.limit = Some(1);
    assert_eq!(workflows(&query).await, ["d"]);
    query.before = Some((moment(2), "d".into()));
    assert_eq!(workflows(&query).await, ["b"]);
}

/// No text is cut or changed, no number rounded.
pub async fn every_text_and_moment_is_kept_as_it_is(store: &dyn Store) {
    let odd = "'; DROP TABLE workflows; -- \0 \u{1F980} \" \\ %s {{x}} \r\n";
    let mut new = new_execution(odd);
    new.at = Timestamp::from_millis(i64::MIN);
    new.lease_until = Timestamp::from_millis(i64::MAX);
    new.owner = owner(odd);
    let definition = Arc::make_mut(&mut new.workflow.definition);
    definition.name = odd.to_owned();
    definition.description = None;
    new.workflow.canonical = Json::string(&odd.repeat(10_000));
    new.context = json(r#"{"inputs":{"n":123456789012345678901234567890.10}}"#);
    new.origin = Origin {
        agents_file: None,
        directory: Some(odd.to_owned()),
    };
    store.create(new.clone()).await.unwrap();
    let loaded = load(store, &odd.into()).await;
    assert_eq!(loaded.execution.id, new.id);
    assert_eq!(loaded.execution.started_at, new.at);
    assert_eq!(loaded.execution.lease_until, Some(new.lease_until));
    assert_eq!(loaded.execution.owner, Some(new.owner));
    let context = store.context(&odd.into()).await.unwrap();
    assert_eq!(context, Some(new.context));
    assert_eq!(loaded.execution.origin, new.origin);
    assert_eq!(loaded.workflow.name, new.workflow.definition.name);
    assert_eq!(loaded.workflow.description, None);
    let definition = store.definition(&new.workflow.id).await.unwrap();
    assert_eq!(definition, Some(new.workflow.canonical));
}
