use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::tree::check;
use super::{Author, BranchUpdate, Change, CommitText, GitError, Overlay};
use crate::model::{BranchName, CommitSha};

struct Fixture {
    folder: tempfile::TempDir,
    overlay: Overlay,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let overlay = Overlay::open_or_init(&folder.path().join("var/overlay.git")).unwrap();
    Fixture { folder, overlay }
}

fn bot() -> Author {
    Author { name: "nixwright".to_owned(), email: "bot@nixwright.invalid".to_owned() }
}

fn person() -> Author {
    Author { name: "A Person".to_owned(), email: "person@registry.example".to_owned() }
}

fn text<'a>(message: &'a str, author: &'a Author) -> CommitText<'a> {
    CommitText { message, author, time: "2026-02-14T12:56:47Z".parse().unwrap() }
}

fn branch(name: &str) -> BranchName {
    name.parse().unwrap()
}

fn files<const N: usize>(files: [(&str, &str); N]) -> BTreeMap<String, Change> {
    files.into_iter().map(|(path, text)| (path.to_owned(), Change::text(text))).collect()
}

impl Fixture {
    fn commit<const N: usize>(&self, on: &str, parent: Option<&CommitSha>, changes: [(&str, &str); N]) -> CommitSha {
        self.overlay.commit(&branch(on), parent, &files(changes), text("A change", &bot())).unwrap().unwrap()
    }

    fn merge(&self, from: &str) -> Result<CommitSha, GitError> {
        let head = self.overlay.branch(&branch(from))?.unwrap_or_else(|| "0".repeat(40).parse().unwrap());
        self.overlay.merge(&branch("main"), &branch(from), &head, text("Merge", &bot()))
    }

    fn read(&self, at: &str, path: &str) -> Option<String> {
        self.overlay.read_file(at, path).unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
    }

    fn message(&self, error: &GitError) -> String {
        error.to_string().replace(&self.folder.path().display().to_string(), "/state")
    }
}

#[test]
fn an_empty_change_set_does_not_commit() {
    let fixture = fixture();
    let commit = |parent: Option<&CommitSha>, changes| {
        fixture.overlay.commit(&branch("main"), parent, &changes, text("Nothing", &bot())).unwrap()
    };
    assert_eq!(commit(None, BTreeMap::new()), None);
    assert_eq!(commit(None, BTreeMap::from([("absent".to_owned(), Change::Delete)])), None);
    assert_eq!(fixture.overlay.branch(&branch("main")).unwrap(), None);
    let first = fixture.commit("main", None, [("a/b", "x")]);
    assert_eq!(commit(Some(&first), BTreeMap::new()), None);
    assert_eq!(commit(Some(&first), files([("a/b", "x")])), None);
    assert_eq!(commit(Some(&first), BTreeMap::from([("absent/file".to_owned(), Change::Delete)])), None);
    assert_eq!(fixture.overlay.branch(&branch("main")).unwrap(), Some(first));
}

#[test]
fn the_same_input_gives_the_same_commit_id() {
    let ids = [fixture(), fixture()].map(|fixture| {
        let first = fixture.commit("main", None, [("README.md", "hello\n"), ("packages/a/package.nix", "{ }\n")]);
        let run = Change::Write { bytes: b"#!/bin/sh\n".to_vec(), executable: true };
        let changes = BTreeMap::from([("lib/run".to_owned(), run), ("README.md".to_owned(), Change::Delete)]);
        let second = fixture.overlay.commit(&branch("main"), Some(&first), &changes, text("Second", &bot()));
        (first, second.unwrap().unwrap())
    });
    assert_eq!(ids[0], ids[1]);
    // Written down, so that another machine, time zone or version of git is compared too.
    insta::assert_debug_snapshot!(ids[0], @r#"
(
    CommitSha(
        "11ba6495d01b6ed81c3541425cee979033e9efc0",
    ),
    CommitSha(
        "966b979739d239d368f685be433036b1779f1d14",
    ),
)
"#);
}

#[test]
fn what_is_written_can_be_read_and_listed() {
    let fixture = fixture();
    let first = fixture.commit("main", None, [("a/b/c", "1"), ("a/d", "2"), ("e", "3")]);
    assert_eq!(fixture.read("main", "a/b/c").unwrap(), "1");
    assert_eq!(fixture.read(first.as_str(), "a/d").unwrap(), "2");
    for absent in ["a", "a/b", "x", "e/f", "a/b/c/d"] {
        assert_eq!(fixture.read("main", absent), None, "{absent}");
    }
    assert_eq!(fixture.read("absent", "e"), None);
    let list = |folder: &str| fixture.overlay.list("main", folder).unwrap().join(" ");
    assert_eq!(
        (list(""), list("a"), list("e"), list("x")),
        ("a/ e".into(), "b/ d".into(), String::new(), String::new())
    );
    let absent: CommitSha = "0123456789012345678901234567890123456789".parse().unwrap();
    insta::assert_snapshot!(fixture.message(&fixture.overlay.read_file(absent.as_str(), "e").unwrap_err()), @"the overlay repository /state/var/overlay.git has no commit 0123456789012345678901234567890123456789; was it replaced or cut by hand?");
}

#[test]
fn a_folder_goes_with_its_last_file() {
    let fixture = fixture();
    let first = fixture.commit("main", None, [("a/b/c", "1"), ("e", "3")]);
    let delete = BTreeMap::from([("a/b/c".to_owned(), Change::Delete)]);
    fixture.overlay.commit(&branch("main"), Some(&first), &delete, text("Delete", &bot())).unwrap();
    assert_eq!(fixture.overlay.list("main", "").unwrap(), ["e"]);
}

#[test]
fn files_and_folders_do_not_take_each_others_place() {
    let fixture = fixture();
    let first = fixture.commit("main", None, [("a/b", "1"), ("e", "3")]);
    let refused = |changes| {
        let error = fixture.overlay.commit(&branch("main"), Some(&first), &changes, text("x", &bot())).unwrap_err();
        fixture.message(&error)
    };
    let said = [
        refused(files([("a", "x")])),
        refused(files([("e/f", "x")])),
        refused(files([("n", "x"), ("n/m", "x")])),
        refused(BTreeMap::from([("a".to_owned(), Change::Delete)])),
    ];
    insta::assert_snapshot!(said.join("\n"), @r#"
"a" cannot be written to the overlay: there is a folder of that name; move away by hand what is there
"e" cannot be written to the overlay: there is a file where its folder should be; move away by hand what is there
"n/m" cannot be a file of the overlay: another change makes it a folder or a file
"a" cannot be written to the overlay: there is a folder of that name; move away by hand what is there
"#);
}

#[test]
fn paths_that_could_leave_their_place_or_be_git_itself_are_refused() {
    for bad in [
        "",
        "/a",
        "a//b",
        "a/",
        "./a",
        "a/../b",
        "..",
        ".git",
        ".git/config",
        "a/.GIT/hooks/x",
        ".Git",
        "git~1/x",
        ".git ",
        ".git.",
        ".g\u{200c}it/x",
        "a\\b",
        "a\nb",
        "a\0b",
        "a\rb",
        "a:b",
        "a b",
        "ä",
        ".gitmodules",
        ".git::$INDEX",
        "a.",
        "CON\u{7f}",
    ] {
        assert!(check(bad).is_err(), "{bad:?}");
    }
    for good in ["flake.nix", "packages/fd-find/graph.json", ".gitignore", ".github/workflows/x.yml", "lib/a_b+c.sh"] {
        assert!(check(good).is_ok(), "{good:?}");
    }
    let fixture = fixture();
    let error = fixture.overlay.commit(&branch("main"), None, &files([("../x", "")]), text("x", &bot())).unwrap_err();
    insta::assert_snapshot!(fixture.message(&error), @r#""../x" cannot be a file of the overlay: it has an empty part, `.` or `..`"#);
    assert_eq!(fixture.overlay.branch(&branch("main")).unwrap(), None);
}

#[test]
fn a_branch_that_moved_meanwhile_is_not_overwritten() {
    let fixture = fixture();
    let (main, overlay) = (branch("main"), &fixture.overlay);
    let first = fixture.commit("main", None, [("a", "1")]);
    let second = fixture.commit("main", Some(&first), [("a", "2")]);
    let error = overlay.commit(&main, Some(&first), &files([("a", "3")]), text("x", &bot())).unwrap_err();
    insta::assert_snapshot!(fixture.message(&error), @"the branch main is at e208b71e3299b4790426bc5ee2b57be483fa2426, not at 2047b0672c5d487f4aa55ed54125686cec7ff325: it was changed by someone else meanwhile; nothing was overwritten, the next cycle starts from what is there");
    assert!(matches!(overlay.set_branch(&main, &first, Some(&first)), Err(GitError::BranchMoved { .. })));
    assert!(matches!(overlay.set_branch(&main, &first, None), Err(GitError::BranchMoved { .. })));
    assert!(matches!(overlay.set_branch(&branch("new"), &first, Some(&first)), Err(GitError::BranchMoved { .. })));
    assert_eq!(overlay.branch(&main).unwrap(), Some(second.clone()));
    overlay.set_branch(&main, &first, Some(&second)).unwrap();
    assert_eq!(overlay.branch(&main).unwrap(), Some(first));
}

#[test]
fn a_lock_that_a_killed_process_left_is_named() {
    let fixture = fixture();
    let first = fixture.commit("main", None, [("a", "1")]);
    crate::clients::files::write(&fixture.overlay.path().join("refs/heads/main.lock"), b"").unwrap();
    let changes = files([("a", "2")]);
    let error = fixture.overlay.commit(&branch("main"), Some(&first), &changes, text("x", &bot())).unwrap_err();
    insta::assert_snapshot!(fixture.message(&error), @"the branch main is locked: another process is moving it; if none is, one was killed meanwhile: delete /state/var/overlay.git/refs/heads/main.lock");
}

#[test]
fn a_lock_that_stays_is_removed_and_one_that_moves_is_not() {
    let fixture = fixture();
    let first = fixture.commit("main", None, [("a", "1")]);
    let lock = |name: &str| fixture.overlay.path().join(name);
    let make = |name: &str| crate::clients::files::write(&lock(name), b"").unwrap();
    let none: [std::path::PathBuf; 0] = [];
    assert_eq!(fixture.overlay.release_stale_locks(Duration::ZERO).unwrap(), none);
    make("refs/heads/nixwright/a.lock");
    make("packed-refs.lock");
    make("refs/heads/main.lock");
    let again = std::thread::scope(|scope| {
        // A living process that locks the same branch again and again.
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(100));
            // Beside the old one, so that it cannot get its number in the file system.
            make("refs/heads/other");
            std::fs::rename(lock("refs/heads/other"), lock("refs/heads/main.lock")).unwrap();
        });
        fixture.overlay.release_stale_locks(Duration::from_millis(400)).unwrap()
    });
    assert_eq!(again, [lock("packed-refs.lock"), lock("refs/heads/nixwright/a.lock")]);
    assert!(lock("refs/heads/main.lock").exists());
    assert_eq!(fixture.overlay.release_stale_locks(Duration::from_millis(10)).unwrap().len(), 1);
    fixture.commit("main", Some(&first), [("a", "2")]);
}

#[test]
fn a_merge_has_two_parents_and_both_changes() {
    let fixture = fixture();
    let first = fixture.commit("main", None, [("a", "1"), ("b", "1")]);
    fixture.commit("nixwright/x", Some(&first), [("a", "2")]);
    fixture.commit("main", Some(&first), [("b", "2")]);
    let merged = fixture.merge("nixwright/x").unwrap();
    assert_eq!((fixture.read("main", "a").unwrap().as_str(), fixture.read("main", "b").unwrap().as_str()), ("2", "2"));
    assert_eq!(fixture.overlay.branch(&branch("main")).unwrap(), Some(merged.clone()));
    // Doing it again does nothing, and still says which commit did it.
    let later = fixture.commit("main", Some(&merged), [("c", "1")]);
    assert_eq!(fixture.merge("nixwright/x").unwrap(), merged);
    assert_eq!(fixture.overlay.branch(&branch("main")).unwrap(), Some(later));
    let contains = |commit: &CommitSha, of: &CommitSha| fixture.overlay.contains(of, commit).unwrap();
    assert!(contains(&first, &merged) && contains(&merged, &merged) && !contains(&merged, &first));
}

#[test]
fn a_merge_that_could_fast_forward_is_a_commit_all_the_same() {
    let fixture = fixture();
    let first = fixture.commit("main", None, [("a", "1")]);
    let second = fixture.commit("nixwright/x", Some(&first), [("a", "2")]);
    let merged = fixture.merge("nixwright/x").unwrap();
    assert_ne!(merged, second);
}

#[test]
fn a_conflict_names_the_files_and_leaves_the_branch() {
    let fixture = fixture();
    let first = fixture.commit("main", None, [("a", "1"), ("b", "1"), ("c", "1")]);
    fixture.commit("nixwright/x", Some(&first), [("a", "2"), ("b", "2"), ("c", "2")]);
    let main = fixture.commit("main", Some(&first), [("a", "3"), ("b", "3")]);
    let merge = |from: &str| fixture.merge(from).unwrap_err();
    insta::assert_snapshot!(fixture.message(&merge("nixwright/x")), @"nixwright/x cannot be merged into main: both changed a, b; the next release is written on top of main, or merge by hand");
    insta::assert_snapshot!(fixture.message(&merge("absent")), @"the overlay repository /state/var/overlay.git has no branch absent; was it replaced or cut by hand?");
    assert_eq!(fixture.overlay.branch(&branch("main")).unwrap(), Some(main));
}

#[test]
fn a_branch_that_is_no_longer_what_was_built_is_not_merged() {
    let fixture = fixture();
    let first = fixture.commit("main", None, [("a", "1")]);
    let built = fixture.commit("nixwright/x", Some(&first), [("a", "2")]);
    fixture.commit("nixwright/x", Some(&built), [("a", "3")]);
    let merge = fixture.overlay.merge(&branch("main"), &branch("nixwright/x"), &built, text("Merge", &bot()));
    assert!(matches!(merge, Err(GitError::BranchMoved { .. })));
    assert_eq!(fixture.overlay.branch(&branch("main")).unwrap(), Some(first));
}

#[test]
fn the_bots_branch_is_replaced_but_a_persons_commits_are_kept() {
    let fixture = fixture();
    let (own, main, overlay) = (branch("nixwright/x"), branch("main"), &fixture.overlay);
    let first = fixture.commit("main", None, [("a", "1")]);
    let write = |parent: &CommitSha, value: &str, author: &Author| {
        overlay.write_commit(Some(parent), &files([("x", value)]), text("x", author)).unwrap().unwrap()
    };
    let publish = |commit: &CommitSha| overlay.publish_branch(&own, commit, &main, &bot());
    let (old, new) = (write(&first, "1", &bot()), write(&first, "2", &bot()));
    assert_eq!(publish(&old).unwrap(), BranchUpdate::Created);
    assert_eq!(publish(&old).unwrap(), BranchUpdate::Unchanged);
    assert_eq!(publish(&new).unwrap(), BranchUpdate::Moved { from: old });

    let theirs = write(&new, "a person's", &person());
    overlay.set_branch(&own, &theirs, Some(&new)).unwrap();
    let error = publish(&write(&first, "3", &bot())).unwrap_err();
    insta::assert_snapshot!(fixture.message(&error), @"the branch nixwright/x has commits of a person (90fcdf0e31 by A Person); they are not overwritten: merge or close the pull request, or delete the branch");
    assert_eq!(overlay.branch(&own).unwrap(), Some(theirs.clone()));

    // On top of the person's commit nothing is lost.
    let on_top = write(&theirs, "4", &bot());
    assert_eq!(publish(&on_top).unwrap(), BranchUpdate::Moved { from: theirs });
    // Nor is it once that commit is merged.
    let merged = fixture.merge("nixwright/x").unwrap();
    assert_eq!(publish(&write(&merged, "5", &bot())).unwrap(), BranchUpdate::Moved { from: on_top });
}

#[test]
fn what_is_there_is_opened_and_what_is_no_bare_repository_is_refused() {
    let fixture = fixture();
    fixture.commit("main", None, [("a", "1")]);
    let again = Overlay::open_or_init(fixture.overlay.path()).unwrap();
    assert!(again.branch(&branch("main")).unwrap().is_some());
    let other = fixture.folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    insta::assert_snapshot!(fixture.message(&Overlay::open_or_init(&other).unwrap_err()), @"cannot open the overlay repository /state/other: path is not a repository: /state/other; it has to be a bare git repository: move away what is there, and a new one is made");
}

#[test]
fn git_itself_finds_nothing_to_object() {
    let fixture = fixture();
    let first = fixture.commit("main", None, [("a-b", "1"), ("a/b", "1"), ("a.b", "1")]);
    fixture.commit("nixwright/x", Some(&first), [("a/c", "2")]);
    fixture.merge("nixwright/x").unwrap();
    let git = |arguments: &[&str]| run_git(fixture.overlay.path(), arguments);
    assert_eq!(git(&["fsck", "--strict", "--no-dangling"]), "");
    assert_eq!(git(&["symbolic-ref", "HEAD"]), "refs/heads/main\n");
    assert_eq!(git(&["ls-tree", "-r", "--name-only", "main"]), "a-b\na.b\na/b\na/c\n");
    insta::assert_snapshot!(git(&["log", "-1", "--format=%an <%ae> %ad%n%cn %cd%n%B", "--date=raw", "nixwright/x"]), @r#"
nixwright <bot@nixwright.invalid> 1771073807 +0000
nixwright 1771073807 +0000
A change
"#);
}

#[expect(clippy::disallowed_methods, reason = "the judge is git itself")]
fn run_git(repository: &Path, arguments: &[&str]) -> String {
    let output = std::process::Command::new("git").arg("--git-dir").arg(repository).args(arguments).output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn commits_are_compared_where_it_matters() {
    let fixture = fixture();
    let base = fixture.commit("main", None, [("lib/a.nix", "1"), ("packages/a/graph.json", "1")]);
    let lib = fixture.commit("main", Some(&base), [("lib/a.nix", "2")]);
    let package = fixture.commit("nixwright/a", Some(&base), [("packages/a/graph.json", "2")]);
    let differs = |paths: &[&str]| {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        fixture.overlay.differs(&base, &lib, &paths).unwrap()
    };
    assert!(differs(&["lib"]) && differs(&["flake.nix", "lib/a.nix"]));
    assert!(!differs(&["packages/a", "flake.nix"]));
    assert_eq!(fixture.overlay.common_ancestor(&lib, &package).unwrap(), Some(base));
}
