//! The standard library of a toolchain, and the tags that the toolchain brings.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::build::{Builder, Content};
use super::experiments::{Experiment, baseline, chosen};
use super::folder::Folder;
use super::stored::{FactsError, ModuleFacts};

/// Why a toolchain's source cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StandardError {
    /// A file that says what the toolchain is, is not there or says it in another way.
    #[error(
        "src/{file} of the Go toolchain does not say {what} in a way that is understood: use another version of Go"
    )]
    Unknown {
        /// Relative to `GOROOT/src`.
        file: &'static str,
        /// What is looked for.
        what: &'static str,
    },
    /// The facts do not fit into their form, or are not in it.
    #[error(transparent)]
    Facts(#[from] FactsError),
}

const CONFIGURED: &str = "internal/buildcfg/zbootstrap.go";
const EXPERIMENTS: &str = "internal/buildcfg/exp.go";
const MINOR: &str = "internal/goversion/goversion.go";

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Toolchain {
    version: String,
    minor: u32,
    experiments: Vec<Experiment>,
    /// `DefaultGOAMD64` and the like, without `DefaultGO`, as they were set when the toolchain was built.
    features: HashMap<String, String>,
}

/// The standard library of one toolchain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StandardLibrary {
    toolchain: Toolchain,
    facts: ModuleFacts,
}

/// Takes the files of a `GOROOT/src`.
#[derive(Debug)]
pub struct StandardBuilder {
    facts: Builder,
    texts: HashMap<&'static str, String>,
}

impl StandardBuilder {
    /// Whether the bytes of a file, whose path is relative to `GOROOT/src`, are looked at. All of what is in `cmd` is left out.
    pub fn wants(path: &str) -> bool {
        Self::takes(path) && Builder::wants(path)
    }

    fn takes(path: &str) -> bool {
        !path.starts_with("cmd/")
    }

    /// Takes a file, or, if its bytes are not looked at, its name.
    pub fn add(&mut self, path: &str, content: Content<'_>) {
        if !Self::takes(path) {
            return;
        }
        let file = [CONFIGURED, EXPERIMENTS, MINOR].into_iter().find(|file| *file == path);
        if let (Some(file), Content::Bytes(bytes)) = (file, content) {
            self.texts.insert(file, String::from_utf8_lossy(bytes).into_owned());
        }
        self.facts.add(path, content);
    }

    /// The facts of all that came.
    ///
    /// # Errors
    /// [`StandardError`], where the toolchain does not say what it is.
    pub fn finish(self) -> Result<StandardLibrary, StandardError> {
        let text = |file| self.texts.get(file).map_or("", String::as_str);
        let unknown = |file, what| StandardError::Unknown { file, what };
        let constants = constants(text(CONFIGURED));
        let version = constants.get("version").and_then(|version| version.strip_prefix("go"));
        let version = version.ok_or_else(|| unknown(CONFIGURED, "its version"))?;
        // Experiments that were chosen when it was built follow.
        let version = version.split_once([' ', '-']).map_or(version, |(version, _)| version).to_owned();
        let minor = text(MINOR).lines().find_map(|line| line.strip_prefix("const Version = ")?.trim().parse().ok());
        let minor = minor.ok_or_else(|| unknown(MINOR, "its minor version"))?;
        let setting = constants.get("defaultGOEXPERIMENT").map_or("", String::as_str);
        let experiments = baseline(text(EXPERIMENTS)).and_then(|experiments| chosen(experiments, setting));
        let experiments = experiments.ok_or_else(|| unknown(EXPERIMENTS, "which experiments are on"))?;
        let feature = |(name, value): (String, String)| Some((name.strip_prefix("DefaultGO")?.to_owned(), value));
        let features = constants.into_iter().filter_map(feature).collect();
        let facts = self.facts.finish(String::new(), String::new())?;
        Ok(StandardLibrary { toolchain: Toolchain { version, minor, experiments, features }, facts })
    }
}

/// `const NAME = VALUE` lines with a quoted value.
fn constants(text: &str) -> HashMap<String, String> {
    let constant = |line: &str| {
        let (name, value) = line.strip_prefix("const ")?.split_once(" = ")?;
        Some((name.to_owned(), value.trim().trim_matches(['`', '"']).to_owned()))
    };
    text.lines().filter_map(constant).collect()
}

impl StandardLibrary {
    /// Begins to take the files of a `GOROOT/src`.
    pub fn builder() -> StandardBuilder {
        StandardBuilder { facts: Builder::module(), texts: HashMap::new() }
    }

    /// The toolchain's version: `1.27.3`.
    pub fn version(&self) -> &str {
        &self.toolchain.version
    }

    /// The minor version up to which the release tags hold: 27.
    pub fn minor(&self) -> u32 {
        self.toolchain.minor
    }

    /// The source files of a package, vendored ones as `vendor/golang.org/x/…`.
    ///
    /// # Errors
    /// [`FactsError::Damaged`].
    pub fn folder(&self, path: &str) -> Result<Option<Folder<&str>>, FactsError> {
        self.facts.folder(path)
    }

    /// Whether there is such a package, for whatever system.
    pub fn has(&self, path: &str) -> bool {
        // There is no package at the root.
        !path.is_empty() && self.facts.has_go(path)
    }

    /// The import paths of all packages, for whatever system.
    pub fn packages(&self) -> impl Iterator<Item = &str> {
        self.facts.go_folders().filter(|path| !path.is_empty())
    }

    /// The tags that the toolchain brings to a system: experiments, and what the processors are expected to have.
    pub fn tool_tags(&self, os: &str, arch: &str) -> Vec<String> {
        let holds = |tag: &str| {
            let same = tag.strip_prefix("goos_") == Some(os) || tag.strip_prefix("goarch_") == Some(arch);
            u64::from(same)
        };
        let experiments = self.toolchain.experiments.iter();
        let on = experiments.filter(|(_, condition)| condition.evaluate(1, holds) == 1);
        let mut tags: Vec<String> = on.map(|(name, _)| format!("goexperiment.{name}")).collect();
        tags.extend(self.feature_tags(arch));
        tags
    }

    /// `gogoarchTags` of internal/buildcfg, for the levels that the toolchain was built with.
    fn feature_tags(&self, arch: &str) -> Vec<String> {
        let level = |name: &str| self.toolchain.features.get(name).map_or("", String::as_str);
        let number = |text: &str| text.trim_matches(|character: char| !character.is_ascii_digit()).parse().unwrap_or(0);
        let up_to = |first: u32, last: u32, before: &str| -> Vec<String> {
            (first..=last).map(|level| format!("{arch}.{before}{level}")).collect()
        };
        match arch {
            "386" => vec![format!("386.{}", level("386"))],
            "amd64" => up_to(1, number(level("AMD64")), "v"),
            "arm" => up_to(5, number(level("ARM").split(',').next().unwrap_or_default()), ""),
            "arm64" => arm64_tags(level("ARM64")),
            "mips" | "mipsle" => vec![format!("{arch}.{}", level("MIPS"))],
            "mips64" | "mips64le" => vec![format!("{arch}.{}", level("MIPS64"))],
            "ppc64" | "ppc64le" => up_to(8, number(level("PPC64")), "power"),
            "riscv64" => {
                let levels = ["rva20u64", "rva22u64", "rva23u64"].into_iter();
                levels.filter(|name| *name <= level("RISCV64")).map(|name| format!("riscv64.{name}")).collect()
            }
            "wasm" => vec!["wasm.satconv".to_owned(), "wasm.signext".to_owned()],
            _ => Vec::new(),
        }
    }

    /// The kept form.
    ///
    /// # Errors
    /// [`FactsError::TooLarge`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, FactsError> {
        let toolchain = postcard::to_stdvec(&self.toolchain).map_err(|_| FactsError::TooLarge)?;
        let length = u32::try_from(toolchain.len()).map_err(|_| FactsError::TooLarge)?;
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend_from_slice(&toolchain);
        bytes.extend_from_slice(self.facts.to_bytes());
        Ok(bytes)
    }

    /// Reads the kept form.
    ///
    /// # Errors
    /// [`FactsError`], for anything that [`StandardLibrary::to_bytes`] of this version did not give.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FactsError> {
        let length =
            bytes.first_chunk().map(|length| u32::from_le_bytes(*length) as usize).ok_or(FactsError::Damaged)?;
        let (toolchain, facts) =
            bytes.get(4..).and_then(|rest| rest.split_at_checked(length)).ok_or(FactsError::Damaged)?;
        // First whether the version is the same, which is more to the point.
        let facts = ModuleFacts::from_bytes(facts.to_vec())?;
        Ok(Self { toolchain: postcard::from_bytes(toolchain).map_err(|_| FactsError::Damaged)?, facts })
    }
}

/// `v9.1` brings its own levels from `v9.0` on, and those of `v8` that are five higher.
fn arm64_tags(level: &str) -> Vec<String> {
    let mut numbers = level.split(',').next().unwrap_or_default().trim_start_matches('v').split('.');
    let mut number = || numbers.next().and_then(|number| number.parse::<u32>().ok()).unwrap_or(0);
    let (major, minor) = (number(), number());
    let mut tags: Vec<String> = (0..=minor).map(|minor| format!("arm64.v{major}.{minor}")).collect();
    if major == 9 {
        tags.extend((0..=(minor + 5).min(9)).map(|minor| format!("arm64.v8.{minor}")));
    }
    tags
}
