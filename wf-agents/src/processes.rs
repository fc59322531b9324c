//! The processes of this machine, as far as the system tells.

use rustix::process::Pid;

/// A process, as `/proc` has it.
pub(super) struct Process {
    pub(super) id: Pid,
    pub(super) parent: Option<Pid>,
    pub(super) group: Pid,
    /// It has ended, and its parent has not been told yet.
    pub(super) has_ended: bool,
}

/// The processes that there are; none where there is no `/proc`.
pub(super) fn processes() -> Vec<Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names
        .filter_map(|name| process(name.parse().ok()?))
        .collect()
}

/// The process of that number.
pub(super) fn process(id: i32) -> Option<Process> {
    let status = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name in parentheses may hold anything; after it come the state, the parent and the group.
    let (_, rest) = status.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let has_ended = matches!(fields.next()?, "Z" | "X");
    let parent = Pid::from_raw(fields.next()?.parse().ok()?);
    let group = Pid::from_raw(fields.next()?.parse().ok()?)?;
    let id = Pid::from_raw(id)?;
    Some(Process {
        id,
        parent,
        group,
        has_ended,
    })
}
