//! Nix's own fetcher takes a source through the function that the overlay's packages use.
//!
//! The bot adds sources to the store itself, so no other test makes Nix fetch one; a subscriber's Nix does nothing else.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nixwright_tests::fixture::{Fixture, PackedCrate};
use nixwright_tests::nix::Nix;
use nixwright_tests::process::{Finished, files_below, run, write_file};
use nixwright_tests::registry::{Fault, Registry};
use tempfile::TempDir;

#[test]
fn nix_fetches_a_source_and_checks_its_hash() {
    let source = Source::new();
    let realised = source.realise().expect_code(0);
    assert_eq!(std::fs::read(realised.stdout.trim()).unwrap(), source.packed.archive);
    let requests = source.registry.take_requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_eq!(requests[0].path, format!("/plain/{}/{}/download", source.packed.name, source.packed.version));
}

#[test]
fn nix_refuses_a_source_with_other_bytes() {
    let source = Source::new();
    source.registry.fail("/plain/", Fault::WrongBytes);
    let realised = source.realise();
    assert_ne!(realised.code, Some(0), "{realised}");
    realised.expect_words(&["hash mismatch"]);
}

/// A crate that no store has yet, a registry that serves it, and a graph that names it.
struct Source {
    packed: PackedCrate,
    registry: Registry,
    folder: TempDir,
}

impl Source {
    fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a value that no earlier run of this test has used")]
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_nanos();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let salt = format!("# {now} {}\n", folder.path().display());
        let packed = Fixture::read("oil").version("0.1.0+press.2").append("Cargo.toml", &salt).pack();
        let registry = Registry::with([&packed]);
        let source = Self { packed, registry, folder };
        source.write();
        source
    }

    /// The templates with one address exchanged, and an expression for the source.
    fn write(&self) {
        let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../templates");
        for (from, to) in [("overlay/lib", "lib"), ("hostpkgs", "hostpkgs")] {
            for path in files_below(&templates.join(from)) {
                let content = std::fs::read(templates.join(from).join(&path)).expect("a template");
                write_file(&self.path(to).join(path), content);
            }
        }
        let base = self.registry.base_url();
        let addresses = format!("{{ crates-io = name: version: \"{base}/plain/${{name}}/${{version}}/download\"; }}\n");
        write_file(&self.path("lib/registries.nix"), addresses);
        let (id, sha256) = (self.packed.id(), &self.packed.sha256);
        let graph = serde_json::json!({
            "_generated": "by a test", "schema": 1, "root": id, "systems": [],
            "packages": { &id: { "sha256": sha256 } }, "units": {},
        });
        write_file(&self.path("graph.json"), graph.to_string());
        let expression = format!(
            "(import ./lib/cargo/graph.nix {{\n  lib = import ./hostpkgs/lib.nix;\n  fetchurl = import ./hostpkgs/fetchurl.nix;\n  fetchgit = null;\n  \
             system = builtins.currentSystem;\n  file = ./graph.json;\n  project = null;\n  directory = ./.;\n}}).packages.\"{id}\".source\n"
        );
        write_file(&self.path("source.nix"), expression);
    }

    fn realise(&self) -> Finished {
        let file = self.path("source.nix");
        let arguments = ["--no-out-link", file.to_str().expect("a plain path")];
        run(&mut Nix::with_sandbox_paths(&[]).command(self.folder.path(), "nix-build", &arguments))
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }
}
