//! What Go refuses, ours refuses, in words that say where.

use super::fixture::Fixture;
use super::judge::target;

/// The words of ours, where both refuse.
#[track_caller]
fn refused(fixture: &Fixture) -> String {
    fixture.agrees(&target(&[("linux", "amd64")], true, &[])).expect_err("both refuse")
}

/// A program that imports `example.org/m/a`.
fn with(text: &str) -> Fixture {
    Fixture::module(&format!("\n-- main.go --\npackage main\n\nimport _ \"example.org/m/a\"\n{text}"))
}

#[test]
fn broken_files() {
    let file = |content: &str| refused(&with("").file("a/a.go", content));
    insta::assert_snapshot!(file("//go:build a\n//go:build b\n\npackage a\n"), @"package example.org/m/a: a.go: multiple //go:build comments");
    insta::assert_snapshot!(file("//go:build a b\n\npackage a\n"), @"package example.org/m/a: a.go: parsing //go:build line: unexpected token b");
    insta::assert_snapshot!(file("package a\nimport \"x\n"), @"package example.org/m/a: a.go: line 2: missing import path; require quoted string");
    insta::assert_snapshot!(file("package a\nimport \"a b\"\n"), @"package example.org/m/a: a.go: line 2: invalid import path");
    insta::assert_snapshot!(file("// \0\npackage a\n"), @"package example.org/m/a: a.go: unexpected NUL in input");
    insta::assert_snapshot!(file("package a\n\n// #cgo CFLAGS -DA\nimport \"C\"\n"), @"package example.org/m/a: a.go: invalid #cgo line: #cgo CFLAGS -DA");
    insta::assert_snapshot!(file("nothing\n"), @"package example.org/m/a: a.go: expected 'package'");
}

#[test]
fn folders_that_are_no_package() {
    insta::assert_snapshot!(refused(&with("-- a/a_windows.go --\npackage a\n")), @"package example.org/m/a: build constraints exclude all Go files");
    insta::assert_snapshot!(refused(&with("-- a/a.go --\npackage documentation\n")), @"package example.org/m/a: build constraints exclude all Go files");
    insta::assert_snapshot!(refused(&with("-- a/a.go --\npackage a\n-- a/b.go --\npackage b\n")), @"package example.org/m/a: found packages a (a.go) and b (b.go)");
    insta::assert_snapshot!(refused(&with("-- a/a.go --\npackage a\n-- a/a_test.go --\npackage b\n")), @"package example.org/m/a: found packages a (a.go) and b (a_test.go)");
    insta::assert_snapshot!(refused(&with("-- a/a.go --\npackage a\n-- a/a_test.go --\npackage a\nimport \"C\"\n")), @"package example.org/m/a: a_test.go: use of cgo in test not supported");
    insta::assert_snapshot!(refused(&with("-- a/a.go --\npackage a\n-- a/a.c --\n")), @"package example.org/m/a: C source files not allowed when not using cgo or SWIG");
    insta::assert_snapshot!(refused(&with("-- a/a.go --\npackage a\n-- a/x_linux.go --\npackage a\n-- a/X_linux.go --\npackage a\n")), @r#"package example.org/m/a: case-insensitive file name collision: "X_linux.go" and "x_linux.go""#);
    insta::assert_snapshot!(refused(&with("-- a/a.go --\npackage a\n-- a/-x.go --\npackage a\n")), @r#"package example.org/m/a: invalid input file name "-x.go""#);
    // What is only wrong elsewhere is not wrong here.
    with("-- a/a.go --\npackage a\n-- a/a_windows.go --\npackage b\n")
        .agrees(&target(&[("linux", "amd64")], true, &[]))
        .unwrap();
    with("-- a/a_test.go --\npackage a_test\n").agrees(&target(&[("linux", "amd64")], true, &[])).unwrap();
}

#[test]
fn embeds() {
    let embed = |pattern: &str, more: &str| {
        let go = format!("package a\n\nimport _ \"embed\"\n\n//go:embed {pattern}\nvar x string\n");
        refused(&with(more).file("a/a.go", go))
    };
    insta::assert_snapshot!(embed("no.txt", ""), @"package example.org/m/a: a.go: pattern no.txt: no matching files found");
    insta::assert_snapshot!(embed("../main.go", ""), @"package example.org/m/a: a.go: pattern ../main.go: invalid pattern syntax");
    insta::assert_snapshot!(embed("x[", ""), @"package example.org/m/a: a.go: pattern x[: invalid pattern syntax");
    insta::assert_snapshot!(embed("x", "-- a/x/.y --\n"), @"package example.org/m/a: a.go: pattern x: cannot embed directory x: contains no embeddable files");
    insta::assert_snapshot!(embed("x/a.txt", "-- a/x/go.mod --\nmodule x\n-- a/x/a.txt --\n"), @"package example.org/m/a: a.go: pattern x/a.txt: cannot embed file x/a.txt: in different module");
    insta::assert_snapshot!(embed("x", "-- a/x/go.mod --\nmodule x\n-- a/x/a.txt --\n"), @"package example.org/m/a: a.go: pattern x: cannot embed directory x: in different module");
    insta::assert_snapshot!(embed("x.txt", "-- a/y.txt --\n-- a/x.txt -> y.txt --\n"), @"package example.org/m/a: a.go: pattern x.txt: cannot embed irregular file x.txt");
    insta::assert_snapshot!(embed(".git/config", "-- a/.git/config --\n"), @"package example.org/m/a: a.go: pattern .git/config: cannot embed file .git/config: in invalid directory .git");
    insta::assert_snapshot!(embed("x'y", "-- a/x'y --\n"), @"package example.org/m/a: a.go: pattern x'y: cannot embed file x'y: invalid name x'y");
    insta::assert_snapshot!(embed("x", "-- a/x/a'b --\n"), @"package example.org/m/a: a.go: pattern x: cannot embed file a'b: invalid name a'b");
}

#[test]
fn imports() {
    let import =
        |path: &str, more: &str| refused(&with(more).file("a/a.go", format!("package a\n\nimport _ \"{path}\"\n")));
    insta::assert_snapshot!(import("example.com/nowhere", ""), @"example.com/nowhere, which example.org/m/a imports, is in none of the modules that are required; to add one: go get example.com/nowhere");
    insta::assert_snapshot!(import("nowhere", ""), @"package nowhere, which example.org/m/a imports, is not in std (Go 1.27.3): a newer Go may have it");
    insta::assert_snapshot!(import("example.org/m/nowhere", ""), @r#"example.org/m/a imports "example.org/m/nowhere": no Go files are in that folder of the main module"#);
    insta::assert_snapshot!(import("./b", "-- a/b/b.go --\npackage b\n"), @r#"example.org/m/a imports "./b": relative imports are not supported in modules"#);
    insta::assert_snapshot!(import("/etc", ""), @r#"example.org/m/a imports "/etc": this is not a package path"#);
    insta::assert_snapshot!(import("all", ""), @r#"example.org/m/a imports "all": this is not a package path"#);
    insta::assert_snapshot!(import("example.org/m@v1.0.0", ""), @r#"example.org/m/a imports "example.org/m@v1.0.0": an import path has no @version"#);
    insta::assert_snapshot!(import("example.org/m/a.", ""), @r#"example.org/m/a imports "example.org/m/a.": malformed import path "example.org/m/a.": trailing dot in path element"#);
    insta::assert_snapshot!(import("internal/abi", ""), @r#"example.org/m/a imports "internal/abi": use of internal package not allowed"#);
    insta::assert_snapshot!(import("vendor/golang.org/x/net/idna", ""), @r#"example.org/m/a imports "vendor/golang.org/x/net/idna": must be imported as golang.org/x/net/idna"#);
    insta::assert_snapshot!(import("golang.org/x/net/idna", ""), @"golang.org/x/net/idna, which example.org/m/a imports, is in none of the modules that are required; to add one: go get golang.org/x/net/idna");
    insta::assert_snapshot!(import("example.org/m/b/internal/c", "-- b/internal/c/c.go --\npackage c\n"), @r#"example.org/m/a imports "example.org/m/b/internal/c": use of internal package not allowed"#);
    insta::assert_snapshot!(import("example.org/m/vendor/b", "-- vendor/b/b.go --\npackage b\n-- vendor/modules.txt --\n"), @r#"example.org/m/a imports "example.org/m/vendor/b": must be imported as b"#);
    insta::assert_snapshot!(import("example.org/m", ""), @r#"example.org/m/a imports "example.org/m": this is a program, not an importable package"#);
    insta::assert_snapshot!(import("example.org/m/b", "-- b/b.go --\npackage b\nimport _ \"example.org/m/a\"\n"), @"import cycle not allowed: example.org/m/a imports example.org/m/b imports example.org/m/a");
    insta::assert_snapshot!(import("example.org/m/a", ""), @"import cycle not allowed: example.org/m/a imports example.org/m/a");
    insta::assert_snapshot!(import("example.org/m/A", "-- A/a.go --\npackage a\n"), @r#"package example.org/m/a: case-insensitive import collision: "example.org/m/a" and "example.org/m/A""#);
}

#[test]
fn modules_that_only_others_require() {
    let fixture = Fixture::new(
        r#"-- go.mod --
module example.org/m

go 1.16

require example.org/a v1.0.0

replace example.org/a => ./a

replace example.org/b => ./b
-- a.go --
package main

import (
	_ "example.org/a"
	_ "example.org/b"
)
-- a/go.mod --
module example.org/a

go 1.16

require example.org/b v1.0.0
-- a/a.go --
package a

import _ "example.org/b"
-- b/go.mod --
module example.org/b

go 1.16
-- b/b.go --
package b
"#,
    );
    insta::assert_snapshot!(refused(&fixture), @"example.org/m imports example.org/b from example.org/b v1.0.0, which is required only by others: updates to go.mod are needed; go mod tidy does that");
}

#[test]
fn nothing_to_build() {
    let library = Fixture::module("\n-- a.go --\npackage a\n").resolve(&target(&[("linux", "amd64")], true, &[]));
    insta::assert_snapshot!(library.unwrap_err(), @"no main package is in ., or none for these systems: name the program's import path");
    let named = Fixture::module("\n-- a.go --\npackage a\n").program("example.org/m").resolve(&target(
        &[("linux", "amd64")],
        true,
        &[],
    ));
    insta::assert_snapshot!(named.unwrap_err(), @"package example.org/m: this is not a main package, so no program can be made of it");
    let twice = Fixture::module("\n-- a/x/a.go --\npackage main\n-- b/x/a.go --\npackage main\n").resolve(&target(
        &[("linux", "amd64")],
        true,
        &[],
    ));
    insta::assert_snapshot!(twice.unwrap_err(), @"example.org/m/a/x and example.org/m/b/x would both be programs named x: name those that are to be built");
}
