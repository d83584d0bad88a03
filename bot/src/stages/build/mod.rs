//! Build: from a commit of the overlay to built and tried programs.
//!
//! Evaluate, fetch every source ourselves and verify it, add it to the store, and only then let Nix build, without any
//! network.

mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use indicatif::ProgressBar;
use nixwright_resolver::plan::Plan;
use tokio::sync::mpsc;

use self::sources::Sources;
use super::Failure;
use super::resolve::{GoGraphs, NpmTrees};
use crate::clients::crates_io::{CratesIo, OtherRegistries};
use crate::clients::files::{self, FileError};
use crate::clients::http::Http;
use crate::clients::nix::{
    BuildEvent, BuildReport, BuiltDerivation, Closure, DerivationOutcome, FixedFile, FixedOutput, Nix, NixError,
};
use crate::model::{AttrPath, CommitSha, FailureClass, System};

/// How many sources are fetched at the same time.
const PARALLEL_FETCHES: usize = 8;

/// What building needs of the world.
#[derive(Debug, Clone)]
pub struct Builder {
    /// Nix, with the canary proven.
    pub nix: Nix,
    /// For crates.
    pub crates: CratesIo,
    /// For Go modules.
    pub go: GoGraphs,
    /// For crates of other registries.
    pub registries: OtherRegistries,
    /// For packages of npm.
    pub npm: NpmTrees,
    /// For sources that are in no plan.
    pub http: Http,
    /// Where sources that are in no plan are kept.
    pub cache: PathBuf,
    /// Where links keep what was built from the garbage collector.
    pub roots: PathBuf,
    /// The overlay's bare repository.
    pub overlay: PathBuf,
    /// What is built for.
    pub system: System,
}

/// The derivations of a package, as Nix evaluated them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Evaluated {
    /// The package's own.
    pub drv: String,
    /// Its smoke test.
    pub smoke: String,
    /// Each compiled unit's, by unit id; empty with the `vendored` strategy.
    pub units: BTreeMap<String, String>,
    /// The path of the package.
    pub out: String,
}

/// What is asked of each package, in one evaluation.
const DERIVATIONS: &str = "package: { drv = package.drvPath; out = package.outPath; smoke = package.tests.smoke.drvPath; \
                           units = builtins.mapAttrs (_: unit: unit.drvPath) (package.units or { }); }";

/// What came of a build.
#[derive(Debug, Clone)]
pub struct Built {
    /// The path of the package.
    pub out: String,
    /// Every derivation that had to be built, and every unit that was there already.
    pub derivations: Vec<UnitBuild>,
    /// Units that were there already.
    pub reused: u32,
    /// Units that were built.
    pub built: u32,
    /// Why it failed, if it did.
    pub failure: Option<BuildFailure>,
    /// Time from the start of Nix to its end.
    pub elapsed: Duration,
}

/// One derivation of a build.
#[derive(Debug, Clone)]
pub struct UnitBuild {
    /// Its path.
    pub drv: String,
    /// Its name.
    pub name: String,
    /// How it ended; `None` if it was there already.
    pub outcome: Option<DerivationOutcome>,
    /// How long it took.
    pub elapsed: Option<Duration>,
    /// What it printed.
    pub log: String,
}

/// The first derivation that failed.
#[derive(Debug, Clone)]
pub struct BuildFailure {
    /// Who can mend it, and what happened.
    pub failure: Failure,
    /// The derivation's name.
    pub derivation: String,
    /// Its log.
    pub log: String,
}

impl Builder {
    /// The flake of one commit.
    pub fn flake(&self, branch: &str, commit: &CommitSha) -> String {
        format!("git+file://{}?ref={branch}&rev={commit}", self.overlay.display())
    }

    /// Evaluates a package.
    ///
    /// # Errors
    /// A [`Failure`] of class evaluate.
    pub async fn evaluate(&self, flake: &str, attr: &AttrPath) -> Result<Evaluated, Failure> {
        let attribute = format!("legacyPackages.{}.nixwright.{attr}", self.system);
        let value = self.nix.eval_json(flake, &attribute, Some(DERIVATIONS)).await.map_err(|error| nix(&error))?;
        serde_json::from_value(value).map_err(|error| Failure::new(FailureClass::Evaluate, &error))
    }

    /// Fetches, verifies and adds every source that the derivations need and the store lacks; gives their number.
    ///
    /// # Errors
    /// A [`Failure`] of class upstream, hash or infrastructure.
    pub async fn fetch(&self, evaluated: &Evaluated, plan: &Plan, progress: &ProgressBar) -> Result<usize, Failure> {
        let closure = self.closure(evaluated).await?;
        let sources = closure.fixed_outputs();
        let paths: Vec<String> = sources.iter().map(|source| source.path.clone()).collect();
        let missing = self.nix.invalid_paths(&paths).await.map_err(|error| nix(&error))?;
        let wanted: Vec<FixedOutput> = sources.into_iter().filter(|source| missing.contains(&source.path)).collect();
        progress.inc_length(wanted.len() as u64);
        let known = &Sources::of(plan);
        // What has to be unpacked is needed only until Nix has it.
        let scratch = scratch(&self.cache)?;
        let scratch = scratch.path();
        let files: Vec<FixedFile> = stream::iter(&wanted)
            .map(|source| async move {
                let file = self.source(source, known, scratch).await?;
                progress.inc(1);
                Ok::<_, Failure>(FixedFile {
                    name: source.name.clone(),
                    file,
                    algo: source.hash.algo.clone(),
                    recursive: source.hash.recursive,
                })
            })
            .buffered(PARALLEL_FETCHES)
            .try_collect()
            .await?;
        let added = self.nix.add_fixed(&files).await.map_err(|error| nix(&error))?;
        match wanted.iter().zip(&added).find(|(source, path)| source.path != **path) {
            None => Ok(files.len()),
            Some((source, _)) => Err(Failure {
                class: FailureClass::Hash,
                message: format!("the source {} is not the one that its derivation asks for", source.name),
            }),
        }
    }

    async fn closure(&self, evaluated: &Evaluated) -> Result<Closure, Failure> {
        self.nix.closure(&[evaluated.drv.clone(), evaluated.smoke.clone()]).await.map_err(|error| nix(&error))
    }

    /// Builds a package and its smoke test.
    ///
    /// # Errors
    /// A [`Failure`] when Nix itself could not work; what failed to build is in [`Built::failure`].
    pub async fn build(&self, evaluated: &Evaluated, progress: &ProgressBar) -> Result<Built, Failure> {
        self.build_watched(evaluated, progress, None).await
    }

    /// As [`Builder::build`]; whoever watches is told what happens, as it happens.
    ///
    /// # Errors
    /// As there.
    pub async fn build_watched(
        &self,
        evaluated: &Evaluated,
        progress: &ProgressBar,
        watcher: Option<mpsc::UnboundedSender<BuildEvent>>,
    ) -> Result<Built, Failure> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let started = Instant::now();
        let drvs = [evaluated.drv.clone(), evaluated.smoke.clone()];
        let (report, ()) = tokio::join!(self.nix.realise(&drvs, sender), show(receiver, progress, watcher));
        let report = report.map_err(|error| nix(&error))?;
        Ok(summarise(evaluated, report, started.elapsed()))
    }

    /// Keeps what was built from the garbage collector, under `name`.
    ///
    /// # Errors
    /// When the link cannot be made.
    pub async fn keep(&self, out: &str, name: &str) -> Result<(), Failure> {
        self.nix.add_root(out, &self.roots.join(name)).await.map_err(|error| nix(&error))
    }
}

fn scratch(cache: &Path) -> Result<tempfile::TempDir, Failure> {
    let failed = |error: &FileError| Failure::new(FailureClass::Infrastructure, error);
    let folder = cache.join("work");
    files::create_folder(&folder).map_err(|error| failed(&error))?;
    let made = tempfile::Builder::new().prefix("sources-").tempdir_in(&folder);
    made.map_err(|error| failed(&FileError::new("create a folder in", &folder, error)))
}

fn nix(error: &NixError) -> Failure {
    Failure::new(error.class(), error)
}

/// Shows on a bar what is being built, and hands on what happens.
async fn show(
    mut events: mpsc::UnboundedReceiver<BuildEvent>,
    progress: &ProgressBar,
    watcher: Option<mpsc::UnboundedSender<BuildEvent>>,
) {
    let mut running: BTreeSet<String> = BTreeSet::new();
    while let Some(event) = events.recv().await {
        if let Some(watcher) = &watcher {
            // One who has stopped watching misses nothing that it wants.
            let _ = watcher.send(event.clone());
        }
        match event {
            BuildEvent::Started { drv } => {
                progress.inc_length(1);
                running.insert(short_name(&drv).to_owned());
            }
            BuildEvent::Finished { drv, .. } => {
                progress.inc(1);
                running.remove(short_name(&drv));
            }
            BuildEvent::Phase { .. } | BuildEvent::Log { .. } => continue,
        }
        progress.set_message(running.iter().map(String::as_str).collect::<Vec<_>>().join(", "));
    }
}

/// The name in a derivation's path.
pub(crate) fn short_name(drv: &str) -> &str {
    let file = Path::new(drv).file_stem().and_then(|name| name.to_str()).unwrap_or(drv);
    file.split_once('-').map_or(file, |(_, name)| name)
}

fn summarise(evaluated: &Evaluated, report: BuildReport, elapsed: Duration) -> Built {
    let failure = first_failure(&report);
    let tried: BTreeMap<&str, &BuiltDerivation> =
        report.built.iter().map(|derivation| (derivation.drv.as_str(), derivation)).collect();
    // With the vendored strategy the package is the one unit there is.
    let units: BTreeSet<&str> = if evaluated.units.is_empty() {
        BTreeSet::from([evaluated.drv.as_str()])
    } else {
        evaluated.units.values().map(String::as_str).collect()
    };
    let reused: Vec<UnitBuild> = units
        .iter()
        .filter(|drv| !tried.contains_key(**drv))
        .map(|drv| UnitBuild {
            drv: (*drv).to_owned(),
            name: short_name(drv).to_owned(),
            outcome: None,
            elapsed: None,
            log: String::new(),
        })
        .collect();
    let is_built = |drv: &&&str| tried.get(**drv).is_some_and(|unit| unit.outcome == DerivationOutcome::Built);
    let built = count(units.iter().filter(is_built).count());
    let reused_count = count(reused.len());
    let derivations = report
        .built
        .into_iter()
        .map(|derivation| UnitBuild {
            drv: derivation.drv,
            name: derivation.name,
            outcome: Some(derivation.outcome),
            elapsed: derivation.elapsed,
            log: derivation.log,
        })
        .chain(reused)
        .collect();
    Built { out: evaluated.out.clone(), derivations, reused: reused_count, built, failure, elapsed }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn first_failure(report: &BuildReport) -> Option<BuildFailure> {
    if report.succeeded() {
        return None;
    }
    let cause = report.causes().next().or_else(|| report.built.first())?;
    let class = cause.class().unwrap_or(FailureClass::Build);
    let nix = cause.message.as_deref().and_then(|message| message.lines().next()).unwrap_or_default();
    // Builders of ours say last, after this word, what went wrong and what to do.
    let said = cause.log.lines().rev().find_map(|line| line.strip_prefix("nixwright: ")).unwrap_or(nix);
    let others = report.causes().count().saturating_sub(1);
    let and_others = if others == 0 { String::new() } else { format!(", and {others} more") };
    let message = format!("{} {}{and_others}: {said}", cause.name, outcome_words(cause.outcome));
    Some(BuildFailure {
        failure: Failure { class, message: message.trim_end_matches([':', ' ']).to_owned() },
        derivation: cause.name.clone(),
        log: cause.log.clone(),
    })
}

fn outcome_words(outcome: DerivationOutcome) -> &'static str {
    match outcome {
        DerivationOutcome::Built => "was built",
        DerivationOutcome::Failed => "failed to build",
        DerivationOutcome::DependencyFailed => "was not tried because something it needs failed",
        DerivationOutcome::TimedOut => "took too long",
        DerivationOutcome::HashMismatch => "does not have the promised hash",
    }
}
