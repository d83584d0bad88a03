//! What builders print, with its colours as classes: a terminal's codes become names that the stylesheet knows, and nothing else
//! of them is left.

use crate::message::text::plain_log;

/// A piece of a line in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Classes, or nothing.
    pub(crate) class: String,
    /// Text without characters that act.
    pub(crate) text: String,
}

/// How text looks from here on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Style {
    /// 0 to 7; the bright ones are the same.
    colour: Option<u8>,
    bold: bool,
}

impl Style {
    fn class(self) -> String {
        match (self.colour, self.bold) {
            (None, false) => String::new(),
            (None, true) => "ab".to_owned(),
            (Some(colour), false) => format!("a{colour}"),
            (Some(colour), true) => format!("a{colour} ab"),
        }
    }

    /// Takes over the parameters of one "select graphic rendition" (ECMA-48, 8.3.117).
    fn select(&mut self, parameters: &str) {
        let mut codes = parameters.split(';').map(|code| code.parse::<u8>().unwrap_or(0));
        while let Some(code) = codes.next() {
            match code {
                0 => *self = Self::default(),
                1 => self.bold = true,
                22 => self.bold = false,
                30..=37 => self.colour = Some(code - 30),
                90..=97 => self.colour = Some(code - 90),
                39 => self.colour = None,
                // One of many colours: which one is not shown, its parameters are skipped.
                38 | 48 => {
                    let skipped = if codes.next() == Some(2) { 3 } else { 1 };
                    for _ in 0..skipped {
                        codes.next();
                    }
                }
                _ => {}
            }
        }
    }
}

/// The pieces of a text, line by line; a style lasts until it is changed.
pub(crate) fn lines(text: &str) -> Vec<Vec<Piece>> {
    let mut style = Style::default();
    text.lines().map(|line| pieces(line, &mut style)).collect()
}

fn pieces(line: &str, style: &mut Style) -> Vec<Piece> {
    // A line that a carriage return starts again shows its last state.
    let mut rest = line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default();
    let mut pieces = Vec::new();
    let mut add = |text: &str, style: Style| {
        let text = plain_log(text);
        if !text.is_empty() {
            pieces.push(Piece { class: style.class(), text });
        }
    };
    let mut from = 0;
    while let Some(at) = rest[from..].find("\u{1b}[").map(|at| at + from) {
        let parameters = &rest[at + 2..];
        let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(parameters.len());
        if parameters[end..].starts_with('m') {
            add(&rest[..at], *style);
            style.select(&parameters[..end]);
            rest = &parameters[end + 1..];
            from = 0;
        } else {
            from = at + 2;
        }
    }
    add(rest, *style);
    pieces
}

/// Lines as HTML.
pub(crate) fn html(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 4);
    for line in lines(text) {
        for piece in line {
            if piece.class.is_empty() {
                escape(&piece.text, &mut html);
            } else {
                html.push_str("<span class=\"");
                html.push_str(&piece.class);
                html.push_str("\">");
                escape(&piece.text, &mut html);
                html.push_str("</span>");
            }
        }
        html.push('\n');
    }
    html
}

/// A text as HTML, in a page or an attribute.
pub(crate) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    escape(text, &mut html);
    html
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '&' => html.push_str("&amp;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{html, lines};

    #[test]
    fn colours_become_classes_and_everything_else_of_a_terminal_goes() {
        insta::assert_snapshot!(
            html("\u{1b}[1m\u{1b}[31merror\u{1b}[0m: <b>\n\u{1b}[38;5;9mmany\u{1b}[39m \u{1b}[2Kgone\u{1b}]0;title\u{7}\n10 %\r20 %\n\u{1b}[97mlasts\nstill"),
            @r#"
        <span class="a1 ab">error</span>: &lt;b&gt;
        many gone
        20 %
        <span class="a7">lasts</span>
        <span class="a7">still</span>
        "#
        );
    }

    #[test]
    fn no_text_of_a_builder_makes_a_tag_or_leaves_a_character_that_acts() {
        let parts = [
            "\u{1b}",
            "[",
            "31",
            ";",
            "m",
            "]",
            "\u{9b}",
            "\"",
            "<script>",
            "\r",
            "\u{202e}",
            "\u{0}",
            "ä",
            "\u{7}",
            "999999999999",
        ];
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..5_000 {
            let text: String = (0..random.usize(0..12)).map(|_| parts[random.usize(0..parts.len())]).collect();
            for piece in lines(&text).into_iter().flatten() {
                assert!(piece.class.chars().all(|c| c.is_ascii_alphanumeric() || c == ' '), "{text:?}");
                assert!(!piece.text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text:?}: {piece:?}");
            }
            assert!(!html(&text).contains("<script"), "{text:?}");
        }
    }
}
