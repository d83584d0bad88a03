//! The judge is comrak, which reads Markdown as GitHub does, autolinks, tables and mathematics included.

use askama::filters::Escaper;
use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options, parse_document};
use proptest::prelude::*;

use crate::message::Markdown;
use crate::message::markdown::{code, fenced, link};
use crate::message::text::one_line;

const ZERO_WIDTH: char = '\u{200b}';

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    Markdown.write_escaped_str(&mut escaped, text).unwrap();
    escaped
}

fn options() -> Options<'static> {
    let mut options = Options::default();
    let extension = &mut options.extension;
    extension.autolink = true;
    extension.strikethrough = true;
    extension.table = true;
    extension.tasklist = true;
    extension.footnotes = true;
    extension.math_dollars = true;
    extension.math_code = true;
    extension.alerts = true;
    extension.superscript = false;
    options
}

/// The kinds of the document's nodes, without the document, and the text that a reader sees.
pub(super) fn read(markdown: &str) -> (Vec<String>, String) {
    let arena = Arena::new();
    let root = parse_document(&arena, markdown, &options());
    let (mut kinds, mut text) = (Vec::new(), String::new());
    for node in root.descendants().skip(1) {
        visit(node, &mut kinds, &mut text);
    }
    (kinds, text)
}

fn visit<'a>(node: &'a AstNode<'a>, kinds: &mut Vec<String>, text: &mut String) {
    let data = node.data.borrow();
    match &data.value {
        NodeValue::Text(piece) => {
            text.push_str(piece);
            return;
        }
        NodeValue::Code(code) => text.push_str(&code.literal),
        NodeValue::CodeBlock(block) => text.push_str(&block.literal),
        NodeValue::SoftBreak | NodeValue::LineBreak => text.push('\n'),
        _ => {}
    }
    kinds.push(format!("{:?}", data.value).split([' ', '(']).next().unwrap_or_default().to_owned());
}

/// Text made of the pieces that mean something to Markdown or to a forge, and of anything at all.
pub(super) fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => prop::sample::select(vec![
            "@", "#", "!", "1", "12", "a", "user", "org/team", "GH-", "gh-7", "://", "https://", "HTTP://", "www.", "WWW.", "a.b",
            "mailto:", "xmpp:", "x@y.z", "registry.example", "`", "``", "```", "~~~", "~~", "*", "**", "_", "__", "[", "](", ")", "]",
            "![", "[^1]", "[x]", "<", ">", "<b>", "</details>", "<!--", "-->", "<https://registry.example>", "&", "&amp;", "&#64;", "|", "\\",
            "\n", "\r", "\r\n", "\n\n", "\t", "    ", " ", "- ", "+ ", "1. ", "1) ", "# ", "=", "===", "---", "$", "$$", ":", ":+1:",
            "> ", "> [!NOTE]", "\u{0}", "\u{1b}[31m", "\u{202e}", "\u{2028}", "{", "}", "\"", "'", "\u{a0}", "é",
        ])
        .prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn without_breaks(text: &str) -> String {
    text.replace(ZERO_WIDTH, "")
}

/// Whether a forge that looks at rendered text would link something.
fn pings(text: &str) -> bool {
    let digits = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    text.match_indices('@').any(|(at, _)| text[at + 1..].starts_with(|c: char| c.is_alphanumeric()))
        || text.match_indices(['#', '!']).any(|(at, _)| digits(&text[at + 1..]))
        || text.to_ascii_lowercase().match_indices("gh-").any(|(at, _)| digits(&text[at + 3..]))
        || text.contains("://")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn escaped_text_is_one_paragraph_that_says_the_same(text in hostile()) {
        let (kinds, shown) = read(&escaped(&text));
        let wanted = one_line(&text);
        prop_assert_eq!(without_breaks(&shown), without_breaks(&wanted));
        let paragraph: &[&str] = if wanted.is_empty() { &[] } else { &["Paragraph"] };
        prop_assert_eq!(kinds, paragraph);
        prop_assert!(!pings(&shown), "{}", shown);
    }

    #[test]
    fn escaped_text_stays_in_its_list_item(text in hostile()) {
        let (kinds, shown) = read(&format!("- {}\n- next", escaped(&text)));
        let wanted = one_line(&text);
        prop_assert_eq!(without_breaks(&shown), format!("{}next", without_breaks(&wanted)));
        let mut expected = vec!["List", "Item", "Paragraph", "Item", "Paragraph"];
        if wanted.is_empty() { expected.remove(2); }
        prop_assert_eq!(kinds, expected);
    }

    #[test]
    fn escaped_text_stays_in_its_table_cell(text in hostile()) {
        let (kinds, shown) = read(&format!("|a|b|\n|---|---|\n| x {} | y |\n", escaped(&text)));
        prop_assert!(kinds.iter().all(|kind| kind.starts_with("Table")), "{:?}", kinds);
        prop_assert_eq!(kinds.len(), 7);
        let (shown, wanted) = (without_breaks(&shown), format!("abx {}", without_breaks(&one_line(&text))));
        prop_assert_eq!(shown, format!("{}y", wanted.trim_end()));
    }

    #[test]
    fn a_code_span_holds_exactly_its_text(text in hostile()) {
        let wanted = one_line(&text);
        let (kinds, shown) = read(&format!("x {} y", code(&text)));
        prop_assume!(!wanted.is_empty() && wanted.chars().count() <= 200);
        prop_assert_eq!(kinds, ["Paragraph", "Code"]);
        prop_assert_eq!(shown, format!("x {wanted} y"));
    }

    #[test]
    fn a_log_cannot_leave_its_block(text in hostile()) {
        let (kinds, _) = read(&format!("before\n\n{}\n\nafter", fenced("text", &text)));
        prop_assert_eq!(kinds, ["Paragraph", "CodeBlock", "Paragraph"]);
    }

    #[test]
    fn an_address_is_one_link_or_code_and_never_a_reference(text in hostile()) {
        let (kinds, _) = read(&format!("x {} y", link(&text)));
        prop_assert!(kinds == ["Paragraph", "Code"] || kinds == ["Paragraph", "Link"] || kinds == ["Paragraph", "Emph"], "{:?}", kinds);
    }
}

#[test]
fn pages_are_linked_and_references_to_other_repositories_are_not() {
    assert_eq!(link("https://registry.example/x y?q=<b>"), "<https://registry.example/x%20y?q=%3Cb%3E>");
    assert_eq!(link("https://github.com/owner/repo"), "<https://github.com/owner/repo>");
    assert_eq!(link("https://github.com/owner/repo/issues/1"), "`https://github.com/owner/repo/issues/1`");
    for bad in
        ["javascript:alert(1)", "https://user:secret@registry.example/", "//registry.example", "https://localhost/"]
    {
        assert!(link(bad).starts_with('`'), "{bad}");
    }
}

#[test]
fn ordinary_words_are_left_as_they_are() {
    let plain = "A fast (and small) tool: finds 10.5 files, e.g. in C++ or a-b; don't panic! 1.2.3-rc.1";
    assert_eq!(escaped(plain), plain);
}
