//! Registries of crates beside the public one, as far as they need a name or a login.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::reader::{Section, checked, text};
use crate::clients::endpoints;

/// Another registry of crates. What a lock names is read without being configured, unless it wants a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CargoRegistry {
    /// The address of its sparse index, with `sparse+`.
    pub index: String,
    /// A file with the token that it wants. Without one, cargo's own variable counts: `CARGO_REGISTRIES_NAME_TOKEN`.
    pub token_file: Option<PathBuf>,
}

/// Reads the tables below `registries.cargo`, each headed by the name that manifests have for the registry.
pub(super) fn registries(section: Section<'_, '_, '_, '_>, folder: &Path) -> BTreeMap<String, CargoRegistry> {
    let mut registries = BTreeMap::new();
    for (name, mut section) in section.entries() {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            section.problem_here("a registry's name has letters, digits, `-` and `_`".to_owned());
        }
        let index = section.require("index", |value| {
            checked(value, "the address of a sparse index", |text| {
                endpoints::parse_index(text).map(|index| format!("sparse+{index}"))
            })
        });
        section.forbid("token", "a secret has no place in this file; name a file of its own in `token_file`");
        let token_file = section.get("token_file", |value| {
            text(value, "a path", |text| (!text.is_empty() && !text.contains('\0')).then(|| folder.join(text)))
        });
        section.finish();
        registries.extend(index.map(|index| (name, CargoRegistry { index, token_file })));
    }
    registries
}
