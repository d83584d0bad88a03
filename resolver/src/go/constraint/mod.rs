//! Build constraints: which files a system takes.
//!
//! The rules are those of `go/build` and `go/build/constraint`: `//go:build` expressions, `// +build` lines, and what a file's name
//! says. A constraint is kept in postfix form, which is read back without a parser, and is evaluated for all systems of a target at once.

mod file_name;
mod header;
mod parse;
mod tags;

use serde::{Deserialize, Serialize};

pub use self::file_name::{KNOWN_ARCH, KNOWN_OS, file_name_constraint};
pub use self::header::{HeaderError, header_constraint};
pub use self::parse::{SyntaxError, condition, go_build, plus_build};
pub use self::tags::{Systems, TooManySystems};

/// A set of systems, by their place in [`Systems`].
pub type Mask = u64;

/// A part of an expression in postfix form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Token<S> {
    /// A tag: `linux`, `go1.18`, `amd64.v3`.
    Tag(S),
    /// What is before does not hold.
    Not,
    /// Both that are before hold.
    And,
    /// One of the two that are before holds.
    Or,
}

/// When a file is taken; without any token, always.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Constraint<S>(Vec<Token<S>>);

impl<S> Default for Constraint<S> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<S: AsRef<str>> Constraint<S> {
    /// A constraint of one tag.
    pub fn tag(name: S) -> Self {
        Self(vec![Token::Tag(name)])
    }

    /// Whether it always holds.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.joined(other, Token::And)
    }

    /// One of the two holds; one that always holds, stays so.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self.is_empty() || other.is_empty() { Self::default() } else { self.joined(other, Token::Or) }
    }

    /// The other way round; what always holds, stays so.
    #[must_use]
    pub fn negated(mut self) -> Self {
        if !self.is_empty() {
            self.0.push(Token::Not);
        }
        self
    }

    fn joined(mut self, mut other: Self, with: Token<S>) -> Self {
        let both = !self.is_empty() && !other.is_empty();
        self.0.append(&mut other.0);
        if both {
            self.0.push(with);
        }
        self
    }

    /// The systems, of those in `all`, for which it holds, where `tag` says for which one tag holds.
    pub fn evaluate(&self, all: Mask, tag: impl Fn(&str) -> Mask) -> Mask {
        if self.0.is_empty() {
            return all;
        }
        if let [Token::Tag(name)] = self.0.as_slice() {
            return tag(name.as_ref()) & all;
        }
        let mut stack: Vec<Mask> = Vec::with_capacity(8);
        for token in &self.0 {
            let value = match token {
                Token::Tag(name) => tag(name.as_ref()),
                Token::Not => !stack.pop().unwrap_or_default(),
                Token::And => stack.pop().unwrap_or_default() & stack.pop().unwrap_or_default(),
                Token::Or => stack.pop().unwrap_or_default() | stack.pop().unwrap_or_default(),
            };
            stack.push(value);
        }
        stack.pop().unwrap_or_default() & all
    }
}

impl<S: AsRef<str>> Constraint<S> {
    /// Whether it may hold at all, where every tag but `ignore` may hold or not, and anew each time that it is named
    /// (`imports.AnyTags` of cmd/go).
    pub fn may_hold(&self) -> bool {
        // Each value is what may be found if one hopes for yes, and if one hopes for no.
        let mut stack: Vec<(bool, bool)> = Vec::new();
        for token in &self.0 {
            let value = match token {
                Token::Tag(name) => (is_free(name.as_ref()), false),
                Token::Not => stack.pop().map_or((false, false), |(yes, no)| (!no, !yes)),
                Token::And | Token::Or => {
                    let (right, left) = (stack.pop().unwrap_or_default(), stack.pop().unwrap_or_default());
                    match token {
                        Token::And => (left.0 && right.0, left.1 && right.1),
                        _ => (left.0 || right.0, left.1 || right.1),
                    }
                }
            };
            stack.push(value);
        }
        stack.pop().is_none_or(|(yes, _)| yes)
    }
}

/// Whether a tag may be said to hold.
fn is_free(tag: &str) -> bool {
    tag != "ignore" && tag.chars().all(|character| character.is_alphanumeric() || matches!(character, '_' | '.'))
}

impl Constraint<&str> {
    /// The same with strings of its own.
    pub fn to_owned(&self) -> Constraint<String> {
        Constraint(
            self.0
                .iter()
                .map(|token| match token {
                    Token::Tag(name) => Token::Tag((*name).to_owned()),
                    Token::Not => Token::Not,
                    Token::And => Token::And,
                    Token::Or => Token::Or,
                })
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests;
