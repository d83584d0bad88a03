//! `graph.json` of a Go package: the modules and packages as the overlay's builders read them.
//!
//! One row a line, sorted, what can be worked out left out. Packages stand under their module and folder; an import within
//! a module is `./folder` (`.` for its root), else the import path. Go files are `files`, or all of the folder's but those in
//! `but`, whichever is shorter. Rows that hold on every system are written once; the rest are grouped by the systems they
//! hold on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::go::{GoGraph, Module, Package, Replacement, Source};
use serde_json::{Map, Value, json};

use super::super::GENERATED;
use super::super::files::RenderError;

/// Renders a plan.
///
/// # Errors
/// When a file's name leads out of its module, or cannot be in a list of names.
pub(super) fn render(plan: &Plan, graph: &GoGraph) -> Result<String, RenderError> {
    let mut text = String::from("{\n");
    let mut field = |name: &str, value: &Value| {
        let _ = writeln!(text, "\"{name}\": {value},");
    };
    field("_generated", &GENERATED.into());
    field("schema", &plan.schema.into());
    field("purl", &plan.purl.as_str().into());
    field("roots", &json!(graph.roots));
    field("rules", &graph.rules.as_str().into());
    field("go", &graph.go.as_str().into());
    field("cgo", &graph.cgo.into());
    if !graph.tags.is_empty() {
        field("tags", &json!(graph.tags));
    }
    if !graph.godebug.is_empty() {
        field("godebug", &json!(graph.godebug));
    }
    field("systems", &json!(graph.systems));
    field("programs", &json!(graph.programs));
    let needed = graph.modules.iter().filter(|(path, module)| module.source.is_some() || graph.roots.contains(path));
    let modules = needed.map(|(path, module)| Ok((path.as_str(), module_row(plan, path, module)?)));
    text.push_str("\"modules\": {\n");
    push_rows(&mut text, modules.collect::<Result<Vec<_>, RenderError>>()?);
    if !graph.searched.is_empty() {
        text.push_str("},\n\"searched\": {\n");
        push_rows(&mut text, graph.searched.iter().map(|(id, sum)| (id.as_str(), sum.as_str().into())));
    }
    text.push_str("},\n\"mod-files\": {\n");
    push_rows(&mut text, mod_files(graph));
    let (everywhere, only) = group(plan, graph)?;
    text.push_str("},\n\"packages\": {\n");
    push_tables(&mut text, everywhere);
    text.push_str("},\n\"only\": [");
    for (index, (systems, tables)) in only.into_iter().enumerate() {
        let _ =
            write!(text, "{}\n{{\"systems\":{},\"packages\":{{\n", if index == 0 { "" } else { "," }, json!(systems));
        push_tables(&mut text, tables);
        text.push_str("}}");
    }
    text.push_str("\n]\n}\n");
    Ok(text)
}

/// Rows by folder, by module.
type Tables<'p> = BTreeMap<&'p str, BTreeMap<&'p str, Value>>;

fn push_rows<'a>(text: &mut String, rows: impl IntoIterator<Item = (&'a str, Value)>) {
    let rows: Vec<String> = rows.into_iter().map(|(id, row)| format!("{}: {row}", Value::from(id))).collect();
    text.push_str(&rows.join(",\n"));
    text.push_str(if rows.is_empty() { "" } else { "\n" });
}

fn push_tables(text: &mut String, tables: Tables<'_>) {
    for (index, (module, rows)) in tables.into_iter().enumerate() {
        let _ = writeln!(text, "{}{}: {{", if index == 0 { "" } else { ",\n" }, Value::from(module));
        push_rows(text, rows);
        text.truncate(text.trim_end().len());
        text.push('}');
    }
    text.push('\n');
}

/// The hashes of go.mod files, a row a module: of modules from before pruning Go reads many versions.
fn mod_files(graph: &GoGraph) -> BTreeMap<&str, Value> {
    let mut modules: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for (id, hash) in &graph.mod_files {
        let (path, version) = id.rsplit_once('@').unwrap_or((id, ""));
        modules.entry(path).or_default().insert(version.to_owned(), hash.as_str().into());
    }
    modules.into_iter().map(|(path, versions)| (path, versions.into())).collect()
}

/// The rows of every system, and the others by the systems they hold on.
fn group<'p>(
    plan: &Plan,
    graph: &'p GoGraph,
) -> Result<(Tables<'p>, BTreeMap<&'p BTreeSet<String>, Tables<'p>>), RenderError> {
    let mut everywhere = Tables::new();
    let mut only: BTreeMap<&BTreeSet<String>, Tables<'_>> = BTreeMap::new();
    for (path, forms) in &graph.packages {
        for package in forms {
            let tables =
                if package.on == graph.systems { &mut everywhere } else { only.entry(&package.on).or_default() };
            let row = package_row(plan, graph, path, package)?;
            tables.entry(&package.module).or_default().insert(&package.dir, row);
        }
    }
    Ok((everywhere, only))
}

fn module_row(plan: &Plan, path: &str, module: &Module) -> Result<Value, RenderError> {
    let mut row = Map::new();
    let mut put = |name: &str, value: &str| row.insert(name.to_owned(), value.into());
    if !module.version.is_empty() {
        put("v", &module.version);
    }
    match &module.replace {
        Some(Replacement::Module { path, version }) => put("replace", &format!("{path}@{version}")),
        Some(Replacement::Directory { path }) => put("replace", path),
        None => None,
    };
    if let Some(go) = &module.go {
        put("go", go);
    }
    match &module.source {
        Some(Source::Proxy { hash, sum }) => {
            put("h", hash);
            put("sum", sum);
        }
        Some(Source::Directory { path }) => {
            checked(plan, path)?;
            put("dir", path);
        }
        None => return Err(RenderError::NoSource { package: id(plan), module: path.to_owned() }),
    }
    Ok(row.into())
}

fn package_row(plan: &Plan, graph: &GoGraph, path: &str, package: &Package) -> Result<Value, RenderError> {
    let mut row = Map::new();
    let mut put = |name: &str, value: Value| row.insert(name.to_owned(), value);
    let files = &package.files;
    let is_plain = |name: &&String| !(name.starts_with(['_', '.']) || name.ends_with("_test.go"));
    let but: Vec<&String> = package.ignored.iter().filter(is_plain).collect();
    // With quotes and comma.
    let written: fn(&str) -> usize = |name| name.len() + 3;
    let left_out: usize = but.iter().map(|name| written(name)).sum();
    if left_out <= files.go.iter().map(|name| written(name)).sum() {
        if !but.is_empty() {
            put("but", json!(but));
        }
    } else {
        put("files", json!(files.go));
    }
    let swig = [files.swig.as_slice(), files.swig_cxx.as_slice()].concat();
    let cgo = &package.cgo;
    for (name, list) in [
        ("cgo", &files.cgo),
        ("c", &files.c),
        ("cxx", &files.cxx),
        ("m", &files.m),
        ("f", &files.f),
        ("s", &files.s),
        ("swig", &swig),
        ("syso", &files.syso),
        ("cflags", &cgo.cflags),
        ("cppflags", &cgo.cppflags),
        ("cxxflags", &cgo.cxxflags),
        ("fflags", &cgo.fflags),
        ("ldflags", &cgo.ldflags),
        ("pkg-config", &cgo.pkg_config),
    ] {
        if !list.is_empty() {
            put(name, json!(list));
        }
    }
    if !package.embed.is_empty() {
        put("embed", embed(&package.embed).into());
    }
    if !package.imports.is_empty() {
        let edges = package.imports.iter().map(|import| edge(graph, &package.module, import));
        put("imports", json!(edges.collect::<Vec<_>>()));
    }
    if !package.godebug.is_empty() && graph.programs.values().any(|program| program == path) {
        put("godebug", json!(package.godebug));
    }
    let embedded = package.embed.iter().flat_map(|(pattern, files)| std::iter::once(pattern).chain(files));
    let names = [&files.go, &files.cgo, &files.c, &files.cxx, &files.m, &files.f, &files.s, &swig, &files.syso];
    for name in names.into_iter().flatten().chain(&package.ignored).chain(embedded).chain([&package.dir]) {
        checked(plan, name)?;
    }
    for line in
        [&cgo.cflags, &cgo.cppflags, &cgo.cxxflags, &cgo.fflags, &cgo.ldflags, &cgo.pkg_config, &package.godebug]
    {
        if let Some(odd) = line.iter().find(|word| word.contains(char::is_control)) {
            return Err(no_line(plan, odd));
        }
    }
    Ok(row.into())
}

/// Patterns with the files that they match; `true` where that is the one file of the same name.
fn embed(patterns: &BTreeMap<String, Vec<String>>) -> Map<String, Value> {
    let value = |pattern: &str, files: &[String]| if files == [pattern] { true.into() } else { json!(files) };
    patterns.iter().map(|(pattern, files)| (pattern.clone(), value(pattern, files))).collect()
}

/// How an import is written in a row of `module`.
fn edge(graph: &GoGraph, module: &str, import: &str) -> String {
    let is_own = |forms: &Vec<Package>| forms.iter().any(|form| form.module == module);
    match import.strip_prefix(module) {
        Some("") => ".".to_owned(),
        // Another module may lie below this one.
        Some(rest) if rest.starts_with('/') && graph.packages.get(import).is_some_and(is_own) => format!(".{rest}"),
        _ => import.to_owned(),
    }
}

/// That a name is inside its folder, and can be a line of a list.
fn checked(plan: &Plan, name: &str) -> Result<(), RenderError> {
    if name.contains(char::is_control) {
        Err(no_line(plan, name))
    } else if name.starts_with('/') || name.split('/').any(|part| part == "..") {
        Err(RenderError::Outside { package: id(plan), path: name.to_owned() })
    } else {
        Ok(())
    }
}

fn no_line(plan: &Plan, text: &str) -> RenderError {
    RenderError::NoLine { package: id(plan), text: text.escape_debug().to_string() }
}

fn id(plan: &Plan) -> String {
    format!("{} {}", plan.name, plan.version)
}
