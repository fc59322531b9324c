//! What holds for everything in this folder.

use std::fs;
use std::path::Path;

/// What waits, tells the time, remembers or asks has no place where it is decided.
const FOREIGN: &[&str] = &[
    "async ",
    ".await?",
    ".await;",
    ".await)",
    "futures::",
    "Clock",
    "Instant",
    "SystemTime",
    "std::thread",
    "dyn Store",
    "dyn Agent",
    "crate::engine::",
];

#[test]
fn what_decides_waits_for_nothing() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![source.join("progress.rs")];
    for entry in fs::read_dir(source.join("progress")).unwrap() {
        files.push(entry.unwrap().path());
    }
    files.retain(|path| {
        path.is_file() && !path.ends_with("tests.rs") && !path.ends_with("replay.rs")
    });
    assert!(files.len() > 6, "{files:?}");
    for path in files {
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for foreign in FOREIGN {
                let path = path.display();
                assert!(!line.contains(foreign), "{path}:{}: {line}", number + 1);
            }
        }
    }
}
