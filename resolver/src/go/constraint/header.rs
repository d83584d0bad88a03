//! The constraint lines in the comments before a file's first code.

use memchr::memchr;

use super::{Constraint, go_build, plus_build};

/// Why the constraints of a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Two `//go:build` lines.
    #[error("multiple //go:build comments")]
    Several,
    /// An expression that is none.
    #[error("parsing //go:build line: {0}")]
    Syntax(#[from] super::SyntaxError),
}

/// What the comments at the beginning of `content` ask for. A `//go:build` line beats `// +build` lines, which count only before the last
/// blank line that stands before the first code (`shouldBuild` and `parseFileHeader` of go/build).
///
/// # Errors
/// [`HeaderError`], where Go takes the file for broken.
pub fn header_constraint(content: &[u8]) -> Result<Constraint<String>, HeaderError> {
    let header = Header::read(content)?;
    if let Some(line) = header.go_build {
        let text = String::from_utf8_lossy(line);
        let expression = text.get("//go:build".len()..).unwrap_or_default();
        return Ok(go_build(expression.trim())?);
    }
    let before_blank = content.get(..header.plus_build_end).unwrap_or_default();
    let mut whole = Constraint::default();
    for line in before_blank.split(|byte| *byte == b'\n') {
        let line = trim(line);
        if !line.starts_with(b"//") || memchr::memmem::find(line, b"+build").is_none() {
            continue;
        }
        let text = String::from_utf8_lossy(line);
        if let Some(constraint) = after_marker(&text).and_then(plus_build) {
            whole = whole.and(constraint);
        }
    }
    Ok(whole)
}

/// What follows `+build` in a comment line, if it is such a line.
fn after_marker(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("//")?.trim().strip_prefix("+build")?;
    let trimmed = rest.trim();
    (trimmed.len() < rest.len() || rest.is_empty()).then_some(trimmed)
}

/// White space as Go trims it, of which only the ASCII part matters before a comment.
fn trim(line: &[u8]) -> &[u8] {
    match std::str::from_utf8(line) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => line.trim_ascii(),
    }
}

fn is_go_build(line: &[u8]) -> bool {
    line.strip_prefix(b"//go:build")
        .is_some_and(|rest| rest.is_empty() || String::from_utf8_lossy(rest).starts_with(char::is_whitespace))
}

#[derive(Default)]
struct Header<'a> {
    go_build: Option<&'a [u8]>,
    /// Where the part ends in which `// +build` lines count.
    plus_build_end: usize,
    /// Something that is neither blank nor a `//` comment has come.
    ended: bool,
    in_block: bool,
}

impl<'a> Header<'a> {
    fn read(content: &'a [u8]) -> Result<Self, HeaderError> {
        let mut header = Self::default();
        let mut position = 0;
        while let Some(rest) = content.get(position..).filter(|rest| !rest.is_empty()) {
            let length = memchr(b'\n', rest);
            let line = trim(rest.get(..length.unwrap_or(rest.len())).unwrap_or_default());
            position += length.map_or(rest.len(), |length| length + 1);
            if line.is_empty() && !header.ended {
                header.plus_build_end = position;
                continue;
            }
            if !line.starts_with(b"//") {
                header.ended = true;
            }
            if !header.in_block && is_go_build(line) {
                if header.go_build.is_some() {
                    return Err(HeaderError::Several);
                }
                header.go_build = Some(line);
            }
            if header.reaches_code(line) {
                break;
            }
        }
        Ok(header)
    }

    /// Passes over the comments of a line; whether something else is on it.
    fn reaches_code(&mut self, mut line: &[u8]) -> bool {
        while !line.is_empty() {
            if self.in_block {
                let Some(end) = memchr::memmem::find(line, b"*/") else { return false };
                self.in_block = false;
                line = trim(line.get(end + 2..).unwrap_or_default());
            } else if line.starts_with(b"//") {
                return false;
            } else if let Some(rest) = line.strip_prefix(b"/*") {
                self.in_block = true;
                line = trim(rest);
            } else {
                return true;
            }
        }
        false
    }
}
