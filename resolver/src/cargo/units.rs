//! From guppy's simulation of cargo to the units of one system.
//!
//! A package that some side needs becomes, on that side, a library (or proc macro), a run of its build script, and, for
//! the root, its binaries. The rules below were found exact against cargo's own unit graph.

use std::collections::{BTreeMap, BTreeSet};

use guppy::graph::cargo::{BuildPlatform, CargoOptions, CargoResolverVersion, CargoSet};
use guppy::graph::feature::{FeatureId, FeatureList, FeatureSet, StandardFeatures, named_feature_filter};
use guppy::graph::{
    BuildTarget, BuildTargetId, BuildTargetKind, DependencyDirection, DependencyReq, PackageGraph, PackageLink,
    PackageMetadata,
};
use guppy::platform::{EnabledTernary, PlatformSpec};

use super::{Release, package_id};
use crate::archive::CrateFacts;
use crate::error::ResolveError;
use crate::plan::cargo::{Binary, Dependency, Side, Unit, UnitKind};

/// A release whose features can be simulated for any pair of platforms.
pub(super) struct Simulation<'g> {
    label: String,
    root: PackageMetadata<'g>,
    initials: FeatureSet<'g>,
    resolver: CargoResolverVersion,
    graph: &'g PackageGraph,
    binaries: &'g BTreeSet<String>,
}

impl<'g> Simulation<'g> {
    /// Checks the selection against what the root has.
    pub(super) fn new(release: &'g Release, facts: &CrateFacts, graph: &'g PackageGraph) -> Result<Self, ResolveError> {
        let label = release.root.label();
        let root = graph
            .workspace()
            .iter()
            .find(|member| member.name() == release.root.name)
            .ok_or_else(|| metadata_error(&label, "the root is not in it"))?;
        let selection = &release.selection;
        for feature in &selection.features {
            if !root.named_features().any(|named| named == feature) {
                return Err(missing(&label, "feature", feature, root.named_features()));
            }
        }
        for binary in &selection.binaries {
            if !binary_targets(root).any(|(name, _)| name == binary) {
                return Err(missing(&label, "binary", binary, binary_targets(root).map(|(name, _)| name)));
            }
        }
        let base = match (selection.all_features, selection.no_default_features) {
            (true, _) => StandardFeatures::All,
            (false, true) => StandardFeatures::None,
            (false, false) => StandardFeatures::Default,
        };
        let filter = named_feature_filter(base, selection.features.iter().map(String::as_str));
        Ok(Self {
            initials: root.to_feature_set(filter),
            resolver: resolver_version(&facts.manifest, root.edition()),
            label,
            root,
            graph,
            binaries: &selection.binaries,
        })
    }

    /// The root package.
    pub(super) fn root(&self) -> PackageMetadata<'g> {
        self.root
    }

    /// The units for one pair of platforms, by id.
    pub(super) fn units(
        &self,
        target: PlatformSpec,
        host: PlatformSpec,
    ) -> Result<BTreeMap<String, Unit>, ResolveError> {
        let mut options = CargoOptions::new();
        options
            .set_resolver(self.resolver)
            .set_include_dev(false)
            .set_target_platform(target.clone())
            .set_host_platform(host.clone());
        let nothing = self.graph.feature_graph().resolve_none();
        let set = CargoSet::new(self.initials.clone(), nothing, &options)
            .map_err(|error| metadata_error(&self.label, &error.to_string()))?;
        let mut system = SystemUnits { simulation: self, target, host, set: &set, units: BTreeMap::new() };
        for (side, features) in [
            (Side::Target, set.platform_features(BuildPlatform::Target)),
            (Side::Host, set.platform_features(BuildPlatform::Host)),
        ] {
            for list in features.packages_with_features(DependencyDirection::Forward) {
                system.add_package(side, &list);
            }
        }
        Ok(system.units)
    }
}

fn metadata_error(label: &str, reason: &str) -> ResolveError {
    ResolveError::Metadata { package: label.to_owned(), reason: reason.to_owned() }
}

fn missing<'a>(label: &str, what: &'static str, name: &str, available: impl Iterator<Item = &'a str>) -> ResolveError {
    let available: BTreeSet<&str> = available.collect();
    ResolveError::Selection {
        package: label.to_owned(),
        what,
        name: name.to_owned(),
        available: if available.is_empty() { "none".to_owned() } else { Vec::from_iter(available).join(", ") },
    }
}

/// `package.resolver`, else what the edition says (the Cargo book, "Resolver versions").
fn resolver_version(manifest: &str, edition: &str) -> CargoResolverVersion {
    let manifest: toml::Table = manifest.parse().unwrap_or_default();
    let written = manifest.get("package").and_then(|package| package.get("resolver")).and_then(toml::Value::as_str);
    match (written, edition) {
        (Some("1"), _) | (None, "2015" | "2018") => CargoResolverVersion::V1,
        (Some("2"), _) | (None, "2021") => CargoResolverVersion::V2,
        _ => CargoResolverVersion::V3,
    }
}

fn binary_targets(package: PackageMetadata<'_>) -> impl Iterator<Item = (&str, BuildTarget<'_>)> {
    package.build_targets().filter_map(|target| match target.id() {
        BuildTargetId::Binary(name) => Some((name, target)),
        _ => None,
    })
}

/// One system's units while they are put together.
struct SystemUnits<'s, 'g> {
    simulation: &'s Simulation<'g>,
    target: PlatformSpec,
    host: PlatformSpec,
    set: &'s CargoSet<'g>,
    units: BTreeMap<String, Unit>,
}

impl<'g> SystemUnits<'_, 'g> {
    fn add_package(&mut self, side: Side, list: &FeatureList<'g>) {
        let package = *list.package();
        let id = package_id(package.name(), &package.version().to_string());
        let features: BTreeSet<String> = package
            .named_features()
            .filter(|name| list.contains(guppy::graph::feature::FeatureLabel::Named(name)))
            .map(str::to_owned)
            .collect();
        let is_root = package.id() == self.simulation.root.id();
        let library = package.build_target(&BuildTargetId::Library);
        let unit = library_id(&id, &package, side);
        let run = self.add_run(&unit, &id, side, package, &features);
        let dependencies = self.library_edges(side, package);
        if let Some(library) = &library {
            let kind = if package.is_proc_macro() { UnitKind::ProcMacro } else { UnitKind::Lib };
            self.units.insert(
                unit.clone(),
                Unit {
                    package: id.clone(),
                    kind,
                    side: if kind == UnitKind::ProcMacro { Side::Host } else { side },
                    crate_name: crate_name(library.name()),
                    path: relative(package, library),
                    edition: library.edition().to_owned(),
                    crate_types: crate_types(library, is_root),
                    features: features.clone(),
                    dependencies: dependencies.clone(),
                    run: run.clone(),
                    link_runs: Vec::new(),
                    binaries: Vec::new(),
                },
            );
        }
        if is_root && side == Side::Target {
            self.add_binaries(&id, library.as_ref().map(|library| (unit, library)), features, dependencies, run);
        }
    }

    /// The build script, compiled and run, if the package has one.
    fn add_run(
        &mut self,
        unit: &str,
        id: &str,
        side: Side,
        package: PackageMetadata<'g>,
        features: &BTreeSet<String>,
    ) -> Option<String> {
        let script = package.build_target(&BuildTargetId::BuildScript)?;
        let key = format!("{unit}-run");
        let mut dependencies: Vec<Dependency> = package
            .direct_links()
            .filter(|link| self.is_active(&link.build(), &self.host, side, link))
            .filter_map(|link| dependency(&link, Side::Host))
            .collect();
        dependencies.sort();
        let link_runs: BTreeSet<String> = package
            .direct_links()
            .filter(|link| self.is_active(&link.normal(), self.platform(side), side, link))
            .map(|link| link.to())
            .filter(|to| to.links().is_some() && to.has_build_script())
            .map(|to| format!("{}-run", library_id(&package_id(to.name(), &to.version().to_string()), &to, side)))
            .collect();
        self.units.insert(
            key.clone(),
            Unit {
                package: id.to_owned(),
                kind: UnitKind::Run,
                side,
                crate_name: crate_name(script.name()),
                path: relative(package, &script),
                edition: script.edition().to_owned(),
                crate_types: Vec::new(),
                features: features.clone(),
                dependencies,
                run: None,
                link_runs: link_runs.into_iter().collect(),
                binaries: Vec::new(),
            },
        );
        Some(key)
    }

    fn add_binaries(
        &mut self,
        id: &str,
        library: Option<(String, &BuildTarget<'g>)>,
        features: BTreeSet<String>,
        mut dependencies: Vec<Dependency>,
        run: Option<String>,
    ) {
        let root = self.simulation.root;
        let chosen = self.simulation.binaries;
        let mut binaries: Vec<Binary> = binary_targets(root)
            .filter(|(name, _)| chosen.is_empty() || chosen.contains(*name))
            .filter(|(_, target)| target.required_features().iter().all(|feature| features.contains(feature)))
            .map(|(name, target)| Binary {
                name: name.to_owned(),
                path: relative(root, &target),
                edition: target.edition().to_owned(),
            })
            .collect();
        if binaries.is_empty() {
            return;
        }
        binaries.sort_by(|one, other| one.name.cmp(&other.name));
        if let Some((unit, library)) = library
            && is_linkable(library)
        {
            dependencies.push(Dependency { extern_name: crate_name(library.name()), unit });
            dependencies.sort();
        }
        self.units.insert(
            format!("{id}-bins"),
            Unit {
                package: id.to_owned(),
                kind: UnitKind::Bins,
                side: Side::Target,
                crate_name: String::new(),
                path: String::new(),
                edition: root.edition().to_owned(),
                crate_types: Vec::new(),
                features,
                dependencies,
                run,
                link_runs: Vec::new(),
                binaries,
            },
        );
    }

    fn library_edges(&self, side: Side, package: PackageMetadata<'g>) -> Vec<Dependency> {
        let mut edges: Vec<Dependency> = package
            .direct_links()
            .filter(|link| self.is_active(&link.normal(), self.platform(side), side, link))
            .filter_map(|link| dependency(&link, side))
            .collect();
        edges.sort();
        edges
    }

    fn platform(&self, side: Side) -> &PlatformSpec {
        match side {
            Side::Host => &self.host,
            Side::Target => &self.target,
        }
    }

    /// Whether a dependency of one kind is compiled in on `platform`, judged by the features of `side`.
    fn is_active(
        &self,
        request: &DependencyReq<'g>,
        platform: &PlatformSpec,
        side: Side,
        link: &PackageLink<'g>,
    ) -> bool {
        if !request.is_present() {
            return false;
        }
        let status = request.status();
        let on = |status: guppy::platform::PlatformStatus<'g>| status.enabled_on(platform) != EnabledTernary::Disabled;
        if on(status.required_status()) {
            return true;
        }
        let features = match side {
            Side::Host => self.set.host_features(),
            Side::Target => self.set.target_features(),
        };
        let activation = FeatureId::optional_dependency(link.from().id(), link.dep_name());
        on(status.optional_status()) && features.contains(activation).unwrap_or(false)
    }
}

/// The edge that `link` stands for; none to a package without a library.
fn dependency(link: &PackageLink<'_>, side: Side) -> Option<Dependency> {
    let to = link.to();
    let library = to.build_target(&BuildTargetId::Library)?;
    if !is_linkable(&library) {
        return None;
    }
    let id = package_id(to.name(), &to.version().to_string());
    Some(Dependency { extern_name: link.resolved_name().to_owned(), unit: library_id(&id, &to, side) })
}

/// Proc macros are for the host whoever asks; other libraries for the host are told apart from their target twin.
fn library_id(id: &str, package: &PackageMetadata<'_>, side: Side) -> String {
    if side == Side::Host && !package.is_proc_macro() { format!("{id}-host") } else { id.to_owned() }
}

fn crate_name(target: &str) -> String {
    target.replace('-', "_")
}

/// Whether a Rust crate can use the library: cargo passes no `--extern` for a lone cdylib or staticlib.
fn is_linkable(library: &BuildTarget<'_>) -> bool {
    match library.kind() {
        BuildTargetKind::LibraryOrExample(types) => {
            types.iter().any(|kind| matches!(kind.as_str(), "lib" | "rlib" | "dylib"))
        }
        _ => true,
    }
}

/// Only the root's cdylib and the like are outputs that somebody wants; a dependency is linked in as an rlib.
fn crate_types(library: &BuildTarget<'_>, is_root: bool) -> Vec<String> {
    match library.kind() {
        BuildTargetKind::LibraryOrExample(types) if is_root => types.to_vec(),
        BuildTargetKind::LibraryOrExample(_) => vec!["lib".to_owned()],
        _ => vec!["proc-macro".to_owned()],
    }
}

fn relative(package: PackageMetadata<'_>, target: &BuildTarget<'_>) -> String {
    let folder = package.manifest_path().parent();
    let path = folder.and_then(|folder| target.path().strip_prefix(folder).ok()).unwrap_or(target.path());
    path.as_str().replace('\\', "/")
}
