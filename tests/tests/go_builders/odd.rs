//! Names and texts that are meant to break something, and things that are large.

use std::fmt::Write as _;

use super::fixtures::tree;
use super::workbench::{Project, Workbench};

#[tokio::test(flavor = "multi_thread")]
async fn names_are_names_wherever_they_go() {
    let bench = Workbench::open().await;
    let hidden =
        "package c\n\nimport \"embed\"\n\n//go:embed all:data\n//go:embed other.txt empty*\nvar Files embed.FS\n";
    let mut files = tree([
        ("go.mod", "module example.test/~tilde\n\ngo 1.21\n"),
        ("c++/x.go", hidden),
        ("c++/a b$(touch owned) ü&.go", "package c\n\n// Name names.\nconst Name = \"$(touch owned)\"\n"),
        ("c++/other.txt", "other"),
        ("c++/empty one", ""),
        ("c++/data/.hidden/_also", "hidden"),
    ]);
    files.insert("c++/data/$HOME {x} [1] ü".to_owned(), b"odd".to_vec());
    bench.publish_tree("example.test/~tilde", "v1.0.0", &files);
    let source = "package main\n\nimport (\n\t\"fmt\"\n\t\"io/fs\"\n\n\tc \"example.test/~tilde/c++\"\n)\n\nvar text string\n\nfunc main() {\n\t\
                  fmt.Println(c.Name, text)\n\tfs.WalkDir(c.Files, \".\", func(path string, entry fs.DirEntry, err error) error {\n\t\t\
                  fmt.Println(path)\n\t\treturn err\n\t})\n}\n";
    let project = Project {
        ldflags: &["-X 'main.text=$(touch owned) \"quoted\" \\ ; & ${HOME} ü'", "-s"],
        ..Project::new(
            "odd",
            [
                ("go.mod", "module example.test/odd\n\ngo 1.21\n\nrequire example.test/~tilde v1.0.0\n"),
                ("main.go", source),
            ],
        )
    };
    let built = bench.same_as_go(&project).await;
    let said = Workbench::run(&built, "odd", &[]).expect_code(0).stdout;
    assert_eq!(
        said,
        "$(touch owned) $(touch owned) \"quoted\" \\ ; & ${HOME} ü\n.\ndata\ndata/$HOME {x} [1] ü\ndata/.hidden\ndata/.hidden/_also\n\
         empty one\nother.txt\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn more_packages_than_an_argument_can_name_are_linked() {
    let bench = Workbench::open().await;
    // Linux takes 131,072 bytes at most in one variable of the environment.
    let part = "long".repeat(60);
    let folder = |number: usize| format!("{part}/{part}/{part}/{part}/p{number}");
    let mut main = "package main\n\nimport (\n".to_owned();
    let mut files = tree([("go.mod", "module example.test/many\n\ngo 1.21\n")]);
    for number in 0..120 {
        let _ = writeln!(main, "\t_ \"example.test/many/{}\"", folder(number));
        files.insert(format!("{}/p.go", folder(number)), format!("package p{number}\n").into_bytes());
    }
    main.push_str(")\n\nfunc main() {}\n");
    files.insert("main.go".to_owned(), main.into_bytes());
    let project = Project { files, ..Project::new("many", []) };
    let built = bench.same_as_go(&project).await;
    assert_eq!(built.units.len(), 122);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_with_an_old_go_line_has_the_language_of_that_time() {
    let bench = Workbench::open().await;
    // Until 1.21 the variable of a loop was one for all its rounds.
    let source = "package loop\n\n// Last is the last number.\nfunc Last() int {\n\tvar all []func() int\n\tfor i := 0; i < 3; i++ {\n\t\tall = \
                  append(all, func() int { return i })\n\t}\n\treturn all[0]()\n}\n";
    for (path, go) in [("old.test/loop", ""), ("new.test/loop", "\ngo 1.22\n")] {
        bench.publish(path, "v1.0.0", [("go.mod", format!("module {path}\n{go}").as_str()), ("loop.go", source)]);
    }
    let project = Project::new(
        "languages",
        [
            (
                "go.mod",
                "module example.test/languages\n\ngo 1.22.0\n\nrequire (\n\told.test/loop v1.0.0\n\tnew.test/loop v1.0.0\n)\n",
            ),
            (
                "main.go",
                "package main\n\nimport (\n\tnow \"new.test/loop\"\n\tthen \"old.test/loop\"\n)\n\nfunc main() { println(then.Last(), now.Last()) }\n",
            ),
        ],
    );
    let built = bench.same_as_go(&project).await;
    assert_eq!(Workbench::run(&built, "languages", &[]).expect_code(0).stderr, "3 0\n");
}
