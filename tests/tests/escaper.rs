//! The Nix escaper against real Nix: whatever text goes in, Nix reads the same text back.

use nixwright::overlay::nix_string;
use nixwright_tests::nix::evaluate_file;
use nixwright_tests::process::write_file;
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;

/// Strings in one call of Nix, and calls: 12,000 strings.
const BATCH: usize = 500;
const BATCHES: u32 = 24;

/// What breaks naive escapers: interpolation, both kinds of string ends, escapes, comments, line ends, odd Unicode.
const PIECES: [&str; 40] = [
    "$",
    "${",
    "$${",
    "$$",
    "\\${",
    "''${",
    "''",
    "'''",
    "''$",
    "''\\",
    "\"",
    "\\\"",
    "\\",
    "\\\\",
    "\\n",
    "}",
    "{",
    "${x}",
    "${builtins.abort \"no\"}",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\u{b}",
    "\u{1}",
    "\u{1b}[31m",
    "\u{7f}",
    "#",
    "/*",
    "*/",
    ";",
    "<nixpkgs>",
    "./x",
    "~/x",
    "http://registry.example",
    "\u{2028}",
    "\u{feff}",
    "\u{202e}",
    "🦀",
    "e\u{301}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: BATCHES, failure_persistence: None, max_shrink_iters: 200,
        ..ProptestConfig::default() })]

    #[test]
    fn nix_reads_back_every_text_that_the_escaper_wrote(texts in vec(hostile_text(), BATCH)) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("texts.nix");
        let literals: Vec<String> = texts.iter().map(|text| nix_string(text).unwrap()).collect();
        write_file(&file, format!("[\n{}\n]\n", literals.join("\n")));
        let evaluated = evaluate_file(&file);
        prop_assert_eq!(evaluated.code, Some(0), "{}", &evaluated.stderr);
        let read: Vec<String> = serde_json::from_str(&evaluated.stdout).unwrap();
        prop_assert_eq!(read, texts);
    }
}

#[test]
fn text_with_a_nul_is_refused_as_nix_has_none() {
    assert!(nix_string("before\0after").is_err());
}

fn hostile_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => select(PIECES.as_slice()).prop_map(str::to_owned),
        1 => any::<char>().prop_filter("NUL is refused", |character| *character != '\0').prop_map(String::from),
        1 => "[ -~]{0,8}",
    ];
    vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}
