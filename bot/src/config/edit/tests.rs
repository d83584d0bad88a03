use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::{Edited, Entry, add, line_of};
use crate::config::{Config, Machine};

fn entry(attr: &str) -> Entry {
    Entry {
        attr: attr.parse().unwrap(),
        purl: format!("pkg:cargo/{attr}"),
        comment: None,
        features: Vec::new(),
        no_default_features: false,
        all_features: false,
        binaries: Vec::new(),
        tags: Vec::new(),
    }
}

fn path() -> &'static Path {
    Path::new("nixwright.toml")
}

fn parse(text: &str) -> Config {
    let machine = Machine { system: "x86_64-linux".parse().unwrap(), cores: 4 };
    Config::parse(text, path(), &BTreeMap::new(), &machine).unwrap_or_else(|error| panic!("{error}\nin {text}"))
}

/// Adds an entry, and sees that all else is as it was.
fn added(text: &str, entry: &Entry) -> Edited {
    let edited = add(text, path(), entry).unwrap_or_else(|error| panic!("{error}\nin {text}"));
    let mut without = edited.text.clone();
    without.replace_range(edited.added.clone(), "");
    assert_eq!(without, text, "something else was changed");

    let (old, mut new) = (parse(text), parse(&edited.text));
    let package = new.packages.remove(&entry.attr).expect("the package is there");
    assert_eq!(package.upstream.to_string(), entry.purl);
    assert_eq!(package.features, entry.features);
    assert_eq!(package.binaries, entry.binaries);
    assert_eq!(new, old, "something else is configured");

    let first = edited.text.lines().nth(edited.line - 1).unwrap();
    let begins = if entry.comment.is_some() { "# " } else { "[packages." };
    assert!(first.starts_with(begins) || first.starts_with("packages."), "line {} is {first:?}", edited.line);
    let place = line_of(&edited.text, &entry.attr).expect("it is found again");
    assert_eq!(place, edited.line + usize::from(entry.comment.is_some()));
    edited
}

#[test]
fn an_entry_comes_after_the_packages_that_are_there() {
    let text = "\
# Mine.
state_dir = \"var\" # here

[packages.ripgrep] # search
purl = \"pkg:cargo/ripgrep\"
features = [
  \"pcre2\", # fast
]
#lto = \"fat\"

# All others.
[defaults]
min_age = '1d'
";
    insta::assert_snapshot!(added(text, &entry("hexyl")).text, @r##"
    # Mine.
    state_dir = "var" # here

    [packages.ripgrep] # search
    purl = "pkg:cargo/ripgrep"
    features = [
      "pcre2", # fast
    ]
    #lto = "fat"

    [packages.hexyl]
    purl = "pkg:cargo/hexyl"

    # All others.
    [defaults]
    min_age = '1d'
    "##);
}

#[test]
fn an_entry_has_all_that_was_asked_for() {
    let mut entry = entry("hexyl");
    entry.comment = Some("A viewer (MIT)\n[packages.evil]\u{1b}[2J".to_owned());
    entry.features = vec!["a/b".to_owned(), "c".to_owned()];
    entry.no_default_features = true;
    entry.binaries = vec!["hexyl".to_owned()];
    insta::assert_snapshot!(added("", &entry).text, @r#"
    # A viewer (MIT)�[packages.evil]�[2J
    [packages.hexyl]
    purl = "pkg:cargo/hexyl"
    features = ["a/b", "c"]
    no_default_features = true
    binaries = ["hexyl"]
    "#);
}

#[test]
fn what_is_written_with_dots_stays_so() {
    let text =
        "packages.fd.purl = \"pkg:cargo/fd-find\"\npackages.fd.lto = \"off\" # plain\nstate_dir = \"var\"\n[limits]\n";
    let mut entry = entry("hexyl");
    entry.comment = Some("A viewer".to_owned());
    insta::assert_snapshot!(added(text, &entry).text, @r#"
    packages.fd.purl = "pkg:cargo/fd-find"
    packages.fd.lto = "off" # plain
    # A viewer
    packages.hexyl.purl = "pkg:cargo/hexyl"
    state_dir = "var"
    [limits]
    "#);
    // Within a section of all packages there are sections too.
    let text = "[packages]\nfd.purl = \"pkg:cargo/fd-find\"\nrg = { purl = \"pkg:cargo/ripgrep\" }";
    insta::assert_snapshot!(added(text, &self::entry("hexyl")).text, @r#"
    [packages]
    fd.purl = "pkg:cargo/fd-find"
    rg = { purl = "pkg:cargo/ripgrep" }

    [packages.hexyl]
    purl = "pkg:cargo/hexyl"
    "#);
}

#[test]
fn line_ends_and_a_byte_order_mark_stay() {
    let text = "[packages.fd]\r\npurl = \"pkg:cargo/fd-find\"\r\n[defaults]\r\n";
    let edited = added(text, &entry("hexyl"));
    assert_eq!(&edited.text[edited.added], "\r\n[packages.hexyl]\r\npurl = \"pkg:cargo/hexyl\"\r\n\r\n");
    let edited = add("\u{feff}# é\n[packages]\n", path(), &entry("hexyl")).unwrap();
    assert_eq!(edited.text, "\u{feff}# é\n[packages]\n\n[packages.hexyl]\npurl = \"pkg:cargo/hexyl\"\n");
}

#[test]
fn what_cannot_be_added_to_is_named_with_its_place() {
    let said = [
        "# a\npackages = { fd = { purl = \"pkg:cargo/fd-find\" } }\n",
        "packages = {}",
        "\n\n[[packages]]\n",
        "packages = 3",
        "[packages.fd]\n\n[packages.hexyl]\n",
        "packages.fd.purl = \"\"\npackages.hexyl.purl = \"\"\n",
        "[packages]\nhexyl = { purl = \"\" }\n",
        "[packages.fd\n",
        "a = \"\u{1b}[2J\"\n",
        "a = 1\na = 2\n",
    ]
    .map(|text| add(text, path(), &entry("hexyl")).unwrap_err().to_string())
    .join("\n");
    insta::assert_snapshot!(said, @r"
    nixwright.toml:2: `packages` is an inline table, to which nothing can be added without writing it anew; write its entries as sections ([packages.NAME]), then add again
    nixwright.toml:1: `packages` is an inline table, to which nothing can be added without writing it anew; write its entries as sections ([packages.NAME]), then add again
    nixwright.toml:3: `packages` is a list of tables, to which nothing can be added without writing it anew; write its entries as sections ([packages.NAME]), then add again
    nixwright.toml:1: `packages` is not a table, to which nothing can be added without writing it anew; write its entries as sections ([packages.NAME]), then add again
    nixwright.toml:3: there is a package hexyl already; name this one otherwise with `--name`
    nixwright.toml:2: there is a package hexyl already; name this one otherwise with `--name`
    nixwright.toml:2: there is a package hexyl already; name this one otherwise with `--name`
    nixwright.toml:1:13: not valid TOML: unclosed table, expected `]`
    nixwright.toml:1:6: not valid TOML: invalid basic string, expected non-double-quote visible characters, `\`
    nixwright.toml:2:1: not valid TOML: duplicate key
    ");
}

/// Lines that mean nothing: blank ones, and comments that look as if they did.
fn noise() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("\n"),
        Just("  \t\n"),
        Just("# a word\n"),
        Just("   # [packages.decoy]\n"),
        Just("#purl = \"pkg:cargo/decoy\" # é 🦀 \"\"\"\n"),
    ];
    prop::collection::vec(line, 0..4).prop_map(|lines| lines.concat())
}

/// What follows a value on its line.
fn remark() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(""), Just("  "), Just(" # why: \"[x]\"")]
}

fn setting() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("lto = \"off\""),
        Just("  min_age='1d'"),
        Just("features = [ # some\n  \"b\", 'a',\n]"),
        Just("hold = \"\"\"\n[packages.decoy]\npurl = 'pkg:cargo/decoy'\n\"\"\""),
        Just("binaries=[]"),
    ]
}

/// One package, as a section.
fn section() -> impl Strategy<Value = (String, String)> {
    (noise(), remark(), setting(), remark(), any::<bool>()).prop_map(|(noise, first, setting, last, quoted)| {
        let key = if quoted { "\"NAME\"" } else { "NAME" };
        let text = format!("{noise}[packages.{key}]{first}\n purl = \"pkg:cargo/NAME\"{first}\n{setting}{last}\n");
        (text, "section".to_owned())
    })
}

/// Sections that are not about packages; each may come once.
fn others() -> impl Strategy<Value = Vec<String>> {
    let sections = vec![
        "[defaults]\nlto = \"thin\" # all\n".to_owned(),
        "[limits]\narchive_size = \"1MiB\"\n".to_owned(),
        "[overlay]\nauthor_name = '''a \"b\" [c]'''\n".to_owned(),
        "[systems]\nresolve = [\n  \"x86_64-linux\" ,\n]\n".to_owned(),
    ];
    (prop::sample::subsequence(sections, 0..=4), noise())
        .prop_map(|(sections, noise)| sections.into_iter().map(|section| format!("{noise}{section}")).collect())
}

/// A valid configuration: packages in one of the three forms, other sections before, between and after.
fn configuration() -> impl Strategy<Value = String> {
    let packages = prop::collection::vec(section(), 0..5);
    let parts = (noise(), packages, others(), prop::collection::vec(any::<prop::sample::Index>(), 4), noise());
    (parts, 0..3, any::<bool>(), any::<bool>()).prop_map(|((top, packages, others, places, bottom), form, crlf, cut)| {
        let mut text = format!("{top}state_dir = \"var\" # state\n");
        let mut sections = Vec::new();
        match form {
            0 => sections.extend(packages.iter().enumerate().map(|(n, (text, _))| text.replace("NAME", &format!("p{n}")))),
            1 => {
                let line = |n| format!("packages.p{n}.purl = \"pkg:cargo/p{n}\" # {n}\n  packages . p{n} . lto = 'off'\n");
                text.extend((0..packages.len()).map(line));
            }
            _ => {
                let line = |n| format!(" p{n} = {{ purl = \"pkg:cargo/p{n}\", features = [\"a\"] }} # {n}\nq{n}.purl = 'pkg:cargo/q{n}'\n");
                sections.push(format!("[packages]\n{}", (0..packages.len()).map(line).collect::<String>()));
            }
        }
        for (other, place) in others.into_iter().zip(places) {
            let place = place.index(sections.len() + 1);
            sections.insert(place, other);
        }
        text.extend(sections);
        text.push_str(&bottom);
        if cut && text.ends_with('\n') {
            text.pop();
        }
        if crlf { text.replace('\n', "\r\n") } else { text }
    })
}

fn new_entry() -> impl Strategy<Value = Entry> {
    let names = prop::collection::btree_set("[a-z][a-z0-9_/-]{0,6}", 0..3);
    let comment = prop::option::of("[\\PC\n\r\t\u{0}\u{1b}\u{7f}\u{85}\u{202e}#\"\\[\\]]{0,40}");
    (comment, names, any::<bool>(), any::<bool>()).prop_map(|(comment, names, bare, binary)| Entry {
        comment,
        features: names.into_iter().collect(),
        no_default_features: bare,
        binaries: if binary { vec!["new".to_owned()] } else { Vec::new() },
        ..entry("new")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_the_file_only_the_entry_is_new(text in configuration(), entry in new_entry()) {
        let edited = added(&text, &entry);
        let again = add(&edited.text, path(), &entry).unwrap_err().to_string();
        prop_assert!(again.contains("there is a package new already"), "{}", again);
        let crlf = text.matches("\r\n").count() == text.matches('\n').count() && text.contains('\n');
        if crlf {
            prop_assert_eq!(edited.text.matches("\r\n").count(), edited.text.matches('\n').count());
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]a-c.={}\"'# \n\r,p\u{feff}é]{0,40}|packages[ ={}.\\[\\]a\"\n]{0,12}") {
        if let Ok(edited) = add(&text, path(), &entry("new")) {
            let mut without = edited.text.clone();
            without.replace_range(edited.added, "");
            prop_assert_eq!(without, text);
        }
    }
}
