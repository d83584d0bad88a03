use atom_syndication::Feed;

use super::FeedHead;
use crate::store::{EventKind, FeedEvent};

fn event(id: i64, message: &str) -> FeedEvent {
    FeedEvent {
        id,
        attr: "amber".parse().unwrap(),
        version: Some("1.2.3\"<script>\u{202e}".to_owned()),
        kind: EventKind::Merged,
        message: message.to_owned(),
        at: "2026-03-01T09:00:00Z".parse().unwrap(),
    }
}

fn head(path: &str) -> FeedHead<'_> {
    FeedHead {
        title: "amber".to_owned(),
        path,
        page: "packages/amber.html".to_owned(),
        overlay: "git+https://registry.example/o",
    }
}

#[test]
fn a_feed_is_read_back_as_it_was_written() {
    let hostile = "<b>&amp;</b>]]>\u{1b}[31m\u{0}\u{ffff}\n\u{b}next";
    let events = [event(2, hostile), event(1, "first")];
    let text = head("packages/amber.atom").atom(&events);
    let feed: Feed = text.parse().unwrap();
    assert_eq!(feed.entries.len(), 2);
    let entry = &feed.entries[0];
    assert_eq!(entry.summary.as_ref().unwrap().value, "<b>&amp;</b>]]>\u{fffd}[31m\u{fffd}\u{fffd} next");
    assert_eq!(entry.links[0].href, "../packages/amber.html");
    assert_eq!(entry.updated.to_rfc3339(), "2026-03-01T09:00:00+00:00");
    assert_ne!(entry.id, feed.entries[1].id);
    assert_eq!(text, head("packages/amber.atom").atom(&events), "the same each time");
    assert_ne!(feed.id, head("feed.atom").atom(&events).parse::<Feed>().unwrap().id);
}

#[test]
fn a_feed_about_nothing_is_one_too() {
    let feed: Feed = head("feed.atom").atom(&[]).parse().unwrap();
    assert_eq!(feed.updated.timestamp(), 0);
    assert_eq!(feed.links[0].href, "feed.atom");
}
