//! Our readers of go.mod and go.work against Go's own: `go mod edit -json` and `go work edit -json`.

use std::path::{Path, PathBuf};

use nixwright_resolver::go::modfile::{GoMod, Reading, Replace};
use nixwright_resolver::go::workfile::GoWork;
use nixwright_tests::process::{command, run, write_file};
use serde_json::{Value, json};

/// go.mod files with something odd about each; most of them are fine.
const MOD_FILES: &[&str] = &[
    "",
    "module a.b/c",
    "module a.b/c\r\n\r\ngo 1.21.3\r\ntoolchain go1.22.0\r\n",
    "module \"a.b/c\"\n",
    "module \"a.b\\x2fc\\u0064\\145\"\n",
    "module `a.b/c`\n",
    "module 'a.b/c'\n",
    "module a.b/c d\n",
    "module a.b/c\nmodule a.b/d\n",
    "module\n",
    "module (\n\ta.b/c\n)\n",
    "module (\n)\n",
    "// Deprecated: use a.b/d.\nmodule a.b/c\n",
    "// Words.\n//\n// Deprecated:   use a.b/d,\n// please.\n//\n// More.\nmodule a.b/c\n",
    "// Deprecated: no.\n\nmodule a.b/c // Deprecated: yes\n",
    "// Deprecated: block\nmodule (\n\n\ta.b/c\n)\n",
    "// Deprecated: block\nmodule (\n\t// own\n\ta.b/c\n)\n",
    "module a.b/c\ngo 1.21\ngo 1.22\n",
    "module a.b/c\ngo 1.21 1.22\n",
    "module a.b/c\ngo v1.21\n",
    "module a.b/c\ngo 1.21rc1\n",
    "module a.b/c\ngo 1.21.0rc01\n",
    "module a.b/c\ngo 1.021\n",
    "module a.b/c\ngo 1\n",
    "module a.b/c\ngo \"1.21\"\n",
    "module a.b/c\ngo (\n\t1.21\n)\n",
    "module a.b/c\ngo ()\n",
    "module a.b/c\ntoolchain default\n",
    "module a.b/c\ntoolchain go2.0\n",
    "module a.b/c\ntoolchain go1\ntoolchain go1\n",
    "module a.b/c\ntoolchain go1.21.0-custom\n",
    "module a.b/c\ngodebug x=1\ngodebug (\n\tdefault=go1.21\n\ty=a=b\n)\n",
    "module a.b/c\ngodebug x\n",
    "module a.b/c\ngodebug x=\"1\"\n",
    "module a.b/c\nrequire a.b/d v1.2.3\nrequire (\n\ta.b/e v1 // indirect\n\n\ta.b/f v1.2 //indirect\n\ta.b/g v1.2.3-rc.1 // indirect; because\n\ta.b/h v1.0.0 // not indirect\n\ta.b/i/v2 v2.0.0+meta //  indirect;\n)\n",
    "module a.b/c\nrequire a.b/d v2.0.0\n",
    "module a.b/c\nrequire a.b/d v2.0.0+incompatible\n",
    "module a.b/c\nrequire a.b/d/v2 v1.0.0\n",
    "module a.b/c\nrequire a.b/d/v1 v1.0.0\n",
    "module a.b/c\nrequire gopkg.in/d v1.0.0\n",
    "module a.b/c\nrequire gopkg.in/d.v1 v0.0.0-20161208181325-20d25e280405\n",
    "module a.b/c\nrequire gopkg.in/d.v2-unstable v2.0.0\n",
    "module a.b/c\nrequire a.b/d latest\n",
    "module a.b/c\nrequire a.b/d\n",
    "module a.b/c\nrequire a.b/d v1.0.0 v1.0.1\n",
    "module a.b/c\nrequire \"a.b/d\" \"v1.0.0\"\n",
    "module a.b/c\nrequire a\"b v1.0.0\n",
    "module a.b/c\nrequire \"a.b/d\"\"v1.0.0\"\n",
    "module a.b/c\nrequire a.b/d v1.0.0// indirect\n",
    "module a.b/c\nrequire ( // words\n\ta.b/d v1.0.0\n) // indirect\n",
    "module a.b/c\nrequire (\n\ta.b/d v1.0.0 )\n)\n",
    "module a.b/c\nrequire (\n\ta.b/d v1.0.0\n",
    "module a.b/c\nrequire (\n\ta.b/d v1.0.0\n) x\n",
    "module a.b/c\nrequire (a.b/d v1.0.0)\n",
    "module a.b/c\nrequire () x\n",
    "module a.b/c\nrequire x (\n\ta.b/d v1.0.0\n)\n",
    "module a.b/c\nrequire () // nothing\nrequire (\n)\n",
    "module a.b/c\n)\n",
    "module a.b/c\n(\n)\n",
    "module a.b/c /* words */\n",
    "module a.b/c/*words\n",
    "module a.b/c\n/ /\n",
    "module \"a.b/c\n",
    "module \"a.b/c\\\"\n",
    "module \"a.b\\/c\"\n",
    "module `a.b/c\n`\n",
    "module a.b/c\u{feff}\n",
    "\u{feff}module a.b/c\n",
    "module a.b/\u{e4}\u{4e16}\u{1f600}\n",
    "module a.b/c\u{a0}d\n",
    "module a.b/c\u{7f}\n",
    "module a.b/c\u{0}\n",
    "module a.b/c\u{c}d\n",
    "module a.b/c\u{301}\n",
    "module a.b/c\u{200b}\n",
    "module a.b/c\nexclude a.b/d v1.0.0\nexclude (\n\ta.b/d v1.1\n\ta.b/e/v3 v3.0.0 // words\n)\n",
    "module a.b/c\nreplace a.b/d => ../d\nreplace a.b/d v1.0.0 => a.b/e v1.2\nreplace (\n\ta.b/f => /f\n\ta.b/g v1 => \"./g h\"\n)\n",
    "module a.b/c\nreplace a.b/d => a.b/e\n",
    "module a.b/c\nreplace a.b/d => a.b/e@v1.0.0\n",
    "module a.b/c\nreplace a.b/d => ./e v1.0.0\n",
    "module a.b/c\nreplace a.b/d => .\\e\n",
    "module a.b/c\nreplace a.b/d => C:e\n",
    "module a.b/c\nreplace a.b/d => \"C:\\\\e\"\n",
    "module a.b/c\nreplace a.b/d v2.0.0 => ./e\n",
    "module a.b/c\nreplace a.b/d => a.b/e/v2 v1.0.0\n",
    "module a.b/c\nreplace a.b/d/v1 => ./e\n",
    "module a.b/c\nreplace a.b/d ./e\n",
    "module a.b/c\nreplace a.b/d => ./e f g\n",
    "module a.b/c\nreplace a.b/d => \n",
    "module a.b/c\nretract v1.0.0\nretract [v1.0.0, v1.2]\nretract (\n\t// Broken\n\t// twice.\n\tv1.3.0\n\n\t[v1.4.0,v1.5.0] // so\n)\n// All.\nretract (\n\tv1.6.0\n)\n",
    "module a.b/c\nretract bad\n",
    "module a.b/c\nretract v1.0.0 v1.1.0\n",
    "module a.b/c\nretract [v1.0.0 v1.1.0]\n",
    "module a.b/c\nretract [v1.0.0, v1.1.0\n",
    "module a.b/c\nretract\n",
    "module a.b/c\ntool a.b/c/d\ntool (\n\t\"a.b/e\"\n)\n",
    "module a.b/c\ntool a.b/c/d e\n",
    "module a.b/c\nignore ./node_modules\nignore (\n\tstatic\n\t\"a b\"\n)\n",
    "module a.b/c\nignore a b\n",
    "module a.b/c\nunheard of\n",
    "module a.b/c\nunheard (\n\tof\n)\n",
    "module a.b/c\nunheard ()\n",
    "module a.b/c\nunheard \"\\\n\"\n",
    "require a.b/d v1.0.0\n\n\n// The end.",
    "module a.b/c // one // two\n//\n\t// three\n\ngo 1.21 // four",
];

/// go.work files with something odd about each.
const WORK_FILES: &[&str] = &[
    "",
    "go 1.22\n",
    "go 1.22.0\ntoolchain go1.23.0\nuse .\nuse (\n\t./a // a.b/a\n\t\"./b c\"\n\t../d\n)\nreplace a.b/c v1 => ./c\nreplace a.b/d => a.b/e v1.2.3\ngodebug x=1\n",
    "go 1.22\ngo 1.22\n",
    "go 1.22x\n",
    "toolchain local\n",
    "use\n",
    "use a b\n",
    "use 'a'\n",
    "use ()\n",
    "use x (\n)\n",
    "require a.b/c v1.0.0\n",
    "require (\n\ta.b/c v1.0.0\n)\n",
    "exclude a.b/c v1.0.0\n",
    "replace a.b/c => d\n",
    "godebug (\n\tx\n)\n",
    "use (\n\t./a\n",
];

#[test]
fn go_mod_files_are_read_as_go_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut different = Vec::new();
    for text in MOD_FILES {
        let ours = GoMod::parse(text, Reading::Edit).map(|file| of_mod(&file));
        compare(folder.path(), "go.mod", &["mod", "edit", "-json"], text, ours, &mut different);
    }
    assert!(different.is_empty(), "{}", different.join("\n\n"));
}

#[test]
fn go_work_files_are_read_as_go_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut different = Vec::new();
    for text in WORK_FILES {
        let ours = GoWork::parse(text).map(|file| of_work(&file));
        compare(folder.path(), "go.work", &["work", "edit", "-json"], text, ours, &mut different);
    }
    assert!(different.is_empty(), "{}", different.join("\n\n"));
}

#[test]
fn what_is_spliced_at_random_is_read_as_go_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut chance = fastrand::Rng::with_seed(6);
    let mut different = Vec::new();
    for _ in 0..SPLICED {
        let text = spliced(&mut chance);
        let ours = GoMod::parse(&text, Reading::Edit).map(|file| of_mod(&file));
        compare(folder.path(), "go.mod", &["mod", "edit", "-json"], &text, ours, &mut different);
    }
    assert!(different.is_empty(), "{}", different.join("\n\n"));
}

/// How many files are spliced: each takes Go some ten milliseconds.
const SPLICED: usize = 150;

/// A file of [`MOD_FILES`] with pieces of others in it.
fn spliced(chance: &mut fastrand::Rng) -> String {
    const PIECES: [&str; 24] = [
        "\n",
        " ",
        "\t",
        "(",
        ")",
        "[",
        "]",
        ",",
        "\"",
        "`",
        "//",
        "/*",
        "// indirect",
        "=>",
        "v1.2",
        "v2.0.0+incompatible",
        "a.b/d",
        "./e",
        "require",
        "retract",
        "\\",
        "\r\n",
        "go 1.22",
        "\n)\n",
    ];
    let mut text: Vec<char> = chance.choice(MOD_FILES).into_iter().flat_map(|text| text.chars()).collect();
    for _ in 0..chance.usize(1..4) {
        let at = chance.usize(0..=text.len());
        let to = chance.usize(at..=text.len().min(at + 6));
        let piece: Vec<char> = if chance.bool() {
            chance.choice(PIECES).into_iter().flat_map(str::chars).collect()
        } else {
            let other: Vec<&str> =
                chance.choice(MOD_FILES).into_iter().flat_map(|text| text.split_inclusive('\n')).collect();
            chance.choice(other).into_iter().flat_map(str::chars).collect()
        };
        text.splice(at..to, piece);
    }
    text.into_iter().collect()
}

/// Compares what both say, or that both refuse, and at which line.
fn compare<E: std::fmt::Display>(
    folder: &Path,
    name: &str,
    arguments: &[&str],
    text: &str,
    ours: Result<Value, E>,
    different: &mut Vec<String>,
) {
    let file = folder.join(name);
    write_file(&file, text);
    let mut go = command(go());
    go.args(arguments)
        .arg(&file)
        .current_dir(folder)
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "")
        .env("GOWORK", "off");
    let finished = run(&mut go);
    let ours = ours.map_err(|error| error.to_string());
    let same = if finished.code == Some(0) {
        let theirs = without_nothing(serde_json::from_str(&finished.stdout).expect("JSON of Go"));
        ours.as_ref().is_ok_and(|ours| without_nothing(ours.clone()) == theirs)
    } else {
        let line = |reason: &String| reason.split([' ', ':']).nth(1).map(str::to_owned);
        ours.as_ref().err().and_then(line).is_some_and(|line| finished.stderr.contains(&format!("{name}:{line}:")))
    };
    if !same {
        different.push(format!("{text:?}\nGo: {}{}ours: {ours:?}", finished.stdout, finished.stderr));
    }
}

/// The pinned toolchain: that of `make deps`, else the one on `PATH`, which `make` has made sure of.
fn go() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/go/bin/go");
    if own.exists() { own } else { PathBuf::from("go") }
}

fn of_mod(file: &GoMod) -> Value {
    let modules = |all: Vec<Value>| Value::from(all);
    json!({
        "Module": { "Path": file.module, "Deprecated": file.deprecated },
        "Go": file.go,
        "Toolchain": file.toolchain,
        "GoDebug": pairs(&file.godebug),
        "Require": modules(file.require.iter().map(|line| json!({
            "Path": line.module.path, "Version": line.module.version, "Indirect": line.indirect,
        })).collect()),
        "Exclude": modules(file.exclude.iter().map(|line| json!({ "Path": line.path, "Version": line.version })).collect()),
        "Replace": replaces(&file.replace),
        "Retract": modules(file.retract.iter().map(|line| json!({
            "Low": line.low, "High": line.high, "Rationale": line.rationale,
        })).collect()),
        "Tool": modules(file.tool.iter().map(|path| json!({ "Path": path })).collect()),
        "Ignore": modules(file.ignore.iter().map(|path| json!({ "Path": path })).collect()),
    })
}

fn of_work(file: &GoWork) -> Value {
    json!({
        "Go": file.go,
        "Toolchain": file.toolchain,
        "Godebug": pairs(&file.godebug),
        "Use": file.uses.iter().map(|line| json!({ "DiskPath": line.path })).collect::<Vec<_>>(),
        "Replace": replaces(&file.replace),
    })
}

fn pairs(godebug: &[(String, String)]) -> Value {
    godebug.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

fn replaces(lines: &[Replace]) -> Value {
    let line = |line: &Replace| {
        json!({
            "Old": { "Path": line.path, "Version": line.version },
            "New": { "Path": line.by.path, "Version": line.by.version },
        })
    };
    lines.iter().map(line).collect()
}

/// Without empty values: Go leaves out some, and writes others.
fn without_nothing(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            let kept = entries.into_iter().map(|(key, value)| (key, without_nothing(value)));
            let mut kept: Vec<_> = kept.filter(|(_, value)| !is_nothing(value)).collect();
            kept.sort_by(|left, right| left.0.cmp(&right.0));
            Value::Object(kept.into_iter().collect())
        }
        Value::Array(all) => all.into_iter().map(without_nothing).collect(),
        other => other,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    }
}
