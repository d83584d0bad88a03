//! `status.json`: every package of the overlay in one list, for programs that follow it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{AttrPath, Strategy};
use crate::store::{Package, ReasonCode, State, Store, StoreError};

/// The overlay at one moment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Status {
    /// The form of this document; grows when a reader would misunderstand it.
    schema: u32,
    /// The overlay as a flake reference.
    overlay: String,
    /// When the upstreams were last looked at.
    looked: Option<Timestamp>,
    /// The configured packages, by name.
    packages: Vec<PackageStatus>,
}

/// A package.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct PackageStatus {
    /// Its name in the overlay.
    attr: AttrPath,
    /// Where its releases come from.
    purl: String,
    /// What `main` has.
    version: Option<String>,
    /// How that is built.
    strategy: Option<Strategy>,
    /// Since when `main` has it.
    since: Option<Timestamp>,
    /// Where it stands.
    state: State,
    /// Why, as a code.
    reason_code: Option<ReasonCode>,
    /// Why, for a person.
    reason: String,
    /// The release that the state is about.
    candidate: Option<String>,
    /// When the bot tries again.
    next_attempt: Option<Timestamp>,
}

impl Status {
    /// Reads it.
    pub(crate) async fn load(store: &Store, overlay: &str) -> Result<Self, StoreError> {
        let packages = store.packages().await?;
        Ok(Self {
            schema: 1,
            overlay: overlay.to_owned(),
            looked: store.last_cycle().await?.map(|cycle| cycle.finished),
            packages: packages.into_iter().filter(|package| package.configured).map(PackageStatus::from).collect(),
        })
    }

    /// As text; short, as there may be ten thousand rows.
    pub(crate) fn text(&self) -> String {
        // Only a map whose keys are no text, or a type of ours that refuses, could fail; there is neither.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

impl From<Package> for PackageStatus {
    fn from(package: Package) -> Self {
        Self {
            attr: package.attr,
            purl: package.purl,
            version: package.current_version,
            strategy: package.current_strategy,
            since: package.current_since,
            state: package.state.state,
            reason_code: package.state.code,
            reason: package.state.reason,
            candidate: package.state.version,
            next_attempt: package.state.next_attempt,
        }
    }
}
