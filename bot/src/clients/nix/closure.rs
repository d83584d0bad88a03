//! All derivations that some derivations need.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::derivation::{Derivation, FixedHash, parse};
use super::{Nix, NixError};

/// Derivations by the path of their file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closure {
    /// The derivations.
    pub derivations: BTreeMap<String, Derivation>,
}

/// A file or tree that is known by its hash, so that it can be fetched by whoever likes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedOutput {
    /// The derivation that would fetch it.
    pub drv: String,
    /// The name that its store path has.
    pub name: String,
    /// Its store path.
    pub path: String,
    /// What it has to be.
    pub hash: FixedHash,
    /// Where the derivation would fetch it from, in order.
    pub urls: Vec<String>,
}

impl Closure {
    /// The fixed outputs, by the path of their derivation.
    pub fn fixed_outputs(&self) -> Vec<FixedOutput> {
        let mut found = Vec::new();
        for (drv, derivation) in &self.derivations {
            for output in derivation.outputs.values() {
                let Some(hash) = output.hash.clone() else { continue };
                // nixpkgs' fetchers say `urls`, `builtin:fetchurl` says `url`.
                let urls = ["urls", "url"].iter().find_map(|key| derivation.env.get(*key));
                found.push(FixedOutput {
                    drv: drv.clone(),
                    name: store_name(&output.path).to_owned(),
                    path: output.path.clone(),
                    hash,
                    urls: urls.map(|urls| urls.split_whitespace().map(str::to_owned).collect()).unwrap_or_default(),
                });
            }
        }
        found
    }

    /// The paths of all outputs.
    pub fn output_paths(&self) -> Vec<String> {
        let outputs = self.derivations.values().flat_map(|derivation| derivation.outputs.values());
        outputs.map(|output| output.path.clone()).collect()
    }
}

/// The name in a store path: what comes after the hash.
pub(super) fn store_name(path: &str) -> &str {
    let base = path.rsplit('/').next().unwrap_or(path);
    base.split_once('-').map_or(base, |(_, name)| name)
}

impl Nix {
    /// The whole closure of derivations, read from the store.
    pub async fn closure(&self, drvs: &[String]) -> Result<Closure, NixError> {
        let drvs = drvs.to_vec();
        let reading = tokio::task::spawn_blocking(move || read_closure(drvs));
        reading
            .await
            .map_err(|error| NixError::Malformed { what: "the closure".to_owned(), detail: error.to_string() })?
    }
}

fn read_closure(drvs: Vec<String>) -> Result<Closure, NixError> {
    let mut closure = Closure::default();
    let mut waiting: BTreeSet<String> = drvs.into_iter().collect();
    while let Some(drv) = waiting.pop_first() {
        let Some(name) = store_name(&drv).strip_suffix(".drv") else {
            return Err(NixError::Argument { value: drv, expected: "the store path of a derivation" });
        };
        let text = std::fs::read(&drv).map_err(|source| NixError::file("read", Path::new(&drv), source))?;
        let derivation = parse(name, &text)
            .map_err(|detail| NixError::Malformed { what: format!("the derivation {drv}"), detail })?;
        waiting.extend(derivation.input_drvs.iter().filter(|input| !closure.derivations.contains_key(*input)).cloned());
        closure.derivations.insert(drv, derivation);
    }
    Ok(closure)
}
