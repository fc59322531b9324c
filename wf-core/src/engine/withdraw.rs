//! Calling back the attempts that still wait for their turn, when nothing is to start any more.

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::Shared;

/// Says to the attempts of a run that those which have not had their turn shall not take it.
#[derive(Debug)]
pub(super) struct Withdrawal {
    call: Option<oneshot::Sender<()>>,
    heard: Withdrawn,
}

/// Is over when the attempts of a run that wait for their turn are called back. Only a clone that waits is kept track
/// of, until it is dropped.
pub(super) type Withdrawn = Shared<oneshot::Receiver<()>>;

impl Withdrawal {
    /// Nothing is called back.
    pub(super) fn new() -> Self {
        let (call, heard) = oneshot::channel();
        Withdrawal {
            call: Some(call),
            heard: heard.shared(),
        }
    }

    /// Calls back what waits, now and from now on.
    pub(super) fn call(&mut self) {
        self.call.take();
    }

    /// What an attempt hears of it.
    pub(super) fn hear(&self) -> Withdrawn {
        self.heard.clone()
    }
}
