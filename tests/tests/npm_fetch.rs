//! Nix's own fetcher takes a tarball of npm through the function that the overlay's packages use (`nix_fetch.rs` has crates).

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use data_encoding::BASE64;
use nixwright_tests::nix::Nix;
use nixwright_tests::npm::registry::{Fault, NpmRegistry};
use nixwright_tests::npm::release::Release;
use nixwright_tests::process::{Finished, files_below, run, write_file};
use serde_json::json;
use sha2::{Digest as _, Sha512};
use tempfile::TempDir;

const NAME: &str = "@acme/press";
const VERSION: &str = "1.2.3";

#[test]
fn nix_fetches_a_tarball_and_checks_its_integrity() {
    let source = Source::new();
    let realised = source.realise().expect_code(0);
    let path = realised.stdout.trim();
    assert!(path.ends_with("-acme-press-1.2.3.tgz"), "{path}");
    assert_eq!(std::fs::read(path).expect("a path of the store"), source.tarball);
    let requests = source.registry.take_requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_eq!(requests[0].path, "@acme/press/-/press-1.2.3.tgz");
}

#[test]
fn nix_refuses_a_tarball_with_other_bytes() {
    let source = Source::new();
    source.registry.fail(".tgz", Fault::WrongBytes);
    let realised = source.realise();
    assert_ne!(realised.code, Some(0), "{realised}");
    realised.expect_words(&["hash mismatch"]);
}

/// A release that no store has yet, a registry that serves it, and a graph that names it.
struct Source {
    tarball: Vec<u8>,
    registry: NpmRegistry,
    folder: TempDir,
}

impl Source {
    fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a value that no earlier run of this test has used")]
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_nanos();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let salt = format!("{now} {}", folder.path().display());
        let release = Release::new(NAME, VERSION, &json!({ "description": salt }));
        let registry = NpmRegistry::start();
        registry.publish(&release);
        let source = Self { tarball: release.tarball(), registry, folder };
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
        let public = std::fs::read_to_string(self.path("lib/registries.nix")).expect("the addresses");
        let at = public.find("https://registry.").expect("npm's address");
        let end = at + public[at..].find("/${name}").expect("its end");
        let mirrored = format!("{}{}{}", &public[..at], self.registry.url().trim_end_matches('/'), &public[end..]);
        write_file(&self.path("lib/registries.nix"), mirrored);
        let integrity = format!("sha512-{}", BASE64.encode(&Sha512::digest(&self.tarball)));
        let graph = json!({
            "_generated": "by a test", "schema": 1, "purl": "pkg:npm/%40acme/press@1.2.3", "root": NAME, "systems": [],
            "families": {}, "packages": { NAME: { "v": VERSION, "h": integrity } },
        });
        write_file(&self.path("graph.json"), graph.to_string());
        let expression = format!(
            "(import ./lib/npm/graph.nix {{\n  lib = import ./hostpkgs/lib.nix;\n  pkgs = {{\n    \
             fetchurl = import ./hostpkgs/fetchurl.nix;\n    stdenv.hostPlatform.system = builtins.currentSystem;\n  }};\n  \
             file = ./graph.json;\n  musl = false;\n  source = null;\n  mayLack = [ ];\n\
             }}).entries.\"{NAME}\".source.tarball\n"
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
