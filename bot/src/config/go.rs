//! How a Go program is built, as far as a configuration says.

use std::collections::BTreeMap;

use toml_span::Value;
use url::Url;

use super::reader::{Section, boolean, text};
use super::{GoOptions, Upstream};

/// The keys that Go modules alone have.
const KEYS: [&str; 5] = ["tags", "cgo", "ldflags", "stamp", "repository"];

/// What stands for the release in a stamp.
const PLACES: [&str; 2] = ["{version}", "{tag}"];

impl GoOptions {
    /// The linker's flags for a release (`v1.2.3`), the stamps last: `-X=main.version=1.2.3`.
    pub fn flags(&self, version: &str) -> Vec<String> {
        let plain = version.strip_prefix('v').unwrap_or(version);
        let stamp = |(name, value): (&String, &String)| {
            format!("-X={name}={}", value.replace("{version}", plain).replace("{tag}", version))
        };
        self.ldflags.iter().cloned().chain(self.stamp.iter().map(stamp)).collect()
    }
}

/// Reads what a package's section says of building Go, and notes what has no meaning for its ecosystem.
pub(super) fn options(section: &mut Section<'_, '_, '_, '_>, upstream: Option<&Upstream>) -> GoOptions {
    if upstream.is_some_and(|upstream| !matches!(upstream, Upstream::Go { .. })) {
        for key in KEYS {
            section.forbid(key, "only Go modules have this; leave it out");
        }
        return GoOptions::default();
    }
    let tag = |value: &Value<'_>| {
        text(value, "a build tag (letters, digits, `_` and `.`)", |text| {
            let fine = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_.".contains(c));
            fine.then(|| text.to_owned())
        })
    };
    let flag = |value: &Value<'_>| {
        text(value, "a flag of Go's linker such as \"-s\", each in a text of its own", |text| {
            let fine = text.starts_with('-') && !text.contains(|c: char| c.is_whitespace() || c.is_control());
            fine.then(|| text.to_owned())
        })
    };
    GoOptions {
        tags: section.list("tags", "a list of build tags", tag).unwrap_or_default(),
        cgo: section.get("cgo", boolean).unwrap_or(GoOptions::default().cgo),
        ldflags: section.ordered("ldflags", "a list such as [\"-s\", \"-w\"]", flag).unwrap_or_default(),
        stamp: section.table("stamp", stamp).unwrap_or_default().into_iter().collect::<BTreeMap<_, _>>(),
        repository: section.get("repository", |value| {
            text(value, "the address of a git repository (`https://HOST/PATH`, without a user name)", repository)
        }),
    }
}

fn repository(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    let plain =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    (plain && matches!(url.scheme(), "https" | "http" | "file")).then_some(url)
}

fn stamp(name: &str, value: &Value<'_>) -> Result<String, String> {
    let is_variable = name.rsplit_once('.').is_some_and(|(package, variable)| {
        let is_word = !variable.is_empty() && variable.chars().all(|c| c.is_alphanumeric() || c == '_');
        is_word && !package.is_empty() && !package.contains(|c: char| c.is_whitespace() || c.is_control() || c == '=')
    });
    if !is_variable {
        return Err(format!(
            "{name:?} is no variable: write its package's import path, a dot and its name, as in \"main.version\""
        ));
    }
    let expected = "a text of one line, in which {version} and {tag} stand for the release";
    text(value, expected, |text| {
        let rest = PLACES.iter().fold(text.to_owned(), |rest, place| rest.replace(place, ""));
        (!rest.contains(|c: char| c.is_control() || "{}".contains(c))).then(|| text.to_owned())
    })
}
