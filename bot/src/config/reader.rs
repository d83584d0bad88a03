//! Reading TOML so that nothing goes unnoticed: each value is checked where it is read, every unknown key is named with
//! the one that was meant, and reading goes on after a problem, to find the others.

use std::cell::RefCell;
use std::fmt::Display;
use std::str::FromStr;

use toml_span::Value;
use toml_span::value::{Key, Table, ValueInner};

use super::error::Problem;
use super::units;

/// The problems found in one file so far.
pub(super) struct Reader<'a> {
    source: &'a str,
    text: &'a str,
    problems: RefCell<Vec<(usize, Problem)>>,
}

impl<'a> Reader<'a> {
    /// `source` is the file's name, as shown; `text` is what it holds.
    pub(super) fn new(source: &'a str, text: &'a str) -> Self {
        Self { source, text, problems: RefCell::default() }
    }

    /// Notes a problem at a byte of the text.
    pub(super) fn problem(&self, start: usize, key: String, message: String) {
        let at = Some(line_and_column(self.text, start));
        self.problems.borrow_mut().push((start, Problem { source: self.source.to_owned(), at, key, message }));
    }

    /// Notes a problem of the environment.
    pub(super) fn environment_problem(&self, variable: &str, message: String) {
        let source = format!("environment variable {variable}");
        self.problems.borrow_mut().push((0, Problem { source, at: None, key: String::new(), message }));
    }

    /// All problems, in the order of the text.
    pub(super) fn finish(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|(start, _)| *start);
        // A rule is read once for each package that it is about.
        problems.dedup();
        problems.into_iter().map(|(_, problem)| problem).collect()
    }
}

/// Counted from 1; the column in characters, as editors count.
pub(super) fn line_and_column(text: &str, start: usize) -> (usize, usize) {
    // A place past the end, or within a character, is that of what comes before it.
    let before = (0..=start.min(text.len())).rev().find_map(|end| text.get(..end)).unwrap_or("");
    let line_start = before.rfind('\n').map_or(0, |position| position + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// One table, whose keys are asked for by name.
pub(super) struct Section<'r, 'a, 'v, 'de> {
    reader: &'r Reader<'a>,
    path: String,
    start: usize,
    table: Option<&'v Table<'de>>,
    known: Vec<&'static str>,
    forbidden: Vec<&'static str>,
}

impl<'r, 'a, 'v, 'de> Section<'r, 'a, 'v, 'de> {
    /// The whole file.
    pub(super) fn root(reader: &'r Reader<'a>, value: &'v Value<'de>) -> Self {
        Self {
            reader,
            path: String::new(),
            start: 0,
            table: value.as_table(),
            known: Vec::new(),
            forbidden: Vec::new(),
        }
    }

    /// A table in this one; empty if it is absent, or no table (which is noted).
    pub(super) fn section(&mut self, key: &'static str) -> Self {
        let entry = self.entry(key);
        let start = entry.map_or(self.start, |(key, _)| key.span.start);
        let table = entry.and_then(|(_, value)| self.table_or_problem(key, start, value));
        Self { reader: self.reader, path: self.path_of(key), start, table, known: Vec::new(), forbidden: Vec::new() }
    }

    /// The tables in this one, whatever their names.
    pub(super) fn entries(self) -> Vec<(String, Self)> {
        let mut entries = Vec::new();
        for (key, value) in self.table.into_iter().flatten() {
            let start = key.span.start;
            if let Some(table) = self.table_or_problem(&key.name, start, value) {
                let path = self.path_of(&key.name);
                let section = Self {
                    reader: self.reader,
                    path,
                    start,
                    table: Some(table),
                    known: Vec::new(),
                    forbidden: Vec::new(),
                };
                entries.push((key.name.to_string(), section));
            }
        }
        entries
    }

    /// A value, if the key is there; what `read` returns as an error is noted at the value.
    pub(super) fn get<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Value<'de>) -> Result<T, String>,
    ) -> Option<T> {
        let (_, value) = self.entry(key)?;
        read(value).map_err(|message| self.reader.problem(value.span.start, self.path_of(key), message)).ok()
    }

    /// As [`get`](Self::get), noting it if the key is absent.
    pub(super) fn require<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Value<'de>) -> Result<T, String>,
    ) -> Option<T> {
        if self.entry(key).is_none() {
            self.problem(key, "this key is missing");
        }
        self.get(key, read)
    }

    /// A list; problems are noted at the items. Sorted, without repetitions.
    pub(super) fn list<T: Ord>(
        &mut self,
        key: &'static str,
        expected: &str,
        read: impl FnMut(&Value<'de>) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let mut list = self.ordered(key, expected, read)?;
        list.sort();
        list.dedup();
        Some(list)
    }

    /// A table of values by names that the file chooses; problems are noted at the values.
    pub(super) fn table<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&str, &Value<'de>) -> Result<T, String>,
    ) -> Option<Vec<(String, T)>> {
        self.entry(key)?;
        let section = self.section(key);
        let mut table = Vec::new();
        for (name, value) in section.table.into_iter().flatten() {
            match read(&name.name, value) {
                Ok(value) => table.push((name.name.to_string(), value)),
                Err(message) => self.reader.problem(value.span.start, section.path_of(&name.name), message),
            }
        }
        Some(table)
    }

    /// A list in the order of the file; problems are noted at the items.
    pub(super) fn ordered<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        mut read: impl FnMut(&Value<'de>) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let (_, value) = self.entry(key)?;
        let Some(items) = value.as_array() else {
            self.reader.problem(value.span.start, self.path_of(key), wrong(value, expected));
            return None;
        };
        let mut list = Vec::new();
        for item in items {
            match read(item) {
                Ok(item) => list.push(item),
                Err(message) => self.reader.problem(item.span.start, self.path_of(key), message),
            }
        }
        Some(list)
    }

    /// The tables of an array of tables.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Self> {
        let Some((_, value)) = self.entry(key) else { return Vec::new() };
        let start = value.span.start;
        let Some(items) = value.as_array() else {
            self.reader.problem(start, self.path_of(key), wrong(value, &format!("tables, each headed [[{key}]]")));
            return Vec::new();
        };
        let path = self.path_of(key);
        let mut tables = Vec::new();
        for item in items {
            let start = item.span.start;
            if let Some(table) = self.table_or_problem(key, start, item) {
                let path = path.clone();
                tables.push(Self {
                    reader: self.reader,
                    path,
                    start,
                    table: Some(table),
                    known: Vec::new(),
                    forbidden: Vec::new(),
                });
            }
        }
        tables
    }

    /// Notes a key that must not be there, with what to do instead.
    pub(super) fn forbid(&mut self, key: &'static str, message: &str) {
        if self.table.is_some_and(|table| table.contains_key(key)) {
            self.problem(key, message);
            self.forbidden.push(key);
        }
    }

    /// Notes a problem with a key, at its value, or at the table if it is absent.
    pub(super) fn problem(&self, key: &str, message: &str) {
        let value = self.table.and_then(|table| table.get(key));
        let start = value.map_or(self.start, |value| value.span.start);
        self.reader.problem(start, self.path_of(key), message.to_owned());
    }

    /// Notes a problem with the table itself, at its name.
    pub(super) fn problem_here(&self, message: String) {
        self.reader.problem(self.start, self.path.clone(), message);
    }

    /// Notes every key that was not asked for.
    pub(super) fn finish(self) {
        for key in self.table.into_iter().flatten().map(|(key, _)| key) {
            if self.known.contains(&key.name.as_ref()) || self.forbidden.contains(&key.name.as_ref()) {
                continue;
            }
            let meant = nearest(&key.name, &self.known);
            let hint = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            let message = format!("unknown key{hint} (known here: {})", self.known.join(", "));
            self.reader.problem(key.span.start, self.path_of(&key.name), message);
        }
    }

    fn entry(&mut self, key: &'static str) -> Option<(&'v Key<'de>, &'v Value<'de>)> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.table?.get_key_value(key)
    }

    fn table_or_problem(&self, key: &str, start: usize, value: &'v Value<'de>) -> Option<&'v Table<'de>> {
        let table = value.as_table();
        if table.is_none() {
            self.reader.problem(start, self.path_of(key), wrong(value, "a table"));
        }
        table
    }

    fn path_of(&self, key: &str) -> String {
        let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let key = if bare { key.to_owned() } else { format!("{key:?}") };
        if self.path.is_empty() { key } else { format!("{}.{key}", self.path) }
    }
}

/// The known key that an unknown one is probably a slip of.
fn nearest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let distance = |known: &&str| edit_distance(key, known);
    known.iter().copied().min_by_key(distance).filter(|known| distance(known) <= 1 + known.len() / 4)
}

/// Levenshtein's distance, with `-` and `_` and upper and lower case counted as the same.
fn edit_distance(a: &str, b: &str) -> usize {
    let normal = |text: &str| text.to_lowercase().replace('-', "_").chars().collect::<Vec<_>>();
    let (a, b) = (normal(a), normal(b));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// `expected …, found …`.
fn wrong(value: &Value<'_>, expected: &str) -> String {
    let found = match value.as_ref() {
        ValueInner::String(text) => format!("{text:?}"),
        ValueInner::Integer(number) => number.to_string(),
        ValueInner::Boolean(boolean) => boolean.to_string(),
        ValueInner::Float(number) => number.to_string(),
        ValueInner::Array(_) => "a list".to_owned(),
        ValueInner::Table(_) => "a table".to_owned(),
    };
    format!("expected {expected}, found {found}")
}

/// A text that `parse` accepts.
pub(super) fn text<T>(value: &Value<'_>, expected: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, String> {
    value.as_str().and_then(parse).ok_or_else(|| wrong(value, expected))
}

/// A text that `parse` accepts, whose error is the message.
pub(super) fn checked<T, E: Display>(
    value: &Value<'_>,
    expected: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, String> {
    parse(value.as_str().ok_or_else(|| wrong(value, expected))?).map_err(|error| error.to_string())
}

/// A text that a type's own parser accepts; its error is the message.
pub(super) fn parsed<T: FromStr<Err: Display>>(value: &Value<'_>, expected: &str) -> Result<T, String> {
    checked(value, expected, str::parse)
}

/// `true` or `false`.
pub(super) fn boolean(value: &Value<'_>) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| wrong(value, "true or false"))
}

/// A whole number of at least `least`.
pub(super) fn count(value: &Value<'_>, least: usize) -> Result<usize, String> {
    let number = value.as_integer().and_then(|number| usize::try_from(number).ok());
    number.filter(|number| *number >= least).ok_or_else(|| wrong(value, &format!("a whole number, at least {least}")))
}

/// A duration.
pub(super) fn duration(value: &Value<'_>) -> Result<std::time::Duration, String> {
    text(value, "a duration such as \"3d\" or \"1h 30m\"", units::duration)
}

/// A duration that is not zero.
pub(super) fn positive_duration(value: &Value<'_>) -> Result<std::time::Duration, String> {
    let parse = |text: &str| units::duration(text).filter(|duration| !duration.is_zero());
    text(value, "a duration such as \"3d\" or \"1h 30m\", not zero", parse)
}

/// A size that is not zero, in bytes.
pub(super) fn size(value: &Value<'_>) -> Result<u64, String> {
    text(value, "a size such as \"64MiB\" or \"8GB\", not zero", |text| units::size(text).filter(|size| *size > 0))
}
