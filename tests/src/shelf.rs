//! The releases that the fake crates.io can publish, packed once for a whole test program.
//!
//! The lock files in the programs are cargo's own: cargo is pointed at a fake registry that has the libraries, by source
//! replacement, so that each lock names the public registry and the real checksums of the archives.

use std::path::Path;
use std::sync::LazyLock;

use crate::fixture::{Fixture, PackedCrate};
use crate::process::{cargo, run, write_file};
use crate::registry::Registry;

/// What `lantern` 1.0.0 prints on 64-bit Linux when every rule was kept.
pub const LANTERN_REPORT: &str = "\
version=1.0.0
out-dir=for linux with oil 1.0.0, tinted: true
cfg=warm
script-env=release
proc-macro=Lantern with a tall wick
renamed=oil 1.0.0 and oil 0.1.0+press.2
target-features=short
edition=2015
own-lib-path=made with a tall wick
links-metadata=12 amber
native=12
no-default-features=blue
authors=First Author <first@registry.example>:Second Author
unix=64
optional=tint 1.0.0 bright+pale
weak=not built
overflow=checked
debug-assertions=false
note=none
";

/// Crates by name and version.
pub struct Shelf {
    crates: Vec<PackedCrate>,
}

/// The shelf that most tests share.
pub fn shelf() -> &'static Shelf {
    static SHELF: LazyLock<Shelf> = LazyLock::new(|| Shelf::with_salt(""));
    &SHELF
}

impl Shelf {
    /// The same crates with other bytes, hence other hashes: nothing of them is in any Nix store yet. The salt is a comment
    /// of TOML with its line end, or empty.
    pub fn with_salt(salt: &str) -> Self {
        let read = |name: &str| {
            let fixture = Fixture::read(name);
            if salt.is_empty() { fixture } else { fixture.append("Cargo.toml", salt) }
        };
        let mut shelf = Self { crates: Vec::new() };
        let plain = [
            "apple-pip",
            "burrow",
            "chamber",
            "lamp-derive",
            "lamp-gen",
            "lamp-sys",
            "oil",
            "pane",
            "spark",
            "tint",
            "wick",
        ];
        shelf.crates.extend(plain.map(|name| read(name).pack()));
        shelf.crates.push(read("oil").version("0.1.0+press.2").pack());
        shelf.add_programs(&read);
        shelf
    }

    fn add_programs(&mut self, read: &dyn Fn(&str) -> Fixture) {
        let registry = Registry::with(&self.crates);
        let home = tempfile::tempdir().expect("a temporary folder");
        use_registry(home.path(), &registry);
        let lock = |fixture: Fixture| with_lock(home.path(), fixture).pack();

        self.crates.push(lock(read("matchbox")));
        self.crates.push(lock(read("matchbox").version("1.1.0")));
        let lantern = read("lantern");
        self.crates.push(lock(lantern.clone()));
        self.crates.push(lock(lantern.clone().version("1.2.0-rc.1")));

        // What came out after the first release, and what the second release takes.
        let later = [read("tint").version("1.0.1").pack(), read("ember").pack()];
        for packed in &later {
            registry.publish(packed);
        }
        self.crates.extend(later);
        let second = second_release(lantern);
        self.crates.push(lock(second.clone()));
        self.crates.push(lock(second.clone().version("1.1.1")));
        let broken =
            second.version("2.0.0").append("src/main.rs", "\ncompile_error!(\"this release does not build\");\n");
        self.crates.push(lock(broken));
    }

    /// One release.
    pub fn get(&self, name: &str, version: &str) -> &PackedCrate {
        let found = self.crates.iter().find(|packed| packed.name == name && packed.version == version);
        found.unwrap_or_else(|| panic!("the shelf has no {name} {version}"))
    }

    /// A registry with every library and no program.
    pub fn registry(&self) -> Registry {
        let programs = ["lantern", "matchbox"];
        Registry::with(self.crates.iter().filter(|packed| !programs.contains(&packed.name.as_str())))
    }
}

/// `lantern` 1.1.0: one dependency bumped, one new with a build script, one gone.
fn second_release(lantern: Fixture) -> Fixture {
    lantern
        .version("1.1.0")
        .replace("Cargo.toml", "[dependencies.old-oil]\nversion = \"0.1\"\npackage = \"oil\"\n", EMBER)
        .replace("src/lib.rs", "format!(\"renamed={} and {}\", oil::grade(), old_oil::grade())", "ember::glows()")
}

const EMBER: &str = "[dependencies.ember]\nversion = \"1\"\n";

/// Points cargo at the fake for everything that names crates.io, as a mirror would be.
pub fn use_registry(cargo_home: &Path, registry: &Registry) {
    let index = registry.index_url();
    let text = format!("[source.crates-io]\nreplace-with = \"fake\"\n\n[source.fake]\nregistry = \"{index}\"\n");
    write_file(&cargo_home.join("config.toml"), text);
}

/// The fixture with the lock that cargo makes for it from what this registry has now.
pub fn locked(fixture: Fixture, registry: &Registry) -> Fixture {
    let home = tempfile::tempdir().expect("a temporary folder");
    use_registry(home.path(), registry);
    with_lock(home.path(), fixture)
}

fn with_lock(cargo_home: &Path, fixture: Fixture) -> Fixture {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fixture.write_to(folder.path());
    run(cargo(cargo_home).arg("generate-lockfile").current_dir(folder.path())).expect_code(0);
    let lock = std::fs::read(folder.path().join("Cargo.lock")).expect("cargo has written a lock");
    fixture.file("Cargo.lock", lock)
}
