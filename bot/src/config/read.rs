//! From TOML to [`Config`], section by section.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use url::Url;

use super::forge::{self, Forge};
use super::policy::{self, Rule, Settings};
use super::reader::{Reader, Section, boolean, checked, count, line_and_column, parsed, positive_duration, size, text};
use super::{
    Build, BuildPackages, Config, Limits, Lock, Machine, NativeInputs, Overlay, Package, Problem, Registries, Systems,
    Upstream,
};
use super::{cargo, go, native};
use crate::clients::endpoints;
use crate::clients::go::{GoRegistries, PRIVATE_VARIABLES, Patterns, private_modules};
use crate::model::{AttrPath, Automerge, InvalidValue, System};

const MIB: u64 = 1 << 20;
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The nixpkgs that is taken where none is named.
const NIXPKGS: &str = "github:NixOS/nixpkgs/nixpkgs-unstable";

/// Names that mean something else in a scope of packages, or in the Nix language.
const RESERVED: &[&str] = &[
    "assert",
    "callPackage",
    "drvPath",
    "else",
    "extend",
    "if",
    "in",
    "inherit",
    "let",
    "newScope",
    "or",
    "outPath",
    "overrideScope",
    "packages",
    "rec",
    "recurseForDerivations",
    "then",
    "type",
    "with",
];

pub(super) fn config(
    toml: &str,
    path: &Path,
    environment: &BTreeMap<String, String>,
    machine: &Machine,
) -> Result<Config, Vec<Problem>> {
    let source = path.display().to_string();
    let value = toml_span::parse(toml).map_err(|error| vec![syntax(&error, toml, &source)])?;
    let reader = Reader::new(&source, toml);
    let mut root = Section::root(&reader, &value);

    let folder = path.parent().unwrap_or(Path::new(""));
    let state_dir = root.get("state_dir", |value| {
        text(value, "a path", |text| (!text.is_empty() && !text.contains('\0')).then(|| text.to_owned()))
    });
    let registries = registries(root.section("registries"), folder, environment, &reader);
    let overlay = overlay(root.section("overlay"));
    let build = build(root.section("build"), machine);
    let systems = systems(root.section("systems"), &build.pkgs, machine);
    let limits = limits(root.section("limits"));
    let forge = forge::forge(root.section("forge"), folder, environment, &reader);
    let service = forge::service(root.section("schedule"), root.section("service"), folder);
    // What is merged on a person's own machine without asking would be a surprise among people.
    let automerge = if matches!(forge, Some(Forge::Github(_))) { Automerge::Never } else { Automerge::Always };
    let mut defaults = root.section("defaults");
    let settings = Settings::built_in(automerge).overridden(&mut defaults);
    defaults.finish();
    let publish = forge::publish(root.section("publish"), settings.automerge());
    let rules = root.tables("policy").into_iter().map(Rule::read).collect();
    let native = native::inputs(root.section("native"));
    let packages = packages(root.section("packages"), &settings, rules, &native);
    if let Some((one, other)) = policy::disagreement(packages.iter()) {
        let message = format!("{one} and {other} are of one group, so `automerge` has to be the same for both");
        root.problem("packages", &message);
    }
    root.finish();

    let problems = reader.finish();
    match (registries, forge, service) {
        (Some(registries), Some(forge), Some(service)) if problems.is_empty() => Ok(Config {
            file: path.to_owned(),
            state_dir: folder.join(state_dir.as_deref().unwrap_or("var")),
            registries,
            overlay,
            systems,
            build,
            limits,
            forge,
            publish,
            service,
            packages,
        }),
        _ => Err(problems),
    }
}

/// Where the text is not TOML; the parser stops at the first such place.
fn syntax(error: &toml_span::Error, text: &str, source: &str) -> Problem {
    use toml_span::ErrorKind;

    let earlier = match &error.kind {
        ErrorKind::DuplicateKey { first, .. } | ErrorKind::DuplicateTable { first, .. } => {
            format!(" (first in line {})", line_and_column(text, first.start).0)
        }
        _ => String::new(),
    };
    let at = Some(line_and_column(text, error.span.start));
    // The parser quotes what it found, and that may be meant for a terminal.
    let message = format!("not valid TOML: {error}{earlier}").replace(char::is_control, "\u{fffd}");
    Problem { source: source.to_owned(), at, key: String::new(), message }
}

/// Where the file is not text: after `before`.
pub(super) fn not_utf8(before: &str, path: &Path) -> Problem {
    let at = Some(line_and_column(before, before.len()));
    let message = "not valid TOML: this character is not UTF-8".to_owned();
    Problem { source: path.display().to_string(), at, key: String::new(), message }
}

fn registries(
    mut section: Section<'_, '_, '_, '_>,
    folder: &Path,
    environment: &BTreeMap<String, String>,
    reader: &Reader<'_>,
) -> Option<Registries> {
    let cargo = cargo::registries(section.section("cargo"), folder);
    let mut address = |key, expected, parse: fn(&str) -> Result<Url, InvalidValue>, fallback: Fallback| {
        let configured = section.get(key, |value| checked(value, expected, parse));
        let (variable, from_environment) = fallback;
        configured.or_else(|| {
            let address = from_environment(environment);
            address.map_err(|error| reader.environment_problem(variable, error.to_string())).ok()
        })
    };
    let crates = (endpoints::CRATES_INDEX_VARIABLE, endpoints::crates_index as FromEnvironment);
    let npm = (endpoints::NPM_REGISTRY_VARIABLE, endpoints::npm_registry as FromEnvironment);
    let osv = (endpoints::OSV_API_VARIABLE, endpoints::osv_api as FromEnvironment);
    let crates_index = address("crates_index", "the address of a sparse index", endpoints::parse_index, crates);
    let npm = address("npm", "the address of a registry of npm packages", endpoints::parse_api, npm);
    let osv_api = address("osv_api", "the address of an advisory database", endpoints::parse_api, osv);
    let github = (endpoints::GITHUB_UPSTREAMS_VARIABLE, endpoints::github_upstreams as FromEnvironment);
    let github_api = address("github_api", "the address of a REST interface", endpoints::parse_api, github);
    let go = go_registries(&mut section, environment, reader);
    section.finish();
    let (crates_index, npm, osv_api) = (crates_index?, npm?, osv_api?);
    Some(Registries { crates_index, cargo, npm, go: go?, osv_api, github_api: github_api? })
}

fn go_registries(
    section: &mut Section<'_, '_, '_, '_>,
    environment: &BTreeMap<String, String>,
    reader: &Reader<'_>,
) -> Option<GoRegistries> {
    let wrong = |variable, error: InvalidValue| reader.environment_problem(variable, error.to_string());
    let proxies = section.get("go_proxy", |value| parsed(value, "a list of module proxies")).or_else(|| {
        let proxies = endpoints::go_proxy(environment);
        proxies.map_err(|error| wrong(endpoints::GO_PROXY_VARIABLE, error)).ok()
    });
    let sumdb = section.get("go_sumdb", |value| parsed(value, "a checksum database")).or_else(|| {
        let sumdb = endpoints::go_sumdb(environment);
        sumdb.map_err(|error| wrong(endpoints::GO_SUMDB_VARIABLE, error)).ok()
    });
    let expected = "a list of patterns such as [\"*.corp.example\"]";
    let patterns = section.list("go_private", expected, |value| {
        checked(value, "a pattern such as \"*.corp.example\"", |text| Patterns::parse(text).map(|_| text.to_owned()))
    });
    let private = match patterns {
        Some(patterns) => Patterns::parse(&patterns.join(",")).map(|patterns| (patterns.clone(), patterns)),
        None => private_modules(environment),
    };
    let private = private.map_err(|error| wrong(PRIVATE_VARIABLES[0], error)).ok();
    let (no_proxy, no_sumdb) = private?;
    Some(GoRegistries { proxies: proxies?, sumdb: sumdb?, no_proxy, no_sumdb })
}

/// What the environment says of an address.
type FromEnvironment = fn(&BTreeMap<String, String>) -> Result<Url, InvalidValue>;

/// What counts where the file says nothing: a variable's name and its reader.
type Fallback = (&'static str, FromEnvironment);

fn overlay(mut section: Section<'_, '_, '_, '_>) -> Overlay {
    // What git cannot write into a commit's header.
    let plain = |text: &str| {
        let fine = !text.trim().is_empty() && !text.contains(|c: char| c.is_control() || "<>".contains(c));
        fine.then(|| text.trim().to_owned())
    };
    let expected = "a text without `<`, `>` or line ends";
    let author_name = section.get("author_name", |value| text(value, expected, plain));
    let author_email = section.get("author_email", |value| text(value, expected, plain));
    section.finish();
    Overlay {
        author_name: author_name.unwrap_or_else(|| "nixwright".to_owned()),
        author_email: author_email.unwrap_or_else(|| "bot@nixwright.invalid".to_owned()),
    }
}

fn build(mut section: Section<'_, '_, '_, '_>, machine: &Machine) -> Build {
    let from_nixpkgs = section.get("pkgs", |value| {
        text(value, "\"host\" or \"nixpkgs\"", |text| match text {
            "host" => Some(false),
            "nixpkgs" => Some(true),
            _ => None,
        })
    });
    let url = section.get("nixpkgs_url", |value| {
        text(value, "a flake reference, without spaces or quotes", |text| {
            let odd = |c: char| c.is_whitespace() || c.is_control() || "\"'\\$`".contains(c);
            (!text.is_empty() && !text.contains(odd)).then(|| text.to_owned())
        })
    });
    let pkgs = match (from_nixpkgs.unwrap_or(false), url) {
        (true, url) => BuildPackages::Nixpkgs { url: url.unwrap_or_else(|| NIXPKGS.to_owned()) },
        (false, None) => BuildPackages::Host,
        (false, Some(_)) => {
            section.problem("nixpkgs_url", "this has a meaning only with `pkgs = \"nixpkgs\"`");
            BuildPackages::Host
        }
    };
    let build = Build {
        pkgs,
        timeout: section.get("timeout", positive_duration).unwrap_or(HOUR),
        max_silent: section.get("max_silent", positive_duration).unwrap_or(HOUR / 3),
        max_log_size: section.get("max_log_size", size).unwrap_or(64 * MIB),
        memory_limit: section.get("memory_limit", size),
        max_jobs: section.get("max_jobs", |value| count(value, 1)).unwrap_or(machine.cores),
        cores: section.get("cores", |value| count(value, 0)).unwrap_or(0),
    };
    section.finish();
    build
}

fn systems(mut section: Section<'_, '_, '_, '_>, pkgs: &BuildPackages, machine: &Machine) -> Systems {
    let expected = "a list of systems, such as [\"x86_64-linux\"]";
    let system = |value: &toml_span::Value<'_>| parsed::<System>(value, "a system such as \"x86_64-linux\"");
    let resolve = section.list("resolve", expected, system);
    let build = section.list("build", expected, system);
    for (key, list) in [("resolve", &resolve), ("build", &build)] {
        if list.as_ref().is_some_and(Vec::is_empty) {
            section.problem(key, "at least one system is needed");
        }
    }
    let resolve = resolve.unwrap_or_else(|| {
        let all = ["aarch64-darwin", "aarch64-linux", "x86_64-darwin", "x86_64-linux"];
        all.iter().filter_map(|system| system.parse().ok()).collect()
    });
    let build = build.unwrap_or_else(|| vec![machine.system.clone()]);
    for system in &build {
        if !resolve.contains(system) {
            section.problem("build", &format!("{system} is built, so it has to be in `resolve` too"));
        } else if *pkgs == BuildPackages::Host && *system != machine.system {
            let this = &machine.system;
            let message = format!("with `build.pkgs = \"host\"` only this machine's system, {this}, can be built");
            section.problem("build", &message);
        }
    }
    section.finish();
    Systems { resolve, build }
}

fn limits(mut section: Section<'_, '_, '_, '_>) -> Limits {
    let limits = Limits {
        archive_size: section.get("archive_size", size).unwrap_or(64 * MIB),
        archive_unpacked: section.get("archive_unpacked", size).unwrap_or(512 * MIB),
        archive_entries: section.get("archive_entries", |value| count(value, 1)).unwrap_or(20_000),
        dropped_packages: section.get("dropped_packages", |value| count(value, 0)).unwrap_or(0),
    };
    section.finish();
    limits
}

fn packages(
    section: Section<'_, '_, '_, '_>,
    defaults: &Settings,
    mut rules: Vec<Rule<'_, '_, '_, '_>>,
    native: &BTreeMap<String, NativeInputs>,
) -> BTreeMap<AttrPath, Package> {
    let mut packages = BTreeMap::new();
    let mut names: Vec<String> = Vec::new();
    for (name, section) in section.entries() {
        let attr = name.parse::<AttrPath>();
        if let Err(error) = &attr {
            section.problem_here(error.to_string());
        }
        if RESERVED.contains(&name.as_str()) {
            section.problem_here(
                "this name means something else in Nix; choose another, `purl` says what is packaged".to_owned(),
            );
        }
        if let Some(other) = names.iter().find(|other| other.eq_ignore_ascii_case(&name)) {
            section.problem_here(format!("`{other}` differs only in case: some systems keep both in the same folder"));
        }
        let settings = rules.iter_mut().fold(defaults.clone(), |settings, rule| rule.apply(&name, settings));
        let package = package(section, &settings, native);
        if let (Ok(attr), Some(package)) = (attr, package) {
            packages.insert(attr, package);
        }
        names.push(name);
    }
    for rule in rules {
        rule.finish(&names, defaults);
    }
    packages
}

fn package(
    mut section: Section<'_, '_, '_, '_>,
    defaults: &Settings,
    native: &BTreeMap<String, NativeInputs>,
) -> Option<Package> {
    let purl = "a package URL such as \"pkg:cargo/ripgrep\"";
    let upstream = section.require("purl", |value| parsed::<Upstream>(value, purl));
    // Names end up on cargo's command line: none may look like an option.
    let name = |also: &'static str| {
        move |value: &toml_span::Value<'_>| {
            text(value, "a name (letters, digits, `-`, `_` and the like)", |text| {
                let fine = text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
                    && text.chars().all(|c| c.is_alphanumeric() || "_-+.".contains(c) || also.contains(c));
                fine.then(|| text.to_owned())
            })
        }
    };
    let features = section.list("features", "a list of features", name("/?")).unwrap_or_default();
    let no_default_features = section.get("no_default_features", boolean).unwrap_or(false);
    let all_features = section.get("all_features", boolean).unwrap_or(false);
    if all_features && (no_default_features || !features.is_empty()) {
        section.problem("all_features", "this contradicts `features` and `no_default_features`; say one or the other");
    }
    let of_crates = [
        ("features", !features.is_empty()),
        ("no_default_features", no_default_features),
        ("all_features", all_features),
    ];
    let others = match &upstream {
        Some(Upstream::Npm { .. }) => Some("packages of npm have no features; leave this out"),
        Some(Upstream::Go { .. }) => Some("Go modules have no features; leave this out (`tags` are build tags)"),
        _ => None,
    };
    if let Some(message) = others {
        for (key, _) in of_crates.iter().filter(|(_, given)| *given) {
            section.problem(key, message);
        }
    }
    let native = native::of_package(&mut section, upstream.as_ref(), native);
    let go = go::options(&mut section, upstream.as_ref());
    if matches!(upstream, Some(Upstream::Go { .. })) {
        let message =
            "the program of a Go module is the package that `purl` names (`pkg:golang/MODULE#FOLDER`); leave this out";
        section.forbid("binaries", message);
    }
    let binaries = section.list("binaries", "a list of binaries", name("")).unwrap_or_default();
    let (members, tag_prefix) = of_repositories(&mut section, upstream.as_ref(), name(""));
    let is_crate = matches!(upstream, None | Some(Upstream::Cargo { .. }));
    if !is_crate {
        section.forbid("lock", "only crates (`pkg:cargo/NAME`) can share a lock; leave this out");
    }
    let settings = defaults.overridden(&mut section);
    section.finish();
    let package = settings.package(upstream?);
    // What is said for many packages means those of them that can.
    let package = if is_crate { package } else { Package { lock: Lock::Upstream, ..package } };
    Some(Package { features, no_default_features, all_features, binaries, members, tag_prefix, native, go, ..package })
}

/// What a package's section says of the repository that its releases are in.
fn of_repositories(
    section: &mut Section<'_, '_, '_, '_>,
    upstream: Option<&Upstream>,
    name: impl Fn(&toml_span::Value<'_>) -> Result<String, String>,
) -> (Vec<String>, Option<String>) {
    if upstream.is_some_and(|upstream| !matches!(upstream, Upstream::GitHub { .. })) {
        for key in ["members", "tag_prefix"] {
            section.forbid(key, "only repositories (`pkg:github/OWNER/REPO`) have this; leave it out");
        }
        return (Vec::new(), None);
    }
    let members = section.list("members", "a list of packages of the workspace", name).unwrap_or_default();
    let prefix = section.get("tag_prefix", |value| {
        text(value, "what tags begin with before the version, such as \"v\" or \"cli-v\"", |text| {
            let fine = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./@+".contains(c));
            fine.then(|| text.to_owned())
        })
    });
    (members, prefix)
}
