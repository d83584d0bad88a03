//! Packages of Go alone.

use super::workbench::{Project, Workbench};

const MAIN: &str = r#"// What this is for.

//go:debug winsymlink=1
//go:debug http2client=0
package main

import (
	"fmt"
	"os"

	"example.test/plain/inner"
	"example.test/Upper/v2/case"
	"gone.test/api"
	old "old.test/incompat"
	"pseudo.test/p"
	"swapped.test/s"
)

var version, words = "dev", "none"

func main() {
	fmt.Println(inner.Greeting(), version, words, os.Args[1:])
	fmt.Println(caseful.Name, old.Name, p.Name, s.Name, api.Name)
}
"#;

fn plain() -> Project {
    Project {
        ldflags: &["-X main.version=1.2", "-X 'main.words=two words'", "-w"],
        ..Project::new(
            "plain",
            [
                (
                    "go.mod",
                    "module example.test/plain\n\ngo 1.21\n\ngodebug httplaxcontentlength=0\n\nrequire (\n\texample.test/Upper/v2 v2.3.0\n\t\
                     old.test/incompat v3.0.0+incompatible\n\tpseudo.test/p v0.0.0-20200101000000-abcdefabcdef\n\t\
                     swapped.test/s v1.0.0\n\tgone.test/api v1.0.0\n)\n\nreplace swapped.test/s => fork.test/s v1.1.0\n\nreplace \
                     gone.test/api => ./api\n",
                ),
                ("main.go", MAIN),
                (
                    "inner/greeting.go",
                    "package inner\n\n// Greeting greets.\nfunc Greeting() string { return \"hello\" + end }\n",
                ),
                ("inner/end_linux.go", "package inner\n\nconst end = \"!\"\n"),
                ("inner/end_windows.go", "package inner\n\nconst end = \"?\"\n"),
                ("inner/b.linux_windows.go", "package inner\n\nvar _ = end\n"),
                ("inner/_left_out.go", "no Go at all"),
                ("inner/.hidden.go", "no Go at all"),
                ("inner/ignored.go", "//go:build ignore\n\npackage main\n"),
                ("inner/greeting_test.go", "package inner\n"),
                ("api/go.mod", "module gone.test/api\n\ngo 1.20\n"),
                ("api/api.go", "package api\n\n// Name names.\nconst Name = \"api\"\n"),
            ],
        )
    }
}

async fn published() -> Workbench {
    let bench = Workbench::open().await;
    bench.publish(
        "example.test/Upper/v2",
        "v2.3.0",
        [
            ("go.mod", "module example.test/Upper/v2\n\ngo 1.17\n"),
            ("case/name.go", "package caseful\n\n// Name names.\nvar Name = \"upper\"\n"),
        ],
    );
    bench.publish(
        "old.test/incompat",
        "v3.0.0+incompatible",
        [("name.go", "package incompat\n\n// Name names.\nvar Name = \"old\"\n")],
    );
    bench.publish(
        "pseudo.test/p",
        "v0.0.0-20200101000000-abcdefabcdef",
        [("go.mod", "module pseudo.test/p\n"), ("p.go", "package p\n\n// Name names.\nvar Name = \"pseudo\"\n")],
    );
    bench.publish(
        "swapped.test/s",
        "v1.0.0",
        [("go.mod", "module swapped.test/s\n\ngo 1.16\n"), ("s.go", "package s\n")],
    );
    bench.publish(
        "fork.test/s",
        "v1.1.0",
        [
            ("go.mod", "module swapped.test/s\n\ngo 1.20\n"),
            ("s.go", "package s\n\n// Name names.\nvar Name = \"fork\"\n"),
        ],
    );
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_of_every_kind_give_the_program_that_go_makes() {
    let bench = published().await;
    let built = bench.same_as_go(&plain()).await;
    let said = Workbench::run(&built, "plain", &["x"]).expect_code(0).stdout;
    assert_eq!(said, "hello! 1.2 two words [x]\nupper old pseudo fork api\n");
    assert_eq!(bench.references(&built.out).await, Vec::<String>::new());
    assert!(built.units.contains_key("example.test/plain/inner"), "{:?}", built.units);
}
