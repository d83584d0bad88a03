//! Names of packages and places in the tree: what a lock may call a folder, and how node looks a name up.

use std::collections::BTreeMap;

use super::error::LockError;

/// More than any tree that npm makes, and little enough for every file system.
const LONGEST_PATH: usize = 2048;
const DEEPEST: usize = 64;

/// Checks a name by the rules of validate-npm-package-name (what the registry took in old times included).
pub(super) fn check_name(file: &str, name: &str) -> Result<(), LockError> {
    let refuse = |reason| Err(LockError::Name { file: file.to_owned(), name: name.to_owned(), reason });
    let (scope, base) = match name.strip_prefix('@') {
        Some(scoped) => match scoped.split_once('/') {
            Some((scope, base)) => (Some(scope), base),
            None => return refuse("a scope stands before a `/`"),
        },
        None => (None, name),
    };
    for part in scope.into_iter().chain([base]) {
        if part.is_empty() || part.starts_with('.') || (scope.is_none() && part.starts_with(['-', '_'])) {
            return refuse("a name begins with a letter or a digit");
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte);
        if !part.bytes().all(plain) {
            return refuse("it has characters that no address can have");
        }
    }
    if name.len() > 214 {
        return refuse("it is longer than 214 characters");
    }
    if ["node_modules", "favicon.ico"].contains(&base.to_ascii_lowercase().as_str()) {
        return refuse("that name is reserved");
    }
    Ok(())
}

/// Checks a place: folders of the project, then packages in `node_modules`; the empty path is the project itself.
pub(super) fn check_path(file: &str, path: &str) -> Result<(), LockError> {
    let refuse = |reason| Err(LockError::Path { file: file.to_owned(), path: path.to_owned(), reason });
    if path.is_empty() {
        return Ok(());
    }
    if path.len() > LONGEST_PATH || path.matches("node_modules").count() > DEEPEST {
        return refuse("it is too deep");
    }
    if path.contains(['\\', '\0']) || path.chars().any(char::is_control) {
        return refuse("it has characters that no folder's name should have");
    }
    if path.starts_with('/') || path.as_bytes().get(1) == Some(&b':') {
        return refuse("it is absolute");
    }
    if path.split('/').any(|segment| segment == "..") {
        return refuse("it leaves the project's folder");
    }
    let mut segments = path.split('/');
    let mut in_package = false;
    while let Some(segment) = segments.next() {
        match segment {
            "" | "." => return refuse("it has an empty part"),
            "node_modules" => {
                let name = match segments.next() {
                    Some(scope) if scope.starts_with('@') => format!("{scope}/{}", segments.next().unwrap_or_default()),
                    Some(name) => name.to_owned(),
                    None => return refuse("it names no package"),
                };
                check_name(file, &name)?;
                in_package = true;
            }
            _ if in_package => return refuse("it is a folder within a package"),
            _ => {}
        }
    }
    Ok(())
}

/// The folder's name as a package's: what stands behind the last `node_modules/`.
pub(super) fn folder_name(path: &str) -> Option<&str> {
    match path.rsplit_once("/node_modules/") {
        Some((_, name)) => Some(name),
        None => path.strip_prefix("node_modules/"),
    }
}

/// The place of the package or folder around a place; `None` for what stands in no `node_modules`.
pub(super) fn outer(path: &str) -> Option<&str> {
    match path.rsplit_once("/node_modules/") {
        Some((outer, _)) => Some(outer),
        None => path.starts_with("node_modules/").then_some(""),
    }
}

/// The place of a package in the `node_modules` of a folder.
pub(super) fn inside(folder: &str, name: &str) -> String {
    if folder.is_empty() { format!("node_modules/{name}") } else { format!("{folder}/node_modules/{name}") }
}

/// The place that node finds a name at, seen from a folder: the nearest `node_modules` upward that has it.
pub(super) fn look_up<T>(entries: &BTreeMap<String, T>, from: &str, name: &str) -> Option<String> {
    let mut folder = from;
    loop {
        let place = inside(folder, name);
        if entries.contains_key(&place) {
            return Some(place);
        }
        if folder.is_empty() {
            return None;
        }
        folder = match outer(folder) {
            Some(outer) => outer,
            None => folder.rsplit_once('/').map_or("", |(outer, _)| outer),
        };
    }
}

/// A folder's path relative to the project, from one relative to a folder of it (`../two` seen from `packages/one`).
pub(super) fn join(file: &str, folder: &str, relative: &str) -> Result<String, LockError> {
    let refuse = |reason| Err(LockError::Path { file: file.to_owned(), path: relative.to_owned(), reason });
    if relative.starts_with('/') || relative.contains('\\') {
        return refuse("it is absolute");
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return refuse("it leaves the project's folder");
                }
            }
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    check_path(file, &path)?;
    Ok(path)
}
