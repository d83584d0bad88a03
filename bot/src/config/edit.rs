//! A package added to a configuration file, and nothing else in the file touched.
//!
//! `toml_edit` says where the file's tables are; the entry is put between two of its lines as text. So what a person wrote
//! (comments, order, spaces, line ends) stays byte for byte, which writing the parsed document again would not promise.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml_edit::{Document, Item, Table, Value};

use super::reader::line_and_column;
use crate::model::AttrPath;

#[cfg(test)]
mod tests;

/// What a new configuration begins with.
pub const HEADER: &str = "# What Nixwright follows: a section for each package of the overlay.\n\
                          # `nixwright check-config` says whether this file is right.\n";

/// The entry of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name in the overlay.
    pub attr: AttrPath,
    /// Where its releases come from, as a package URL without a version.
    pub purl: String,
    /// What stands above it for people.
    pub comment: Option<String>,
    /// Features to switch on.
    pub features: Vec<String>,
    /// Without the default features.
    pub no_default_features: bool,
    /// With all features.
    pub all_features: bool,
    /// Only these binaries; all where empty.
    pub binaries: Vec<String>,
    /// Build tags of a Go program.
    pub tags: Vec<String>,
}

/// A text with an entry in it that was not there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The whole text.
    pub text: String,
    /// Which part of it is new, in bytes; whole lines, blank ones around the entry included.
    pub added: Range<usize>,
    /// The entry's first line, counted from 1.
    pub line: usize,
}

/// Why an entry cannot be put into a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It is not TOML.
    #[error("{}:{line}:{column}: not valid TOML: {message}", path.display())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
        /// What the parser says, on one line.
        message: String,
    },
    /// There is an entry of this name.
    #[error("{}:{line}: there is a package {attr} already; name this one otherwise with `--name`", path.display())]
    NameTaken {
        /// The file.
        path: PathBuf,
        /// Where it is, counted from 1.
        line: usize,
        /// Its name.
        attr: AttrPath,
    },
    /// `packages` is written in a form that nothing can be added to in a line of its own.
    #[error(
        "{}:{line}: `packages` is {form}, to which nothing can be added without writing it anew; write its entries as \
         sections ([packages.NAME]), then add again",
        path.display()
    )]
    Form {
        /// The file.
        path: PathBuf,
        /// Where it is, counted from 1.
        line: usize,
        /// What it is, as a noun phrase.
        form: &'static str,
    },
}

/// How entries are written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// `[packages.ripgrep]`, then its keys.
    Section,
    /// `packages.ripgrep.purl = …`, before any section.
    Dotted,
}

/// Puts an entry after the packages that are there, or at the end. `path` is for messages.
///
/// The result is not checked beyond its form: whoever writes it parses it as a configuration first.
///
/// # Errors
/// When the text is not TOML, has the entry, or has `packages` in a form that cannot be added to.
pub fn add(text: &str, path: &Path, entry: &Entry) -> Result<Edited, EditError> {
    // Editors of another system put this before the text; it is no part of it.
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mark = text.len() - body.len();
    let document = Document::parse(body).map_err(|error| {
        let (line, column) = line_and_column(body, error.span().map_or(0, |span| span.start));
        let message = error.message().replace(char::is_control, " ");
        EditError::NotToml { path: path.to_owned(), line, column, message }
    })?;
    let (style, end) = last_package(&document, body, path, &entry.attr)?;
    let at = match (style, end) {
        (_, None) => body.len(),
        (Style::Dotted, Some(end)) => line_end(body, end),
        (Style::Section, Some(end)) => after_own_comments(body, line_end(body, end)),
    };
    Ok(inserted(text, mark + at, style, entry))
}

/// The line of a package's entry, counted from 1, if the text has one.
pub fn line_of(text: &str, attr: &AttrPath) -> Option<usize> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = Document::parse(text).ok()?;
    let packages = document.get("packages")?.as_table_like()?;
    let (key, item) = packages.get_key_value(attr.as_str())?;
    Some(line_at(text, key.span().or_else(|| item.span())))
}

/// How packages are written, and where the last of them ends.
fn last_package(
    document: &Document<&str>,
    text: &str,
    path: &Path,
    attr: &AttrPath,
) -> Result<(Style, Option<usize>), EditError> {
    let Some((key, packages)) = document.as_table().get_key_value("packages") else {
        return Ok((Style::Section, None));
    };
    let refused = |form| {
        let line = line_at(text, key.span().or_else(|| packages.span()));
        Err(EditError::Form { path: path.to_owned(), line, form })
    };
    let packages = match packages {
        Item::Table(table) => table,
        Item::Value(Value::InlineTable(_)) => return refused("an inline table"),
        Item::ArrayOfTables(_) => return refused("a list of tables"),
        Item::Value(_) | Item::None => return refused("not a table"),
    };
    if let Some((key, item)) = packages.get_key_value(attr.as_str()) {
        let line = line_at(text, key.span().or_else(|| item.span()));
        return Err(EditError::NameTaken { path: path.to_owned(), line, attr: attr.clone() });
    }
    let has_sections = packages.iter().any(|(_, item)| item.as_table().is_some_and(|table| !table.is_dotted()));
    let style = if packages.is_dotted() && !has_sections { Style::Dotted } else { Style::Section };
    Ok((style, end_of_table(packages)))
}

/// The last byte of a table that is written out, with all that is in it.
fn end_of_table(table: &Table) -> Option<usize> {
    let inside = table.get_values().into_iter().flat_map(|(keys, value)| {
        let ends = keys.into_iter().filter_map(toml_edit::Key::span).chain(value.span());
        ends.map(|span| span.end).collect::<Vec<_>>()
    });
    let below = table.iter().filter_map(|(_, item)| end_of_item(item));
    table.span().map(|span| span.end).into_iter().chain(inside).chain(below).max()
}

fn end_of_item(item: &Item) -> Option<usize> {
    match item {
        Item::Table(table) => end_of_table(table),
        Item::ArrayOfTables(tables) => tables.iter().filter_map(end_of_table).max(),
        Item::Value(value) => value.span().map(|span| span.end),
        Item::None => None,
    }
}

fn line_at(text: &str, span: Option<Range<usize>>) -> usize {
    span.map_or(1, |span| line_and_column(text, span.start).0)
}

/// The start of the line after the one that this place is in.
fn line_end(text: &str, from: usize) -> usize {
    text[from..].find('\n').map_or(text.len(), |length| from + length + 1)
}

/// Past the comments that follow a section's last line at once, such as options that are switched off. Comments right
/// above the next section are that section's.
fn after_own_comments(text: &str, from: usize) -> usize {
    let mut at = from;
    while at < text.len() {
        let next = line_end(text, at);
        match text[at..next].trim_start().chars().next() {
            Some('#') => at = next,
            None => break,
            Some(_) => return from,
        }
    }
    at
}

fn inserted(text: &str, at: usize, style: Style, entry: &Entry) -> Edited {
    let (before, after) = text.split_at(at);
    let newline = if text.find('\n').is_some_and(|first| text[..first].ends_with('\r')) { "\r\n" } else { "\n" };
    let mut added = String::new();
    let has_text = !before.trim_start_matches('\u{feff}').is_empty();
    if has_text && !before.ends_with('\n') {
        added.push_str(newline);
    }
    let last = before.trim_end_matches(['\r', '\n']).len();
    let blank_before = before[last..].matches('\n').count() > 1;
    if style == Style::Section && has_text && !blank_before {
        added.push_str(newline);
    }
    let line = text[..at].matches('\n').count() + added.matches('\n').count() + 1;
    added.push_str(&entry.text(style).replace('\n', newline));
    let blank_after = after.trim_start_matches([' ', '\t', '\r']).starts_with('\n');
    if style == Style::Section && !after.is_empty() && !blank_after {
        added.push_str(newline);
    }
    let range = at..at + added.len();
    Edited { text: format!("{before}{added}{after}"), added: range, line }
}

impl Entry {
    fn text(&self, style: Style) -> String {
        let mut text = String::new();
        if let Some(comment) = &self.comment {
            // A control character would end the comment, or is no TOML.
            let comment = comment.replace(char::is_control, "\u{fffd}");
            let _ = writeln!(text, "# {}", comment.trim());
        }
        let prefix = match style {
            Style::Section => {
                let _ = writeln!(text, "[packages.{}]", self.attr);
                String::new()
            }
            Style::Dotted => format!("packages.{}.", self.attr),
        };
        for (key, value) in self.values() {
            let _ = writeln!(text, "{prefix}{key} = {value}");
        }
        text
    }

    /// Keys and values, as `toml_edit` spells them.
    fn values(&self) -> Vec<(&'static str, Value)> {
        let list = |names: &[String]| names.iter().map(String::as_str).collect::<Value>();
        let mut values = vec![("purl", Value::from(self.purl.as_str()))];
        if !self.features.is_empty() {
            values.push(("features", list(&self.features)));
        }
        if self.no_default_features {
            values.push(("no_default_features", true.into()));
        }
        if self.all_features {
            values.push(("all_features", true.into()));
        }
        if !self.binaries.is_empty() {
            values.push(("binaries", list(&self.binaries)));
        }
        if !self.tags.is_empty() {
            values.push(("tags", list(&self.tags)));
        }
        values
    }
}
