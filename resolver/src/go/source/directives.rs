//! `//go:` comments.

use super::quoted::unquote;

/// The patterns of a `//go:embed` comment; none, where it cannot be read, which the compiler complains of later.
pub(super) fn embed_patterns(comment: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(comment);
    let Some(rest) = text.strip_prefix("//go:embed") else { return Vec::new() };
    if !rest.starts_with(char::is_whitespace) {
        return Vec::new();
    }
    let mut rest = rest.trim();
    let mut patterns = Vec::new();
    while !rest.is_empty() {
        let (pattern, after) = if rest.starts_with(['"', '`']) {
            let Some((pattern, after)) = unquote(rest) else { return Vec::new() };
            if !after.is_empty() && !after.starts_with(char::is_whitespace) {
                return Vec::new();
            }
            (pattern, after)
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let (pattern, after) = rest.split_at(end);
            (pattern.to_owned(), after)
        };
        patterns.push(pattern);
        rest = after.trim_start();
    }
    patterns
}

/// The `name=value` of a `//go:debug` comment.
pub(super) fn debug_setting(comment: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(comment).ok()?.strip_prefix("//go:debug")?;
    let setting = text.strip_prefix([' ', '\t'])?.trim();
    setting.contains('=').then(|| setting.to_owned())
}
