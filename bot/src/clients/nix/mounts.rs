//! The mount table, as far as making a folder read-only with all that is mounted below it needs it.

use std::path::{Path, PathBuf};

/// Mount points of proc_pid_mountinfo(5), in the table's order.
pub(super) fn mount_points(mountinfo: &str) -> Vec<PathBuf> {
    mountinfo.lines().filter_map(|line| line.split(' ').nth(4)).map(|field| PathBuf::from(unescape(field))).collect()
}

/// Blank, tab, newline and backslash are written as three octal digits.
fn unescape(field: &str) -> String {
    let mut plain = String::with_capacity(field.len());
    let mut rest = field;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let code = rest.get(at + 1..at + 4).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) if code.is_ascii() => {
                plain.push(char::from(code));
                rest = &rest[at + 4..];
            }
            _ => {
                plain.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// The folders without those that lie inside another: binding the outer one brings them along.
pub(super) fn outermost(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    paths.sort();
    let mut kept: Vec<PathBuf> = Vec::new();
    for path in paths {
        if !kept.iter().any(|outer| path.starts_with(outer)) {
            kept.push(path);
        }
    }
    kept
}

/// Every mount that has to be made read-only for `path` to be so throughout: itself, then what is mounted below it.
/// (util-linux makes the whole tree read-only in one step from 2.39 on; Debian 12 has 2.38.)
pub(super) fn to_lock(path: &Path, mount_points: &[PathBuf]) -> Vec<PathBuf> {
    let mut below: Vec<PathBuf> =
        mount_points.iter().filter(|point| point.starts_with(path) && *point != path).cloned().collect();
    below.sort();
    below.dedup();
    let mut all = vec![path.to_owned()];
    all.append(&mut below);
    all
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{mount_points, outermost, to_lock};

    const TABLE: &str = "\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:5 / /usr/local rw,nosuid shared:1 - tmpfs tmpfs rw
31 22 0:6 / /usr/with\\040blank rw - tmpfs tmpfs rw
32 22 0:7 / /usrx rw - tmpfs tmpfs rw
";

    #[test]
    fn what_is_mounted_below_a_folder_is_locked_too() {
        let points = mount_points(TABLE);
        let expected: Vec<PathBuf> = ["/usr", "/usr/local", "/usr/with blank"].map(PathBuf::from).to_vec();
        assert_eq!(to_lock(Path::new("/usr"), &points), expected);
    }

    #[test]
    fn a_folder_inside_another_is_bound_once() {
        let paths = ["/usr/lib", "/opt/rust", "/usr", "/usrx", "/usr"].map(PathBuf::from).to_vec();
        assert_eq!(outermost(paths), ["/opt/rust", "/usr", "/usrx"].map(PathBuf::from).to_vec());
    }
}
