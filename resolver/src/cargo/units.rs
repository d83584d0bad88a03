//! From guppy's simulation of cargo to the units of one system.
//!
//! A package that some side needs becomes, on that side, a library (or proc macro), a run of its build script, and, for
//! the root, its binaries. The rules below were found exact against cargo's own unit graph.

mod packages;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;

use guppy::graph::cargo::{BuildPlatform, CargoOptions, CargoResolverVersion, CargoSet};
use guppy::graph::feature::{FeatureId, FeatureList, FeatureSet, StandardFeatures, named_feature_filter};
use guppy::graph::{
    BuildTarget, BuildTargetId, BuildTargetKind, DependencyDirection, DependencyReq, PackageGraph, PackageLink,
    PackageMetadata,
};
use guppy::platform::{EnabledTernary, PlatformSpec};

pub(super) use self::packages::Packages;
use super::Release;
use super::manifest::RootManifest;
use crate::error::ResolveError;
use crate::plan::cargo::{Binary, Dependency, Selection, Side, Unit, UnitKind};

/// A release whose features can be simulated for any pair of platforms.
pub(super) struct Simulation<'g> {
    label: String,
    root: PackageMetadata<'g>,
    members: Vec<PackageMetadata<'g>>,
    initials: FeatureSet<'g>,
    resolver: CargoResolverVersion,
    graph: &'g PackageGraph,
    packages: &'g Packages<'g>,
    binaries: &'g BTreeSet<String>,
}

impl<'g> Simulation<'g> {
    /// Checks the selection against what there is.
    pub(super) fn new(
        release: &'g Release,
        manifest: &RootManifest,
        graph: &'g PackageGraph,
        packages: &'g Packages<'g>,
    ) -> Result<Self, ResolveError> {
        let label = release.root.label();
        let Selection { features, binaries, members: wanted, all_features, no_default_features } = &release.selection;
        let mut members: Vec<PackageMetadata<'_>> = graph.workspace().iter().collect();
        let names = || graph.workspace().iter().map(|member| member.name());
        for member in wanted {
            if !names().any(|name| name == member) {
                return Err(missing(&label, "member", member, names()));
            }
        }
        members.retain(|member| wanted.is_empty() || wanted.contains(member.name()));
        let root = members
            .iter()
            .find(|member| member.name() == release.root.name)
            .or(members.first())
            .copied()
            .ok_or_else(|| metadata_error(&label, "the root is not in it"))?;
        for feature in features {
            let known = || members.iter().flat_map(PackageMetadata::named_features);
            if !known().any(|named| named == feature) {
                return Err(missing(&label, "feature", feature, known()));
            }
        }
        for binary in binaries {
            let known = || members.iter().flat_map(|member| binary_targets(*member)).map(|(name, _)| name);
            if !known().any(|name| name == binary) {
                return Err(missing(&label, "binary", binary, known()));
            }
        }
        let base = match (all_features, no_default_features) {
            (true, _) => StandardFeatures::All,
            (false, true) => StandardFeatures::None,
            (false, false) => StandardFeatures::Default,
        };
        let filter = named_feature_filter(base, features.iter().map(String::as_str));
        let chosen = graph
            .resolve_ids(members.iter().map(PackageMetadata::id))
            .map_err(|error| metadata_error(&label, &error.to_string()))?;
        Ok(Self {
            initials: chosen.to_feature_set(filter),
            resolver: resolver_version(manifest, root.edition()),
            label,
            root,
            members,
            graph,
            packages,
            binaries,
        })
    }

    /// The root package.
    pub(super) fn root(&self) -> PackageMetadata<'g> {
        self.root
    }

    /// The readable ids of all that is built, sorted.
    pub(super) fn member_ids(&self) -> Vec<String> {
        let ids = self.members.iter().map(|member| self.packages.id(member.id()).to_owned());
        ids.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The units of each system; its target and host platform are given. Systems do not wait for one another.
    pub(super) fn all(
        &self,
        systems: Vec<(String, PlatformSpec, PlatformSpec)>,
    ) -> Result<BTreeMap<String, BTreeMap<String, Unit>>, ResolveError> {
        // What is made on first use is made once, before the threads.
        self.graph.feature_graph();
        std::thread::scope(|scope| {
            let threads: Vec<_> = systems
                .into_iter()
                .map(|(system, target, host)| scope.spawn(move || Ok((system, self.units(target, host)?))))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
        })
    }

    /// The units for one pair of platforms, by id.
    fn units(&self, target: PlatformSpec, host: PlatformSpec) -> Result<BTreeMap<String, Unit>, ResolveError> {
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

/// What is written, else what the edition says; a workspace without a package of its own has none (the Cargo book,
/// "Resolver versions").
fn resolver_version(manifest: &RootManifest, edition: &str) -> CargoResolverVersion {
    let edition = if manifest.is_virtual { "2015" } else { edition };
    match (manifest.resolver.as_deref(), edition) {
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
        let packages = self.simulation.packages;
        let id = packages.id(package.id()).to_owned();
        let features: BTreeSet<String> = package
            .named_features()
            .filter(|name| list.contains(guppy::graph::feature::FeatureLabel::Named(name)))
            .map(str::to_owned)
            .collect();
        let is_member = self.simulation.members.iter().any(|member| member.id() == package.id());
        let library = package.build_target(&BuildTargetId::Library);
        let unit = packages.library_id(package.id(), side).to_owned();
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
                    crate_types: crate_types(library, is_member),
                    features: features.clone(),
                    dependencies: dependencies.clone(),
                    run: run.clone(),
                    link_runs: Vec::new(),
                    binaries: Vec::new(),
                },
            );
        }
        if is_member && side == Side::Target {
            self.add_binaries(
                package,
                &id,
                library.as_ref().map(|library| (unit, library)),
                features,
                dependencies,
                run,
            );
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
            .filter_map(|link| self.dependency(&link, Side::Host))
            .collect();
        dependencies.sort();
        let link_runs: BTreeSet<String> = package
            .direct_links()
            .filter(|link| self.is_active(&link.normal(), self.platform(side), side, link))
            .map(|link| link.to())
            .filter(|to| to.links().is_some() && to.has_build_script())
            .map(|to| format!("{}-run", self.simulation.packages.library_id(to.id(), side)))
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
        member: PackageMetadata<'g>,
        id: &str,
        library: Option<(String, &BuildTarget<'g>)>,
        features: BTreeSet<String>,
        mut dependencies: Vec<Dependency>,
        run: Option<String>,
    ) {
        let chosen = self.simulation.binaries;
        let mut binaries: Vec<Binary> = binary_targets(member)
            .filter(|(name, _)| chosen.is_empty() || chosen.contains(*name))
            .filter(|(_, target)| target.required_features().iter().all(|feature| features.contains(feature)))
            .map(|(name, target)| Binary {
                name: name.to_owned(),
                path: relative(member, &target),
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
                edition: member.edition().to_owned(),
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
            .filter_map(|link| self.dependency(&link, side))
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

    /// The edge that `link` stands for; none to a package without a library.
    fn dependency(&self, link: &PackageLink<'g>, side: Side) -> Option<Dependency> {
        let to = link.to();
        let library = to.build_target(&BuildTargetId::Library)?;
        if !is_linkable(&library) {
            return None;
        }
        let unit = self.simulation.packages.library_id(to.id(), side).to_owned();
        Some(Dependency { extern_name: link.resolved_name().to_owned(), unit })
    }
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
fn crate_types(library: &BuildTarget<'_>, is_member: bool) -> Vec<String> {
    match library.kind() {
        BuildTargetKind::LibraryOrExample(types) if is_member => types.to_vec(),
        BuildTargetKind::LibraryOrExample(_) => vec!["lib".to_owned()],
        _ => vec!["proc-macro".to_owned()],
    }
}

fn relative(package: PackageMetadata<'_>, target: &BuildTarget<'_>) -> String {
    let folder = package.manifest_path().parent();
    let path = folder.and_then(|folder| target.path().strip_prefix(folder).ok()).unwrap_or(target.path());
    path.as_str().replace('\\', "/")
}
