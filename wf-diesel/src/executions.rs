//! The table `workflow_executions`: one row per run, and every compare-and-set.

use diesel::dsl::auto_type;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;
use wf_core::engine::Budget;
use wf_core::id::{ExecutionId, Owner, Timestamp};
use wf_core::lifecycle::State;
use wf_core::store::{Claim, Commit, ExecutionQuery, ExecutionRecord, NewExecution, Restore};
use wf_core::value::Json;

use crate::error::{integer, refuse, unreadable, unsigned};
use crate::insert::insert;
use crate::schema::workflow_executions::{self, dsl};
use crate::schema::workflows;

/// The token of an execution that was just created.
const FIRST_TOKEN: i64 = 1;

/// The token of an execution whose lease nobody has taken yet.
const UNCLAIMED_TOKEN: i64 = 0;

#[derive(Queryable, Selectable)]
#[diesel(table_name = workflow_executions)]
struct ExecutionRow {
    id: String,
    workflow_id: String,
    state: String,
    started_at: i64,
    completed_at: Option<i64>,
    error: Option<String>,
    owner: Option<String>,
    fencing_token: i64,
    lease_until: Option<i64>,
    revision: i64,
    pause_requested: bool,
    driven_millis: i64,
    last_seq: i64,
    budget: Option<String>,
    agents_file: Option<String>,
    directory: Option<String>,
    restored_from: Option<String>,
    resume_at: Option<i64>,
}

impl ExecutionRow {
    fn record(self) -> QueryResult<ExecutionRecord> {
        let mut record = ExecutionRecord::new(
            self.id.into(),
            self.workflow_id.into(),
            state(&self.state)?,
            Timestamp::from_millis(self.started_at),
        );
        record.completed_at = self.completed_at.map(Timestamp::from_millis);
        record.error = self.error;
        record.owner = self.owner.map(Into::into);
        record.token = unsigned(self.fencing_token)?;
        record.lease_until = self.lease_until.map(Timestamp::from_millis);
        record.revision = unsigned(self.revision)?;
        record.pause_requested = self.pause_requested;
        record.driven_millis = unsigned(self.driven_millis)?;
        record.last_seq = unsigned(self.last_seq)?;
        record.budget = self.budget.as_deref().map(budget).transpose()?;
        record.origin.agents_file = self.agents_file;
        record.origin.directory = self.directory;
        record.restored_from = self.restored_from.map(Into::into);
        record.resume_at = self.resume_at.map(Timestamp::from_millis);
        Ok(record)
    }
}

/// The budget that an execution was resumed with.
fn budget(json: &str) -> QueryResult<Budget> {
    let budget = serde_json::from_str(json).ok();
    let budget = budget.and_then(|json| Budget::from_json(&json));
    budget.ok_or_else(|| unreadable("the database holds a budget that cannot be read"))
}

/// The state of that name in the database.
pub(crate) fn state(name: &str) -> QueryResult<State> {
    State::parse(name)
        .ok_or_else(|| unreadable("the database holds a state that is none of the lifecycle"))
}

pub(crate) fn insert_execution(
    conn: &mut SqliteConnection,
    new: &NewExecution,
) -> QueryResult<usize> {
    let row = NewRow {
        id: new.id.as_str(),
        workflow_id: new.workflow.id.as_str(),
        state: State::Idle.name(),
        context: new.context.as_str(),
        started_at: new.at.millis(),
        owner: new.owner.as_str(),
        fencing_token: FIRST_TOKEN,
        lease_until: new.lease_until.millis(),
        revision: 0,
        pause_requested: false,
        driven_millis: 0,
        last_seq: 0,
        agents_file: new.origin.agents_file.as_deref(),
        directory: new.origin.directory.as_deref(),
    };
    row.execute(conn)
}

/// Inserts an execution that stands where a checkpoint of `source`, up to `through_seq`, was.
pub(crate) fn insert_restored_execution(
    conn: &mut SqliteConnection,
    restore: &Restore,
    source: &ExecutionId,
    through_seq: u64,
) -> QueryResult<usize> {
    // The context and the budget are copied where they are.
    diesel::sql_query(format!(
        "INSERT INTO workflow_executions (id, workflow_id, state, context, started_at, fencing_token, revision, \
             pause_requested, driven_millis, last_seq, budget, agents_file, directory, restored_from) \
         SELECT ?, workflow_id, '{}', context, ?, {UNCLAIMED_TOKEN}, 0, 0, 0, ?, budget, ?, ?, ? \
         FROM workflow_executions WHERE id = ?",
        State::Paused.name(),
    ))
    .bind::<Text, _>(restore.id.as_str())
    .bind::<BigInt, _>(restore.at.millis())
    .bind::<BigInt, _>(integer(through_seq)?)
    .bind::<Nullable<Text>, _>(restore.origin.agents_file.as_deref())
    .bind::<Nullable<Text>, _>(restore.origin.directory.as_deref())
    .bind::<Text, _>(restore.checkpoint.as_str())
    .bind::<Text, _>(source.as_str())
    .execute(conn)
}

/// Writes a commit to an execution that goes on; no row changes unless it stands as the commit expects.
pub(crate) fn advance_execution(
    conn: &mut SqliteConnection,
    commit: &Commit,
) -> QueryResult<usize> {
    if commit.from == commit.to {
        Advance::<false>::of(commit)?.execute(conn)
    } else {
        Advance::<true>::of(commit)?.execute(conn)
    }
}

/// Writes a commit that pauses or ends an execution, and gives its lease back.
pub(crate) fn settle_execution(conn: &mut SqliteConnection, commit: &Commit) -> QueryResult<usize> {
    let settle = Settle {
        advance: Advance::of(commit)?,
        error: commit.writes.error.as_deref(),
        resume_at: commit.writes.resume_at.map(Timestamp::millis),
        completed_at: commit.to.is_terminal().then(|| commit.writes.at.millis()),
    };
    settle.execute(conn)
}

/// Takes the lease; no row changes unless it stands as the claim expects and has not ended.
pub(crate) fn claim_execution(conn: &mut SqliteConnection, claim: &Claim) -> QueryResult<usize> {
    diesel::update(dsl::workflow_executions.find(claim.row.id.as_str()))
        .filter(dsl::fencing_token.eq(integer(claim.row.token)?))
        .filter(dsl::revision.eq(integer(claim.row.revision)?))
        .filter(has_not_ended())
        .set((
            dsl::owner.eq(Some(claim.owner.as_str())),
            dsl::lease_until.eq(Some(claim.lease_until.millis())),
            dsl::fencing_token.eq(dsl::fencing_token + 1),
            dsl::revision.eq(dsl::revision + 1),
            (!claim.keeps_pause).then(|| dsl::pause_requested.eq(false)),
            claim
                .budget
                .as_ref()
                .map(|budget| dsl::budget.eq(budget.to_json().to_string())),
        ))
        .execute(conn)
}

/// Prolongs the leases that `owner` holds on those executions.
pub(crate) fn renew_leases(
    conn: &mut SqliteConnection,
    owner: &Owner,
    executions: &[ExecutionId],
    lease_until: Timestamp,
) -> QueryResult<usize> {
    let ids: Vec<&str> = executions.iter().map(ExecutionId::as_str).collect();
    let ids = serde_json::to_string(&ids)
        .map_err(|_| refuse("the identifiers of executions cannot be written as JSON"))?;
    // A list of any length is one bound value here; in diesel's own statements it is one for each execution.
    diesel::sql_query(format!(
        "UPDATE workflow_executions SET lease_until = ? \
         WHERE id IN (SELECT value FROM json_each(?)) AND owner = ? AND state NOT IN ('{}', '{}', '{}', '{}')",
        State::Paused.name(),
        State::Completed.name(),
        State::Failed.name(),
        State::Cancelled.name(),
    ))
    .bind::<BigInt, _>(lease_until.millis())
    .bind::<Text, _>(ids)
    .bind::<Text, _>(owner.as_str())
    .execute(conn)
}

/// Asks for a pause; the revision stays, so that the owner's next commit is not refused.
pub(crate) fn request_pause(conn: &mut SqliteConnection, id: &ExecutionId) -> QueryResult<usize> {
    diesel::update(dsl::workflow_executions.find(id.as_str()))
        .filter(has_not_ended())
        .filter(dsl::state.ne(State::Paused.name()))
        .set(dsl::pause_requested.eq(true))
        .execute(conn)
}

pub(crate) fn is_pause_requested(
    conn: &mut SqliteConnection,
    id: &ExecutionId,
) -> QueryResult<bool> {
    dsl::workflow_executions
        .find(id.as_str())
        .select(dsl::pause_requested)
        .first(conn)
}

pub(crate) fn cancel_execution(
    conn: &mut SqliteConnection,
    id: &ExecutionId,
    at: Timestamp,
) -> QueryResult<usize> {
    diesel::update(dsl::workflow_executions.find(id.as_str()))
        .filter(has_not_ended())
        .set((
            dsl::state.eq(State::Cancelled.name()),
            dsl::fencing_token.eq(dsl::fencing_token + 1),
            dsl::revision.eq(dsl::revision + 1),
            dsl::completed_at.eq(Some(at.millis())),
            dsl::error.eq(None::<&str>),
            dsl::resume_at.eq(None::<i64>),
            dsl::owner.eq(None::<&str>),
            dsl::lease_until.eq(None::<i64>),
            dsl::pause_requested.eq(false),
        ))
        .execute(conn)
}

pub(crate) fn find_state(
    conn: &mut SqliteConnection,
    id: &ExecutionId,
) -> QueryResult<Option<State>> {
    let name: Option<String> = dsl::workflow_executions
        .find(id.as_str())
        .select(dsl::state)
        .get_result(conn)
        .optional()?;
    name.map(|name| state(&name)).transpose()
}

pub(crate) fn find_execution(
    conn: &mut SqliteConnection,
    id: &ExecutionId,
) -> QueryResult<Option<ExecutionRecord>> {
    let row: Option<ExecutionRow> = dsl::workflow_executions
        .find(id.as_str())
        .select(ExecutionRow::as_select())
        .get_result(conn)
        .optional()?;
    row.map(ExecutionRow::record).transpose()
}

pub(crate) fn find_context(
    conn: &mut SqliteConnection,
    id: &ExecutionId,
) -> QueryResult<Option<Json>> {
    let context: Option<String> = dsl::workflow_executions
        .find(id.as_str())
        .select(dsl::context)
        .get_result(conn)
        .optional()?;
    Ok(context.map(Json::from_stored))
}

/// The executions that a query asks for, newest first.
pub(crate) fn list_executions(
    conn: &mut SqliteConnection,
    query: &ExecutionQuery,
) -> QueryResult<Vec<ExecutionRecord>> {
    let mut found = dsl::workflow_executions
        .select(ExecutionRow::as_select())
        .order((dsl::started_at.desc(), dsl::id.desc()))
        .into_boxed();
    if let Some(state) = query.state {
        found = found.filter(dsl::state.eq(state.name()));
    }
    if let Some(name) = &query.workflow {
        let named = workflows::table.filter(workflows::name.eq(name));
        found = found.filter(dsl::workflow_id.eq_any(named.select(workflows::id)));
    }
    if let Some(since) = query.since {
        found = found.filter(dsl::started_at.ge(since.millis()));
    }
    if let Some((at, id)) = &query.before {
        let before = dsl::started_at.lt(at.millis());
        let same = dsl::started_at.eq(at.millis());
        found = found.filter(before.or(same.and(dsl::id.lt(id.as_str()))));
    }
    if let Some(limit) = query.limit {
        found = found.limit(limit.into());
    }
    let rows: Vec<ExecutionRow> = found.load(conn)?;
    rows.into_iter().map(ExecutionRow::record).collect()
}

/// The executions that are neither paused nor over, oldest first.
pub(crate) fn list_unfinished_executions(
    conn: &mut SqliteConnection,
) -> QueryResult<Vec<ExecutionRecord>> {
    let rows: Vec<ExecutionRow> = dsl::workflow_executions
        // Whatever is driven has an owner, and there is an index of those.
        .filter(dsl::owner.is_not_null())
        .filter(has_not_ended())
        .filter(dsl::state.ne(State::Paused.name()))
        .select(ExecutionRow::as_select())
        .order((dsl::started_at.asc(), dsl::id.asc()))
        .load(conn)?;
    rows.into_iter().map(ExecutionRow::record).collect()
}

#[auto_type(no_type_alias)]
fn has_not_ended() -> _ {
    let completed: &'static str = State::Completed.name();
    let failed: &'static str = State::Failed.name();
    let cancelled: &'static str = State::Cancelled.name();
    dsl::state
        .ne(completed)
        .and(dsl::state.ne(failed))
        .and(dsl::state.ne(cancelled))
}

/// The statement of every step that ends, prepared once.
///
/// diesel prepares its own `UPDATE`s anew each time, because a changeset may leave columns out; that would be half of
/// what this one costs.
///
/// One that leads to another state and one that stays are two statements: a column that is set to what it holds has its
/// indexes written all the same.
struct Advance<'a, const MOVES: bool> {
    id: &'a str,
    from: &'a str,
    token: i64,
    revision: i64,
    to: &'a str,
    driven_millis: i64,
    last_seq: i64,
}

impl<'a, const MOVES: bool> Advance<'a, MOVES> {
    fn of(commit: &'a Commit) -> QueryResult<Self> {
        let (row, writes) = (&commit.row, &commit.writes);
        Ok(Advance {
            id: row.id.as_str(),
            from: commit.from.name(),
            token: integer(row.token)?,
            revision: integer(row.revision)?,
            to: commit.to.name(),
            driven_millis: integer(writes.driven_millis)?,
            last_seq: integer(writes.last_seq())?,
        })
    }
}

impl<const MOVES: bool> QueryId for Advance<'_, MOVES> {
    type QueryId = Advance<'static, MOVES>;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<const MOVES: bool> Advance<'_, MOVES> {
    fn walk_set<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("UPDATE workflow_executions SET revision = revision + 1");
        if MOVES {
            out.push_sql(", state = ");
            out.push_bind_param::<Text, _>(&self.to)?;
        }
        out.push_sql(", driven_millis = ");
        out.push_bind_param::<BigInt, _>(&self.driven_millis)?;
        out.push_sql(", last_seq = max(last_seq, ");
        out.push_bind_param::<BigInt, _>(&self.last_seq)?;
        out.push_sql(")");
        Ok(())
    }

    fn walk_where<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(" WHERE id = ");
        out.push_bind_param::<Text, _>(&self.id)?;
        out.push_sql(" AND state = ");
        out.push_bind_param::<Text, _>(&self.from)?;
        out.push_sql(" AND fencing_token = ");
        out.push_bind_param::<BigInt, _>(&self.token)?;
        out.push_sql(" AND revision = ");
        out.push_bind_param::<BigInt, _>(&self.revision)
    }
}

impl<const MOVES: bool> QueryFragment<Sqlite> for Advance<'_, MOVES> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.walk_set(&mut out)?;
        out.push_sql(", error = NULL, resume_at = NULL");
        self.walk_where(&mut out)
    }
}

impl<const MOVES: bool> RunQueryDsl<SqliteConnection> for Advance<'_, MOVES> {}

/// The statement with which every run ends or pauses, prepared once for the same reason.
struct Settle<'a> {
    advance: Advance<'a, true>,
    error: Option<&'a str>,
    resume_at: Option<i64>,
    completed_at: Option<i64>,
}

impl QueryId for Settle<'_> {
    type QueryId = Settle<'static>;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Sqlite> for Settle<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.advance.walk_set(&mut out)?;
        out.push_sql(", error = ");
        out.push_bind_param::<Nullable<Text>, _>(&self.error)?;
        out.push_sql(", resume_at = ");
        out.push_bind_param::<Nullable<BigInt>, _>(&self.resume_at)?;
        out.push_sql(", completed_at = ");
        out.push_bind_param::<Nullable<BigInt>, _>(&self.completed_at)?;
        out.push_sql(", owner = NULL, lease_until = NULL, pause_requested = 0");
        self.advance.walk_where(&mut out)
    }
}

impl RunQueryDsl<SqliteConnection> for Settle<'_> {}

insert! {
    struct NewRow into "workflow_executions" {
        id: &'a str as Text,
        workflow_id: &'a str as Text,
        state: &'a str as Text,
        context: &'a str as Text,
        started_at: i64 as BigInt,
        owner: &'a str as Text,
        fencing_token: i64 as BigInt,
        lease_until: i64 as BigInt,
        revision: i64 as BigInt,
        pause_requested: bool as Bool,
        driven_millis: i64 as BigInt,
        last_seq: i64 as BigInt,
        agents_file: Option<&'a str> as Nullable<Text>,
        directory: Option<&'a str> as Nullable<Text>,
    }
}
