//! The files of a Go package.

use std::collections::BTreeMap;

use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::go::GoGraph;

use super::files::RenderError;

/// The files of a package's folder, by name: `package.nix` and `graph.json`.
///
/// # Errors
/// When upstream's text cannot be written to Nix.
pub fn files(_plan: &Plan, _graph: &GoGraph) -> Result<BTreeMap<&'static str, String>, RenderError> {
    Ok(BTreeMap::new())
}
