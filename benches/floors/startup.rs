//! How long the command takes from its start to its end when it has little to do.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::measure::{Report, each, median, time};

/// How often each is started.
const STARTS: usize = 31;

const MOST: Duration = Duration::from_millis(15);

pub(crate) fn measure(report: &mut Report) {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("ax.db");
    let database = database.to_str().expect("a path of letters");
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/code-review.yaml");
    for arguments in [
        &["--help"][..],
        &["workflow", "list", "--db", database],
        &["workflow", "validate", example],
    ] {
        let what = format!("ax {}", arguments[..arguments.len().min(2)].join(" "));
        if !report.wants(&what) {
            continue;
        }
        let starts: Vec<Duration> = (0..STARTS).map(|_| time(|| start(arguments)).0).collect();
        let middle = median(starts.iter().copied());
        let least = starts.iter().min().copied().unwrap_or_default();
        let shown = format!("{} (least {})", each(middle, 1), each(least, 1));
        report.line(&what, &shown, Some((middle < MOST, "under 15 ms")));
    }
}

fn start(arguments: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ax"));
    command
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = command.status().expect("the command starts");
    assert!(status.success(), "{arguments:?}");
}
