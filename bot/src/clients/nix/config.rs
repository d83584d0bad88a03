//! The text of NIX_CONFIG. All that matters is said here, because the machine's and the user's nix.conf are not read.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{NixError, NixSettings, Protections, StoreAccess};

/// What a call of Nix is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose<'a> {
    /// Evaluating, asking, adding files: nothing is built.
    Query,
    /// Building, as members of this group if there is one, with a program that does nothing as hook.
    Build { group: Option<&'a str>, hook: &'a Path, shown: &'a [Shown] },
}

/// A host folder that builds see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    /// Where they see it.
    pub(super) at: PathBuf,
    /// Where it is. Said wherever it differs, because what Nix makes of a link changed between 2.8 and 2.34.
    pub(super) real: PathBuf,
}

impl Shown {
    /// Looks up where the folders are, and refuses what a setting of Nix, in which blanks separate, `=` renames and `?`
    /// means optional, would misread.
    pub(super) fn find(paths: &[PathBuf]) -> Result<Vec<Self>, NixError> {
        let find = |path: &PathBuf| {
            check_sandbox_path(path)?;
            let real = path.canonicalize().map_err(|error| NixError::SandboxBroken {
                detail: format!("{} is to be shown to builds: {error}", path.display()),
            })?;
            check_sandbox_path(&real)?;
            Ok(Self { at: path.clone(), real })
        };
        paths.iter().map(find).collect()
    }

    fn setting(&self) -> String {
        if self.at == self.real {
            return self.at.display().to_string();
        }
        format!("{}={}", self.at.display(), self.real.display())
    }
}

/// The settings for one call, a line each.
pub(super) fn text(
    settings: &NixSettings,
    protections: Protections,
    access: StoreAccess,
    purpose: Purpose<'_>,
) -> String {
    let mut lines = String::new();
    let mut set = |key: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = if value.is_empty() { writeln!(lines, "{key} =") } else { writeln!(lines, "{key} = {value}") };
    };
    set("experimental-features", "nix-command flakes");
    // Which store is looked for otherwise, as `NIX_REMOTE` is not passed on, and newer versions make one below HOME.
    if access == StoreAccess::Direct {
        set("store", "local");
    }
    set("substituters", "");
    set("builders", "");
    set("use-registries", "false");
    set("flake-registry", "");
    set("accept-flake-config", "false");
    set("allow-import-from-derivation", "false");
    // A cached evaluation failure hides its message.
    set("eval-cache", "false");
    set("warn-dirty", "false");
    set("sandbox", if protections.nix_sandbox { "true" } else { "false" });
    // By default Nix builds without a sandbox, silently, where it cannot make one.
    set("sandbox-fallback", "false");
    match purpose {
        // An empty group lets a single-user store be used by root without system users.
        Purpose::Query => set("build-users-group", ""),
        Purpose::Build { group, hook, shown } => {
            set("build-users-group", group.unwrap_or(""));
            // Nix as packaged may show a shell of its own as /bin/sh, which clashes with a /bin of ours.
            let own_shell = shown.iter().any(|folder| Path::new("/bin/sh").starts_with(&folder.at));
            let paths: Vec<String> = shown.iter().map(Shown::setting).collect();
            set(if own_shell { "sandbox-paths" } else { "extra-sandbox-paths" }, &paths.join(" "));
            set("max-jobs", &settings.max_jobs.max(1).to_string());
            set("cores", &settings.cores.to_string());
            set("timeout", &whole_seconds(settings.timeout));
            set("max-silent-time", &whole_seconds(settings.max_silent));
            set("max-build-log-size", &settings.max_log_bytes.to_string());
            set("keep-going", "true");
            // Its start is the only exact sign that a derivation is done: see `internal_json`.
            set("post-build-hook", &hook.display().to_string());
        }
    }
    lines
}

/// Nix counts in seconds, and reads 0 as "no limit".
fn whole_seconds(duration: std::time::Duration) -> String {
    if duration.is_zero() { "0".to_owned() } else { duration.as_secs().max(1).to_string() }
}

fn check_sandbox_path(path: &Path) -> Result<(), NixError> {
    let text = path.to_str().unwrap_or_default();
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '=' | '?' | '#');
    if path.is_absolute() && path.parent().is_some() && !text.is_empty() && text.chars().all(plain) {
        return Ok(());
    }
    Err(NixError::Argument {
        value: path.display().to_string(),
        expected: "a path that can be shown to a build (absolute, below the root, without blanks, `=`, `?` or `#`)",
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::tests::settings;
    use super::{Purpose, Shown, check_sandbox_path, text};
    use crate::clients::nix::{Protections, StoreAccess};

    fn said(purpose: Purpose<'_>) -> String {
        text(&settings(Path::new("/cache")), Protections::default(), StoreAccess::Direct, purpose)
    }

    #[test]
    fn a_build_says_every_setting_that_matters() {
        let shown = ["/usr", "/bin"].map(|at| Shown { at: at.into(), real: at.replace("/bin", "/usr/bin").into() });
        let purpose = Purpose::Build { group: Some("builders"), hook: Path::new("/usr/bin/true"), shown: &shown };
        insta::assert_snapshot!(said(purpose), @r"
        experimental-features = nix-command flakes
        store = local
        substituters =
        builders =
        use-registries = false
        flake-registry =
        accept-flake-config = false
        allow-import-from-derivation = false
        eval-cache = false
        warn-dirty = false
        sandbox = true
        sandbox-fallback = false
        build-users-group = builders
        sandbox-paths = /usr /bin=/usr/bin
        max-jobs = 4
        cores = 1
        timeout = 300
        max-silent-time = 120
        max-build-log-size = 1000000
        keep-going = true
        post-build-hook = /usr/bin/true
        ");
    }

    #[test]
    fn a_query_neither_builds_nor_needs_users() {
        let text = said(Purpose::Query);
        assert!(text.contains("build-users-group =\n"), "{text}");
        assert!(!text.contains("max-jobs"), "{text}");
    }

    #[test]
    fn paths_that_nix_would_misread_are_refused() {
        for bad in ["/", "usr", "", "/a b", "/a=b", "/a?", "/a\nsandbox", "/a#"] {
            assert!(check_sandbox_path(Path::new(bad)).is_err(), "{bad:?}");
        }
        assert!(check_sandbox_path(Path::new("/usr")).is_ok());
    }

    #[test]
    fn without_a_bin_of_ours_nix_keeps_its_shell() {
        let shown = [Shown { at: "/opt/tool".into(), real: "/opt/tool".into() }];
        let purpose = Purpose::Build { group: None, hook: Path::new("/usr/bin/true"), shown: &shown };
        let text = said(purpose);
        assert!(text.contains("extra-sandbox-paths = /opt/tool\n"), "{text}");
    }
}
