//! Target expressions, judged by cargo's own evaluator instead of guppy's builtin data.
//!
//! guppy takes unknown target features for enabled and refuses some expressions that rustc knows. So each distinct
//! expression is replaced by a flag of ours, and the flag is set for a platform if `cargo-platform` says that the
//! expression holds under the cfg that rustc prints for it.

use std::collections::BTreeMap;
use std::str::FromStr;

use cargo_platform::{Cfg, Platform as Expression};

use guppy::platform::{Platform, PlatformSpec, TargetFeatures};
use serde_json::Value;

/// A flag for each expression of the metadata.
pub(super) type Expressions = BTreeMap<String, String>;

/// Replaces every target expression of `cargo metadata`'s JSON by a flag.
pub(super) fn replace_expressions(metadata: &str) -> Result<(String, Expressions), String> {
    let mut metadata: Value = serde_json::from_str(metadata).map_err(|error| error.to_string())?;
    let mut expressions = Expressions::new();
    let dependencies = each(&mut metadata, &["packages"]).flat_map(|package| each(package, &["dependencies"]));
    for dependency in dependencies {
        replace(dependency, &mut expressions);
    }
    let kinds = each(&mut metadata, &["resolve", "nodes"])
        .flat_map(|node| each(node, &["deps"]))
        .flat_map(|dependency| each(dependency, &["dep_kinds"]));
    for kind in kinds {
        replace(kind, &mut expressions);
    }
    Ok((metadata.to_string(), expressions))
}

fn each<'a>(value: &'a mut Value, path: &[&str]) -> impl Iterator<Item = &'a mut Value> + use<'a> {
    let array = path.iter().try_fold(value, |value, key| value.get_mut(key)).and_then(Value::as_array_mut);
    array.into_iter().flatten()
}

fn replace(holder: &mut Value, expressions: &mut Expressions) {
    let Some(target) = holder.get_mut("target") else { return };
    let Some(expression) = target.as_str().map(str::to_owned) else { return };
    *target = Value::String(flag(expressions, &expression));
}

/// The flag that stands for an expression, as an expression.
pub(super) fn flag(expressions: &mut Expressions, expression: &str) -> String {
    let next = format!("nixwright_{}", expressions.len());
    let flag = expressions.entry(expression.to_owned()).or_insert(next);
    format!("cfg({flag})")
}

/// The platform called `triple`, under the cfg lines that rustc prints for it.
pub(super) fn platform(triple: &str, cfg: &str, expressions: &Expressions) -> Result<PlatformSpec, String> {
    let cfg: Vec<Cfg> = cfg
        .lines()
        .map(|line| Cfg::from_str(line).map_err(|error| format!("rustc's cfg {line:?} for {triple}: {error}")))
        .collect::<Result<_, _>>()?;
    let mut platform = Platform::new(triple.to_owned(), TargetFeatures::none()).map_err(|error| error.to_string())?;
    for (expression, flag) in expressions {
        let parsed = Expression::from_str(expression)
            .map_err(|error| format!("the target expression {expression:?}: {error}"))?;
        if parsed.matches(triple, &cfg) {
            platform.add_flags([flag.clone()]);
        }
    }
    Ok(PlatformSpec::platforms([platform]))
}
