mod packages;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{BuildPackages, Config, ConfigError, Forge, GithubAuth, Lto, Machine};
use crate::clients::endpoints::{CRATES_INDEX, CRATES_INDEX_VARIABLE, GITHUB_API, NPM_REGISTRY, NPM_REGISTRY_VARIABLE};
use crate::model::Automerge;

fn machine() -> Machine {
    Machine { system: "x86_64-linux".parse().unwrap(), cores: 4 }
}

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("config/nixwright.toml"), &BTreeMap::new(), &machine())
}

fn problems(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

fn repository(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)).unwrap()
}

#[test]
fn an_empty_file_means_the_defaults() {
    let config = parse("").unwrap();
    assert!(config.packages.is_empty());
    insta::assert_debug_snapshot!((config.overlay, config.build, config.limits), @r#"
    (
        Overlay {
            author_name: "nixwright",
            author_email: "bot@nixwright.invalid",
        },
        Build {
            pkgs: Host,
            timeout: 3600s,
            max_silent: 1200s,
            max_log_size: 67108864,
            memory_limit: None,
            max_jobs: 4,
            cores: 0,
        },
        Limits {
            archive_size: 67108864,
            archive_unpacked: 536870912,
            archive_entries: 20000,
            dropped_packages: 0,
        },
    )
    "#);
    let systems = |list: Vec<crate::model::System>| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(systems(config.systems.resolve), "aarch64-darwin aarch64-linux x86_64-darwin x86_64-linux");
    assert_eq!(systems(config.systems.build), "x86_64-linux");
}

#[test]
fn what_a_file_says_is_taken() {
    let config = parse(
        r#"
        state_dir = "../var"
        [registries]
        crates_index = "sparse+https://registry.example/index"
        [build]
        pkgs = "nixpkgs"
        timeout = "1h 30m"
        memory_limit = "8GiB"
        [systems]
        resolve = ["x86_64-linux", "aarch64-linux", "x86_64-linux"]
        build = ["aarch64-linux"]
        [defaults]
        min_age = "0s"
        automerge = "never"
        [packages.fd-find]
        purl = "pkg:cargo/fd-find"
        strategy = "vendored"
        features = ["b", "a", "b"]
        automerge = "always"
        lto = "thin"
        [packages.a]
        purl = "pkg:cargo/a"
        "#,
    )
    .unwrap();
    assert_eq!(config.state_dir, Path::new("config/../var"));
    assert_eq!(config.registries.crates_index.as_str(), "https://registry.example/index/");
    assert!(matches!(config.build.pkgs, BuildPackages::Nixpkgs { .. }));
    assert_eq!((config.build.timeout.as_secs(), config.build.memory_limit), (5400, Some(8 << 30)));
    assert_eq!(config.systems.resolve.len(), 2);
    let [a, fd] = config.packages.values().collect::<Vec<_>>()[..] else { panic!("two packages") };
    assert_eq!((a.policy.min_age.is_zero(), a.strategy, a.lto), (true, None, Lto::Off));
    assert_eq!((a.policy.automerge, fd.policy.automerge), (Automerge::Never, Automerge::Always));
    assert_eq!((fd.lto, fd.features.join(" ").as_str()), (Lto::Thin, "a b"));
}

#[test]
fn the_state_is_beside_the_file_unless_it_says_otherwise() {
    assert_eq!(parse("").unwrap().state_dir, Path::new("config/var"));
    assert_eq!(parse("state_dir = \"/srv/state\"").unwrap().state_dir, Path::new("/srv/state"));
}

#[test]
fn every_unknown_key_is_named_with_the_one_that_was_meant() {
    let text = "stat_dir = \"x\"\nzzz = 1\n[build]\ntimout = \"1h\"\nmax-jobs = 3\n\
                [packages.ripgrep]\npurl = \"pkg:cargo/ripgrep\"\nno-default-features = true\n[package.fd]\n";
    insta::assert_snapshot!(problems(text), @"
    config/nixwright.toml:1:1: stat_dir: unknown key; did you mean `state_dir`? (known here: state_dir, registries, overlay, build, systems, limits, forge, schedule, service, defaults, publish, policy, native, packages)
    config/nixwright.toml:2:1: zzz: unknown key (known here: state_dir, registries, overlay, build, systems, limits, forge, schedule, service, defaults, publish, policy, native, packages)
    config/nixwright.toml:4:1: build.timout: unknown key; did you mean `timeout`? (known here: pkgs, nixpkgs_url, timeout, max_silent, max_log_size, memory_limit, max_jobs, cores)
    config/nixwright.toml:5:1: build.max-jobs: unknown key; did you mean `max_jobs`? (known here: pkgs, nixpkgs_url, timeout, max_silent, max_log_size, memory_limit, max_jobs, cores)
    config/nixwright.toml:8:1: packages.ripgrep.no-default-features: unknown key; did you mean `no_default_features`? (known here: purl, features, no_default_features, all_features, native, binaries, strategy, lock, lto, track, version, min_age, automerge, group, hold, maintainers, quiet_hours, cron)
    config/nixwright.toml:9:2: package: unknown key; did you mean `packages`? (known here: state_dir, registries, overlay, build, systems, limits, forge, schedule, service, defaults, publish, policy, native, packages)
    ");
}

#[test]
fn every_wrong_value_is_named_with_what_is_allowed() {
    let text = r#"
state_dir = ""
[registries]
crates_index = "registry.example"
[overlay]
author_name = "a <b>"
[systems]
resolve = ["x86_64-linux", "sparc-solaris", 3]
build = []
[build]
pkgs = "debian"
timeout = 3600
max_silent = "0s"
max_log_size = "64"
max_jobs = 0
cores = -1
[limits]
archive_size = true
[defaults]
strategy = "fast"
automerge = "yes"
lto = "full"
[packages."a b"]
purl = "pkg:cargo/a"
[packages.let]
purl = "pkg:cargo/a"
[packages.fzf]
purl = "pkg:pypi/requests"
[packages.none]
features = "x"
[packages.x]
purl = "pkg:cargo/x@1.2.3"
features = ["--config", "fine"]
[packages.X]
purl = 3
all_features = true
no_default_features = true
binaries = ["../x"]
"#;
    insta::assert_snapshot!(problems(text), @r#"
    config/nixwright.toml:2:13: state_dir: expected a path, found ""
    config/nixwright.toml:4:17: registries.crates_index: "registry.example" is not the address of a sparse index (`sparse+https://HOST/PATH/`, without a user name or a query)
    config/nixwright.toml:6:16: overlay.author_name: expected a text without `<`, `>` or line ends, found "a <b>"
    config/nixwright.toml:8:29: systems.resolve: "sparc-solaris" is not a supported system (x86_64-linux, aarch64-linux, x86_64-darwin, aarch64-darwin)
    config/nixwright.toml:8:45: systems.resolve: expected a system such as "x86_64-linux", found 3
    config/nixwright.toml:9:9: systems.build: at least one system is needed
    config/nixwright.toml:11:9: build.pkgs: expected "host" or "nixpkgs", found "debian"
    config/nixwright.toml:12:11: build.timeout: expected a duration such as "3d" or "1h 30m", not zero, found 3600
    config/nixwright.toml:13:15: build.max_silent: expected a duration such as "3d" or "1h 30m", not zero, found "0s"
    config/nixwright.toml:14:17: build.max_log_size: expected a size such as "64MiB" or "8GB", not zero, found "64"
    config/nixwright.toml:15:12: build.max_jobs: expected a whole number, at least 1, found 0
    config/nixwright.toml:16:9: build.cores: expected a whole number, at least 0, found -1
    config/nixwright.toml:18:16: limits.archive_size: expected a size such as "64MiB" or "8GB", not zero, found true
    config/nixwright.toml:20:13: defaults.strategy: expected "auto", "shared" or "vendored", found "fast"
    config/nixwright.toml:21:14: defaults.automerge: "yes" is not a rule of merging (never, patch, minor, always)
    config/nixwright.toml:22:8: defaults.lto: expected "off", "thin" or "fat", found "full"
    config/nixwright.toml:23:12: packages."a b": "a b" is not a package name (letters, digits, `_` and `-`, starting with a letter, at most 64)
    config/nixwright.toml:25:11: packages.let: this name means something else in Nix; choose another, `purl` says what is packaged
    config/nixwright.toml:28:9: packages.fzf.purl: "pkg:pypi/requests": the package type "pypi" is not known; known: cargo, golang, npm, github
    config/nixwright.toml:29:11: packages.none.purl: this key is missing
    config/nixwright.toml:30:13: packages.none.features: expected a list of features, found "x"
    config/nixwright.toml:31:11: packages.x: `X` differs only in case: some systems keep both in the same folder
    config/nixwright.toml:32:9: packages.x.purl: "pkg:cargo/x@1.2.3": a version is not chosen here, the newest release is followed; leave out what follows `@`
    config/nixwright.toml:33:14: packages.x.features: expected a name (letters, digits, `-`, `_` and the like), found "--config"
    config/nixwright.toml:35:8: packages.X.purl: expected a package URL such as "pkg:cargo/ripgrep", found 3
    config/nixwright.toml:36:16: packages.X.all_features: this contradicts `features` and `no_default_features`; say one or the other
    config/nixwright.toml:38:14: packages.X.binaries: expected a name (letters, digits, `-`, `_` and the like), found "../x"
    "#);
}

#[test]
fn sections_that_are_no_tables_are_named() {
    insta::assert_snapshot!(problems("[registries]\ncrates_index = 3\n"), @"config/nixwright.toml:2:16: registries.crates_index: expected the address of a sparse index, found 3");
    insta::assert_snapshot!(problems("build = 3\npackages = []\n"), @r#"
config/nixwright.toml:1:1: build: expected a table, found 3
config/nixwright.toml:2:1: packages: expected a table, found a list
"#);
    insta::assert_snapshot!(problems("[packages]\nripgrep = \"pkg:cargo/ripgrep\"\n"), @r#"config/nixwright.toml:2:1: packages.ripgrep: expected a table, found "pkg:cargo/ripgrep""#);
}

#[test]
fn settings_that_contradict_each_other_are_named() {
    let text = "[build]\nnixpkgs_url = \"nixpkgs\"\n[systems]\nresolve = [\"aarch64-linux\"]\n";
    insta::assert_snapshot!(problems(text), @r#"
config/nixwright.toml:2:16: build.nixpkgs_url: this has a meaning only with `pkgs = "nixpkgs"`
config/nixwright.toml:3:2: systems.build: x86_64-linux is built, so it has to be in `resolve` too
"#);
    insta::assert_snapshot!(problems("[systems]\nbuild = [\"aarch64-darwin\"]\n"), @r#"config/nixwright.toml:2:9: systems.build: with `build.pkgs = "host"` only this machine's system, x86_64-linux, can be built"#);
}

#[test]
fn another_registry_of_npm_packages_can_be_named() {
    let of = |text: &str, variable: Option<&str>| {
        let variable = variable.map(|value| (NPM_REGISTRY_VARIABLE.to_owned(), value.to_owned()));
        let environment = variable.into_iter().collect();
        let config = Config::parse(text, Path::new("a.toml"), &environment, &machine());
        config.map(|config| config.registries.npm.to_string())
    };
    let configured = "[registries]\nnpm = \"https://configured.example/npm\"\n";
    assert_eq!(of("", None).unwrap(), NPM_REGISTRY);
    assert_eq!(of("", Some("http://registry.example")).unwrap(), "http://registry.example/");
    assert_eq!(of(configured, Some("http://registry.example")).unwrap(), "https://configured.example/npm/");
    assert!(of("", Some("nonsense")).is_err());
}

#[test]
fn text_that_is_no_toml_is_located() {
    let said = [
        "[build\n",
        "a = \n",
        "\n  ä = 1\n",
        "a = \"x\n",
        "a = 1\na = 2\n",
        "[build]\n[build]\n",
        "a = 2026-01-01\n",
        "strategy = auto\n",
        "\u{feff}a = \u{0}",
    ]
    .map(problems)
    .join("\n");
    insta::assert_snapshot!(said, @r#"
config/nixwright.toml:1:7: not valid TOML: expected a right bracket, found a newline
config/nixwright.toml:1:5: not valid TOML: expected a value, found a newline
config/nixwright.toml:2:3: not valid TOML: unexpected character found: `ä`
config/nixwright.toml:1:7: not valid TOML: invalid character in string: `\n`
config/nixwright.toml:2:1: not valid TOML: duplicate key: `a` (first in line 1)
config/nixwright.toml:2:1: not valid TOML: redefinition of table `build` (first in line 1)
config/nixwright.toml:1:5: not valid TOML: invalid number
config/nixwright.toml:1:12: not valid TOML: invalid TOML value, did you mean to use a quoted string?
config/nixwright.toml:1:6: not valid TOML: unexpected character found: `�`
"#);
}

#[test]
fn columns_count_characters() {
    insta::assert_snapshot!(problems("[packages.x]\npurl = \"pkg:cargo/x\"\nfeatures = [\"ä\", 3]\n"), @"config/nixwright.toml:3:18: packages.x.features: expected a name (letters, digits, `-`, `_` and the like), found 3");
}

#[test]
fn the_environment_stands_in_for_a_registry_that_is_not_configured() {
    let load = |text: &str, value: &str| {
        let environment = BTreeMap::from([(CRATES_INDEX_VARIABLE.to_owned(), value.to_owned())]);
        Config::parse(text, Path::new("a.toml"), &environment, &machine())
    };
    let configured = "[registries]\ncrates_index = \"https://configured.example/\"\n";
    let index = |config: Config| config.registries.crates_index.to_string();
    assert_eq!(index(load("", "http://registry.example/").unwrap()), "http://registry.example/");
    assert_eq!(index(load(configured, "http://registry.example/").unwrap()), "https://configured.example/");
    assert_eq!(index(parse("").unwrap()), CRATES_INDEX);
    insta::assert_snapshot!(load("", "nonsense").unwrap_err(), @r#"environment variable NIXWRIGHT_CRATES_INDEX: "nonsense" is not the address of a sparse index (`sparse+https://HOST/PATH/`, without a user name or a query)"#);
}

#[test]
fn a_file_that_is_absent_or_unreadable_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let load = |name: &str| {
        let error = Config::load(&folder.path().join(name), &BTreeMap::new()).unwrap_err();
        error.to_string().replace(&folder.path().display().to_string(), "/etc")
    };
    insta::assert_snapshot!(load("absent.toml"), @"there is no configuration file /etc/absent.toml; name one with `-c FILE`, or start from config/example.toml, which lists every option");
    crate::clients::files::write(&folder.path().join("latin1.toml"), b"# caf\xe9\n").unwrap();
    insta::assert_snapshot!(load("latin1.toml"), @"/etc/latin1.toml:1:6: not valid TOML: this character is not UTF-8");
}

#[test]
fn the_shipped_configuration_is_valid() {
    let text = repository("config/nixwright.toml");
    let config = parse(&text).unwrap();
    let names: Vec<&str> = config.packages.keys().map(crate::model::AttrPath::as_str).collect();
    assert_eq!(names, ["eslint", "fd-find", "fzf", "hexyl", "ripgrep", "svgo"]);
    assert_eq!(config.state_dir, Path::new("config/../var"));
}

/// The example with its options switched on: comments that are options start with `#` and no space.
fn switched_on() -> String {
    let example = repository("config/example.toml");
    let line = |line: &str| match line.strip_prefix('#') {
        Some(option) if option.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => option.to_owned(),
        _ => line.to_owned(),
    };
    example.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_says_nothing_until_options_are_switched_on() {
    assert_eq!(parse(&repository("config/example.toml")).unwrap().packages.len(), 0);
    parse(&switched_on()).unwrap();
}

#[test]
fn the_example_has_every_key_there_is() {
    let mut text = "zzz = 1\n".to_owned();
    for section in [
        "registries",
        "overlay",
        "systems",
        "build",
        "limits",
        "forge",
        "schedule",
        "service",
        "publish",
        "defaults",
        "packages.x",
    ] {
        text.extend(["[", section, "]\nzzz = 1\n"]);
    }
    let options = repository("config/example.toml");
    let options = || options.lines().map(|line| line.trim_start_matches('#'));
    let example: BTreeSet<String> = options()
        .filter_map(|line| Some(line.split_once([' ', '.', ']'])?.0.trim_start_matches('[').to_owned()))
        .chain(options().map(|line| line.trim_matches(['[', ']']).to_owned()))
        .collect();
    for line in problems(&text).lines() {
        let Some((_, known)) = line.split_once("(known here: ") else { continue };
        for key in known.trim_end_matches(')').split(", ") {
            assert!(example.contains(key), "{key} of {line}");
        }
    }
}

#[test]
fn a_repository_on_github_is_named_with_who_the_bot_is_there() {
    let github = |text: &str| {
        let text = format!("[forge]\nkind = \"github\"\nrepository = \"octo-org/overlay\"\n{text}");
        match parse(&text).unwrap().forge {
            Forge::Github(github) => github,
            Forge::Local => panic!("{text}"),
        }
    };
    let plain = github("");
    assert_eq!((plain.repository.owner(), plain.repository.name()), ("octo-org", "overlay"));
    assert_eq!((plain.api.as_str(), &plain.auth), (GITHUB_API, &GithubAuth::Environment));
    let own = github("api = \"https://forge.example/api/v3\"\napp_id = 7\napp_key_file = \"key.pem\"\n");
    assert_eq!(own.web.as_str(), "https://forge.example/");
    let key_file = Path::new("config/key.pem").to_owned();
    assert_eq!(own.auth, GithubAuth::App { id: 7, key_file, installation: None });
    let merges = |head: &str| {
        let text = format!("{head}[packages.a]\npurl = \"pkg:cargo/a\"\n");
        parse(&text).unwrap().packages.into_values().next().unwrap().policy.automerge
    };
    assert_eq!(merges(""), Automerge::Always);
    assert_eq!(merges("[forge]\nkind = \"github\"\nrepository = \"a/b\"\n"), Automerge::Never);
}
