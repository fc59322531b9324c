//! The user's wish to stop, as signals.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C, a request to terminate, and the loss of the terminal.
pub(crate) struct Signals([Signal; 3]);

impl Signals {
    /// Begins to catch them: none of them ends the process any more.
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Signals([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    /// Waits for the next one. Dropping the future loses none.
    pub(crate) async fn next(&mut self) {
        poll_fn(|context| {
            for signal in &mut self.0 {
                if signal.poll_recv(context).is_ready() {
                    return Poll::Ready(());
                }
            }
            Poll::Pending
        })
        .await;
    }
}
