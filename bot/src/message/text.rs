//! Text from outside made fit for a page: no control characters, no terminal codes, no endless lines.

use std::time::Duration;

/// Stands for a character that was taken out.
const REPLACEMENT: char = '\u{fffd}';

/// Whether a character would act on the reader's screen instead of being seen: controls, the marks that change the direction of
/// text and so can make it read as something else, and what is invisible by purpose (byte order mark, tags).
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// One line: white space of any kind becomes single spaces, characters that act become `U+FFFD`.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split(char::is_whitespace).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().map(|c| if acts(c) { REPLACEMENT } else { c }));
    }
    line
}

/// At most `limit` characters of a text; the last is an ellipsis where something is missing.
pub fn clip(text: &str, limit: usize) -> String {
    if text.chars().nth(limit).is_none() {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

/// A log as it would look after the terminal had done what its codes ask for, in plain text: escape sequences are gone, a
/// line that a carriage return starts again shows its last state, other characters that act are `U+FFFD`.
pub fn plain_log(log: &str) -> String {
    let mut plain = String::with_capacity(log.len());
    for line in log.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        let line = without_escapes(line);
        let shown = line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default();
        plain.extend(shown.chars().map(|c| if c != '\t' && acts(c) { REPLACEMENT } else { c }));
        plain.push_str(end);
    }
    plain
}

/// Takes out what ECMA-48 calls control sequences and control strings; a sequence that does not end takes the line's rest.
fn without_escapes(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        let introducer = match c {
            '\u{1b}' => rest.next(),
            '\u{9b}' => Some('['),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => Some(']'),
            _ => {
                plain.push(c);
                continue;
            }
        };
        match introducer {
            // CSI: parameters and intermediates, then one final character.
            Some('[') => {
                rest.by_ref().find(|c| ('\u{40}'..='\u{7e}').contains(c));
            }
            // OSC, DCS, SOS, PM, APC: up to BEL or the string terminator.
            Some(']' | 'P' | 'X' | '^' | '_') => skip_string(&mut rest),
            // Other escapes may have intermediates (`ESC ( B`) before their final character.
            Some('\u{20}'..='\u{2f}') => {
                rest.by_ref().find(|c| !('\u{20}'..='\u{2f}').contains(c));
            }
            Some(_) | None => {}
        }
    }
    plain
}

fn skip_string(rest: &mut std::str::Chars<'_>) {
    while let Some(c) = rest.next() {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' if rest.as_str().starts_with('\\') => {
                rest.next();
                return;
            }
            _ => {}
        }
    }
}

/// The last lines of a log, at most `lines` of them and `limit` characters, each line clipped, without blank lines at the end.
pub fn tail(log: &str, lines: usize, limit: usize) -> String {
    let log = plain_log(log);
    let mut kept = Vec::new();
    let mut room = limit;
    for line in log.trim_end().rsplit('\n').take(lines) {
        let line = clip(line.trim_end(), 300);
        let length = line.chars().count() + 1;
        if length > room {
            break;
        }
        room -= length;
        kept.push(line);
    }
    kept.reverse();
    kept.join("\n")
}

/// A duration for a person: `340 ms`, `3.4 s`, `34 s`, `2 min 5 s`, `1 h 2 min`.
pub fn duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    let seconds = duration.as_secs();
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..10_000 => format!("{}.{} s", seconds, (millis % 1_000) / 100),
        10_000..60_000 => format!("{seconds} s"),
        60_000..3_600_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}
