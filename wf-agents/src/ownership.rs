//! Whose files are trusted: those of this user and of root, unless everybody may write to them.
//!
//! What a group may do is the group's business. A file is judged by what was opened, not by its path a second time.

use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::shell::quoted;

/// The right of everybody to write.
const OTHERS_WRITE: u32 = 0o002;

/// In such a folder only its owner, and theirs, rename and delete files.
const STICKY: u32 = 0o1000;

/// What SQLite keeps beside a database.
const BESIDE: [(&str, &str); 3] = [
    ("the log of the database", "-wal"),
    ("the index of the database's log", "-shm"),
    ("the journal of the database", "-journal"),
];

static TRUSTS_ALL: AtomicBool = AtomicBool::new(false);

/// Lets this process use files whoever they belong to, and whoever may write to them.
pub fn trust_files() {
    TRUSTS_ALL.store(true, Ordering::Relaxed);
}

/// Whether files are used whoever they belong to.
pub fn trusts_all() -> bool {
    TRUSTS_ALL.load(Ordering::Relaxed)
}

/// A file that is not used, because others choose what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untrusted {
    what: String,
    path: PathBuf,
    why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Owner { user: u32, is_link: bool },
    Everybody,
}

impl Untrusted {
    /// What is wrong with the file.
    pub fn problem(&self) -> String {
        let (what, path) = (&self.what, self.path.display());
        match self.why {
            Why::Owner { user, .. } => format!(
                "{what} `{path}` belongs to user {user}, and neither to this user nor to root"
            ),
            Why::Everybody => format!("everybody may write to {what} `{path}`"),
        }
    }

    /// The command that mends it, and the option that lets it be.
    pub fn way_out(&self) -> String {
        let path = quoted(&self.path.to_string_lossy());
        let mend = match self.why {
            Why::Owner { is_link, .. } => {
                let link = if is_link { "-h " } else { "" };
                format!("take it over with `chown {link}{} {path}`", this_user())
            }
            Why::Everybody => format!("forbid that with `chmod o-w {path}`"),
        };
        format!("{mend}, or use it all the same with `--trust-files`")
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.problem(), self.way_out())
    }
}

impl std::error::Error for Untrusted {}

/// Refuses what was found under the path where somebody else owns it, or everybody may write to it.
pub fn check(what: &str, path: &Path, found: &Metadata) -> Result<(), Untrusted> {
    if trusts_all() {
        return Ok(());
    }
    check_owner(what, path, found)?;
    // What is neither, such as a device or a link, has nothing in it that anybody could have written.
    let has_content = found.is_file() || found.is_dir();
    match has_content && found.mode() & OTHERS_WRITE != 0 {
        true => Err(untrusted(what, path, Why::Everybody)),
        false => Ok(()),
    }
}

/// Refuses a folder in which others may put another file in the place of one; not one that is sticky.
///
/// One that cannot be looked at is not refused: what is in it cannot be opened either.
pub fn check_folder_of(what: &str, file: &Path) -> Result<(), Untrusted> {
    let folder = match file.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => return Ok(()),
    };
    match fs::metadata(folder) {
        Ok(found) if found.mode() & STICKY == 0 => {
            check(&format!("the folder of {what}"), folder, &found)
        }
        _ => Ok(()),
    }
}

/// Refuses a symbolic link that somebody else has made: whoever owns it chooses what it leads to.
pub fn check_link(what: &str, path: &Path) -> Result<(), Untrusted> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() && !trusts_all() => check_owner(what, path, &found),
        _ => Ok(()),
    }
}

/// Refuses a database of which others choose what is in it: the file and those that SQLite keeps beside it, the folder
/// that they are in, and that of the journals.
///
/// SQLite opens by path. So this is asked before and after: in between nobody else can put another file there.
pub fn check_database(path: &Path, journals: &Path) -> Result<(), Untrusted> {
    let what = "the database";
    check_folder_of(what, path)?;
    check_link(what, path)?;
    let real = match fs::read_link(path) {
        Ok(_) => fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
        Err(_) => path.to_owned(),
    };
    check_folder_of(what, &real)?;
    check_at(what, &real)?;
    for (what, suffix) in BESIDE {
        let mut beside = real.clone().into_os_string();
        beside.push(suffix);
        check_at(what, Path::new(&beside))?;
    }
    check_at("the folder of the journals", journals)
}

/// Checks what is there under the path, and the link that leads to it.
fn check_at(what: &str, path: &Path) -> Result<(), Untrusted> {
    check_link(what, path)?;
    match fs::metadata(path) {
        Ok(found) => check(what, path, &found),
        // What is not there is made by this process; what cannot be looked at cannot be opened.
        Err(_) => Ok(()),
    }
}

/// Opens a file to read it, without waiting for the other end of a pipe, and refuses it where others choose what is in it.
pub fn open(what: &str, path: &Path) -> io::Result<Result<File, Untrusted>> {
    if let Err(untrusted) = check_link(what, path) {
        return Ok(Err(untrusted));
    }
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)?;
    let found = file.metadata()?;
    Ok(check(what, path, &found).map(|()| file))
}

fn check_owner(what: &str, path: &Path, found: &Metadata) -> Result<(), Untrusted> {
    let user = found.uid();
    if user == 0 || user == this_user() {
        return Ok(());
    }
    let is_link = found.is_symlink();
    Err(untrusted(what, path, Why::Owner { user, is_link }))
}

fn untrusted(what: &str, path: &Path, why: Why) -> Untrusted {
    Untrusted {
        what: what.to_owned(),
        path: path.to_owned(),
        why,
    }
}

/// The user as whom this process opens files.
fn this_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    const STRANGER: u32 = 12_345;

    fn is_root() -> bool {
        let is_root = rustix::process::geteuid().is_root();
        if !is_root {
            eprintln!("skipped in part: only root can make the files of another user");
        }
        is_root
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn refused(path: &Path) -> String {
        check_database(path, &with(path, "-logs"))
            .err()
            .map(|untrusted| untrusted.to_string())
            .unwrap_or_default()
    }

    fn with(path: &Path, suffix: &str) -> PathBuf {
        PathBuf::from(format!("{}{suffix}", path.display()))
    }

    #[test]
    fn a_database_and_all_that_belongs_to_it_must_be_ours() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("ax.db");
        let all = ["", "-wal", "-shm", "-journal", "-logs"].map(|suffix| with(&path, suffix));
        for file in &all {
            assert_eq!(refused(&path), "", "{}", file.display());
            match file.to_string_lossy().ends_with("-logs") {
                true => fs::create_dir(file).unwrap(),
                false => fs::write(file, "").unwrap(),
            }
        }
        for file in &all {
            let usual = fs::metadata(file).unwrap().permissions();
            mode(file, 0o660);
            assert_eq!(refused(&path), "", "{}", file.display());
            mode(file, 0o1666);
            let said = refused(&path);
            let mend = format!(
                "; forbid that with `chmod o-w {}`, or use it",
                file.display()
            );
            assert!(said.starts_with("everybody may write to the "), "{said}");
            assert!(
                said.contains(&mend) && said.contains("--trust-files"),
                "{said}"
            );
            fs::set_permissions(file, usual).unwrap();
            if is_root() {
                chown(file, Some(STRANGER), None).unwrap();
                let said = refused(&path);
                let mend = format!("take it over with `chown 0 {}`", file.display());
                assert!(
                    said.contains("belongs to user 12345, and neither"),
                    "{said}"
                );
                assert!(said.contains(&mend), "{said}");
                chown(file, Some(0), None).unwrap();
            }
            assert_eq!(refused(&path), "");
        }
    }

    #[test]
    fn a_folder_that_everybody_may_write_to_is_refused_unless_it_is_sticky() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("ax.db");
        mode(scratch.path(), 0o777);
        assert!(refused(&path).starts_with("everybody may write to the folder of the database `"));
        mode(scratch.path(), 0o1777);
        assert_eq!(refused(&path), "");
        // By a link from elsewhere it is the folder of the file itself that counts as well.
        let elsewhere = tempfile::tempdir().unwrap();
        let link = elsewhere.path().join("link.db");
        fs::write(&path, "").unwrap();
        symlink(&path, &link).unwrap();
        assert_eq!(refused(&link), "");
        mode(scratch.path(), 0o777);
        assert!(refused(&link).contains(&scratch.path().display().to_string()));
        mode(scratch.path(), 0o700);
    }

    #[test]
    fn a_link_of_somebody_else_is_not_followed() {
        if !is_root() {
            return;
        }
        let scratch = tempfile::tempdir().unwrap();
        mode(scratch.path(), 0o1777);
        let (mine, link) = (
            scratch.path().join("mine"),
            scratch.path().join("ax.db-wal"),
        );
        fs::write(&mine, "").unwrap();
        symlink(&mine, &link).unwrap();
        let path = scratch.path().join("ax.db");
        assert_eq!(refused(&path), "");
        std::os::unix::fs::lchown(&link, Some(STRANGER), None).unwrap();
        let said = refused(&path);
        assert!(
            said.contains(&format!("`chown -h 0 {}`", link.display())),
            "{said}"
        );
        assert!(open("the file", &link).unwrap().is_err());
        assert!(open("the file", &mine).unwrap().is_ok());
    }
}
