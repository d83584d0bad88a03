//! Whether a node is what an edge asks for.

use super::{EdgeId, Forest, Name, NodeId};
use crate::npm::spec::{Git, Kind, Spec, join};

impl Forest {
    /// Whether a node answers an edge, wherever it stands.
    pub(in crate::npm) fn satisfied_by(&self, edge: EdgeId, node: NodeId) -> bool {
        let (name, raw) = (self[edge].name.clone(), self[edge].raw.clone());
        let Some(from) = self[edge].from else { return false };
        if self[node].name != name {
            return false;
        }
        let fits = |wanted: &Name| self.fits(node, &name, wanted, edge, from);
        // What a package brings along is not overridden.
        if self[node].has_shrinkwrap || self.in_shrinkwrap(node) || self.in_bundle(node) {
            return fits(&raw);
        }
        let Some(key) = self[edge].overrides.and_then(|rule| self.rule(rule).key_spec.clone()) else {
            return fits(&self.edge_spec(edge));
        };
        fits(&self.edge_spec(edge)) || (fits(&raw) && !fits(&key.as_str().into()))
    }

    fn fits(&self, node: NodeId, name: &Name, wanted: &Name, edge: EdgeId, from: NodeId) -> bool {
        let base = self.base_of(edge, from);
        let fits = |wanted: &Name| match &*self.spec_of(name, wanted, &base) {
            Ok(spec) => self.answers(node, spec),
            Err(_) => false,
        };
        fits(wanted) || self[edge].accept.as_deref().is_some_and(|accept| fits(&accept.into()))
    }

    /// The folder that an edge's paths start at.
    pub(in crate::npm) fn base_of(&self, edge: EdgeId, from: NodeId) -> String {
        let rule = self[edge].overrides.map(|rule| self.rule(rule));
        if rule.is_some_and(|rule| rule.name.as_deref() == Some(&*self[edge].name) && rule.value.is_some()) {
            return String::new();
        }
        match self[from].resolved.as_deref().and_then(|resolved| resolved.strip_prefix("file:")) {
            Some(file) if self[from].link.is_none() => join(file, ".."),
            _ => self.realpath(from),
        }
    }

    fn answers(&self, node: NodeId, spec: &Spec) -> bool {
        let version = || self[self.target(node)].package.semver.as_ref();
        match &spec.kind {
            Kind::Range { text, .. } if text == "*" => true,
            Kind::Range { range, .. } | Kind::Version { range: Some(range), .. } => {
                version().is_some_and(|version| range.contains(version))
            }
            Kind::Version { range: None, .. } => false,
            Kind::Directory(path) => self[node].link.as_ref().is_some_and(|link| link.realpath == *path),
            Kind::File(path) => {
                self[node].link.is_none() && self[node].resolved.as_deref() == Some(&*format!("file:{path}"))
            }
            Kind::Alias(inner) => self.answers(node, inner),
            Kind::Tag(_) => self[node].resolved.as_deref().is_some_and(|url| url.starts_with("http")),
            Kind::Remote(url) => self[node].resolved.as_ref() == Some(url),
            Kind::Git(git) => self.answers_git(node, git),
        }
    }

    fn answers_git(&self, node: NodeId, wanted: &Git) -> bool {
        let Some(resolved) = self[node].resolved.as_deref() else { return false };
        let Ok(Spec { kind: Kind::Git(found), .. }) = Spec::parse(resolved, "") else { return false };
        let is_commit =
            |text: &str| (40..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let same_place = match (&wanted.hosted, &found.hosted) {
            (Some(wanted), Some(found)) => wanted == found,
            (None, None) => wanted.repository == found.repository,
            _ => false,
        };
        let commit = wanted.committish.as_deref().filter(|commit| is_commit(commit));
        if !same_place || commit.is_some_and(|commit| found.committish.as_deref() != Some(commit)) {
            return false;
        }
        let Some(range) = &wanted.range else { return true };
        let version = self[node].package.semver.as_ref();
        crate::npm::semver::Range::parse(range).zip(version).is_some_and(|(range, version)| range.contains(version))
    }

    /// Whether two nodes are the same package, as far as a tree is concerned.
    pub(in crate::npm) fn matches(&self, one: NodeId, other: NodeId) -> bool {
        if one == other {
            return true;
        }
        let (first, second) = (&self[one], &self[other]);
        if first.name != second.name {
            return false;
        }
        if first.link.is_some() {
            let target = |id: NodeId| self[id].link.as_ref().and_then(|link| link.target);
            return second.link.is_some()
                && target(one)
                    .zip(target(other))
                    .is_some_and(|(one, other)| self.matches(one, other) || self.path(one) == self.path(other));
        }
        if self.is_project_root(one) && self.is_project_root(other) {
            return first.path == second.path;
        }
        if let (Some(one), Some(other)) = (&first.integrity, &second.integrity) {
            return one == other;
        }
        if let (Some(one), Some(other)) = (&first.resolved, &second.resolved) {
            return one == other;
        }
        let known = |text: &str| !text.is_empty();
        known(&first.package.name)
            && first.package.name == second.package.name
            && known(&first.package.version)
            && first.package.version == second.package.version
    }

    /// Whether it is fixed by the shrinkwrap of a package that it stands in.
    pub(in crate::npm) fn in_shrinkwrap(&self, id: NodeId) -> bool {
        self[id].parent.is_some_and(|parent| self[parent].has_shrinkwrap || self.in_shrinkwrap(parent))
    }

    /// Whether it is in the tarball of a package that it stands in.
    pub(in crate::npm) fn in_bundle(&self, id: NodeId) -> bool {
        self.has_bundles && self.bundler(id, &mut Vec::new()).is_some()
    }

    /// Whether a package other than the project brings it in its tarball.
    pub(in crate::npm) fn in_dep_bundle(&self, id: NodeId) -> bool {
        self.has_bundles && self.bundler(id, &mut Vec::new()).is_some_and(|bundler| bundler != self[id].root)
    }

    fn bundler(&self, id: NodeId, path: &mut Vec<NodeId>) -> Option<NodeId> {
        if path.contains(&id) {
            return None;
        }
        path.push(id);
        let parent = self[id].parent?;
        if let Some(bundler) = self.bundler(parent, path) {
            return Some(bundler);
        }
        if self[parent].package.bundled.iter().any(|name| **name == *self[id].name) {
            return Some(parent);
        }
        for edge in self.edges_in(id) {
            let Some(from) = self[edge].from else { continue };
            if self.bundler(from, path) == Some(parent) {
                return Some(parent);
            }
        }
        None
    }
}
