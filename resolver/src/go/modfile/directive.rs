//! What the lines of go.mod and go.work mean.

use super::syntax::{Item, Line, read};
use super::{GoMod, Reading, Replace, Require, Retract, SyntaxError, quote};
use crate::go::catalog::ModuleVersion;
use crate::go::paths;
use crate::go::version::semver;

/// Reads a go.mod.
pub(super) fn parse(text: &str, reading: Reading) -> Result<GoMod, SyntaxError> {
    let mut file = GoMod::default();
    let mut seen_module = false;
    let mut first_error = None;
    let strict = reading != Reading::Dependency;
    read(text, |item| {
        let wrong = match item {
            Item::Block { number, head } => {
                let known = matches!(
                    head,
                    ["module" | "godebug" | "require" | "exclude" | "replace" | "retract" | "tool" | "ignore"]
                );
                let unknown =
                    || SyntaxError { line: number, reason: format!("unknown block type: {}", head.join(" ")) };
                (strict && !known).then(unknown)
            }
            Item::Line(line) => {
                let done = line_of_mod(&mut file, &mut seen_module, &line, reading);
                done.err().map(|reason| SyntaxError { line: line.number, reason })
            }
        };
        if first_error.is_none() {
            first_error = wrong;
        }
    })?;
    if reading == Reading::Main && first_error.is_none() {
        first_error = retracted_major(text, &file);
    }
    first_error.map_or(Ok(file), Err)
}

/// A main module can only retract versions that it can have. Its path may come last, so this is looked at in the end.
fn retracted_major(text: &str, file: &GoMod) -> Option<SyntaxError> {
    let (_, major) = paths::split_major(&file.module)?;
    let mut versions = file.retract.iter().flat_map(|line| [&line.low, &line.high]);
    let (version, reason) = versions.find_map(|version| Some((version, paths::check_major(version, major).err()?)))?;
    let line = text.lines().position(|line| line.contains(version.as_str())).unwrap_or_default();
    Some(SyntaxError { line: line + 1, reason: format!("retract: {reason}") })
}

/// The directive's name and its arguments; nothing in a block that has more than a name as its head.
pub(in crate::go) fn verb<'a, 'b>(line: &Line<'a, 'b>) -> Option<(&'a str, &'b [&'a str])> {
    match line.block {
        Some([verb]) => Some((verb, line.words)),
        Some(_) => None,
        None => line.words.split_first().map(|(verb, rest)| (*verb, rest)),
    }
}

fn line_of_mod(file: &mut GoMod, seen_module: &mut bool, line: &Line<'_, '_>, reading: Reading) -> Result<(), String> {
    let strict = reading != Reading::Dependency;
    let Some((verb, words)) = verb(line) else { return Ok(()) };
    // An unknown block was complained of at its head; `go (` and `toolchain (` are none that is known.
    let in_block = line.block.is_some();
    let fields = Fields {
        verb,
        words,
        versions: if reading == Reading::Main { Versions::AsTheyAre } else { Versions::MadeCanonical },
    };
    match verb {
        "go" if !in_block => {
            if file.go.is_some() {
                return Err("repeated go statement".to_owned());
            }
            file.go = Some(fields.go_version(strict)?);
        }
        "module" => {
            if std::mem::replace(seen_module, true) {
                return Err("repeated module statement".to_owned());
            }
            file.deprecated = deprecation(&comments(line));
            let [path] = words else { return Err("usage: module module/path".to_owned()) };
            file.module = string(path)?;
        }
        "require" => {
            let module = fields.module_version()?;
            file.require.push(Require { module, indirect: is_indirect(line) });
        }
        "retract" => match fields.retracted(strict) {
            Ok((low, high)) => file.retract.push(Retract { low, high, rationale: comments(line) }),
            Err(_) if !strict => {}
            Err(reason) => return Err(reason),
        },
        "ignore" => file.ignore.push(fields.one_string()?),
        _ if !strict => {}
        "toolchain" if !in_block => {
            if file.toolchain.is_some() {
                return Err("repeated toolchain statement".to_owned());
            }
            file.toolchain = Some(fields.toolchain()?);
        }
        "godebug" => file.godebug.push(fields.godebug()?),
        "exclude" => file.exclude.push(fields.module_version()?),
        "replace" => file.replace.push(fields.replace()?),
        "tool" => file.tool.push(fields.one_string()?),
        _ if in_block => {}
        _ => return Err(format!("unknown directive: {verb}")),
    }
    Ok(())
}

/// What to do with versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::go) enum Versions {
    /// `v1.2` is read as `v1.2.0`.
    MadeCanonical,
    /// Go would ask for the newest that `v1.2` can mean, and write it into the file: refused.
    AsTheyAre,
}

/// The arguments of a directive.
#[derive(Debug, Clone, Copy)]
pub(in crate::go) struct Fields<'a, 'b> {
    pub(in crate::go) verb: &'b str,
    pub(in crate::go) words: &'b [&'a str],
    pub(in crate::go) versions: Versions,
}

impl Fields<'_, '_> {
    /// A go line's version. In a dependency, what follows the language version may be anything.
    pub(in crate::go) fn go_version(&self, strict: bool) -> Result<String, String> {
        let [word] = self.words else { return Err("go directive expects exactly one argument".to_owned()) };
        if is_go_version(word) {
            return Ok((*word).to_owned());
        }
        let lax = || language_with_suffix(word.strip_prefix('v').unwrap_or(word));
        let language = if strict { None } else { lax() };
        language.map_or_else(
            || Err(format!("invalid go version '{word}': must match format 1.23.0")),
            |go| Ok(go.to_owned()),
        )
    }

    pub(in crate::go) fn toolchain(&self) -> Result<String, String> {
        let [word] = self.words else { return Err("toolchain directive expects exactly one argument".to_owned()) };
        let known = *word == "default" || *word == "go1" || word.starts_with("go1.");
        let complaint = || format!("invalid toolchain version '{word}': must match format go1.23.0 or default");
        if known { Ok((*word).to_owned()) } else { Err(complaint()) }
    }

    pub(in crate::go) fn godebug(&self) -> Result<(String, String), String> {
        let usage = || "usage: godebug key=value".to_owned();
        let [word] = self.words else { return Err(usage()) };
        if word.contains(['"', '`', '\'', ',']) {
            return Err(usage());
        }
        word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or_else(usage)
    }

    pub(in crate::go) fn one_string(&self) -> Result<String, String> {
        let [word] = self.words else { return Err(format!("{} directive expects exactly one argument", self.verb)) };
        string(word)
    }

    fn module_version(&self) -> Result<ModuleVersion, String> {
        let [path, version] = self.words else { return Err(format!("usage: {} module/path v1.2.3", self.verb)) };
        let path = string(path)?;
        let version = self.version(&path, version)?;
        self.check_major(&path, &version)?;
        Ok(ModuleVersion { path, version })
    }

    fn check_major(&self, path: &str, version: &str) -> Result<(), String> {
        let (_, major) = paths::split_major(path).ok_or("invalid module path")?;
        paths::check_major(version, major).map_err(|reason| format!("{} {path}: {reason}", self.verb))
    }

    /// A version of the module `path`.
    fn version(&self, path: &str, word: &str) -> Result<String, String> {
        let wrong = |reason: &str| format!("{} {path}: version {word:?} invalid: {reason}", self.verb);
        let written = quote::text(word).map_err(wrong)?;
        let canonical = semver::canonical(&written);
        match self.versions {
            Versions::MadeCanonical => canonical.ok_or_else(|| wrong("must be of the form v1.2.3")),
            Versions::AsTheyAre if canonical.as_deref() != Some(&*written) => {
                Err(wrong("not canonical, so that updates to go.mod are needed; to update it: go mod tidy"))
            }
            Versions::AsTheyAre => {
                let (_, major) = paths::split_major(path).ok_or_else(|| wrong("malformed module path"))?;
                paths::check_major(&written, major).map_err(|reason| format!("{} {path}: {reason}", self.verb))?;
                Ok(written)
            }
        }
    }

    pub(in crate::go) fn replace(&self) -> Result<Replace, String> {
        let verb = self.verb;
        let arrow = if self.words.get(1) == Some(&"=>") { 1 } else { 2 };
        let (old, new) = match (self.words.get(..arrow), self.words.get(arrow), self.words.get(arrow + 1..)) {
            (Some(old), Some(&"=>"), Some(new)) if matches!(new.len(), 1 | 2) => (old, new),
            _ => {
                return Err(format!(
                    "usage: {verb} module/path [v1.2.3] => other/module v1.4, or {verb} module/path [v1.2.3] => ../local/directory"
                ));
            }
        };
        let path = string(old[0])?;
        let (_, major) = paths::split_major(&path).ok_or_else(|| format!("{verb} {path}: invalid module path"))?;
        let version = old.get(1).map(|word| self.version(&path, word)).transpose()?;
        if let Some(version) = &version {
            paths::check_major(version, major).map_err(|reason| format!("{verb} {path}: {reason}"))?;
        }
        let target = string(new[0])?;
        let by = match new.get(1) {
            Some(word) => {
                let version = self.version(&target, word)?;
                if paths::is_directory(&target) {
                    return Err(format!("replacement module directory path {target:?} cannot have version"));
                }
                ModuleVersion { path: target, version }
            }
            None if !paths::is_directory(&target) && target.contains('@') => {
                return Err("replacement module must match format 'path version', not 'path@version'".to_owned());
            }
            None if !paths::is_directory(&target) => {
                return Err(
                    "replacement module without version must be directory path (rooted or starting with . or ..)"
                        .to_owned(),
                );
            }
            None if target.contains('\\') => {
                return Err("replacement directory appears to be Windows path (on a non-windows system)".to_owned());
            }
            None => ModuleVersion { path: target, version: String::new() },
        };
        Ok(Replace { path, version, by })
    }

    /// The lowest and the highest retracted version. Go looks at them only as a main module's.
    fn retracted(&self, strict: bool) -> Result<(String, String), String> {
        let version = |word: &str| {
            let written = quote::text(word).map_err(|reason| format!("retract: version {word:?} invalid: {reason}"))?;
            let canonical =
                self.versions == Versions::MadeCanonical || semver::canonical(&written).as_ref() == Some(&written);
            let complaint = || {
                format!(
                    "retract: version {word:?} is not canonical: updates to go.mod needed; to update it: go mod tidy"
                )
            };
            if canonical { Ok(written) } else { Err(complaint()) }
        };
        let (interval, rest) = match self.words {
            [] | ["(", ..] => return Err("expected '[' or version".to_owned()),
            ["[", low, ",", high, "]", rest @ ..] => ((version(low)?, version(high)?), rest),
            ["[", ..] => return Err("expected '[low, high]'".to_owned()),
            [one, rest @ ..] => {
                let one = version(one)?;
                ((one.clone(), one), rest)
            }
        };
        match rest.first() {
            Some(word) if strict => Err(format!("unexpected token after version: {word:?}")),
            _ => Ok(interval),
        }
    }
}

/// A word's text.
pub(in crate::go) fn string(word: &str) -> Result<String, String> {
    quote::text(word).map_err(|reason| format!("invalid quoted string: {reason}"))
}

/// `1.N`, `1.N.M`, each with letters and a number behind it or not.
fn is_go_version(word: &str) -> bool {
    let release = || {
        let (_, rest) = positive(word)?;
        let (_, mut rest) = semver::cut_number(rest.strip_prefix('.')?)?;
        if let Some(patch) = rest.strip_prefix('.') {
            (_, rest) = semver::cut_number(patch)?;
        }
        if rest.is_empty() {
            return Some(());
        }
        let number = rest.trim_start_matches(|character: char| character.is_ascii_lowercase());
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        (number.len() < rest.len() && digits).then_some(())
    };
    release().is_some()
}

/// `1.N` of `1.N.x`, or of whatever else follows the number.
fn language_with_suffix(word: &str) -> Option<&str> {
    let (_, rest) = positive(word)?;
    let (_, rest) = semver::cut_number(rest.strip_prefix('.')?)?;
    (!rest.is_empty()).then(|| &word[..word.len() - rest.len()])
}

fn positive(word: &str) -> Option<(&str, &str)> {
    semver::cut_number(word).filter(|(number, _)| *number != "0")
}

/// Whether the comment at the end of the line says `// indirect`, alone or before a semicolon.
fn is_indirect(line: &Line<'_, '_>) -> bool {
    let Some(comment) = line.suffix else { return false };
    let mut words = comment.strip_prefix("//").unwrap_or(comment).split_whitespace();
    match words.next() {
        Some("indirect") => words.next().is_none(),
        Some("indirect;") => words.next().is_some(),
        _ => false,
    }
}

/// What the comments of a line say: its own, or its block's if it has none.
fn comments(line: &Line<'_, '_>) -> String {
    let own = !line.before.is_empty() || line.suffix.is_some();
    let before = if own { line.before } else { line.block_before };
    let text = |comment: &&str| comment.strip_prefix("//").map(|text| text.trim().to_owned());
    let lines: Vec<String> = before.iter().chain(line.suffix.iter()).filter_map(text).collect();
    lines.join("\n")
}

/// The first paragraph that starts with `Deprecated:`.
fn deprecation(comments: &str) -> Option<String> {
    let mut paragraphs = comments.split("\n\n").enumerate();
    let text = paragraphs.find_map(|(place, paragraph)| {
        let paragraph = if place == 0 { paragraph } else { paragraph.trim_start_matches('\n') };
        paragraph.strip_prefix("Deprecated:")
    })?;
    Some(text.trim_start_matches(' ').to_owned()).filter(|text| !text.is_empty())
}
