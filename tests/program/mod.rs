//! Programs that tests write and then start.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes a program into `file`, by a process of its own.
///
/// A file that this process has open for writing is open for a moment in every child that another test's thread
/// forks meanwhile, and a program that somebody can write to cannot be started (`ETXTBSY`).
pub(crate) fn write(file: &Path, text: &str) {
    let mut shell = Command::new("/bin/sh")
        .args(["-c", "cat >\"$0\" && chmod 755 \"$0\""])
        .arg(file)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = shell.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    assert!(shell.wait().unwrap().success(), "{}", file.display());
}
