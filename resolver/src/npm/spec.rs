//! What a dependency asks for: npm-package-arg's rules.

use super::semver::{Range, Version};

/// Hosts that have a short form: its word, and the domain.
const HOSTS: [(&str, &str); 3] = [("github", "github.com"), ("gitlab", "gitlab.com"), ("bitbucket", "bitbucket.org")];

/// A dependency's name and what it asks for, read.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    /// The name that it is asked for by; empty where a spec has none.
    pub(super) name: String,
    /// As written, the name left out.
    pub(super) raw: String,
    pub(super) kind: Kind,
}

/// The kinds of specs.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// One version.
    Version { text: String, range: Option<Range> },
    /// Any version of a range.
    Range { text: String, range: Range },
    /// What the registry calls by this word.
    Tag(String),
    /// Another package of the registry, under this name.
    Alias(Box<Spec>),
    /// A tarball at an address.
    Remote(String),
    /// A tarball in the project, by its path from the project's folder.
    File(String),
    /// A folder, by its path from the project's folder.
    Directory(String),
    /// A commit of a git repository.
    Git(Git),
}

/// A git repository and what of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Git {
    /// Without `git+` and committish; for known hosts the ssh form.
    pub(super) repository: String,
    /// As npm saves it, committish included.
    pub(super) save: String,
    pub(super) committish: Option<String>,
    /// A range over the repository's tags (`#semver:^1`).
    pub(super) range: Option<String>,
    /// A host that has a short form: `domain/owner/name`.
    pub(super) hosted: Option<String>,
}

/// A text that asks for nothing npm knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SpecError {
    #[error("{0:?} is no package name")]
    Name(String),
    #[error("{0:?} is neither a version, nor a range, nor a tag")]
    Tag(String),
    #[error("{0:?}: this kind of address is not supported")]
    Protocol(String),
    #[error("{0:?}: an alias names a package of the registry, as in \"npm:name@^1\"")]
    Alias(String),
    #[error("{0:?} leads out of every folder that can be looked into")]
    Path(String),
}

impl Spec {
    /// `name@spec` or a spec alone, as on npm's command line.
    pub(super) fn parse(text: &str, base: &str) -> Result<Self, SpecError> {
        let at = text.char_indices().skip(1).find(|(_, letter)| *letter == '@').map(|(place, _)| place);
        let name = at.map_or(text, |at| &text[..at]);
        let is_path = !name.starts_with('@') && (name.contains('/') || is_tarball(name));
        if has_protocol(text) || is_path {
            return Self::resolve("", text, base);
        }
        match at {
            Some(at) => {
                let spec = &text[at + 1..];
                Self::resolve(name, if spec.is_empty() { "*" } else { spec }, base)
            }
            None if is_name(text) => Self::resolve(text, "*", base),
            None => Self::resolve("", text, base),
        }
    }

    /// What `name` is asked for with; paths are relative to `base`, a folder relative to the project's.
    pub(super) fn resolve(name: &str, raw: &str, base: &str) -> Result<Self, SpecError> {
        if !name.is_empty() && !is_name(name) {
            return Err(SpecError::Name(name.to_owned()));
        }
        let kind = kind(name, raw, base)?;
        Ok(Self { name: name.to_owned(), raw: raw.to_owned(), kind })
    }

    /// Whether the registry answers it.
    pub(super) fn is_registry(&self) -> bool {
        matches!(self.kind, Kind::Version { .. } | Kind::Range { .. } | Kind::Tag(_) | Kind::Alias(_))
    }

    /// The spec that the registry is asked: an alias's own.
    pub(super) fn target(&self) -> &Self {
        match &self.kind {
            Kind::Alias(inner) => inner,
            _ => self,
        }
    }

    /// As npm prints a spec without its name.
    pub(super) fn text(&self) -> String {
        match &self.kind {
            Kind::Version { text, .. } | Kind::Range { text, .. } | Kind::Tag(text) => text.clone(),
            Kind::Alias(_) | Kind::Remote(_) => self.raw.clone(),
            Kind::File(path) | Kind::Directory(path) => format!("file:{path}"),
            Kind::Git(git) => git.save.clone(),
        }
    }
}

fn kind(name: &str, raw: &str, base: &str) -> Result<Kind, SpecError> {
    let lower = raw.get(..5).unwrap_or_default().to_ascii_lowercase();
    if lower == "file:" || raw.starts_with(['.', '/']) || raw.starts_with("~/") {
        return local(raw, base);
    }
    if lower.starts_with("npm:") {
        let inner = Spec::parse(&raw[4..], base)?;
        let fits = inner.is_registry() && !matches!(inner.kind, Kind::Alias(_)) && !inner.name.is_empty();
        return if fits { Ok(Kind::Alias(Box::new(inner))) } else { Err(SpecError::Alias(raw.to_owned())) };
    }
    if let Some(git) = hosted(raw) {
        return Ok(Kind::Git(git));
    }
    if has_protocol(raw) {
        return address(raw);
    }
    if raw.contains('/') || is_tarball(raw) {
        return local(raw, base);
    }
    registry(name, raw)
}

fn registry(name: &str, raw: &str) -> Result<Kind, SpecError> {
    let text = raw.trim();
    if Version::parse(text).is_some() {
        return Ok(Kind::Version { text: text.to_owned(), range: Range::parse(text) });
    }
    if let Some(range) = Range::parse(text) {
        return Ok(Kind::Range { text: text.to_owned(), range });
    }
    let written = if name.is_empty() { raw.to_owned() } else { format!("{name}@{raw}") };
    if text.chars().all(is_plain) { Ok(Kind::Tag(text.to_owned())) } else { Err(SpecError::Tag(written)) }
}

fn local(raw: &str, base: &str) -> Result<Kind, SpecError> {
    let path = if raw.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("file:")) { &raw[5..] } else { raw };
    if path.starts_with('/') || path.starts_with('~') {
        // `file:/../a` means `file:../a`.
        let rest = path.trim_start_matches('/');
        if !(rest.starts_with("./") || rest.starts_with("../")) {
            return Err(SpecError::Path(raw.to_owned()));
        }
    }
    let decoded = percent_decoded(path.trim_start_matches('/'));
    let path = join(base, &decoded);
    Ok(if is_tarball(raw) { Kind::File(path) } else { Kind::Directory(path) })
}

fn address(raw: &str) -> Result<Kind, SpecError> {
    let protocol = raw.split(':').next().unwrap_or_default().to_ascii_lowercase();
    match protocol.as_str() {
        "http" | "https" => Ok(Kind::Remote(raw.to_owned())),
        "git" | "git+http" | "git+https" | "git+rsync" | "git+ftp" | "git+file" | "git+ssh" => {
            let (repository, committish) = match raw.split_once('#') {
                Some((repository, committish)) => (repository, committish),
                None => (raw, ""),
            };
            let (committish, range) = commit_of(committish);
            let repository = repository.strip_prefix("git+").unwrap_or(repository).to_owned();
            Ok(Kind::Git(Git { repository, save: raw.to_owned(), committish, range, hosted: None }))
        }
        _ => Err(SpecError::Protocol(raw.to_owned())),
    }
}

/// A commit or branch, or a range over tags.
fn commit_of(fragment: &str) -> (Option<String>, Option<String>) {
    let mut commit = None;
    let mut range = None;
    for part in fragment.split("::").filter(|part| !part.is_empty()) {
        match part.split_once(':') {
            None => commit = Some(part.to_owned()),
            Some(("semver", text)) => range = Some(percent_decoded(text)),
            Some(_) => {}
        }
    }
    (commit, range)
}

/// `owner/name`, `github:owner/name`, or an address of a host that has a short form.
fn hosted(raw: &str) -> Option<Git> {
    let (before, fragment) = raw.split_once('#').map_or((raw, ""), |(before, fragment)| (before, fragment));
    let short = |domain: &str, rest: &str| {
        let rest = rest.trim_start_matches('/').rsplit_once('@').map_or(rest.trim_start_matches('/'), |(_, rest)| rest);
        let (owner, name) = rest.rsplit_once('/')?;
        let name = name.strip_suffix(".git").unwrap_or(name);
        (!owner.is_empty() && !name.is_empty()).then(|| (format!("{domain}/{owner}/{name}"), domain.to_owned()))
    };
    let is_shorthand = before.matches('/').count() == 1
        && !before.starts_with(['/', '.'])
        && !before.ends_with('/')
        && !before.contains(['@', ':'])
        && !before.contains(char::is_whitespace);
    let (place, _) = if is_shorthand {
        short("github.com", before)?
    } else if let Some((word, rest)) = before.split_once(':')
        && let Some((_, domain)) = HOSTS.iter().find(|(host, _)| *host == word)
    {
        short(domain, rest)?
    } else {
        let (protocol, rest) = before.split_once("://")?;
        if !["git", "http", "git+ssh", "git+https", "ssh", "https"].contains(&protocol) {
            return None;
        }
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        let (domain, path) = rest.split_once(['/', ':'])?;
        let (_, domain) = HOSTS.iter().find(|(_, host)| *host == domain.strip_prefix("www.").unwrap_or(domain))?;
        // A deeper path is a file of the host, not a repository.
        if path.split('/').count() != 2 {
            return None;
        }
        short(domain, path)?
    };
    let (domain, path) = place.split_once('/')?;
    let (committish, range) = commit_of(fragment);
    let repository = format!("ssh://git@{domain}/{path}.git");
    let hash = if fragment.is_empty() { String::new() } else { format!("#{fragment}") };
    let save = if is_shorthand || !before.contains("://") {
        let word = HOSTS.iter().find(|(_, host)| *host == domain).map_or(domain, |(word, _)| *word);
        format!("{word}:{path}{hash}")
    } else {
        format!("git+{repository}{hash}")
    };
    Some(Git { repository, save, committish, range, hosted: Some(place.clone()) })
}

/// Whether npm would take it for a package's name (old ones with capitals included).
pub(super) fn is_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let plain = |part: &str| !part.is_empty() && part.chars().all(is_plain);
    let shape = match name.strip_prefix('@').and_then(|scoped| scoped.split_once('/')) {
        Some((scope, package)) => plain(scope) && plain(package) && !package.starts_with('.'),
        None => plain(name),
    };
    shape && !name.starts_with(['.', '-', '_']) && lower != "node_modules" && lower != "favicon.ico"
}

/// What `encodeURIComponent` leaves alone.
fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-_.!~*'()".contains(letter)
}

fn has_protocol(text: &str) -> bool {
    let rest = text.strip_prefix("git+").unwrap_or(text);
    let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    letters > 0 && rest.as_bytes().get(letters) == Some(&b':')
}

fn is_tarball(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    [".tgz", ".tar.gz", ".tar"].iter().any(|end| lower.ends_with(end))
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while let Some(&byte) = bytes.get(place) {
        let hex = (byte == b'%').then(|| text.get(place + 1..place + 3)).flatten();
        let value = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(value.unwrap_or(byte));
        place += if value.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

/// Joins two paths that are relative to the project's folder, `.` and `..` worked out; the project itself is empty.
pub(super) fn join(base: &str, path: &str) -> String {
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The path from one folder to another, both relative to the project's.
pub(super) fn relative(from: &str, to: &str) -> String {
    let parts = |path: &str| path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (from, to) = (parts(from), parts(to));
    let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - shared);
    up.chain(to.into_iter().skip(shared)).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::{Kind, Spec, join, relative};

    fn kind(raw: &str) -> String {
        match Spec::resolve("a", raw, "packages/one") {
            Err(error) => format!("error: {error}"),
            Ok(spec) => match spec.kind {
                Kind::Version { text, .. } => format!("version {text}"),
                Kind::Range { text, .. } => format!("range {text}"),
                Kind::Tag(tag) => format!("tag {tag}"),
                Kind::Alias(inner) => format!("alias {} {}", inner.name, inner.raw),
                Kind::Remote(url) => format!("remote {url}"),
                Kind::File(path) => format!("file {path}"),
                Kind::Directory(path) => format!("directory {path}"),
                Kind::Git(git) => format!("git {} {:?} {:?}", git.repository, git.committish, git.range),
            },
        }
    }

    /// Each beside what npm-package-arg says of it.
    #[test]
    fn every_kind_of_spec_is_known() {
        let known = [
            ("1.2.3", "version 1.2.3"),
            ("^1.2", "range ^1.2"),
            ("", "range "),
            ("*", "range *"),
            ("latest", "tag latest"),
            ("npm:b@^2", "alias b ^2"),
            ("npm:@s/b", "alias @s/b *"),
            ("https://registry.example/a.tgz", "remote https://registry.example/a.tgz"),
            ("file:../two", "directory packages/two"),
            ("file:./a.tgz", "file packages/one/a.tgz"),
            ("./x", "directory packages/one/x"),
            ("owner/name#v1", "git ssh://git@github.com/owner/name.git Some(\"v1\") None"),
            ("github:owner/name#semver:^1", "git ssh://git@github.com/owner/name.git None Some(\"^1\")"),
            ("git+https://forge.example/o/n.git#abc", "git https://forge.example/o/n.git Some(\"abc\") None"),
            ("ftp://forge.example/a", "error: \"ftp://forge.example/a\": this kind of address is not supported"),
            ("two words", "error: \"a@two words\" is neither a version, nor a range, nor a tag"),
        ];
        for (raw, expected) in known {
            assert_eq!(kind(raw), expected, "{raw}");
        }
    }

    #[test]
    fn paths_stay_relative_to_the_project() {
        assert_eq!(join("packages/one", "../../x"), "x");
        assert_eq!(join("", "../x"), "../x");
        assert_eq!(relative("node_modules", "packages/one"), "../packages/one");
        assert_eq!(relative("", "packages/one"), "packages/one");
    }
}
