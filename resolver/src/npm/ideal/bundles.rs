//! What a package brings along in its tarball: bundled dependencies, and a shrinkwrap that fixes those it does not bundle.

use std::rc::Rc;

use super::{Builder, Stop, parse};
use crate::npm::catalog::PackageFiles;
use crate::npm::error::NpmError;
use crate::npm::tree::{NewNode, NodeId};

impl Builder<'_> {
    /// Puts what a package brings along into the tree, where it stands in the tarball.
    pub(super) fn open_bundle(&mut self, node: NodeId) -> Result<(), Stop> {
        let of = &self.forest[node];
        let has_bundle = !of.package.bundled.is_empty();
        let Some(url) = of.resolved.clone().filter(|_| node != self.root && (has_bundle || of.has_shrinkwrap)) else {
            return Ok(());
        };
        if of.link.is_some() {
            return Ok(());
        }
        let (integrity, has_shrinkwrap) = (of.integrity.clone(), of.has_shrinkwrap);
        let files = self.answers.files(&url, integrity.as_deref()).map_err(|need| Stop::Need(vec![need]))?;
        let files = match files {
            Ok(files) => files.clone(),
            Err(reason) => {
                let spec = self.label(node);
                let required_by = "the project, which has to look into it,".to_owned();
                return Err(NpmError::Unavailable { spec, required_by, reason }.into());
            }
        };
        if has_shrinkwrap {
            self.load_shrinkwrap(node, &files)?;
        }
        if has_bundle {
            self.load_bundled(node, &files)?;
        }
        Ok(())
    }

    fn load_bundled(&mut self, node: NodeId, files: &PackageFiles) -> Result<(), Stop> {
        // A folder sorts before what stands in it.
        for (path, text) in &files.bundled {
            let Some((above, name)) = path.rsplit_once("node_modules/") else { continue };
            let Some(parent) = self.below(node, above.trim_end_matches('/')) else { continue };
            let package = Rc::new(parse(path, text)?);
            self.forest.add(NewNode { name: name.to_owned(), package, parent: Some(parent), ..NewNode::default() });
        }
        Ok(())
    }

    /// What stands at a path below a node.
    pub(super) fn below(&self, node: NodeId, path: &str) -> Option<NodeId> {
        let mut names =
            path.split("node_modules/").map(|name| name.trim_end_matches('/')).filter(|name| !name.is_empty());
        names.try_fold(node, |node, name| self.forest.child(node, name))
    }
}
