//! The store: its handle, its options, and the trait.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use diesel::SqliteConnection;
use diesel::prelude::*;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use wf_core::id::{CheckpointId, ExecutionId, Owner, Timestamp, WorkflowId};
use wf_core::store::{
    CheckpointRecord, Claim, Claimed, Commit, ExecutionQuery, ExecutionRecord, LoadedExecution,
    NewExecution, Restore, Store, StoreError, WorkflowQuery, WorkflowRecord,
};
use wf_core::usage::Usage;
use wf_core::value::Json;

use crate::error::{store_error, unreadable};
use crate::reader::Reader;
use crate::watch::Watches;
use crate::writer::Writer;
use crate::writes::{Cancellation, CheckpointDeletion, NewMark, PauseRequest, Pruning, Renewal};
use crate::{checkpoints, connection, executions, step_executions, workflows};

/// The largest result of a step, in bytes: 900 MiB. SQLite's limit is a billion bytes for a row
/// (<https://www.sqlite.org/limits.html>), in which the step's attempts have their place as well.
pub const LARGEST_RESULT: usize = 900 << 20;

/// Keeps workflows, executions, steps and checkpoints in one SQLite file.
///
/// What was answered with `Ok` survives a power cut: the database runs in WAL mode with `synchronous = FULL`, unless it
/// is opened to [defer](SqliteOptions::deferred_durability) that. Many processes may use the same file; within a process, clone the store instead of opening it again, so that
/// concurrent writes share transactions. Dropping the last clone waits for the writes that have queued, and
/// closes the file.
///
/// A database, or its log, that is deleted, moved or replaced while it is open is noticed within a fifth of a second by those who
/// [watch](Store::watch) an execution, and before any answer but that to a commit in the middle of a run: it
/// is [gone](StoreError::is_gone) then.
#[derive(Clone)]
pub struct SqliteStore {
    parts: Arc<Parts>,
}

/// How a [`SqliteStore`] is opened.
#[derive(Debug, Clone)]
#[must_use = "nothing is opened before `open`"]
pub struct SqliteOptions {
    busy_timeout: Duration,
    max_size: Option<u64>,
    read_only: bool,
    defers_durability: bool,
}

struct Parts {
    /// What tells the database from others.
    identity: String,
    watches: Arc<Watches>,
    writer: Writer,
    reader: Reader,
}

impl SqliteStore {
    /// Opens the database in the file `path`.
    ///
    /// A missing file is made, and so are the folders that it is to be in; only their owner can read them. The
    /// tables are made or brought up to date.
    ///
    /// # Errors
    ///
    /// [`is_rejected`](StoreError::is_rejected) when the file cannot be opened or made, is not an SQLite database,
    /// is read-only, or was made by a newer version of this crate; [`is_busy`](StoreError::is_busy),
    /// [`is_full`](StoreError::is_full) and [`is_damaged`](StoreError::is_damaged) as the database says.
    pub fn open(path: impl AsRef<Path>) -> Result<SqliteStore, StoreError> {
        SqliteStore::options().open(path)
    }

    /// Options that differ from the default.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use wf_diesel::SqliteStore;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let options = SqliteStore::options().busy_timeout(Duration::from_secs(2));
    /// let store = options.open(folder.path().join("ax.db"))?;
    /// assert_eq!(store.commits(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn options() -> SqliteOptions {
        SqliteOptions {
            busy_timeout: Duration::from_secs(15),
            max_size: None,
            read_only: false,
            defers_durability: false,
        }
    }

    /// How many transactions this store has committed since it was opened.
    ///
    /// Writes that wait at the same time share one, so that this grows slower than the number of writes.
    pub fn commits(&self) -> u64 {
        self.parts.writer.transactions()
    }

    fn read<T, R>(&self, read: R) -> BoxFuture<'_, Result<T, StoreError>>
    where
        T: Send + 'static,
        R: FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    {
        self.parts.reader.read(read).boxed()
    }
}

impl SqliteOptions {
    /// How long a write waits for another process that holds the database, 15 seconds unless set; at most about
    /// 24 days.
    pub fn busy_timeout(mut self, busy_timeout: Duration) -> Self {
        self.busy_timeout = busy_timeout;
        self
    }

    /// How many bytes the database file may have, as far as this store writes to it; not bounded unless set.
    ///
    /// A write that does not fit is refused as [full](StoreError::is_full). The log beside the file is not counted;
    /// a file that is larger already stays as it is.
    pub fn max_size(mut self, bytes: u64) -> Self {
        self.max_size = Some(bytes);
        self
    }

    /// Answers before what was written is on the disk: the database runs with `synchronous = NORMAL`.
    ///
    /// What was answered with `Ok` then survives the end of this process, `kill -9` included, but not a power cut or a
    /// crash of the system: those may take back whole transactions, the last ones first, usually no more than the last 250
    /// pages of the log. What is left is the database as it was at some moment before, and a run that is resumed from
    /// there does again what was taken back. For runs that may be done again, where waiting for the disk costs more.
    ///
    /// It holds for what this store writes, and for no other that has the file open.
    pub fn deferred_durability(mut self) -> Self {
        self.defers_durability = true;
        self
    }

    /// Opens for reading alone a database that is there: nothing is made or brought up to date, and every write is
    /// [rejected](StoreError::is_rejected). This is possible also in a folder that may not be written to.
    ///
    /// There, a database without a log beside it is read as it is when it is opened; that somebody else, who may write
    /// to the folder, changes it meanwhile is not seen. One with a log can be read only while somebody has it open.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Opens the database in the file `path`, as [`SqliteStore::open`] does.
    ///
    /// # Errors
    ///
    /// Those of [`SqliteStore::open`].
    pub fn open(&self, path: impl AsRef<Path>) -> Result<SqliteStore, StoreError> {
        let open = if self.read_only {
            connection::open_to_read
        } else {
            connection::open_pair
        };
        let connection::Opened {
            mut writing,
            reading,
            place,
            identity,
        } = open(path.as_ref(), self.busy_timeout)?;
        if let Some(bytes) = self.max_size {
            connection::limit_size(&mut writing, bytes).map_err(|error| store_error(&error))?;
        }
        if self.defers_durability {
            connection::defer_durability(&mut writing)?;
        }
        let watches = Watches::new();
        let place = Arc::new(place);
        let writer = Writer::start(writing, Arc::clone(&place), Arc::clone(&watches))?;
        let reader = Reader::start(reading, place)?;
        Ok(SqliteStore {
            parts: Arc::new(Parts {
                identity,
                watches,
                writer,
                reader,
            }),
        })
    }
}

impl Store for SqliteStore {
    fn identity(&self) -> &str {
        &self.parts.identity
    }

    fn largest_result(&self) -> usize {
        LARGEST_RESULT
    }

    fn create(&self, new: NewExecution) -> BoxFuture<'_, Result<(), StoreError>> {
        self.parts.writer.write(new).boxed()
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<(), StoreError>> {
        async move {
            commit.check()?;
            self.parts.writer.write(commit).await
        }
        .boxed()
    }

    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claimed, StoreError>> {
        self.parts.writer.write(claim).boxed()
    }

    fn renew(
        &self,
        owner: &Owner,
        executions: &[ExecutionId],
        lease_until: Timestamp,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        self.parts
            .writer
            .write(Renewal {
                owner: owner.clone(),
                executions: executions.to_vec(),
                lease_until,
            })
            .boxed()
    }

    fn request_pause(
        &self,
        id: &ExecutionId,
    ) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>> {
        self.parts
            .writer
            .write(PauseRequest { id: id.clone() })
            .boxed()
    }

    fn cancel(
        &self,
        id: &ExecutionId,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>> {
        self.parts
            .writer
            .write(Cancellation { id: id.clone(), at })
            .boxed()
    }

    fn execution(
        &self,
        id: &ExecutionId,
    ) -> BoxFuture<'_, Result<Option<ExecutionRecord>, StoreError>> {
        let id = id.clone();
        self.read(move |conn| executions::find_execution(conn, &id))
    }

    fn load(&self, id: &ExecutionId) -> BoxFuture<'_, Result<Option<LoadedExecution>, StoreError>> {
        let id = id.clone();
        self.read(move |conn| load(conn, &id))
    }

    fn workflow(
        &self,
        id: &WorkflowId,
    ) -> BoxFuture<'_, Result<Option<WorkflowRecord>, StoreError>> {
        let id = id.clone();
        self.read(move |conn| workflows::find_workflow(conn, &id))
    }

    fn context(&self, id: &ExecutionId) -> BoxFuture<'_, Result<Option<Json>, StoreError>> {
        let id = id.clone();
        self.read(move |conn| executions::find_context(conn, &id))
    }

    fn definition(&self, id: &WorkflowId) -> BoxFuture<'_, Result<Option<Json>, StoreError>> {
        let id = id.clone();
        self.read(move |conn| workflows::find_definition(conn, &id))
    }

    fn durations(
        &self,
        workflow: &WorkflowId,
        most: u32,
    ) -> BoxFuture<'_, Result<Vec<(u32, Duration)>, StoreError>> {
        let id = workflow.clone();
        self.read(move |conn| step_executions::list_durations(conn, &id, most))
    }

    fn usage_of(
        &self,
        agents: Vec<String>,
    ) -> BoxFuture<'_, Result<Vec<(String, Usage)>, StoreError>> {
        self.read(move |conn| step_executions::list_usage(conn, &agents))
    }

    fn workflows(&self) -> BoxFuture<'_, Result<Vec<WorkflowRecord>, StoreError>> {
        self.workflows_by(WorkflowQuery::default())
    }

    fn executions(&self) -> BoxFuture<'_, Result<Vec<ExecutionRecord>, StoreError>> {
        self.executions_by(ExecutionQuery::default())
    }

    fn workflows_by(
        &self,
        query: WorkflowQuery,
    ) -> BoxFuture<'_, Result<Vec<WorkflowRecord>, StoreError>> {
        self.read(move |conn| workflows::list_workflows(conn, &query))
    }

    fn executions_by(
        &self,
        query: ExecutionQuery,
    ) -> BoxFuture<'_, Result<Vec<ExecutionRecord>, StoreError>> {
        self.read(move |conn| executions::list_executions(conn, &query))
    }

    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<ExecutionRecord>, StoreError>> {
        self.read(executions::list_unfinished_executions)
    }

    fn checkpoints(
        &self,
        id: &ExecutionId,
    ) -> BoxFuture<'_, Result<Vec<CheckpointRecord>, StoreError>> {
        let id = id.clone();
        self.read(move |conn| {
            let Some(ids) = workflows::find_step_ids_of_execution(conn, id.as_str())? else {
                return Ok(Vec::new());
            };
            let ended = step_executions::list_ended_steps(conn, &id, ids)?;
            checkpoints::list_checkpoints(conn, &id, &ended)
        })
    }

    fn checkpoint(
        &self,
        id: &CheckpointId,
    ) -> BoxFuture<'_, Result<Option<CheckpointRecord>, StoreError>> {
        let id = id.clone();
        self.read(move |conn| {
            let Some((execution, _)) = checkpoints::find_mark(conn, &id)? else {
                return Ok(None);
            };
            let ids = workflows::find_step_ids_of_execution(conn, execution.as_str())?
                .ok_or_else(|| unreadable("the workflow of an execution is not in the database"))?;
            let ended = step_executions::list_ended_steps(conn, &execution, ids)?;
            checkpoints::find_checkpoint(conn, &id, &ended)
        })
    }

    fn create_checkpoint(
        &self,
        execution: &ExecutionId,
        id: &CheckpointId,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        self.parts
            .writer
            .write(NewMark {
                execution_id: execution.clone(),
                id: id.clone(),
                at,
            })
            .boxed()
    }

    fn restore(&self, restore: Restore) -> BoxFuture<'_, Result<ExecutionRecord, StoreError>> {
        self.parts.writer.write(restore).boxed()
    }

    fn delete_checkpoint(&self, id: &CheckpointId) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.parts
            .writer
            .write(CheckpointDeletion { id: id.clone() })
            .boxed()
    }

    fn prune_checkpoints(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.parts.writer.write(Pruning { before }).boxed()
    }

    fn watch(&self, id: &ExecutionId) -> BoxStream<'static, ()> {
        let probe = self.parts.writer.probe();
        let is_there_news = move || probe.ask().unwrap_or(true);
        Box::pin(self.parts.watches.register(id, is_there_news))
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        self.watches.close();
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("commits", &self.commits())
            .finish_non_exhaustive()
    }
}

fn load(conn: &mut SqliteConnection, id: &ExecutionId) -> QueryResult<Option<LoadedExecution>> {
    let Some(execution) = executions::find_execution(conn, id)? else {
        return Ok(None);
    };
    let missing = || unreadable("the workflow of an execution is not in the database");
    let workflow = workflows::find_workflow(conn, &execution.workflow_id)?.ok_or_else(missing)?;
    let ids = workflows::find_step_ids(conn, &execution.workflow_id)?.ok_or_else(missing)?;
    let steps = step_executions::list_step_executions(conn, id, ids)?;
    Ok(Some(LoadedExecution::new(execution, workflow, steps)))
}
