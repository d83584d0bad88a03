//! Our side: a universe resolved without a disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use nixwright_resolver::go::catalog::{Known, LocalModule, Lookup, ModFile, ModuleVersion, Need, Project};
use nixwright_resolver::go::facts::{Builder, Content, ModuleFacts, StandardBuilder, StandardLibrary};
use nixwright_resolver::go::graph::{self, Place};
use nixwright_resolver::go::modfile::{GoMod, Reading};
use nixwright_resolver::go::paths;
use nixwright_resolver::go::sums::hash_of_go_mod;
use nixwright_resolver::go::vendor::{self, Copies, Vendor, VendorStep};
use nixwright_resolver::go::workfile::GoWork;
use nixwright_tests::go::proxy::all_sums;
use nixwright_tests::go::universe::Universe;
use nixwright_tests::process::{command, files_below, stdout_of};

/// What is vendored.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ours {
    /// The text.
    pub(super) modules_txt: String,
    /// The files that are copied.
    pub(super) files: BTreeSet<String>,
}

/// What ours would write.
pub(super) fn vendored(universe: &Universe) -> Result<Ours, String> {
    let project = project(universe)?;
    let standard = standard();
    let mut known = Known::default();
    loop {
        match vendor::step(&project, &standard, &known).map_err(|error| error.to_string())? {
            VendorStep::Need(needs) => needs.into_iter().for_each(|need| answer(universe, need, &mut known)),
            VendorStep::Done(vendor) => {
                let files = files(universe, &project, &known, &vendor)?;
                return Ok(Ours { modules_txt: vendor.modules_txt, files });
            }
        }
    }
}

fn project(universe: &Universe) -> Result<Project, String> {
    let text = |path: &str| universe.files.get(path).cloned();
    let mut project = Project::default();
    match text("go.work") {
        Some(work) => {
            let file = GoWork::parse(&work).map_err(|error| error.to_string())?;
            project.mains = file.uses.iter().filter_map(|used| local(universe, &paths::clean(&used.path))).collect();
            project.work = Some((work, text("go.work.sum")));
        }
        None => project.mains.extend(local(universe, ".")),
    }
    for dir in graph::folders(&project).map_err(|error| error.to_string())? {
        if let Some(module) = local(universe, &dir) {
            project.folders.insert(dir, module);
        }
    }
    Ok(project)
}

fn local(universe: &Universe, dir: &str) -> Option<LocalModule> {
    let files = below(universe, dir);
    let mut facts = Builder::local();
    for (path, content) in &files {
        facts.add(path, Content::Bytes(content.as_bytes()));
    }
    let facts = Arc::new(facts.finish(String::new(), String::new()).expect("small"));
    let text = |name: &str| files.get(name).map(|text| (*text).to_owned());
    Some(LocalModule { dir: dir.to_owned(), go_mod: text("go.mod")?, go_sum: text("go.sum"), facts, version: None })
}

/// The project's files in a folder.
fn below<'a>(universe: &'a Universe, dir: &str) -> BTreeMap<&'a str, &'a str> {
    let inside = |path: &'a str| if dir == "." { Some(path) } else { path.strip_prefix(dir)?.strip_prefix('/') };
    universe.project().filter_map(|(path, content)| Some((inside(path)?, content))).collect()
}

fn answer(universe: &Universe, need: Need, known: &mut Known) {
    let releases = universe.releases();
    let absent = || "404".to_owned();
    match need {
        Need::Mod(module) => {
            let text = releases.get(module.to_string().as_str()).map(|release| {
                let own = release.get(".mod").or_else(|| release.get("go.mod"));
                own.map_or_else(|| GoMod::without_file(&module.path), |text| (*text).to_owned())
            });
            let read = |text: String| -> Result<ModFile, String> {
                let content = GoMod::parse(&text, Reading::Dependency).map_err(|error| error.to_string())?;
                Ok(ModFile { content: Arc::new(content), sum: hash_of_go_mod(text.as_bytes()), hash: String::new() })
            };
            let found = text.ok_or_else(absent).and_then(read);
            known.mods.insert(module, found.map_or_else(|why| Lookup::Absent { why }, Lookup::Found));
        }
        Need::Zip(module) => {
            let found = facts(universe, &module).map(Arc::new).ok_or_else(absent);
            known.zips.insert(module, found.map_or_else(|why| Lookup::Absent { why }, Lookup::Found));
        }
    }
}

fn facts(universe: &Universe, module: &ModuleVersion) -> Option<ModuleFacts> {
    let releases = universe.releases();
    let release = releases.get(module.to_string().as_str())?;
    let mut facts = Builder::module();
    for (path, content) in release.iter().filter(|(path, _)| **path != ".mod") {
        facts.add(path, Content::Bytes(content.as_bytes()));
    }
    let line = format!("{} {} ", module.path, module.version);
    let sums = all_sums(universe);
    let sum = sums.lines().find_map(|other| other.strip_prefix(&line))?;
    facts.finish(sum.to_owned(), String::new()).ok()
}

/// The files that are all.
fn files(universe: &Universe, project: &Project, known: &Known, vendor: &Vendor) -> Result<BTreeSet<String>, String> {
    let releases = universe.releases();
    let mut all = BTreeSet::new();
    for (module, packages) in vendor.by_module() {
        let (files, facts) = match &vendor.list.modules[module].source {
            Place::Proxy(version) => {
                let Some(Lookup::Found(facts)) = known.zips.get(version) else {
                    return Err(format!("{version} is not known"));
                };
                (releases[version.to_string().as_str()].clone(), facts)
            }
            Place::Main(dir) | Place::Folder(dir) => (below(universe, dir), &project.folders[dir].facts),
        };
        let copies = Copies::of(module, packages, facts, &vendor.list.go).map_err(|error| error.to_string())?;
        for (path, content) in files.into_iter().filter(|(path, _)| *path != ".mod") {
            if copies.may_have(path) && copies.has(path, content.as_bytes()) {
                all.insert(format!("{module}/{path}"));
            }
        }
    }
    Ok(all)
}

/// The pinned toolchain's standard library, read once.
fn standard() -> Arc<StandardLibrary> {
    static STANDARD: OnceLock<Arc<StandardLibrary>> = OnceLock::new();
    let read = || {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/go/bin/go");
        let mut go = if own.exists() { command(own) } else { command("go") };
        let root: PathBuf = stdout_of(go.args(["env", "GOROOT"]).env("GOTOOLCHAIN", "local")).trim().into();
        let source = root.join("src");
        let mut builder = StandardLibrary::builder();
        for path in files_below(&source) {
            let name = path.to_str().expect("plain names");
            let bytes = StandardBuilder::wants(name).then(|| std::fs::read(source.join(&path)).expect("a file of Go"));
            builder.add(name, bytes.as_deref().map_or(Content::Unread, Content::Bytes));
        }
        Arc::new(builder.finish().expect("Go's own library"))
    };
    STANDARD.get_or_init(read).clone()
}
