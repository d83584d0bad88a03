//! A universe: a project, and everything that its proxy has, as one text in the form that Go's own tests have (`txtar`).
//!
//! ```text
//! prepare: tidy
//! -- go.mod --
//! module registry.example/main
//! -- main.go --
//! package main
//! -- proxy/registry.example/ash@v1.0.0/go.mod --
//! module registry.example/ash
//! ```
//!
//! Files below `proxy/MODULE@VERSION/` are those of a module's zip; all others are the project's. `.mod` beside them
//! (`proxy/MODULE@VERSION/.mod`) is what the proxy says of go.mod where that is not the file itself. The lines above the first
//! file are what [`Directive`] lists.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::process::write_file;

/// A project and its proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Universe {
    /// What it is called in reports and on the command line.
    pub name: String,
    /// What is done with it before anybody is asked.
    pub directives: Vec<Directive>,
    /// All files by path.
    pub files: BTreeMap<String, String>,
}

/// What is done with a project before it is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Directive {
    /// `prepare: tidy`: `go mod tidy -e` in every module of it; go.sum is what Go then writes.
    Tidy,
    /// `prepare: sums`: go.sum gets the sums of all that the proxy has.
    Sums,
    /// `drop: TEXT`: lines of go.sum with this text go, after the preparation.
    Drop(String),
    /// `damage: TEXT`: the sums in lines of go.sum with this text become others.
    Damage(String),
    /// `refused: TEXT`: Go refuses it, in these words. Without such a line it has to resolve, if it is a case thought out by hand.
    Refused(String),
    /// `named: TEXT`: our refusal names this.
    Named(String),
}

/// A module version that the proxy has: its files by path.
pub type Release<'a> = BTreeMap<&'a str, &'a str>;

impl Universe {
    /// From the form that this module describes.
    ///
    /// # Panics
    ///
    /// Where a line above the first file is no directive.
    pub fn parse(name: &str, text: &str) -> Self {
        let mut universe = Self { name: name.to_owned(), directives: Vec::new(), files: BTreeMap::new() };
        let mut file: Option<&mut String> = None;
        for line in text.split_inclusive('\n') {
            let marker = line.trim_end().strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --"));
            if let Some(path) = marker {
                file = Some(universe.files.entry(path.to_owned()).or_default());
            } else if let Some(file) = &mut file {
                file.push_str(line);
            } else {
                universe.directives.extend(directive(name, line.trim()));
            }
        }
        universe
    }

    /// The text that it can be read from again.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for directive in &self.directives {
            let _ = match directive {
                Directive::Tidy => writeln!(text, "prepare: tidy"),
                Directive::Sums => writeln!(text, "prepare: sums"),
                Directive::Drop(what) => writeln!(text, "drop: {what}"),
                Directive::Damage(what) => writeln!(text, "damage: {what}"),
                Directive::Refused(words) => writeln!(text, "refused: {words}"),
                Directive::Named(what) => writeln!(text, "named: {what}"),
            };
        }
        for (path, content) in &self.files {
            let end = if content.is_empty() || content.ends_with('\n') { "" } else { "\n" };
            let _ = write!(text, "-- {path} --\n{content}{end}");
        }
        text
    }

    /// What the proxy has, by `MODULE@VERSION`.
    pub fn releases(&self) -> BTreeMap<&str, Release<'_>> {
        let mut releases: BTreeMap<&str, Release<'_>> = BTreeMap::new();
        for (path, content) in &self.files {
            if let Some((id, file)) = release_file(path) {
                releases.entry(id).or_default().insert(file, content);
            }
        }
        releases
    }

    /// The project's files.
    pub fn project(&self) -> impl Iterator<Item = (&str, &str)> {
        let files = self.files.iter().filter(|(path, _)| !path.starts_with("proxy/"));
        files.map(|(path, content)| (path.as_str(), content.as_str()))
    }

    /// Folders of the project with a go.mod, relative: `.`, `api`.
    pub fn module_folders(&self) -> Vec<String> {
        let folder = |path: &str| match path.strip_suffix("go.mod")? {
            "" => Some(".".to_owned()),
            above => above.strip_suffix('/').map(str::to_owned),
        };
        self.project().filter_map(|(path, _)| folder(path)).collect()
    }

    /// Writes the project into a folder.
    pub fn write_project(&self, folder: &Path) {
        for (path, content) in self.project() {
            write_file(&folder.join(path), content);
        }
    }
}

/// `proxy/registry.example/a@v1.0.0/x/y.go` is the file `x/y.go` of `registry.example/a@v1.0.0`.
fn release_file(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix("proxy/")?;
    let at = path.find('@')?;
    let slash = at + path[at..].find('/')?;
    Some((&path[..slash], &path[slash + 1..]))
}

fn directive(name: &str, line: &str) -> Option<Directive> {
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    Some(match line.split_once(": ") {
        Some(("prepare", "tidy")) => Directive::Tidy,
        Some(("prepare", "sums")) => Directive::Sums,
        Some(("drop", what)) => Directive::Drop(what.to_owned()),
        Some(("damage", what)) => Directive::Damage(what.to_owned()),
        Some(("refused", words)) => Directive::Refused(words.to_owned()),
        Some(("named", what)) => Directive::Named(what.to_owned()),
        _ => panic!("{name}: {line:?} is no directive"),
    })
}

#[cfg(test)]
mod tests {
    use super::{Directive, Universe};

    #[test]
    fn a_universe_is_read_as_it_was_written() {
        let text =
            "prepare: tidy\ndrop: ash v1.0.0\n-- go.mod --\nmodule m\n-- proxy/a.b/ash@v1.0.0/x/y.go --\npackage y\n";
        let universe = Universe::parse("x", text);
        assert_eq!(universe.directives, [Directive::Tidy, Directive::Drop("ash v1.0.0".to_owned())]);
        assert_eq!(universe.text(), text);
        assert_eq!(universe.releases()["a.b/ash@v1.0.0"]["x/y.go"], "package y\n");
        assert_eq!(universe.module_folders(), ["."]);
    }
}
