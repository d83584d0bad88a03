//! The files of a package.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Style;
use crate::chance::Chance;

/// What a package has to say.
pub(super) struct Content<'a> {
    pub(super) name: &'a str,
    pub(super) imports: Vec<String>,
    pub(super) tests: Vec<String>,
}

/// Ends of file names, some of which mean a system.
const ENDS: [&str; 14] = [
    "_linux",
    "_darwin",
    "_windows",
    "_amd64",
    "_arm64",
    "_linux_amd64",
    "_darwin_arm64",
    "_unix",
    "_other",
    "_linux_test_x",
    ".pb_linux",
    "_js_wasm",
    "_ios",
    "_LINUX",
];

const CONSTRAINTS: [&str; 18] = [
    "//go:build linux\n\n",
    "//go:build darwin && arm64\n\n",
    "//go:build unix\n\n",
    "//go:build !unix || amd64\n\n",
    "//go:build cgo\n\n",
    "//go:build !cgo\n\n",
    "//go:build go1.18\n\n",
    "//go:build !go1.28 && (linux || (darwin && !arm64))\n\n",
    "//go:build go1.99\n\n",
    "//go:build ignore\n\n",
    "//go:build gc && amd64.v1\n\n",
    "//go:build tagged\n\n",
    "// +build linux darwin,arm64\n\n",
    "// +build !linux\n// +build amd64\n\n",
    "// +build linux\n",
    "//go:build linux\n// +build darwin\n\n",
    "// Words first.\n\n//go:build !linux\n",
    "/* block */\n\n//go:build arm64\n\n",
];

const STANDARD: [&str; 10] =
    ["errors", "errors", "unicode/utf8", "unicode/utf8", "sync/atomic", "io", "strings", "unsafe", "os", "net"];

/// Writes the files of one version of a package. Its shape is the same in all versions, with one difference now and then.
pub(super) fn write(
    chance: &mut Chance,
    style: &Style,
    shape: u64,
    content: Content<'_>,
    folder: &str,
    files: &mut BTreeMap<String, String>,
) {
    let seed = if chance.percent(80) { shape } else { chance.0.u64(..) };
    let shape = &mut Chance(fastrand::Rng::with_seed(seed));
    let name = content.name;
    let mut add = |file: &str, text: String| files.insert(format!("{folder}/{file}"), text);
    let (mut first, mut later) = (content.imports, Vec::new());
    if shape.percent(style.systems) && !first.is_empty() {
        later = first.split_off(first.len() / 2);
    }
    let plain = format!("{name}{name}.go");
    if !later.is_empty() || shape.percent(style.systems) {
        let end = shape.pick(&ENDS);
        let file = format!("{name}{end}.go");
        let constraint = if shape.percent(25) { *shape.pick(&CONSTRAINTS) } else { "" };
        add(&file, go(name, constraint, &std::mem::take(&mut later)));
    }
    if shape.percent(style.systems / 2) {
        let constraint = *shape.pick(&CONSTRAINTS);
        let file = if constraint.contains("ignore") { "generate.go" } else { "tagged.go" };
        let package = if constraint.contains("ignore") { "main" } else { name };
        let half = first.split_off(first.len() / 2);
        add(file, go(package, constraint, &half));
    }
    if shape.percent(style.c) {
        add("bridge.go", c_bridge(shape, name));
        add("bridge.c", "#include \"bridge.h\"\nint bridge(void) { return 1; }\n".to_owned());
        add("bridge.h", "int bridge(void);\n".to_owned());
        add(shape.pick::<&str>(&["bridge.cc", "bridge_linux.c", "bridge.S", "bridge_amd64.s"]), "\n".to_owned());
        add("nobridge.go", go(name, "//go:build !cgo\n\n", &[]));
    } else if shape.0.u32(0..2000) < style.wrong {
        add("alone.c", "int alone;\n".to_owned());
    }
    if shape.percent(4) {
        add("sum_amd64.s", "\n".to_owned());
        add("sum_arm64.s", "\n".to_owned());
    }
    if shape.percent(6) {
        let pattern = *shape.pick(&["data.txt", "*.txt", "texts", "all:texts", "texts/*.md data.txt"]);
        add("data.txt", "data\n".to_owned());
        add("texts/one.md", "one\n".to_owned());
        add("texts/_two.md", "two\n".to_owned());
        let text = format!("package {name}\n\nimport _ \"embed\"\n\n//go:embed {pattern}\nvar data string\n");
        // Only a folder's files are embedded into one string: whether they fit the variable is the compiler's business.
        add("embedded.go", text);
    }
    if !content.tests.is_empty() {
        let outside = shape.percent(40);
        let (file, package) =
            if outside { ("outside_test.go", format!("{name}_test")) } else { ("inside_test.go", name.to_owned()) };
        add(file, go(&package, "", &content.tests));
    }
    if shape.0.u32(0..2000) < style.wrong {
        add("stranger.go", go("stranger", "", &[]));
    }
    if shape.0.u32(0..1000) < style.wrong {
        first.push("registry.example/nowhere".to_owned());
    }
    if shape.percent(97) {
        if shape.percent(50) {
            first.push((*shape.pick(&STANDARD)).to_owned());
        }
        add(&plain, go(name, "", &first));
    }
}

fn go(name: &str, constraint: &str, imports: &[String]) -> String {
    let mut text = format!("{constraint}package {name}\n");
    if !imports.is_empty() {
        text.push_str("\nimport (\n");
        for import in imports {
            let _ = writeln!(text, "\t_ \"{import}\"");
        }
        text.push_str(")\n");
    }
    text
}

fn c_bridge(shape: &mut Chance, name: &str) -> String {
    let flags = *shape.pick(&[
        "",
        "#cgo CFLAGS: -DBRIDGE=1\n",
        "#cgo linux LDFLAGS: -lm\n#cgo darwin,arm64 CFLAGS: -O1\n",
        "#cgo pkg-config: zlib\n#cgo LDFLAGS: -L${SRCDIR}/lib\n",
    ]);
    format!("package {name}\n\n/*\n{flags}#include \"bridge.h\"\n*/\nimport \"C\"\n")
}
