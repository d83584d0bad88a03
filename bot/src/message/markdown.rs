//! Markdown that says what it was given, and no more.
//!
//! Rules: CommonMark 0.31 §2.4 (backslash escapes), §6.1 (code spans), §4.5 (fenced code); GitHub Flavored Markdown for
//! tables, strikethrough and autolinks. A forge looks for mentions and references in the *rendered* text, where a backslash
//! is gone, so these are broken with a zero-width space, written as `&#8203;` for the reader of the source to see. Inside code
//! no forge looks for them.

use std::fmt::{self, Write};

use askama::Values;
use askama::filters::{Escaper, Safe};

use super::text::{clip, one_line, plain_log};

/// Breaks a mention or a reference without being seen.
const BREAK: &str = "&#8203;";

/// The longest piece of text from outside that is shown in one place, in characters.
const LONGEST: usize = 200;

/// Escapes text for the inside of a paragraph, list item, heading or table cell.
#[derive(Debug, Clone, Copy, Default)]
pub struct Markdown;

impl Escaper for Markdown {
    fn write_escaped_str<W: Write>(&self, mut dest: W, text: &str) -> fmt::Result {
        let line = one_line(text);
        let mut before = "";
        for (at, c) in line.char_indices() {
            let after = &line[at + c.len_utf8()..];
            if needs_backslash(c, before, after) {
                dest.write_char('\\')?;
            }
            dest.write_char(c)?;
            before = &line[..at + c.len_utf8()];
            if needs_break(before, after) {
                dest.write_str(BREAK)?;
            }
        }
        Ok(())
    }
}

fn needs_backslash(c: char, before: &str, after: &str) -> bool {
    match c {
        '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' | '#' => true,
        // A bullet, a rule or a heading's underline, where a block could begin.
        '-' | '+' | '=' => before.is_empty(),
        // An ordered list's number.
        '.' | ')' => {
            !before.is_empty()
                && before.bytes().all(|b| b.is_ascii_digit())
                && (after.is_empty() || after.starts_with(' '))
        }
        _ => false,
    }
}

/// Whether `before` ends in the middle of what a forge would turn into a link to somebody or something.
fn needs_break(before: &str, after: &str) -> bool {
    let Some(last) = before.chars().next_back() else { return false };
    match last {
        '@' => true,
        '#' | '!' => after.starts_with(|c: char| c.is_ascii_digit()),
        // `GH-12`
        '-' => {
            after.starts_with(|c: char| c.is_ascii_digit())
                && before.len() >= 3
                && before.is_char_boundary(before.len() - 3)
                && before[before.len() - 3..].eq_ignore_ascii_case("gh-")
        }
        ':' => after.starts_with("//") || ends_with_scheme(before),
        '.' => {
            before.len() >= 4
                && before.is_char_boundary(before.len() - 4)
                && before[before.len() - 4..].eq_ignore_ascii_case("www.")
        }
        _ => false,
    }
}

/// GitHub links these without slashes too.
fn ends_with_scheme(before: &str) -> bool {
    let lower = before.to_ascii_lowercase();
    lower.ends_with("mailto:") || lower.ends_with("xmpp:")
}

/// A code span. Empty text has none, so it becomes the word "empty".
pub(super) fn code(text: &str) -> String {
    let text = clip(&one_line(text), LONGEST);
    if text.is_empty() {
        return "*empty*".to_owned();
    }
    let fence = "`".repeat(longest_run(&text, '`') + 1);
    // One space is taken off on both sides, if there is one on both: so a text that begins or ends with a backquote gets them.
    let pad = if fence.len() > 1 { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A fenced block, which its text cannot end. `language` is one of ours.
pub(super) fn fenced(language: &str, text: &str) -> String {
    let text = plain_log(text);
    let fence = "`".repeat(longest_run(&text, '`').max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}", text.trim_end_matches('\n'))
}

fn longest_run(text: &str, wanted: char) -> usize {
    text.split(|c| c != wanted).map(str::len).max().unwrap_or(0)
}

/// An address as a link if it is an ordinary web page, and as code if a forge would take it for a reference (anything below
/// a repository) or it is something else.
pub(super) fn link(address: &str) -> String {
    let ordinary = url::Url::parse(address).ok().filter(|url| {
        matches!(url.scheme(), "https" | "http")
            && url.username().is_empty()
            && url.password().is_none()
            && url.host_str().is_some_and(|host| host.contains('.'))
            && url.as_str().len() <= LONGEST
            && !url.as_str().contains(['<', '>', '\\', '@'])
            && !below_a_repository(url)
    });
    ordinary.map_or_else(|| code(address), |url| format!("<{url}>"))
}

/// `github.com/owner/repo/issues/1` and the like are references; `github.com/owner/repo` is a page.
fn below_a_repository(url: &url::Url) -> bool {
    let forge = url.host_str().is_some_and(|host| {
        ["github", "gitlab", "codeberg", "gitea", "bitbucket", "sr.ht"].iter().any(|name| host.contains(name))
    });
    forge && url.path_segments().is_some_and(|segments| segments.filter(|segment| !segment.is_empty()).count() > 2)
}

/// What the templates may call.
#[expect(
    unreachable_pub,
    clippy::inline_always,
    clippy::unused_self,
    clippy::unnecessary_wraps,
    reason = "the form that askama asks for, and what its attribute makes of it"
)]
pub(super) mod filters {
    use super::{Safe, Values};

    /// `{{ name|code }}`
    #[askama::filter_fn]
    pub(crate) fn code<T: std::fmt::Display>(text: T, _: &dyn Values) -> askama::Result<Safe<String>> {
        Ok(Safe(super::code(&text.to_string())))
    }

    /// `{{ address|link }}`
    #[askama::filter_fn]
    pub(crate) fn link<T: std::fmt::Display>(text: T, _: &dyn Values) -> askama::Result<Safe<String>> {
        Ok(Safe(super::link(&text.to_string())))
    }

    /// `{{ text|fenced("sh") }}`
    #[askama::filter_fn]
    pub(crate) fn fenced<T: std::fmt::Display>(
        text: T,
        _: &dyn Values,
        language: &str,
    ) -> askama::Result<Safe<String>> {
        Ok(Safe(super::fenced(language, &text.to_string())))
    }
}
