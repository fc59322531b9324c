//! The journal of a run: what happened in it and what its agents wrote, line by line, in a file beside the database.
//!
//! It is for people: nothing is resumed from it, and losing it loses no work.

mod entry;
mod file;
mod reader;
mod writer;

pub(crate) use entry::{Entry, Happened};
pub(crate) use reader::JournalReader;
pub(crate) use writer::Journal;

use std::fmt::Write as _;
use std::path::PathBuf;

use wf_core::id::ExecutionId;

use super::database::Database;
use super::lane::Lane;

/// Writes all journals of this process.
static LANE: Lane = Lane::new("ax-journal");

/// Waits until all that has happened is written down.
pub(crate) async fn written() {
    LANE.done().await;
}

/// A file's name has at most this many bytes of an identifier.
const LONGEST: usize = 120;

/// The journal of an execution.
fn path(database: &Database, id: &ExecutionId) -> PathBuf {
    database.journals().join(file_name(id.as_str()))
}

/// An identifier as the name of a file: anything but letters, digits, `-` and `_` is written as its bytes. What is cut
/// off is told apart by a hash.
fn file_name(id: &str) -> String {
    let mut name = String::new();
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02x}");
        }
    }
    if name.len() > LONGEST {
        // FNV-1a (Fowler, Noll, Vo), 64 bits.
        let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        name.truncate(LONGEST);
        let _ = write!(name, "~{hash:016x}");
    }
    name.push_str(".jsonl");
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_identifier_leaves_its_folder() {
        assert_eq!(file_name("nightly-1"), "nightly-1.jsonl");
        assert_eq!(
            file_name("../../etc/passwd"),
            "%2e%2e%2f%2e%2e%2fetc%2fpasswd.jsonl"
        );
        assert_eq!(file_name("."), "%2e.jsonl");
        let (one, other) = ("x".repeat(500), "x".repeat(501));
        assert!(file_name(&one).len() < 200);
        assert_ne!(file_name(&one), file_name(&other));
    }
}
