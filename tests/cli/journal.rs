//! Agents that write down each attempt, so that a test sees what was run.

use std::collections::BTreeSet;
use std::fs;

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::workbench::Workbench;

/// One line of the journal: an attempt that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) step: String,
    pub(crate) attempt: u32,
    /// What the environment variable `ROUND` of the command said.
    pub(crate) round: u32,
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

impl Workbench {
    /// Writes an agents file whose one agent `worker` writes a line to the journal, takes a moment, and answers with
    /// the step's key. What it leaves in its process group would stay for good, unless somebody kills it.
    pub(crate) fn keep_journal(&self) {
        // A line this short is written at once, whoever else writes.
        let script = "echo \"$AX_STEP_KEY $AX_ATTEMPT $ROUND\" >>journal; echo \"$AX_STEP_KEY\"";
        let script = format!("{script}; exec 1>&- 2>&-; sleep 1000 & sleep 0.01");
        self.write(
            "agents.yaml",
            format!(
                "agents:\n  worker:\n    command: [sh, -c, '{script}']\n    env: {{ ROUND: env:ROUND }}\n"
            ),
        );
    }

    /// What the journal says, in the order in which it was written.
    pub(crate) fn journal(&self) -> Vec<Entry> {
        let text = fs::read_to_string(self.path("journal")).unwrap_or_default();
        // A line that is being written is read the next time.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(entry).collect()
    }

    /// The steps of the execution whose ends are committed; none where there is no database yet, or no table in it.
    pub(crate) fn committed(&self, execution: &str) -> BTreeSet<String> {
        if !self.path(".ax/ax.db").exists() || self.columns("workflow_step_executions").is_empty() {
            return BTreeSet::new();
        }
        let mut conn = self.database();
        let rows: Vec<Named> = diesel::sql_query(
            "SELECT step.step_key AS name FROM workflow_step_executions AS row \
             JOIN workflow_steps AS step ON step.id = row.step_id \
             WHERE row.execution_id = ? AND row.seq IS NOT NULL",
        )
        .bind::<Text, _>(execution)
        .load(&mut conn)
        .unwrap();
        rows.into_iter().map(|row| row.name).collect()
    }

    /// Fails unless SQLite finds nothing wrong with the database.
    #[track_caller]
    pub(crate) fn assert_sound(&self) {
        let mut conn = self.database();
        let integrity: Vec<Named> =
            diesel::sql_query("SELECT integrity_check AS name FROM pragma_integrity_check")
                .load(&mut conn)
                .unwrap();
        let said: Vec<_> = integrity.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(said, ["ok"]);
        let dangling: Vec<Named> =
            diesel::sql_query("SELECT \"table\" AS name FROM pragma_foreign_key_check")
                .load(&mut conn)
                .unwrap();
        assert_eq!(dangling.len(), 0);
    }

    /// The names of a table's columns.
    pub(crate) fn columns(&self, table: &str) -> Vec<String> {
        let rows: Vec<Named> = diesel::sql_query("SELECT name FROM pragma_table_info(?)")
            .bind::<Text, _>(table)
            .load(&mut self.database())
            .unwrap();
        rows.into_iter().map(|row| row.name).collect()
    }

    /// A connection of our own to the default database.
    pub(crate) fn database(&self) -> SqliteConnection {
        SqliteConnection::establish(self.path(".ax/ax.db").to_str().unwrap()).unwrap()
    }
}

fn entry(line: &str) -> Entry {
    let mut words = line.split(' ');
    let mut next = || {
        words
            .next()
            .unwrap_or_else(|| panic!("a torn line: {line}"))
    };
    Entry {
        step: next().to_owned(),
        attempt: next().parse().unwrap(),
        round: next().parse().unwrap(),
    }
}
