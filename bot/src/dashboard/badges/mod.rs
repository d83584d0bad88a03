//! Badges: two words in an image, for a README.
//!
//! Drawn here, since the widths of letters are the only hard part and `textLength` takes the error out of them. White on colours
//! that are dark enough to be read (4.5 to 1, WCAG 2.2).

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use crate::message::text;
use crate::store::{Package, RunOutcome, State};

/// How much of a value is shown, in characters.
const LONGEST: usize = 32;

/// What a badge says of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadgeKind {
    /// What `main` has.
    Version,
    /// How the last finished run ended.
    Build,
    /// Whether `main` has the newest release.
    Freshness,
}

impl BadgeKind {
    /// Every kind.
    pub(crate) const ALL: [Self; 3] = [Self::Version, Self::Build, Self::Freshness];

    /// As in the file's name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Build => "build",
            Self::Freshness => "freshness",
        }
    }

    /// The kind of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A badge's two fields and the colour of the second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Badge {
    label: String,
    value: String,
    colour: &'static str,
}

const GOOD: &str = "#1a7f37";
const BAD: &str = "#b42318";
const WAITS: &str = "#8a5a00";
const PLAIN: &str = "#1f5fa8";
const UNKNOWN: &str = "#57606a";

impl Badge {
    /// What a badge of this kind says of a package; `last` is how its newest run ended that has.
    pub(crate) fn of(kind: BadgeKind, package: &Package, last: Option<RunOutcome>) -> Self {
        let (label, value, colour) = match kind {
            BadgeKind::Version => match &package.current_version {
                Some(version) => ("nixwright", version.as_str(), PLAIN),
                None => ("nixwright", "none yet", UNKNOWN),
            },
            BadgeKind::Build => match last {
                Some(RunOutcome::Succeeded) => ("build", "passing", GOOD),
                Some(RunOutcome::Failed) => ("build", "failing", BAD),
                None => ("build", "none yet", UNKNOWN),
            },
            BadgeKind::Freshness => {
                let (value, colour) = freshness(package);
                ("overlay", value, colour)
            }
        };
        Self::new(label, value, colour)
    }

    /// What is said of a package that nobody knows.
    pub(crate) fn unknown(kind: BadgeKind) -> Self {
        Self::new(kind.as_str(), "unknown", UNKNOWN)
    }

    fn new(label: &str, value: &str, colour: &'static str) -> Self {
        Self { label: label.to_owned(), value: text::clip(&text::one_line(value), LONGEST), colour }
    }

    /// The image.
    pub(crate) fn svg(&self) -> String {
        let (label, value) = (escaped(&self.label), escaped(&self.value));
        let (left, right) = (width(&self.label), width(&self.value));
        let (first, second, colour) = (left + 10, right + 10, self.colour);
        let whole = first + second;
        let mut svg = String::new();
        let _ = writeln!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"20\" role=\"img\" aria-label=\"{label}: {value}\">\
             <title>{label}: {value}</title>\
             <clipPath id=\"r\"><rect width=\"{whole}\" height=\"20\" rx=\"3\"/></clipPath>\
             <g clip-path=\"url(#r)\"><path fill=\"#3a3f45\" d=\"M0 0h{first}v20H0z\"/>\
             <path fill=\"{colour}\" d=\"M{first} 0h{second}v20H{first}z\"/></g>\
             <g fill=\"#fff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\
             <text x=\"5\" y=\"14\" textLength=\"{left}\">{label}</text>\
             <text x=\"{at}\" y=\"14\" textLength=\"{right}\">{value}</text></g></svg>",
            at = first + 5,
        );
        svg
    }
}

fn freshness(package: &Package) -> (&'static str, &'static str) {
    if !package.configured {
        return ("not followed", UNKNOWN);
    }
    match package.state.state {
        State::UpToDate => ("up to date", GOOD),
        State::Updating => ("updating", PLAIN),
        State::Open => ("update proposed", PLAIN),
        State::Waiting => ("update waits", WAITS),
        State::Held => ("held", WAITS),
        State::Failed => ("update failed", BAD),
        State::New => ("unknown", UNKNOWN),
    }
}

/// About the width of a text in Verdana at 11 pixels.
fn width(text: &str) -> u32 {
    let tenths: u32 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '|' | '!' | '\'' | ' ' => 38,
            'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '-' | '/' => 48,
            'm' | 'w' | 'M' | 'W' | '%' | '@' => 105,
            'A'..='Z' => 78,
            c if c.is_ascii() => 69,
            // Half of the world's letters are as wide as high.
            _ => 100,
        })
        .sum();
    tenths.div_ceil(10)
}

/// Text for an element or an attribute in double quotes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // What XML cannot have; `one_line` leaves these two.
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
