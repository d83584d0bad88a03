//! What cannot work, and the words that a person needs to help themselves; and what a person changes.

use nixwright_resolver::plan::go::{GoGraph, Source};

use super::workbench::{Project, Workbench};

fn project(name: &'static str) -> Project {
    Project::new(
        name,
        [
            ("go.mod", "module example.test/refused\n\ngo 1.21\n\nrequire small.test/s v1.0.0\n"),
            ("main.go", "package main\n\nimport \"small.test/s\"\n\nfunc main() { println(s.Name) }\n"),
        ],
    )
}

async fn published() -> Workbench {
    let bench = Workbench::open().await;
    bench.publish(
        "small.test/s",
        "v1.0.0",
        [
            ("go.mod", "module small.test/s\n\ngo 1.20\n\nrequire unneeded.test/u v1.0.0\n"),
            ("s.go", "package s\n\n// Name names.\nvar Name = \"small\"\n"),
            ("other/o.go", "package other\n\nimport _ \"unneeded.test/u\"\n"),
        ],
    );
    bench.publish(
        "unneeded.test/u",
        "v1.0.0",
        [("go.mod", "module unneeded.test/u\n\ngo 1.16\n"), ("u.go", "package u\n")],
    );
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn a_toolchain_that_will_not_do_is_named_with_the_one_that_will() {
    let bench = published().await;
    let project = project("toolchains");
    let graph = bench.lay_out(&project);
    let with = |change: fn(&mut GoGraph)| {
        let mut graph = graph.clone();
        change(&mut graph);
        bench.write_package(&project, &graph);
    };
    with(|graph| graph.go = "1.99.1".to_owned());
    for strategy in ["shared", "vendored"] {
        let refused = bench.look(&project, strategy).expect_code(1);
        refused.expect_words(&[
            "needs Go 1.99.1",
            &format!("this package set has {}", graph.rules),
            "`go` in overrides.nix",
        ]);
    }
    with(|graph| graph.rules = "1.98.3".to_owned());
    bench.look(&project, "shared").expect_code(1).expect_words(&[
        "was resolved for Go 1.98",
        &format!("this package set has {}", graph.rules),
        "strategies.vendored",
        "checkGo = false",
    ]);
    bench.evaluate(&project, "vendored");
    let accepted = Project { overrides: "{ checkGo = false; }", ..project.clone() };
    bench.write_expression(&accepted);
    bench.evaluate(&accepted, "shared");
    let given = Project { overrides: "{ go = pkgs.go // { version = \"1.98.9\"; }; }", ..project.clone() };
    bench.write_expression(&given);
    bench.evaluate(&given, "shared");
}

#[tokio::test(flavor = "multi_thread")]
async fn overrides_that_are_not_known_are_named() {
    let bench = published().await;
    let project = project("overridden-wrongly");
    bench.lay_out(&project);
    for (overrides, words) in [
        ("{ pachtes = [ ]; }", ["unknown key pachtes", "known are"]),
        ("{ modules.\"small.test/s\".ldflags = [ ]; }", ["modules.small.test/s: unknown key ldflags", "postPatch"]),
    ] {
        let wrong = Project { overrides, ..project.clone() };
        bench.write_expression(&wrong);
        bench.look(&wrong, "shared").expect_code(1).expect_words(&words);
    }
    let unknown = Project { overrides: "{ modules.\"gone.test/g\".patches = [ ]; }", ..project };
    bench.write_expression(&unknown);
    bench.look(&unknown, "shared").expect_code(0).expect_words(&["gone.test/g, which this release does not have"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_changes_reach_both_strategies() {
    let bench = published().await;
    let project = Project {
        overrides: "{ modules.\"small.test/s@v1.0.0\".postPatch = \"sed -i s/small/patched/ s.go\"; ldflags = [ \"-w\" ]; postInstall = \
                    ''mv \"$out/bin/refused\" \"$out/bin/renamed\"; cp go.mod \"$out\"''; }",
        ..project("changed")
    };
    bench.lay_out(&project);
    for strategy in ["shared", "vendored"] {
        let built = bench.evaluate(&project, strategy);
        bench.must_build(&[built.drv.clone(), built.smoke.clone()]).await;
        assert_eq!(Workbench::run(&built, "renamed", &[]).expect_code(0).stderr, "patched\n", "{strategy}");
        assert!(std::fs::read_to_string(format!("{}/go.mod", built.out)).unwrap().contains("example.test/refused"));
    }
    let own = Project {
        overrides: "{ patches = [ (builtins.toFile \"p\" \"--- a/main.go\\n+++ b/main.go\\n@@ -5 +5 @@\\n-func main() { println(s.Name) }\\n+func main() { println(\\\"own\\\", s.Name) }\\n\") ]; }",
        ..project
    };
    bench.write_expression(&own);
    for strategy in ["shared", "vendored"] {
        let built = bench.evaluate(&own, strategy);
        bench.must_build(std::slice::from_ref(&built.drv)).await;
        assert_eq!(Workbench::run(&built, "refused", &[]).expect_code(0).stderr, "own small\n", "{strategy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chosen_tags_have_go_find_the_packages() {
    let bench = published().await;
    let mut project = Project { overrides: "{ tags = [ \"loud\" ]; }", ..project("chosen") };
    project.files.insert(
        "loud.go".to_owned(),
        b"//go:build loud\n\npackage main\n\nfunc init() { println(\"LOUD\") }\n".to_vec(),
    );
    bench.lay_out(&project);
    let chosen = bench.evaluate(&project, "shared");
    assert!(chosen.units.is_empty(), "{:?}", chosen.units);
    bench.must_build(std::slice::from_ref(&chosen.drv)).await;
    assert_eq!(Workbench::run(&chosen, "refused", &[]).expect_code(0).stderr, "LOUD\nsmall\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_checksum_is_named_by_go() {
    let bench = published().await;
    let mut project = project("checksum");
    // Before 1.17 the go.mod files of everything counted.
    let go_mod = "module example.test/refused\n\ngo 1.16\n\nrequire small.test/s v1.0.0\n";
    project.files.insert("go.mod".to_owned(), go_mod.as_bytes().to_vec());
    let graph = bench.lay_out(&project);
    let mut wrong = graph.clone();
    let module = wrong.modules.get_mut("small.test/s").unwrap();
    if let Some(Source::Proxy { sum, .. }) = &mut module.source {
        *sum = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned();
    }
    bench.write_package(&project, &wrong);
    let vendored = bench.evaluate(&project, "vendored");
    let report = bench.build(&[vendored.drv]).await;
    let log = &report.causes().next().unwrap().log;
    assert!(log.contains("small.test/s@v1.0.0") && log.contains("checksum mismatch"), "{log}");
    // The go.mod file of a module that no package is taken from.
    let (key, _) = graph.mod_files.iter().find(|(key, _)| key.starts_with("unneeded.test/u@")).unwrap();
    let mut wrong = graph.clone();
    wrong.mod_files.remove(key);
    bench.write_package(&project, &wrong);
    let vendored = bench.evaluate(&project, "vendored");
    let report = bench.build(&[vendored.drv]).await;
    let log = &report.causes().next().unwrap().log;
    assert!(log.contains("unneeded.test/u@v1.0.0"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_go_evaluates_and_says_so_when_something_is_built() {
    let bench = published().await;
    let project = Project { overrides: "{ go = pkgs.go.without; checkGo = false; }", ..project("absent") };
    bench.lay_out(&project);
    let without = format!(
        "(import {}/hostpkgs {{ toolchain = removeAttrs (builtins.fromJSON (builtins.readFile ../toolchain.json)) [ \"go\" ]; }}).go",
        super::workbench::TEMPLATES
    );
    let overrides: &'static str = Box::leak(format!("{{ go = {without}; }}").into_boxed_str());
    let project = Project { overrides, ..project };
    bench.write_expression(&project);
    let shared = bench.evaluate(&project, "shared");
    let report = bench.build(&[shared.drv]).await;
    let log = &report.causes().next().unwrap().log;
    assert!(log.contains("nixwright: this machine has no go") && log.contains("build.pkgs"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_builders_do_not_read_is_refused() {
    let bench = published().await;
    let project = project("schema");
    bench.lay_out(&project);
    let file = bench.folder(&project).join("graph.json");
    let text = std::fs::read_to_string(&file).unwrap();
    nixwright_tests::process::write_file(&file, text.replace("\"schema\": 1", "\"schema\": 9"));
    bench.look(&project, "shared").expect_code(1).expect_words(&["schema 9", "let nixwright write both again"]);
    nixwright_tests::process::write_file(&file, text.replace("\"small.test/s\": {\n", "\"small.test/t\": {\n"));
    bench.look(&project, "shared").expect_code(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_not_embedded() {
    let bench = Workbench::open().await;
    let project = Project::new(
        "linked",
        [
            ("go.mod", "module example.test/linked\n\ngo 1.21\n"),
            (
                "main.go",
                "package main\n\nimport _ \"embed\"\n\n//go:embed data.txt\nvar data string\n\nfunc main() { println(data) }\n",
            ),
            ("data.txt", "data"),
        ],
    );
    bench.lay_out(&project);
    let data = bench.folder(&project).join("data.txt");
    std::fs::remove_file(&data).unwrap();
    std::os::unix::fs::symlink("main.go", &data).unwrap();
    bench.look(&project, "shared").expect_code(1).expect_words(&["data.txt is a link, and Go embeds none"]);
}
