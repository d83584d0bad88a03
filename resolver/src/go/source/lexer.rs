//! Go's tokens, as far as the beginning of a file needs them (`go/scanner`).

use memchr::{memchr, memmem};

use crate::go::letters::{is_digit, is_letter};

/// A token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or keyword.
    Word,
    /// A string in `"` or backquotes.
    Text,
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// `.`.
    Period,
    /// `;`, or the end of a line that ends a statement.
    Semicolon,
    /// A comment.
    Comment,
    /// Anything else.
    Other,
    /// The end of the file.
    End,
}

/// A token and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
    /// The line that it begins on, from 0.
    pub(super) line: usize,
}

pub(super) struct Lexer<'a> {
    content: &'a [u8],
    position: usize,
    line: usize,
    /// Whether the end of the line ends a statement.
    statement: bool,
    /// The line that ended a statement inside of the comment before.
    ended: Option<usize>,
    /// A string or comment without its end has come.
    pub(super) broken: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(content: &'a [u8]) -> Self {
        Self { content, position: 0, line: 0, statement: false, ended: None, broken: false }
    }

    pub(super) fn text(&self, token: Token) -> &'a [u8] {
        self.content.get(token.start..token.end).unwrap_or_default()
    }

    fn rest(&self) -> &'a [u8] {
        self.content.get(self.position..).unwrap_or_default()
    }

    /// The next token, comments included.
    pub(super) fn next(&mut self) -> Token {
        if let Some(line) = self.ended.take() {
            return Token { kind: Kind::Semicolon, start: self.position, end: self.position, line };
        }
        let spaces = self.rest().iter().take_while(|byte| self.is_space(**byte)).count();
        self.line += memchr::memchr_iter(b'\n', self.rest().get(..spaces).unwrap_or_default()).count();
        self.position += spaces;
        let rest = self.rest();
        let (kind, length) = match rest {
            [] if self.statement => (Kind::Semicolon, 0),
            [] => (Kind::End, 0),
            [b'\n' | b';', ..] => (Kind::Semicolon, 1),
            [b'/', b'/', ..] => (Kind::Comment, memchr(b'\n', rest).unwrap_or(rest.len())),
            [b'/', b'*', ..] => (Kind::Comment, self.block(rest)),
            [b'"', ..] => (Kind::Text, self.quoted(rest)),
            [b'`', ..] => (Kind::Text, self.raw(rest)),
            [b'(', ..] => (Kind::Open, 1),
            [b')', ..] => (Kind::Close, 1),
            [b'.', ..] => (Kind::Period, 1),
            _ => match word_length(rest) {
                0 => (Kind::Other, 1),
                length => (Kind::Word, length),
            },
        };
        let token = Token { kind, start: self.position, end: self.position + length, line: self.line };
        self.position += length;
        self.line += memchr::memchr_iter(b'\n', self.text(token)).count();
        self.statement = match kind {
            Kind::Text | Kind::Close => true,
            Kind::Word => !matches!(self.text(token), b"package" | b"import"),
            // A comment in between changes nothing, unless a line ends in it: then the statement ends, after the comment.
            Kind::Comment if self.statement && self.line > token.line => {
                self.ended = Some(token.line);
                false
            }
            Kind::Comment => self.statement,
            _ => false,
        };
        token
    }

    fn is_space(&self, byte: u8) -> bool {
        matches!(byte, b' ' | b'\t' | b'\r') || (byte == b'\n' && !self.statement)
    }

    fn block(&mut self, rest: &[u8]) -> usize {
        let end = rest.get(2..).and_then(|inside| memmem::find(inside, b"*/"));
        self.broken |= end.is_none();
        end.map_or(rest.len(), |end| end + 4)
    }

    fn raw(&mut self, rest: &[u8]) -> usize {
        let end = rest.get(1..).and_then(|inside| memchr(b'`', inside));
        self.broken |= end.is_none();
        end.map_or(rest.len(), |end| end + 2)
    }

    fn quoted(&mut self, rest: &[u8]) -> usize {
        let length = quoted_length(rest, b'"');
        self.broken |= length.is_none();
        length.unwrap_or(rest.len())
    }
}

/// The length of what is quoted, quotes included; nothing, if the line ends before.
fn quoted_length(rest: &[u8], quote: u8) -> Option<usize> {
    let mut position = 1;
    loop {
        match rest.get(position)? {
            b'\n' => return None,
            b'\\' => position += 2,
            byte if *byte == quote => return Some(position + 1),
            _ => position += 1,
        }
    }
}

fn word_length(rest: &[u8]) -> usize {
    let ascii = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    if rest.first().is_some_and(u8::is_ascii_digit) {
        return 0;
    }
    if rest.get(ascii).is_none_or(u8::is_ascii) {
        return ascii;
    }
    let valid = match std::str::from_utf8(rest) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(rest.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default(),
    };
    let part = |(index, character): (usize, char)| {
        !(is_letter(character) || character == '_' || (index > 0 && is_digit(character)))
    };
    valid.char_indices().find(|each| part(*each)).map_or(valid.len(), |(index, _)| index)
}

/// The comments at the beginning of a file in any language with `//` and `/*`, up to the first byte of something else. Nothing, where Go stops
/// reading: at a NUL, a lone `/`, or a comment without an end (`readComments` of go/build).
pub(super) fn leading_comments(content: &[u8]) -> Option<&[u8]> {
    let mut position = 0;
    loop {
        let rest = content.get(position..)?;
        position += match rest {
            [b' ' | b'\x0c' | b'\t' | b'\r' | b'\n' | b';', ..] => 1,
            [b'/', b'/', ..] => memchr(b'\n', rest).unwrap_or(rest.len()),
            [b'/', b'*', inside @ ..] => memmem::find(inside, b"*/")? + 4,
            [b'/' | 0, ..] => return None,
            _ => break,
        };
    }
    let comments = content.get(..position)?;
    memchr(0, comments).is_none().then_some(comments)
}

/// The `//` comments of a whole file that begin with `start`, up to the end of their lines; what looks like one inside a string or another
/// comment is none.
pub(super) fn comments_with<'a>(content: &'a [u8], start: &[u8]) -> Vec<&'a [u8]> {
    let mut found = Vec::new();
    if memmem::find(content, start).is_none() {
        return found;
    }
    let mut position = 0;
    while let Some(next) = content.get(position..).and_then(next_interesting) {
        position += next;
        let rest = content.get(position..).unwrap_or_default();
        let line = memchr(b'\n', rest).unwrap_or(rest.len());
        position += match rest {
            [b'/', b'/', ..] => {
                if rest.starts_with(start) {
                    found.push(rest.get(..line).unwrap_or_default().trim_ascii_end());
                }
                line
            }
            [b'/', b'*', inside @ ..] => memmem::find(inside, b"*/").map_or(rest.len(), |end| end + 4),
            [b'`', inside @ ..] => memchr(b'`', inside).map_or(rest.len(), |end| end + 2),
            [quote @ (b'"' | b'\''), ..] => quoted_length(rest, *quote).unwrap_or(line.max(1)),
            _ => 1,
        };
    }
    found
}

fn next_interesting(rest: &[u8]) -> Option<usize> {
    let quotes = memchr::memchr3(b'"', b'`', b'\'', rest);
    let slash = memchr(b'/', rest.get(..quotes.unwrap_or(rest.len())).unwrap_or_default());
    slash.or(quotes)
}
