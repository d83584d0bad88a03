//! Real programs: a release's files in a folder that can be written to, and a Go that knows the machine's proxies.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::judge::Go;
use crate::process::{command, files_below, run, stdout_of, write_file};

/// A program of a release: `pkg:golang/MODULE@VERSION#FOLDER`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// As it was written.
    pub purl: String,
    /// The module's path.
    pub module: String,
    /// The version.
    pub version: String,
    /// The program's folder, as a pattern for Go: `.`, `./cmd/tool`.
    pub pattern: String,
}

impl Program {
    /// From a purl.
    ///
    /// # Panics
    ///
    /// Where it is none, or has no version.
    pub fn parse(purl: &str) -> Self {
        let rest = purl.strip_prefix("pkg:golang/").unwrap_or_else(|| panic!("{purl} is not of Go"));
        let (release, folder) = rest.split_once('#').map_or((rest, None), |(release, folder)| (release, Some(folder)));
        let (module, version) = release.rsplit_once('@').unwrap_or_else(|| panic!("{purl} has no version"));
        Self {
            purl: purl.to_owned(),
            module: module.to_owned(),
            version: version.to_owned(),
            pattern: folder.map_or_else(|| ".".to_owned(), |folder| format!("./{folder}")),
        }
    }

    /// The name of the program: the last part of its import path that is no major version.
    pub fn name(&self) -> &str {
        let path = if self.pattern == "." { self.module.as_str() } else { self.pattern.as_str() };
        let is_major = |part: &&str| {
            let digits = part.strip_prefix('v');
            !digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()))
        };
        path.rsplit('/').find(is_major).unwrap_or(path)
    }

    /// Unpacks the release, as Go downloads it, into `folder`, in place of what is there.
    ///
    /// # Errors
    ///
    /// What Go says where it cannot be had.
    pub fn unpack(&self, go: &Go, folder: &Path) -> Result<(), String> {
        // A program that could not be compared may have left its files.
        let _ = std::fs::remove_dir_all(folder);
        std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        let id = format!("{}@{}", self.module, self.version);
        let mut download = go.command(folder);
        let finished = run(download.args(["mod", "download", "-json", &id]).env("GOFLAGS", "-mod=mod"));
        let said: Value = serde_json::from_str(&finished.stdout).unwrap_or_default();
        let Some(unpacked) = said["Dir"].as_str() else { return Err(finished.output()) };
        for file in files_below(Path::new(unpacked)) {
            let content = std::fs::read(Path::new(unpacked).join(&file)).map_err(|error| error.to_string())?;
            write_file(&folder.join(file), content);
        }
        Ok(())
    }
}

impl Go {
    /// A Go that asks the proxies that the machine's own Go asks, and shares its module cache.
    pub fn of_the_machine(home: &Path) -> Self {
        let machine = |variable: &str| {
            let mut go = command(Self::program());
            stdout_of(go.args(["env", variable]).env("GOTOOLCHAIN", "local")).trim().to_owned()
        };
        Self::new(home, &PathBuf::from(machine("GOMODCACHE")), &machine("GOPROXY"))
    }
}

#[cfg(test)]
mod tests {
    use super::Program;

    #[test]
    fn a_program_is_called_after_its_path() {
        let name = |purl| Program::parse(purl).name().to_owned();
        assert_eq!(name("pkg:golang/github.com/junegunn/fzf@v0.65.2"), "fzf");
        assert_eq!(name("pkg:golang/github.com/mikefarah/yq/v4@v4.54.3"), "yq");
        assert_eq!(name("pkg:golang/mvdan.cc/sh/v3@v3.14.1#cmd/shfmt"), "shfmt");
    }
}
