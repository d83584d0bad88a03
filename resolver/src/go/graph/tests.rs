use std::fmt::Write as _;
use std::sync::Arc;

use super::{BuildList, GraphStep, lines, step};
use crate::go::catalog::{Known, LocalModule, Lookup, ModFile, ModuleVersion, Need, Project};
use crate::go::modfile::{GoMod, Reading};
use crate::go::paths;
use crate::go::sums::hash_of_go_mod;
use crate::go::workfile::GoWork;

const RULES: &str = "1.27.3";

/// What the proxy has: `path version` above each go.mod.
const PROXY: &[(&str, &str)] = &[
    ("x.y/a v1.0.0", "module x.y/a\ngo 1.21\nrequire x.y/b v1.0.0\n"),
    ("x.y/a v1.1.0", "module x.y/a\ngo 1.16\nrequire x.y/b v1.1.0\n"),
    ("x.y/b v1.0.0", "module x.y/b\ngo 1.17\nrequire x.y/c v1.0.0\n"),
    ("x.y/b v1.1.0", "module x.y/b\ngo 1.17\nrequire x.y/c v1.1.0\n"),
    ("x.y/c v1.0.0", "module x.y/c\n"),
    ("x.y/c v1.1.0", "module x.y/c\nrequire x.y/d v2.0.0+incompatible\n"),
    ("x.y/d v2.0.0+incompatible", "module x.y/d\n"),
    ("x.y/new v1.0.0", "module x.y/new\ngo 1.99\n"),
    ("x.y/renamed v1.0.0", "module x.y/other\n"),
];

/// A project with what go.sum has to have.
fn project(go_mod: &str) -> Project {
    Project { mains: vec![local(".", go_mod, Some(sums()))], ..Project::default() }
}

fn sums() -> String {
    PROXY.iter().fold(String::new(), |mut sums, (version, text)| {
        let _ = writeln!(sums, "{version}/go.mod {}", hash_of_go_mod(text.as_bytes()));
        sums
    })
}

fn local(dir: &str, go_mod: &str, go_sum: Option<String>) -> LocalModule {
    LocalModule { dir: dir.to_owned(), go_mod: go_mod.to_owned(), go_sum, facts: Arc::default(), version: None }
}

fn workspace(work: &str, members: &[(&str, &str)]) -> Project {
    let file = GoWork::parse(work).unwrap();
    let member = |path: &str| members.iter().find(|(dir, _)| paths::clean(path) == *dir);
    let mains = file.uses.iter().filter_map(|used| member(&used.path)).map(|(dir, text)| local(dir, text, None));
    Project { mains: mains.collect(), work: Some((work.to_owned(), None)), ..Project::default() }
}

/// Goes on until nothing is missing; says how often something was.
fn resolve(project: &Project) -> Result<(BuildList, Known, usize), String> {
    let mut known = Known::default();
    for rounds in 0..20 {
        match step(project, &known, RULES).map_err(|error| error.to_string())? {
            GraphStep::Done(list) => return Ok((*list, known, rounds)),
            GraphStep::Need(needs) => known.mods.extend(needs.into_iter().map(answer)),
        }
    }
    panic!("it never ends");
}

fn answer(need: Need) -> (ModuleVersion, Lookup<ModFile>) {
    let Need::Mod(module) = need else { panic!("only go.mod files are asked for") };
    let name = format!("{} {}", module.path, module.version);
    let found = PROXY.iter().find(|(version, _)| *version == name).map(|(_, text)| ModFile {
        content: Arc::new(GoMod::parse(text, Reading::Dependency).unwrap()),
        sum: hash_of_go_mod(text.as_bytes()),
        hash: String::new(),
    });
    (module, found.map_or(Lookup::Absent { why: "404".to_owned() }, Lookup::Found))
}

fn list(project: &Project) -> String {
    resolve(project).map_or_else(|error| error, |(list, ..)| list.lines().join("\n"))
}

#[test]
fn a_pruned_graph_ends_behind_the_roots() {
    let project = project("module x.y/m\ngo 1.21\nrequire x.y/a v1.0.0\n");
    let (list, known, rounds) = resolve(&project).unwrap();
    assert_eq!((list.roots_first, list.mod_files(["x.y/a"]).len(), rounds), (true, 1, 1));
    insta::assert_snapshot!(list.lines().join("\n"), @r"
    x.y/m
    x.y/a v1.0.0
    x.y/b v1.0.0
    ");
    insta::assert_snapshot!(lines(&project, &known, RULES).unwrap().join("\n"), @r"
    x.y/m go@1.21
    x.y/m x.y/a@v1.0.0
    go@1.21 toolchain@go1.21
    x.y/a@v1.0.0 x.y/b@v1.0.0
    x.y/a@v1.0.0 go@1.21
    ");
}

#[test]
fn a_graph_of_before_pruning_is_read_to_its_end() {
    let project = project("module x.y/m\ngo 1.16\nrequire x.y/a v1.1.0\n");
    let (list, ..) = resolve(&project).unwrap();
    assert!(!list.roots_first && list.mod_files([]).len() == 4);
    insta::assert_snapshot!(list.lines().join("\n"), @r"
    x.y/m
    x.y/a v1.1.0
    x.y/b v1.1.0
    x.y/c v1.1.0
    x.y/d v2.0.0+incompatible
    ");
}

#[test]
fn what_does_not_fit_go_mod_is_refused() {
    let refused = [
        "module x.y/m\ngo 1.21\nrequire x.y/a v1.0.0\nrequire x.y/b v1.1.0\nrequire x.y/c v1.0.0\n",
        "module x.y/m\ngo 1.20\nrequire x.y/a v1.0.0\n",
        "module x.y/m\ngo 1.21\nrequire x.y/a v1.0.0\nexclude x.y/a v1.0.0\n",
        "module x.y/m\ngo 1.21.0\ntoolchain go1.21.0\n",
        "module x.y/m\ngo 1.21\nrequire x.y/new v1.0.0\n",
        "module x.y/m\ngo 1.99\n",
        "module x.y/m\ngo 1.21\nrequire x.y/renamed v1.0.0\n",
        "module x.y/m\ngo 1.21\nrequire x.y/gone v1.0.0\n",
        "module x.y/m\ngo 1.21\nrequire x.y/a v1.0\n",
        "module x.y/m\ngo 1.21\nrequire x.y/a v1.0.0\nreplace x.y/a => ./gone\n",
        "module x.y/m\ngo 1.21\nreplace x.y/a => ./one\nreplace x.y/a => ./two\n",
        "go 1.21\n",
        "module x.y/m\ngodebug default=go1.99\n",
        "module x.y/m\ngo 1.21\nretract v2.0.0\n",
    ];
    let all: Vec<String> = refused.iter().map(|text| list(&project(text))).collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
    updates to go.mod are needed: it says x.y/c@v1.0.0, and x.y/c@v1.1.0 is selected; to update it: go mod tidy
    updates to go.mod are needed: it says go@1.20, and go@1.21 is selected; to update it: go mod tidy
    updates to go.mod are needed: x.y/a@v1.0.0 is required and excluded; to update it: go mod tidy
    updates to go.mod are needed: its line "toolchain go1.21.0" says nothing; to update it: go mod tidy
    x.y/m requires x.y/new@v1.0.0: module x.y/new@v1.0.0 requires go >= 1.99, and go 1.27.3 is too old
    go.mod requires go >= 1.99, and go 1.27.3 is too old
    x.y/m requires x.y/renamed@v1.0.0: x.y/renamed@v1.0.0: its go.mod says that it is x.y/other, but x.y/renamed is required
    x.y/m requires x.y/gone@v1.0.0: go.sum has no line for x.y/gone@v1.0.0/go.mod; to add it: go mod download x.y/gone
    go.mod:3: require x.y/a: version "v1.0" invalid: not canonical, so that updates to go.mod are needed; to update it: go mod tidy
    x.y/m requires x.y/a@v1.0.0: x.y/a@v1.0.0 cannot be had: there is no go.mod in its replacement ./gone
    go.mod: conflicting replacements for x.y/a: ./one and ./two
    go.mod: missing module declaration
    go.mod: godebug: default=go1.99 is too new
    go.mod:3: retract: version "v2.0.0" invalid: should be v0 or v1, not v2
    "#);
}

#[test]
fn content_is_held_against_go_sum() {
    let mut project = project("module x.y/m\ngo 1.21\nrequire x.y/a v1.0.0\n");
    project.mains[0].go_sum = Some("x.y/a v1.0.0/go.mod h1:AAAA=\n".to_owned());
    insta::assert_snapshot!(list(&project), @"x.y/m requires x.y/a@v1.0.0: x.y/a@v1.0.0/go.mod is not what go.sum says: it has h1:k75uCRn3LYB3PRpsX8vtZjCTB8Ibx/Ai6J3wqXeIIS4=, and should have h1:AAAA=; someone may have changed it");
    project.mains[0].go_sum = None;
    insta::assert_snapshot!(list(&project), @"x.y/m requires x.y/a@v1.0.0: go.sum has no line for x.y/a@v1.0.0/go.mod; to add it: go mod download x.y/a");
}

#[test]
fn replacements_are_read_instead() {
    let mut project = project(
        "module x.y/m\ngo 1.21\nrequire x.y/a v1.0.0\nrequire x.y/b v1.0.0\nreplace x.y/a => ./a/../local\nreplace x.y/b v1.0.0 => x.y/c v1.0.0\n",
    );
    assert_eq!(super::folders(&project).unwrap().into_iter().collect::<Vec<_>>(), ["local"]);
    project
        .folders
        .insert("local".to_owned(), local("local", "module whatever\nrequire x.y/d v2.0.0+incompatible\n", None));
    insta::assert_snapshot!(list(&project), @r"
    x.y/m
    x.y/a v1.0.0 => ./a/../local
    x.y/b v1.0.0 => x.y/c v1.0.0
    x.y/d v2.0.0+incompatible
    ");
}

#[test]
fn a_workspace_is_the_union_of_its_members() {
    let members = [
        ("one", "module x.y/one\ngo 1.21\nrequire x.y/a v1.0.0\n"),
        (
            "two",
            "module x.y/two\ngo 1.20\nrequire (\n\tx.y/b v1.1.0\n\tx.y/one v1.0.0\n)\nreplace x.y/one v1.0.0 => ../old\nexclude x.y/c v1.1.0\n",
        ),
    ];
    let mut project = workspace("go 1.22\nuse ./two\nuse ./one\n", &members);
    project.folders.insert("old".to_owned(), local("old", "module x.y/one\n", None));
    let (list, ..) = resolve(&project).unwrap();
    assert!(list.workspace && !list.roots_first);
    insta::assert_snapshot!(list.lines().join("\n"), @r"
    x.y/one
    x.y/two
    x.y/a v1.0.0
    x.y/b v1.1.0
    ");
}

#[test]
fn members_that_contradict_each_other_are_refused() {
    let one = "module x.y/one\ngo 1.21\nrequire x.y/b v1.0.0\nreplace x.y/b => ./b\n";
    let two = "module x.y/two\ngo 1.23\nrequire x.y/b v1.0.0\nreplace x.y/b => ./b\n";
    let refused = [
        ("go 1.23\nuse ./one\nuse ./two\n", [("one", one), ("two", two)]),
        ("go 1.22\nuse ./one\nuse ./two\n", [("one", one), ("two", two)]),
        ("go 1.22\nuse ./one\nuse one\n", [("one", one), ("two", two)]),
        ("go 1.22\nuse ./one\nuse ./two\n", [("one", one), ("two", one)]),
        ("go 1.22\nuse ./one\nuse ./three\n", [("one", one), ("two", two)]),
        ("go 1.99\nuse ./one\n", [("one", one), ("two", two)]),
        ("go 1.22\nuse ./one\nreplace x.y/one => ./two\n", [("one", one), ("two", two)]),
    ];
    let all: Vec<String> = refused.iter().map(|(work, members)| list(&workspace(work, members))).collect();
    insta::assert_snapshot!(all.join("\n"), @r"
    go.work: conflicting replacements for x.y/b: one/b and two/b
    go.work: module two requires go >= 1.23, but go.work says go 1.22; to change it: go work use
    go.work:3: path one appears multiple times in workspace
    go.work: module x.y/one appears multiple times in workspace
    go.work: three has no go.mod
    go.work requires go >= 1.99, and go 1.27.3 is too old
    go.work: workspace module x.y/one is replaced at all versions
    ");
}
