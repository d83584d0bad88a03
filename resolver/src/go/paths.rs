//! Paths of modules, packages and files: what is allowed, which major version a path names, and how the proxy spells them.
//!
//! The rules are those of x/mod's `module` package.

use super::version::semver;

/// Names that Windows keeps for devices.
const DEVICES: [&str; 22] = [
    "CON", "PRN", "AUX", "NUL", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9", "LPT1", "LPT2",
    "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
];

/// Whose path it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Module,
    Import,
    File,
}

impl Kind {
    fn allows(self, character: char) -> bool {
        let common = character.is_ascii_alphanumeric() || matches!(character, '-' | '.' | '_');
        match self {
            Self::Module => common || character == '~',
            Self::Import => common || matches!(character, '~' | '+'),
            Self::File if character.is_ascii() => common || "!#$%&()+,=@[]^{}~ ".contains(character),
            Self::File => super::letters::is_letter(character),
        }
    }
}

/// Why a path is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed {kind} path {path:?}: {reason}")]
pub struct PathError {
    kind: &'static str,
    path: String,
    reason: String,
}

/// Whether a path can be a module's that is fetched.
pub fn check_module(path: &str) -> Result<(), PathError> {
    let reason = check(path, Kind::Module).err().or_else(|| {
        let first = path.split('/').next().unwrap_or_default();
        let odd = first.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.')));
        if !first.contains('.') {
            Some("missing dot in first path element".to_owned())
        } else if let Some(odd) = odd {
            Some(format!("invalid char {odd:?} in first path element"))
        } else {
            split_major(path).is_none().then(|| "invalid version".to_owned())
        }
    });
    reason.map_or(Ok(()), |reason| Err(PathError { kind: "module", path: path.to_owned(), reason }))
}

/// Whether a path can be imported.
pub fn check_import(path: &str) -> Result<(), PathError> {
    check(path, Kind::Import).map_err(|reason| PathError { kind: "import", path: path.to_owned(), reason })
}

/// Whether a path can be a file's in a module's zip.
pub fn check_file(path: &str) -> Result<(), PathError> {
    check(path, Kind::File).map_err(|reason| PathError { kind: "file", path: path.to_owned(), reason })
}

fn check(path: &str, kind: Kind) -> Result<(), String> {
    let complaint = if path.is_empty() {
        "empty string"
    } else if path.starts_with('-') && kind != Kind::File {
        "leading dash"
    } else if path.contains("//") {
        "double slash"
    } else if path.ends_with('/') {
        "trailing slash"
    } else {
        return path.split('/').try_for_each(|element| check_element(element, kind));
    };
    Err(complaint.to_owned())
}

fn check_element(element: &str, kind: Kind) -> Result<(), String> {
    if element.is_empty() {
        return Err("empty path element".to_owned());
    }
    if element.bytes().all(|byte| byte == b'.') {
        return Err(format!("invalid path element {element:?}"));
    }
    if element.starts_with('.') && kind == Kind::Module {
        return Err("leading dot in path element".to_owned());
    }
    if element.ends_with('.') {
        return Err("trailing dot in path element".to_owned());
    }
    if let Some(odd) = element.chars().find(|character| !kind.allows(*character)) {
        return Err(format!("invalid char {odd:?}"));
    }
    let short = element.split('.').next().unwrap_or_default();
    if DEVICES.iter().any(|device| device.eq_ignore_ascii_case(short)) {
        return Err(format!("{short:?} disallowed as path element component on Windows"));
    }
    let short_name =
        short.rsplit_once('~').is_some_and(|(_, end)| !end.is_empty() && end.bytes().all(|b| b.is_ascii_digit()));
    if kind != Kind::File && short_name {
        return Err("trailing tilde and digits in path element".to_owned());
    }
    Ok(())
}

/// The path without its major version, and that with its separator: `/v2`, `.v1` (gopkg.in), or nothing for `v0` and `v1`.
/// Nothing at all where the end looks like a major version and is none: `example.com/a/v1`.
pub fn split_major(path: &str) -> Option<(&str, &str)> {
    let gopkg = path.starts_with("gopkg.in/");
    let numbered = if gopkg { path.strip_suffix("-unstable").unwrap_or(path) } else { path };
    let digits = |byte: &u8| byte.is_ascii_digit() || !gopkg && *byte == b'.';
    let number = numbered.len() - numbered.bytes().rev().take_while(digits).count();
    let separator = if gopkg { ".v" } else { "/v" };
    if !numbered[..number].ends_with(separator) || number < 2 || !gopkg && number == path.len() {
        return (!gopkg).then_some((path, ""));
    }
    let (prefix, major) = path.split_at(number - 2);
    let digits = &numbered[number..];
    let well_formed = if gopkg {
        !digits.is_empty() && (!digits.starts_with('0') || major == ".v0")
    } else {
        !digits.contains('.') && !digits.starts_with('0') && digits != "1"
    };
    well_formed.then_some((prefix, major))
}

/// Whether a version's major is the one that the path names (what [`split_major`] gives); why not.
pub fn check_major(version: &str, path_major: &str) -> Result<(), String> {
    let path_major = if path_major.starts_with(".v") {
        path_major.strip_suffix("-unstable").unwrap_or(path_major)
    } else {
        path_major
    };
    // Old versions of Go made such pseudo-versions for gopkg.in.
    if version.starts_with("v0.0.0-") && path_major == ".v1" {
        return Ok(());
    }
    let major = semver::major(version);
    let (matches, wanted) = match path_major.get(1..) {
        Some(wanted) => (major == wanted, wanted),
        None => (matches!(major, "v0" | "v1") || semver::build(version) == "+incompatible", "v0 or v1"),
    };
    if matches { Ok(()) } else { Err(format!("version {version:?} invalid: should be {wanted}, not {major}")) }
}

/// How a proxy and the module cache spell a path or a version: `!x` for `X`.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(character.to_ascii_lowercase());
    }
    escaped
}

/// What [`escape`] made; nothing if it cannot have made it.
pub fn unescape(escaped: &str) -> Option<String> {
    let mut text = String::with_capacity(escaped.len());
    let mut characters = escaped.chars();
    while let Some(character) = characters.next() {
        match character {
            '!' => text.push(characters.next().filter(char::is_ascii_lowercase)?.to_ascii_uppercase()),
            _ if character.is_ascii_uppercase() || !character.is_ascii() => return None,
            _ => text.push(character),
        }
    }
    Some(text)
}

/// Whether a package can be in a module, by their paths alone.
pub fn is_within(package: &str, module: &str) -> bool {
    package.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a `replace` or `use` line's target is a folder: rooted, or with `.` or `..` first, as Unix or Windows writes them.
pub fn is_directory(target: &str) -> bool {
    let drive = target.as_bytes();
    matches!(target, "." | "..")
        || ["./", ".\\", "../", "..\\", "/", "\\"].iter().any(|start| target.starts_with(start))
        || drive.len() >= 2 && drive[0].is_ascii_alphabetic() && drive[1] == b':'
}

/// A relative path with slashes, without `.`, empty elements and needless `..`; `.` if nothing is left.
pub fn clean(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let rooted = path.starts_with('/');
    for element in path.split('/') {
        match element {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            ".." if rooted => {}
            element => kept.push(element),
        }
    }
    match (rooted, kept.is_empty()) {
        (true, _) => format!("/{}", kept.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => kept.join("/"),
    }
}

/// `path`, which is relative to `folder`, as seen from where `folder` is relative to.
pub fn join(folder: &str, path: &str) -> String {
    if path.starts_with('/') { clean(path) } else { clean(&format!("{folder}/{path}")) }
}

#[cfg(test)]
mod tests {
    use super::{
        check_file, check_import, check_major, check_module, clean, escape, is_directory, join, split_major, unescape,
    };

    #[test]
    fn paths_of_modules_are_checked() {
        for good in ["github.com/a/b", "example.com", "gopkg.in/yaml.v3", "example.com/a/v2", "x.y/A_b~c"] {
            assert_eq!(check_module(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "a",
            "-x.y/b",
            "x.y//b",
            "x.y/",
            "/x.y",
            "x.y/.b",
            "x.y/b.",
            "X.y/b",
            "x.y/b+",
            "x.y/v1",
            "x.y/v02",
            "x.y/con.a",
            "gopkg.in/yaml",
            "x.y/..",
            "x.y/a~1",
            "x.y/ä",
        ] {
            assert!(check_module(bad).is_err(), "{bad}");
        }
        assert_eq!(check_import("a/.b+c"), Ok(()));
        assert!(check_import("a b").is_err());
        assert_eq!(check_file("ä (1)/b~1.go"), Ok(()));
        assert!(check_file("a:b").is_err());
        insta::assert_snapshot!(check_module("example/a").unwrap_err(), @r#"malformed module path "example/a": missing dot in first path element"#);
    }

    #[test]
    fn a_path_names_its_major_version() {
        let splits = [
            ("x.y/a", Some(("x.y/a", ""))),
            ("x.y/a/v2", Some(("x.y/a", "/v2"))),
            ("x.y/av2", Some(("x.y/av2", ""))),
            ("x.y/a/v1", None),
            ("x.y/a/v2.3", None),
            ("x.y/a/v", Some(("x.y/a/v", ""))),
            ("x.y/a2", Some(("x.y/a2", ""))),
            ("gopkg.in/a.v0", Some(("gopkg.in/a", ".v0"))),
            ("gopkg.in/a.v2-unstable", Some(("gopkg.in/a", ".v2-unstable"))),
            ("gopkg.in/a", None),
            ("gopkg.in/a.v01", None),
        ];
        for (path, split) in splits {
            assert_eq!(split_major(path), split, "{path}");
        }
        for (version, major) in [
            ("v1.0.0", ""),
            ("v2.0.0+incompatible", ""),
            ("v2.1.0", "/v2"),
            ("v0.0.0-x", ".v1"),
            ("v2.0.0", ".v2-unstable"),
        ] {
            assert_eq!(check_major(version, major), Ok(()), "{version} {major}");
        }
        for (version, major) in [("v2.0.0", ""), ("v1.0.0", "/v2"), ("v3.0.0+incompatible", "/v2")] {
            assert!(check_major(version, major).is_err(), "{version} {major}");
        }
    }

    #[test]
    fn capitals_are_escaped() {
        assert_eq!(escape("github.com/Azure/go-SDK"), "github.com/!azure/go-!s!d!k");
        assert_eq!(unescape("github.com/!azure").as_deref(), Some("github.com/Azure"));
        for bad in ["A", "a!", "!A", "ä"] {
            assert_eq!(unescape(bad), None, "{bad}");
        }
    }

    #[test]
    fn folders_are_told_from_modules() {
        for folder in [".", "./a", "..", "../a", "/a", "C:\\a", "c:", ".\\a"] {
            assert!(is_directory(folder), "{folder}");
        }
        assert!(!is_directory(".a") && !is_directory("a/b") && !is_directory("..a"));
        assert_eq!(
            (clean("./a//b/../c/."), clean("../../a/.."), clean("a/.."), clean("/../a")),
            ("a/c".into(), "../..".into(), ".".into(), "/a".into())
        );
        assert_eq!(
            (join("api", "../x"), join(".", "./y"), join("api", "../../z")),
            ("x".into(), "y".into(), "../z".into())
        );
    }
}
