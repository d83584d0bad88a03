//! What a resolution knows, and what it still needs to know.
//!
//! The resolver never fetches: it answers [`Step::Need`] with everything it can already name, the caller fetches all of
//! it at once, puts it into the [`Catalog`] and asks again. So a plan is a function of a catalog, and a recorded catalog
//! replays the resolution.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::archive::{CrateFacts, CrateTexts};
use crate::cargo::tree::Tree;
use crate::plan::Plan;

/// One version of a crate in the registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CrateVersion {
    /// The crate's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the `.crate` file in lower-case hexadecimal.
    pub sha256: String,
}

impl CrateVersion {
    /// `name version`, for messages.
    pub fn label(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

/// Something that the resolver asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// The facts about a crate version: [`Catalog::crates`]. With the index of its registry, unless that is the public one; a
    /// sparse one begins with `sparse+`.
    Crate(CrateVersion, Option<String>),
    /// The texts of a crate version: [`Catalog::texts`].
    Texts(CrateVersion, Option<String>),
    /// A commit of a git repository: [`Catalog::trees`], by its [`tree_key`].
    Tree {
        /// The repository's address.
        url: String,
        /// The full id.
        commit: String,
    },
    /// A lock for the release, which ships none: [`Catalog::lock`].
    Lock,
    /// `cargo metadata` over [`crate::cargo::manifest_folder`]: [`Catalog::metadata`].
    Metadata,
    /// `rustc --print cfg --target TRIPLE`: [`Catalog::target_cfgs`].
    TargetCfg(String),
}

/// Everything that is known so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Catalog {
    /// Facts, by the SHA-256 of the archive that they were read from.
    pub crates: BTreeMap<String, CrateFacts>,
    /// Texts, by the SHA-256 of the archive that they were read from.
    pub texts: BTreeMap<String, CrateTexts>,
    /// Trees that packages lie in: of commits by [`tree_key`], and the project that is resolved.
    pub trees: BTreeMap<String, Tree>,
    /// The text of a `Cargo.lock` that cargo made.
    pub lock: Option<String>,
    /// The JSON of `cargo metadata --all-features`.
    pub metadata: Option<String>,
    /// rustc's cfg lines, by target triple.
    pub target_cfgs: BTreeMap<String, String>,
}

/// What a commit's tree is known by in [`Catalog::trees`].
pub fn tree_key(url: &str, commit: &str) -> String {
    format!("{url}#{commit}")
}

/// Where a resolution stands.
#[derive(Debug)]
pub enum Step {
    /// Not before these are in the catalog.
    Need(Vec<Request>),
    /// Finished.
    Done(Box<Plan>),
}
