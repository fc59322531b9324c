//! Which executions and workflows are to be listed.

use std::collections::HashSet;

use super::{ExecutionRecord, WorkflowRecord};
use crate::id::{ExecutionId, Timestamp, WorkflowId};
use crate::lifecycle::State;

/// Which executions to list, newest first: all of them unless said otherwise.
///
/// # Examples
///
/// ```
/// use wf_core::lifecycle::State;
/// use wf_core::store::ExecutionQuery;
///
/// // The twenty latest that wait to be resumed, and then the twenty before them.
/// let mut query = ExecutionQuery::default();
/// query.state = Some(State::Paused);
/// query.limit = Some(20);
/// # let page: Vec<wf_core::store::ExecutionRecord> = Vec::new();
/// query.before = page.last().map(|last| (last.started_at, last.id.clone()));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExecutionQuery {
    /// The state that they are in.
    pub state: Option<State>,
    /// The name of the workflow that they run, in whatever version.
    pub workflow: Option<String>,
    /// The moment at or after which they were created.
    pub since: Option<Timestamp>,
    /// Where the page before ended: the moment and the identifier of the last one that was listed.
    pub before: Option<(Timestamp, ExecutionId)>,
    /// How many at most.
    pub limit: Option<u32>,
}

impl ExecutionQuery {
    /// Keeps those that are asked for, of all executions in any order and the workflows that they run.
    pub fn pick(
        &self,
        mut all: Vec<ExecutionRecord>,
        workflows: &[WorkflowRecord],
    ) -> Vec<ExecutionRecord> {
        if let Some(name) = &self.workflow {
            let named = workflows.iter().filter(|workflow| workflow.name == *name);
            let named: HashSet<&WorkflowId> = named.map(|workflow| &workflow.id).collect();
            all.retain(|execution| named.contains(&execution.workflow_id));
        }
        all.retain(|execution| {
            self.state.is_none_or(|state| execution.state == state)
                && self.since.is_none_or(|since| execution.started_at >= since)
                && self
                    .before
                    .as_ref()
                    .is_none_or(|(at, id)| (execution.started_at, &execution.id) < (*at, id))
        });
        all.sort_by(|a, b| (b.started_at, &b.id).cmp(&(a.started_at, &a.id)));
        all.truncate(self.limit.map_or(usize::MAX, |limit| limit as usize));
        all
    }
}

/// Which workflows to list, newest first: all of them unless said otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkflowQuery {
    /// Their name.
    pub name: Option<String>,
    /// The moment at or after which they were stored.
    pub since: Option<Timestamp>,
    /// Where the page before ended: the moment and the identifier of the last one that was listed.
    pub before: Option<(Timestamp, WorkflowId)>,
    /// How many at most.
    pub limit: Option<u32>,
}

impl WorkflowQuery {
    /// Keeps those that are asked for, of all workflows in any order.
    pub fn pick(&self, mut all: Vec<WorkflowRecord>) -> Vec<WorkflowRecord> {
        all.retain(|workflow| {
            self.name.as_ref().is_none_or(|name| workflow.name == *name)
                && self.since.is_none_or(|since| workflow.created_at >= since)
                && self
                    .before
                    .as_ref()
                    .is_none_or(|(at, id)| (workflow.created_at, &workflow.id) < (*at, id))
        });
        all.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        all.truncate(self.limit.map_or(usize::MAX, |limit| limit as usize));
        all
    }
}
