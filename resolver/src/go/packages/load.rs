//! Following imports from some packages on, for all systems at once: what is wanted of a package is a set of systems, and each import hands on the
//! systems that have it.

use std::collections::VecDeque;

use foldhash::HashMap;

use super::error::PackageError;
use super::modules::{Found, Modules};
use super::rules::{Guard, is_safe_argument};
use super::selection::{Context, Selection};
use crate::go::GoError;
use crate::go::catalog::GoSystem;
use crate::go::constraint::Mask;
use crate::go::facts::{FactsError, Folder};

/// A package that is imported on some system.
pub(super) struct Node<'k> {
    pub(super) path: String,
    /// The module that it is in; nothing for the standard library.
    pub(super) module: Option<&'k str>,
    /// Its folder in the module.
    pub(super) dir: String,
    pub(super) folder: Folder<&'k str>,
    pub(super) selection: Selection<'k>,
    /// Who may import it.
    guard: Guard,
    /// The systems on which it is imported.
    pub(super) wanted: Mask,
    /// Those for which its imports have been followed.
    followed: Mask,
    /// Whom it imports, and where.
    pub(super) imports: Vec<(usize, Mask)>,
    /// Whom it brings along without an import that is written.
    pub(super) implied: Vec<(usize, Mask)>,
}

/// How one package comes to need another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Written,
    Implied,
}

/// What was loaded so far.
pub(super) struct Loader<'k> {
    pub(super) modules: Modules<'k>,
    pub(super) context: Context,
    systems: &'k [GoSystem],
    pub(super) nodes: Vec<Node<'k>>,
    by_path: HashMap<String, usize>,
    /// Where the import paths of packages outside of the standard library lead.
    resolved: HashMap<&'k str, Option<usize>>,
    /// Where those lead that the standard library's packages have.
    resolved_in_standard: HashMap<&'k str, usize>,
    queue: VecDeque<usize>,
    /// What is wrong, and on which systems.
    pub(super) problems: Vec<(Mask, GoError)>,
}

/// Packages of the standard library that a program with cgo is made of, and those that do without (`cgoExclude` and
/// `cgoSyscallExclude` of cmd/go).
const CGO_ITSELF: &str = "runtime/cgo";
const WITHOUT_SYSCALL: &[&str] = &["runtime/cgo", "runtime/race", "runtime/msan", "runtime/asan"];

/// What an import of `simd` brings where the processor is known to have it.
const SIMD_BRIDGE: &str = "simd/internal/bridge";

impl<'k> Loader<'k> {
    pub(super) fn new(modules: Modules<'k>, context: Context, systems: &'k [GoSystem]) -> Self {
        Self {
            modules,
            context,
            systems,
            nodes: Vec::new(),
            by_path: HashMap::default(),
            resolved: HashMap::default(),
            resolved_in_standard: HashMap::default(),
            queue: VecDeque::new(),
            problems: Vec::new(),
        }
    }

    /// The systems for which something holds.
    fn where_system(&self, holds: impl Fn(&GoSystem) -> bool) -> Mask {
        self.systems.iter().enumerate().filter(|(_, system)| holds(system)).fold(0, |all, (index, _)| all | 1 << index)
    }

    /// Wants a package on some systems.
    pub(super) fn want(&mut self, node: usize, on: Mask) {
        if let Some(entry) = self.nodes.get_mut(node) {
            entry.wanted |= on;
            if entry.wanted & !entry.followed != 0 {
                self.queue.push_back(node);
            }
        }
    }

    /// The package of a path that `importer` imports; nothing, if more must be known first.
    pub(super) fn find(&mut self, path: &str, importer: &str) -> Result<Option<usize>, GoError> {
        if let Some(node) = self.by_path.get(path) {
            return Ok(Some(*node));
        }
        match self.modules.find(path, importer)? {
            Found::Standard => self.standard(path).map(Some),
            Found::Module(module) => {
                let dir = path.get(module.len() + 1..).unwrap_or_default();
                let facts = self.modules.facts(module);
                let folder = facts.map(|facts| facts.folder(dir)).transpose().map_err(|error| damaged(path, &error))?;
                Ok(Some(self.add(path, Some(module), dir, folder.flatten().unwrap_or_default())))
            }
            Found::Unknown => Ok(None),
        }
    }

    /// A package of the standard library.
    pub(super) fn standard(&mut self, path: &str) -> Result<usize, GoError> {
        if let Some(node) = self.by_path.get(path) {
            return Ok(*node);
        }
        let folder = self.modules.standard.folder(path).map_err(|error| damaged(path, &error))?;
        Ok(self.add(path, None, path, folder.unwrap_or_default()))
    }

    fn add(&mut self, path: &str, module: Option<&'k str>, dir: &str, folder: Folder<&'k str>) -> usize {
        let selection = Selection::new(&folder, &self.context);
        let node = self.nodes.len();
        self.nodes.push(Node {
            path: path.to_owned(),
            module,
            dir: dir.to_owned(),
            folder,
            selection,
            guard: Guard::new(path),
            wanted: 0,
            followed: 0,
            imports: Vec::new(),
            implied: Vec::new(),
        });
        self.by_path.insert(path.to_owned(), node);
        node
    }

    /// The systems on which a package has files that are compiled.
    pub(super) fn there(&self, node: usize) -> Mask {
        let names = self.nodes.get(node).map(|node| node.selection.names.as_slice()).unwrap_or_default();
        names.iter().fold(0, |all, (_, mask)| all | mask)
    }

    /// Follows imports until there are no more.
    pub(super) fn follow(&mut self) {
        while let Some(node) = self.queue.pop_front() {
            let Some(entry) = self.nodes.get_mut(node) else { continue };
            let on = entry.wanted & !entry.followed;
            entry.followed |= on;
            if on == 0 {
                continue;
            }
            let own = entry.folder.imports.iter().zip(&entry.selection.imports);
            let imports: Vec<(&'k str, Mask)> = own.map(|(path, mask)| (*path, mask & on)).collect();
            for (path, mask) in imports.into_iter().filter(|(_, mask)| *mask != 0) {
                if let Err(error) = self.import(node, path, mask) {
                    self.problems.push((mask, error));
                }
            }
            for (path, mask) in self.implied(node, on) {
                match self.standard(path) {
                    Ok(target) => self.connect(node, target, mask, Way::Implied),
                    Err(error) => self.problems.push((mask, error)),
                }
            }
        }
    }

    fn connect(&mut self, from: usize, to: usize, mask: Mask, way: Way) {
        if let Some(entry) = self.nodes.get_mut(from) {
            let list = if way == Way::Written { &mut entry.imports } else { &mut entry.implied };
            match list.iter_mut().find(|(other, _)| *other == to) {
                Some((_, already)) => *already |= mask,
                None => list.push((to, mask)),
            }
        }
        self.want(to, mask);
    }

    /// Follows an import that is written in a package.
    fn import(&mut self, node: usize, path: &'k str, mask: Mask) -> Result<(), GoError> {
        let Some(entry) = self.nodes.get(node) else { return Ok(()) };
        let standard = entry.module.is_none();
        let target = if standard {
            if let Some(target) = self.resolved_in_standard.get(path) {
                Some(*target)
            } else {
                let target = self.in_standard(&entry.path.clone(), path)?;
                self.resolved_in_standard.insert(path, target);
                Some(target)
            }
        } else if let Some(target) = self.resolved.get(path) {
            *target
        } else {
            let importer = entry.path.clone();
            let target = self.find(path, &importer)?;
            self.resolved.insert(path, target);
            target
        };
        let Some(target) = target else { return Ok(()) };
        self.check(node, target, path, mask)?;
        self.connect(node, target, mask, Way::Written);
        if path == "simd" && self.modules.standard.has(SIMD_BRIDGE) {
            let vectors = self.where_system(|system| matches!(system.arch.as_str(), "wasm" | "amd64" | "arm64")) & mask;
            if vectors != 0 {
                let bridge = self.standard(SIMD_BRIDGE)?;
                self.connect(node, bridge, vectors, Way::Implied);
            }
        }
        Ok(())
    }

    /// A package that the standard library imports: what it brings along itself first.
    fn in_standard(&mut self, importer: &str, path: &str) -> Result<usize, GoError> {
        let vendored = format!("vendor/{path}");
        let path = if !super::rules::is_standard_path(path) && self.modules.standard.has(&vendored) {
            vendored.as_str()
        } else {
            path
        };
        if !self.modules.standard.has(path) {
            let rules = self.modules.standard.version().to_owned();
            let (path, importer) = (path.to_owned(), importer.to_owned());
            return Err(PackageError::NotStandard { path, importer, rules }.into());
        }
        self.standard(path)
    }

    /// Whether one package may import the other.
    fn check(&self, from: usize, to: usize, written: &str, mask: Mask) -> Result<(), GoError> {
        let (Some(from), Some(to)) = (self.nodes.get(from), self.nodes.get(to)) else { return Ok(()) };
        let refuse = |reason: &str| Err(PackageError::import(written, &from.path, reason).into());
        if !to.guard.lets_in(&to.path, to.module.is_none(), &from.path, from.module.is_none()) {
            return refuse("use of internal package not allowed");
        }
        // What the standard library imports is written otherwise than it is called.
        let other_name =
            if to.path == written { to.guard.other_name(written) } else { Guard::new(written).other_name(written) };
        if let Some(path) = other_name {
            return refuse(&format!("must be imported as {path}"));
        }
        if to.selection.main() & mask != 0 {
            return refuse("this is a program, not an importable package");
        }
        let list = self.modules.list;
        let (Some(module), Some(importer)) = (to.module, from.module) else { return Ok(()) };
        let is_main = |module: &str| list.mains.iter().any(|main| main == module);
        let implicit = list.modules.get(module).filter(|module| !module.root && !list.workspace);
        // A go.mod that lets the graph be pruned names every module that has a package which is needed, whoever imports it.
        let asks = list.roots_first || is_main(importer);
        if let (Some(selected), true, false) = (implicit, asks, is_main(module)) {
            return Err(PackageError::Implicit {
                path: to.path.clone(),
                importer: from.path.clone(),
                module: format!("{module} {}", selected.version),
            }
            .into());
        }
        Ok(())
    }

    /// What is imported without being written: for cgo, for SWIG, and by the linker for programs (`LinkerDeps` of cmd/go).
    fn implied(&self, node: usize, on: Mask) -> Vec<(&'static str, Mask)> {
        let Some(entry) = self.nodes.get(node) else { return Vec::new() };
        let selection = &entry.selection;
        let standard = entry.module.is_none();
        let mut implied = Vec::new();
        let c = (selection.cgo | selection.swig) & on;
        implied.push(("unsafe", c));
        if !standard || entry.path != CGO_ITSELF {
            implied.push((CGO_ITSELF, c));
        }
        if !standard || !WITHOUT_SYSCALL.contains(&entry.path.as_str()) {
            implied.push(("syscall", c));
        }
        implied.push(("sync", selection.swig & on));
        let main = selection.main() & on;
        if main != 0 {
            implied.push(("runtime", main));
            implied.push((CGO_ITSELF, self.where_system(must_link_external) & main));
            implied.push(("math", self.where_system(|system| system.arch == "arm") & main));
        }
        implied.retain(|(_, mask)| *mask != 0);
        implied
    }

    /// What is wrong with the packages that were found, once all are: their files, what they are called, cycles.
    pub(super) fn check_all(&mut self) {
        let mut problems = Vec::new();
        for node in self.nodes.iter().filter(|node| node.wanted != 0) {
            for (mask, reason) in node.selection.problems.iter().filter(|(mask, _)| mask & node.wanted != 0) {
                problems.push((mask & node.wanted, PackageError::broken(&node.path, reason.clone()).into()));
            }
            problems.extend(check_files(node));
        }
        let external = self.where_system(must_link_external);
        let main = |node: &&Node<'_>| node.selection.main() & node.wanted & external != 0;
        if let Some(node) = self.nodes.iter().find(main).filter(|_| !self.context.cgo) {
            let reason = "linking needs cgo on this system, but cgo is not enabled";
            problems.push((external, PackageError::broken(&node.path, reason).into()));
        }
        problems.extend(self.colliding_paths());
        self.problems.extend(problems);
        super::cycles::find(&self.nodes, &mut self.problems);
    }

    /// Import paths that differ only in case.
    fn colliding_paths(&self) -> Vec<(Mask, GoError)> {
        let mut seen: HashMap<String, usize> = HashMap::default();
        let mut problems = Vec::new();
        let has_capitals =
            |node: &&Node<'k>| node.wanted != 0 && node.path.bytes().any(|byte| byte.is_ascii_uppercase());
        for (place, node) in self.nodes.iter().enumerate().filter(|(_, node)| has_capitals(node)) {
            let lower = node.path.to_lowercase();
            let is_there =
                |other: &&usize| self.nodes.get(**other).is_some_and(|other| other.wanted & node.wanted != 0);
            let plain = self.by_path.get(&lower).filter(is_there).copied();
            let other = plain.unwrap_or_else(|| *seen.entry(lower).or_insert(place));
            // Go tells of the one that it comes to later.
            let (Some(first), Some(second)) = (self.nodes.get(other.min(place)), self.nodes.get(other.max(place)))
            else {
                continue;
            };
            let both = first.wanted & second.wanted;
            if other != place && both != 0 {
                let reason = format!("case-insensitive import collision: {:?} and {:?}", second.path, first.path);
                problems.push((both, PackageError::broken(&second.path, reason).into()));
            }
        }
        problems
    }
}

/// Names of files that a tool could take for options, or that are one on some file systems.
fn check_files(node: &Node<'_>) -> Option<(Mask, GoError)> {
    let mut seen: HashMap<String, (&str, Mask)> = HashMap::default();
    for (file, taken) in node.folder.files.iter().zip(&node.selection.files) {
        let taken = taken & node.wanted;
        if taken == 0 {
            continue;
        }
        if !is_safe_argument(file.name) || file.name.starts_with("_cgo_") {
            let reason = format!("invalid input file name {:?}", file.name);
            return Some((taken, PackageError::broken(&node.path, reason).into()));
        }
        if file.name.bytes().all(|byte| !byte.is_ascii_uppercase()) && seen.is_empty() {
            continue;
        }
        let (other, mask) = *seen.entry(file.name.to_lowercase()).or_insert((file.name, taken));
        if other != file.name && mask & taken != 0 {
            let reason = format!("case-insensitive file name collision: {other:?} and {:?}", file.name);
            return Some((mask & taken, PackageError::broken(&node.path, reason).into()));
        }
    }
    None
}

fn damaged(path: &str, error: &FactsError) -> GoError {
    PackageError::broken(path, error.to_string()).into()
}

/// Systems whose programs only a C compiler's linker links (`platform.MustLinkExternal`, and what is position-independent there).
fn must_link_external(system: &GoSystem) -> bool {
    match system.os.as_str() {
        "android" => system.arch != "arm64",
        "ios" => true,
        _ => false,
    }
}
