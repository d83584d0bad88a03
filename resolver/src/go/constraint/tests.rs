use super::*;

fn systems() -> Systems {
    let tools = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
    let systems = [
        ("linux", "amd64", tools(&["amd64.v1", "goexperiment.dwarf5"])),
        ("darwin", "arm64", tools(&["arm64.v8.0"])),
        ("windows", "amd64", tools(&["amd64.v1", "goexperiment.dwarf5"])),
        ("android", "arm64", tools(&["arm64.v8.0", "goexperiment.dwarf5"])),
    ];
    Systems::new(&systems, true, &["netgo".to_owned()], 27).unwrap()
}

const LINUX: Mask = 1;
const DARWIN: Mask = 2;
const WINDOWS: Mask = 4;
const ANDROID: Mask = 8;
const ALL: Mask = 15;

fn holds<S: AsRef<str>>(constraint: &Constraint<S>) -> Mask {
    let systems = systems();
    constraint.evaluate(systems.all(), |tag| systems.tag(tag))
}

#[test]
fn expressions_hold_as_in_go() {
    for (expression, expected) in [
        ("linux", LINUX | ANDROID),
        ("!linux", DARWIN | WINDOWS),
        ("linux && !android", LINUX),
        ("darwin || windows && amd64", DARWIN | WINDOWS),
        ("(darwin || windows) && amd64", WINDOWS),
        ("!(darwin || windows)", LINUX | ANDROID),
        ("unix", LINUX | DARWIN | ANDROID),
        ("go1.1 && go1.27", ALL),
        ("go1.28", 0),
        ("gc && cgo && netgo", ALL),
        ("gccgo", 0),
        ("amd64.v1", LINUX | WINDOWS),
        ("amd64.v2", 0),
        ("goexperiment.dwarf5", LINUX | WINDOWS | ANDROID),
        ("ignore", 0),
    ] {
        assert_eq!(holds(&go_build(expression).unwrap()), expected, "{expression}");
    }
}

#[test]
fn broken_expressions_are_refused() {
    for expression in
        ["", "!", "!!linux", "a b", "a &", "a && ", "(a", "a)", "a | b", "a-b", "()", "a && || b", "!(", "\"x\""]
    {
        assert!(go_build(expression).is_err(), "{expression}");
    }
    assert!(go_build("!(!a)").is_ok());
    let deep = format!("{}a{}", "(".repeat(999), ")".repeat(999));
    assert!(go_build(&deep).is_ok());
    assert_eq!(go_build(&format!("({deep})")).unwrap_err().to_string(), "build expression too large");
    assert!(go_build(&"(".repeat(1_000_000)).is_err());
}

#[test]
fn plus_build_lines_hold_as_in_go() {
    for (text, expected) in [
        ("linux darwin", LINUX | ANDROID | DARWIN),
        ("windows,amd64 darwin", WINDOWS | DARWIN),
        ("!windows", LINUX | ANDROID | DARWIN),
        ("", 0),
        ("!", 0),
        ("!!linux", 0),
        ("!a-b", ALL),
        ("a-b", 0),
    ] {
        assert_eq!(holds(&plus_build(text).unwrap()), expected, "{text}");
    }
    assert_eq!(plus_build(&"a ".repeat(102)), None);
}

#[test]
fn names_of_files_say_which_systems_take_them() {
    for (name, expected) in [
        ("a.go", ALL),
        ("linux.go", ALL),
        ("amd64.go", ALL),
        ("a_linux.go", LINUX | ANDROID),
        ("a_LINUX.go", ALL),
        ("a_unix.go", ALL),
        ("a_linux_test.go", LINUX | ANDROID),
        ("a_test.go", ALL),
        ("a_windows_amd64.go", WINDOWS),
        ("a_amd64_windows.go", WINDOWS),
        ("a_arm64_linux_amd64.s", LINUX),
        ("a_linux_x_amd64.go", LINUX | WINDOWS),
        ("b.linux_windows.go", ALL),
        ("a_linux.x.go", LINUX | ANDROID),
        ("linux_amd64.go", LINUX | WINDOWS),
        ("a_nacl.go", 0),
        ("a_zos.go", 0),
        ("a_android.go", ANDROID),
        ("a_wasip1.go", 0),
        ("a_sparc.syso", 0),
    ] {
        assert_eq!(holds(&file_name_constraint(name)), expected, "{name}");
    }
}

#[test]
fn comments_before_the_code_count_as_in_go() {
    for (content, expected) in [
        ("package a\n", ALL),
        ("//go:build windows\npackage a\n", WINDOWS),
        ("// text\n\n//go:build windows\n\npackage a\n", WINDOWS),
        ("/* text */\n//go:build windows\n\npackage a\n", WINDOWS),
        ("/* text\n*/ //go:build windows\n\npackage a\n", ALL),
        ("/* text */ //go:build windows\n\npackage a\n", ALL),
        ("/*\n//go:build windows\n*/\npackage a\n", ALL),
        ("package a\n//go:build windows\n", ALL),
        ("//go:buildwindows\npackage a\n", ALL),
        ("// go:build windows\npackage a\n", ALL),
        ("  //go:build windows  \r\npackage a\n", WINDOWS),
        ("// +build windows\n\npackage a\n", WINDOWS),
        ("//+build windows\n\npackage a\n", WINDOWS),
        ("// +build windows\npackage a\n", ALL),
        ("// +build windows\n// Package a\npackage a\n", ALL),
        ("/* text */\n\n// +build windows\n\npackage a\n", ALL),
        ("// +build linux darwin\n// +build !android\n\npackage a\n", LINUX | DARWIN),
        ("// +buildx windows\n\npackage a\n", ALL),
        ("//go:build darwin\n// +build windows\n\npackage a\n", DARWIN),
    ] {
        assert_eq!(holds(&header_constraint(content.as_bytes()).unwrap()), expected, "{content}");
    }
}

#[test]
fn broken_headers_are_refused() {
    let error = |content: &str| header_constraint(content.as_bytes()).unwrap_err().to_string();
    insta::assert_snapshot!(error("//go:build a\n//go:build a\n\npackage a\n"), @"multiple //go:build comments");
    insta::assert_snapshot!(error("//go:build a b\npackage a\n"), @"parsing //go:build line: unexpected token b");
    insta::assert_snapshot!(error("//go:build\npackage a\n"), @"parsing //go:build line: unexpected end of expression");
}

#[test]
fn the_postfix_form_survives_postcard_and_damage() {
    let constraint = go_build("a && (b || !c)").unwrap();
    let bytes = postcard::to_stdvec(&constraint).unwrap();
    let read: Constraint<&str> = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(read.to_owned(), constraint);
    let broken = Constraint::<&str>(vec![Token::And, Token::Or, Token::Not, Token::Tag("a"), Token::And]);
    assert_eq!(holds(&broken), 0);
}

#[test]
fn more_systems_than_a_mask_has_are_refused() {
    let many = vec![("linux", "amd64", Vec::new()); 65];
    assert!(Systems::new(&many, false, &[], 1).is_err());
    assert_eq!(Systems::new(&many[..64], false, &[], 1).unwrap().all(), Mask::MAX);
}
