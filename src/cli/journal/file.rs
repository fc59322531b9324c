//! The file of a journal, opened so that nobody else chooses what is written to or read from.
//!
//! Its folder may be one where others can make files: neither of the two is reached through a link, and what is opened is
//! looked at before it is used.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};

use wf_agents::ownership;

/// Opens a journal to add to it; makes it, and its folder, readable by their owner only, when it is not there.
pub(super) fn open_to_add(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| refused_link(folder).unwrap_or(error))?;
    }
    open(path, OFlags::RDWR | OFlags::APPEND | OFlags::CREATE)
}

/// Opens a journal to read it; none when it is not there.
pub(super) fn open_to_read(path: &Path) -> io::Result<Option<File>> {
    match open(path, OFlags::RDONLY) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn open(path: &Path, how: OFlags) -> io::Result<File> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let never = OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = openat(CWD, folder, never | OFlags::DIRECTORY, Mode::empty());
    let opened = opened.map_err(|error| refused_link(folder).unwrap_or(error.into()))?;
    let opened = File::from(opened);
    ownership::check("the folder of the journals", folder, &opened.metadata()?)
        .map_err(io::Error::other)?;
    // Without waiting for the other end of a pipe.
    let how = how | never | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = openat(&opened, name, how, Mode::RUSR | Mode::WUSR);
    let file = file.map_err(|error| refused_link(path).unwrap_or(error.into()))?;
    let file = File::from(file);
    check(path, &file.metadata()?)?;
    Ok(file)
}

/// Refuses what is no journal of ours.
fn check(path: &Path, found: &Metadata) -> io::Result<()> {
    let shown = path.display();
    if !found.is_file() {
        return Err(io::Error::other(format!(
            "`{shown}` is no regular file; delete it"
        )));
    }
    ownership::check("the journal", path, found).map_err(io::Error::other)?;
    match found.nlink() {
        0 | 1 => Ok(()),
        _ => Err(io::Error::other(format!(
            "`{shown}` is a file that has another name, too; delete this one"
        ))),
    }
}

/// Why a symbolic link is not followed, where that is one.
fn refused_link(path: &Path) -> Option<io::Error> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    let message = || {
        let path = path.display();
        format!("`{path}` is a symbolic link, and a journal is not kept through one; delete it")
    };
    is_link.then(|| io::Error::other(message()))
}
