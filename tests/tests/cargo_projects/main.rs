//! Cargo projects on disk: `generate` and `resolve --dir`, with cargo as the judge and Nix as the builder.

mod generate;
mod locks;
mod sources;
mod workbench;
