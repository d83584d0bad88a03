//! Tests of the store, on real files.

mod jobs;
mod opening;
mod packages;
mod pull_requests;
mod runs;

use std::path::Path;

use jiff::Timestamp;

use crate::model::{AttrPath, Clock};
use crate::store::{ConfiguredPackage, Store};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn attr(name: &str) -> AttrPath {
    name.parse().unwrap()
}

fn configured(name: &str) -> ConfiguredPackage {
    ConfiguredPackage { attr: attr(name), purl: format!("pkg:cargo/{name}") }
}

const NOON: &str = "2026-03-01T12:00:00Z";
const ONE: &str = "2026-03-01T13:00:00Z";

async fn open_at(folder: &Path, now: &str) -> Store {
    Store::open(&folder.join("nixwright.db"), Clock::fixed(at(now))).await.unwrap()
}

/// A store in a folder of its own, with the packages `alpha` and `beta`.
async fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = open_at(folder.path(), NOON).await;
    store.sync_packages(&[configured("beta"), configured("alpha")]).await.unwrap();
    (folder, store)
}
