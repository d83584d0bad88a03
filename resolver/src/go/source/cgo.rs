//! `#cgo` lines: flags for the C compiler and the linker.

use serde::{Deserialize, Serialize};

use crate::go::constraint::{Constraint, condition};

/// Which flags a line adds to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Verb {
    /// `CFLAGS`.
    C,
    /// `CPPFLAGS`.
    Preprocessor,
    /// `CXXFLAGS`.
    Cxx,
    /// `FFLAGS`.
    Fortran,
    /// `LDFLAGS`.
    Linker,
    /// `pkg-config`.
    PkgConfig,
    /// A line that cannot be read: its only argument is what Go says.
    Invalid,
}

/// A `#cgo` line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgoLine<S> {
    /// Where it counts.
    pub when: Constraint<S>,
    /// What it adds to.
    pub verb: Verb,
    /// What it adds. `${SRCDIR}` stands as it is written; paths of `-I` and `-L` that are relative are below it.
    pub arguments: Vec<S>,
}

/// What stands for the package's folder.
const FOLDER: &str = "${SRCDIR}";

/// ASCII characters that may be in an argument (`safeString` of go/build); all others may.
const SAFE: &str = "+-.,/0123456789=ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz:$@%! ~^";

/// The `#cgo` lines of one comment on `import "C"`, markers included.
pub(super) fn cgo_lines(comment: &str) -> Vec<CgoLine<String>> {
    let inside =
        comment.strip_prefix("//").or_else(|| comment.strip_prefix("/*").and_then(|rest| rest.strip_suffix("*/")));
    inside.unwrap_or_default().lines().filter_map(cgo_line).collect()
}

fn cgo_line(line: &str) -> Option<CgoLine<String>> {
    let line = line.trim();
    let rest = line.strip_prefix("#cgo").filter(|rest| rest.starts_with([' ', '\t']))?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    if let ["nocallback" | "noescape", _] = words.as_slice() {
        return None;
    }
    let invalid = |when| CgoLine { when, verb: Verb::Invalid, arguments: vec![format!("invalid #cgo line: {line}")] };
    let Some((before, arguments)) = rest.trim().split_once(':') else { return Some(invalid(Constraint::default())) };
    let mut conditions: Vec<&str> = before.split_whitespace().collect();
    let Some(verb) = conditions.pop() else { return Some(invalid(Constraint::default())) };
    let when = if conditions.is_empty() {
        Constraint::default()
    } else {
        conditions.into_iter().filter_map(condition).reduce(Constraint::or)?
    };
    Some(match read_arguments(verb, arguments) {
        Some((verb, arguments)) => CgoLine { when, verb, arguments },
        None => invalid(when),
    })
}

fn read_arguments(verb: &str, text: &str) -> Option<(Verb, Vec<String>)> {
    let mut arguments = split_quoted(text)?;
    let safe = |argument: &String| !argument.is_empty() && argument.split(FOLDER).all(|part| part.chars().all(is_safe));
    if !arguments.iter().all(safe) {
        return None;
    }
    let verb = match verb {
        "CFLAGS" => Verb::C,
        "CPPFLAGS" => Verb::Preprocessor,
        "CXXFLAGS" => Verb::Cxx,
        "FFLAGS" => Verb::Fortran,
        "LDFLAGS" => Verb::Linker,
        "pkg-config" => return Some((Verb::PkgConfig, arguments)),
        _ => return None,
    };
    below_the_folder(&mut arguments);
    Some((verb, arguments))
}

fn is_safe(character: char) -> bool {
    !character.is_ascii() || SAFE.contains(character)
}

/// Go makes the paths of `-I` and `-L` absolute; so do we, below the package's folder.
fn below_the_folder(arguments: &mut [String]) {
    let mut is_path = false;
    for argument in arguments {
        if is_path {
            *argument = absolute(argument);
            is_path = false;
        } else if let Some(flag @ ("-I" | "-L")) = argument.get(..2) {
            let path = argument.get(2..).unwrap_or_default();
            if path.is_empty() {
                is_path = true;
            } else {
                *argument = format!("{flag}{}", absolute(path));
            }
        }
    }
}

fn absolute(path: &str) -> String {
    if path.starts_with('/') || path.starts_with(FOLDER) {
        return path.to_owned();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." && parts.last().is_some_and(|last| *last != "..") {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.insert(0, FOLDER);
    parts.join("/")
}

/// Words apart by spaces, with quotes of both kinds and backslashes; nothing, where one has no end (`splitQuoted` of go/build).
fn split_quoted(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut begun = false;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', _) => word.push(characters.next()?),
            (end, Some(open)) if end == open => {
                quote = None;
                continue;
            }
            ('"' | '\'', None) => quote = Some(character),
            (space, None) if space.is_whitespace() => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
                continue;
            }
            (other, _) => word.push(other),
        }
        begun = true;
    }
    if begun {
        words.push(word);
    }
    quote.is_none().then_some(words)
}
