//! The syntax of yarn 1's lock, which is nearly YAML: blocks of two spaces, bare or JSON strings, several keys to a block.

use std::collections::BTreeMap;

use super::error::LockError;

/// What stands below a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Block {
    /// The first of its keys: the same for all of them.
    pub(super) id: String,
    /// `version`, `resolved`, `integrity`, …
    pub(super) fields: BTreeMap<String, String>,
    pub(super) dependencies: BTreeMap<String, String>,
    pub(super) optional_dependencies: BTreeMap<String, String>,
}

/// The blocks of a lock by key; a block of several keys is there for each.
///
/// # Errors
/// When a line is of no known form, or a key is there twice.
pub(super) fn parse(file: &str, text: &str) -> Result<BTreeMap<String, Block>, LockError> {
    let mut reader =
        Reader { file, line: 0, blocks: BTreeMap::new(), keys: Vec::new(), block: Block::default(), list: None };
    for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        reader.line = index + 1;
        reader.take(line)?;
    }
    reader.close()?;
    Ok(reader.blocks)
}

struct Reader<'a> {
    file: &'a str,
    line: usize,
    blocks: BTreeMap<String, Block>,
    keys: Vec<String>,
    block: Block,
    /// The list within the block that lines belong to.
    list: Option<List>,
}

#[derive(Debug, Clone, Copy)]
enum List {
    Dependencies,
    Optional,
    Other,
}

impl Reader<'_> {
    fn take(&mut self, line: &str) -> Result<(), LockError> {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        if content.is_empty() || content.starts_with('#') {
            return Ok(());
        }
        if ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|mark| content.starts_with(mark)) {
            return Err(self.wrong("a merge conflict is not resolved"));
        }
        if content.starts_with("__metadata") {
            let (file, version) = (self.file.to_owned(), "2 or newer".to_owned());
            return Err(LockError::Version { file, version, known: "those of yarn 1" });
        }
        match indent {
            0 => self.open(content),
            2 => self.field(content),
            4 => self.item(content),
            _ => Err(self.wrong("a line is indented as none should be")),
        }
    }

    fn open(&mut self, content: &str) -> Result<(), LockError> {
        self.close()?;
        let mut rest = content;
        loop {
            let (key, after) = self.word(rest, &[',', ':'])?;
            self.keys.push(key);
            match after {
                ":" => return Ok(()),
                _ => {
                    rest = after.strip_prefix(',').ok_or_else(|| self.wrong("keys end with a colon"))?.trim_start();
                }
            }
        }
    }

    fn field(&mut self, content: &str) -> Result<(), LockError> {
        if self.keys.is_empty() {
            return Err(self.wrong("a line belongs to no key"));
        }
        let (name, rest) = self.word(content, &[':'])?;
        if rest == ":" {
            self.list = Some(match name.as_str() {
                "dependencies" => List::Dependencies,
                "optionalDependencies" => List::Optional,
                _ => List::Other,
            });
            return Ok(());
        }
        self.list = None;
        let value = self.value(rest)?;
        match self.block.fields.insert(name, value) {
            Some(_) => Err(self.wrong("a field is there twice")),
            None => Ok(()),
        }
    }

    fn item(&mut self, content: &str) -> Result<(), LockError> {
        let (name, rest) = self.word(content, &[])?;
        let value = self.value(rest)?;
        let map = match self.list {
            Some(List::Dependencies) => &mut self.block.dependencies,
            Some(List::Optional) => &mut self.block.optional_dependencies,
            Some(List::Other) => return Ok(()),
            None => return Err(self.wrong("a line belongs to no list")),
        };
        match map.insert(name, value) {
            Some(_) => Err(self.wrong("a dependency is there twice")),
            None => Ok(()),
        }
    }

    fn close(&mut self) -> Result<(), LockError> {
        let mut block = std::mem::take(&mut self.block);
        block.id = self.keys.first().cloned().unwrap_or_default();
        self.list = None;
        for key in std::mem::take(&mut self.keys) {
            if self.blocks.contains_key(&key) {
                return Err(self.wrong(&format!("the key {key:?} is there twice")));
            }
            self.blocks.insert(key, block.clone());
        }
        Ok(())
    }

    /// A bare or quoted string, and what follows it; a bare one ends at a blank, or at one of the marks if nothing but a
    /// blank or the end follows.
    fn word<'t>(&self, text: &'t str, marks: &[char]) -> Result<(String, &'t str), LockError> {
        if text.starts_with('"') {
            let mut stream = serde_json::Deserializer::from_str(text).into_iter::<String>();
            let word = stream.next().and_then(Result::ok).ok_or_else(|| self.wrong("a quoted text does not end"))?;
            let end = stream.byte_offset();
            return Ok((word, &text[end..]));
        }
        let is_end = |(at, character): &(usize, char)| {
            let after = &text[at + character.len_utf8()..];
            *character == ' ' || (marks.contains(character) && (after.is_empty() || after.starts_with(' ')))
        };
        let end = text.char_indices().find(is_end).map_or(text.len(), |(at, _)| at);
        if end == 0 {
            return Err(self.wrong("a text is empty"));
        }
        Ok((text[..end].to_owned(), &text[end..]))
    }

    fn value(&self, rest: &str) -> Result<String, LockError> {
        let rest = rest.strip_prefix(' ').ok_or_else(|| self.wrong("a value is missing"))?;
        let (value, after) = self.word(rest, &[])?;
        if after.trim().is_empty() { Ok(value) } else { Err(self.wrong("something follows a value")) }
    }

    fn wrong(&self, what: &str) -> LockError {
        LockError::Syntax { file: self.file.to_owned(), reason: format!("{what}, in line {}", self.line) }
    }
}
