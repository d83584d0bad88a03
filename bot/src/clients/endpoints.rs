//! The public addresses of the ecosystems, and how another address takes their place.
//!
//! A source has two addresses: the public one, which is written into the overlay, and the one that it is fetched from
//! (a mirror's, by configuration). The public ones are named in this file and in the overlay's `lib/registries.nix`,
//! nowhere else.

use std::collections::BTreeMap;

use url::Url;

use crate::clients::go::{ProxyList, Sumdb};
use crate::model::{InvalidValue, RepositoryName};

/// The sparse index of crates.io.
pub const CRATES_INDEX: &str = "https://index.crates.io/";

/// Where crates.io's files are, in the form of the `dl` key of an index's `config.json`.
pub const CRATES_DOWNLOAD: &str = "https://static.crates.io/crates";

/// The environment variable that names another sparse index.
pub const CRATES_INDEX_VARIABLE: &str = "NIXWRIGHT_CRATES_INDEX";

/// The registry of npm packages; their tarballs are below it, at the addresses of [`npm_tarball`].
pub const NPM_REGISTRY: &str = "https://registry.npmjs.org/";

/// The name that yarn has for the same registry.
pub const YARN_REGISTRY: &str = "https://registry.yarnpkg.com/";

/// The environment variable that names another registry of npm packages.
pub const NPM_REGISTRY_VARIABLE: &str = "NIXWRIGHT_NPM_REGISTRY";

/// Who is asked for Go modules, in the form of Go's GOPROXY.
pub const GO_PROXY: &str = "https://proxy.golang.org";

/// The environment variable that names other module proxies, in the form of Go's GOPROXY.
pub const GO_PROXY_VARIABLE: &str = "NIXWRIGHT_GOPROXY";

/// The checksum database of Go modules.
pub const GO_SUMDB: &str = "sum.golang.org";

/// The environment variable that names another checksum database, in the form of Go's GOSUMDB.
pub const GO_SUMDB_VARIABLE: &str = "NIXWRIGHT_GOSUMDB";

/// Checksum databases that Go knows by name: the name, the key that they sign with, and the address.
const GO_SUMDBS: [(&str, &str, &str); 2] = [
    (GO_SUMDB, GO_SUMDB_KEY, "https://sum.golang.org/"),
    ("sum.golang.google.cn", GO_SUMDB_KEY, "https://sum.golang.google.cn/"),
];

const GO_SUMDB_KEY: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";

/// The key and the address of a checksum database that Go knows by name.
pub fn known_sumdb(name: &str) -> Option<(&'static str, &'static str)> {
    GO_SUMDBS.iter().find(|(known, ..)| *known == name).map(|(_, key, url)| (*key, *url))
}

/// The advisory database.
pub const OSV_API: &str = "https://api.osv.dev/";

/// The environment variable that names another advisory database with the same interface.
pub const OSV_API_VARIABLE: &str = "NIXWRIGHT_OSV_API";

/// GitHub's REST interface.
pub const GITHUB_API: &str = "https://api.github.com/";

/// Where GitHub's repositories are cloned from.
const GITHUB_WEB: &str = "https://github.com/";

/// The environment variable that names the REST interface of another GitHub: `https://HOST/api/v3/`.
pub const GITHUB_API_VARIABLE: &str = "NIXWRIGHT_GITHUB_API";

/// The environment variable that names the REST interface of the GitHub where upstreams are, if that is another.
pub const GITHUB_UPSTREAMS_VARIABLE: &str = "NIXWRIGHT_GITHUB_UPSTREAMS";

/// Where a person reads about an advisory.
const OSV_PAGES: &str = "https://osv.dev/vulnerability/";

/// Where a person reads about a package, by the type in its package URL.
const PACKAGE_PAGES: [(&str, &str); 3] = [
    ("cargo", "https://crates.io/crates/"),
    ("golang", "https://pkg.go.dev/"),
    ("npm", "https://www.npmjs.com/package/"),
];

/// The page of a version of a package; nothing where the type or the name is not one that has pages.
pub fn package_page(kind: &str, name: &str, version: &str) -> Option<Url> {
    let plain = |text: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.~+!@".contains(c);
        !text.is_empty() && text.len() <= 200 && !matches!(text, "." | "..") && text.chars().all(allowed)
    };
    if !name.split('/').all(plain) || !plain(version) {
        return None;
    }
    let (_, base) = PACKAGE_PAGES.iter().find(|(known, _)| *known == kind)?;
    let path = match kind {
        "golang" => format!("{name}@{version}"),
        "npm" => format!("{name}/v/{version}"),
        _ => format!("{name}/{version}"),
    };
    Url::parse(base).ok()?.join(&path).ok()
}

/// The page of a Go module, whatever its version.
pub fn go_module_page(module: &str) -> Option<Url> {
    let (_, base) = PACKAGE_PAGES.iter().find(|(known, _)| *known == "golang")?;
    let is_plain = |element: &str| {
        !element.is_empty()
            && element != "."
            && element != ".."
            && element.chars().all(|c| c.is_ascii_alphanumeric() || "-_.~".contains(c))
    };
    module.split('/').all(is_plain).then(|| Url::parse(base).ok()?.join(module).ok()).flatten()
}

/// The page of an advisory.
pub fn advisory_page(id: &str) -> Option<Url> {
    let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    (plain && !id.is_empty() && id != "." && id != "..").then(|| Url::parse(OSV_PAGES).ok()?.join(id).ok()).flatten()
}

/// The address of a crate that is written into the overlay, whatever mirror it was fetched from.
pub fn public_crate_url(name: &str, version: &str) -> String {
    format!("{CRATES_DOWNLOAD}/{name}/{version}/download")
}

/// Where every registry of npm packages has a tarball: below its own address `registry`, which ends in `/`.
pub fn npm_tarball(registry: &str, name: &str, version: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or(name);
    format!("{registry}{name}/-/{file}-{version}.tgz")
}

/// Reads the address of a sparse index as cargo spells it, with or without `sparse+`.
///
/// The result ends in `/`, because paths of crates are joined to it.
///
/// # Errors
/// When it is not an absolute `http` or `https` address, or has a query, a fragment or a password in it.
pub fn parse_index(text: &str) -> Result<Url, InvalidValue> {
    let expected = "the address of a sparse index (`sparse+https://HOST/PATH/`, without a user name or a query)";
    parse_base(text.strip_prefix("sparse+").unwrap_or(text))
        .ok_or_else(|| InvalidValue { value: text.to_owned(), expected })
}

/// Reads the address of a service with an HTTP interface; the result ends in `/`.
///
/// # Errors
/// When it is not an absolute `http` or `https` address, or has a query, a fragment or a password in it.
pub fn parse_api(text: &str) -> Result<Url, InvalidValue> {
    let expected = "the address of a service (`https://HOST/PATH/`, without a user name or a query)";
    parse_base(text).ok_or_else(|| InvalidValue { value: text.to_owned(), expected })
}

fn parse_base(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain || url.password().is_some() {
        return None;
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Some(url)
}

/// The index named by the environment, else the public one: what counts where no configuration does.
///
/// # Errors
/// When the variable's value is not the address of an index.
pub fn crates_index(environment: &BTreeMap<String, String>) -> Result<Url, InvalidValue> {
    match environment.get(CRATES_INDEX_VARIABLE).map(String::as_str) {
        Some(text) if !text.is_empty() => parse_index(text),
        _ => parse_index(CRATES_INDEX),
    }
}

/// The registry of npm packages that the environment names, else the public one.
///
/// # Errors
/// When the variable's value is not the address of a service.
pub fn npm_registry(environment: &BTreeMap<String, String>) -> Result<Url, InvalidValue> {
    match environment.get(NPM_REGISTRY_VARIABLE).map(String::as_str) {
        Some(text) if !text.is_empty() => parse_api(text),
        _ => parse_api(NPM_REGISTRY),
    }
}

/// The module proxies that the environment names, else the public one.
///
/// # Errors
/// When the variable's value is no list of proxies.
pub fn go_proxy(environment: &BTreeMap<String, String>) -> Result<ProxyList, InvalidValue> {
    match environment.get(GO_PROXY_VARIABLE).map(String::as_str) {
        Some(text) if !text.is_empty() => text.parse(),
        _ => GO_PROXY.parse(),
    }
}

/// The checksum database that the environment names, else the public one.
///
/// # Errors
/// When the variable's value names none.
pub fn go_sumdb(environment: &BTreeMap<String, String>) -> Result<Sumdb, InvalidValue> {
    match environment.get(GO_SUMDB_VARIABLE).map(String::as_str) {
        Some(text) if !text.is_empty() => text.parse(),
        _ => GO_SUMDB.parse(),
    }
}

/// The advisory database named by the environment, else the public one.
///
/// # Errors
/// When the variable's value is not the address of a service.
pub fn osv_api(environment: &BTreeMap<String, String>) -> Result<Url, InvalidValue> {
    match environment.get(OSV_API_VARIABLE).map(String::as_str) {
        Some(text) if !text.is_empty() => parse_api(text),
        _ => parse_api(OSV_API),
    }
}

/// The REST interface named by the environment, else the public one.
///
/// # Errors
/// When the variable's value is not the address of a service.
pub fn github_api(environment: &BTreeMap<String, String>) -> Result<Url, InvalidValue> {
    match environment.get(GITHUB_API_VARIABLE).map(String::as_str) {
        Some(text) if !text.is_empty() => parse_api(text),
        _ => parse_api(GITHUB_API),
    }
}

/// The REST interface of the GitHub where upstreams are, as the environment names it, else the public one.
///
/// # Errors
/// When the variable's value is not the address of a service.
pub fn github_upstreams(environment: &BTreeMap<String, String>) -> Result<Url, InvalidValue> {
    match environment.get(GITHUB_UPSTREAMS_VARIABLE).map(String::as_str) {
        Some(text) if !text.is_empty() => parse_api(text),
        _ => parse_api(GITHUB_API),
    }
}

/// The public address that repositories of upstreams are below, and the one that they are fetched from: that of the GitHub
/// whose REST interface is at `api`.
pub fn github_sources(api: &Url) -> Option<(Url, Url)> {
    Some((Url::parse(GITHUB_WEB).ok()?, github_web(api)))
}

/// Where the repositories are whose REST interface is at `api`: a GitHub Enterprise Server has both on one host.
pub fn github_web(api: &Url) -> Url {
    let mut web = if api.as_str() == GITHUB_API { parse_base(GITHUB_WEB) } else { None }.unwrap_or_else(|| api.clone());
    if let Some(path) = web.path().strip_suffix("api/v3/").map(str::to_owned) {
        web.set_path(&path);
    }
    web
}

/// Hosts of git repositories that give what is public over https, whatever else they offer.
const PUBLIC_GIT_HOSTS: [&str; 3] = ["github.com", "gitlab.com", "bitbucket.org"];

/// The address over https of a repository whose address is one over ssh, for hosts that are known to have both.
pub fn public_git_host(ssh: &Url) -> Option<Url> {
    let host = ssh.host_str().filter(|host| PUBLIC_GIT_HOSTS.contains(host))?;
    Url::parse(&format!("https://{host}{}", ssh.path())).ok()
}

/// The page of a repository of the public GitHub, from `OWNER/NAME`, which is also where it is cloned from.
pub fn github_repository(name: &str) -> Option<Url> {
    let name: RepositoryName = name.parse().ok()?;
    Url::parse(GITHUB_WEB).ok()?.join(name.as_str()).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{
        CRATES_DOWNLOAD, CRATES_INDEX, CRATES_INDEX_VARIABLE, GITHUB_API, GITHUB_WEB, PUBLIC_GIT_HOSTS, Url,
        advisory_page, crates_index, github_web, npm_tarball, package_page, parse_api, parse_index, public_crate_url,
        public_git_host,
    };

    #[test]
    fn an_index_may_be_spelled_as_cargo_does() {
        for text in [
            "sparse+https://registry.example/index",
            "https://registry.example/index/",
            "sparse+https://registry.example/index/",
        ] {
            assert_eq!(parse_index(text).unwrap().as_str(), "https://registry.example/index/");
        }
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for text in [
            "",
            "registry.example",
            "ftp://registry.example/",
            "git+https://registry.example/",
            "https://user:secret@registry.example/",
            "https://registry.example/?a=b",
            "https://registry.example/#a",
        ] {
            assert!(parse_index(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_environment_comes_before_the_public_index() {
        let mut environment = BTreeMap::new();
        assert_eq!(crates_index(&environment).unwrap().as_str(), CRATES_INDEX);
        environment.insert(CRATES_INDEX_VARIABLE.to_owned(), String::new());
        assert_eq!(crates_index(&environment).unwrap().as_str(), CRATES_INDEX);
        environment.insert(CRATES_INDEX_VARIABLE.to_owned(), "sparse+http://registry.example/".to_owned());
        assert_eq!(crates_index(&environment).unwrap().as_str(), "http://registry.example/");
        environment.insert(CRATES_INDEX_VARIABLE.to_owned(), "nonsense".to_owned());
        assert!(crates_index(&environment).is_err());
    }

    #[test]
    fn the_repositories_of_a_github_are_where_its_interface_is() {
        let web = |api: &str| github_web(&parse_api(api).unwrap()).to_string();
        assert_eq!(web(GITHUB_API), GITHUB_WEB);
        assert_eq!(web("https://forge.example/api/v3"), "https://forge.example/");
        assert_eq!(web("http://127.0.0.1:1234/api/v3/"), "http://127.0.0.1:1234/");
    }

    #[test]
    fn the_public_address_of_a_crate_is_the_one_the_public_index_gives() {
        assert_eq!(public_crate_url("a-b", "1.2.3+x"), format!("{CRATES_DOWNLOAD}/a-b/1.2.3+x/download"));
    }

    #[test]
    fn a_tarball_is_below_its_package_without_the_scope_in_its_own_name() {
        let tarball = |name, version| npm_tarball("https://registry.example/", name, version);
        assert_eq!(tarball("svgo", "4.1.0"), "https://registry.example/svgo/-/svgo-4.1.0.tgz");
        assert_eq!(tarball("@a/b", "1.0.0-rc.1"), "https://registry.example/@a/b/-/b-1.0.0-rc.1.tgz");
    }

    #[test]
    fn what_known_hosts_have_over_ssh_is_public_over_https() {
        let https = |text: &str| public_git_host(&Url::parse(text).unwrap()).map(String::from);
        for host in PUBLIC_GIT_HOSTS {
            let expected = format!("https://{host}/a/b.git");
            assert_eq!(https(&format!("ssh://git@{host}/a/b.git")), Some(expected));
        }
        assert_eq!(https("ssh://git@forge.example/a/b.git"), None);
    }

    #[test]
    fn pages_are_below_their_site_whatever_the_name() {
        let page = |kind, name, version| package_page(kind, name, version).map(|url| url.path().to_owned());
        assert_eq!(page("cargo", "serde", "1.0.228+x").as_deref(), Some("/crates/serde/1.0.228+x"));
        assert_eq!(page("golang", "github.com/a/b", "v1.2.3").as_deref(), Some("/github.com/a/b@v1.2.3"));
        assert_eq!(page("npm", "@a/b", "1.2.3").as_deref(), Some("/package/@a/b/v/1.2.3"));
        for bad in [
            "",
            "..",
            "a/../../b",
            "a//b",
            "//registry.example",
            "a b",
            "a?b",
            "a#b",
            "a>b",
            "a\\b",
            "https://registry.example",
        ] {
            assert!(page("cargo", bad, "1.0.0").is_none(), "{bad}");
            assert!(advisory_page(bad).is_none(), "{bad}");
            assert!(page("npm", "a", bad).is_none(), "{bad}");
        }
        assert!(page("other", "a", "1.0.0").is_none());
    }
}
