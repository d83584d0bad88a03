//! Users for builders to run as.
//!
//! Inside the sandbox of a single-user store that root owns, a builder's uid is 1000 but outside it is root's, so the kernel's own
//! files below /proc/sys are writable to it: a builder that sets `kernel.core_pattern` has a program run as root on the
//! host. (Seen with Nix 2.8 on Linux 6.18.) Nix's answer is a group of build users. They need not exist on the machine:
//! Nix looks them up in /etc/passwd and /etc/group, and in the mount namespace of a build those two files are ours.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::NixError;

/// The name of the group, in our files only.
pub(super) const GROUP: &str = "nixwright-build";

/// The first uid that Nix itself hands out to builds where it allocates them (`start-id` in its manual), so no person has it.
const FIRST_ID: u32 = 872_415_232;

/// As many builds at once, of all clients of this store together, as can have a user. Nix waits for a free one beyond that.
const USERS: u32 = 64;

/// The files that stand in for /etc/passwd and /etc/group.
#[derive(Debug, Clone)]
pub(super) struct BuildUsers {
    pub(super) passwd: PathBuf,
    pub(super) group: PathBuf,
}

impl BuildUsers {
    /// Writes the two files into `folder`.
    pub(super) fn write(folder: &Path) -> Result<Self, NixError> {
        let users = Self { passwd: folder.join("passwd"), group: folder.join("group") };
        write_if_other(&users.passwd, &passwd())?;
        write_if_other(&users.group, &group())?;
        Ok(users)
    }
}

/// Whether this process is the machine's root and may run builds as others: not so in a user namespace that maps only a few.
pub(super) fn available(is_root: bool, uid_map: &str) -> bool {
    let whole = uid_map.lines().any(|line| {
        let mut fields = line.split_whitespace().map(str::parse::<u64>);
        match (fields.next(), fields.next(), fields.next()) {
            (Some(Ok(inside)), Some(Ok(_)), Some(Ok(count))) => {
                inside <= u64::from(FIRST_ID) && inside + count > u64::from(FIRST_ID + USERS)
            }
            _ => false,
        }
    });
    is_root && whole
}

/// Whether uid 0 here is uid 0 of the machine.
pub(super) fn is_machines_root(is_root: bool, uid_map: &str) -> bool {
    let same = uid_map.lines().any(|line| line.split_whitespace().take(2).eq(["0", "0"]));
    is_root && same
}

fn passwd() -> String {
    let mut text = String::from("root:x:0:0:root:/root:/bin/sh\n");
    for number in 1..=USERS {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{GROUP}-{number}:x:{}:{FIRST_ID}::/var/empty:/bin/false", FIRST_ID + number);
    }
    text
}

fn group() -> String {
    let members: Vec<String> = (1..=USERS).map(|number| format!("{GROUP}-{number}")).collect();
    format!("root:x:0:\n{GROUP}:x:{FIRST_ID}:{}\n", members.join(","))
}

/// A running build of another process has these files bound, so they are replaced by name, and only when they differ.
fn write_if_other(path: &Path, text: &str) -> Result<(), NixError> {
    if std::fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|source| NixError::file("write", path, source))
}

#[cfg(test)]
mod tests {
    use super::{BuildUsers, available, is_machines_root};

    #[test]
    fn each_user_is_a_member_of_the_group_and_none_is_root() {
        let folder = tempfile::tempdir().unwrap();
        let users = BuildUsers::write(folder.path()).unwrap();
        let passwd = std::fs::read_to_string(users.passwd).unwrap();
        let group = std::fs::read_to_string(users.group).unwrap();
        let members: Vec<&str> = group.lines().nth(1).unwrap().rsplit(':').next().unwrap().split(',').collect();
        let entries: Vec<Vec<&str>> = passwd.lines().skip(1).map(|line| line.split(':').collect()).collect();
        assert_eq!(entries.iter().map(|entry| entry[0]).collect::<Vec<_>>(), members);
        assert!(entries.iter().all(|entry| entry[2].parse::<u32>().unwrap() > 872_415_232));
    }

    #[test]
    fn build_users_need_the_machines_whole_range_of_ids() {
        assert!(available(true, "         0          0 4294967295\n"));
        assert!(!available(false, "0 0 4294967295"));
        assert!(!available(true, "0 1000 1\n1 100000 65536\n"));
        assert!(is_machines_root(true, "0 0 4294967295"));
        assert!(!is_machines_root(true, "0 1000 1\n1 100000 65536"));
    }
}
