//! The user's wish to stop, as signals.

use std::fs;
use std::future::poll_fn;
use std::io;
use std::sync::mpsc::{Sender, channel};
use std::task::Poll;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::Exit;

/// How long a process has for its last words once a second signal has come.
const GRACE: Duration = Duration::from_millis(500);

/// Lets a file that may not grow any more be an error of the write, and not the end of the process: a handler that does
/// nothing stays for as long as the process lives.
pub(crate) fn outlive_full_files() -> io::Result<()> {
    let exceeded = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    signal(exceeded).map(drop)
}

/// Ctrl-C, a request to terminate, and the loss of the terminal.
pub(crate) struct Signals(Vec<Signal>);

impl Signals {
    /// Begins to catch them: none of them ends the process any more.
    ///
    /// The loss of the terminal is left alone where it is ignored already: so `nohup` wants it.
    ///
    /// The second one ends the process whatever holds up its other threads: a database that another process has locked,
    /// a reader that does not read. The watchdog then kills what agents have left.
    pub(crate) fn catch() -> io::Result<Self> {
        let signals = Signals::listen()?;
        let (listens, listening) = channel();
        let thread = std::thread::Builder::new().name("ax-signals".into());
        // The runtime lives and ends in the thread: one that ends inside of another panics.
        thread.spawn(move || {
            let ended = exit_on_second(&listens);
            let _ = listens.send(ended);
        })?;
        // A thread that ends without a word has panicked.
        let gone = |_| io::Error::other("the thread that listens has ended");
        listening.recv().map_err(gone)??;
        Ok(signals)
    }

    fn listen() -> io::Result<Self> {
        let mut signals = vec![
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        ];
        if !is_ignored(SignalKind::hangup()) {
            signals.push(signal(SignalKind::hangup())?);
        }
        Ok(Signals(signals))
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

/// Says that it listens, and exits a while after the second signal.
fn exit_on_second(listens: &Sender<io::Result<()>>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let _ = listens.send(Ok(()));
        signals.next().await;
        signals.next().await;
        tokio::time::sleep(GRACE).await;
        std::process::exit(Exit::Interrupted as i32)
    })
}

/// Whether this process was started with the signal ignored, as far as the system tells.
fn is_ignored(signal: SignalKind) -> bool {
    let Ok(status) = fs::read_to_string("/proc/self/status") else {
        return false;
    };
    let Some(mask) = status.lines().find_map(|line| line.strip_prefix("SigIgn:")) else {
        return false;
    };
    let bit = u32::try_from(signal.as_raw_value() - 1)
        .ok()
        .and_then(|bit| 1_u64.checked_shl(bit));
    u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & bit.unwrap_or(0) != 0)
}
