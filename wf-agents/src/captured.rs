//! What a program has written so far, and whether that is all it has to say.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::aside::aside;
use super::live::Meaning;

/// How long a program that has said all may go on.
const HANGING: Duration = Duration::from_secs(2);

/// What is known of what a program writes.
#[derive(Default)]
pub(super) struct Expected {
    /// How its lines are shown.
    pub(super) meaning: Option<Meaning>,
    /// Says whether nothing is missing in what it has written so far.
    pub(super) is_all: Option<fn(&str) -> bool>,
    /// What it has written so far.
    pub(super) captured: Arc<Captured>,
}

/// What a program has written to its standard output so far.
#[derive(Default)]
pub(super) struct Captured {
    written: Mutex<Written>,
    /// Told when a mark has come.
    marked: Notify,
    /// Words of which one stands in what ends an answer.
    marks: &'static [&'static str],
}

#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    /// When the last mark came.
    marked_at: Option<Instant>,
}

impl Captured {
    /// Nothing yet, of a program whose answer is ended by something with one of these words in it.
    pub(super) fn marked(marks: &'static [&'static str]) -> Self {
        Captured {
            marks,
            ..Captured::default()
        }
    }

    pub(super) fn push(&self, new: &[u8]) {
        let mut written = self.lock();
        let longest = self.marks.iter().map(|mark| mark.len()).max().unwrap_or(0);
        let from = written.bytes.len().saturating_sub(longest);
        written.bytes.extend_from_slice(new);
        let fresh = written.bytes.get(from..).unwrap_or_default();
        let is_in = |mark: &&str| {
            let windows = fresh.windows(mark.len().max(1));
            windows.into_iter().any(|window| window == mark.as_bytes())
        };
        if self.marks.iter().any(is_in) {
            written.marked_at = Some(Instant::now());
            drop(written);
            self.marked.notify_one();
        }
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.lock().bytes.len()
    }

    /// Looks at it; nothing more is taken meanwhile.
    pub(super) fn look<T>(&self, look: impl FnOnce(&[u8]) -> T) -> T {
        look(&self.lock().bytes)
    }

    /// All of it.
    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.lock().bytes)
    }

    /// Waits until that time has passed since a mark came, without another.
    async fn settled(&self, grace: Duration) {
        self.marked.notified().await;
        while let Some(left) = self.left(grace) {
            tokio::time::sleep(left).await;
        }
    }

    /// How much of the grace after the last mark is left.
    fn left(&self, grace: Duration) -> Option<Duration> {
        let passed = self.lock().marked_at?.elapsed();
        grace.checked_sub(passed).filter(|left| !left.is_zero())
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Expected {
    /// Waits until the program has said all, and has had a while to end by itself.
    pub(super) async fn said_all(&self) {
        let Some(is_all) = self.is_all else {
            return std::future::pending().await;
        };
        loop {
            self.captured.settled(HANGING).await;
            let output = self.captured.look(<[u8]>::to_vec);
            let size = output.len();
            if aside(size, move || is_all(&String::from_utf8_lossy(&output))).await {
                return;
            }
        }
    }
}
