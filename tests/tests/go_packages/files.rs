//! Which files are taken where.

use nixwright_resolver::go::packages::PackageGraph;

use super::fixture::Fixture;
use super::judge::target;

const SYSTEMS: [(&str, &str); 3] = [("linux", "amd64"), ("darwin", "arm64"), ("windows", "amd64")];

/// Compares with Go on three systems, with and without C.
#[track_caller]
fn agrees(fixture: &Fixture) -> PackageGraph {
    fixture.agrees(&target(&SYSTEMS, false, &[])).expect("packages without C");
    fixture.agrees(&target(&SYSTEMS, true, &[])).expect("packages with C")
}

#[test]
fn names_of_files() {
    let names = "b.linux_windows a_unix a_LINUX linux amd64 x_linux x_darwin_arm64 x_nacl x_zos x_android x_wasip1 x_linux.y \
                 x_amd64 x_arm64_linux x_plan9 _hidden .hidden y_linux_test unix_windows";
    let mut fixture = Fixture::module("\n-- a.go --\npackage main\n");
    for name in names.split_whitespace() {
        fixture = fixture.file(&format!("{name}.go"), "package main\n");
    }
    agrees(&fixture);
}

#[test]
fn constraints() {
    let files = [
        ("close", "//go:build linux\npackage main\n"),
        ("bom", "\u{feff}//go:build linux\n\npackage main\n"),
        ("block", "/* x */ //go:build linux\n\npackage main\n"),
        ("after_block", "/* x\n*/\n//go:build linux\n\npackage main\n"),
        ("late", "package main\n//go:build linux\n"),
        ("plus", "// +build linux\n\npackage main\n"),
        ("plus_close", "// +build linux\npackage main\n"),
        ("plus_several", "// +build linux darwin\n// +build !amd64\n\npackage main\n"),
        ("both", "//go:build darwin\n// +build linux\n\npackage main\n"),
        ("releases", "//go:build go1.27 && !go1.28\n\npackage main\n"),
        ("release", "//go:build go1.99\n\npackage main\n"),
        ("experiments", "//go:build goexperiment.jsonv2 && !goexperiment.arenas\n\npackage main\n"),
        ("dwarf", "//go:build goexperiment.dwarf5\n\npackage main\n"),
        ("level", "//go:build amd64.v1 || arm64.v8.0\n\npackage main\n"),
        ("high", "//go:build amd64.v2 || arm64.v8.1\n\npackage main\n"),
        ("compiler", "//go:build gc && !gccgo\n\npackage main\n"),
        ("with_c", "//go:build cgo\n\npackage main\n"),
        ("without_c", "//go:build !cgo\n\npackage main\n"),
        ("on_unix", "//go:build unix\n\npackage main\n"),
        ("ignored", "//go:build ignore\n\npackage other\n\nimport \"nowhere.example/at/all\"\n"),
        ("documented", "package documentation\n\nimport \"nowhere.example/at/all\"\n"),
        ("chosen", "//go:build chosen\n\npackage main\n"),
    ];
    let fixture = files.iter().fold(Fixture::module("\n-- a.go --\npackage main\n"), |fixture, (name, content)| {
        fixture.file(&format!("{name}.go"), content)
    });
    agrees(&fixture);
    fixture.agrees(&target(&[("linux", "amd64")], true, &["chosen", "cgo"])).unwrap();
}

#[test]
fn other_languages() {
    let fixture = Fixture::module(
        r#"
-- a.go --
package main

import (
	"example.org/m/plain"
	"example.org/m/some"
	"example.org/m/swig"
)
-- some/a.go --
package some

/*
#cgo CFLAGS: -DA -Iinclude -I ${SRCDIR}/other
#cgo linux,amd64 darwin LDFLAGS: -lm "-L lib"
#cgo (linux||darwin)&&!arm64 CPPFLAGS: -DB
#cgo windows CXXFLAGS: -DC
#cgo pkg-config: zlib 'a b'
#cgo noescape f
#include <stdio.h>
*/
import "C"
-- some/fallback.go --
//go:build !cgo

package some

import "fmt"
-- some/c.c --
-- some/c_darwin.c --
-- some/tagged.c --
//go:build windows

int x;
-- some/d.cc --
-- some/e.m --
-- some/f.f90 --
-- some/g.h --
-- some/h.s --
-- some/i.S --
-- some/j_linux.S --
-- some/k.sx --
-- some/l.syso --
-- some/m_windows.syso --
-- some/n.hpp --
-- plain/a.go --
package plain
-- plain/a.s --
// +build amd64

-- plain/b.S --
-- plain/c_arm64.s --
-- plain/d.h --
-- plain/e.syso --
-- swig/a.go --
package swig
-- swig/a.swig --
-- swig/b.swigcxx --
-- swig/c.c --
"#,
    );
    // Without C, Fortran is refused, by Go too.
    fixture.agrees(&target(&SYSTEMS, false, &[])).unwrap_err();
    let graph = fixture.agrees(&target(&SYSTEMS, true, &[])).unwrap();
    let forms = &graph.packages["example.org/m/some"];
    assert_eq!(forms.len(), 3, "{forms:#?}");
}

#[test]
fn imports() {
    let graph = agrees(
        &Fixture::module(
            r#"
-- a.go --
package main

import ("fmt"; . "example.org/m/one"
	_ `example.org/m/two`
	three "example.org/\x6d/testdata/three"
	"example.org/m/_four"
	"example.org/m/vendor"
)
import "unsafe"
-- a_test.go --
package main

import "nowhere.example/at/all"
-- a_windows.go --
package main

import "example.org/m/windows"
-- one/a.go --
package one

import "net/http"
-- two/a.go --
package two
-- two/internal/deep/a.go --
package deep
-- two/b/a.go --
package b
-- testdata/three/a.go --
package whatever

import "example.org/m/two/b"
-- testdata/broken/a.go --
no go
-- _four/a.go --
package four
-- vendor/a.go --
package vendor
-- windows/a_windows.go --
package windows
-- unused/a.go --
package unused

import "nowhere.example/at/all"
"#,
        )
        .program("example.org/m"),
    );
    assert_eq!(graph.packages["example.org/m"].len(), 2);
    assert_eq!(graph.packages["example.org/m/windows"].len(), 1);
    assert!(!graph.packages.contains_key("example.org/m/unused"));
}

#[test]
fn embedded_files() {
    let fixture = Fixture::module(
        r#"
-- a.go --
package main

import _ "embed"

//go:embed a.txt data data/*.json
//go:embed "with space.txt" `data/[a-b]?.txt`
//go:embed all:hidden
var x string

// go:embed no.txt
const y = `
//go:embed no.txt
`

/*
//go:embed no.txt
*/
-- a_linux.go --
package main

import "embed"

//go:embed linux\*.txt .dot _under
var z embed.FS
-- no_import.go --
package main

//go:embed no.txt
var n string
-- a.txt --
-- linux*.txt --
-- linuxa.txt --
-- .dot --
-- _under --
-- with space.txt --
-- data/a.json --
-- data/.hidden.json --
-- data/_b.json --
-- data/ab.txt --
-- data/cb.txt --
-- data/.git/config --
-- data/deep/.x/y --
-- data/deep/y --
-- data/module/go.mod --
module other
-- data/module/a.txt --
-- data/link -> ../a.txt --
-- hidden/.a --
-- hidden/_b/c --
-- hidden/.svn/d --
"#,
    );
    agrees(&fixture);
}

#[test]
fn programs() {
    let graph = Fixture::new(
        r"-- go.mod --
module example.org/m/v2

go 1.25

ignore ./ignored
ignore everywhere
-- a.go --
package main
-- cmd/one/a.go --
package main
-- cmd/two/a_linux.go --
package main
-- cmd/three/a.go --
package library
-- ignored/a.go --
package main
-- cmd/ignored/a.go --
package main
-- cmd/everywhere/a.go --
package main
-- testdata/a/a.go --
package main
-- _x/a.go --
package main
-- .x/a.go --
package main
-- nested/go.mod --
module example.org/m/v2/nested
-- nested/a.go --
package main
-- vendor/a/a.go --
package main
",
    )
    .resolve(&target(&[("linux", "amd64"), ("darwin", "arm64")], true, &[]))
    .unwrap();
    let programs: Vec<(&str, &str)> =
        graph.programs.iter().map(|(name, path)| (name.as_str(), path.as_str())).collect();
    let expected = [
        ("ignored", "example.org/m/v2/cmd/ignored"),
        ("m", "example.org/m/v2"),
        ("one", "example.org/m/v2/cmd/one"),
        ("two", "example.org/m/v2/cmd/two"),
    ];
    assert_eq!(programs, expected);
    assert_eq!(graph.packages["example.org/m/v2/cmd/two"][0].on.len(), 1);
}

#[test]
fn modules_within_modules() {
    let both = |inner: &str| {
        Fixture::new(&format!(
            r#"-- go.mod --
module example.org/m

go 1.24

require (
	example.org/a v1.0.0
	example.org/a/b v1.0.0
)

replace example.org/a => ./a

replace example.org/a/b => ./b
-- a.go --
package main

import "example.org/a/b/c"
-- a/go.mod --
module example.org/a
-- a/a.go --
package a
{inner}
-- b/go.mod --
module example.org/a/b
-- b/c/c.go --
package c
"#
        ))
    };
    let graph = agrees(&both(""));
    assert_eq!(graph.packages["example.org/a/b/c"][0].module, "example.org/a/b");
    // Even a test makes a folder one that may be meant.
    both("-- a/b/c/c_test.go --\npackage c\n").agrees(&target(&SYSTEMS, true, &[])).unwrap_err();
    // A module of its own in between is not looked into.
    agrees(&both("-- a/b/go.mod --\nmodule other\n-- a/b/c/c.go --\npackage c\n"));
}

#[test]
fn debug_settings() {
    let graph = agrees(&Fixture::module(
        "\n-- a.go --\n//go:debug panicnil=1\n//go:debug http2client=0\n\npackage main\n\n//go:debug late=1\n",
    ));
    assert_eq!(graph.packages["example.org/m"][0].godebug, ["panicnil=1", "http2client=0"]);
}
