//! The two streams of the command, each written by a thread of its own.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::lane::{Lane, Weight};

static STDOUT: Lane = Lane::new("ax-stdout");
static STDERR: Lane = Lane::new("ax-stderr");

/// Why nothing more is written to standard output.
static STOPPED: Mutex<Option<Stopped>> = Mutex::new(None);

/// Lines that found no room, since the last one that did.
static LEFT_OUT: AtomicU64 = AtomicU64::new(0);

/// What the last words of a process wait for a reader.
const LAST_WORDS: Duration = Duration::from_millis(300);

#[derive(Clone)]
enum Stopped {
    /// Nobody reads it any more, which is no failure.
    Unread,
    Failed(String),
}

/// Queues a text for standard output. When it cannot be written, `otherwise` gets the reason.
pub(crate) fn print(text: String, otherwise: impl FnOnce(&str) + Send + 'static) {
    STDOUT.queue(Weight::Kept, text.len(), move || {
        if stopped().is_some() {
            return;
        }
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(text.as_bytes());
        let Err(error) = written.and_then(|()| stdout.flush()) else {
            return;
        };
        let why = if error.kind() == io::ErrorKind::BrokenPipe {
            Stopped::Unread
        } else {
            otherwise(&error.to_string());
            Stopped::Failed(error.to_string())
        };
        *STOPPED.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    });
}

/// Whether standard output still has a reader, as far as is known.
///
/// # Errors
///
/// The reason for which it could not be written to.
pub(crate) fn is_read() -> Result<bool, String> {
    match stopped() {
        None => Ok(true),
        Some(Stopped::Unread) => Ok(false),
        Some(Stopped::Failed(why)) => Err(why),
    }
}

/// Waits until standard output has taken all that was printed, then answers as [`is_read`] does.
pub(crate) async fn printed() -> Result<bool, String> {
    STDOUT.done().await;
    is_read()
}

/// Queues a line for standard error, its colours left out where they are not wanted.
pub(crate) fn say(weight: Weight, line: String) {
    let lines = count(&line);
    show(weight, line.len(), lines, move || {
        // There is no one to tell when that fails.
        let _ = writeln!(anstream::stderr().lock(), "{line}");
    });
}

/// Queues what draws on standard error, and answers whether there was room for it. `lines` are what is missed when there
/// is none.
pub(crate) fn show(
    weight: Weight,
    size: usize,
    lines: u64,
    draw: impl FnOnce() + Send + 'static,
) -> bool {
    let missing = LEFT_OUT.swap(0, Ordering::Relaxed);
    let draw = move || {
        if missing > 0 {
            let _ = writeln!(io::stderr().lock(), "{}", left_out(missing));
        }
        draw();
    };
    let has_room = STDERR.queue(weight, size, draw);
    if !has_room {
        LEFT_OUT.fetch_add(missing + lines, Ordering::Relaxed);
    }
    has_room
}

/// Waits until both streams have taken all that was meant for them.
pub(crate) async fn finished() {
    if LEFT_OUT.load(Ordering::Relaxed) > 0 {
        show(Weight::Kept, 0, 0, || ());
    }
    STDERR.done().await;
    STDOUT.done().await;
}

/// Waits a moment for the streams, whatever their readers do.
pub(crate) async fn last_words() {
    // Who does not read by then misses them.
    let _ = tokio::time::timeout(LAST_WORDS, finished()).await;
}

fn stopped() -> Option<Stopped> {
    STOPPED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

fn count(text: &str) -> u64 {
    u64::try_from(text.lines().count()).unwrap_or(u64::MAX)
}

/// `… 1,234 lines left out`.
fn left_out(lines: u64) -> String {
    let digits = lines.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let what = if lines == 1 { "line" } else { "lines" };
    format!("… {grouped} {what} left out")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_much_is_left_out_is_told_in_groups_of_three_digits() {
        assert_eq!(left_out(1), "… 1 line left out");
        assert_eq!(left_out(999), "… 999 lines left out");
        assert_eq!(left_out(1_234), "… 1,234 lines left out");
        assert_eq!(left_out(1_234_567), "… 1,234,567 lines left out");
    }
}
