//! Which packages are for a machine: npm's rule (npm-install-checks, `checkPlatform`), as `lib/npm/platform.nix` has it.

use nixwright_resolver::plan::npm::Entry;

/// Whether an entry is for a Nix system, whose C library on Linux is glibc.
pub(super) fn fits(system: &str, entry: &Entry) -> bool {
    let (cpu, os) = system.split_once('-').unwrap_or((system, ""));
    let cpu = match cpu {
        "aarch64" => "arm64",
        "armv6l" | "armv7l" => "arm",
        "i686" => "ia32",
        "loongarch64" => "loong64",
        "powerpc64" | "powerpc64le" => "ppc64",
        "x86_64" => "x64",
        other => other,
    };
    let libc = if os == "linux" { "glibc" } else { "" };
    matches(os, &entry.os) && matches(cpu, &entry.cpu) && matches(libc, &entry.libc)
}

/// Whether an entry says for which machines it is.
pub(super) fn is_limited(entry: &Entry) -> bool {
    !(entry.os.is_empty() && entry.cpu.is_empty() && entry.libc.is_empty())
}

/// None of the negated values, and one of the others if there are any.
fn matches(value: &str, list: &[String]) -> bool {
    if list == ["any"] {
        return true;
    }
    let (negated, named): (Vec<&str>, Vec<&str>) =
        list.iter().map(String::as_str).partition(|entry| entry.starts_with('!'));
    !negated.iter().any(|entry| entry.get(1..) == Some(value)) && (named.is_empty() || named.contains(&value))
}

#[cfg(test)]
mod tests {
    use nixwright_resolver::plan::npm::Entry;

    use super::fits;

    fn entry(os: &[&str], cpu: &[&str], libc: &[&str]) -> Entry {
        let list = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        Entry { os: list(os), cpu: list(cpu), libc: list(libc), ..Entry::default() }
    }

    #[test]
    fn named_and_negated_values_as_npm_reads_them() {
        for (entry, linux, darwin) in [
            (entry(&[], &[], &[]), true, true),
            (entry(&["linux"], &["x64"], &[]), true, false),
            (entry(&["!win32"], &[], &[]), true, true),
            (entry(&["!linux", "darwin"], &[], &[]), false, true),
            (entry(&["any"], &[], &[]), true, true),
            (entry(&["darwin"], &["arm64", "x64"], &[]), false, true),
            (entry(&["linux"], &[], &["glibc"]), true, false),
            (entry(&["linux"], &[], &["musl"]), false, false),
            (entry(&[], &[], &["glibc"]), true, false),
        ] {
            assert_eq!(fits("x86_64-linux", &entry), linux, "{entry:?}");
            assert_eq!(fits("aarch64-darwin", &entry), darwin, "{entry:?}");
        }
    }
}
