//! The thread that owns the reading connection, so that whoever asks is never blocked.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use diesel::prelude::*;
use futures::channel::oneshot;
use wf_core::store::StoreError;

use crate::error::store_error;
use crate::place::Place;
use crate::writer::{join, thread_is_gone};

type Reading = Box<dyn FnOnce(&mut SqliteConnection) + Send>;

/// The way to the thread that reads; dropping it ends the thread after what has queued.
pub(crate) struct Reader {
    queue: Option<Sender<Reading>>,
    thread: Option<JoinHandle<()>>,
    place: Arc<Place>,
}

impl Reader {
    /// Starts the thread.
    pub(crate) fn start(mut conn: SqliteConnection, place: Arc<Place>) -> Result<Self, StoreError> {
        let (queue, readings) = channel::<Reading>();
        let thread = std::thread::Builder::new()
            .name("wf-store-reader".into())
            .spawn(move || {
                for read in readings {
                    read(&mut conn);
                }
            })
            .map_err(|error| {
                StoreError::busy("cannot start the store's thread").with_source(error)
            })?;
        Ok(Reader {
            queue: Some(queue),
            thread: Some(thread),
            place,
        })
    }

    /// Runs `read` on the reading connection; all that it reads is of the same moment.
    pub(crate) async fn read<T, R>(&self, read: R) -> Result<T, StoreError>
    where
        T: Send + 'static,
        R: FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        let place = Arc::clone(&self.place);
        let reading: Reading = Box::new(move |conn| {
            if !sender.is_canceled() {
                let found = place
                    .check()
                    .and_then(|()| conn.transaction(read).map_err(|error| store_error(&error)));
                // Nobody may be waiting any more.
                let _ = sender.send(found);
            }
        });
        let sent = self
            .queue
            .as_ref()
            .is_some_and(|queue| queue.send(reading).is_ok());
        if !sent {
            return Err(thread_is_gone());
        }
        answer.await.unwrap_or_else(|_| Err(thread_is_gone()))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        drop(self.queue.take());
        join(self.thread.take());
    }
}
