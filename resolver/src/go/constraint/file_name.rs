//! What a file's name says of the systems that take it.

use super::Constraint;

/// Past, present and future operating systems that count in a file's name (`internal/syslist`; the list only grows).
pub const KNOWN_OS: &[&str] = &[
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "wasip1",
    "windows",
    "zos",
];

/// Past, present and future architectures that count in a file's name (`internal/syslist`; the list only grows).
pub const KNOWN_ARCH: &[&str] = &[
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "armbe",
    "arm64",
    "arm64be",
    "loong64",
    "mips",
    "mipsle",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
];

/// What the name of a file asks for: `_OS`, `_ARCH` or `_OS_ARCH` before the first dot, and before `_test`. A name is not looked at up to its
/// first `_`, so that `linux.go` is for all.
pub fn file_name_constraint(name: &str) -> Constraint<&str> {
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    let Some((_, after)) = stem.split_once('_') else { return Constraint::default() };
    let after = match after.rsplit_once('_') {
        Some((before, "test")) => before,
        None if after == "test" => return Constraint::default(),
        _ => after,
    };
    let (before, last) = after.rsplit_once('_').unwrap_or(("", after));
    let os = before.rsplit_once('_').map_or(before, |(_, os)| os);
    if KNOWN_ARCH.contains(&last) && KNOWN_OS.contains(&os) {
        return Constraint::tag(last).and(Constraint::tag(os));
    }
    if KNOWN_ARCH.contains(&last) || KNOWN_OS.contains(&last) { Constraint::tag(last) } else { Constraint::default() }
}
