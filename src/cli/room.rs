//! What the command itself needs of the system before it begins.

use std::io;
use std::os::unix::net::UnixStream;

use rustix::io::Errno;

use super::exit::{Exit, Failure};

/// So many more files can be opened at least: the runtime, its signals and the database have about as many.
const FILES: usize = 16;

/// Sees that there is room for the files that the command needs to begin with, which it then does not run out of halfway.
///
/// # Errors
///
/// When the limit of open files, of this process or of the system, does not allow so many.
pub(crate) fn check_files() -> Result<(), Failure> {
    let mut open = Vec::new();
    while open.len() < FILES / 2 {
        match UnixStream::pair() {
            Ok(pair) => open.push(pair),
            Err(error) if is_full(&error) => {
                return Err(Failure {
                    exit: Exit::Store,
                    message: format!(
                        "no more than {} further files can be opened, and `ax` needs {FILES} to begin with ({error}); \
                         raise the limit, such as with `ulimit -n 1024`, or close others",
                        open.len() * 2
                    ),
                    report: None,
                });
            }
            // Whatever needs them says more of what is wrong.
            Err(_) => break,
        }
    }
    Ok(())
}

/// Whether neither this process nor the system may open another file.
fn is_full(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
