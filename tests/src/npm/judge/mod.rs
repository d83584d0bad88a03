//! npm's answer and ours, side by side.
//!
//! One case or one seed from the command line, both locks kept for looking at (also what npm said, and the universe):
//!
//! ```sh
//! cargo build && cargo run -p nixwright-tests --example npm_judge -- --keep /tmp/kept 'dedupe: the classical a@1||2'
//! cargo run -p nixwright-tests --example npm_judge -- --keep /tmp/kept 17          # the universe of seed 17
//! cargo run -p nixwright-tests --example npm_judge -- 1-500                        # these seeds, differences only
//! cargo run -p nixwright-tests --example npm_judge -- cases                        # all cases by hand
//! cargo run -p nixwright-tests --example npm_judge -- --npm-only cases             # npm's CLI against npm in process
//! cargo run -p nixwright-tests --example npm_judge -- --survey 1-500               # what npm says, ours not asked
//! cargo run -p nixwright-tests --example npm_judge -- --shrink --keep /tmp/kept 610  # what is left when it still differs
//! NIXWRIGHT=target/release/nixwright cargo run …                                     # another build of ours
//! ```

mod acceptance;
mod difference;
mod npm;
mod shrink;

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::registry::NpmRegistry;
use super::universe::Universe;
use crate::bot::nixwright;
use crate::process::{command, write_file};
pub use acceptance::{Acceptance, acceptance};
pub use difference::first_difference;
use npm::run_patiently;
pub use npm::{ENDLESS, FLAGS, LongLivedNpm, npm};
pub use shrink::shrink;

/// What a resolver gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The bytes of package-lock.json.
    Lock(String),
    /// It refused.
    Failed {
        /// npm's code (`ERESOLVE`, …); of ours, the exit code.
        code: String,
        /// What it said.
        message: String,
    },
}

/// Both outcomes for a universe.
#[derive(Debug)]
pub struct Verdict {
    /// The universe's name.
    pub name: String,
    /// What npm gave.
    pub npm: Outcome,
    /// What we gave.
    pub ours: Outcome,
    /// What npm says of its own lock and of ours, where the two are not the same and it was to be asked.
    pub acceptance: Option<[Acceptance; 2]>,
}

impl Verdict {
    /// Whether npm takes our lock wherever it takes its own; that of a refusal is none to take.
    pub fn is_valid(&self) -> bool {
        self.acceptance.as_ref().is_none_or(|[theirs, ours]| {
            (ours.ci.is_ok() || theirs.ci.is_err()) && (ours.ls.is_ok() || theirs.ls.is_err())
        })
    }

    /// The first difference in words; `None` when both refused or the bytes are the same.
    pub fn difference(&self) -> Option<String> {
        match (&self.npm, &self.ours) {
            (Outcome::Lock(npm), Outcome::Lock(ours)) => first_difference(npm, ours),
            // 1: it cannot be resolved; 2: what the project itself says is wrong.
            (Outcome::Failed { .. }, Outcome::Failed { code, .. }) if code == "1" || code == "2" => None,
            (Outcome::Failed { code, message }, Outcome::Failed { code: own, message: words }) => {
                Some(format!("npm refuses with {code} ({message}), ours ends with exit code {own}: {words}"))
            }
            (Outcome::Failed { code, message }, Outcome::Lock(_)) => {
                Some(format!("npm refuses with {code} ({message}), ours resolves"))
            }
            (Outcome::Lock(_), Outcome::Failed { message, .. }) => {
                Some(format!("npm resolves, ours refuses: {message}"))
            }
        }
    }
}

/// A registry, npm in one process, and folders to work in.
pub struct Judge {
    registry: NpmRegistry,
    npm: LongLivedNpm,
    folder: TempDir,
    keep: Option<PathBuf>,
    asks_about_locks: bool,
    count: usize,
}

impl Default for Judge {
    fn default() -> Self {
        Self::new()
    }
}

impl Judge {
    /// A judge that keeps nothing.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("nixwright-judge-").tempdir().expect("a temporary folder");
        Self {
            registry: NpmRegistry::start(),
            npm: LongLivedNpm::start(),
            folder,
            keep: None,
            asks_about_locks: false,
            count: 0,
        }
    }

    /// From now on the locks, what was said, and the universe are kept below this folder.
    pub fn keep(&mut self, folder: &Path) {
        self.keep = Some(folder.to_owned());
    }

    /// From now on npm is asked about both locks where they differ: [`Verdict::acceptance`]. That takes seconds for each.
    pub fn ask_about_locks(&mut self) {
        self.asks_about_locks = true;
    }

    /// npm's answer, in process, and ours.
    pub fn compare(&mut self, universe: &Universe) -> Verdict {
        self.with_registry(universe, |judge, address, place| {
            let npm = judge.npm_in_process(universe, address, place);
            let ours = judge.ours(universe, address, place);
            let mut verdict = Verdict { name: universe.name.clone(), npm, ours, acceptance: None };
            if let (Outcome::Lock(theirs), Outcome::Lock(own)) = (&verdict.npm, &verdict.ours)
                && theirs != own
                && judge.asks_about_locks
            {
                verdict.acceptance = Some([("npm-takes", theirs), ("ours-taken", own)].map(|(who, lock)| {
                    let folder = judge.project(universe, address, place, who);
                    acceptance(&folder, lock, Some(address), judge.folder.path())
                }));
            }
            verdict
        })
    }

    /// npm's answer from its command line (as `npm`) and in process (as `ours`): they have to agree.
    pub fn compare_npm_with_itself(&mut self, universe: &Universe) -> Verdict {
        self.with_registry(universe, |judge, address, place| {
            let folder = judge.project(universe, address, place, "cli");
            let npm = npm_outcome(&folder, address, judge.folder.path(), universe.before());
            let mut ours = judge.npm_in_process(universe, address, place);
            if let Outcome::Failed { code, .. } = &mut ours
                && matches!(&npm, Outcome::Failed { code: other, .. } if other == code || code == npm::UNCAUGHT)
            {
                "1".clone_into(code);
            }
            Verdict { name: universe.name.clone(), npm, ours, acceptance: None }
        })
    }

    /// npm's answer alone, in process.
    pub fn ask_npm(&mut self, universe: &Universe) -> Outcome {
        let verdict = self.with_registry(universe, |judge, address, place| {
            let npm = judge.npm_in_process(universe, address, place);
            Verdict { name: universe.name.clone(), ours: npm.clone(), npm, acceptance: None }
        });
        verdict.npm
    }

    fn with_registry(&mut self, universe: &Universe, work: impl FnOnce(&mut Self, &str, &str) -> Verdict) -> Verdict {
        self.count += 1;
        let place = format!("u{}", self.count);
        let address = self.registry.mount(&place, universe);
        let verdict = work(self, &address, &place);
        self.registry.unmount(&place);
        self.keep_outcomes(universe, &address, &verdict);
        let _ = std::fs::remove_dir_all(self.folder.path().join(&place));
        verdict
    }

    /// A fresh folder with the project. Its own name is always `project`: npm calls a project without a name after it.
    fn project(&self, universe: &Universe, address: &str, place: &str, who: &str) -> PathBuf {
        let folder = self.folder.path().join(place).join(who).join("project");
        std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        universe.write_project(&folder, address);
        folder
    }

    fn npm_in_process(&mut self, universe: &Universe, address: &str, place: &str) -> Outcome {
        let folder = self.project(universe, address, place, "npm");
        let cache = self.folder.path().join("npm-cache");
        self.npm.resolve(&folder, address, &cache, universe.before())
    }

    fn ours(&self, universe: &Universe, address: &str, place: &str) -> Outcome {
        let folder = self.project(universe, address, place, "ours");
        let cache = self.folder.path().join(place).join("our-cache");
        our_outcome(&folder, address, &cache, universe.before())
    }

    fn keep_outcomes(&self, universe: &Universe, address: &str, verdict: &Verdict) {
        let Some(keep) = &self.keep else { return };
        let plain: String = universe.name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        let folder = keep.join(plain);
        let _ = std::fs::remove_dir_all(&folder);
        write_file(&folder.join("universe.json"), format!("{:#}\n", universe.content()));
        universe.write_project(&folder.join("project"), address);
        for (who, outcome) in [("npm", &verdict.npm), ("ours", &verdict.ours)] {
            let (end, text) = match outcome {
                Outcome::Lock(text) => ("lock.json", text.clone()),
                Outcome::Failed { code, message } => ("failed.txt", format!("{code}\n{message}\n")),
            };
            write_file(&folder.join(format!("{who}-{end}")), text);
        }
    }
}

/// Our program, or another build of it that the environment names (`NIXWRIGHT`).
pub fn our_program() -> Command {
    std::env::var_os("NIXWRIGHT").map_or_else(nixwright, command)
}

/// `nixwright resolve --format package-lock` for the project in a folder.
pub fn our_outcome(folder: &Path, registry: &str, cache: &Path, before: Option<&str>) -> Outcome {
    std::fs::create_dir_all(cache).unwrap_or_else(|error| panic!("{}: {error}", cache.display()));
    let mut ours = our_program();
    ours.args(["resolve", "--format", "package-lock", "--dir"]).arg(folder).current_dir(cache);
    if let Some(before) = before {
        ours.args(["--before", before]);
    }
    ours.env("NIXWRIGHT_NPM_REGISTRY", registry).env("XDG_CACHE_HOME", cache);
    let Some(finished) = run_patiently(&mut ours, cache) else {
        return Outcome::Failed { code: ENDLESS.to_owned(), message: "ours did not come to an end".to_owned() };
    };
    match finished.code {
        Some(0) => Outcome::Lock(finished.stdout),
        code => {
            let code = code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
            assert!(!finished.stderr.contains("Usage: "), "the command line of ours: {finished}");
            let lines = finished.stderr.lines().map(str::trim).filter(|line| !line.is_empty());
            Outcome::Failed { code, message: lines.collect::<Vec<_>>().join(" / ") }
        }
    }
}

/// `npm install --package-lock-only` for the project in a folder.
pub fn npm_outcome(folder: &Path, registry: &str, home: &Path, before: Option<&str>) -> Outcome {
    let mut install = npm(home);
    install.args(["install", "--registry", registry]).args(FLAGS).arg("--json").current_dir(folder);
    if let Some(before) = before {
        install.args(["--before", before]);
    }
    let Some(finished) = run_patiently(&mut install, home) else {
        return Outcome::Failed { code: ENDLESS.to_owned(), message: "npm did not come to an end".to_owned() };
    };
    if finished.code == Some(0) {
        let lock = folder.join("package-lock.json");
        let text = std::fs::read_to_string(&lock).unwrap_or_else(|error| panic!("{}: {error}", lock.display()));
        return Outcome::Lock(text);
    }
    let said: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap_or_default();
    let text = |key: &str| said["error"][key].as_str().map(str::to_owned);
    Outcome::Failed {
        code: text("code").unwrap_or_else(|| "unknown".to_owned()),
        message: text("summary").unwrap_or_else(|| finished.output().trim().to_owned()),
    }
}
