//! Writing a journal.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use wf_core::clock::{Clock, SystemClock};
use wf_core::engine::Notice;
use wf_core::id::{ExecutionId, Timestamp};

use super::{Entry, Happened};
use crate::cli::console::Console;
use crate::cli::database::Database;
use crate::cli::lane::Weight;
use crate::cli::moment::rfc_3339;

/// What one attempt writes takes at most this many bytes of the journal: 16 MiB.
const KEPT: usize = 16 << 20;

/// What the agents of one execution write takes at most this many bytes of its journal: 256 MiB.
const KEPT_IN_ALL: u64 = 256 << 20;

/// A journal that has taken the last room of its disk gives half of it back, if it has at least this many bytes.
const WORTH_GIVING: u64 = 64 << 10;

/// Writes down what an engine tells of its runs.
pub(crate) struct Journal {
    database: Database,
    console: Console,
    clock: SystemClock,
    writers: Mutex<HashMap<ExecutionId, Writer>>,
    /// The steps of whose attempts under way something found no room in the queue.
    left_out: Mutex<HashSet<(ExecutionId, String)>>,
}

/// The file of one execution.
struct Writer {
    /// None once it could not be written: the run is worth more than its journal.
    file: Option<File>,
    /// How long the file is.
    in_all: u64,
    /// How much of each step's attempt under way is kept.
    kept: HashMap<String, usize>,
}

impl Journal {
    /// The journals of a database's executions; each file is made with the first entry.
    pub(crate) fn new(console: Console, database: &Database) -> Arc<Self> {
        Arc::new(Journal {
            database: database.clone(),
            console,
            clock: SystemClock::new(),
            writers: Mutex::default(),
            left_out: Mutex::default(),
        })
    }

    /// Writes down what has happened.
    pub(crate) fn note(self: &Arc<Self>, notice: &Notice<'_>) {
        match *notice {
            Notice::AttemptStarted {
                execution,
                step,
                attempt,
            } => {
                self.queue(execution, Some((step, Some(attempt))), Happened::Started);
            }
            Notice::Output {
                execution,
                step,
                attempt,
                text,
            } => {
                let text = Happened::Output {
                    text: text.into(),
                    cut: false,
                };
                self.queue(execution, Some((step, Some(attempt))), text);
            }
            Notice::AttemptFailed {
                execution,
                step,
                attempt,
                error,
                retry_in,
                ..
            } => {
                let retry_in_ms =
                    retry_in.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
                let failed = Happened::Failed {
                    error: error.into(),
                    retry_in_ms,
                };
                self.queue(execution, Some((step, Some(attempt))), failed);
            }
            Notice::StepEnded {
                execution,
                step,
                outcome,
                ..
            } => {
                let ended = Happened::Ended {
                    outcome: outcome.state().name().into(),
                };
                self.queue(execution, Some((step, None)), ended);
            }
            Notice::Moved {
                execution,
                from,
                to,
                ..
            } if from != to => {
                self.queue(
                    execution,
                    None,
                    Happened::Moved {
                        state: to.name().into(),
                    },
                );
            }
            _ => {}
        }
    }

    /// Leaves it to a thread of its own to write something down: a disk that hangs holds up no run.
    fn queue(
        self: &Arc<Self>,
        id: &ExecutionId,
        of: Option<(&str, Option<u32>)>,
        happened: Happened,
    ) {
        let mut size = 0;
        if let Some((step, _)) = of {
            let key = (id.clone(), step.to_owned());
            let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
            match &happened {
                Happened::Output { .. } if left_out.contains(&key) => return,
                Happened::Output { text, .. } => size = text.len(),
                Happened::Started | Happened::Ended { .. } => drop(left_out.remove(&key)),
                Happened::Failed { .. } | Happened::Moved { .. } => {}
            }
        }
        let cut = match (&happened, of) {
            (Happened::Output { .. }, Some((step, _))) => Some((id.clone(), step.to_owned())),
            _ => None,
        };
        let weight = match cut {
            Some(_) => Weight::Record,
            None => Weight::Kept,
        };
        let has_room = self.hand_over(weight, size, id, of, happened);
        if !has_room && let Some(key) = cut {
            let output = Happened::Output {
                text: String::new(),
                cut: true,
            };
            self.hand_over(Weight::Kept, 0, id, of, output);
            let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
            left_out.insert(key);
        }
    }

    fn hand_over(
        self: &Arc<Self>,
        weight: Weight,
        size: usize,
        id: &ExecutionId,
        of: Option<(&str, Option<u32>)>,
        happened: Happened,
    ) -> bool {
        let (journal, id, at) = (Arc::clone(self), id.clone(), self.clock.now());
        let of = of.map(|(step, attempt)| (step.to_owned(), attempt));
        super::LANE.queue(weight, size, move || {
            let of = of.as_ref().map(|(step, attempt)| (step.as_str(), *attempt));
            journal.write(&id, of, at, happened);
        })
    }

    fn write(
        &self,
        id: &ExecutionId,
        of: Option<(&str, Option<u32>)>,
        at: Timestamp,
        mut happened: Happened,
    ) {
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        let writer = writers.entry(id.clone()).or_insert_with(|| {
            let file = self.opened(open(&super::path(&self.database, id)));
            let length = file.as_ref().and_then(|file| file.metadata().ok());
            Writer {
                in_all: length.map_or(0, |file| file.len()),
                file,
                kept: HashMap::new(),
            }
        });
        if !writer.admits(of.map(|(step, _)| step), &mut happened) {
            return;
        }
        let entry = Entry {
            at: rfc_3339(at),
            step: of.map(|(step, _)| step.into()),
            attempt: of.and_then(|(_, attempt)| attempt),
            happened,
        };
        let Some(file) = &mut writer.file else {
            return;
        };
        let written = line(&entry).and_then(|line| {
            writer.in_all += line.len() as u64;
            // One call, so that a reader sees whole lines.
            file.write_all(line.as_bytes())
        });
        if let Err(error) = &written
            && is_full(error)
        {
            let output = Happened::Output {
                text: String::new(),
                cut: true,
            };
            let mark = entry.attempt.map(|_| Entry {
                happened: output,
                ..entry
            });
            // Without it, the steps that go on would not find room for their results.
            let _ = give_back(file, mark.as_ref());
        }
        if self.opened(written).is_none() {
            writer.file = None;
        }
    }

    /// Says once that there is no journal, and why.
    fn opened<T>(&self, result: io::Result<T>) -> Option<T> {
        result
            .inspect_err(|error| {
                self.console.tell(&format!(
                    "`ax workflow logs` will lack what happens from here on, its file cannot be written: {error}"
                ));
            })
            .ok()
    }
}

impl Writer {
    /// Whether this is to be kept, as far as it is.
    fn admits(&mut self, step: Option<&str>, happened: &mut Happened) -> bool {
        let Some(step) = step else {
            return true;
        };
        match happened {
            Happened::Started => {
                self.kept.insert(step.to_owned(), 0);
                true
            }
            Happened::Ended { .. } => {
                self.kept.remove(step);
                true
            }
            Happened::Output { text, cut } => {
                let kept = self.kept.entry(step.to_owned()).or_default();
                if *kept > KEPT {
                    return false;
                }
                *kept += written(text);
                if self.in_all > KEPT_IN_ALL {
                    *kept = KEPT + 1;
                }
                if *kept > KEPT {
                    *cut = true;
                    text.clear();
                }
                true
            }
            Happened::Failed { .. } | Happened::Moved { .. } => true,
        }
    }
}

/// Whether no room is left.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

/// Takes the latter half out of a long journal, and says so in it.
fn give_back(file: &mut File, mark: Option<&Entry>) -> io::Result<()> {
    let length = file.metadata()?.len();
    if length < WORTH_GIVING {
        return Ok(());
    }
    file.set_len(length / 2)?;
    // The last line has lost its end.
    let mut rest = String::from("\n");
    if let Some(mark) = mark {
        rest += &line(mark)?;
    }
    file.write_all(rest.as_bytes())
}

/// The entry as a line.
fn line(entry: &Entry) -> io::Result<String> {
    let mut line = serde_json::to_string(entry).map_err(io::Error::other)?;
    line.push('\n');
    Ok(line)
}

/// How many bytes a text takes in JSON.
fn written(text: &str) -> usize {
    let escaped = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | b'\n' | b'\t' | b'\r' => 2,
        0..=0x1f => 6,
        _ => 1,
    });
    escaped.sum()
}

/// Opens a journal to add to it; what a dead writer left half written is ended.
fn open(path: &Path) -> io::Result<File> {
    let mut file = super::file::open_to_add(path)?;
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_that_has_filled_its_disk_gives_half_of_it_back_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs").join("e.jsonl");
        let mut file = open(&path).unwrap();
        let entry = |text: &str, cut| Entry {
            at: "2026-01-01T00:00:00Z".into(),
            step: Some("s".into()),
            attempt: Some(1),
            happened: Happened::Output {
                text: text.into(),
                cut,
            },
        };
        let one = line(&entry(&"x".repeat(1000), false)).unwrap();
        for _ in 0..1000 {
            file.write_all(one.as_bytes()).unwrap();
        }
        let (whole, mark) = (one.len() * 1000, entry("", true));
        give_back(&mut file, Some(&mark)).unwrap();
        let left = std::fs::read_to_string(&path).unwrap();
        assert!(left.len() < whole / 2 + 200, "{}", left.len());
        let lines: Vec<&str> = left.lines().collect();
        let read = |line: &str| serde_json::from_str::<Entry>(line).ok();
        assert_eq!(read(lines[lines.len() - 1]), Some(mark.clone()));
        assert!(lines[..499].iter().all(|line| read(line).is_some()));
        // A short one is not worth it.
        drop(file);
        std::fs::write(&path, &one).unwrap();
        give_back(&mut open(&path).unwrap(), Some(&mark)).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), one);
    }

    #[test]
    fn only_a_full_disk_shortens_a_journal() {
        let error = |errno: rustix::io::Errno| io::Error::from(errno);
        assert!(is_full(&error(rustix::io::Errno::NOSPC)));
        assert!(is_full(&error(rustix::io::Errno::DQUOT)));
        assert!(!is_full(&error(rustix::io::Errno::IO)));
        assert!(!is_full(&error(rustix::io::Errno::FBIG)));
    }
}
