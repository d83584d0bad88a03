//! What was selected.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::replacements::Instead;
use super::select::Selection;
use crate::go::GoError;
use crate::go::catalog::ModuleVersion;
use crate::go::sums::Sums;
use crate::go::version::{gover, is_toolchain};
use crate::plan::go::Replacement;

/// The modules that a project is built from: what `go list -m all` says, and what looking for packages needs.
#[derive(Debug, Clone, Default)]
pub struct BuildList {
    /// The main modules' paths, in the order in which Go lists them.
    pub mains: Vec<String>,
    /// Whether they are members of a workspace.
    pub workspace: bool,
    /// The go line: the main module's or the workspace's, or what counts where there is none.
    pub go: String,
    /// The toolchain line, as written.
    pub toolchain: Option<String>,
    /// The `godebug` lines that count, in order.
    pub godebug: Vec<(String, String)>,
    /// Every selected module by path, the main modules included.
    pub modules: BTreeMap<String, Selected>,
    /// Whether a package is looked for in the roots alone ([`Selected::root`]), so that finding it there is enough, and not finding
    /// it there is an error for what a main module imports. Otherwise all modules are looked at together.
    pub roots_first: bool,
    /// What go.sum and go.work.sum say of the zips of these modules. Go does not build with one of which they say nothing, except
    /// in a workspace.
    pub sums: Sums<'static>,
    /// The go.mod files from proxies that are read whatever is built.
    mod_files: Vec<ModuleVersion>,
}

/// A selected module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// Its version; empty for a main module.
    pub version: String,
    /// What stands in its place.
    pub replace: Option<Replacement>,
    /// Where its files are.
    pub source: Place,
    /// The go line of the go.mod that counts, where that was read.
    pub go: Option<String>,
    /// Whether the go.mod that counts was read. That of a module which others require and whose packages none of them needs was not.
    pub read: bool,
    /// Whether a main module requires it, or is it.
    pub root: bool,
    /// Whether a main module requires it without `// indirect`.
    pub direct: bool,
}

/// Where a module's files are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A main module's folder, relative to the project's root.
    Main(String),
    /// The folder of a replacement, relative to the project's root, or rooted.
    Folder(String),
    /// A proxy: itself, or what replaces it.
    Proxy(ModuleVersion),
}

impl BuildList {
    pub(super) fn new(selection: &Selection<'_>) -> Result<Self, GoError> {
        let inputs = selection.inputs;
        let dirs: HashMap<&str, &str> =
            inputs.mains.iter().map(|main| (main.file.module.as_str(), main.dir.as_str())).collect();
        let lines = || inputs.mains.iter().flat_map(|main| &main.file.require);
        let required: HashMap<&str, bool> = lines().fold(HashMap::new(), |mut all, line| {
            *all.entry(line.module.path.as_str()).or_default() |= !line.indirect;
            all
        });
        let mut modules = BTreeMap::new();
        for node in selection.nodes.selected() {
            let path = selection.nodes.name(node);
            if is_toolchain(path) {
                continue;
            }
            let version = selection.nodes.get(node).version.to_string();
            let (replace, source) = match dirs.get(path).filter(|_| version.is_empty()) {
                Some(dir) => (None, Place::Main((*dir).to_owned())),
                None => place(path, &version, inputs.replacements.of(path, &version)?),
            };
            let main = matches!(source, Place::Main(_));
            let own = || inputs.mains.iter().map(|main| &main.file).find(|file| main && file.module == path);
            let file = selection.files.get(&node).copied().or_else(own);
            let selected = Selected {
                version,
                replace,
                go: file.and_then(|file| file.go.clone()),
                read: file.is_some(),
                root: main || inputs.work.is_none() && required.contains_key(path),
                direct: required.get(path).copied().unwrap_or_default(),
                source,
            };
            modules.insert(path.to_owned(), selected);
        }
        let mains = selection.roots.iter().map(|root| selection.nodes.name(*root)).filter(|path| !is_toolchain(path));
        let godebug = match (&inputs.work, inputs.single()) {
            (Some(work), _) => work.godebug.clone(),
            (None, Some(main)) => main.file.godebug.clone(),
            (None, None) => Vec::new(),
        };
        let roots_first = inputs.work.is_none() && gover::prunes(Some(inputs.go()));
        let zips = modules.values().filter_map(|module| match &module.source {
            Place::Proxy(version) => Some(version),
            Place::Main(_) | Place::Folder(_) => None,
        });
        let sums = inputs.sums.zips(&zips);
        Ok(Self {
            mains: mains.map(str::to_owned).collect(),
            workspace: inputs.work.is_some(),
            go: inputs.go().to_owned(),
            toolchain: inputs.toolchain().map(str::to_owned),
            godebug,
            modules,
            roots_first,
            sums,
            mod_files: if roots_first { Vec::new() } else { selection.fetched_files() },
        })
    }

    /// The lines of `go list -m all`.
    pub fn lines(&self) -> Vec<String> {
        let others = self.modules.keys().filter(|path| !self.mains.contains(path));
        let line = |path: &String| self.modules.get(path).map(|module| module.line(path));
        self.mains.iter().chain(others).filter_map(line).collect()
    }

    /// The go.mod files from proxies that stock Go reads when it builds packages of the modules `used` (paths, main modules left
    /// out): those of the whole graph, or, where packages are found in the roots, those of the modules that have them.
    pub fn mod_files<'a>(&self, used: impl IntoIterator<Item = &'a str>) -> BTreeSet<ModuleVersion> {
        let files = used.into_iter().filter_map(|path| match &self.modules.get(path)?.source {
            Place::Proxy(module) => Some(module.clone()),
            Place::Main(_) | Place::Folder(_) => None,
        });
        files.chain(self.mod_files.iter().cloned()).collect()
    }

    /// Whether each module stands for one path only: Go refuses to build with one that replaces two, or replaces one and is itself
    /// used.
    ///
    /// # Errors
    ///
    /// A module version that is used for two paths.
    pub fn check_paths(&self) -> Result<(), GoError> {
        let mut seen: HashMap<&Place, &str> = HashMap::new();
        for (path, module) in self.modules.iter().filter(|(_, module)| module.root || !self.roots_first) {
            let Some(before) = seen.insert(&module.source, path) else { continue };
            let what = match &module.source {
                Place::Main(dir) | Place::Folder(dir) => dir.clone(),
                Place::Proxy(module) => module.to_string(),
            };
            let reason = format!("{what} is used for two module paths: {before} and {path}");
            return Err(GoError::Invalid {
                file: if self.workspace { "go.work" } else { "go.mod" }.to_owned(),
                reason,
            });
        }
        Ok(())
    }
}

impl Selected {
    fn line(&self, path: &str) -> String {
        let own = if self.version.is_empty() { path.to_owned() } else { format!("{path} {}", self.version) };
        match &self.replace {
            Some(Replacement::Module { path, version }) => format!("{own} => {path} {version}"),
            Some(Replacement::Directory { path }) => format!("{own} => {path}"),
            None => own,
        }
    }
}

fn place(path: &str, version: &str, instead: Option<Instead>) -> (Option<Replacement>, Place) {
    match instead {
        None => (None, Place::Proxy(ModuleVersion { path: path.to_owned(), version: version.to_owned() })),
        Some(Instead::Module(by)) => {
            let replace = Replacement::Module { path: by.path.clone(), version: by.version.clone() };
            (Some(replace), Place::Proxy(by))
        }
        Some(Instead::Folder { shown, dir }) => (Some(Replacement::Directory { path: shown }), Place::Folder(dir)),
    }
}
