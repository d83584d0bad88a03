//! `nixwright generate`: package.nix and graph.json for a project on disk, for people who want the builders without the bot.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum as _};
use nixwright_resolver::archive::Limits;

use super::exit::{CliError, Exit};
use super::output::print;
use super::progress::Bars;
use super::resolve::cache_folder;
use super::resolve::cargo;
use super::resolve::go::{self, Cgo};
use super::wiring::{environment, git_sources, npm_trees};
use crate::clients::endpoints;
use crate::clients::http::{Http, HttpSettings};
use crate::model::{Clock, System};
use crate::stages::generate::{
    BUILDERS, Difference, Ecosystem, GenerateError, Generated, Request, Resolving, differences, generate, write,
};
use crate::stages::resolve::{CargoProjectError, GoProjectError};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    nixwright generate .                     write package.nix and graph.json, and say how to build them\n  \
    nixwright generate . --with-builders     also the builders, so that nothing else is needed but nixpkgs\n  \
    nixwright generate . --check             in CI: exit 1 when they are not what the project asks for\n  \
    nixwright generate . --vendor            Go: also vendor/, the same as `go mod vendor` makes\n  \
    nixwright generate . --update            without a lock: take the versions that the registry has now\n\n\
    For Cargo the graph is that of Cargo.lock; all members of a workspace are built, and what they share is compiled once. Without a lock, or \
    with one that does not fit, the one that cargo makes is written. For Go the graph is what go.mod, go.sum and the sources ask for, without running Go; all programs of the module or \
    workspace are built. For npm it is that of the lock in the folder (npm-shrinkwrap.json, package-lock.json, pnpm-lock.yaml, or yarn.lock of \
    yarn 1), and without one what npm would install. Members of a workspace are part of it. What is yours goes to \
    overrides.nix, which is never written here: for npm, `{ buildScript = \"build\"; }` has a script of the project build it.")]
#[expect(clippy::struct_excessive_bools, reason = "these are flags")]
pub(super) struct GenerateArgs {
    /// The project's folder
    dir: PathBuf,
    /// Change nothing, and exit with 1 if something would have to be changed
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
    /// Change nothing, and say what would be changed
    #[arg(long)]
    dry_run: bool,
    /// Write the builders too, to .nixwright in the project (kept up to date from then on)
    #[arg(long)]
    with_builders: bool,
    #[command(flatten)]
    selection: cargo::SelectionArgs,
    /// Go: whether C is compiled
    #[arg(long, value_enum, default_value_t = Cgo::On)]
    cgo: Cgo,
    /// Go: build tags, separated by commas
    #[arg(long, value_delimiter = ',')]
    tags: Vec<String>,
    /// Go: also make the folder vendor, as `go mod vendor` does
    #[arg(long)]
    vendor: bool,
    /// Without a lock: resolve again, although nothing in the project has changed
    #[arg(long)]
    update: bool,
    /// What kind of project it is [default: the one whose manifest is there]
    #[arg(long, value_enum)]
    ecosystem: Option<Ecosystem>,
    /// A system that the graph is for; may be repeated [default: all four]
    #[arg(long)]
    system: Vec<System>,
}

pub(super) async fn run(args: &GenerateArgs) -> Result<Exit, CliError> {
    let ecosystem = choose(args.ecosystem, &Ecosystem::found_in(&args.dir), &args.dir)?;
    let all = ["x86_64-linux", "aarch64-linux", "x86_64-darwin", "aarch64-darwin"];
    let all = || all.iter().filter_map(|system| system.parse().ok()).collect();
    let systems: Vec<System> = if args.system.is_empty() { all() } else { args.system.clone() };
    let builders = args.with_builders || args.dir.join(BUILDERS).join("default.nix").is_file();
    refuse_what_it_lacks(args, ecosystem)?;
    let vendor = args.vendor;
    let request = Request { folder: &args.dir, systems: &systems, builders, vendor, update: args.update };
    let generated = resolved(ecosystem, request, args).await?;
    let differences = differences(&args.dir, &generated).map_err(failed)?;
    if args.check {
        return check(&args.dir, &generated, &differences);
    }
    if !args.dry_run {
        write(&args.dir, &generated, &differences).map_err(failed)?;
    }
    print(&report(&args.dir, &generated, &differences, args.dry_run));
    Ok(Exit::Done)
}

/// Options that mean nothing for this kind of project.
fn refuse_what_it_lacks(args: &GenerateArgs, ecosystem: Ecosystem) -> Result<(), CliError> {
    let selection = &args.selection;
    let of_cargo = [
        (selection.has_features(), "--features and the like: only Cargo has features; leave it out"),
        (!selection.bin.is_empty(), "--bin: only Cargo's programs are chosen by name; leave it out"),
        (!selection.package.is_empty(), "--package: only Cargo's workspaces have members to choose; leave it out"),
    ];
    let of_go = [
        (args.vendor, "--vendor: only Go has a folder for this; leave it out"),
        (args.cgo == Cgo::Off, "--cgo: only Go compiles C on request; leave it out"),
        (!args.tags.is_empty(), "--tags: only Go has build tags; leave it out"),
    ];
    let update = match ecosystem {
        Ecosystem::Cargo => {
            "--update: Cargo.lock says which versions there are, and `cargo update` changes it; leave this out"
        }
        _ => "--update: go.mod itself says which versions a Go module is made of; leave this out",
    };
    let of_npm = [(args.update, update)];
    let foreign: [&[(bool, &str)]; 2] = match ecosystem {
        Ecosystem::Cargo => [&of_go, &of_npm],
        Ecosystem::Go => [&of_cargo, &of_npm],
        Ecosystem::Npm => [&of_cargo, &of_go],
    };
    let mut given = foreign.into_iter().flatten().filter(|(given, _)| *given);
    given.next().map_or(Ok(()), |(_, message)| Err(CliError::usage(message)))
}

async fn resolved(ecosystem: Ecosystem, request: Request<'_>, args: &GenerateArgs) -> Result<Generated, CliError> {
    let bar = Bars::default().bar("resolving");
    let generated = match ecosystem {
        Ecosystem::Cargo => {
            let releases = cargo::releases().await?.with_local_repositories();
            generate(request, Resolving::Cargo { releases: &releases, selection: &args.selection.selection() }, &bar)
                .await
        }
        Ecosystem::Go => {
            let mut tags = args.tags.clone();
            tags.sort();
            tags.dedup();
            let cgo = args.cgo == Cgo::On;
            generate(request, Resolving::Go { graphs: &go::graphs().await?, cgo, tags: &tags }, &bar).await
        }
        Ecosystem::Npm => {
            let registry = endpoints::npm_registry(&environment()).map_err(CliError::usage)?;
            let http = Http::when_needed(HttpSettings::default(), Clock::system());
            let github = endpoints::github_upstreams(&environment()).map_err(CliError::usage)?;
            let (cache, limits) = (cache_folder()?, Limits::default());
            // A project of this machine's own user may depend on repositories here.
            let git = git_sources(&cache, limits, &github).with_local();
            let trees = npm_trees(http, registry, git, &cache, limits).await;
            generate(request, Resolving::Npm(&trees), &bar).await
        }
    };
    bar.finish_and_clear();
    generated.map_err(failed)
}

/// The kind of project: the one that is asked for, else the only one that is there.
fn choose(asked: Option<Ecosystem>, found: &[Ecosystem], folder: &Path) -> Result<Ecosystem, CliError> {
    match (asked, found) {
        (Some(asked), found) if found.contains(&asked) => Ok(asked),
        (None, [only]) => Ok(*only),
        (None, [_, ..]) => {
            let kinds: Vec<_> =
                found.iter().filter_map(|one| Some(one.to_possible_value()?.get_name().to_owned())).collect();
            Err(CliError::usage(format!(
                "{} has projects of several kinds ({}); choose one with --ecosystem",
                folder.display(),
                kinds.join(", ")
            )))
        }
        (asked, _) => {
            let wanted = asked.as_ref().map_or(&Ecosystem::ALL[..], std::slice::from_ref);
            let names: Vec<&str> = wanted.iter().flat_map(|one| one.manifests()).copied().collect();
            Err(CliError::usage(format!(
                "there is no {} in {}; name the folder of a project",
                names.join(" or "),
                folder.display()
            )))
        }
    }
}

fn failed(error: GenerateError) -> CliError {
    match error {
        GenerateError::Project(error) => CliError::usage(error),
        GenerateError::GoProject(GoProjectError::File(error))
        | GenerateError::CargoProject(CargoProjectError::File(error)) => CliError::failed(error),
        GenerateError::CargoProject(error) => CliError::usage(error),
        GenerateError::GoProject(error) => CliError::usage(error),
        error => CliError::failed(error),
    }
}

fn check(folder: &Path, generated: &Generated, differences: &BTreeMap<String, Difference>) -> Result<Exit, CliError> {
    if differences.is_empty() {
        print(&format!("{}: up to date\n", generated.summary));
        return Ok(Exit::Done);
    }
    let names: Vec<&str> = differences.keys().map(String::as_str).collect();
    Err(CliError::Failed(format!(
        "{}: stale: {}; run `nixwright generate {}`",
        generated.summary,
        names.join(", "),
        folder.display()
    )))
}

/// What was done, and how to go on.
fn report(folder: &Path, generated: &Generated, differences: &BTreeMap<String, Difference>, dry_run: bool) -> String {
    let mut text = format!("{}\n", generated.summary);
    if differences.is_empty() {
        text.push_str("nothing to change\n");
    }
    for (name, difference) in differences {
        let verb = match (difference, dry_run) {
            (Difference::New, false) => "wrote",
            (Difference::Changed, false) => "changed",
            (Difference::Gone, false) => "removed",
            (Difference::New, true) => "would write",
            (Difference::Changed, true) => "would change",
            (Difference::Gone, true) => "would remove",
        };
        let _ = writeln!(text, "{verb} {name}");
    }
    for line in &generated.to_check {
        let _ = writeln!(text, "to check: {line}");
    }
    let place = if folder == Path::new(".") { String::new() } else { format!(", in {}", folder.display()) };
    let builders = generated.files.keys().any(|name| name.starts_with(BUILDERS));
    let scope = if builders { format!("./{BUILDERS}") } else { "OVERLAY".to_owned() };
    let _ =
        writeln!(text, "\nbuild it{place}:\n  nix-build -E '(import {scope} {{ }}).callPackage ./package.nix {{ }}'");
    if builders {
        text.push_str("with another package set than <nixpkgs>: (import ./.nixwright { pkgs = …; })\n");
    } else {
        let _ = writeln!(
            text,
            "OVERLAY is a checkout of any overlay that nixwright keeps; in a package set with that overlay it is\n  \
             pkgs.nixwright.callPackage ./package.nix {{ }}\n\
             without one, write the builders beside the project: nixwright generate {} --with-builders",
            folder.display()
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::{Difference, Ecosystem, Generated, choose, report};

    #[test]
    fn the_kind_of_a_project_is_that_of_its_manifest() {
        let choose =
            |asked, found: &[Ecosystem]| choose(asked, found, Path::new("x")).map_err(|error| error.to_string());
        assert_eq!(choose(None, &[Ecosystem::Npm]), Ok(Ecosystem::Npm));
        assert_eq!(choose(Some(Ecosystem::Npm), &[Ecosystem::Npm]), Ok(Ecosystem::Npm));
        insta::assert_snapshot!(choose(None, &[]).unwrap_err(), @"there is no Cargo.toml or go.mod or go.work or package.json in x; name the folder of a project");
        insta::assert_snapshot!(choose(Some(Ecosystem::Npm), &[]).unwrap_err(), @"there is no package.json in x; name the folder of a project");
        insta::assert_snapshot!(choose(None, &[Ecosystem::Go, Ecosystem::Npm]).unwrap_err(), @"x has projects of several kinds (go, npm); choose one with --ecosystem");
    }

    #[test]
    fn the_report_says_what_was_done_and_how_to_build() {
        let files = BTreeMap::from([("package.nix".to_owned(), Vec::new())]);
        let mut generated = Generated {
            files,
            vendor: None,
            summary: "demo 1.0.0 (npm), 3 packages".to_owned(),
            to_check: vec!["lamp-sys 1.0.0 links lamp".to_owned()],
        };
        let differences = BTreeMap::from([
            ("graph.json".to_owned(), Difference::Changed),
            ("package.nix".to_owned(), Difference::New),
        ]);
        insta::assert_snapshot!(report(Path::new("web"), &generated, &differences, false), @r#"
        demo 1.0.0 (npm), 3 packages
        changed graph.json
        wrote package.nix
        to check: lamp-sys 1.0.0 links lamp

        build it, in web:
          nix-build -E '(import OVERLAY { }).callPackage ./package.nix { }'
        OVERLAY is a checkout of any overlay that nixwright keeps; in a package set with that overlay it is
          pkgs.nixwright.callPackage ./package.nix { }
        without one, write the builders beside the project: nixwright generate web --with-builders
        "#);
        generated.to_check.clear();
        generated.files.insert(".nixwright/default.nix".to_owned(), Vec::new());
        insta::assert_snapshot!(report(Path::new("."), &generated, &BTreeMap::new(), true), @r#"
        demo 1.0.0 (npm), 3 packages
        nothing to change

        build it:
          nix-build -E '(import ./.nixwright { }).callPackage ./package.nix { }'
        with another package set than <nixpkgs>: (import ./.nixwright { pkgs = …; })
        "#);
    }
}
