//! Packages with more than Go: assembly, C, C++, objects, libraries.

use nixwright_tests::process::{command, run, write_file};

use super::fixtures::tree;
use super::workbench::{Project, Workbench};

const ADD_S: &str = r#"#include "textflag.h"
#include "go_asm.h"
#include "../more.h"

// func Add(point *Point) int64
TEXT ·Add(SB), NOSPLIT, $0-16
	MOVQ point+0(FP), AX
	MOVQ Point_X(AX), BX
	ADDQ Point_Y(AX), BX
	ADDQ $MORE, BX
	MOVQ BX, ret+8(FP)
	RET
"#;

#[tokio::test(flavor = "multi_thread")]
async fn assembly_sees_the_constants_of_go_and_the_headers_of_the_platform() {
    let bench = Workbench::open().await;
    bench.publish(
        "asm.test/add",
        "v1.0.0",
        [
            ("go.mod", "module asm.test/add\n\ngo 1.21\n"),
            ("add/add.go", "package add\n\n// Point is two numbers.\ntype Point struct{ X, Y int64 }\n\n// Add adds.\nfunc Add(point *Point) int64\n"),
            ("add/add_amd64.s", ADD_S),
            ("add/add_arm64.s", "no assembly at all\n"),
            ("more.h", "#define MORE 100\n"),
        ],
    );
    let project = Project::new(
        "assembled",
        [
            ("go.mod", "module example.test/assembled\n\ngo 1.21\n\nrequire asm.test/add v1.0.0\n"),
            (
                "main.go",
                "package main\n\nimport \"asm.test/add/add\"\n\nfunc main() { println(add.Add(&add.Point{X: 1, Y: 2}), twice(4)) }\n\n\
                 func twice(n int64) int64\n",
            ),
            (
                "twice.s",
                "#include \"textflag.h\"\n\nTEXT ·twice(SB), NOSPLIT, $0-16\n\tMOVQ n+0(FP), AX\n\tADDQ AX, AX\n\tMOVQ AX, ret+8(FP)\n\tRET\n",
            ),
        ],
    );
    let built = bench.same_as_go(&project).await;
    assert_eq!(Workbench::run(&built, "assembled", &[]).expect_code(0).stderr, "103 8\n");
}

/// A library that pkg-config knows by another name than the package set.
const LIBRARY: &str = r#"
{ pkgs }:
{
  counting = pkgs.stdenv.mkDerivation {
    name = "counting";
    phases = [ "buildPhase" ];
    nativeBuildInputs = [ ];
    buildPhase = ''
      mkdir -p "$out/include/counting one" "$out/lib/pkgconfig"
      echo 'int counting(void);' > "$out/include/counting one/counting.h"
      echo 'int counting(void) { return COUNT; }' > counting.c
      gcc -DCOUNT=7 -c counting.c -o counting.o
      ar rcs "$out/lib/libcounting.a" counting.o
      cat > "$out/lib/pkgconfig/counting-1.pc" << END
      Name: counting
      Description: counts
      Version: 1.2
      Cflags: "-I$out/include/counting one" -DTEXT=\\"quoted\\"
      Libs: -L$out/lib -lcounting
      END
      sed -i 's/^ *//' "$out/lib/pkgconfig/counting-1.pc"
    '';
  };
}
"#;

const WITH_C: &str = r#"package native

/*
#cgo CFLAGS: -DFIRST=1 -I../include -I${SRCDIR}/local
#cgo CPPFLAGS: -DSECOND=2
#cgo CXXFLAGS: -std=c++17
#cgo LDFLAGS: -lm
#cgo pkg-config: counting-1
#include <math.h>
#include <counting.h>
#include "outside.h"
#include "beside.h"
extern int from_c(int);
extern int from_cxx(int);
extern int from_assembly(void);
static int all(void) { return FIRST + SECOND + OUTSIDE + BESIDE + counting(); }
static const char *text(void) { return TEXT; }
*/
import "C"

// Sum asks all of them.
func Sum() int { return int(C.all()) + int(C.from_c(1)) + int(C.from_cxx(2)) + int(C.from_assembly()) + int(C.sqrt(16)) }

// Text is what a flag says.
func Text() string { return C.GoString(C.text()) }

//export goCallback
func goCallback(n C.int) C.int { return n * 1000 }
"#;

fn with_c() -> Project {
    Project {
        overrides: "{ pkgConfig.counting-1 = [ native.counting ]; }",
        ..Project::new(
            "with-c",
            [
                ("go.mod", "module example.test/with-c\n\ngo 1.21\n\nrequire c.test/native v1.0.0\n"),
                (
                    "main.go",
                    "package main\n\nimport (\n\t\"fmt\"\n\n\t\"c.test/native/native\"\n)\n\nfunc main() { fmt.Println(native.Sum(), native.Text()) }\n",
                ),
            ],
        )
    }
}

/// What the package set says to compilers, for Go as judge.
fn finding(library: &str) -> Vec<(&'static str, String)> {
    vec![
        ("PKG_CONFIG_PATH", format!("{library}/lib/pkgconfig")),
        ("LIBRARY_PATH", format!("{library}/lib")),
        ("CPATH", format!("{library}/include")),
    ]
}

fn publish_native(bench: &Workbench) {
    bench.native(LIBRARY);
    bench.publish(
        "c.test/native",
        "v1.0.0",
        [
            ("go.mod", "module c.test/native\n\ngo 1.21\n"),
            ("native/native.go", WITH_C),
            ("native/plain.go", "package native\n\n// Plain has no C.\nfunc Plain() int { return 3 }\n"),
            ("native/without.go", "//go:build !cgo\n\npackage native\n\nfunc Sum() int { return 0 }\n"),
            ("native/from.c", "#include \"_cgo_export.h\"\n#include \"own.h\"\nint from_c(int n) { return goCallback(n) + OWN; }\n"),
            ("native/own.h", "#define OWN 20\n"),
            ("native/local/beside.h", "#define BESIDE 4\n"),
            ("include/outside.h", "#define OUTSIDE 3\n"),
            (
                "native/more.cpp",
                "#include <string>\nextern \"C\" int from_cxx(int n) { std::string text(n, 'x'); return static_cast<int>(text.size()); }\n",
            ),
            (
                "native/last.S",
                "#define VALUE 30000\n.globl from_assembly\nfrom_assembly:\n\tmovl $VALUE, %eax\n\tret\n.section .note.GNU-stack,\"\",@progbits\n",
            ),
            ("native/windows_windows.c", "#error not here\n"),
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c_and_cxx_with_headers_from_elsewhere_and_a_library_are_as_go_links_them() {
    let bench = Workbench::open().await;
    publish_native(&bench);
    let project = with_c();
    bench.lay_out_files(&project);
    let library = bench.build_native("counting").await;
    let project = Project { environment: finding(&library), ..project };
    let built = bench.same_as_go(&project).await;
    let said = Workbench::run(&built, "with-c", &[]).expect_code(0).stdout;
    // 1 + 2 + 3 + 4 + 7, and 1 * 1000 + 20, 2, 30000, 4
    assert_eq!(said, "31043 quoted\n");
    // libstdc++ and libm are the host's; nothing of what it was compiled with is needed.
    assert_eq!(bench.references(&built.out).await, Vec::<String>::new());
    // The same bytes when it is built again.
    let unit = built.units["c.test/native/native"].clone();
    bench.call("nix-store", &["--realise", "--check", &unit, &built.drv]).expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_pkg_config_does_not_know_is_named_before_building() {
    let bench = Workbench::open().await;
    publish_native(&bench);
    let project = Project { overrides: "{ }", environment: vec![], ..with_c() };
    bench.lay_out_files(&project);
    let library = bench.build_native("counting").await;
    let project = Project { environment: finding(&library), ..project };
    bench.lay_out(&project);
    bench.look(&project, "shared").expect_code(1).expect_words(&[
        "c.test/native/native asks pkg-config for counting-1",
        "pkgConfig.\"counting-1\" = [ … ] in overrides.nix",
    ]);
    let wrong = Project { overrides: "{ pkgConfig.counting-1 = [ pkgs.git ]; }", ..project };
    bench.write_expression(&wrong);
    let evaluated = bench.evaluate(&wrong, "shared");
    let report = bench.build(&[evaluated.drv]).await;
    let cause = report.causes().next().unwrap();
    assert!(cause.log.contains("nixwright: c.test/native/native asks pkg-config for counting-1"), "{}", cause.log);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_c_the_other_files_count() {
    let bench = Workbench::open().await;
    publish_native(&bench);
    let built = bench.same_as_go(&Project { cgo: false, overrides: "{ }", ..with_c_off() }).await;
    assert_eq!(Workbench::run(&built, "without-c", &[]).expect_code(0).stdout, "0 3\n");
}

fn with_c_off() -> Project {
    Project::new(
        "without-c",
        [
            ("go.mod", "module example.test/without-c\n\ngo 1.21\n\nrequire c.test/native v1.0.0\n"),
            (
                "main.go",
                "package main\n\nimport (\n\t\"fmt\"\n\n\t\"c.test/native/native\"\n)\n\nfunc main() { fmt.Println(native.Sum(), native.Plain()) }\n",
            ),
        ],
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_upstream_ships_are_linked_even_through_other_packages() {
    let bench = Workbench::open().await;
    let object = object(&bench, "int shipped(void) { return 42; }\n");
    let mut files = tree([
        ("go.mod", "module syso.test/s\n\ngo 1.21\n"),
        ("s.go", "package s\n\n// Name names.\nconst Name = \"s\"\n"),
        ("call.go", "package s\n\nimport \"C\"\n"),
    ]);
    files.insert("shipped_linux_amd64.syso".to_owned(), object);
    files.insert("shipped_windows_amd64.syso".to_owned(), b"none".to_vec());
    bench.publish_tree("syso.test/s", "v1.0.0", &files);
    let project = Project::new(
        "with-object",
        [
            ("go.mod", "module example.test/with-object\n\ngo 1.21\n\nrequire syso.test/s v1.0.0\n"),
            (
                "main.go",
                "package main\n\n// int shipped(void);\nimport \"C\"\n\nimport (\n\t\"fmt\"\n\n\t\"syso.test/s\"\n)\n\nfunc main() { \
                 fmt.Println(s.Name, C.shipped()) }\n",
            ),
        ],
    );
    let built = bench.same_as_go(&project).await;
    assert_eq!(Workbench::run(&built, "with-object", &[]).expect_code(0).stdout, "s 42\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_that_only_the_c_compiler_can_follow_make_it_link() {
    let bench = Workbench::open().await;
    let source = "package main\n\n// #cgo LDFLAGS: -Wl,-Bstatic -lm -Wl,-Bdynamic\n// #ifndef SAID\n// #define SAID 1\n// #endif\n// \
                  static int said(void) { return SAID; }\nimport \"C\"\n\nfunc main() { println(C.said()) }\n";
    let project =
        Project::new("externally", [("go.mod", "module example.test/externally\n\ngo 1.21\n"), ("main.go", source)]);
    let built = bench.same_as_go(&project).await;
    assert_eq!(Workbench::run(&built, "externally", &[]).expect_code(0).stderr, "1\n");
    // Flags in a person's hand reach both strategies.
    let told = Project { overrides: r#"{ env.CGO_CFLAGS = "-O1 '-DSAID=1 + 1'"; }"#, ..project };
    bench.write_expression(&told);
    for strategy in ["shared", "vendored"] {
        let built = bench.evaluate(&told, strategy);
        bench.must_build(std::slice::from_ref(&built.drv)).await;
        assert_eq!(Workbench::run(&built, "externally", &[]).expect_code(0).stderr, "2\n", "{strategy}");
    }
}

/// An object file of some C.
fn object(bench: &Workbench, source: &str) -> Vec<u8> {
    let folder = bench.home.path();
    write_file(&folder.join("object.c"), source);
    run(command("gcc").args(["-c", "object.c", "-o", "object.o"]).current_dir(folder)).expect_code(0);
    std::fs::read(folder.join("object.o")).unwrap()
}
