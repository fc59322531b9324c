//! The floor of a durable run: the rows that it left, written again by bare prepared statements in as many
//! transactions, from a thread that is asked for each and answers when it is durable.

use std::path::Path;
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, Statement, params};

use crate::measure::time;

/// The execution that only stores the workflow and is no part of what is measured.
pub(crate) const GIVEN_UP: &str = "given-up";

/// What is to be written again.
pub(crate) struct Replay {
    transactions: Vec<Vec<Commit>>,
}

/// What one execution adds at a time.
enum Commit {
    Create(Box<Execution>),
    Advance {
        execution: String,
        from: &'static str,
        to: &'static str,
        revision: i64,
        driven: i64,
        /// The greatest number that its steps have; 0 when there are none.
        last_seq: i64,
        /// The last values of the row, when the execution ends here.
        end: Option<i64>,
        steps: Vec<Step>,
        checkpoints: Vec<Vec<Value>>,
    },
}

struct Execution {
    id: String,
    workflow: String,
    context: String,
    started_at: i64,
    completed_at: i64,
    token: i64,
    revision: i64,
    driven: i64,
}

struct Step {
    execution: String,
    step: i64,
    state: String,
    seq: Option<i64>,
    result: Option<String>,
    started_at: Option<i64>,
    completed_at: Option<i64>,
    error: Option<String>,
    retry_count: i64,
    attempts: String,
    retry_base: i64,
}

impl Replay {
    /// What the runs in a database have left, to be written in that many transactions. As many executions are written in
    /// turns as were under way at a time: with fewer, each transaction would touch fewer pages than theirs did.
    pub(crate) fn of(path: &Path, transactions: u64, at_once: usize) -> Self {
        let conn = connect(path);
        let mut executions = executions(&conn);
        executions.sort_by(|a, b| a.id.cmp(&b.id));
        let mut commits = Vec::new();
        for group in executions.chunks_mut(at_once) {
            let mut group: Vec<_> = group
                .iter()
                .map(|e| commits_of(&conn, e).into_iter())
                .collect();
            loop {
                let before = commits.len();
                commits.extend(group.iter_mut().filter_map(Iterator::next));
                if commits.len() == before {
                    break;
                }
            }
        }
        let (count, all) = (transactions as usize, commits.len());
        let mut rest = commits.into_iter();
        let transactions = (0..count).map(|at| {
            rest.by_ref()
                .take(all * (at + 1) / count - all * at / count)
                .collect()
        });
        Replay {
            transactions: transactions.collect(),
        }
    }

    /// How many rows are inserted or updated.
    pub(crate) fn rows(&self) -> usize {
        let rows = self
            .transactions
            .iter()
            .flatten()
            .map(|commit| match commit {
                Commit::Create(_) => 1,
                Commit::Advance {
                    steps, checkpoints, ..
                } => 1 + steps.len() + checkpoints.len(),
            });
        rows.sum()
    }

    /// Writes it to a database that has the workflow, and says how long that took.
    pub(crate) fn play(self, path: &Path) -> Duration {
        let (queue, asked) = channel::<(Vec<Commit>, SyncSender<()>)>();
        let conn = connect(path);
        let thread = std::thread::spawn(move || {
            let mut statements = Statements::new(&conn);
            for (transaction, answer) in asked {
                statements.write(&transaction);
                answer.send(()).expect("somebody waits");
            }
        });
        let transactions = self.transactions;
        let (taken, ()) = time(|| send(&queue, transactions));
        drop(queue);
        thread
            .join()
            .expect("the thread that writes has not panicked");
        taken
    }
}

fn send(queue: &Sender<(Vec<Commit>, SyncSender<()>)>, transactions: Vec<Vec<Commit>>) {
    for transaction in transactions {
        let (answer, answered) = sync_channel(1);
        queue
            .send((transaction, answer))
            .expect("the thread is there");
        answered.recv().expect("the thread answers");
    }
}

/// Asserts that both databases have the same rows, but for when the workflow was stored.
pub(crate) fn assert_equal(ours: &Path, floor: &Path) {
    for query in [
        "SELECT id, name, description, definition, version, hash FROM workflows ORDER BY id",
        "SELECT * FROM workflow_steps ORDER BY id",
        "SELECT * FROM workflow_executions WHERE id <> 'given-up' ORDER BY id",
        "SELECT execution_id, step_id, state, seq, result, started_at, completed_at, error, retry_count, attempts, \
             retry_base FROM workflow_step_executions ORDER BY execution_id, step_id",
        "SELECT * FROM workflow_checkpoints ORDER BY id",
    ] {
        let (ours, floor) = (rows(&connect(ours), query), rows(&connect(floor), query));
        assert!(ours == floor, "the floor has left other rows: {query}");
        assert!(!ours.is_empty(), "nothing was written: {query}");
    }
}

pub(crate) fn connect(path: &Path) -> Connection {
    let conn = Connection::open(path).expect("the database opens");
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; \
         PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 250",
    )
    .expect("SQLite takes the settings");
    conn
}

fn rows(conn: &Connection, query: &str) -> Vec<Vec<Value>> {
    read_rows(&mut conn.prepare(query).expect("the query is right"), [])
}

/// The rows that a query gives.
pub(crate) fn read_rows(
    statement: &mut Statement<'_>,
    bound: impl rusqlite::Params,
) -> Vec<Vec<Value>> {
    let columns = statement.column_count();
    let rows = statement.query_map(bound, |row| (0..columns).map(|at| row.get(at)).collect());
    rows.and_then(Iterator::collect).expect("the rows are read")
}

fn executions(conn: &Connection) -> Vec<Execution> {
    let mut statement = conn
        .prepare(
            "SELECT id, workflow_id, context, started_at, completed_at, fencing_token, revision, driven_millis \
             FROM workflow_executions WHERE id <> ? AND state = 'completed'",
        )
        .expect("the query is right");
    let rows = statement.query_map([GIVEN_UP], |row| {
        Ok(Execution {
            id: row.get(0)?,
            workflow: row.get(1)?,
            context: row.get(2)?,
            started_at: row.get(3)?,
            completed_at: row.get(4)?,
            token: row.get(5)?,
            revision: row.get(6)?,
            driven: row.get(7)?,
        })
    });
    rows.and_then(Iterator::collect).expect("the rows are read")
}

fn steps(conn: &Connection, execution: &str) -> Vec<Step> {
    let mut statement = conn
        .prepare(
            "SELECT execution_id, step_id, state, seq, result, started_at, completed_at, error, retry_count, attempts, \
             retry_base FROM workflow_step_executions WHERE execution_id = ? ORDER BY seq",
        )
        .expect("the query is right");
    let rows = statement.query_map([execution], |row| {
        Ok(Step {
            execution: row.get(0)?,
            step: row.get(1)?,
            state: row.get(2)?,
            seq: row.get(3)?,
            result: row.get(4)?,
            started_at: row.get(5)?,
            completed_at: row.get(6)?,
            error: row.get(7)?,
            retry_count: row.get(8)?,
            attempts: row.get(9)?,
            retry_base: row.get(10)?,
        })
    });
    rows.and_then(Iterator::collect).expect("the rows are read")
}

/// The commits of one execution: as many as its revision says, with its rows spread evenly over them.
fn commits_of(conn: &Connection, execution: &Execution) -> Vec<Commit> {
    let steps = steps(conn, &execution.id);
    let checkpoints = format!(
        "SELECT * FROM workflow_checkpoints WHERE execution_id = '{}'",
        execution.id
    );
    let mut checkpoints = rows(conn, &checkpoints);
    let (last, all) = (execution.revision, steps.len());
    let mut steps = steps.into_iter();
    let mut commits = vec![Commit::Create(Box::new(Execution {
        id: execution.id.clone(),
        workflow: execution.workflow.clone(),
        context: execution.context.clone(),
        ..*execution
    }))];
    for revision in 1..=last {
        let (at, of) = (revision as usize, last as usize);
        let (due, left): (Vec<_>, Vec<_>) = checkpoints
            .into_iter()
            .partition(|row| row.last() == Some(&Value::Integer(revision)));
        checkpoints = left;
        let share = all * at / of - all * (at - 1) / of;
        let steps: Vec<Step> = steps.by_ref().take(share).collect();
        commits.push(Commit::Advance {
            execution: execution.id.clone(),
            from: if revision == 1 {
                "idle"
            } else {
                "executing_steps"
            },
            to: if revision == last {
                "completed"
            } else {
                "executing_steps"
            },
            revision: revision - 1,
            driven: execution.driven,
            end: (revision == last).then_some(execution.completed_at),
            last_seq: steps.iter().filter_map(|step| step.seq).max().unwrap_or(0),
            steps,
            checkpoints: due,
        });
    }
    commits
}

/// Everything that is written, prepared once.
struct Statements<'c> {
    begin: Statement<'c>,
    commit: Statement<'c>,
    create: Statement<'c>,
    advance: Statement<'c>,
    end: Statement<'c>,
    step: Statement<'c>,
    checkpoint: Statement<'c>,
}

impl<'c> Statements<'c> {
    fn new(conn: &'c Connection) -> Self {
        let prepare = |text| conn.prepare(text).expect("the statement is right");
        Statements {
            begin: prepare("BEGIN IMMEDIATE"),
            commit: prepare("COMMIT"),
            create: prepare(
                "INSERT INTO workflow_executions (id, workflow_id, state, context, started_at, owner, fencing_token, \
                 lease_until, revision, pause_requested, driven_millis, last_seq) \
                 VALUES (?, ?, 'idle', ?, ?, ?, ?, ?, 0, 0, 0, 0)",
            ),
            advance: prepare(
                "UPDATE workflow_executions SET revision = revision + 1, state = ?, driven_millis = ?, last_seq = max(last_seq, ?), \
                 error = NULL \
                 WHERE id = ? AND state = ? AND fencing_token = ? AND revision = ?",
            ),
            end: prepare(
                "UPDATE workflow_executions SET revision = revision + 1, state = ?, driven_millis = ?, last_seq = max(last_seq, ?), \
                 error = NULL, completed_at = ?, owner = NULL, lease_until = NULL, pause_requested = 0 \
                 WHERE id = ? AND state = ? AND fencing_token = ? AND revision = ?",
            ),
            step: prepare(
                "INSERT INTO workflow_step_executions (execution_id, step_id, state, seq, result, started_at, \
                 completed_at, error, retry_count, attempts, retry_base) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            ),
            checkpoint: prepare("INSERT INTO workflow_checkpoints VALUES (?, ?, ?, ?, ?, ?, ?)"),
        }
    }

    fn write(&mut self, transaction: &[Commit]) {
        self.begin.execute([]).expect("a transaction begins");
        for commit in transaction {
            self.apply(commit).expect("the rows fit");
        }
        self.commit.execute([]).expect("a transaction ends");
    }

    fn apply(&mut self, commit: &Commit) -> rusqlite::Result<()> {
        match commit {
            Commit::Create(new) => {
                let owner = "0198f3a0-0000-7000-8000-000000000000";
                self.create.execute(params![
                    new.id,
                    new.workflow,
                    new.context,
                    new.started_at,
                    owner,
                    new.token,
                    new.started_at,
                ])?;
            }
            Commit::Advance {
                execution,
                from,
                to,
                revision,
                driven,
                last_seq,
                end,
                steps,
                checkpoints,
            } => {
                let changed = match end {
                    None => self
                        .advance
                        .execute(params![to, driven, last_seq, execution, from, 1, revision])?,
                    Some(at) => self.end.execute(params![
                        to, driven, last_seq, at, execution, from, 1, revision
                    ])?,
                };
                assert_eq!(changed, 1);
                for step in steps {
                    self.step.execute(params![
                        step.execution,
                        step.step,
                        step.state,
                        step.seq,
                        step.result,
                        step.started_at,
                        step.completed_at,
                        step.error,
                        step.retry_count,
                        step.attempts,
                        step.retry_base,
                    ])?;
                }
                for checkpoint in checkpoints {
                    self.checkpoint
                        .execute(rusqlite::params_from_iter(checkpoint))?;
                }
            }
        }
        Ok(())
    }
}
