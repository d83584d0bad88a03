//! Which files a `//go:embed` pattern matches (`resolveEmbed` of cmd/go).

use std::collections::BTreeSet;

use crate::go::paths::check_file;

/// What is at a path, folders left out: they are what others lie in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    File,
    /// A link.
    Irregular,
}

/// All files of a module, by path.
#[derive(Debug, Default)]
pub(super) struct Entries {
    paths: Vec<(String, Node)>,
    /// Folders below the root with a go.mod: where other modules begin.
    modules: BTreeSet<String>,
}

impl Entries {
    pub(super) fn add(&mut self, path: &str, node: Node) {
        self.paths.push((path.to_owned(), node));
        if let Some(folder) = path.strip_suffix("/go.mod") {
            self.modules.insert(folder.to_owned());
        }
    }

    pub(super) fn sort(&mut self) {
        self.paths.sort();
        self.paths.dedup();
    }

    /// Whether a folder is of another module.
    pub(super) fn in_other_module(&self, folder: &str) -> bool {
        !self.modules.is_empty() && upwards(folder).any(|folder| self.modules.contains(folder))
    }

    /// What lies below a folder, relative to it.
    fn below<'a>(&'a self, folder: &str) -> impl Iterator<Item = (&'a str, Node)> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let start = self.paths.partition_point(|(path, _)| path.as_str() < prefix.as_str());
        let rest = self.paths.get(start..).unwrap_or_default().iter();
        rest.map_while(move |(path, node)| Some((path.strip_prefix(prefix.as_str())?, *node)))
    }

    /// The node at a path: nothing for a folder.
    fn node(&self, path: &str) -> Option<Node> {
        let place = self.paths.binary_search_by(|(other, _)| other.as_str().cmp(path)).ok()?;
        self.paths.get(place).map(|(_, node)| *node)
    }

    /// The files that `pattern` matches in `folder`, relative to it and sorted; or what Go says of it.
    pub(super) fn embedded(&self, folder: &str, pattern: &str) -> Result<Vec<String>, String> {
        let (glob, all) = pattern.strip_prefix("all:").map_or((pattern, false), |glob| (glob, true));
        let elements = glob.split('/').map(Glob::new).collect::<Option<Vec<_>>>();
        let valid = !glob.split('/').any(|element| matches!(element, "" | "." | ".."));
        let elements = elements.filter(|_| valid).ok_or("invalid pattern syntax")?;
        let mut files = BTreeSet::new();
        for path in self.matches(folder, &elements) {
            let whole = join(folder, &path);
            let node = self.node(&whole);
            let what = if node.is_none() { "directory" } else { "file" };
            self.check_way(folder, &path, what)?;
            match node {
                Some(Node::File) => {
                    files.insert(path);
                }
                Some(Node::Irregular) => return Err(format!("cannot embed irregular file {path}")),
                None => {
                    let before = files.len();
                    let mut any = false;
                    for file in self.gather(&whole, all)? {
                        any = true;
                        files.insert(format!("{path}/{file}"));
                    }
                    if !any && files.len() == before {
                        return Err(format!("cannot embed directory {path}: contains no embeddable files"));
                    }
                }
            }
        }
        if files.is_empty() { Err("no matching files found".to_owned()) } else { Ok(files.into_iter().collect()) }
    }

    /// The files and folders that a pattern names.
    fn matches(&self, folder: &str, elements: &[Glob]) -> Vec<String> {
        let mut found = vec![String::new()];
        for element in elements {
            let mut next = BTreeSet::new();
            for path in found {
                let mut last = "";
                for (below, _) in self.below(&join(folder, &path)) {
                    let name = below.split_once('/').map_or(below, |(name, _)| name);
                    if name != last && element.matches(name) {
                        next.insert(join(&path, name));
                    }
                    last = name;
                }
            }
            found = next.into_iter().collect();
        }
        found
    }

    /// No part of the way from the package's folder to what is embedded may be another module's, or have a name that no module may have.
    fn check_way(&self, folder: &str, path: &str, what: &str) -> Result<(), String> {
        for part in upwards(path) {
            if self.modules.contains(&join(folder, part)) || self.node(&join(folder, &join(part, "go.mod"))).is_some() {
                return Err(format!("cannot embed {what} {path}: in different module"));
            }
            let name = part.rsplit_once('/').map_or(part, |(_, name)| name);
            if is_bad_name(name) {
                let place = if part == path { "invalid name" } else { "in invalid directory" };
                return Err(format!("cannot embed {what} {path}: {place} {name}"));
            }
        }
        Ok(())
    }

    /// The files below a folder that go into a program with it, relative to it.
    fn gather<'a>(&'a self, folder: &str, all: bool) -> Result<Vec<&'a str>, String> {
        let mut files = Vec::new();
        'files: for (path, node) in self.below(folder) {
            let is_hidden = |name: &str| !all && name.starts_with(['.', '_']);
            let (above, name) = path.rsplit_once('/').map_or((None, path), |(above, name)| (Some(above), name));
            for part in above.into_iter().flat_map(upwards) {
                let name = part.rsplit_once('/').map_or(part, |(_, name)| name);
                if is_bad_name(name) || is_hidden(name) || self.modules.contains(&join(folder, part)) {
                    continue 'files;
                }
            }
            if is_hidden(name) || (is_bad_name(name) && name.starts_with(['.', '_'])) {
                continue;
            }
            if is_bad_name(name) {
                return Err(format!("cannot embed file {path}: invalid name {name}"));
            }
            if node == Node::File {
                files.push(path);
            }
        }
        Ok(files)
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() || name.is_empty() { format!("{folder}{name}") } else { format!("{folder}/{name}") }
}

/// A path, what it lies in, and so on, without the root.
fn upwards(path: &str) -> impl Iterator<Item = &str> {
    let first = Some(path).filter(|path| !path.is_empty());
    std::iter::successors(first, |path| path.rsplit_once('/').map(|(above, _)| above))
}

/// Names that no module has, so that they are not embedded either.
fn is_bad_name(name: &str) -> bool {
    check_file(name).is_err() || matches!(name, ".bzr" | ".hg" | ".git" | ".svn")
}

/// One element of a pattern, as `path.Match` has it.
struct Glob(Vec<Piece>);

enum Piece {
    Any,
    One,
    Exactly(char),
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    /// Nothing, if it is none.
    fn new(pattern: &str) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut rest = pattern.chars();
        while let Some(character) = rest.next() {
            pieces.push(match character {
                '*' => Piece::Any,
                '?' => Piece::One,
                '\\' => Piece::Exactly(rest.next()?),
                '[' => class(&mut rest)?,
                plain => Piece::Exactly(plain),
            });
        }
        Some(Self(pieces))
    }

    /// Goes back only to the last `*`, which is enough.
    fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut piece, mut at) = (0, 0);
        let mut again: Option<(usize, usize)> = None;
        loop {
            match (self.0.get(piece), name.get(at)) {
                (None, None) => return true,
                (Some(Piece::Any), _) => {
                    again = Some((piece, at));
                    piece += 1;
                    continue;
                }
                (Some(single), Some(character)) if single.takes(*character) => {
                    piece += 1;
                    at += 1;
                    continue;
                }
                _ => {}
            }
            let Some((star, start)) = again.filter(|(_, start)| *start < name.len()) else { return false };
            again = Some((star, start + 1));
            piece = star + 1;
            at = start + 1;
        }
    }
}

impl Piece {
    fn takes(&self, character: char) -> bool {
        match self {
            Self::Any => false,
            Self::One => true,
            Self::Exactly(only) => *only == character,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&character)) != *negated
            }
        }
    }
}

/// What follows `[`.
fn class(rest: &mut std::str::Chars<'_>) -> Option<Piece> {
    let negated = rest.as_str().starts_with('^');
    if negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        if rest.as_str().starts_with(']') && !ranges.is_empty() {
            rest.next();
            return Some(Piece::Class { negated, ranges });
        }
        let low = class_character(rest)?;
        let mut high = low;
        if rest.as_str().starts_with('-') {
            rest.next();
            high = class_character(rest)?;
        }
        ranges.push((low, high));
    }
}

fn class_character(rest: &mut std::str::Chars<'_>) -> Option<char> {
    let character = match rest.next()? {
        '-' | ']' => None,
        '\\' => rest.next(),
        plain => Some(plain),
    };
    // A class must be closed after it.
    character.filter(|_| !rest.as_str().is_empty())
}
