//! From a configuration to the forge, with its secrets read where the configuration says they are.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::exit::CliError;
use crate::clients::files;
use crate::clients::git::{Author, Overlay};
use crate::clients::github::{Auth, Github, GithubSettings, Sleep};
use crate::config::{self, GithubAuth, TOKEN_VARIABLES};
use crate::forge::{Forge, GithubForge, GithubForgeParts, LocalForge};
use crate::model::Clock;
use crate::pipeline::Notes;
use crate::store::Store;

/// How long one fetch or push may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// The note that says whose pull requests the store has.
const NOTE: &str = "forge";

/// A forge, and what goes with it.
pub(super) struct Chosen {
    pub(super) forge: Arc<dyn Forge>,
    /// What pull requests are labelled with.
    pub(super) labels: Vec<String>,
    /// Where release notes can be asked for.
    pub(super) notes: Option<Notes>,
    /// The overlay as people use it: a flake reference without branch or commit.
    pub(super) flake: String,
}

/// The forge of a configuration.
pub(super) async fn forge(
    config: &config::Config,
    environment: &BTreeMap<String, String>,
    store: &Store,
    overlay: &Overlay,
    bot: &Author,
) -> Result<Chosen, CliError> {
    let settings = match &config.forge {
        config::Forge::Local => {
            bind(store, "local").await?;
            let forge = LocalForge::new(store.clone(), overlay.clone(), bot.clone());
            let flake = format!("git+file://{}", overlay.path().display());
            return Ok(Chosen { forge: Arc::new(forge), labels: Vec::new(), notes: None, flake });
        }
        config::Forge::Github(settings) => settings,
    };
    let github = github(settings, environment)?;
    let notes = Notes { github: github.clone(), web: settings.web.clone() };
    bind(store, &format!("github {}{}", settings.web, settings.repository)).await?;
    let parts = GithubForgeParts {
        github,
        overlay: overlay.clone(),
        store: store.clone(),
        bot: bot.clone(),
        clock: Clock::system(),
        sleep: Sleep::real(),
        web: settings.web.clone(),
        patience: PATIENCE,
    };
    let forge = GithubForge::new(parts).map_err(CliError::usage)?;
    let flake = format!("git+{}{}", settings.web, settings.repository);
    Ok(Chosen { forge: Arc::new(forge), labels: settings.labels.clone(), notes: Some(notes), flake })
}

/// The client for a repository on GitHub.
pub(super) fn github(settings: &config::Github, environment: &BTreeMap<String, String>) -> Result<Github, CliError> {
    let auth = match &settings.auth {
        GithubAuth::Environment => {
            let token =
                TOKEN_VARIABLES.iter().find_map(|name| environment.get(*name).filter(|value| !value.is_empty()));
            let token = token.ok_or_else(|| {
                CliError::usage(format!(
                    "there is no token for {}: set {}, or name a file in forge.token_file",
                    settings.repository, TOKEN_VARIABLES[0]
                ))
            })?;
            Auth::Token(SecretString::from(token.trim().to_owned()))
        }
        GithubAuth::TokenFile(file) => Auth::Token(secret(file, "forge.token_file")?),
        GithubAuth::App { id, key_file, installation } => {
            Auth::App { id: *id, key: secret(key_file, "forge.app_key_file")?, installation: *installation }
        }
    };
    let settings = GithubSettings {
        api: settings.api.clone(),
        repository: settings.repository.clone(),
        auth,
        write_interval: settings.write_interval,
    };
    Github::new(settings, Clock::system(), Sleep::real()).map_err(CliError::usage)
}

/// A secret from a file that nobody else may read.
pub(super) fn secret(file: &Path, key: &str) -> Result<SecretString, CliError> {
    use std::os::unix::fs::PermissionsExt as _;

    let shown = file.display();
    let missing = || CliError::usage(format!("{key} names {shown}, which is not there or cannot be read"));
    let mode = std::fs::metadata(file).map_err(|_| missing())?.permissions().mode();
    if mode & 0o077 != 0 {
        let message =
            format!("{key}: others than its owner can read {shown}; `chmod 600 {shown}` and think about a new secret");
        return Err(CliError::usage(message));
    }
    let bytes = files::read_optional(file).map_err(|_| missing())?.ok_or_else(missing)?;
    let text = String::from_utf8(bytes).map_err(|_| CliError::usage(format!("{key}: {shown} is not text")))?;
    if text.trim().is_empty() {
        return Err(CliError::usage(format!("{key}: {shown} is empty")));
    }
    Ok(SecretString::from(text.trim().to_owned()))
}

/// The numbers of pull requests mean something on one forge only.
async fn bind(store: &Store, forge: &str) -> Result<(), CliError> {
    match store.note(NOTE).await.map_err(CliError::machine)? {
        Some(known) if known != forge => Err(CliError::usage(format!(
            "{} has the pull requests of another forge ({known}, and now {forge}); set `state_dir` to a new folder: what is \
             on the forge is found again",
            store.path().display()
        ))),
        Some(_) => Ok(()),
        None => store.keep_note(NOTE, forge).await.map_err(CliError::machine),
    }
}
