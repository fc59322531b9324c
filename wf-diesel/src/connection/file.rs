//! The file of a database and its folder: who may read them, and that a power cut leaves them there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use wf_core::store::StoreError;

use crate::place::with_suffix;

/// The path from the root; refuses those that name no file.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    if path.as_os_str().is_empty() || path == Path::new(":memory:") {
        return Err(StoreError::rejected(
            "a durable store needs the path of a file",
        ));
    }
    std::path::absolute(path).map_err(|error| {
        StoreError::rejected(format!("cannot resolve the path `{}`", path.display()))
            .with_source(error)
    })
}

/// Makes the file and its folder if they are missing, for good: a power cut after this leaves them there. A file that is
/// there is not opened, only looked at.
pub(super) fn prepare_file(path: &Path) -> Result<(), StoreError> {
    match fs::metadata(path) {
        Ok(found) => check_file(path, &found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if has_log(path) {
                return Err(without_its_file(path));
            }
            if let Ok(target) = fs::read_link(path) {
                let target = target.display();
                let why = format!(": it is a symbolic link to `{target}`, where nothing is");
                return Err(refused(path, &why));
            }
            if let Some(folder) = path.parent() {
                create_folder(folder).map_err(|error| {
                    StoreError::rejected(format!("cannot create the folder `{}`", folder.display()))
                        .with_source(error)
                })?;
            }
            let created = match create_file(path) {
                // Another process was faster, and has perhaps not come to the folder yet.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                created => created,
            };
            created
                .and_then(|()| path.parent().map_or(Ok(()), sync_folder))
                .map_err(|error| refused(path, "").with_source(error))
        }
        Err(error) => Err(refused(path, "").with_source(error)),
    }
}

/// Refuses what is no file.
pub(super) fn check_file(path: &Path, found: &fs::Metadata) -> Result<(), StoreError> {
    if found.is_dir() {
        Err(refused(path, ": it is a folder"))
    } else if !found.is_file() {
        Err(refused(path, ": it is not a file"))
    } else if found.len() == 0 && has_log(path) {
        Err(without_its_file(path))
    } else {
        Ok(())
    }
}

/// Whether there is a log with something in it beside the database.
pub(super) fn has_log(path: &Path) -> bool {
    // SQLite follows links, and keeps the log beside the file itself.
    let real = fs::canonicalize(path);
    let log = with_suffix(real.as_deref().unwrap_or(path), "-wal");
    fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// That there is a log without its database. SQLite would delete it: it never has a log before its file has a page.
fn without_its_file(path: &Path) -> StoreError {
    let path = path.display();
    StoreError::damaged(format!(
        "the database `{path}` is empty or gone, but what was written to it last is in its log `{path}-wal`; put the file \
         back beside the log, or move the log away to begin anew"
    ))
}

/// That there is a log beside a file that is no database. SQLite would write the log into it, and delete the log.
pub(super) fn overwritten(path: &Path) -> StoreError {
    let path = path.display();
    StoreError::damaged(format!(
        "the file `{path}` is not an SQLite database, but there is the log of one beside it; the log `{path}-wal` is left \
         as it is, and tells what was written last once the file that it belongs to is back"
    ))
}

/// That the database cannot be opened, with why.
pub(super) fn refused(path: &Path, why: &str) -> StoreError {
    StoreError::rejected(format!(
        "cannot open the database `{}`{why}",
        path.display()
    ))
}

/// Creates the folder and those above it that are missing, and makes their names durable.
fn create_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|folder| !folder.exists())
        .collect();
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    missing
        .into_iter()
        .filter_map(Path::parent)
        .try_for_each(sync_folder)
}

/// Creates an empty file; SQLite gives its companions `-wal` and `-shm` the same permissions.
fn create_file(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Waits until the names in the folder are on the disk.
///
/// SQLite does so only for the folder that its log is in, and only when it writes to the log.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    let open = match fs::File::open(folder) {
        // One that may be written to but not listed cannot be synced; SQLite goes on then, too.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(()),
        open => open?,
    };
    match open.sync_all() {
        // Some file systems cannot sync a folder.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

/// Does nothing: a folder cannot be synced here, and its file system keeps its names by itself.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_with_all_the_folders_above_it() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("a/b/ax.db");
        prepare_file(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 0);
        prepare_file(&path).unwrap();
        assert!(prepare_file(path.parent().unwrap()).is_err());
        assert!(prepare_file(&path.join("below")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_cannot_be_listed_is_no_obstacle() {
        use std::os::unix::fs::PermissionsExt;

        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("closed");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o300)).unwrap();
        prepare_file(&folder.join("below/ax.db")).unwrap();
        assert!(folder.join("below/ax.db").is_file());
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    }
}
