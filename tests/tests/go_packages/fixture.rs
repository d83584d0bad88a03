//! A module that a test writes, as Go and as the resolver see it.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use nixwright_resolver::go::catalog::{Known, LocalModule, Project, Target};
use nixwright_resolver::go::facts::{Builder, Content, ModuleFacts};
use nixwright_resolver::go::graph::{self, GraphStep};
use nixwright_resolver::go::packages::{self, PackageGraph, PackageStep};
use nixwright_tests::process::{files_below, run, write_file};

use super::judge;

/// A folder with a module in it, and with others that its `replace` lines lead to.
pub(crate) struct Fixture {
    folder: tempfile::TempDir,
    /// The import path of the program; of all, if there is none.
    program: Option<String>,
}

impl Fixture {
    /// From a text in which `-- PATH --` begins a file; `-- PATH -> TARGET --` is a symbolic link.
    pub(crate) fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for part in text.split("\n-- ").filter(|part| !part.trim().is_empty()) {
            let (name, content) = part.trim_start_matches("-- ").split_once(" --").expect("a file with its name");
            match name.split_once(" -> ") {
                Some((link, target)) => symlink(target, folder.path().join(link)).expect("a link"),
                None => write_file(&folder.path().join(name), content.strip_prefix('\n').unwrap_or_default()),
            }
        }
        Self { folder, program: None }
    }

    /// A main module `example.org/m` with these files, without any dependency.
    pub(crate) fn module(text: &str) -> Self {
        Self::new(&format!("-- go.mod --\nmodule example.org/m\n\ngo 1.24\n{text}"))
    }

    /// Only one program is built.
    pub(crate) fn program(mut self, path: &str) -> Self {
        self.program = Some(path.to_owned());
        self
    }

    /// One more file.
    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        write_file(&self.folder.path().join(path), content);
        self
    }

    fn local(&self, dir: &str) -> LocalModule {
        let root = self.folder.path().join(dir);
        let read = |name: &str| std::fs::read_to_string(root.join(name)).ok();
        LocalModule {
            dir: dir.to_owned(),
            go_mod: read("go.mod").unwrap_or_default(),
            go_sum: read("go.sum"),
            facts: Arc::new(facts(&root)),
            version: None,
        }
    }

    /// What ours finds.
    pub(crate) fn resolve(&self, target: &Target) -> Result<PackageGraph, String> {
        let mut project = Project {
            mains: vec![self.local(".")],
            programs: self.program.clone().into_iter().collect(),
            ..Project::default()
        };
        for dir in graph::folders(&project).map_err(|error| error.to_string())? {
            project.folders.insert(dir.clone(), self.local(&dir));
        }
        let known = Known::default();
        let list = match graph::step(&project, &known, target.standard.version()).map_err(|error| error.to_string())? {
            GraphStep::Done(list) => list,
            GraphStep::Need(needs) => panic!("{needs:?}"),
        };
        match packages::step(&project, &list, target, &known).map_err(|error| error.to_string())? {
            PackageStep::Done(graph) => Ok(*graph),
            PackageStep::Need(needs) => panic!("{needs:?}"),
        }
    }

    /// Fails the test, unless ours is what Go lists on each of the target's systems: equal, or refused by both.
    #[track_caller]
    pub(crate) fn agrees(&self, target: &Target) -> Result<PackageGraph, String> {
        let ours = self.resolve(target);
        for system in &target.systems {
            let what = self.program.as_deref().unwrap_or("./...");
            let mut list = judge::list(self.folder.path(), system, target, &[what]);
            let finished = run(&mut list);
            let refused = match &ours {
                Ok(graph) => graph.refused.get(&system.system).map(ToString::to_string),
                Err(error) => Some(error.clone()),
            };
            match (finished.code, refused) {
                (Some(0), None) => {}
                (Some(0), Some(error)) => panic!("{}: only ours refuses: {error}", system.system),
                (_, Some(_)) => continue,
                (_, None) => panic!("{}: only Go refuses: {}", system.system, finished.stderr),
            }
            let graph = ours.as_ref().expect("what is not refused");
            let listed = judge::parse(&finished.stdout);
            let (standard, others) = judge::apart(listed);
            let mut different = judge::differences(&others, &judge::on(&graph.packages, &system.system));
            let own = graph.standard.get(&system.system).cloned().unwrap_or_default();
            different.extend(standard.symmetric_difference(&own).map(|path| format!("{path}: only one of the two")));
            assert!(different.is_empty(), "{} cgo {}\n{}", system.system, target.cgo, different.join("\n"));
        }
        ours
    }
}

/// The facts of a folder of the project.
fn facts(root: &Path) -> ModuleFacts {
    let mut builder = Builder::local();
    for path in files_below(root) {
        let (name, whole) = (path.to_str().expect("a name in UTF-8"), root.join(&path));
        let bytes = std::fs::read(&whole).ok();
        let content = match &bytes {
            _ if whole.is_symlink() => Content::Link(bytes.as_deref()),
            Some(bytes) if Builder::wants(name) => Content::Bytes(bytes),
            _ => Content::Unread,
        };
        builder.add(name, content);
    }
    let facts = builder.finish(String::new(), String::new()).expect("facts");
    assert_eq!(ModuleFacts::from_bytes(facts.to_bytes().to_vec()).as_ref(), Ok(&facts));
    facts
}
