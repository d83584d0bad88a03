//! The project of a universe: a main module, or a workspace of several.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::manifest::{Requires, closure, require_lines};
use super::modules::{GO_LINES, prunes};
use super::packages::{Imported, write as write_packages};
use super::{At, World, files, manifest};
use crate::chance::Chance;
use crate::go::universe::Directive;

/// A main module before its go.mod is written.
struct Main {
    path: String,
    folder: &'static str,
    go: Option<&'static str>,
    imported: Imported,
    /// Other main modules that it imports from.
    others: Vec<String>,
}

/// Writes the project's files; says how it is prepared.
pub(super) fn write(
    chance: &mut Chance,
    world: &World,
    needs: &BTreeMap<At, Requires>,
    files: &mut BTreeMap<String, String>,
) -> Vec<Directive> {
    let workspace = chance.percent(18);
    let folders: &[&'static str] = match chance.0.u32(0..3) {
        _ if !workspace => &[""],
        0 => &["", "api"],
        1 => &["tool", "api"],
        _ => &["tool", "api", "deep/core"],
    };
    let mut mains = Vec::new();
    let mut libraries: Vec<String> = Vec::new();
    for folder in folders.iter().rev() {
        let main = main_module(chance, world, folder, &libraries, files);
        if workspace && files.contains_key(&joined(folder, "lib/lib.go")) {
            libraries.push(format!("{}/lib", main.path));
        }
        mains.push(main);
    }
    for main in &mains {
        let mut text = go_mod(chance, world, needs, main);
        if chance.percent(world.style.replaces) {
            text.push_str(&replaces(chance, world, main.folder, files));
        }
        files.insert(joined(main.folder, "go.mod"), text);
    }
    if workspace {
        let text = go_work(chance, world, &mains, files);
        files.insert("go.work".to_owned(), text);
    }
    let tidy = chance.percent(if workspace { 60 } else { 85 });
    let mut directives = vec![if tidy { Directive::Tidy } else { Directive::Sums }];
    if chance.percent(3) {
        directives.push(Directive::Drop(chance.pick(&world.modules).path.clone()));
    }
    directives
}

fn joined(folder: &str, file: &str) -> String {
    if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") }
}

/// Writes a main module's packages.
fn main_module(
    chance: &mut Chance,
    world: &World,
    folder: &'static str,
    libraries: &[String],
    files: &mut BTreeMap<String, String>,
) -> Main {
    let path = match folder {
        "" => "registry.example/main".to_owned(),
        folder => format!("registry.example/main/{folder}"),
    };
    let go = (!chance.percent(2)).then(|| {
        let from = if chance.percent(60) { GO_LINES.len() - 4 } else { 0 };
        *chance.pick(&GO_LINES[from..])
    });
    let mut main = Main { path, folder, go, imported: Imported::default(), others: Vec::new() };
    // Programs of a workspace are called differently: ours does not build two of one name.
    let program = match folder {
        "" => "cmd/one",
        "api" => "cmd/two",
        "tool" => "cmd/three",
        _ => "cmd/four",
    };
    let dirs = [
        ("lib", "lib", 60),
        ("internal/core", "core", 20),
        ("", "main", 70),
        (program, "main", 40),
        ("_skipped", "skipped", 8),
    ];
    let mut programs = 0;
    for (dir, name, percent) in dirs {
        let last_chance = dir == program && programs == 0;
        if !last_chance && !chance.percent(percent) {
            continue;
        }
        programs += usize::from(name == "main");
        let importer = joined(dir, "").trim_end_matches('/').to_owned();
        let importer = if importer.is_empty() { main.path.clone() } else { format!("{}/{importer}", main.path) };
        let mut draw = |most| {
            let count = chance.between(0, most);
            let drawn: Vec<usize> = (0..count).map(|_| chance.between(0, world.packages.len().max(1) - 1)).collect();
            let open = |index: &usize| world.packages.get(*index).is_some_and(|package| package.is_open_to(&importer));
            drawn.into_iter().filter(open).collect::<Vec<usize>>()
        };
        let (imports, tests) = (draw(4), draw(1));
        main.imported.packages.extend(imports.iter().chain(&tests));
        let paths = |all: &[usize]| all.iter().map(|index| world.packages[*index].import.clone()).collect::<Vec<_>>();
        let mut imports = paths(&imports);
        if name == "main" && files.contains_key(&joined(folder, "lib/lib.go")) {
            imports.push(format!("{}/lib", main.path));
        }
        for library in libraries {
            if chance.percent(50) {
                imports.push(library.clone());
                main.others.push(library.clone());
            }
        }
        let content = files::Content { name, imports, tests: paths(&tests) };
        let place = joined(folder, dir);
        let place = if place.is_empty() { ".".to_owned() } else { place.trim_end_matches('/').to_owned() };
        let mut own = BTreeMap::new();
        let shape = chance.0.u64(..);
        files::write(chance, &world.style, shape, content, &place, &mut own);
        files.extend(own.into_iter().map(|(file, text)| (file.trim_start_matches("./").to_owned(), text)));
        // What others look for.
        if name == "lib" {
            let file = joined(folder, "lib/lib.go");
            files.entry(file).or_insert_with(|| "package lib\n".to_owned());
        }
    }
    main
}

fn go_mod(chance: &mut Chance, world: &World, needs: &BTreeMap<At, Requires>, main: &Main) -> String {
    let direct = manifest::requires(chance, world, &main.imported, None);
    let mut all = direct.clone();
    if prunes(main.go) && !chance.percent(world.style.short / 3) {
        all = closure(needs, &direct);
    }
    let mut text = format!("module {}\n", main.path);
    if let Some(go) = main.go {
        let highest = all.iter().filter_map(|(module, version)| world.modules[*module].versions[*version].go);
        // From 1.21 on it is not below that of what is required: Go refuses, but for those who leave it to `go mod tidy`.
        let needed =
            highest.max_by_key(|go| GO_LINES.iter().position(|line| line == go)).filter(|_| chance.percent(90));
        let go = [Some(go), needed].into_iter().flatten().max_by_key(|go| GO_LINES.iter().position(|line| line == go));
        let _ = write!(text, "\ngo {}\n", go.unwrap_or("1.20"));
        if chance.percent(15) {
            let _ = write!(
                text,
                "\ntoolchain {}\n",
                chance.pick(&["go1.27.1", "go1.27.3", "go1.27.3", "go1.29.0", "go1.21.0", "default"])
            );
        }
    } else if chance.0.u32(0..1000) < world.style.wrong {
        text.push_str("\ngo 1.28.0\n");
    }
    text.push_str(&require_lines(chance, world, &direct, &all));
    if chance.percent(6) {
        text.push_str("\ngodebug default=go1.21\n");
    }
    if chance.percent(5) {
        text.push_str("\nignore ./lib\n");
    }
    if chance.percent(8)
        && let Some(tool) = world.packages.iter().find(|package| package.name == "main")
    {
        let _ = write!(text, "\ntool {}\n", tool.import);
    }
    text
}

/// `replace` and `exclude` lines, and the folders that they name.
fn replaces(chance: &mut Chance, world: &World, folder: &str, files: &mut BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for _ in 0..chance.between(1, 2) {
        let module = chance.between(0, world.modules.len() - 1);
        let version = chance.between(0, world.modules[module].versions.len() - 1);
        let (path, texts) = (&world.modules[module].path, &world.modules[module].versions);
        let old = if chance.percent(40) { format!("{path} {}", chance.pick(texts).text) } else { path.clone() };
        match chance.0.u32(0..10) {
            0..3 => {
                let _ = write!(text, "\nreplace {old} => {path} {}\n", texts[version].text);
            }
            3..5 => {
                let other = chance.pick(&world.modules);
                let _ = write!(text, "\nreplace {old} => {} {}\n", other.path, chance.pick(&other.versions).text);
            }
            5..8 => {
                let at = format!("local/{}", path.rsplit('/').next().unwrap_or_default());
                let place = joined(folder, &at);
                let imported = write_packages(chance, world, (module, version), &place, files);
                let requires = manifest::requires(chance, world, &imported, Some((module, version)));
                let go = texts[version].go.map_or(String::new(), |go| format!("\ngo {go}\n"));
                let lines = require_lines(chance, world, &requires, &requires);
                files.insert(format!("{place}/go.mod"), format!("module {path}\n{go}{lines}"));
                let _ = write!(text, "\nreplace {old} => ./{at}\n");
            }
            _ => {
                let _ = write!(text, "\nexclude {path} {}\n", texts[version].text);
            }
        }
    }
    text
}

fn go_work(chance: &mut Chance, world: &World, mains: &[Main], files: &mut BTreeMap<String, String>) -> String {
    let position = |go: &str| GO_LINES.iter().position(|line| *line == go);
    let lines = mains.iter().filter_map(|main| {
        let text = &files[&joined(main.folder, "go.mod")];
        text.lines().find_map(|line| line.strip_prefix("go ")).map(str::to_owned)
    });
    let highest = lines.max_by_key(|go| position(go)).unwrap_or_else(|| "1.18".to_owned());
    let go = if chance.percent(3) { "1.18".to_owned() } else { highest };
    let mut text = format!("go {go}\n");
    if chance.percent(10) {
        text.push_str("\ntoolchain go1.27.2\n");
    }
    text.push_str("\nuse (\n");
    for main in mains {
        let _ = writeln!(text, "\t./{}", main.folder);
    }
    text.push_str(")\n");
    if chance.percent(world.style.replaces) {
        let lines = replaces(chance, world, "", files);
        let kept = lines.lines().filter(|line| !line.starts_with("exclude"));
        text.extend(kept.flat_map(|line| [line, "\n"]));
    }
    text
}
