//! `status.json`: every package of the overlay in one list, for programs that follow it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::model::{AttrPath, Strategy};
use crate::store::{ReasonCode, State, Store, StoreError};

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
    #[schemars(with = "Vec<PackageStatus>")]
    packages: Box<RawValue>,
}

/// A package, as [`Store::packages_json`] writes it.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "describes what the store writes")]
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
        Ok(Self {
            schema: 1,
            overlay: overlay.to_owned(),
            looked: store.last_cycle().await?.map(|cycle| cycle.finished),
            packages: store.packages_json().await?,
        })
    }

    /// As text; short, as there may be ten thousand rows.
    pub(crate) fn text(&self) -> String {
        // Only a map whose keys are no text, or a type of ours that refuses, could fail; there is neither.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}
