//! From a tree to the graph of a plan.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::catalog::{Known, Lookup, Project, Target};
use super::lock_write::entries;
use super::manifest::Manifest;
use super::platform;
use super::spec::{Kind, Spec};
use super::tree::{Forest, NodeId};
use crate::plan::npm::{Entry, Judge, NpmGraph, Source, Trust};

/// What a graph is made of.
pub(super) struct Tree<'a> {
    pub(super) project: &'a Project,
    pub(super) target: &'a Target,
    pub(super) known: &'a Known,
    pub(super) forest: &'a Forest,
    pub(super) root: NodeId,
    pub(super) whole: &'a BTreeMap<NodeId, Manifest>,
}

impl Tree<'_> {
    /// The graph, each entry marked with the systems on which it stands.
    pub(super) fn graph(&self, judge: Judge, lock: String) -> NpmGraph {
        let mut nodes = entries(self.forest, self.root);
        if self.project.root.is_empty() {
            nodes.push(self.root);
        }
        // What could not be had is not in the tree, and neither is what nobody needs.
        nodes.retain(|node| !self.forest[*node].flags.extraneous && self.forest[*node].error.is_none());
        let entries = nodes.iter().map(|node| (self.forest.path(*node), self.entry(*node))).collect();
        let systems: BTreeSet<String> = self.target.systems.iter().cloned().collect();
        let mut graph =
            NpmGraph { root: self.project.root.clone(), entries, systems: systems.clone(), judge, build: None, lock };
        platform::mark(&mut graph, &systems);
        graph
    }

    fn entry(&self, node: NodeId) -> Entry {
        let of = &self.forest[node];
        let manifest = self.whole.get(&node).unwrap_or(&of.package);
        let list = |field: &str| super::manifest::list(manifest.fields.get(field));
        let text = |field: &str| manifest.fields.get(field).and_then(Value::as_str).map(str::to_owned);
        let bin = manifest.fields.get("bin").and_then(Value::as_object).into_iter().flatten();
        let answered = |edge: &super::tree::EdgeId| {
            let edge = &self.forest[*edge];
            let to = edge.to.filter(|to| self.forest[*to].error.is_none())?;
            Some((edge.name.to_string(), self.forest.path(to)))
        };
        let license = manifest.fields.get("license").map(|license| license.get("type").unwrap_or(license));
        Entry {
            name: if manifest.name.is_empty() { of.name.to_string() } else { manifest.name.clone() },
            version: self.forest.version(node).to_owned(),
            source: self.source(node, manifest),
            dependencies: self.forest.edges_out(node).iter().filter_map(answered).collect(),
            optional_dependencies: self
                .forest
                .edges_out(node)
                .into_iter()
                .filter(|edge| self.forest[*edge].kind.is_optional() && answered(edge).is_some())
                .map(|edge| self.forest[edge].name.to_string())
                .collect(),
            on: BTreeSet::new(),
            dev: of.flags.dev,
            optional: of.flags.optional,
            os: list("os"),
            cpu: list("cpu"),
            libc: list("libc"),
            bin: bin.filter_map(|(name, file)| Some((name.clone(), file.as_str()?.to_owned()))).collect(),
            script: manifest.has_install_script && of.link.is_none(),
            node: manifest.engine("node").map(str::to_owned),
            license: license.and_then(Value::as_str).map(str::to_owned),
            deprecated: text("deprecated").filter(|text| !text.is_empty()),
            signature: Trust::Unavailable,
            provenance: Trust::Unavailable,
        }
    }

    fn source(&self, node: NodeId, manifest: &Manifest) -> Source {
        let of = &self.forest[node];
        if let Some(link) = &of.link {
            return Source::Link { target: link.realpath.clone() };
        }
        if self.forest.in_dep_bundle(node) {
            return Source::Bundled;
        }
        let Some(url) = &of.resolved else { return Source::Directory };
        let integrity = of.integrity.clone().unwrap_or_default();
        if let Ok(Spec { kind: Kind::Git(git), .. }) = Spec::parse(url, "") {
            let hash = self.known.gits.values().find_map(|found| match found {
                Lookup::Found(found) if git.committish.as_ref() == Some(&found.commit) => Some(found.hash.clone()),
                _ => None,
            });
            let commit = git.committish.unwrap_or_default();
            // What known hosts have over ssh for their users, they have over https for everyone.
            let url = git.hosted.map_or(git.repository, |hosted| format!("https://{hosted}.git"));
            return Source::Git { url, commit, hash: hash.unwrap_or_default() };
        }
        if is_canonical(url, &manifest.name, &manifest.version) && !integrity.is_empty() {
            return Source::Registry { integrity };
        }
        Source::Tarball { url: url.clone(), integrity }
    }
}

/// Whether a registry has a version's tarball at this address, if it has it where all have it.
fn is_canonical(url: &str, name: &str, version: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let url = url.replace("%2f", "/").replace("%2F", "/");
    url.starts_with("http") && url.ends_with(&format!("/{name}/-/{file}-{version}.tgz"))
}
