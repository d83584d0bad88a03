//! The judge: Go's answers about a universe.
//!
//! To look at one: `cargo run -p nixwright-tests --example go_judge -- --keep /tmp/kept 17`.

mod answer;
mod difference;
mod go;
mod ours;
mod plan;
mod prepare;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

pub use self::answer::{Answer, Answers, PackageSet, SYSTEMS, Variant, variants};
pub use self::difference::difference;
pub use self::go::Go;
pub use self::ours::Ours;
pub use self::plan::package_set;
use super::proxy::write_proxy;
use super::universe::Universe;
use crate::process::write_file;

/// Folders to work in, and Go's home.
pub struct Judge {
    folder: TempDir,
    keep: Option<PathBuf>,
    modules_only: bool,
    count: usize,
}

impl Default for Judge {
    fn default() -> Self {
        Self::new()
    }
}

/// A universe on disk: its proxy, and Go pointed at it.
pub struct Place {
    folder: PathBuf,
    /// Go, as the judge runs it.
    pub go: Go,
}

impl Place {
    /// The proxy's folder.
    pub fn proxy(&self) -> PathBuf {
        self.folder.join("proxy")
    }

    /// A fresh folder with the project.
    pub fn project(&self, universe: &Universe, who: &str) -> PathBuf {
        let folder = self.folder.join(who);
        let _ = std::fs::remove_dir_all(&folder);
        universe.write_project(&folder);
        folder
    }
}

impl Judge {
    /// A judge that keeps nothing.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("nixwright-judge-").tempdir().expect("a temporary folder");
        Self { folder, keep: None, modules_only: false, count: 0 }
    }

    /// From now on the prepared universe and what was said are kept below this folder.
    pub fn keep(&mut self, folder: &Path) {
        self.keep = Some(folder.to_owned());
    }

    /// From now on nobody is asked about packages.
    pub fn modules_only(&mut self) {
        self.modules_only = true;
    }

    /// Does what a universe's directives say, then lets `work` ask about what came of it.
    pub fn with<T>(&mut self, universe: &Universe, work: impl FnOnce(&Place, &Universe) -> T) -> T {
        self.count += 1;
        let folder = self.folder.path().join(format!("u{}", self.count));
        write_proxy(universe, &folder.join("proxy"));
        let address = format!("file://{}", folder.join("proxy").display());
        let go = Go::new(&self.folder.path().join("home"), &folder.join("modules"), &address);
        let place = Place { folder, go };
        let prepared = prepare::prepared(&place, universe);
        if let Some(keep) = &self.keep {
            let plain: String = universe.name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
            let kept = keep.join(plain);
            let _ = std::fs::remove_dir_all(&kept);
            write_file(&kept.join("universe.txtar"), prepared.text());
            write_proxy(&prepared, &kept.join("proxy"));
            prepared.write_project(&kept.join("project"));
        }
        let done = work(&place, &prepared);
        let _ = std::fs::remove_dir_all(&place.folder);
        done
    }

    /// Go's answers, and ours.
    pub fn compare(&mut self, universe: &Universe) -> (Answers, Answers) {
        let variants = self.variants();
        self.with(universe, |place, prepared| {
            let go = ask_go(place, prepared, &variants);
            let ours = Ours::new(prepared).answers(&go);
            (go, ours)
        })
    }

    /// Go's answers.
    pub fn ask_go(&mut self, universe: &Universe) -> Answers {
        let variants = self.variants();
        self.with(universe, |place, prepared| ask_go(place, prepared, &variants))
    }

    fn variants(&self) -> Vec<Variant> {
        if self.modules_only { Vec::new() } else { variants() }
    }
}

/// Go's answers about a prepared universe.
fn ask_go(place: &Place, universe: &Universe, variants: &[Variant]) -> Answers {
    let project = place.project(universe, "go");
    let (list, graph) = place.go.modules(&project);
    let packages = variants.iter().map(|variant| (variant.clone(), place.go.packages(&project, variant)));
    Answers { list, graph, packages: packages.collect() }
}
