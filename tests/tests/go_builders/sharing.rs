//! What enters a package's derivation, and what does not.

use nixwright::stages::build::Evaluated;
use std::collections::BTreeSet;

use super::workbench::{Project, Workbench};

async fn published() -> Workbench {
    let bench = Workbench::open().await;
    bench.publish(
        "shared.test/library",
        "v1.0.0",
        [
            ("go.mod", "module shared.test/library\n\ngo 1.21\n"),
            ("base/base.go", "package base\n\n// Name names.\nvar Name = \"base\"\n"),
            (
                "user/user.go",
                "package user\n\nimport \"shared.test/library/base\"\n\n// Name names.\nfunc Name() string { return base.Name + kind }\n",
            ),
            ("user/kind.go", "//go:build !special\n\npackage user\n\nconst kind = \" usual\"\n"),
            ("user/special.go", "//go:build special\n\npackage user\n\nconst kind = \" special\"\n"),
        ],
    );
    bench
}

fn first() -> Project {
    Project {
        patterns: &["./cmd/..."],
        ldflags: &["-X main.version=1"],
        ..Project::new(
            "first",
            [
                ("go.mod", "module example.test/first\n\ngo 1.21\n\nrequire shared.test/library v1.0.0\n"),
                ("README.md", "first"),
                (
                    "cmd/one/main.go",
                    "package main\n\nimport \"shared.test/library/user\"\n\nvar version = \"\"\n\nfunc main() { println(user.Name(), version) }\n",
                ),
                (
                    "cmd/two/v2/main.go",
                    "package main\n\nimport \"example.test/first/own\"\n\nfunc main() { println(own.Name) }\n",
                ),
                ("own/own.go", "package own\n\n// Name names.\nvar Name = \"own\"\n"),
            ],
        )
    }
}

/// The units that differ between two evaluations, by name.
fn different<'a>(before: &'a Evaluated, after: &'a Evaluated) -> BTreeSet<&'a str> {
    let changed = after.units.iter().filter(|(path, drv)| before.units.get(*path) != Some(*drv));
    changed.map(|(path, _)| path.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_affect_a_package_leaves_it_as_it_is() {
    let bench = published().await;
    let project = first();
    let before = bench.same_as_go(&project).await;
    let built = Workbench::run(&before, "one", &[]).expect_code(0);
    assert_eq!(built.stderr, "base usual 1\n");
    assert_eq!(Workbench::run(&before, "two", &[]).expect_code(0).stderr, "own\n");

    // Another version in the program is another link, and nothing else.
    let stamped = Project { ldflags: &["-X main.version=2"], ..project.clone() };
    bench.lay_out(&stamped);
    let after = bench.evaluate(&stamped, "shared");
    assert_eq!(different(&before, &after), BTreeSet::new());
    assert_ne!(before.drv, after.drv);

    // What is no part of a package.
    let mut other = project.clone();
    other.files.insert("README.md".to_owned(), b"second".to_vec());
    other.files.insert("own/notes.txt".to_owned(), b"notes".to_vec());
    other.files.insert("own/own_test.go".to_owned(), b"package own\n".to_vec());
    other.files.insert("own/own_windows.go".to_owned(), b"package own\n".to_vec());
    bench.lay_out(&other);
    let after = bench.evaluate(&other, "shared");
    assert_eq!(different(&before, &after), BTreeSet::new());
    assert_eq!(before.drv, after.drv);

    // A package's own change is that package's, and of those that import it.
    let mut changed = project.clone();
    changed.files.insert("own/own.go".to_owned(), b"package own\n\n// Name names.\nvar Name = \"changed\"\n".to_vec());
    bench.lay_out(&changed);
    let after = bench.evaluate(&changed, "shared");
    assert_eq!(different(&before, &after), BTreeSet::from(["example.test/first/cmd/two/v2", "example.test/first/own"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_rebuilds_only_what_has_files_for_it() {
    let bench = published().await;
    let project = Project { name: "tagged", ..first() };
    bench.lay_out(&project);
    let before = bench.evaluate(&project, "shared");
    let special = Project { tags: &["special", "unheard_of"], ..project.clone() };
    let after = bench.same_as_go(&special).await;
    assert_eq!(Workbench::run(&after, "one", &[]).expect_code(0).stderr, "base special 1\n");
    assert_eq!(different(&before, &after), BTreeSet::from(["example.test/first/cmd/one", "shared.test/library/user"]));
    // A tag that the standard library knows is another standard library.
    let network = Project { tags: &["netgo"], ..project };
    bench.lay_out(&network);
    assert!(different(&before, &bench.evaluate(&network, "shared")).contains("std"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_program_finds_the_packages_of_the_first_one_built() {
    let bench = published().await;
    let first = Project { name: "sharing", ..first() };
    bench.lay_out(&first);
    let before = bench.evaluate(&first, "shared");
    bench.must_build(&[before.drv.clone(), before.smoke.clone()]).await;
    let second = Project::new(
        "second",
        [
            ("go.mod", "module example.test/second\n\ngo 1.21\n\nrequire shared.test/library v1.0.0\n"),
            (
                "main.go",
                "package main\n\nimport \"shared.test/library/user\"\n\nfunc main() { println(\"second\", user.Name()) }\n",
            ),
        ],
    );
    bench.lay_out(&second);
    let after = bench.evaluate(&second, "shared");
    assert_eq!(different(&before, &after), BTreeSet::from(["example.test/second"]));
    let report = bench.must_build(std::slice::from_ref(&after.drv)).await;
    let shared: BTreeSet<&String> =
        after.units.values().filter(|drv| before.units.values().any(|other| other == *drv)).collect();
    assert_eq!(shared.len(), 3, "the standard library and two packages: {:?}", after.units);
    assert!(report.built.iter().all(|built| !shared.contains(&built.drv)), "{:?}", report.built);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_left_to_the_strategy_that_builds_a_program_alone() {
    let bench = published().await;
    let mut project = Project { name: "profiled", patterns: &["./cmd/one"], ..first() };
    let before = {
        bench.lay_out(&project);
        bench.evaluate(&project, "shared")
    };
    project.files.insert("cmd/one/default.pgo".to_owned(), b"no profile at all".to_vec());
    bench.lay_out(&project);
    assert_eq!(bench.evaluate(&project, "shared").drv, before.drv);
    let vendored = bench.evaluate(&project, "vendored");
    let report = bench.build(&[vendored.drv]).await;
    assert!(report.causes().next().unwrap().log.contains("default.pgo"), "Go did not read the profile");
}
