//! What a resolution will ask for, guessed ahead: all at once costs a round, one by one a hundred.

use std::collections::{BTreeSet, HashSet};

use super::catalog::{Need, Project};
use super::ideal::Answers;
use super::manifest::{EdgeKind, Manifest};
use super::spec::{Kind, Spec};

/// What is needed to get any further; nothing if all that can be guessed is known.
///
/// Follows every dependency as if each stood alone. The tree asks for hardly anything else, and for nothing less.
pub(super) fn needs(project: &Project, answers: &Answers<'_>) -> Vec<Need> {
    let mut walk = Walk { answers, seen: HashSet::new(), queue: Vec::new(), needs: BTreeSet::new() };
    for text in std::iter::once(&project.manifest).chain(project.folders.values()) {
        // What cannot be read is an error only where it is used.
        if let Ok(manifest) = Manifest::parse(text) {
            walk.follow(&manifest, true);
        }
    }
    while let Some((name, spec)) = walk.queue.pop() {
        walk.visit(&name, &spec);
    }
    walk.needs.into_iter().collect()
}

struct Walk<'a> {
    answers: &'a Answers<'a>,
    seen: HashSet<(String, String)>,
    queue: Vec<(String, String)>,
    needs: BTreeSet<Need>,
}

impl Walk<'_> {
    fn follow(&mut self, manifest: &Manifest, with_development: bool) {
        if manifest.has_shrinkwrap {
            return;
        }
        for dependency in &manifest.dependencies {
            let wanted = match dependency.kind {
                EdgeKind::Prod | EdgeKind::Optional | EdgeKind::Peer => true,
                EdgeKind::Dev => with_development,
                EdgeKind::PeerOptional | EdgeKind::Workspace => false,
            };
            if wanted && (with_development || !manifest.bundled.contains(&dependency.name)) {
                let asked = (dependency.name.clone(), dependency.spec.clone());
                if self.seen.insert(asked.clone()) {
                    self.queue.push(asked);
                }
            }
        }
    }

    fn visit(&mut self, name: &str, spec: &str) {
        let Ok(spec) = Spec::resolve(name, if spec.is_empty() { "*" } else { spec }, "") else { return };
        if matches!(spec.kind, Kind::Directory(_) | Kind::File(_)) {
            return;
        }
        match self.answers.manifest(&spec) {
            Err(need) => {
                self.needs.insert(need);
            }
            Ok(Ok(manifest)) => self.follow(&manifest, false),
            Ok(Err(_)) => {}
        }
    }
}
