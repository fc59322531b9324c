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
    read(number(id)?, &status)
}

/// The process of that number, as its line says; none where it is just being taken away, and has no group any more.
fn read(id: Pid, status: &str) -> Option<Process> {
    // The name in parentheses may hold anything; after it come the state, the parent and the group.
    let (_, rest) = status.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let has_ended = matches!(fields.next()?, "Z" | "X");
    let parent = number(fields.next()?.parse().ok()?);
    let group = number(fields.next()?.parse().ok()?)?;
    Some(Process {
        id,
        parent,
        group,
        has_ended,
    })
}

/// A number as that of a process: the system writes 0 and -1 where there is none.
fn number(number: i32) -> Option<Pid> {
    Some(number)
        .filter(|number| *number > 0)
        .and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_is_being_taken_away_has_no_group() {
        let id = number(7).unwrap();
        let process = read(id, "7 (a) b) S 1 5 0\n").unwrap();
        assert_eq!(
            (process.parent, process.group),
            (number(1), number(5).unwrap())
        );
        assert!(!process.has_ended);
        assert_eq!(read(id, "7 (a) Z 0 5 0").unwrap().parent, None);
        assert_eq!(read(id, "7 (a) Z -1 5 0").unwrap().parent, None);
        for line in ["7 (a) X 0 -1 -1", "7 (a) S 1 0 0", "7 (a) S 1", ""] {
            assert!(read(id, line).is_none(), "{line}");
        }
        assert!(super::process(-1).is_none());
    }
}
