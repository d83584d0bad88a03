//! The members of a project's workspace: folders that its patterns name and that hold a manifest.

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobMatcher};
use serde_json::Value;

use super::catalog::Project;
use super::error::NpmError;
use super::manifest::Manifest;
use super::spec::join;

/// Members by name: the path of each, in the order of the patterns.
pub(super) fn members(project: &Project, root: &Manifest) -> Result<Vec<(String, String)>, NpmError> {
    let patterns = match root.fields.get("workspaces") {
        Some(Value::Object(map)) => map.get("packages"),
        other => other,
    };
    let patterns: Vec<&str> =
        patterns.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let mut chosen: Vec<&String> = Vec::new();
    for pattern in patterns {
        let (excluded, pattern) = pattern.strip_prefix('!').map_or((false, pattern), |pattern| (true, pattern));
        let matcher = matcher(pattern)?;
        for path in project.folders.keys().filter(|path| !in_node_modules(path) && matcher.is_match(path)) {
            chosen.retain(|known| *known != path);
            if !excluded {
                chosen.push(path);
            }
        }
    }
    let mut members: Vec<(String, String)> = Vec::new();
    let mut by_name: BTreeMap<String, String> = BTreeMap::new();
    for path in chosen {
        let text = project.folders.get(path).map_or("{}", String::as_str);
        let manifest = Manifest::parse(text)
            .map_err(|error| NpmError::Unreadable { file: join(path, "package.json"), reason: error.to_string() })?;
        let folder = path.rsplit('/').next().unwrap_or(path);
        let name = if manifest.name.is_empty() { folder.to_owned() } else { manifest.name };
        if let Some(other) = by_name.insert(name.clone(), path.clone()) {
            let reason = format!("{other} and {path} are both called {name}; give one of them another name");
            return Err(NpmError::Unreadable { file: "the workspace".to_owned(), reason });
        }
        members.push((name, path.clone()));
    }
    Ok(members)
}

fn in_node_modules(path: &str) -> bool {
    path.split('/').any(|part| part == "node_modules") || path.starts_with("../")
}

fn matcher(pattern: &str) -> Result<GlobMatcher, NpmError> {
    let path = join("", pattern);
    let glob = GlobBuilder::new(&path).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|error| NpmError::Unreadable {
        file: "package.json".to_owned(),
        reason: format!("the pattern {pattern:?} of its workspaces: {error}"),
    })
}
