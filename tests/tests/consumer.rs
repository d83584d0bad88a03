//! A person's own flake that subscribes to the overlay.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

use std::path::Path;
use std::sync::LazyLock;

use nixwright_tests::bot::Bot;
use nixwright_tests::nix::Nix;
use nixwright_tests::process::{command, stdout_of, write_file};
use nixwright_tests::shelf::LANTERN_REPORT;
use nixwright_tests::world::{World, system};
use tempfile::TempDir;

static WORLD: LazyLock<World> =
    LazyLock::new(|| World::run_in(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("consumer")));

/// A package set that has a `lantern` of its own, which its toolchain needs.
const CLASHING: &str = r#"
    (import "${nixwright}/hostpkgs" {
      overlays = [
        (final: prev: {
          lantern = prev.runCommand "their-lantern" { } "mkdir $out; echo theirs > $out/who";
          rustc = prev.rustc // final.runCommand "rustc" { inherit (final) lantern; original = prev.rustc; } ''
            cat $lantern/who
            ln -s $original $out
          '';
        })
      ];
    })
"#;

/// A package set that has a `lantern` of its own, which some other package takes.
const TAKEN: &str = r#"
    (import "${nixwright}/hostpkgs" {
      overlays = [
        (final: prev: {
          lantern = prev.runCommand "their-lantern" { } "mkdir $out";
          user = final.runCommand "user" { inherit (final) lantern; } "mkdir $out";
        })
      ];
    })
"#;

#[test]
fn a_flake_applies_the_overlay_builds_and_runs_a_package() {
    let consumer = Consumer::new(r#"(import "${nixwright}/hostpkgs" { })"#, "pkgs.nixwright.lantern", "");
    assert_eq!(stdout_of(&mut command(consumer.build() + "/bin/lantern")), LANTERN_REPORT);
}

#[test]
fn the_flakes_own_outputs_lead_to_the_same_package() {
    let flake = format!("git+file://{}?ref=main", WORLD.bot.overlay().path().display());
    let home = tempfile::tempdir().unwrap();
    let nix = WORLD.nix();
    let path =
        |attribute: &str| nix.eval(home.path(), &format!("{flake}#{attribute}"), Some("package: package.drvPath"));
    let through_scope = path(&format!("legacyPackages.{}.nixwright.lantern", system()));
    assert_eq!(path(&format!("packages.{}.lantern", system())), through_scope);
    assert_eq!(path(&format!("checks.{}.lantern", system())), through_scope);
    assert_eq!(path(&format!("hydraJobs.lantern.{}", system())), through_scope);
    let shown = nix.call(home.path(), &["flake", "show", "--no-write-lock-file", &flake]).expect_code(0);
    shown.expect_words(&["lantern"]);
}

#[test]
fn a_package_set_with_the_same_name_keeps_its_own_and_nothing_recurses() {
    let consumer = Consumer::new(CLASHING, "pkgs.nixwright.lantern", "");
    assert_eq!(consumer.name_of("pkgs.lantern"), "their-lantern");
    assert_eq!(consumer.name_of("pkgs.nixwright.lantern"), "lantern-1.0.0");
    assert_eq!(stdout_of(&mut command(consumer.build() + "/bin/lantern")), LANTERN_REPORT);
}

#[test]
fn a_replaced_package_is_made_without_itself_even_if_the_toolchain_needs_its_name() {
    let replaced = r#"(base.extend (nixwright.overlays.replace "lantern")).lantern"#;
    let consumer = Consumer::new(CLASHING, replaced, "");
    assert_eq!(consumer.name_of(replaced), "lantern-1.0.0");
    assert_eq!(stdout_of(&mut command(consumer.build() + "/bin/lantern")), LANTERN_REPORT);
}

#[test]
fn a_package_is_replaced_by_name_only_where_that_is_asked_for() {
    let replace = r#"(base.extend (nixwright.overlays.replace [ "lantern" ]))"#;
    let consumer = Consumer::new(r#"(import "${nixwright}/hostpkgs" { })"#, "pkgs.nixwright.lantern", "");
    assert_eq!(consumer.drv_of(&format!("{replace}.lantern")), consumer.drv_of("pkgs.nixwright.lantern"));
    assert_eq!(consumer.name_of(&format!("{replace}.matches or {{ name = \"none\"; }}")), "none");
    let taken = Consumer::new(TAKEN, "pkgs.user", "");
    assert_ne!(taken.drv_of("pkgs.user"), taken.drv_of(&format!("{replace}.user")), "others now take ours");
}

#[test]
fn an_override_adds_an_input_a_variable_a_hook_and_a_patch() {
    let overridden = r#"
      (pkgs.nixwright.lantern.withOverrides {
        nativeBuildInputs = [ (pkgs.writeShellScriptBin "lampshade" "echo shaded") ];
        env.LANTERN_NOTE = "by override";
        patches = [ ./glow.patch ];
        postInstall = "lampshade > $out/shade";
      })
    "#;
    let patch = "--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -11,3 +11,3 @@\n /// `name=value` lines.\n pub fn report() -> Vec<String> {\n\
                 -    let glow = if cfg!(glow = \"warm\") { \"warm\" } else { \"cold\" };\n\
                 +    let glow = if cfg!(glow = \"warm\") { \"patched\" } else { \"cold\" };\n";
    let consumer = Consumer::new(r#"(import "${nixwright}/hostpkgs" { })"#, overridden, patch);
    let out = consumer.build();
    let report = stdout_of(&mut command(format!("{out}/bin/lantern")));
    assert!(report.contains("note=by override\n") && report.contains("cfg=patched\n"), "{report}");
    assert_eq!(std::fs::read_to_string(format!("{out}/shade")).unwrap(), "shaded\n");
}

#[test]
fn an_override_chooses_a_feature() {
    // Other features than the graph's are built by cargo itself, which takes every crate of the lock, those of other
    // systems too: a bot that builds so has brought them into the store.
    let vendored = "[packages.lantern]\npurl = \"pkg:cargo/lantern\"\nstrategy = \"vendored\"\n";
    Bot::new(&WORLD.registry, vendored).run_once().expect_code(0);
    let overridden = r#"(pkgs.nixwright.lantern.withOverrides { features = [ "full" ]; })"#;
    let consumer = Consumer::new(r#"(import "${nixwright}/hostpkgs" { })"#, overridden, "");
    let out = consumer.build();
    let report = stdout_of(&mut command(format!("{out}/bin/lantern-dump")));
    assert!(report.contains("weak=loud\n") && report.contains("no-default-features=red and blue\n"), "{report}");
}

#[test]
fn an_override_with_an_unknown_key_is_an_error_that_names_it() {
    let overridden = r"(pkgs.nixwright.lantern.withOverrides { nativeBuildInput = [ ]; })";
    let consumer = Consumer::new(r#"(import "${nixwright}/hostpkgs" { })"#, overridden, "");
    let evaluated = consumer.nix.call(consumer.home(), &["eval", "--json", &consumer.installable("package")]);
    assert_ne!(evaluated.code, Some(0));
    evaluated.expect_words(&["nativeBuildInput", "nativeBuildInputs"]);
}

#[test]
fn override_attrs_reaches_the_final_derivation() {
    let overridden = r#"(pkgs.nixwright.lantern.overrideAttrs (old: { postInstall = "echo attrs > $out/attrs"; }))"#;
    let consumer = Consumer::new(r#"(import "${nixwright}/hostpkgs" { })"#, overridden, "");
    assert_eq!(std::fs::read_to_string(consumer.build() + "/attrs").unwrap(), "attrs\n");
}

/// A folder with a flake: `base` is a package set, `pkgs` that with the overlay, `package` what is wanted.
struct Consumer {
    folder: TempDir,
    nix: Nix,
    base: String,
}

impl Consumer {
    fn new(base: &str, package: &str, patch: &str) -> Self {
        let consumer = Self { folder: tempfile::tempdir().unwrap(), nix: WORLD.nix(), base: base.to_owned() };
        write_file(&consumer.folder.path().join("flake/glow.patch"), patch);
        consumer.write(package);
        consumer
    }

    fn write(&self, package: &str) {
        let overlay = WORLD.bot.overlay();
        let flake = format!(
            "{{\n  inputs.nixwright.url = \"git+file://{}?ref=main\";\n  outputs = {{ self, nixwright }}: let\n    base = {};\n    \
             pkgs = base.extend nixwright.overlays.default;\n  in {{ package = {package}; }};\n}}\n",
            overlay.path().display(),
            self.base
        );
        write_file(&self.folder.path().join("flake/flake.nix"), flake);
    }

    fn home(&self) -> &Path {
        self.folder.path()
    }

    fn installable(&self, attribute: &str) -> String {
        format!("path:{}#{attribute}", self.folder.path().join("flake").display())
    }

    fn build(&self) -> String {
        self.nix.build(self.home(), &self.installable("package"))
    }

    fn ask(&self, package: &str, question: &str) -> String {
        self.write(package);
        let answer = self.nix.eval(self.home(), &self.installable("package"), Some(question));
        answer.as_str().expect("a text").to_owned()
    }

    fn name_of(&self, package: &str) -> String {
        self.ask(package, "package: package.name")
    }

    fn drv_of(&self, package: &str) -> String {
        self.ask(package, "package: package.drvPath")
    }
}
