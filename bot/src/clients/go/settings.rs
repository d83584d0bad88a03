//! Everything that decides who is asked for modules and who vouches for them.

use std::collections::BTreeMap;

use super::{Patterns, ProxyList, Sumdb};
use crate::clients::endpoints;
use crate::model::InvalidValue;

/// Who is asked for modules, and who vouches for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoRegistries {
    /// In this order.
    pub proxies: ProxyList,
    /// Who vouches for them.
    pub sumdb: Sumdb,
    /// Modules that no proxy may hear of.
    pub no_proxy: Patterns,
    /// Modules that the checksum database may not hear of.
    pub no_sumdb: Patterns,
}

/// Go's variables for private modules: those that no proxy, and those that no checksum database may hear of; each takes the
/// place of what `GOPRIVATE` says.
pub const PRIVATE_VARIABLES: [&str; 3] = ["GOPRIVATE", "GONOPROXY", "GONOSUMDB"];

/// The patterns that the environment has for modules that no proxy, and those that no checksum database may hear of.
///
/// # Errors
/// When one of the variables holds what is no pattern.
pub fn private_modules(environment: &BTreeMap<String, String>) -> Result<(Patterns, Patterns), InvalidValue> {
    let [both, no_proxy, no_sumdb] =
        PRIVATE_VARIABLES.map(|name| environment.get(name).filter(|text| !text.is_empty()));
    let patterns = |own: Option<&String>| Patterns::parse(own.or(both).map_or("", String::as_str));
    Ok((patterns(no_proxy)?, patterns(no_sumdb)?))
}

impl GoRegistries {
    /// What counts where there is no configuration.
    ///
    /// # Errors
    /// When a variable's value cannot be read.
    pub fn of_environment(environment: &BTreeMap<String, String>) -> Result<Self, InvalidValue> {
        let (no_proxy, no_sumdb) = private_modules(environment)?;
        let (proxies, sumdb) = (endpoints::go_proxy(environment)?, endpoints::go_sumdb(environment)?);
        Ok(Self { proxies, sumdb, no_proxy, no_sumdb })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{GoRegistries, Sumdb, private_modules};
    use crate::clients::endpoints;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn private_means_both_unless_one_is_said_for_itself() {
        let of = |pairs: &[(&str, &str)]| {
            let (no_proxy, no_sumdb) = private_modules(&environment(pairs)).unwrap();
            (no_proxy.matches("forge.example/a"), no_sumdb.matches("forge.example/a"))
        };
        assert_eq!(of(&[]), (false, false));
        assert_eq!(of(&[("GOPRIVATE", "forge.example")]), (true, true));
        assert_eq!(of(&[("GOPRIVATE", "forge.example"), ("GONOPROXY", "none")]), (false, true));
        assert_eq!(of(&[("GOPRIVATE", "forge.example"), ("GONOSUMDB", "none")]), (true, false));
        assert_eq!(of(&[("GONOSUMDB", "forge.example"), ("GOPRIVATE", "")]), (false, true));
        assert!(private_modules(&environment(&[("GOPRIVATE", "[")])).is_err());
    }

    #[test]
    fn the_environment_comes_before_what_is_public() {
        let read = |pairs: &[(&str, &str)]| GoRegistries::of_environment(&environment(pairs));
        let public = read(&[(endpoints::GO_PROXY_VARIABLE, "")]).unwrap();
        assert_eq!(public.proxies.to_string(), format!("{}/", endpoints::GO_PROXY));
        assert!(matches!(public.sumdb, Sumdb::Database { .. }));
        let own =
            read(&[(endpoints::GO_PROXY_VARIABLE, "file:///srv/proxy,off"), (endpoints::GO_SUMDB_VARIABLE, "off")]);
        let own = own.unwrap();
        assert_eq!((own.proxies.to_string().as_str(), own.sumdb), ("file:///srv/proxy,off", Sumdb::Off));
        assert!(read(&[(endpoints::GO_PROXY_VARIABLE, "nonsense")]).is_err());
        assert!(read(&[(endpoints::GO_SUMDB_VARIABLE, "nonsense")]).is_err());
    }
}
