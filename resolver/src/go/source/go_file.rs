//! The package clause, the imports and the directives of a Go file.

use memchr::memchr;

use super::Unreadable;
use super::cgo::{CgoLine, cgo_lines};
use super::directives::{debug_setting, embed_patterns};
use super::lexer::{Kind, Lexer, Token, comments_with};
use super::quoted::unquote;
use crate::go::letters::is_graphic;

/// What the beginning of a Go file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoSource {
    /// The name in its package clause; empty, if there is none that can be read.
    pub package: String,
    /// The import paths, each once, as they come; "C" is not among them.
    pub imports: Vec<String>,
    /// Whether it imports "C".
    pub uses_c: bool,
    /// `#cgo` lines in the comments on `import "C"`.
    pub cgo: Vec<CgoLine<String>>,
    /// Patterns of `//go:embed` lines.
    pub embeds: Vec<String>,
    /// Settings of `//go:debug` lines before the package clause.
    pub debug: Vec<String>,
    /// Why Go's parser refuses it.
    pub error: Option<String>,
}

/// Reads a file without byte order mark.
pub(super) fn read(content: &[u8]) -> Result<GoSource, Unreadable> {
    let mut parser = Parser::new(content);
    let outcome = parser.file();
    let end = parser.token.start.saturating_add(1).min(content.len());
    let header = content.get(..end).unwrap_or(content);
    let mut file = parser.file;
    if memchr(0, header).is_some() {
        return Err(Unreadable("unexpected NUL in input".to_owned()));
    }
    // The last byte of the header is the first of what follows, and may be cut in the middle of a character.
    let valid = std::str::from_utf8(header).map_or_else(|error| error.error_len().is_none(), |_| true);
    file.error = match outcome {
        Err(error) => Some(error),
        Ok(()) => (!valid).then(|| "illegal UTF-8 encoding".to_owned()),
    };
    if file.imports.iter().any(|path| path == "embed") {
        file.embeds = comments_with(content, b"//go:embed").into_iter().flat_map(embed_patterns).collect();
    }
    Ok(file)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token,
    /// The comments that end on the line before the token.
    lead: Vec<Token>,
    file: GoSource,
}

impl<'a> Parser<'a> {
    fn new(content: &'a [u8]) -> Self {
        let start = Token { kind: Kind::Semicolon, start: 0, end: 0, line: usize::MAX };
        Self { lexer: Lexer::new(content), token: start, lead: Vec::new(), file: GoSource::default() }
    }

    /// Goes on to the next token that is no comment, and finds the comments that belong to it: the last group without a blank line in it,
    /// if the token is on the line after its end.
    fn advance(&mut self) {
        let previous = self.token.line;
        self.lead.clear();
        self.token = self.lexer.next();
        let on_previous_line = self.token.kind == Kind::Comment && self.token.line == previous;
        let mut end = usize::MAX;
        // A comment behind the previous token, and what begins on the line that it ends on, belongs to that one.
        let mut behind = on_previous_line.then_some(self.token.line);
        while self.token.kind == Kind::Comment {
            let newlines = memchr::memchr_iter(b'\n', self.lexer.text(self.token)).count();
            let last = self.token.line + newlines;
            if behind.is_some_and(|line| self.token.line <= line) {
                behind = Some(last);
            } else {
                behind = None;
                if end == usize::MAX || self.token.line > end + 1 {
                    self.lead.clear();
                }
                self.lead.push(self.token);
                end = last;
            }
            self.token = self.lexer.next();
        }
        if end.checked_add(1) != Some(self.token.line) {
            self.lead.clear();
        }
    }

    fn word(&self) -> &'a [u8] {
        if self.token.kind == Kind::Word { self.lexer.text(self.token) } else { b"" }
    }

    fn file(&mut self) -> Result<(), String> {
        self.advance_to_package();
        if self.word() != b"package" {
            return Err("expected 'package'".to_owned());
        }
        self.advance();
        match self.word() {
            b"" | b"import" | b"package" | b"func" | b"var" | b"type" | b"const" => {
                return Err("expected a package name".to_owned());
            }
            name => self.file.package = String::from_utf8_lossy(name).into_owned(),
        }
        self.advance();
        self.end_of_statement()?;
        while self.word() == b"import" {
            self.import_declaration()?;
        }
        if self.lexer.broken { Err("a string or comment without its end".to_owned()) } else { Ok(()) }
    }

    /// The directives are the comments before the package clause.
    fn advance_to_package(&mut self) {
        loop {
            let before = self.lexer.next();
            if before.kind != Kind::Comment {
                self.token = before;
                return;
            }
            self.file.debug.extend(debug_setting(self.lexer.text(before)));
        }
    }

    fn end_of_statement(&mut self) -> Result<(), String> {
        match self.token.kind {
            Kind::Semicolon => self.advance(),
            Kind::Close => {}
            _ => return Err(format!("line {}: expected ';'", self.token.line + 1)),
        }
        Ok(())
    }

    fn import_declaration(&mut self) -> Result<(), String> {
        let outer = self.lead.clone();
        self.advance();
        if self.token.kind != Kind::Open {
            return self.import(&outer);
        }
        self.advance();
        let mut specs = Vec::new();
        while !matches!(self.token.kind, Kind::Close | Kind::End) {
            let lead = self.lead.clone();
            let path = self.import_path()?;
            specs.push((path, lead));
        }
        if self.token.kind != Kind::Close {
            return Err("expected ')'".to_owned());
        }
        self.advance();
        self.end_of_statement()?;
        let only = specs.len() == 1;
        for (path, lead) in specs {
            let comments = if lead.is_empty() && only { outer.clone() } else { lead };
            self.note(path, &comments);
        }
        Ok(())
    }

    /// One import without parentheses: the comment before the keyword is its own.
    fn import(&mut self, outer: &[Token]) -> Result<(), String> {
        let lead = self.lead.clone();
        let path = self.import_path()?;
        self.note(path, if lead.is_empty() { outer } else { &lead });
        Ok(())
    }

    fn import_path(&mut self) -> Result<String, String> {
        if matches!(self.token.kind, Kind::Word | Kind::Period) {
            self.advance();
        }
        let line = self.token.line + 1;
        if self.token.kind != Kind::Text || self.lexer.broken {
            return Err(format!("line {line}: missing import path; require quoted string"));
        }
        let literal = std::str::from_utf8(self.lexer.text(self.token)).ok();
        let path = literal.and_then(unquote).map(|(path, _)| path).filter(|path| is_valid_import(path));
        let path = path.ok_or_else(|| format!("line {line}: invalid import path"))?;
        self.advance();
        self.end_of_statement()?;
        Ok(path)
    }

    fn note(&mut self, path: String, comments: &[Token]) {
        if path == "C" {
            self.file.uses_c = true;
            for comment in comments {
                let text = String::from_utf8_lossy(self.lexer.text(*comment));
                self.file.cgo.extend(cgo_lines(&text));
            }
        } else if !self.file.imports.contains(&path) {
            self.file.imports.push(path);
        }
    }
}

/// `isValidImport` of go/build: what the language lets an implementation refuse.
fn is_valid_import(path: &str) -> bool {
    const ILLEGAL: &str = "!\"#$%&'()*,:;<=>?[\\]^{|}`\u{fffd}";
    let legal = |character: char| is_graphic(character) && !character.is_whitespace() && !ILLEGAL.contains(character);
    !path.is_empty() && path.chars().all(legal)
}
