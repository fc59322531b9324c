//! The thread that owns the writing connection, and the only transactions that write.
//!
//! It takes what has queued, applies it in one transaction, and answers each caller when that is durable: the
//! time that one batch takes to reach the disk is the time in which the next one gathers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use diesel::prelude::*;
use futures::channel::oneshot;
use wf_core::store::StoreError;

use crate::connection::{begin_immediate, commit, data_version, roll_back};
use crate::error::store_error;
use crate::place::Place;
use crate::watch::Watches;
use crate::writes::{Session, Write};

/// About how many rows one transaction takes; a single larger write is still taken whole.
const ROWS_PER_TRANSACTION: usize = 8_192;

/// The way to the thread that writes; dropping it ends the thread after what has queued.
pub(crate) struct Writer {
    queue: Sender<Message>,
    thread: Option<JoinHandle<()>>,
    transactions: Arc<AtomicU64>,
}

/// Asks the writing connection whether another has written to the database, or taken it away.
pub(crate) struct Probe(Sender<Message>);

enum Message {
    Write(Box<dyn Queued>),
    Probe(SyncSender<bool>),
    Close,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(
        conn: SqliteConnection,
        place: Arc<Place>,
        watches: Arc<Watches>,
    ) -> Result<Self, StoreError> {
        let (queue, messages) = channel();
        let transactions = Arc::new(AtomicU64::new(0));
        let mut thread = Thread {
            session: Session::new(conn),
            place,
            watches,
            transactions: Arc::clone(&transactions),
            data_version: 0,
        };
        thread.data_version =
            data_version(&mut thread.session.conn).map_err(|error| store_error(&error))?;
        let thread = std::thread::Builder::new()
            .name("wf-store-writer".into())
            .spawn(move || thread.run(&messages))
            .map_err(|error| {
                StoreError::busy("cannot start the store's thread").with_source(error)
            })?;
        Ok(Writer {
            queue,
            thread: Some(thread),
            transactions,
        })
    }

    /// Queues a write and waits until it is durable, or refused.
    pub(crate) async fn write<W: Write>(&self, write: W) -> Result<W::Answer, StoreError> {
        let (sender, answer) = oneshot::channel();
        let queued = Message::Write(Box::new(Waiting {
            write,
            decision: None,
            sender,
        }));
        if self.queue.send(queued).is_err() {
            return Err(thread_is_gone());
        }
        answer.await.unwrap_or_else(|_| Err(thread_is_gone()))
    }

    /// How many transactions were committed.
    pub(crate) fn transactions(&self) -> u64 {
        self.transactions.load(Ordering::Relaxed)
    }

    /// A way to ask for writes of others.
    pub(crate) fn probe(&self) -> Probe {
        Probe(self.queue.clone())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Said, and not left to the last sender: the thread that probes has one, and may be where this runs. When the
        // thread is gone already there is nothing to end.
        let _ = self.queue.send(Message::Close);
        join(self.thread.take());
    }
}

impl Probe {
    /// Whether another connection has written to the database since this was asked last, or its file is not where it
    /// was; none when the thread is gone.
    pub(crate) fn ask(&self) -> Option<bool> {
        let (sender, answer) = sync_channel(1);
        self.0.send(Message::Probe(sender)).ok()?;
        answer.recv().ok()
    }
}

/// Waits for a thread to end, unless it is the one that runs: a caller may drop its store while it is answered.
pub(crate) fn join(thread: Option<JoinHandle<()>>) {
    if let Some(thread) = thread
        && thread.thread().id() != std::thread::current().id()
    {
        // A panic was reported when it happened; there is nobody left to answer.
        let _ = thread.join();
    }
}

/// The answer when a thread of the store has ended before it gave one.
pub(crate) fn thread_is_gone() -> StoreError {
    StoreError::unanswered("the store has closed before it answered")
}

/// A write whose caller waits.
trait Queued: Send {
    fn rows(&self) -> usize;

    /// Whether it is to be known before the answer that the file is where it was.
    fn wants_place(&self) -> bool;

    /// Applies the write and keeps the answer until it is durable.
    fn apply(&mut self, session: &mut Session) -> QueryResult<()>;

    /// Wakes those whom the write concerns, and answers: with what was kept, or with why it came to nothing.
    fn answer(self: Box<Self>, failure: Option<StoreError>, watches: &Watches);
}

struct Waiting<W: Write> {
    write: W,
    decision: Option<Result<W::Answer, StoreError>>,
    sender: oneshot::Sender<Result<W::Answer, StoreError>>,
}

impl<W: Write> Queued for Waiting<W> {
    fn rows(&self) -> usize {
        self.write.rows()
    }

    fn wants_place(&self) -> bool {
        self.write.wants_place()
    }

    fn apply(&mut self, session: &mut Session) -> QueryResult<()> {
        self.decision = Some(self.write.apply(session)?);
        Ok(())
    }

    fn answer(self: Box<Self>, failure: Option<StoreError>, watches: &Watches) {
        let answer = match (failure, self.decision) {
            (Some(error), _) => Err(error),
            (None, Some(decision)) => decision,
            (None, None) => Err(thread_is_gone()),
        };
        if answer.is_ok()
            && let Some(id) = self.write.wakes()
        {
            watches.wake(id);
        }
        // Nobody may be waiting any more; the write stands all the same.
        let _ = self.sender.send(answer);
    }
}

struct Thread {
    session: Session,
    place: Arc<Place>,
    watches: Arc<Watches>,
    transactions: Arc<AtomicU64>,
    data_version: i64,
}

/// Why a transaction came to nothing.
struct Failure {
    error: diesel::result::Error,
    /// Whether it may yet succeed for some of the writes when each has a transaction of its own.
    separable: bool,
    /// Whether the database may have it nevertheless.
    committing: bool,
}

impl Thread {
    fn run(mut self, messages: &Receiver<Message>) {
        let mut batch = Vec::new();
        let mut open = true;
        while open {
            let mut rows = 0;
            let mut next = messages.recv().ok();
            open = next.is_some();
            while let Some(message) = next {
                match message {
                    Message::Write(write) => {
                        rows += write.rows();
                        batch.push(write);
                    }
                    // Nobody may be waiting any more.
                    Message::Probe(sender) => _ = sender.send(self.is_there_news()),
                    Message::Close => open = false,
                }
                next = if open && rows < ROWS_PER_TRANSACTION {
                    messages.try_recv().ok()
                } else {
                    None
                };
            }
            self.write_together(&mut batch);
        }
    }

    /// Applies a batch in one transaction; if one of its writes fails, each in its own.
    fn write_together(&mut self, batch: &mut Vec<Box<dyn Queued>>) {
        if batch.is_empty() {
            return;
        }
        match self.transaction(batch) {
            Err(failure) if failure.separable && batch.len() > 1 => {
                for mut write in batch.drain(..) {
                    let outcome = self.transaction(std::slice::from_mut(&mut write));
                    self.answer(write, &outcome);
                }
            }
            outcome => {
                for write in batch.drain(..) {
                    self.answer(write, &outcome);
                }
            }
        }
    }

    /// Tells the caller of a write how its transaction has ended.
    fn answer(&self, write: Box<dyn Queued>, outcome: &Result<(), Failure>) {
        let failure = match outcome {
            Ok(()) if write.wants_place() => self.place.check().err(),
            Ok(()) => None,
            Err(failure) => Some(failure.store_error()),
        };
        write.answer(failure, &self.watches);
    }

    /// Applies writes in one transaction, of which all of them remain or none.
    fn transaction(&mut self, batch: &mut [Box<dyn Queued>]) -> Result<(), Failure> {
        let written = begin_immediate(&mut self.session.conn)
            .map_err(Failure::to_begin)
            .and_then(|()| {
                batch
                    .iter_mut()
                    .try_for_each(|write| write.apply(&mut self.session))
                    .and_then(|()| self.session.finish())
                    .map_err(Failure::to_write)
            })
            .and_then(|()| commit(&mut self.session.conn).map_err(Failure::to_commit));
        match written {
            Ok(()) => _ = self.transactions.fetch_add(1, Ordering::Relaxed),
            Err(_) => {
                roll_back(&mut self.session.conn);
                self.session.forget();
            }
        }
        written
    }

    /// Whether those who watch should read again: others have written, or the file is gone, which reading says.
    fn is_there_news(&mut self) -> bool {
        self.others_have_written() || self.place.check().is_err()
    }

    /// Whether another connection has written since this was asked last; yes when that cannot be told.
    fn others_have_written(&mut self) -> bool {
        match data_version(&mut self.session.conn) {
            Ok(now) => std::mem::replace(&mut self.data_version, now) != now,
            Err(_) => true,
        }
    }
}

impl Failure {
    fn to_begin(error: diesel::result::Error) -> Self {
        Failure {
            error,
            separable: false,
            committing: false,
        }
    }

    fn to_write(error: diesel::result::Error) -> Self {
        let kind = store_error(&error);
        Failure {
            error,
            separable: kind.is_rejected() || kind.is_full(),
            committing: false,
        }
    }

    fn to_commit(error: diesel::result::Error) -> Self {
        Failure {
            separable: store_error(&error).is_full(),
            error,
            committing: true,
        }
    }

    fn store_error(&self) -> StoreError {
        let error = store_error(&self.error);
        // What SQLite says of a full disk, or of another that holds the database, it says before the last page is
        // written. Any other failure may come after it.
        if self.committing && !error.is_full() && !error.is_busy() {
            return StoreError::unanswered("the database failed while committing")
                .with_source(self.error.to_string());
        }
        error
    }
}

#[cfg(test)]
mod tests;
