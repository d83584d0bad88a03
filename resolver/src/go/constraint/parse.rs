//! The two grammars of build constraints.

use super::{Constraint, Token};
use crate::go::letters::{is_digit, is_letter};

/// More tags and parentheses than this in one expression are refused, as Go refuses them.
const GO_BUILD_SIZE: usize = 1000;

/// More operators than this in one `// +build` line make it unreadable, which Go passes over.
const PLUS_BUILD_SIZE: usize = 100;

/// A `//go:build` line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SyntaxError(String);

impl SyntaxError {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// What may be part of a tag: letters, digits, `_` and `.`.
fn is_tag_character(character: char) -> bool {
    is_letter(character) || is_digit(character) || character == '_' || character == '.'
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word<'a> {
    Tag(&'a str),
    Open,
    Close,
    Not,
    And,
    Or,
}

impl Word<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Tag(name) => name,
            Self::Open => "(",
            Self::Close => ")",
            Self::Not => "!",
            Self::And => "&&",
            Self::Or => "||",
        }
    }
}

/// The words of an expression; the first that is none is an error.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn next(&mut self) -> Result<Option<Word<'a>>, SyntaxError> {
        self.0 = self.0.trim_start_matches([' ', '\t']);
        let Some(first) = self.0.chars().next() else { return Ok(None) };
        for word in [Word::Open, Word::Close, Word::Not, Word::And, Word::Or] {
            if let Some(rest) = self.0.strip_prefix(word.text()) {
                self.0 = rest;
                return Ok(Some(word));
            }
        }
        let length = self.0.find(|character| !is_tag_character(character)).unwrap_or(self.0.len());
        let (tag, rest) = self.0.split_at(length);
        if tag.is_empty() {
            return Err(SyntaxError::new(format!("invalid syntax at {first:?}")));
        }
        self.0 = rest;
        Ok(Some(Word::Tag(tag)))
    }
}

/// What waits on the operators' stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Waiting {
    Open,
    Or,
    And,
    Not,
}

/// Reads the expression of a `//go:build` line, without that prefix.
///
/// # Errors
/// [`SyntaxError`], where `go/build/constraint` has one.
pub fn go_build(expression: &str) -> Result<Constraint<String>, SyntaxError> {
    let mut words = Words(expression);
    let mut done: Vec<Token<String>> = Vec::new();
    let mut waiting: Vec<Waiting> = Vec::new();
    let mut operands = 0;
    // Whether a tag, `!` or `(` must come next.
    let mut operand = true;
    while let Some(word) = words.next()? {
        operands += usize::from(matches!(word, Word::Tag(_) | Word::Open));
        if operands > GO_BUILD_SIZE {
            return Err(SyntaxError::new("build expression too large"));
        }
        match (operand, word) {
            (true, Word::Tag(name)) => {
                done.push(Token::Tag(name.to_owned()));
                operand = false;
            }
            (true, Word::Not) if waiting.last() == Some(&Waiting::Not) => {
                return Err(SyntaxError::new("double negation not allowed"));
            }
            (true, Word::Not) => waiting.push(Waiting::Not),
            (true, Word::Open) => waiting.push(Waiting::Open),
            (false, Word::And) => {
                settle(&mut waiting, &mut done, Waiting::And);
                waiting.push(Waiting::And);
                operand = true;
            }
            (false, Word::Or) => {
                settle(&mut waiting, &mut done, Waiting::Or);
                waiting.push(Waiting::Or);
                operand = true;
            }
            (false, Word::Close) => {
                settle(&mut waiting, &mut done, Waiting::Or);
                if waiting.pop() != Some(Waiting::Open) {
                    return Err(SyntaxError::new("unexpected token )"));
                }
            }
            (_, word) => return Err(SyntaxError::new(format!("unexpected token {}", word.text()))),
        }
    }
    if operand {
        return Err(SyntaxError::new("unexpected end of expression"));
    }
    settle(&mut waiting, &mut done, Waiting::Or);
    if waiting.is_empty() { Ok(Constraint(done)) } else { Err(SyntaxError::new("missing close paren")) }
}

/// Moves operators that bind at least as strongly as `least` from those that wait to those that are done.
fn settle(waiting: &mut Vec<Waiting>, done: &mut Vec<Token<String>>, least: Waiting) {
    while let Some(top) = waiting.pop_if(|top| *top >= least) {
        done.push(match top {
            Waiting::Not => Token::Not,
            Waiting::And => Token::And,
            Waiting::Or | Waiting::Open => Token::Or,
        });
    }
}

/// Reads what follows `+build`: clauses apart by spaces are alternatives, the terms of a clause are apart by commas. What is no tag counts
/// as the tag `ignore`. `None`, if there is so much of it that Go does not read it.
pub fn plus_build(text: &str) -> Option<Constraint<String>> {
    let mut size = 0;
    let mut whole: Option<Constraint<String>> = None;
    for clause in text.split_whitespace() {
        let mut all: Option<Constraint<String>> = None;
        for term in clause.split(',') {
            let term = plus_build_term(term);
            all = Some(match all {
                None => term,
                Some(before) => {
                    size += 1;
                    before.and(term)
                }
            });
        }
        whole = match (whole, all) {
            (Some(before), Some(all)) => {
                size += 1;
                Some(before.or(all))
            }
            (before, all) => all.or(before),
        };
        if size > PLUS_BUILD_SIZE {
            return None;
        }
    }
    Some(whole.unwrap_or_else(|| Constraint::tag("ignore".to_owned())))
}

fn plus_build_term(term: &str) -> Constraint<String> {
    let ignore = || Constraint::tag("ignore".to_owned());
    if term == "!" || term.starts_with("!!") {
        return ignore();
    }
    let name = term.strip_prefix('!').unwrap_or(term);
    let valid = !name.is_empty() && name.chars().all(is_tag_character);
    let tag = if valid { Constraint::tag(name.to_owned()) } else { ignore() };
    if name.len() < term.len() { tag.negated() } else { tag }
}

/// Reads a condition of a `#cgo` line, which may be in either grammar; `None` never holds.
pub fn condition(text: &str) -> Option<Constraint<String>> {
    if text.contains(['&', '|', '(', ')']) { go_build(text).ok() } else { plus_build(text) }
}
