//! `make bench`: our figures beside cargo's, measured in one go on real programs. Prints; asserts nothing.
//!
//! CPU time is that of all processes that were waited for, read from `/proc/self/stat`; builds run as our descendants, so
//! it counts Nix, shells and compilers alike. Builds are cold because the toolchain's fingerprint gets a new word each time.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a program that measures and prints")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use indicatif::ProgressBar;
use nixwright::clients::cargo::Cargo;
use nixwright::clients::crates_io::{CratesIo, IndexEntry, OtherRegistries, registry_variables};
use nixwright::clients::endpoints;
use nixwright::clients::git::{Author, GitSources, Overlay, TreeLimits};
use nixwright::clients::github::Upstreams;
use nixwright::clients::go::sumdb::{Sumdb, SumdbClient};
use nixwright::clients::go::{GoModules, GoRegistries, Netrc, Patterns};
use nixwright::clients::http::{Http, HttpSettings};
use nixwright::clients::nix::{Nix, NixSettings, Toolchain, probe_toolchain};
use nixwright::clients::node;
use nixwright::clients::npm::Npm;
use nixwright::model::{AttrPath, Clock, Strategy, System};
use nixwright::overlay::{PackageSet, Settings, common_files, package_files};
use nixwright::stages::build::{Builder, Built};
use nixwright::stages::resolve::{self, GoGraphs, NpmTrees, Resolver};
use nixwright::stages::write::{Writer, main_branch};
use nixwright_resolver::archive::Limits;
use nixwright_resolver::cargo::{Release, SystemTriple};
use nixwright_resolver::catalog::CrateVersion;
use nixwright_resolver::plan::cargo::{Profile, Selection};
use nixwright_resolver::plan::{Graph, Plan};
use tempfile::TempDir;

const BUILT: [(&str, &str); 2] = [("ripgrep", "15.2.0"), ("bottom", "0.15.0")];
const NEXT: [(&str, &str); 2] = [("fd-find", "10.4.1"), ("fd-find", "10.4.2")];
const LARGEST: (&str, &str) = ("gitui", "0.28.1");

/// How often a short command is run; the median counts.
const REPEATS: usize = 5;

#[tokio::main]
async fn main() -> Result<()> {
    // `cargo test --all-targets` starts benches too, with this argument missing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let bench = Bench::new().await?;
    println!("resolving {} {}, four systems, facts cached", LARGEST.0, LARGEST.1);
    bench.resolving(LARGEST).await?;
    println!("\nevaluating {} {} to its derivation, shared, host package set", LARGEST.0, LARGEST.1);
    bench.evaluating(LARGEST).await?;
    println!("\ncold builds, the same profile on both sides");
    for program in BUILT {
        bench.building(program).await?;
    }
    println!("\nthe next release: {} {}, then {}", NEXT[0].0, NEXT[0].1, NEXT[1].1);
    bench.reusing(NEXT).await?;
    Ok(())
}

/// What graphs of Go modules are computed from, which none of these figures is about.
fn go_graphs(http: &Http, environment: &BTreeMap<String, String>, cache: &Path) -> Result<GoGraphs> {
    let from = GoRegistries::of_environment(environment)?;
    let sumdb = SumdbClient::new(http.clone(), Sumdb::Off, Patterns::default(), cache, Clock::system());
    let modules = GoModules::new(http.clone(), from, Netrc::default(), cache);
    Ok(GoGraphs { modules, sumdb, search: OsString::new(), cache: cache.to_owned() })
}

struct Bench {
    folder: PathBuf,
    /// Upstream's sources, and what cargo makes of them: not below this workspace, which cargo would take them for.
    sources: TempDir,
    resolver: Resolver,
    http: Http,
    toolchain: Toolchain,
}

impl Bench {
    async fn new() -> Result<Self> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
        std::fs::create_dir_all(&folder)?;
        let environment: BTreeMap<String, String> = std::env::vars().collect();
        let http = Http::new(HttpSettings::default(), Clock::system())?;
        let cache = folder.join("cache");
        let crates = CratesIo::new(http.clone(), endpoints::crates_index(&environment)?, &cache);
        let cargo = Cargo::open(&cache.join("work")).await?;
        let limits = Limits::default();
        let registry = Npm::new(http.clone(), endpoints::npm_registry(&environment)?, &cache);
        let git = GitSources::new(&cache, TreeLimits { bytes: limits.unpacked, entries: limits.entries });
        let github = Upstreams::new(endpoints::github_upstreams(&environment)?, None);
        let node = node::ASSUMED.to_owned();
        let npm = NpmTrees { registry, node, program: None, cache: cache.clone(), limits, git };
        let go = go_graphs(&http, &environment, &cache)?;
        let variables = registry_variables(environment);
        let registries = OtherRegistries::new(http.clone(), npm.git.clone(), &cache, limits.compressed, &variables);
        let resolver = Resolver { crates, registries, cargo, go, npm, github, cache, limits };
        Ok(Self { folder, sources: tempfile::tempdir()?, resolver, http, toolchain: probe_toolchain().await? })
    }

    async fn entry(&self, (name, version): (&str, &str)) -> Result<IndexEntry> {
        let entries = self.resolver.crates.versions(name).await?;
        entries.into_iter().find(|entry| entry.version.to_string() == version).context("no such version")
    }

    async fn plan(&self, program: (&str, &str)) -> Result<Plan> {
        let release = resolve::Release::Cargo(release(&self.entry(program).await?));
        Ok(self.resolver.plan(&release, &ProgressBar::hidden()).await?)
    }

    /// Without the cached plan but with cached facts, against cargo's unit graph for one system.
    async fn resolving(&self, program: (&str, &str)) -> Result<()> {
        self.plan(program).await?;
        let source = self.unpacked(program).await?;
        let (mut ours, mut cargos) = (Vec::new(), Vec::new());
        for _ in 0..REPEATS {
            std::fs::remove_dir_all(self.resolver.cache.join("plans"))?;
            let started = Instant::now();
            self.plan(program).await?;
            ours.push(started.elapsed());
            let mut graph = Command::new("cargo");
            graph.args(["build", "--quiet", "--unit-graph", "-Zunstable-options", "--locked", "--offline"]);
            graph.env("RUSTC_BOOTSTRAP", "1").current_dir(&source);
            let started = Instant::now();
            ensure!(graph.output()?.status.success(), "cargo's unit graph");
            cargos.push(started.elapsed());
        }
        compare("seconds", median(ours), median(cargos), "cargo's unit graph, one system");
        Ok(())
    }

    async fn evaluating(&self, program: (&str, &str)) -> Result<()> {
        let plan = self.plan(program).await?;
        let (overlay, attr) = self.overlay(program, &plan, "").await?;
        let graph = nixwright::overlay::cargo::graph_json::render(&plan, plan.cargo().context("a Rust plan")?, None);
        let units = count_units(&serde_json::from_str(&graph)?);
        println!("  {} bytes of graph.json, {units} units: {} bytes a unit", graph.len(), graph.len() / units);
        let checkout = self.folder.join("checkout");
        let _ = std::fs::remove_dir_all(&checkout);
        let cloned = Command::new("git").arg("clone").arg("-q").arg(&overlay).arg(&checkout).status()?;
        ensure!(cloned.success(), "git clone");
        let expression = format!("(import {}/default.nix {{ }}).{attr}.drvPath", checkout.display());
        let mut figures = Vec::new();
        for _ in 0..REPEATS {
            let mut eval = Command::new("nix-instantiate");
            eval.args(["--eval", "--strict", "--read-write-mode", "--expr", &expression]);
            eval.env("NIX_SHOW_STATS", "1").env("NIX_COUNT_CALLS", "0");
            let output = eval.output()?;
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            ensure!(output.status.success(), "evaluation: {text}");
            let stats: serde_json::Value = serde_json::from_str(text.get(text.find('{').unwrap_or(0)..).unwrap_or(""))?;
            let megabytes = stats["gc"]["totalBytes"].as_f64().unwrap_or(0.0) / 1e6;
            figures.push((stats["cpuTime"].as_f64().unwrap_or(0.0), megabytes));
        }
        figures.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (seconds, megabytes) = figures[REPEATS / 2];
        println!("  {seconds:.2} s of CPU, {megabytes:.1} MB allocated");
        Ok(())
    }

    /// Builds both releases from scratch, one after the other, and says what the second one found there.
    async fn reusing(&self, programs: [(&str, &str); 2]) -> Result<()> {
        let nonce = nonce();
        for program in programs {
            let plan = self.plan(program).await?;
            let (built, _, _) = self.build(program, &plan, &nonce).await?;
            println!("  {} {}: {} units built, {} reused", program.0, program.1, built.built, built.reused);
        }
        Ok(())
    }

    async fn build(&self, program: (&str, &str), plan: &Plan, nonce: &str) -> Result<(Built, Duration, Duration)> {
        let (overlay, attr) = self.overlay(program, plan, nonce).await?;
        let builder = self.builder(&overlay).await?;
        let head = Overlay::open_or_init(&overlay)?.branch(&main_branch())?.context("main")?;
        let evaluated = builder.evaluate(&builder.flake("main", &head), &attr).await?;
        builder.fetch(&evaluated, plan, &ProgressBar::hidden()).await?;
        let (started, cpu) = (Instant::now(), children_cpu()?);
        let built = builder.build(&evaluated, &ProgressBar::hidden()).await?;
        ensure!(built.failure.is_none(), "{:?}", built.failure);
        Ok((built, started.elapsed(), children_cpu()?.saturating_sub(cpu)))
    }

    async fn building(&self, program: (&str, &str)) -> Result<()> {
        let mut plan = self.plan(program).await?;
        let Graph::Cargo(graph) = &mut plan.graph else { anyhow::bail!("{program:?} is no Rust program") };
        graph.profile = same_profile();
        let (built, wall, cpu) = self.build(program, &plan, &nonce()).await?;
        let ours = (wall, cpu);
        let cargos = self.cargo_build(program).await?;
        println!("  {} {}: {} derivations", program.0, program.1, built.built);
        compare("  CPU seconds", ours.1, cargos.1, "cargo");
        compare("  wall seconds", ours.0, cargos.0, "cargo");
        Ok(())
    }

    /// cargo with the profile of [`same_profile`]: `false` is no LTO beyond a crate's own units, which is what ours have too.
    async fn cargo_build(&self, program: (&str, &str)) -> Result<(Duration, Duration)> {
        let source = self.unpacked(program).await?;
        let target = self.sources.path().join("target");
        let _ = std::fs::remove_dir_all(&target);
        let mut build = Command::new("cargo");
        build.args(["build", "--release", "--quiet", "--locked", "--offline"]).current_dir(&source);
        build.env("CARGO_TARGET_DIR", &target);
        let profile =
            [("OPT_LEVEL", "3"), ("LTO", "false"), ("DEBUG", "0"), ("STRIP", "none"), ("CODEGEN_UNITS", "16")];
        build.envs(profile.map(|(key, value)| (format!("CARGO_PROFILE_RELEASE_{key}"), value)));
        let (started, cpu) = (Instant::now(), children_cpu()?);
        ensure!(build.status()?.success(), "cargo build");
        Ok((started.elapsed(), children_cpu()?.saturating_sub(cpu)))
    }

    /// The program's own source, with its dependencies fetched by cargo.
    async fn unpacked(&self, program: (&str, &str)) -> Result<PathBuf> {
        let entry = self.entry(program).await?;
        let archive = self.resolver.crates.crate_file(&entry.name, program.1, &entry.sha256).await?;
        let sources = self.sources.path();
        let unpacked = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(sources).status()?;
        ensure!(unpacked.success(), "tar");
        let source = sources.join(format!("{}-{}", program.0, program.1));
        let fetched = Command::new("cargo").args(["fetch", "--quiet", "--locked"]).current_dir(&source).status()?;
        ensure!(fetched.success(), "cargo fetch");
        Ok(source)
    }

    /// An overlay with one package, built with the `shared` strategy.
    async fn overlay(&self, program: (&str, &str), plan: &Plan, nonce: &str) -> Result<(PathBuf, AttrPath)> {
        let folder = self.folder.join("overlay.git");
        let _ = std::fs::remove_dir_all(&folder);
        let mut toolchain = self.toolchain.clone();
        toolchain.fingerprint.push_str(nonce);
        let attr: AttrPath = program.0.parse()?;
        let mut files = common_files(&[System::current()], PackageSet::Host(&toolchain.to_json()?))?;
        files.extend(package_files(&attr, plan, Strategy::Shared, Settings::default())?);
        let author = Author { name: "bench".to_owned(), email: "bench@localhost".to_owned() };
        let writer = Writer { overlay: Overlay::open_or_init(&folder)?, author };
        let commit = writer.commit(None, files, "bench\n".to_owned(), jiff::Timestamp::UNIX_EPOCH).await?;
        writer.overlay.set_branch(&main_branch(), &commit.context("a commit")?, None)?;
        Ok((folder, attr))
    }

    async fn builder(&self, overlay: &Path) -> Result<Builder> {
        let settings = NixSettings {
            system: System::current(),
            sandbox_paths: self.toolchain.sandbox.clone(),
            timeout: Duration::from_secs(3600),
            max_silent: Duration::from_secs(1200),
            max_log_bytes: 64 << 20,
            memory_limit_bytes: None,
            max_jobs: std::thread::available_parallelism()?.get(),
            cores: 0,
            cache_dir: self.folder.join("nix"),
        };
        Ok(Builder {
            nix: Nix::open(settings).await?,
            crates: self.resolver.crates.clone(),
            registries: self.resolver.registries.clone(),
            go: self.resolver.go.clone(),
            npm: self.resolver.npm.clone(),
            http: self.http.clone(),
            cache: self.resolver.cache.clone(),
            roots: self.folder.join("roots"),
            overlay: overlay.to_owned(),
            system: System::current(),
        })
    }
}

fn release(entry: &IndexEntry) -> Release {
    let systems = ["x86_64-linux", "aarch64-linux", "x86_64-darwin", "aarch64-darwin"];
    let systems = systems.iter().filter_map(|system| system.parse::<System>().ok()).map(|system| SystemTriple {
        system: system.to_string(),
        target: system.triple().to_owned(),
        host: system.triple().to_owned(),
    });
    let root =
        CrateVersion { name: entry.name.clone(), version: entry.version.to_string(), sha256: entry.sha256.clone() };
    Release { root, project: None, lock: None, systems: systems.collect(), selection: Selection::default() }
}

/// What cargo's release profile is without a manifest, so that packages and dependencies have one profile on both sides.
fn same_profile() -> Profile {
    Profile { codegen_units: Some(16), ..Profile::default() }
}

/// A word that makes every derivation a new one.
fn nonce() -> String {
    format!("bench {}", Clock::system().now())
}

/// Rows of units, those of single systems included.
fn count_units(graph: &serde_json::Value) -> usize {
    let rows = |table: &serde_json::Value| table["units"].as_object().map_or(0, serde_json::Map::len);
    rows(graph) + graph["only"].as_array().into_iter().flatten().map(rows).sum::<usize>()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn compare(what: &str, ours: Duration, theirs: Duration, whose: &str) {
    let (ours, theirs) = (ours.as_secs_f64(), theirs.as_secs_f64());
    println!("  {what}: {ours:.2}, {whose} {theirs:.2}, ratio {:.2}", ours / theirs);
}

/// CPU time of all descendants that were waited for: `cutime` and `cstime` of proc(5), in ticks of 10 ms.
fn children_cpu() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| -> Result<u64> { Ok(fields.get(index).context("a short stat")?.parse()?) };
    Ok(Duration::from_millis((ticks(13)? + ticks(14)?) * 10))
}
