//! What the database says of the run.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde::Deserialize;

use crate::workbench::Workbench;

/// The run; nothing, as long as it is not recorded.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Recorded {
    pub(super) execution: Option<Execution>,
    /// The steps that have rows, by key.
    pub(super) steps: BTreeMap<String, Row>,
}

#[derive(Debug, PartialEq, QueryableByName)]
pub(super) struct Execution {
    #[diesel(sql_type = Text)]
    pub(super) state: String,
    #[diesel(sql_type = BigInt)]
    pub(super) driven_millis: i64,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) budget: Option<String>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Row {
    pub(super) state: String,
    pub(super) attempts: Vec<Attempt>,
    pub(super) retry_base: usize,
}

#[derive(Debug, PartialEq, Deserialize)]
pub(super) struct Attempt {
    pub(super) number: u64,
    #[serde(default)]
    pub(super) ended_at: Option<i64>,
    #[serde(default)]
    pub(super) error: Option<String>,
    #[serde(default)]
    pub(super) interrupted: bool,
}

#[derive(QueryableByName)]
struct Stored {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Text)]
    attempts: String,
    #[diesel(sql_type = BigInt)]
    retry_base: i64,
}

impl Recorded {
    pub(super) fn read(workbench: &Workbench) -> Result<Self, String> {
        let is_made = workbench.path(".ax/ax.db").exists()
            && !workbench.columns("workflow_step_executions").is_empty();
        if !is_made {
            return Ok(Recorded::default());
        }
        let mut conn = workbench.database();
        let execution: Vec<Execution> = diesel::sql_query(
            "SELECT state, driven_millis, budget FROM workflow_executions WHERE id = 'x'",
        )
        .load(&mut conn)
        .unwrap();
        let rows: Vec<Stored> = diesel::sql_query(
            "SELECT step.step_key AS key, row.state AS state, row.attempts AS attempts, row.retry_base AS retry_base \
             FROM workflow_step_executions AS row JOIN workflow_steps AS step ON step.id = row.step_id \
             WHERE row.execution_id = 'x' ORDER BY step.position",
        )
        .load(&mut conn)
        .unwrap();
        let rows = rows.into_iter().map(|stored| {
            let attempts = serde_json::from_str(&stored.attempts);
            let row = Row {
                state: stored.state,
                attempts: attempts.map_err(|error| format!("{error}: {}", stored.attempts))?,
                retry_base: usize::try_from(stored.retry_base).unwrap(),
            };
            Ok((stored.key, row))
        });
        Ok(Recorded {
            execution: execution.into_iter().next(),
            steps: rows.collect::<Result<_, String>>()?,
        })
    }

    /// The run's state; empty as long as it is not recorded.
    pub(super) fn state(&self) -> &str {
        self.execution.as_ref().map_or("", |run| &run.state)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.execution.is_none()
    }
}
