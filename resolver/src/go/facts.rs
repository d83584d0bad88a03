//! What one pass over a module's files teaches: all that resolving ever asks of them.

use serde::{Deserialize, Serialize};

/// A module's files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleFacts {
    /// `h1:…`, as go.sum has it; empty for a folder of the project.
    pub sum: String,
    /// The hash of the tree as Nix takes it: `sha256-…`, recursive, every file with mode 0444; empty for a folder of the project.
    pub hash: String,
    /// The text of the go.mod, if there is one.
    pub go_mod: Option<String>,
    /// The text of the go.sum, if there is one.
    pub go_sum: Option<String>,
}

/// The standard library of one toolchain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandardLibrary {
    /// The toolchain's version: `1.27.3`.
    pub version: String,
}
