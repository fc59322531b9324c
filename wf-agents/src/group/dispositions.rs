//! What programs do with signals that this process was told to ignore, as by `nohup`.

use std::sync::Once;

use tokio::signal::unix::{SignalKind, signal};

/// The signals by which a terminal stops a program: a process that ignores them may write to its terminal at any time, one
/// that handles them may not.
const BY_TERMINALS: [rustix::process::Signal; 3] = [
    rustix::process::Signal::TSTP,
    rustix::process::Signal::TTIN,
    rustix::process::Signal::TTOU,
];

/// Sees to it that programs do with every signal what the system has them do: an ignored signal stays ignored in what is
/// started, a handled one does not. So what this process ignores it handles from here on, by doing nothing.
pub(super) fn restore_defaults() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let kept = BY_TERMINALS.map(rustix::process::Signal::as_raw);
        // Numbers from 32 on are for the threads' own use, or nobody's.
        let ignored = (1..32).filter(|number| !kept.contains(number) && is_ignored(*number));
        for number in ignored {
            // The standard library takes care of SIGPIPE itself; some cannot be handled, nor ignored.
            if number != rustix::process::Signal::PIPE.as_raw() {
                let _ = signal(SignalKind::from_raw(number));
            }
        }
    });
}

/// Whether this process ignores the signal, as far as the system tells.
fn is_ignored(number: i32) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return false;
    };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let bit = u32::try_from(number - 1).ok();
    let bit = bit.and_then(|bit| 1_u64.checked_shl(bit));
    mask.unwrap_or(0) & bit.unwrap_or(0) != 0
}
