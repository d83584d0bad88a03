//! The lines of a go.mod or go.work file: words, blocks in parentheses and comments, without a look at what they mean.
//!
//! One pass, and nothing is copied: thousands of these files are read for one resolution.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};

use super::SyntaxError;

/// A line with its words.
#[derive(Debug, Clone, Copy)]
pub(in crate::go) struct Line<'a, 'b> {
    /// Where it starts, from 1.
    pub(in crate::go) number: usize,
    /// The words of the block's head, if it is in a block.
    pub(in crate::go) block: Option<&'b [&'a str]>,
    /// Its words; for a block without lines, nothing.
    pub(in crate::go) words: &'b [&'a str],
    /// The comments of the lines right before it, an empty text for a blank line between them.
    pub(in crate::go) before: &'b [&'a str],
    /// The comment at its end.
    pub(in crate::go) suffix: Option<&'a str>,
    /// The comments right before its block.
    pub(in crate::go) block_before: &'b [&'a str],
}

/// What the reader is told.
pub(in crate::go) enum Item<'a, 'b> {
    /// A line, in a block or not.
    Line(Line<'a, 'b>),
    /// The head of a block, before its lines.
    Block {
        /// Where it starts, from 1.
        number: usize,
        /// Its words.
        head: &'b [&'a str],
    },
}

/// Reads a whole file.
///
/// # Errors
///
/// What is wrong with its form; then what was told before does not count.
pub(in crate::go) fn read<'a>(text: &'a str, mut tell: impl FnMut(Item<'a, '_>)) -> Result<(), SyntaxError> {
    let mut tokens = Tokens { text, at: 0, line: 1, fresh: true };
    let mut before = Vec::new();
    let mut words = Vec::new();
    let mut token = tokens.next()?;
    loop {
        match token.kind {
            Kind::End => return Ok(()),
            Kind::Newline => before.clear(),
            Kind::Comment | Kind::LineComment => before.push(token.text),
            Kind::Open | Kind::Word => {
                let number = token.line;
                words.clear();
                words.push(token.text);
                match statement(&mut tokens, &mut words)? {
                    Ended::Line(suffix) => tell(Item::Line(Line {
                        number,
                        block: None,
                        words: &words,
                        before: &before,
                        suffix,
                        block_before: &[],
                    })),
                    Ended::Block { empty } => {
                        tell(Item::Block { number, head: &words });
                        if !empty {
                            block(&mut tokens, number, &words, &before, &mut tell)?;
                        }
                    }
                }
                before.clear();
            }
        }
        token = tokens.next()?;
    }
}

/// How a statement ended.
enum Ended<'a> {
    Line(Option<&'a str>),
    Block { empty: bool },
}

/// The rest of a statement's first line.
fn statement<'a>(tokens: &mut Tokens<'a>, words: &mut Vec<&'a str>) -> Result<Ended<'a>, SyntaxError> {
    loop {
        let token = tokens.next()?;
        match token.kind {
            Kind::End | Kind::Newline => return Ok(Ended::Line(None)),
            Kind::Comment | Kind::LineComment => return Ok(Ended::Line(Some(token.text))),
            Kind::Word => words.push(token.text),
            Kind::Open => {
                let after = tokens.clone();
                let next = tokens.next()?;
                if next.kind.ends_line() {
                    return Ok(Ended::Block { empty: false });
                }
                if next.text == ")" && tokens.clone().next()?.kind.ends_line() {
                    tokens.next()?;
                    return Ok(Ended::Block { empty: true });
                }
                *tokens = after;
                words.push(token.text);
            }
        }
    }
}

/// The lines of a block, to its closing parenthesis.
fn block<'a>(
    tokens: &mut Tokens<'a>,
    start: usize,
    head: &[&'a str],
    block_before: &[&'a str],
    tell: &mut impl FnMut(Item<'a, '_>),
) -> Result<(), SyntaxError> {
    let mut before = Vec::new();
    let mut words = Vec::new();
    let mut seen_line = false;
    loop {
        let token = tokens.next()?;
        match token.kind {
            Kind::End => {
                return Err(token.error(format!("syntax error (unterminated block started at line {start})")));
            }
            Kind::LineComment => {}
            Kind::Comment => before.push(token.text),
            Kind::Newline => {
                if before.last().map_or(seen_line, |last| !last.is_empty()) {
                    before.push("");
                }
            }
            Kind::Word if token.text == ")" => {
                let next = tokens.next()?;
                if next.kind.ends_line() {
                    return Ok(());
                }
                return Err(next.error("syntax error (expected newline after closing paren)".to_owned()));
            }
            Kind::Open | Kind::Word => {
                let number = token.line;
                words.clear();
                words.push(token.text);
                let suffix = loop {
                    let token = tokens.next()?;
                    match token.kind {
                        Kind::End | Kind::Newline => break None,
                        Kind::Comment | Kind::LineComment => break Some(token.text),
                        Kind::Open | Kind::Word => words.push(token.text),
                    }
                };
                tell(Item::Line(Line {
                    number,
                    block: Some(head),
                    words: &words,
                    before: &before,
                    suffix,
                    block_before,
                }));
                before.clear();
                seen_line = true;
            }
        }
    }
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    End,
    Newline,
    /// A comment that has its line for itself, with the end of the line.
    Comment,
    /// A comment behind something, with the end of the line.
    LineComment,
    /// An opening parenthesis.
    Open,
    /// Any other word, string or mark.
    Word,
}

impl Kind {
    fn ends_line(self) -> bool {
        matches!(self, Self::End | Self::Newline | Self::LineComment)
    }
}

#[derive(Debug, Clone, Copy)]
struct Token<'a> {
    kind: Kind,
    text: &'a str,
    line: usize,
}

impl Token<'_> {
    fn error(self, reason: String) -> SyntaxError {
        SyntaxError { line: self.line, reason }
    }
}

/// The tokens of a text.
#[derive(Clone)]
struct Tokens<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    /// Whether nothing was on this line so far.
    fresh: bool,
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Result<Token<'a>, SyntaxError> {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t' | b'\r')) {
            self.at += 1;
        }
        let (start, line) = (self.at, self.line);
        let Some(first) = bytes.get(start) else { return Ok(Token { kind: Kind::End, text: "", line }) };
        let kind = match first {
            b'/' if bytes[start..].starts_with(b"//") => {
                let rest = &bytes[start..];
                let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                let kind = if self.fresh { Kind::Comment } else { Kind::LineComment };
                self.at = (start + end + 1).min(bytes.len());
                self.line += 1;
                self.fresh = true;
                let text = &self.text[start..start + end];
                return Ok(Token { kind, text: text.strip_suffix('\r').unwrap_or(text), line });
            }
            b'\n' => {
                self.at += 1;
                self.line += 1;
                self.fresh = true;
                return Ok(Token { kind: Kind::Newline, text: "\n", line });
            }
            b'(' => {
                self.at += 1;
                Kind::Open
            }
            b')' | b'[' | b']' | b'{' | b'}' | b',' => {
                self.at += 1;
                Kind::Word
            }
            b'"' | b'`' => {
                self.string(*first)?;
                Kind::Word
            }
            _ => {
                self.word()?;
                Kind::Word
            }
        };
        self.fresh = false;
        Ok(Token { kind, text: &self.text[start..self.at], line })
    }

    fn string(&mut self, quote: u8) -> Result<(), SyntaxError> {
        let bytes = self.text.as_bytes();
        let start = self.line;
        let unended = |line, what: &str| SyntaxError { line, reason: format!("unexpected {what} in string") };
        self.at += 1;
        loop {
            match bytes.get(self.at) {
                None => return Err(unended(start, "EOF")),
                Some(b'\n') => return Err(unended(self.line, "newline")),
                Some(b'\\') if quote == b'"' => {
                    if bytes.get(self.at + 1) == Some(&b'\n') {
                        self.line += 1;
                    }
                    // A character of several bytes has no byte that looks like a quote or a newline.
                    self.at = (self.at + 2).min(bytes.len());
                }
                Some(byte) => {
                    self.at += 1;
                    if *byte == quote {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn word(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b'/' if bytes[self.at..].starts_with(b"//") => break,
                b'/' if bytes[self.at..].starts_with(b"/*") => {
                    let reason = "mod files must use // comments (not /* */ comments)".to_owned();
                    return Err(SyntaxError { line: self.line, reason });
                }
                b' ' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b',' => break,
                0x21..=0x7e => self.at += 1,
                0..0x80 => break,
                _ => match self.text[self.at..].chars().next().filter(|character| is_printed(*character)) {
                    Some(character) => self.at += character.len_utf8(),
                    None => break,
                },
            }
        }
        if self.at == start {
            let odd = self.text[start..].chars().next().unwrap_or_default();
            return Err(SyntaxError { line: self.line, reason: format!("unexpected input character {odd:?}") });
        }
        Ok(())
    }
}

/// As Go's `unicode.IsPrint`, for what is not ASCII.
fn is_printed(character: char) -> bool {
    !matches!(character.general_category_group(), GeneralCategoryGroup::Separator | GeneralCategoryGroup::Other)
}
