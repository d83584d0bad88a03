//! Evaluating a flake's outputs: pure, and without building anything for it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::error::machine_problem;
use super::process::{command, last_lines, run};
use super::{Nix, NixError, config};

/// Our own overlay evaluates in seconds; with nixpkgs on a slow disk it can be a minute.
const LIMIT: Duration = Duration::from_secs(900);

impl Nix {
    /// The value of a flake's output attribute, or of a function applied to it.
    pub async fn eval_json(&self, flake_url: &str, attribute: &str, apply: Option<&str>) -> Result<Value, NixError> {
        attribute_path(attribute)?;
        let what = format!("`{attribute}` of {flake_url}");
        let mut call = command(&self.tools.nix);
        self.environment(&mut call, &self.config(config::Purpose::Query));
        call.args(["eval", "--json", "--no-write-lock-file", "--no-update-lock-file"]);
        call.arg(format!("{flake_url}#{attribute}"));
        if let Some(function) = apply {
            call.args(["--apply", function]);
        }
        let printed = run(&mut call, &format!("evaluating {what}"), LIMIT).await?;
        if !printed.status.success() {
            let evaluation = || NixError::Evaluation { what, message: last_lines(&printed.stderr, 40) };
            return Err(machine_problem(&printed.stderr).unwrap_or_else(evaluation));
        }
        serde_json::from_slice(&printed.stdout).map_err(|error| NixError::Malformed { what, detail: error.to_string() })
    }

    /// The derivation paths of flake attributes, in their order. Those that share their first names are evaluated together.
    pub async fn derivations(&self, flake_url: &str, attributes: &[String]) -> Result<Vec<String>, NixError> {
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let paths: Vec<Vec<&str>> =
            attributes.iter().map(|attribute| attribute_path(attribute)).collect::<Result<_, _>>()?;
        for (index, path) in paths.iter().enumerate() {
            groups.entry(path[0]).or_default().push(index);
        }
        let mut found = vec![String::new(); attributes.len()];
        for indexes in groups.values() {
            let members: Vec<&[&str]> = indexes.iter().map(|index| paths[*index].as_slice()).collect();
            let shared = common_prefix(&members);
            let function = selector(&members, shared);
            let value = self.eval_json(flake_url, &members[0][..shared].join("."), Some(&function)).await?;
            let drvs: Vec<String> = serde_json::from_value(value).map_err(|error| NixError::Malformed {
                what: "a list of derivations".into(),
                detail: error.to_string(),
            })?;
            for (index, drv) in indexes.iter().zip(drvs) {
                found[*index] = drv;
            }
        }
        Ok(found)
    }
}

/// The names of an attribute path. Only plain names: ours are, and nothing has to be escaped then.
fn attribute_path(attribute: &str) -> Result<Vec<&str>, NixError> {
    let names: Vec<&str> = attribute.split('.').collect();
    let plain = |name: &&str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\'' | '+'))
    };
    if names.iter().all(plain) {
        return Ok(names);
    }
    let expected = "an attribute path (names of letters, digits, `_`, `-`, `+` and `'`, joined by `.`)";
    Err(NixError::Argument { value: attribute.to_owned(), expected })
}

/// How many first names all paths share; at least the first, by which they were grouped.
fn common_prefix(paths: &[&[&str]]) -> usize {
    let shortest = paths.iter().map(|path| path.len()).min().unwrap_or(0);
    (0..shortest).find(|&at| paths.iter().any(|path| path[at] != paths[0][at])).unwrap_or(shortest)
}

/// A Nix function from the shared attribute to the list of derivation paths.
fn selector(paths: &[&[&str]], shared: usize) -> String {
    let quoted = |path: &&[&str]| {
        let names: Vec<String> = path[shared..].iter().map(|name| format!("\"{name}\"")).collect();
        format!("[ {} ]", names.join(" "))
    };
    let lists: Vec<String> = paths.iter().map(quoted).collect();
    format!(
        "scope: map (path: (builtins.foldl' (set: name: set.${{name}}) scope path).drvPath) [ {} ]",
        lists.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::{attribute_path, common_prefix, selector};

    #[test]
    fn names_that_are_not_plain_are_refused() {
        for bad in ["", "a..b", "a.", "a b", "a\"b", "a.${x}", "a#b", "a\\b", "a^out"] {
            assert!(attribute_path(bad).is_err(), "{bad:?}");
        }
        assert_eq!(attribute_path("a.b-c.d'").unwrap(), ["a", "b-c", "d'"]);
    }

    #[test]
    fn what_is_shared_is_evaluated_once() {
        let paths: [&[&str]; 2] = [&["a", "b", "c"], &["a", "b", "c", "tests", "smoke"]];
        assert_eq!(common_prefix(&paths), 3);
        insta::assert_snapshot!(selector(&paths, 3), @r#"scope: map (path: (builtins.foldl' (set: name: set.${name}) scope path).drvPath) [ [  ] [ "tests" "smoke" ] ]"#);
    }
}
