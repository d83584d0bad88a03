//! `nixwright add`: look an upstream up, show what it is, and put it into the configuration.
//!
//! Nothing is written before the upstream is known to have a program that can be resolved, and the configuration to be
//! valid with the entry in it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use nixwright_resolver::plan::Plan;
use serde::Serialize;

use super::exit::{CliError, Exit};
use super::output::{Tone, print, toned};
use super::progress::Bars;
use super::resolve::cargo::FeatureArgs;
use super::wiring::{Addresses, State, environment, find_config, limits, resolver};
use crate::clients::files::{self, FileError};
use crate::config::edit::{self, EditError, Edited, Entry};
use crate::config::{Config, ConfigError, Machine, Package, Upstream};
use crate::message::text::{clip, one_line};
use crate::model::{AttrPath, Clock, Failure};
use crate::stages::resolve::Release;
use crate::stages::watch::{Candidate, Origin, Waiting, Wanted, find, watch};

/// How many characters of what upstream wrote are shown in a line.
const LONGEST_TEXT: usize = 200;

/// How many characters of the description go into the file: the rest of the comment has to fit beside it.
const LONGEST_COMMENT: usize = 80;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  nixwright add pkg:cargo/ripgrep\n  \
                        nixwright add pkg:cargo/fd-find --name fd --dry-run\n  \
                        nixwright add pkg:cargo/bottom --no-default-features --features battery\n  \
                        nixwright add pkg:npm/@angular/cli\n  \
                        nixwright add pkg:golang/mvdan.cc/sh/v3#cmd/shfmt --tags netgo\n  \
                        nixwright -c overlay/nixwright.toml add pkg:cargo/zellij --binaries zellij --json\n\n\
                        The file's comments, order and line ends stay as they are. Without a configuration file, \
                        nixwright.toml is created.")]
pub(super) struct AddArgs {
    /// What to follow: pkg:cargo/NAME, pkg:npm/NAME, pkg:golang/MODULE#FOLDER or pkg:github/OWNER/REPO#FOLDER
    purl: Upstream,
    /// What it is called in the overlay [default: its own name]
    #[arg(long, value_name = "ATTR")]
    name: Option<AttrPath>,
    /// Only these binaries, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    binaries: Vec<String>,
    #[command(flatten)]
    features: FeatureArgs,
    /// Build tags of a Go program, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "TAGS")]
    tags: Vec<String>,
    /// Look the upstream up and show what would be written, but write nothing
    #[arg(long)]
    dry_run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// The configuration file, as it was read.
struct ConfigFile {
    path: PathBuf,
    /// Nothing: there is none yet.
    text: Option<String>,
}

/// What was found out about an upstream; texts are fit for a terminal.
#[derive(Debug, Serialize)]
struct Found {
    purl: String,
    version: String,
    description: Option<String>,
    license: Option<String>,
    homepage: Option<String>,
    repository: Option<String>,
    binaries: Vec<String>,
    /// Why the bot does not take this release yet.
    waits: Option<String>,
    #[serde(skip)]
    upstream: Upstream,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report<'a> {
    attr: &'a AttrPath,
    #[serde(flatten)]
    found: &'a Found,
    file: String,
    line: usize,
    entry: &'a str,
    written: bool,
}

pub(super) async fn run(named: Option<&Path>, args: &AddArgs) -> Result<Exit, CliError> {
    let file = ConfigFile::read(named)?;
    let mut entry = args.entry(&args.purl)?;
    let (_, config) = file.with(&entry)?;
    let package = config.packages.get(&entry.attr).ok_or_else(|| CliError::failed("the entry is not in the result"))?;
    let found = look_up(&config, package).await?;
    // The registry says how the name is spelled.
    let comment = found.comment();
    entry = Entry { comment, ..args.entry(&found.upstream)? };
    let (edited, _) = file.with(&entry)?;
    if !args.dry_run {
        file.write(&edited)?;
    }
    let text = if args.json {
        let report = Report {
            attr: &entry.attr,
            found: &found,
            file: file.path.display().to_string(),
            line: edited.line,
            entry: edited.text[edited.added.clone()].trim(),
            written: !args.dry_run,
        };
        serde_json::to_string_pretty(&report).map_err(CliError::failed)? + "\n"
    } else {
        found.describe() + &file.describe(&edited, args.dry_run, named.is_some())
    };
    print(&text);
    Ok(Exit::Done)
}

impl AddArgs {
    fn entry(&self, upstream: &Upstream) -> Result<Entry, CliError> {
        let attr = match &self.name {
            Some(name) => name.clone(),
            None => upstream
                .short_name()
                .parse()
                .map_err(|error| CliError::usage(format!("{error}; say with `--name` what it is called here")))?,
        };
        Ok(Entry {
            attr,
            purl: upstream.to_string(),
            comment: None,
            features: self.features.features.clone(),
            no_default_features: self.features.no_default_features,
            all_features: self.features.all_features,
            binaries: self.binaries.clone(),
            tags: self.tags.clone(),
        })
    }
}

impl ConfigFile {
    /// The file that was named or is found; if there is none, the one that will be made.
    fn read(named: Option<&Path>) -> Result<Self, CliError> {
        let path = named.map(Path::to_owned).or_else(find_config).unwrap_or_else(|| PathBuf::from("nixwright.toml"));
        let Some(bytes) = files::read_optional(&path).map_err(CliError::usage)? else {
            return Ok(Self { path, text: None });
        };
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { path, text: Some(text) }),
            Err(_) => match Config::load(&path, &environment()) {
                Err(error) => Err(CliError::usage(error)),
                Ok(_) => Err(changed(&path)),
            },
        }
    }

    /// The text that there is, or that a new file begins with.
    fn text(&self) -> &str {
        self.text.as_deref().unwrap_or(edit::HEADER)
    }

    /// The file with the entry, as text and as configuration.
    fn with(&self, entry: &Entry) -> Result<(Edited, Config), CliError> {
        let edited = match edit::add(self.text(), &self.path, entry) {
            Ok(edited) => edited,
            Err(error) => return Err(self.refused(entry, &error)),
        };
        let config = match self.parse(&edited.text) {
            Ok(config) => config,
            // What was wrong before is told as it is; what the entry brings is told as the entry's.
            Err(error) => {
                self.parse(self.text()).map_err(CliError::usage)?;
                return Err(CliError::usage(format!(
                    "the configuration would not be valid with this entry, so nothing was written; change the entry by \
                     the options of `nixwright add` (`--name`, `--features`, `--binaries`):\n{error}"
                )));
            }
        };
        if let Some(other) = same_upstream(&config, &entry.purl, Some(&entry.attr)) {
            return Err(self.configured(entry, other));
        }
        Ok((edited, config))
    }

    fn parse(&self, text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, &self.path, &environment(), &Machine::current())
    }

    /// Why there can be no such entry; a configuration that is wrong in itself explains itself best.
    fn refused(&self, entry: &Entry, error: &EditError) -> CliError {
        match self.parse(self.text()) {
            Err(wrong) => CliError::usage(wrong),
            Ok(config) => match same_upstream(&config, &entry.purl, None) {
                Some(other) => self.configured(entry, other),
                None => CliError::usage(error),
            },
        }
    }

    fn configured(&self, entry: &Entry, other: &AttrPath) -> CliError {
        let line = edit::line_of(self.text(), other).map(|line| format!(":{line}")).unwrap_or_default();
        CliError::usage(format!(
            "{} is configured already, as {other} in {}{line}; change that entry instead",
            entry.purl,
            self.path.display()
        ))
    }

    fn write(&self, edited: &Edited) -> Result<(), CliError> {
        let old = self.text.as_ref().map(String::as_bytes);
        match files::exchange(&self.path, old, edited.text.as_bytes()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(changed(&self.path)),
            Err(FileError::NotAllowed { source, .. }) => Err(CliError::failed(format!(
                "cannot write {}: not allowed ({source}); give this user the right to it, or add the entry by hand:\n\n{}",
                self.path.display(),
                edited.text[edited.added.clone()].trim()
            ))),
            Err(error) => Err(CliError::failed(error)),
        }
    }

    /// The change, and what comes next.
    fn describe(&self, edited: &Edited, dry_run: bool, named: bool) -> String {
        let file = self.path.display();
        let what = match (dry_run, self.text.is_some()) {
            (true, true) => format!("would be added to {file}, line {}:", edited.line),
            (true, false) => format!("{file} would be created:"),
            (false, true) => format!("added to {file}, line {}:", edited.line),
            (false, false) => format!("{file} was not there and has been created:"),
        };
        let new = if self.text.is_some() { &edited.text[edited.added.clone()] } else { edited.text.as_str() };
        let mut text = format!("\n{what}\n\n");
        for line in new.trim().lines() {
            text.push_str(&toned(Tone::Good, format!("+ {line}").trim_end()));
            text.push('\n');
        }
        let option = if named { format!("-c {file} ") } else { String::new() };
        let next = format!("next: nixwright {option}run --once");
        let next = if dry_run { "nothing was written; leave out `--dry-run` to write it".to_owned() } else { next };
        let _ = writeln!(text, "\n{next}");
        text
    }
}

fn changed(path: &Path) -> CliError {
    CliError::failed(format!("{} was changed meanwhile, so nothing was written; run this again", path.display()))
}

/// A package with this upstream, other than `except`. Names of crates are the same in capital and small letters.
fn same_upstream<'a>(config: &'a Config, purl: &str, except: Option<&AttrPath>) -> Option<&'a AttrPath> {
    let packages = config.packages.iter().filter(|(attr, _)| Some(*attr) != except);
    packages.filter(|(_, package)| package.upstream.to_string().eq_ignore_ascii_case(purl)).map(|(attr, _)| attr).next()
}

/// What the registry has, and what its newest release is made of.
async fn look_up(config: &Config, package: &Package) -> Result<Found, CliError> {
    let cache = State::of(config).cache();
    let (resolver, _) = resolver(Addresses::of(config), &cache, limits(config)).await?;
    let policy = &package.policy;
    let wanted = Wanted {
        track: &policy.track,
        min_age: policy.min_age,
        current: None,
        now: Clock::system().now(),
        repository: None,
        tag_prefix: package.tag_prefix.as_deref(),
    };
    let upstream = &package.upstream;
    let refused = |why: &dyn std::fmt::Display| CliError::failed(format!("{upstream} cannot be added: {why}"));
    let failed = |failure: Failure| refused(&failure.message);
    let watched = watch(&resolver, upstream, wanted).await.map_err(failed)?;
    // A release that is too young says as well what the package is.
    let (candidate, waits) = match (watched.choice.release, watched.choice.waiting) {
        (Some(candidate), _) => (candidate, None),
        (None, Some(waiting)) => {
            let (version, waits) = waits(waiting);
            (find(&resolver, package, &version).await.map_err(failed)?, Some(waits))
        }
        (None, None) => return Err(refused(&watched.why_nothing)),
    };
    let bar = Bars::default().bar("resolving");
    let plan = resolver.plan(&Release::of(&candidate, package, &config.systems.resolve), &bar).await;
    bar.finish_and_clear();
    let plan = plan.map_err(failed)?;
    plan.require_binaries().map_err(|error| refused(&error))?;
    Ok(Found::new(&candidate, &plan, waits))
}

/// The version, and until when it waits.
fn waits(waiting: Waiting) -> (String, String) {
    match waiting {
        Waiting::TooYoung { version, ready_at } if ready_at < Timestamp::MAX => (
            version,
            format!("it is taken from {} on, when it is old enough (min_age)", ready_at.strftime("%F %H:%MZ")),
        ),
        Waiting::TooYoung { version, .. } => (version, "it never gets as old as `min_age` asks for".to_owned()),
        Waiting::NoTime { version } => {
            (version, "the registry does not say when it was published; set `min_age = \"0s\"` to take it".to_owned())
        }
    }
}

impl Found {
    fn new(candidate: &Candidate, plan: &Plan, waits: Option<String>) -> Self {
        let upstream = match &candidate.origin {
            Origin::Cargo { name, .. } => Upstream::Cargo { name: name.clone() },
            Origin::Go { module, subpath } => Upstream::Go { module: module.clone(), subpath: subpath.clone() },
            Origin::Npm { name, .. } => Upstream::Npm { name: name.clone() },
            Origin::GitHub { repository, subpath, .. } => {
                Upstream::GitHub { repository: repository.clone(), subpath: subpath.clone() }
            }
        };
        let shown = |text: &Option<String>| {
            let line = clip(&one_line(text.as_deref().unwrap_or_default()), LONGEST_TEXT);
            (!line.is_empty()).then_some(line)
        };
        let metadata = &plan.metadata;
        Self {
            purl: upstream.to_string(),
            version: plan.version.clone(),
            description: shown(&metadata.description),
            license: shown(&metadata.license),
            homepage: shown(&metadata.homepage),
            repository: shown(&metadata.repository),
            binaries: plan.binaries().into_iter().map(one_line).collect(),
            waits,
            upstream,
        }
    }

    /// What stands above the entry: what it is, under which licence, and where to read more.
    fn comment(&self) -> Option<String> {
        let place = self.homepage.as_ref().or(self.repository.as_ref());
        let facts: Vec<&str> = self.license.iter().chain(place).map(String::as_str).collect();
        let description = self.description.as_deref().map(|text| clip(text.trim_end_matches('.'), LONGEST_COMMENT));
        match (description, facts.as_slice()) {
            (None, []) => None,
            (Some(description), []) => Some(description),
            (None, facts) => Some(facts.join(", ")),
            (Some(description), facts) => Some(format!("{description} ({})", facts.join(", "))),
        }
    }

    fn describe(&self) -> String {
        let mut text = format!("{} {} ({})\n", self.upstream.name(), self.version, self.purl);
        let binaries = self.binaries.join(", ");
        let rows = [
            ("description", self.description.as_deref()),
            ("licence", self.license.as_deref()),
            ("homepage", self.homepage.as_deref()),
            ("repository", self.repository.as_deref().filter(|place| self.homepage.as_deref() != Some(*place))),
            ("binaries", Some(binaries.as_str())),
            ("waits", self.waits.as_deref()),
        ];
        for (what, value) in rows {
            if let Some(value) = value {
                let _ = writeln!(text, "  {what:<12} {value}");
            }
        }
        text
    }
}
