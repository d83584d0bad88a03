use super::*;

fn go(content: &str) -> GoSource {
    read_go(content.as_bytes()).unwrap().go.unwrap()
}

#[test]
fn the_package_and_its_imports_are_read() {
    let file = go(
        "\u{feff}// Package a\n\npackage a // comment\n\nimport \"fmt\"\nimport (\n\tx \"example.org/x\"; . \"os\"\n\t_ `strings` // why\n\t/* more */ \"fmt\"\n)\n\nvar a = \"import\"\nimport \"late\"\n",
    );
    assert_eq!(file.package, "a");
    assert_eq!(file.imports, ["fmt", "example.org/x", "os", "strings"]);
    assert_eq!(file.error, None);
}

#[test]
fn imports_may_be_spread_over_lines_and_escaped() {
    let file = go("package\na\nimport\n\"\\x66m\\u0074\"\nimport/* c */(\n)\nimport /*\n*/ \"io\"");
    assert_eq!(file.imports, ["fmt", "io"]);
    assert_eq!(file.error, None);
    assert_eq!(go("package a;import \"os\";import \"io\"").imports, ["os", "io"]);
    // What follows an empty statement is code to the parser.
    assert_eq!(go("package a\n;\nimport \"os\"\n").imports, Vec::<String>::new());
}

#[test]
fn what_go_refuses_is_refused() {
    let error = |content: &str| go(content).error.unwrap_or_default();
    for content in [
        "",
        "// nothing\n",
        "package\n",
        "package func\n",
        "package a import \"os\"\n",
        "package a\nimport os\n",
        "package a\nimport \"os\n\"\n",
        "package a\nimport \"a b\"\n",
        "package a\nimport \"\"\n",
        "package a\nimport (\n\"os\"\n",
        "package a\nimport \"os\" \"io\"\n",
        "package a\n/* no end",
        "package a\nimport `no end",
    ] {
        assert_ne!(error(content), "", "{content}");
    }
    assert!(read_go(b"package a\xff\nimport \"os\"\n").unwrap().go.unwrap().error.is_some());
    assert_eq!(read_go(b"// \xe9\npackage a\n").unwrap().go.unwrap().error.unwrap(), "illegal UTF-8 encoding");
    assert_eq!(read_go(b"package a\n\0").unwrap_err().0, "unexpected NUL in input");
    assert!(read_go(b"package a\nvar x = `\0`").is_ok());
    // What is wrong with the code is not looked at.
    assert_eq!(error("package a\ninvalid \"\n"), "");
}

#[test]
fn cgo_lines_are_those_of_the_comment_right_before_the_import() {
    let flags = |content: &str| -> Vec<String> {
        let file = go(content);
        assert!(file.uses_c, "{content}");
        file.cgo.iter().map(|line| format!("{:?} {}", line.verb, line.arguments.join("|"))).collect()
    };
    assert_eq!(
        flags("package a\n\n// #cgo CFLAGS: -DA\n// #cgo LDFLAGS: -lm -la\nimport \"C\"\n"),
        ["C -DA", "Linker -lm|-la"]
    );
    assert_eq!(flags("package a\n/*\n#cgo CFLAGS: -DA\n#include <a.h>\n*/\nimport \"C\"\n"), ["C -DA"]);
    assert_eq!(flags("package a\n// #cgo CFLAGS: -DA\n\nimport \"C\"\n"), [""; 0]);
    assert_eq!(flags("package a\n/* #cgo CFLAGS: -DA */ import \"C\"\n"), [""; 0]);
    assert_eq!(flags("package a // #cgo CFLAGS: -DA\nimport \"C\"\n"), [""; 0]);
    assert_eq!(flags("package a\n// #cgo CFLAGS: -DA\nimport (\n\t\"C\"\n)\n"), ["C -DA"]);
    assert_eq!(flags("package a\n// #cgo CFLAGS: -DA\nimport (\n\t\"C\"\n\t\"os\"\n)\n"), [""; 0]);
    assert_eq!(flags("package a\nimport (\n\t\"os\"\n\t// #cgo CFLAGS: -DA\n\t\"C\"\n)\n"), ["C -DA"]);
    assert_eq!(flags("package a\n// #cgo CFLAGS: -DA\n\n// #cgo CFLAGS: -DB\nimport \"C\"\n"), ["C -DB"]);
}

#[test]
fn cgo_lines_are_read_as_go_does() {
    let lines = |text: &str| cgo::cgo_lines(&format!("// {text}"));
    let arguments = |text: &str| lines(text).pop().unwrap().arguments;
    assert_eq!(
        arguments("#cgo CFLAGS: -I${SRCDIR}/x -Iinc/../y -I . -L../l -I/usr"),
        ["-I${SRCDIR}/x", "-I${SRCDIR}/y", "-I", "${SRCDIR}", "-L${SRCDIR}/../l", "-I/usr"]
    );
    assert_eq!(arguments("#cgo pkg-config: a 'b c'"), ["a", "b c"]);
    assert_eq!(
        arguments("#cgo LDFLAGS: -Wl,-rpath,\\$ORIGIN \"\""),
        ["invalid #cgo line: #cgo LDFLAGS: -Wl,-rpath,\\$ORIGIN \"\""]
    );
    for broken in
        ["#cgo CFLAGS -DA", "#cgo : -DA", "#cgo OTHER: x", "#cgo CFLAGS: 'a", "#cgo CFLAGS: `a`", "#cgo CFLAGS: a\\"]
    {
        assert_eq!(lines(broken).pop().unwrap().verb, Verb::Invalid, "{broken}");
    }
    for none in
        ["#cgo", "#cgox CFLAGS: a", "cgo CFLAGS: a", "#cgo noescape f", "#cgo nocallback f", "#cgo (a CFLAGS: x"]
    {
        assert_eq!(lines(none), Vec::new(), "{none}");
    }
    let when = |text: &str, tag: &str| lines(text).pop().unwrap().when.evaluate(1, |name| u64::from(name == tag));
    assert_eq!(when("#cgo linux darwin LDFLAGS: -lm", "darwin"), 1);
    assert_eq!(when("#cgo linux,amd64 LDFLAGS: -lm", "linux"), 0);
    assert_eq!(when("#cgo (linux||darwin)&&!x LDFLAGS: -lm", "linux"), 1);
    assert_eq!(when("#cgo LDFLAGS: -lm", "x"), 1);
}

#[test]
fn embed_lines_count_only_as_comments_and_with_the_import() {
    let embeds = |content: &str| go(content).embeds;
    let rest = "\n//go:embed a b*\n  //go:embed \"c d\" `e`\nvar x = \"//go:embed f\"\nvar y = `\n//go:embed g\n`\nvar z = '\"' //go:embed h\n/*\n//go:embed i\n*/\n//go:embedded j\n// go:embed k\n//go:embed \"l\"m\n//go:embed all:n\r\n";
    assert_eq!(embeds(&format!("package a\nimport _ \"embed\"{rest}")), ["a", "b*", "c d", "e", "h", "all:n"]);
    assert_eq!(embeds(&format!("package a{rest}")), [""; 0]);
}

#[test]
fn debug_settings_stand_before_the_package_clause() {
    let file = go(
        "//go:debug a=1\n/* x */ //go:debug b=2 \n// go:debug c=3\n//go:debugd=4\n//go:debug e\npackage main\n//go:debug f=6\n",
    );
    assert_eq!(file.debug, ["a=1", "b=2"]);
}

#[test]
fn comments_of_other_languages_are_read_up_to_the_first_code() {
    let constraint = |content: &[u8]| read_other(content).map(|source| source.constraint);
    assert_eq!(constraint(b"//go:build linux\n#include <a.h>\n").unwrap(), Constraint::tag("linux".to_owned()));
    assert_eq!(constraint(b"// +build linux\n\n#include <a.h>\n").unwrap(), Constraint::tag("linux".to_owned()));
    assert_eq!(constraint(b"#include <a.h>\n//go:build linux\n").unwrap(), Constraint::default());
    // Go takes a file whose comments it cannot read.
    assert_eq!(constraint(b"//go:build linux\n/ x\n").unwrap(), Constraint::default());
    assert_eq!(constraint(b"//go:build linux\n\0").unwrap(), Constraint::default());
    assert!(constraint(b"//go:build a b\n").is_err());
}

#[test]
fn no_bytes_make_it_fail() {
    let mut random = 1_u64;
    let alphabet: &[&[u8]] = &[
        b"package a\n",
        b"import ",
        b"\"",
        b"`",
        b"(",
        b")",
        b"//",
        b"/*",
        b"*/",
        b"\n",
        b"\\",
        b"'",
        b"\xff",
        b"x",
        b"\"embed\"",
        b"//go:embed ",
        b"#cgo ",
        b"\"C\"",
        b";",
        b"\0",
    ];
    for _ in 0..20_000 {
        let mut content = Vec::new();
        for _ in 0..12 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            content.extend_from_slice(alphabet[usize::try_from(random >> 33).unwrap() % alphabet.len()]);
        }
        let _ = read_go(&content);
        let _ = read_other(&content);
    }
}
