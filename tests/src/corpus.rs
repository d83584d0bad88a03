//! Programs of a corpus, built by the bot one after the other.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bot::Bot;
use crate::process::{command, stdout_of};
use crate::world::nix_of;

/// A bot that follows the programs of a corpus, each at one version.
///
/// It goes through one cycle for each, in the order of the corpus, so that later ones reuse what earlier ones have built; what is in the
/// machine's store already is reused as well.
pub struct Corpus {
    bot: Bot,
}

/// A program of a corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its name in the overlay.
    pub attr: String,
    /// Where its releases come from: `pkg:cargo/ripgrep`.
    pub upstream: String,
    /// The version.
    pub version: String,
}

/// What the bot made of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The strategy, and why it is not `shared`.
    pub strategy: String,
    /// Derivations that were built, and those that were there.
    pub units: [String; 2],
    /// Where it is in Nix's store.
    pub output: PathBuf,
    /// Its graph as it is in the overlay.
    pub graph: String,
}

/// Why there is no program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotBuilt {
    /// A registry of this machine does not have all of it.
    NotServed,
    /// What the bot says.
    Failed(String),
}

impl Program {
    /// From a line of a corpus, `pkg:cargo/ripgrep@15.2.0`.
    pub fn parse(purl: &str) -> Self {
        let (upstream, version) = purl.rsplit_once('@').unwrap_or((purl, ""));
        let attr = upstream.split_once('/').map_or(upstream, |(_, name)| name).replace("%40", "").replace('/', "-");
        Self { attr, upstream: upstream.to_owned(), version: version.to_owned() }
    }
}

impl Corpus {
    /// Nothing is built yet.
    pub fn new(programs: &[Program]) -> Self {
        let packages = programs.iter().map(|Program { attr, upstream, version }| {
            format!("[packages.{attr}]\npurl = \"{upstream}\"\ntrack = \"exact\"\nversion = \"{version}\"\n")
        });
        let packages: String = packages.collect();
        let limits = "archive_size = \"512MiB\"\narchive_unpacked = \"2GiB\"\narchive_entries = 100000\n";
        let policy = "min_age = \"0s\"\nautomerge = \"always\"\n";
        Self {
            bot: Bot::with(&format!(
                "state_dir = \"var\"\n[build]\npkgs = \"host\"\ntimeout = \"3h\"\n[limits]\n{limits}[defaults]\n{policy}{packages}"
            )),
        }
    }

    /// Builds one program, which is in the overlay then.
    ///
    /// # Errors
    /// [`NotBuilt`]; what the cycle printed is on standard error.
    pub fn build(&self, attr: &str) -> Result<Built, NotBuilt> {
        let cycle = self.bot.call(&["run", "--once", attr]);
        let row = self.bot.status().remove(attr).unwrap_or_default();
        if cycle.code != Some(0) || row["state"] != "up_to_date" {
            let reason = row["reason"].as_str().unwrap_or("the cycle ended early");
            // Which host said so is nobody's business but this machine's.
            if reason.contains(" answered 403") || reason.contains(" answered 404") {
                return Err(NotBuilt::NotServed);
            }
            return Err(NotBuilt::Failed(first_line(reason)));
        }
        let answer = self.bot.call(&["build", attr]);
        if answer.code != Some(0) {
            return Err(NotBuilt::Failed(first_line(&answer.output())));
        }
        let count = |name: &str| row[name].as_u64().map_or_else(|| "-".to_owned(), |count| count.to_string());
        Ok(Built {
            strategy: self.strategy(attr, &row),
            units: [count("built"), count("reused")],
            output: Path::new(answer.stdout.trim()).to_owned(),
            graph: self.bot.overlay().file("main", &format!("packages/{attr}/graph.json")).unwrap_or_default(),
        })
    }

    /// How long Nix takes from the overlay's files to the derivation of a package, or of all that are there: the best of five.
    pub fn evaluation(&self, attr: Option<&str>) -> Duration {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let checkout = folder.path().join("overlay");
        let mut clone = command("git");
        stdout_of(clone.args(["clone", "-q"]).arg(self.bot.overlay().path()).arg(&checkout));
        let nix = nix_of(&self.bot);
        let file = checkout.join("default.nix").display().to_string();
        let arguments: Vec<&str> =
            std::iter::once(file.as_str()).chain(attr.into_iter().flat_map(|attr| ["-A", attr])).collect();
        let times = (0..5).map(|_| {
            let started = Instant::now();
            stdout_of(&mut nix.command(folder.path(), "nix-instantiate", &arguments));
            started.elapsed()
        });
        times.min().unwrap_or_default()
    }

    fn strategy(&self, attr: &str, row: &Value) -> String {
        let strategy = row["strategy"].as_str().unwrap_or("-");
        // Those of them that are documents.
        let pages = self.bot.pages().into_iter().filter(|(path, _)| path.starts_with("runs/"));
        let mut runs = pages.filter_map(|(_, text)| serde_json::from_str::<Value>(&text).ok());
        let own = runs.find(|run| run["attr"] == attr && run["fallback_reason"].is_string());
        match own.as_ref().and_then(|run| run["fallback_reason"].as_str()) {
            Some(reason) if strategy == "vendored" => format!("vendored: {}", first_line(reason)),
            _ => strategy.to_owned(),
        }
    }
}

/// The first line of a text, for a cell of a table.
pub fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().replace('|', "\\|")
}
