//! Which proxies are asked for modules, and in which order: Go's variable `GOPROXY`.
//!
//! <https://go.dev/ref/mod#environment-variables>

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::Url;

use crate::model::InvalidValue;

const EXPECTED: &str = "a list of module proxies as Go's GOPROXY has it (`https://HOST/PATH` or `file:///PATH`, joined by `,` or \
                        `|`; `direct` and `off`; no user names: these go into a netrc file)";

/// Where a module is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proxy {
    /// A server; the address ends in `/`.
    Http(Url),
    /// A folder of this machine.
    Folder(PathBuf),
    /// The module's own repository.
    Direct,
    /// Nobody.
    Off,
}

/// One proxy of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who is asked.
    pub proxy: Proxy,
    /// Whether the next one is asked whatever went wrong (`|`), and not only after "not found" (`,`).
    pub next_on_error: bool,
}

/// Proxies in the order in which they are asked; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyList(Vec<Entry>);

impl ProxyList {
    /// The proxies, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The module's own repository and nothing else: for modules that are private.
    pub fn direct() -> Self {
        Self(vec![Entry { proxy: Proxy::Direct, next_on_error: false }])
    }
}

impl FromStr for ProxyList {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let invalid = || InvalidValue { value: without_secrets(text), expected: EXPECTED };
        let mut entries = Vec::new();
        for part in text.split_inclusive([',', '|']) {
            let next_on_error = part.ends_with('|');
            let word = part.trim_end_matches([',', '|']).trim();
            let proxy = match word {
                "" => continue,
                "off" => Proxy::Off,
                "direct" => Proxy::Direct,
                word => parse(word).ok_or_else(invalid)?,
            };
            // Whatever stands after these is never asked.
            let is_last = matches!(proxy, Proxy::Off | Proxy::Direct);
            entries.push(Entry { proxy, next_on_error });
            if is_last {
                break;
            }
        }
        if entries.is_empty() { Err(invalid()) } else { Ok(Self(entries)) }
    }
}

fn parse(word: &str) -> Option<Proxy> {
    // One word is kept by Go for what it may mean one day.
    if !word.contains(['.', ':', '/']) {
        return None;
    }
    let is_address = word.contains(":/") || Path::new(word).is_absolute();
    let word = if is_address { word.to_owned() } else { format!("https://{word}") };
    let mut url = Url::parse(&word).ok()?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !plain || url.password().is_some() {
        return None;
    }
    match url.scheme() {
        "file" if url.host_str().is_none_or(str::is_empty) => url.to_file_path().ok().map(Proxy::Folder),
        "http" | "https" if url.has_host() => {
            if !url.path().ends_with('/') {
                url.set_path(&format!("{}/", url.path()));
            }
            Some(Proxy::Http(url))
        }
        _ => None,
    }
}

/// A list as it may be shown: what stands before an `@` may be a password.
fn without_secrets(text: &str) -> String {
    let shown = |part: &str| match (part.find("://"), part.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}…{}", &part[..scheme + 3], &part[at..]),
        _ => part.to_owned(),
    };
    text.split_inclusive([',', '|']).map(shown).collect()
}

impl fmt::Display for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(url) => write!(formatter, "{url}"),
            Self::Folder(folder) => write!(formatter, "the folder {}", folder.display()),
            Self::Direct => formatter.write_str("direct"),
            Self::Off => formatter.write_str("off"),
        }
    }
}

/// As Go spells it.
impl fmt::Display for ProxyList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, entry) in self.0.iter().enumerate() {
            match &entry.proxy {
                Proxy::Folder(folder) => write!(formatter, "file://{}", folder.display())?,
                other => write!(formatter, "{other}")?,
            }
            if number + 1 < self.0.len() {
                formatter.write_str(if entry.next_on_error { "|" } else { "," })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::ProxyList;

    #[test]
    fn a_list_is_read_as_go_reads_it() {
        let read =
            |text: &str| text.parse::<ProxyList>().map_or_else(|error| error.to_string(), |list| list.to_string());
        let texts = [
            "https://registry.example",
            "registry.example/go",
            "https://registry.example/a/, https://other.example|direct,https://never.example",
            "off,https://registry.example",
            ",file:///srv/proxy",
            "direct",
        ];
        insta::assert_snapshot!(texts.map(read).join("\n"), @r"
        https://registry.example/
        https://registry.example/go/
        https://registry.example/a/,https://other.example/|direct
        off
        file:///srv/proxy
        direct
        ");
    }

    #[test]
    fn what_is_no_list_is_refused_without_telling_passwords() {
        let texts = [
            "",
            ",",
            "none",
            "ftp://registry.example",
            "file://host/srv",
            "/srv/proxy",
            "https://registry.example/?a",
            "https://user:s3cret@registry.example,direct",
        ];
        for text in texts {
            let error = text.parse::<ProxyList>().unwrap_err().to_string();
            assert!(!error.contains("s3cret") && error.contains("netrc"), "{error}");
        }
    }
}
