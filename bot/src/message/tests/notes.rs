//! Release notes, judged by comrak: whatever upstream writes, a reader sees text, bullets, headings and code.

use proptest::prelude::*;

use super::escaping::{hostile, read};
use crate::message::notes::quoted;

#[test]
fn notes_can_be_read() {
    let notes = "## What's Changed\n\n<!-- generated -->\n* Fix panic by @ada in https://forge.example/a/b/pull/12\n\
                 - Closes #3, fixes a/b#4 and GH-5 (0123abc, 0123456789abcdef0123456789abcdef01234567)\n  - nested **bold** `code`\n\n\
                 ![logo](https://tracker.example/x.png) see [the docs](https://docs.example/)\n\n```sh\nrm -rf / # @bob\n```\n\n\n";
    insta::assert_snapshot!(quoted(notes).unwrap(), @r"
    > **What's Changed**  
    >
    > - Fix panic by @&#8203;ada in https:&#8203;//forge.example/a/b/pull/12
    > - Closes \#&#8203;3, fixes a/b\#&#8203;4 and GH-&#8203;5 (`0123abc`, `0123456789abcdef0123456789abcdef01234567`)
    >   - nested bold code
    >
    > see the docs  
    >
    > `rm -rf / # @bob`
    ");
    assert_eq!(quoted("0123abc,89abcde @deadbeef").unwrap(), "> `0123abc`,`89abcde` @&#8203;`deadbeef`");
    assert_eq!(quoted(" \n\n<!-- nothing -->\n![x](y)\n"), None);
}

#[test]
fn long_notes_are_cut() {
    let notes = "- a line of the notes\n".repeat(500);
    let shown = quoted(&notes).unwrap();
    assert_eq!((shown.lines().count(), shown.ends_with("> …")), (42, true), "{shown}");
    assert!(quoted(&"word ".repeat(5000)).unwrap().len() < 1000);
}

proptest! {
    #[test]
    fn nothing_in_notes_acts(text in hostile(), more in hostile()) {
        let Some(quote) = quoted(&format!("{text}\n- {more}\n# {text}\n")) else { return Ok(()) };
        prop_assert!(quote.lines().all(|line| line.starts_with('>')), "{quote}");
        let (kinds, seen) = read(&quote);
        let allowed = ["BlockQuote", "Paragraph", "List", "Item", "Code", "Strong", "LineBreak", "SoftBreak"];
        for kind in &kinds {
            prop_assert!(allowed.contains(&kind.as_str()), "{kind} in {quote}");
        }
        // Outside of code nobody is mentioned and nothing is referred to.
        let outside = without_code(&quote.replace("&#8203;", "\u{200b}"));
        for (at, mark) in outside.match_indices(['@', '#']) {
            let after = &outside[at + mark.len()..];
            let live = after.starts_with(|c: char| if mark == "@" { c.is_alphanumeric() } else { c.is_ascii_digit() });
            prop_assert!(!live, "{mark}{after} of {quote}");
        }
        prop_assert!(!outside.contains("://"), "{quote}");
        prop_assert!(!seen.chars().any(|c| c == char::from(0x1b)));
    }
}

/// What stands in no code span; spans are as long as their fences.
fn without_code(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('`') {
        kept.push_str(&rest[..at]);
        let fence: String = rest[at..].chars().take_while(|c| *c == '`').collect();
        let after = &rest[at + fence.len()..];
        // An escaped backquote opens nothing.
        if kept.ends_with('\\') {
            rest = &rest[at + 1..];
            continue;
        }
        rest = after.find(&fence).map_or("", |end| &after[end + fence.len()..]);
    }
    kept.push_str(rest);
    kept
}
