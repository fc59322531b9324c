//! Who drives executions here, so that others can tell when it is gone.
//!
//! An owner is named by the boot of the kernel, the namespace of process numbers, the process's number and
//! when it was started. Whoever shares the boot and the namespace can tell for certain that such a process
//! is gone, and need not wait for its lease to end.

use std::fs;

use rustix::process::{Pid, test_kill_process};
use wf_core::clock::{Clock, SystemClock};
use wf_core::id::Owner;

/// What the names that are made here begin with.
const PREFIX: &str = "ax";

/// A process as seen by whoever shares its kernel and its namespace.
#[derive(Debug, PartialEq, Eq)]
struct Process {
    boot: String,
    namespace: String,
    id: i32,
    /// In ticks of the kernel's clock since its boot.
    started: u64,
}

/// This process as an owner, different from every other owner that ever was.
///
/// Where the system does not tell what is needed, nobody can tell that this owner is gone but by the end
/// of its lease.
pub(crate) fn this() -> Owner {
    let unique = Owner::generate(SystemClock::new().now());
    match Process::this() {
        Some(process) => process.owner(unique.as_str()),
        None => unique,
    }
}

/// Whether the process that bears the name is gone for certain.
pub(crate) fn is_gone(owner: &Owner) -> bool {
    let (Some(process), Some(this)) = (Process::parse(owner), Process::this()) else {
        return false;
    };
    process.boot == this.boot && process.namespace == this.namespace && !process.is_alive()
}

impl Process {
    fn this() -> Option<Process> {
        let id = i32::try_from(std::process::id()).ok()?;
        // Where `/proc` is that of another namespace, our number is not ours there.
        let stat = Stat::of(id, &fs::read_to_string("/proc/self/stat").ok()?)?;
        Some(Process {
            boot: fs::read_to_string("/proc/sys/kernel/random/boot_id")
                .ok()?
                .trim()
                .to_owned(),
            namespace: fs::read_link("/proc/self/ns/pid")
                .ok()?
                .to_str()?
                .to_owned(),
            id,
            started: stat.started,
        })
    }

    fn parse(owner: &Owner) -> Option<Process> {
        let mut parts = owner.as_str().split(' ');
        if parts.next() != Some(PREFIX) {
            return None;
        }
        Some(Process {
            boot: parts.next()?.to_owned(),
            namespace: parts.next()?.to_owned(),
            id: parts.next()?.parse().ok()?,
            started: parts.next()?.parse().ok()?,
        })
    }

    fn owner(&self, unique: &str) -> Owner {
        let Process {
            boot,
            namespace,
            id,
            started,
        } = self;
        Owner::from(format!(
            "{PREFIX} {boot} {namespace} {id} {started} {unique}"
        ))
    }

    /// Whether the process lives, or nobody here can tell.
    fn is_alive(&self) -> bool {
        // The number comes from a database, and one below 0 is that of no process.
        let Some(id) = Some(self.id).filter(|id| *id > 0).and_then(Pid::from_raw) else {
            return true;
        };
        match test_kill_process(id) {
            Err(rustix::io::Errno::SRCH) => false,
            // Somebody of that number is there; a zombie does nothing any more, and a number may have
            // been given to another.
            _ => Stat::read(self.id).is_none_or(|stat| !stat.ended && stat.started == self.started),
        }
    }
}

/// What `/proc/<id>/stat` says.
struct Stat {
    ended: bool,
    started: u64,
}

impl Stat {
    fn read(id: i32) -> Option<Stat> {
        Stat::of(id, &fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
    }

    /// What the line says; none when it is about another number than `id`.
    fn of(id: i32, line: &str) -> Option<Stat> {
        let (number, _) = line.split_once(' ')?;
        if number.parse() != Ok(id) {
            return None;
        }
        // The second field is a name in parentheses that may hold anything, parentheses as well.
        let (_, fields) = line.rsplit_once(')')?;
        let mut fields = fields.split_whitespace();
        let state = fields.next()?;
        // The state is field 3 of the line, the start field 22.
        let started = fields.nth(18)?.parse().ok()?;
        Some(Stat {
            ended: matches!(state, "Z" | "X"),
            started,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_its_name_reads_back() {
        let this = this();
        assert!(!is_gone(&this));
        assert_eq!(Process::parse(&this), Process::this());
        assert_ne!(this, super::this());
    }

    #[test]
    fn a_line_about_another_number_is_not_about_us() {
        let id = i32::try_from(std::process::id()).unwrap();
        let line = fs::read_to_string("/proc/self/stat").unwrap();
        let started = Stat::of(id, &line).unwrap().started;
        assert_eq!(Process::this().unwrap().started, started);
        assert!(Stat::of(id + 1, &line).is_none());
        for line in ["", "x", "7", "7 (ax", "7 (ax) R"] {
            assert!(Stat::of(7, line).is_none(), "{line}");
        }
        let odd = format!("7 (a) b (c)) Z {}42 0", "0 ".repeat(18));
        let odd = Stat::of(7, &odd).unwrap();
        assert!(odd.ended);
        assert_eq!(odd.started, 42);
    }

    #[test]
    fn a_process_that_has_ended_is_gone() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let id = i32::try_from(child.id()).unwrap();
        let started = Stat::read(id).unwrap().started;
        let owner = Process {
            id,
            started,
            ..Process::this().unwrap()
        }
        .owner("x");
        assert!(!is_gone(&owner));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(is_gone(&owner));
    }

    #[test]
    fn a_number_that_another_process_bears_now_is_gone() {
        let this = Process::this().unwrap();
        let owner = Process {
            started: this.started + 1,
            ..this
        }
        .owner("x");
        assert!(is_gone(&owner));
    }

    #[test]
    fn nobody_can_tell_of_another_machine_or_namespace_or_host() {
        let elsewhere = Process {
            boot: "x".into(),
            started: 0,
            ..Process::this().unwrap()
        };
        assert!(!is_gone(&elsewhere.owner("x")));
        let inside = Process {
            namespace: "x".into(),
            started: 0,
            ..Process::this().unwrap()
        };
        assert!(!is_gone(&inside.owner("x")));
        let nobody = Process {
            id: -1,
            ..Process::this().unwrap()
        };
        assert!(!is_gone(&nobody.owner("x")));
        assert!(!is_gone(&Owner::from("my-service")));
        assert!(!is_gone(&Owner::from("ax")));
    }
}
