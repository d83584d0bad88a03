//! Facts from a module's files, which come one after another.

use std::collections::{BTreeMap, BTreeSet};

use super::embed::{Entries, Node};
use super::folder::{Embed, Folder, GoFile, Kind, SourceFile};
use super::licence::{expression, identify, is_licence};
use super::stored::{FactsError, Head, ModuleFacts};
use crate::go::constraint::{Constraint, file_name_constraint};
use crate::go::source::{CgoLine, GoSource, Source, read_go, read_other};

/// Endings of the files in other languages that go/build knows.
const OTHER_LANGUAGES: &[&str] = &[
    "c", "cc", "cpp", "cxx", "m", "h", "hh", "hpp", "hxx", "f", "F", "for", "f90", "s", "S", "sx", "swig", "swigcxx",
    "syso",
];

/// What is at a path.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// A file, and its bytes.
    Bytes(&'a [u8]),
    /// A file that [`Builder::wants`] not.
    Unread,
    /// A symbolic link, with the bytes of the file that it leads to; without, if it leads to a folder or nowhere.
    Link(Option<&'a [u8]>),
}

/// Takes a module's files and makes facts of them.
#[derive(Debug, Default)]
pub struct Builder {
    local: bool,
    head: Head,
    /// Files that look like a licence, and what they are.
    licences: Vec<(String, Option<String>)>,
    entries: Entries,
    folders: BTreeMap<String, Raw>,
}

/// A folder before its embed patterns are looked up.
#[derive(Debug, Default)]
struct Raw {
    has_go: bool,
    files: Vec<RawFile>,
}

#[derive(Debug)]
struct RawFile {
    name: String,
    constraint: Constraint<String>,
    content: RawContent,
}

#[derive(Debug)]
enum RawContent {
    Go(GoSource),
    Unreadable(String),
    Other,
}

impl Builder {
    /// For a module's zip.
    pub fn module() -> Self {
        Self::default()
    }

    /// For a folder of the project, in which other modules may be: theirs are not its files.
    pub fn local() -> Self {
        Self { local: true, ..Self::default() }
    }

    /// Whether the bytes of the file at `path` are looked at.
    pub fn wants(path: &str) -> bool {
        let name = base(path);
        let source = is_source(name) && ending(name) != Some("syso");
        source || matches!(path, "go.mod" | "go.sum") || is_licence(path)
    }

    /// Takes the file or link at `path`, which is relative to the module's root and has slashes.
    pub fn add(&mut self, path: &str, content: Content<'_>) {
        let node = if let Content::Link(_) = content { Node::Irregular } else { Node::File };
        self.entries.add(path, node);
        let bytes = match content {
            Content::Bytes(bytes) | Content::Link(Some(bytes)) => bytes,
            Content::Unread => &[],
            Content::Link(None) => return,
        };
        match path {
            "go.mod" => self.head.go_mod = Some(String::from_utf8_lossy(bytes).into_owned()),
            "go.sum" => self.head.go_sum = Some(String::from_utf8_lossy(bytes).into_owned()),
            _ if is_licence(path) && !self.local => self.licences.push((path.to_owned(), identify(bytes))),
            _ => {}
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let is_go = ending(name) == Some("go");
        let source = is_source(name);
        // In a zip, Go looks up what it indexed, and that leaves hidden files out.
        let has_go = is_go && (source || self.local);
        if !source && !has_go {
            return;
        }
        let raw = self.folders.entry(folder.to_owned()).or_default();
        raw.has_go |= has_go;
        raw.files.extend(source.then(|| read(name, is_go, bytes)).flatten());
    }

    /// The facts; `sum` and `hash` are empty for a folder of the project.
    ///
    /// # Errors
    /// [`FactsError::TooLarge`].
    pub fn finish(mut self, sum: String, hash: String) -> Result<ModuleFacts, FactsError> {
        self.head.sum = sum;
        self.head.hash = hash;
        self.licences.sort();
        self.head.licence = expression(&self.licences);
        self.entries.sort();
        let mut folders = Vec::with_capacity(self.folders.len());
        for (name, mut raw) in self.folders {
            if self.entries.in_other_module(&name) {
                continue;
            }
            raw.files.sort_by(|left, right| left.name.cmp(&right.name));
            let folder = assemble(raw.files, self.local, |pattern| self.entries.embedded(&name, pattern));
            folders.push((name, raw.has_go, folder));
        }
        ModuleFacts::write(self.head, &folders)
    }
}

fn base(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn ending(name: &str) -> Option<&str> {
    name.rsplit_once('.').map(|(_, ending)| ending)
}

fn is_source(name: &str) -> bool {
    let known = ending(name).is_some_and(|ending| ending == "go" || OTHER_LANGUAGES.contains(&ending));
    known && !name.starts_with(['_', '.'])
}

fn read(name: &str, is_go: bool, bytes: &[u8]) -> Option<RawFile> {
    let by_name = file_name_constraint(name).to_owned();
    let outcome = if is_go { read_go(bytes) } else { read_other(bytes) };
    let (constraint, content) = match outcome {
        Ok(Source { constraint, go: Some(go) }) => (by_name.and(constraint), RawContent::Go(go)),
        Ok(Source { constraint, go: None }) => (by_name.and(constraint), RawContent::Other),
        Err(unreadable) if is_go => (by_name, RawContent::Unreadable(unreadable.0)),
        // Go ignores it everywhere.
        Err(_) => return None,
    };
    Some(RawFile { name: name.to_owned(), constraint, content })
}

/// The place of a value in a list, to which it is added if it is not there.
fn place(list: &mut Vec<String>, value: String) -> u32 {
    let found = list.iter().position(|other| *other == value);
    let place = found.unwrap_or_else(|| {
        list.push(value);
        list.len() - 1
    });
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn assemble(
    files: Vec<RawFile>,
    local: bool,
    embedded: impl Fn(&str) -> Result<Vec<String>, String>,
) -> Folder<String> {
    let mut folder = Folder::default();
    let mut patterns = Vec::new();
    let mut tests = BTreeSet::new();
    let plain = only_package(&files);
    for file in files {
        let test = file.name.ends_with("_test.go");
        let kind = match file.content {
            RawContent::Other => Kind::Other,
            RawContent::Unreadable(error) => Kind::Unreadable { test, error },
            RawContent::Go(go) if test => {
                let own = go.package.strip_suffix("_test").unwrap_or(&go.package);
                // Which systems have a test at all is what counts of one that is as it should be.
                let says_nothing = go.error.is_none() && !go.uses_c && plain.as_deref() == Some(own);
                if !local && says_nothing && !tests.insert(file.constraint.clone()) {
                    continue;
                }
                let error = go.error.or_else(|| go.uses_c.then(|| "use of cgo in test not supported".to_owned()));
                let imports = if local { go.imports } else { Vec::new() };
                let imports = imports.into_iter().map(|path| place(&mut folder.imports, path)).collect();
                Kind::Test { package: place(&mut folder.packages, go.package), imports, error }
            }
            RawContent::Go(go) => Kind::Go(go_file(go, &mut folder, &mut patterns)),
        };
        folder.files.push(SourceFile { name: file.name, constraint: file.constraint, kind });
    }
    folder.embeds = patterns.into_iter().map(|pattern| Embed { files: embedded(&pattern), pattern }).collect();
    folder
}

/// The one package that all Go files say they are of, tests left out.
fn only_package(files: &[RawFile]) -> Option<String> {
    let mut names =
        files.iter().filter(|file| !file.name.ends_with("_test.go")).filter_map(|file| match &file.content {
            RawContent::Go(go) if go.package != "documentation" => Some(&go.package),
            _ => None,
        });
    let first = names.next()?;
    names.all(|name| name == first).then(|| first.clone())
}

fn go_file(go: GoSource, folder: &mut Folder<String>, patterns: &mut Vec<String>) -> GoFile<String> {
    let is_main = go.package == "main";
    let cgo: Vec<CgoLine<String>> = go.cgo;
    GoFile {
        package: place(&mut folder.packages, go.package),
        imports: go.imports.into_iter().map(|path| place(&mut folder.imports, path)).collect(),
        uses_c: go.uses_c,
        embeds: go.embeds.into_iter().map(|pattern| place(patterns, pattern)).collect(),
        cgo,
        debug: if is_main { go.debug } else { Vec::new() },
        error: go.error,
    }
}
