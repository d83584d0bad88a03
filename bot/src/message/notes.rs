//! Release notes: what upstream wrote of its release, so that it can be read and does nothing.
//!
//! Nothing of the text is trusted to be harmless Markdown: it is taken apart into lines, what is left of each is escaped like any
//! other text, and only bullets, headings and code are made anew. So nobody is mentioned, nothing is linked, referred to or
//! closed by a keyword, and no image is loaded. Ids of commits stand in code, where no forge looks for them.

use askama::filters::Escaper as _;

use super::markdown::{Markdown, code};
use super::text::{clip, one_line};

/// How many lines are shown.
const LINES: usize = 40;

/// How many characters of a line are shown.
const LINE: usize = 300;

/// How many bytes are shown in all.
const ALL: usize = 6_000;

/// Notes as a quote; nothing if there is nothing to read.
pub(super) fn quoted(notes: &str) -> Option<String> {
    let mut quote = String::new();
    let mut in_code = false;
    let mut shown = 0;
    let mut is_cut = false;
    for line in without_comments(notes).lines() {
        let trimmed = line.trim();
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            in_code = !in_code;
            continue;
        }
        let line = if in_code { code_line(line) } else { text_line(line) };
        if line.is_empty() {
            if shown > 0 && !quote.ends_with(">\n") {
                quote.push_str(">\n");
            }
            continue;
        }
        if shown == LINES || quote.len() + line.len() > ALL {
            is_cut = true;
            break;
        }
        shown += 1;
        quote.extend(["> ", &line, "\n"]);
    }
    while let Some(rest) = quote.strip_suffix(">\n") {
        quote.truncate(rest.len());
    }
    if is_cut {
        quote.push_str(">\n> …\n");
    }
    (shown > 0).then(|| quote.trim_end().to_owned())
}

fn code_line(line: &str) -> String {
    if line.trim().is_empty() { String::new() } else { format!("{}  ", code(&clip(line, LINE))) }
}

fn text_line(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let plain = one_line(&without_markup(line.trim()));
    let (prefix, rest) = match plain.split_once(' ') {
        Some(("-" | "*" | "+", rest)) => (if indent >= 2 { "  - " } else { "- " }, rest),
        Some((marks, rest)) if !marks.is_empty() && marks.bytes().all(|byte| byte == b'#') => {
            let text = escaped(&clip(rest.trim_matches(['*', '_', '#', ' ']), LINE));
            return if text.is_empty() { text } else { format!("**{text}**  ") };
        }
        _ => ("", plain.as_str()),
    };
    let text = escaped(&clip(rest.trim(), LINE));
    match (text.is_empty(), prefix.is_empty()) {
        (true, _) => String::new(),
        // Two spaces end a line, so that a list of upstream's own making stays one.
        (false, true) => format!("{text}  "),
        (false, false) => format!("{prefix}{text}"),
    }
}

/// Words, escaped; what could be the id of a commit as code.
fn escaped(text: &str) -> String {
    let words: Vec<String> = text.split(' ').map(without_commits).collect();
    let text = words.join(" ");
    // What no word is, the whole may be: a line that begins like a block.
    if text.starts_with(['-', '+', '=', '>', ':']) { format!("\\{text}") } else { text }
}

fn without_commits(word: &str) -> String {
    let (mut escaped, mut open) = (String::new(), 0);
    let mut rest = 0;
    while let Some(start) = word[rest..].find(|c: char| c.is_ascii_alphanumeric()).map(|at| rest + at) {
        let end = word[start..].find(|c: char| !c.is_ascii_alphanumeric()).map_or(word.len(), |at| start + at);
        if is_commit(&word[start..end]) {
            escaped.push_str(&plain(&word[open..start]));
            escaped.push_str(&code(&word[start..end]));
            open = end;
        }
        rest = end;
    }
    escaped + &plain(&word[open..])
}

fn plain(word: &str) -> String {
    let mut escaped = String::new();
    // Writing to a string does not fail.
    let _ = Markdown.write_escaped_str(&mut escaped, word);
    escaped
}

fn is_commit(word: &str) -> bool {
    (7..=64).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Without HTML comments, which no reader sees.
fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!--") {
        kept.push_str(before);
        rest = after.split_once("-->").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept
}

/// `[text](address)` becomes its text, `![image](address)` nothing, tags nothing, backquotes and stars nothing.
fn without_markup(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(['[', '<', '!']) {
        text.push_str(&rest[..at]);
        let from = &rest[at..];
        let (is_image, target) = match from.strip_prefix('!') {
            Some(target) => (true, target),
            None => (false, from),
        };
        if let Some((label, after)) = target.strip_prefix('[').and_then(|target| target.split_once("]("))
            && let Some((_, after)) = after.split_once(')')
            && !label.contains('[')
        {
            if !is_image {
                text.push_str(label);
            }
            rest = after;
        } else if let Some((tag, after)) = from.strip_prefix('<').and_then(|tag| tag.split_once('>'))
            && tag.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
            && !tag.contains("://")
        {
            rest = after;
        } else {
            text.push_str(&from[..1]);
            rest = &from[1..];
        }
    }
    text.push_str(rest);
    text.replace("**", "").replace('`', "")
}
