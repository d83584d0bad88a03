//! Where pull requests are, when the bot looks, and where it shows its pages.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use url::Url;

use super::reader::{Reader, Section, checked, count, duration, parsed, text};
use crate::clients::endpoints;
use crate::model::{Automerge, RepositoryName};
use crate::schedule::{Cron, QuietHours, Schedule};

/// Where pull requests are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forge {
    /// In the overlay's own bare repository and the store.
    Local,
    /// On GitHub, or a GitHub Enterprise Server.
    Github(Box<Github>),
}

/// A repository on GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Github {
    /// `OWNER/NAME`.
    pub repository: RepositoryName,
    /// The REST interface; ends in `/`.
    pub api: Url,
    /// Where repositories are cloned from; ends in `/`.
    pub web: Url,
    /// Who the bot is there.
    pub auth: GithubAuth,
    /// What its pull requests are labelled with.
    pub labels: Vec<String>,
    /// The least time between two writes.
    pub write_interval: Duration,
}

/// Who the bot is on GitHub. Files are read when the bot starts; no secret is in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GithubAuth {
    /// A token from an environment variable (its name; the first that is set).
    Environment,
    /// A token from a file.
    TokenFile(PathBuf),
    /// A GitHub App.
    App {
        /// Its number.
        id: u64,
        /// Its private key, PEM.
        key_file: PathBuf,
        /// Its installation; looked up by the repository where it is not said.
        installation: Option<u64>,
    },
}

/// The environment variables that a token is taken from, in this order.
pub const TOKEN_VARIABLES: [&str; 2] = ["NIXWRIGHT_GITHUB_TOKEN", "GITHUB_TOKEN"];

/// What is published at most, and when nothing is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// How many pull requests are open at once; nothing means no limit.
    pub max_open: Option<usize>,
    /// When nothing is published.
    pub quiet_hours: Vec<QuietHours>,
    /// Which changes of what all packages share are merged without a person: the rule of `[defaults]`.
    pub automerge: Automerge,
}

/// The service: when it looks, and where its pages are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// When upstreams are asked.
    pub schedule: Schedule,
    /// After how many periods without a cycle that got through there is an alarm.
    pub alarm_after: u32,
    /// Where pages are served.
    pub listen: SocketAddr,
    /// Where people see them, if that is not where they are served; ends with `/`.
    pub address: Option<String>,
    /// A file with the token of those who may act on the pages.
    pub token_file: Option<PathBuf>,
}

/// The port where pages are served unless the configuration says otherwise.
const PORT: u16 = 8710;

pub(super) fn forge(
    mut section: Section<'_, '_, '_, '_>,
    folder: &Path,
    environment: &BTreeMap<String, String>,
    reader: &Reader<'_>,
) -> Option<Forge> {
    let is_github = section.get("kind", |value| {
        text(value, "\"local\" or \"github\"", |text| match text {
            "local" => Some(false),
            "github" => Some(true),
            _ => None,
        })
    });
    for key in ["token", "app_key"] {
        section.forbid(
            key,
            "a secret has no place in this file; name a file of its own in `token_file` or `app_key_file`",
        );
    }
    let address = |section: &mut Section<'_, '_, '_, '_>, key| {
        section.get(key, |value| checked(value, "the address of a service", endpoints::parse_api))
    };
    let repository = section.get("repository", |value| parsed::<RepositoryName>(value, "\"OWNER/NAME\""));
    let api = address(&mut section, "api");
    let web = address(&mut section, "web");
    let path = |value: &toml_span::Value<'_>| {
        text(value, "a path", |text| (!text.is_empty() && !text.contains('\0')).then(|| folder.join(text)))
    };
    let token_file = section.get("token_file", path);
    let app_id = section.get("app_id", |value| count(value, 1));
    let app_key_file = section.get("app_key_file", path);
    let installation = section.get("installation_id", |value| count(value, 1));
    let label = |value: &toml_span::Value<'_>| {
        text(value, "a label", |text| {
            let fine =
                !text.trim().is_empty() && text.len() <= 50 && !text.contains(|c: char| c.is_control() || c == ',');
            fine.then(|| text.to_owned())
        })
    };
    let labels = section.list("labels", "a list of labels", label);
    let write_interval = section.get("write_interval", duration);
    let said = [
        repository.is_some(),
        api.is_some() || web.is_some(),
        token_file.is_some(),
        app_id.is_some() || app_key_file.is_some() || installation.is_some(),
        labels.is_some() || write_interval.is_some(),
    ];
    if is_github != Some(true) {
        if said.contains(&true) {
            section.problem("kind", "what is said here has a meaning only with `kind = \"github\"`");
        }
        section.finish();
        return Some(Forge::Local);
    }
    if repository.is_none() {
        section.problem("repository", "`kind = \"github\"` needs the overlay's repository, as \"OWNER/NAME\"");
    }
    let labels = labels.unwrap_or_else(|| vec!["nixwright".to_owned()]);
    let write_interval = write_interval.unwrap_or(Duration::from_secs(1));
    let app = App { id: app_id, key_file: app_key_file, installation };
    let auth = auth(&section, token_file, app);
    section.finish();
    let api = api.or_else(|| {
        let named = endpoints::github_api(environment);
        named.map_err(|error| reader.environment_problem(endpoints::GITHUB_API_VARIABLE, error.to_string())).ok()
    })?;
    let web = web.unwrap_or_else(|| endpoints::github_web(&api));
    let github = Github { repository: repository?, api, web, auth: auth?, labels, write_interval };
    Some(Forge::Github(Box::new(github)))
}

/// What is said of an App.
struct App {
    id: Option<usize>,
    key_file: Option<PathBuf>,
    installation: Option<usize>,
}

/// Who the bot is; contradictions are noted.
fn auth(section: &Section<'_, '_, '_, '_>, token_file: Option<PathBuf>, app: App) -> Option<GithubAuth> {
    let small = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    if app.installation.is_some() && app.id.is_none() {
        section.problem("installation_id", "this has a meaning only with `app_id` and `app_key_file`");
    }
    match (token_file, app.id, app.key_file) {
        (Some(file), None, None) => Some(GithubAuth::TokenFile(file)),
        (None, Some(id), Some(key_file)) => {
            Some(GithubAuth::App { id: small(id), key_file, installation: app.installation.map(small) })
        }
        (None, None, None) => Some(GithubAuth::Environment),
        (Some(_), _, _) => {
            section.problem("token_file", "this contradicts `app_id` and `app_key_file`; say one or the other");
            None
        }
        (None, _, _) => {
            section.problem("app_id", "an App needs both `app_id` and `app_key_file`");
            None
        }
    }
}

pub(super) fn publish(mut section: Section<'_, '_, '_, '_>, automerge: Automerge) -> Publish {
    let publish = Publish {
        max_open: section.get("max_open", |value| count(value, 1)),
        quiet_hours: section
            .list("quiet_hours", "a list such as [\"22:00-07:00\"]", |value| parsed(value, "quiet hours"))
            .unwrap_or_default(),
        automerge,
    };
    section.finish();
    publish
}

pub(super) fn service(
    mut schedule: Section<'_, '_, '_, '_>,
    mut section: Section<'_, '_, '_, '_>,
    folder: &Path,
) -> Option<Service> {
    let cron = schedule.get("cron", |value| parsed::<Cron>(value, "a cron expression"));
    let zone = schedule.get("time_zone", |value| {
        checked(value, "a time zone such as \"Europe/Berlin\"", |name| {
            TimeZone::get(name).map_err(|_| format!("{name:?} is not a time zone of this machine's database"))
        })
    });
    let jitter = schedule.get("jitter", duration).unwrap_or(Duration::from_secs(300));
    let alarm_after = schedule.get("alarm_after", |value| {
        count(value, 1).and_then(|periods| (periods <= 1000).then_some(periods).ok_or("at most 1000".to_owned()))
    });
    let alarm_after = alarm_after.unwrap_or(3);
    schedule.finish();
    let listen = section.get("listen", |value| {
        text(value, "an address and a port, such as \"127.0.0.1:8710\"", |text| text.parse().ok())
    });
    let address = section.get("address", |value| {
        text(value, "an address such as \"https://status.example/\"", |text| {
            let is_page = |url: &url::Url| matches!(url.scheme(), "http" | "https") && url.username().is_empty();
            let url = url::Url::parse(&format!("{}/", text.trim_end_matches('/'))).ok().filter(is_page)?;
            (url.query().is_none() && url.fragment().is_none()).then(|| url.to_string())
        })
    });
    section.forbid("token", "a secret has no place in this file; name a file of its own in `token_file`");
    let token_file = section.get("token_file", |value| {
        text(value, "a path", |text| (!text.is_empty() && !text.contains('\0')).then(|| folder.join(text)))
    });
    section.finish();
    Some(Service {
        schedule: Schedule {
            cron: cron.or_else(|| "0 23 * * * *".parse().ok())?,
            zone: zone.unwrap_or(TimeZone::UTC),
            jitter,
        },
        alarm_after: u32::try_from(alarm_after).unwrap_or(u32::MAX),
        listen: listen.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT))),
        address,
        token_file,
    })
}
