//! From the folders that a lock names to a graph: who finds whom, and whether all of it holds together.

use std::collections::{BTreeMap, BTreeSet};

use super::error::LockError;
use super::manifest::{Ask, Manifest};
use super::places::{check_name, check_path, folder_name, look_up, outer};
use crate::npm::semver::Version;
use crate::npm::spec::{Kind, Spec};
use crate::plan::npm::{Entry, Judge, NpmGraph, Source};

/// A local project: its manifest, and those of the folders in it that take part.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// The `package.json` of the project.
    pub manifest: Manifest,
    /// Those of its members and of the folders that a dependency names, by path relative to the project.
    pub folders: BTreeMap<String, Manifest>,
    /// The paths of the members of its workspace.
    pub members: BTreeSet<String>,
}

/// A lock, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locked {
    /// What stands where. It says of no entry yet on which systems it stands: [`mark`](crate::npm::platform::mark) does.
    pub graph: NpmGraph,
    /// Places of packages of which the lock does not say all that their manifests do (platforms, programs, scripts):
    /// see [`Locked::needs`].
    pub sparse: BTreeSet<String>,
    pub(super) file: String,
    /// Whether the lock says of every package all that it depends on.
    pub(super) all_edges: bool,
}

/// A folder of the tree that is being read.
#[derive(Debug, Clone, Default)]
pub(super) struct Folder {
    /// All but its edges.
    pub(super) entry: Entry,
    /// What it asks for.
    pub(super) asks: BTreeMap<String, Ask>,
    /// Whether the lock says all that the manifest does.
    pub(super) whole: bool,
}

impl Folder {
    /// Takes over what a manifest says.
    pub(super) fn ask(&mut self, manifest: &Manifest, top: bool) {
        self.asks = manifest.asks(top).into_iter().map(|(name, (ask, _))| (name.to_owned(), ask)).collect();
    }
}

/// Where it is known from what is needed only for development, and what is optional.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flags {
    /// The lock says it, as npm's do. Of every folder of the project, what it is developed with is installed.
    Said,
    /// It follows from who asks. Only members of the workspace are developed; other folders are used as they are.
    Reached,
}

/// Puts the graph together.
///
/// # Errors
/// When a place or name is not allowed, something stands on nothing, a link leads nowhere, or a package lacks what it needs.
pub(super) fn assemble(
    file: &str,
    mut folders: BTreeMap<String, Folder>,
    project: &Project,
    lock: String,
    flags: Flags,
) -> Result<Locked, LockError> {
    own_folders(&mut folders, project, flags);
    describe_links(&mut folders);
    for (path, folder) in &folders {
        check_path(file, path)?;
        // A folder of the project may be called anything, or nothing.
        if folder_name(path).is_some() && !folder.entry.name.is_empty() {
            check_name(file, &folder.entry.name)?;
        }
        check_ground(file, path, &folders)?;
    }
    let edges: BTreeMap<String, Edges> = folders
        .iter()
        .map(|(path, folder)| Ok((path.clone(), Edges::of(file, path, folder, &folders)?)))
        .collect::<Result<_, LockError>>()?;
    let gone = |(path, folder): &(&String, &Folder)| {
        folder.entry.source == Source::Directory && !path.is_empty() && !project.folders.contains_key(*path)
    };
    if let Some((folder, _)) = folders.iter().find(gone) {
        return Err(LockError::NoFolder { file: file.to_owned(), folder: folder.clone() });
    }
    if flags == Flags::Reached {
        flag(&mut folders, &edges);
    }
    let sparse = folders.iter().filter(|(_, folder)| !folder.whole).map(|(path, _)| path.clone()).collect();
    let entries = folders
        .into_iter()
        .zip(edges.into_values())
        .map(|((path, folder), edges)| {
            let Edges { all, optional } = edges;
            (path, Entry { dependencies: all, optional_dependencies: optional, ..folder.entry })
        })
        .collect();
    let graph = NpmGraph {
        root: String::new(),
        entries,
        systems: BTreeSet::new(),
        judge: Judge::Shipped { file: file.to_owned() },
        build: None,
        lock,
    };
    Ok(Locked { graph, sparse, file: file.to_owned(), all_edges: false })
}

/// The project and its folders as their manifests are today.
fn own_folders(folders: &mut BTreeMap<String, Folder>, project: &Project, flags: Flags) {
    let linked: BTreeSet<String> = folders
        .values()
        .filter_map(|folder| match &folder.entry.source {
            Source::Link { target } => Some(target.clone()),
            _ => None,
        })
        .collect();
    let root = [("", &project.manifest)];
    // A folder that has a manifest and nothing to do with the rest is left alone.
    let others =
        project.folders.iter().map(|(path, manifest)| (path.as_str(), manifest)).filter(|(path, _)| {
            project.members.contains(*path) || linked.contains(*path) || folders.contains_key(*path)
        });
    let own: Vec<(&str, &Manifest)> = root.into_iter().chain(others).collect();
    for (path, manifest) in own {
        let folder = folders.entry(path.to_owned()).or_default();
        folder.entry.name = manifest.name().map_or_else(|| base_name(path).to_owned(), str::to_owned);
        manifest.version().unwrap_or_default().clone_into(&mut folder.entry.version);
        folder.entry.source = Source::Directory;
        manifest.describe(&mut folder.entry);
        folder.ask(manifest, flags == Flags::Said || path.is_empty() || project.members.contains(path));
        folder.whole = true;
    }
    // npm calls a member without a name after its folder; with others nobody can ask for it.
    let named = project.members.iter().filter_map(|path| {
        let name = project.folders.get(path)?.name();
        if flags == Flags::Said { Some(name.unwrap_or(base_name(path))) } else { name }
    });
    let members: Vec<String> = named.map(str::to_owned).collect();
    if let Some(root) = folders.get_mut("") {
        root.asks.extend(members.into_iter().map(|name| (name, Ask::Required)));
    }
}

/// A link is what its target is; npm writes neither flags nor versions for links.
fn describe_links(folders: &mut BTreeMap<String, Folder>) {
    let described: Vec<(String, Entry)> = folders
        .iter()
        .filter_map(|(path, folder)| {
            let Source::Link { target } = &folder.entry.source else { return None };
            let Entry { name, version, dev, optional, .. } = folders.get(target)?.entry.clone();
            let source = folder.entry.source.clone();
            Some((path.clone(), Entry { name, version, source, dev, optional, ..Entry::default() }))
        })
        .collect();
    for (path, entry) in described {
        if let Some(folder) = folders.get_mut(&path) {
            folder.entry = entry;
        }
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What stands in a package must have that package around it, and nothing is written through a link.
fn check_ground(file: &str, path: &str, folders: &BTreeMap<String, Folder>) -> Result<(), LockError> {
    let entry = |path: &str| folders.get(path).map(|folder| &folder.entry);
    let refuse = |reason| Err(LockError::Path { file: file.to_owned(), path: path.to_owned(), reason });
    match outer(path).map(entry) {
        Some(None) => return refuse("the folder around it is not in the lock"),
        Some(Some(Entry { source: Source::Link { .. }, .. })) => return refuse("the folder around it is a link"),
        _ => {}
    }
    if let Some(Entry { source: Source::Link { target }, .. }) = entry(path)
        && entry(target).is_none_or(|target| matches!(target.source, Source::Link { .. }))
    {
        return Err(LockError::Target { file: file.to_owned(), entry: path.to_owned(), target: target.clone() });
    }
    Ok(())
}

/// Says what is only reached through what the project is developed with, and what only through what is optional: then who
/// uses the project can do without.
fn flag(folders: &mut BTreeMap<String, Folder>, edges: &BTreeMap<String, Edges>) {
    let reached = |dev: bool, optional: bool| {
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut queue = vec![""];
        while let Some((path, folder)) = queue.pop().and_then(|path| folders.get_key_value(path)) {
            if !reached.insert(path) {
                continue;
            }
            if let Source::Link { target } = &folder.entry.source {
                queue.push(target);
            }
            let Some(Edges { all, .. }) = edges.get(path) else { continue };
            let followed = |name: &str| match folder.asks.get(name) {
                Some(Ask::Dev) => dev,
                Some(ask) => optional || !ask.is_optional(),
                None => true,
            };
            queue.extend(all.iter().filter(|(name, _)| followed(name)).map(|(_, target)| target.as_str()));
        }
        reached.into_iter().map(str::to_owned).collect::<BTreeSet<String>>()
    };
    let (used, required, developed) = (reached(false, true), reached(false, false), reached(true, false));
    for (path, folder) in folders {
        folder.entry.dev = !used.contains(path);
        folder.entry.optional = !if folder.entry.dev { &developed } else { &required }.contains(path);
    }
}

#[derive(Debug, Default)]
pub(super) struct Edges {
    pub(super) all: BTreeMap<String, String>,
    pub(super) optional: BTreeSet<String>,
}

impl Edges {
    pub(super) fn of<T>(
        file: &str,
        path: &str,
        folder: &Folder,
        entries: &BTreeMap<String, T>,
    ) -> Result<Self, LockError> {
        let mut edges = Self::default();
        for (name, ask) in &folder.asks {
            if let Some(target) = look_up(entries, path, name) {
                edges.all.insert(name.clone(), target);
                if ask.is_optional() {
                    edges.optional.insert(name.clone());
                }
            } else if matches!(ask, Ask::Required | Ask::Dev) && folder.entry.source != Source::Bundled {
                // Whoever bundles decides what to bundle; peers are not installed under legacy-peer-deps.
                if folder.entry.source == Source::Directory {
                    return Err(out_of_date(file, path, name, "asked for", "missing"));
                }
                return Err(LockError::Missing {
                    file: file.to_owned(),
                    entry: path.to_owned(),
                    dependency: name.clone(),
                });
            }
        }
        Ok(edges)
    }
}

/// That the lock answers what the project's manifests ask for today.
///
/// # Errors
/// When a version is locked that the manifest does not want.
pub(super) fn check_ranges(file: &str, locked: &Locked, project: &Project) -> Result<(), LockError> {
    let entries = &locked.graph.entries;
    let root = [("", &project.manifest)];
    let others = project.folders.iter().map(|(path, manifest)| (path.as_str(), manifest));
    for (path, manifest) in root.into_iter().chain(others) {
        for (name, (ask, spec)) in manifest.asks(true) {
            let target = entries.get(path).and_then(|folder| entries.get(folder.dependencies.get(name)?));
            if let Some(entry) = target
                && !ask.is_optional()
                && ask != Ask::Peer
                && !may_answer(name, spec, &entry.version)
            {
                return Err(out_of_date(file, path, name, spec, &entry.version));
            }
        }
    }
    Ok(())
}

pub(super) fn out_of_date(file: &str, folder: &str, name: &str, wanted: &str, locked: &str) -> LockError {
    LockError::OutOfDate {
        file: file.to_owned(),
        manifest: format!("{folder}/package.json").trim_start_matches('/').to_owned(),
        dependency: name.to_owned(),
        wanted: wanted.to_owned(),
        locked: locked.to_owned(),
    }
}

/// Whether a version of the registry can be the answer to what is asked for. What is no range (a tag, an address) is left
/// to whoever made the lock.
fn may_answer(name: &str, spec: &str, version: &str) -> bool {
    let Ok(spec) = Spec::resolve(name, spec, "") else { return true };
    let (Kind::Version { range: Some(range), .. } | Kind::Range { range, .. }) = &spec.target().kind else {
        return true;
    };
    Version::parse(version).is_none_or(|version| range.contains(&version))
}
