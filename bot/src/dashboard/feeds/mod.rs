//! Atom feeds: what happened to packages, newest first (RFC 4287).
//!
//! Links are relative to the feed, so that the same file is right on a file host and below any address. Ids are made from what an
//! entry is about, so that a reader never sees one twice.

#[cfg(test)]
mod tests;

use atom_syndication::{Category, Entry, Feed, FixedDateTime, Generator, Link, Person, Text};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::message::text;
use crate::store::{EventKind, FeedEvent};

/// How many entries a feed has at most.
pub(crate) const LENGTH: u32 = 60;

/// What is told in feeds: outcomes, not each step.
pub(crate) const TOLD: [EventKind; 4] =
    [EventKind::PullRequest, EventKind::Merged, EventKind::Stable, EventKind::Failed];

/// What a feed is.
#[derive(Debug, Clone)]
pub(crate) struct FeedHead<'a> {
    /// One line.
    pub(crate) title: String,
    /// The feed's own path below the root of the pages: `packages/ripgrep.atom`.
    pub(crate) path: &'a str,
    /// The page that it belongs to, below the root.
    pub(crate) page: String,
    /// The overlay's address: tells the ids of two installations apart.
    pub(crate) overlay: &'a str,
}

impl FeedHead<'_> {
    /// The feed as a document. A feed without entries was last changed at the beginning of time.
    pub(crate) fn atom(&self, events: &[FeedEvent]) -> String {
        let feed = Feed {
            title: Text::plain(line(&self.title)),
            id: self.id(self.path),
            updated: time(events.iter().map(|event| event.at).max().unwrap_or(Timestamp::UNIX_EPOCH)),
            authors: vec![Person { name: "Nixwright".to_owned(), ..Person::default() }],
            generator: Some(Generator {
                value: "Nixwright".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
                ..Generator::default()
            }),
            links: vec![
                self.link("self", self.path, "application/atom+xml"),
                self.link("alternate", &self.page, "text/html"),
            ],
            entries: events.iter().map(|event| self.entry(event)).collect(),
            lang: Some("en".to_owned()),
            ..Feed::default()
        };
        format!("{}\n", feed.to_string())
    }

    fn entry(&self, event: &FeedEvent) -> Entry {
        let version = event.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
        let what = match event.kind {
            EventKind::PullRequest => "has a pull request",
            EventKind::Merged => "was merged",
            EventKind::Stable => "is in stable",
            EventKind::Failed => "failed",
            other => other.as_str(),
        };
        Entry {
            title: Text::plain(line(&format!("{}{version} {what}", event.attr))),
            id: self.id(&format!("event {} {} {}", event.id, event.attr, event.at)),
            updated: time(event.at),
            links: vec![self.link("alternate", &format!("packages/{}.html", event.attr), "text/html")],
            summary: Some(Text::plain(line(&event.message))),
            categories: vec![Category { term: event.kind.as_str().to_owned(), ..Category::default() }],
            ..Entry::default()
        }
    }

    /// From this feed's folder to a path below the root.
    fn link(&self, rel: &str, path: &str, mime_type: &str) -> Link {
        let up = "../".repeat(self.path.matches('/').count());
        Link {
            href: format!("{up}{path}"),
            rel: rel.to_owned(),
            mime_type: Some(mime_type.to_owned()),
            ..Link::default()
        }
    }

    /// An id that is the same whenever the same is told: a UUID of version 8 (RFC 9562 §5.8).
    fn id(&self, of: &str) -> String {
        let digest = Sha256::digest(format!("{}\n{of}", self.overlay));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        // Version 8 in bits 48 to 51, variant 0b10 in bits 64 and 65.
        let number = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0b11 << 62) | (0x8 << 76) | (0b10 << 62);
        let hex = format!("{number:032x}");
        format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

/// One line that XML can have, at most as long as a person reads.
fn line(value: &str) -> String {
    let line = text::clip(&text::one_line(value), 500);
    line.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

fn time(at: Timestamp) -> FixedDateTime {
    FixedDateTime::parse_from_rfc3339(&format!("{at:.3}")).unwrap_or_default()
}
