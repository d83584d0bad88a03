use super::*;
use crate::go::constraint::Mask;

fn facts(mut builder: Builder, files: &[(&str, &str)]) -> ModuleFacts {
    for (path, content) in files {
        builder.add(path, Content::Bytes(content.as_bytes()));
    }
    builder.finish("h1:sum".to_owned(), "sha256-hash".to_owned()).unwrap()
}

fn names<'a>(folder: &'a Folder<&str>) -> Vec<&'a str> {
    folder.files.iter().map(|file| file.name).collect()
}

#[test]
fn folders_are_read_alone() {
    let files = [
        ("go.mod", "module m\n"),
        ("go.sum", "x v1.0.0 h1:x=\n"),
        ("COPYING.txt", super::licence::tests::MIT),
        ("b/LICENSE", "another"),
        ("b/z.go", "package b\nimport (\"os\"; \"io\")\n"),
        ("b/a.go", "package b\nimport \"io\"\n"),
        ("b/x.c", ""),
        ("b/readme.md", ""),
        ("c/only.s", ""),
        ("d/_hidden.go", "package d\n"),
        ("a.go", "package m\n"),
    ];
    let read = ModuleFacts::from_bytes(facts(Builder::module(), &files).to_bytes().to_vec()).unwrap();
    assert_eq!((read.sum(), read.hash(), read.go_mod()), ("h1:sum", "sha256-hash", Some("module m\n")));
    assert_eq!((read.go_sum(), read.licence()), (Some("x v1.0.0 h1:x=\n"), Some("MIT")));
    assert_eq!(read.go_folders().collect::<Vec<_>>(), ["", "b"]);
    assert!(read.has_go("b") && !read.has_go("c") && !read.has_go("d") && !read.has_go("nowhere"));
    let folder = read.folder("b").unwrap().unwrap();
    assert_eq!(names(&folder), ["a.go", "x.c", "z.go"]);
    assert_eq!(folder.imports, ["io", "os"]);
    let Kind::Go(last) = &folder.files[2].kind else { panic!() };
    assert_eq!(last.imports, [1, 0]);
    assert_eq!(read.folder("nowhere").unwrap(), None);
}

#[test]
fn tests_are_kept_only_as_far_as_they_say_something() {
    let files = [
        ("a.go", "package m\n"),
        ("a_test.go", "package m\n"),
        ("b_test.go", "package m_test\n"),
        ("c_linux_test.go", "package m\n"),
        ("d_test.go", "package other\n"),
        ("e_test.go", "package m\nimport \"x\n"),
    ];
    let facts = facts(Builder::module(), &files);
    let folder = facts.folder("").unwrap().unwrap();
    assert_eq!(names(&folder), ["a.go", "a_test.go", "c_linux_test.go", "d_test.go", "e_test.go"]);
}

#[test]
fn a_file_is_for_what_its_name_and_its_comments_say() {
    let facts = facts(Builder::module(), &[("a_linux.go", "//go:build amd64\n\npackage m\n"), ("b_linux.go", "\0")]);
    let folder = facts.folder("").unwrap().unwrap();
    let on = |file: usize, tags: &[&str]| {
        let holds = |tag: &str| Mask::from(tags.contains(&tag));
        folder.files[file].constraint.evaluate(1, holds) == 1
    };
    assert!(on(0, &["linux", "amd64"]) && !on(0, &["linux"]) && !on(0, &["amd64"]));
    assert!(on(1, &["linux"]) && !on(1, &[]));
    assert!(matches!(folder.files[1].kind, Kind::Unreadable { test: false, .. }));
}

#[test]
fn other_modules_in_a_folder_of_the_project_are_not_its_files() {
    let files = [
        ("a.go", "package m\n"),
        ("b/go.mod", "module b\n"),
        ("b/b.go", "package b\n"),
        ("b/c/c.go", "package c\n"),
        ("d/_x.go", ""),
    ];
    let facts = facts(Builder::local(), &files);
    assert_eq!(facts.go_folders().collect::<Vec<_>>(), ["", "d"]);
    assert_eq!(facts.go_mod(), None);
}

#[test]
fn kept_facts_that_are_damaged_are_refused_or_read_without_failing() {
    let bytes = facts(Builder::module(), &[("a.go", "package m\nimport \"os\"\n"), ("b/b.go", "package b\n")])
        .to_bytes()
        .to_vec();
    assert_eq!(ModuleFacts::from_bytes(b"nwgo\0\0\0\xff rest".to_vec()), Err(FactsError::Version));
    for cut in 0..bytes.len() {
        look(bytes[..cut].to_vec());
        for value in [0, 1, 0x7f, 0xff] {
            let mut changed = bytes.clone();
            changed[cut] = value;
            look(changed);
        }
    }
}

fn look(bytes: Vec<u8>) {
    if let Ok(facts) = ModuleFacts::from_bytes(bytes) {
        let _ = facts.folder("");
        let _ = facts.folder("b");
        let _ = facts.go_folders().count();
    }
}

#[test]
fn a_toolchain_says_what_it_is() {
    let experiments = r#"
package buildcfg
func ParseGOEXPERIMENT(goos, goarch, goexp string) (*ExperimentFlags, error) {
	// With a comment: "{".
	var regabiSupported, regabiAlwaysOn bool
	switch goarch {
	case "amd64", "arm64":
		regabiAlwaysOn = true
		regabiSupported = true
	case "riscv64":
		regabiSupported = true
	}
	haveXchg8 := false
	dwarf5Supported := (goos != "darwin" && goos != "ios" || goarch == "wasm")
	baseline := goexperiment.Flags{
		RegabiArgs: regabiSupported,
		Dwarf5:     dwarf5Supported,
		JSONv2:     true,
		SpinbitMutex: haveXchg8,
	}
	flags := &ExperimentFlags{Flags: baseline}
"#;
    let configured = "const version = `go1.27.3`\nconst defaultGOEXPERIMENT = `noaliases,arenas`\nconst DefaultGOAMD64 = `v3`\n\
                      const DefaultGOARM64 = `v9.0`\nconst DefaultGOARM = `7`\nconst DefaultGORISCV64 = `rva22u64`\nconst DefaultGO386 = `sse2`\n";
    let standard = |experiments: &str| {
        let mut builder = StandardLibrary::builder();
        builder.add("internal/buildcfg/exp.go", Content::Bytes(experiments.as_bytes()));
        builder.add("internal/buildcfg/zbootstrap.go", Content::Bytes(configured.as_bytes()));
        builder.add("internal/goversion/goversion.go", Content::Bytes(b"package goversion\n\nconst Version = 27\n"));
        builder.add("cmd/go/main.go", Content::Bytes(b"package main\n"));
        builder.add("fmt/print.go", Content::Bytes(b"package fmt\n"));
        builder.finish()
    };
    let library = standard(experiments).unwrap();
    assert_eq!((library.version(), library.minor()), ("1.27.3", 27));
    assert_eq!(StandardLibrary::from_bytes(&library.to_bytes().unwrap()), Ok(library.clone()));
    assert!(library.has("fmt") && !library.has("cmd/go") && !library.has(""));
    let tags = |os, arch| library.tool_tags(os, arch).join(" ");
    insta::assert_snapshot!(tags("linux", "amd64"), @"goexperiment.regabiargs goexperiment.dwarf5 goexperiment.jsonv2 goexperiment.arenas amd64.v1 amd64.v2 amd64.v3");
    insta::assert_snapshot!(tags("darwin", "arm64"), @"goexperiment.regabiargs goexperiment.jsonv2 goexperiment.arenas arm64.v9.0 arm64.v8.0 arm64.v8.1 arm64.v8.2 arm64.v8.3 arm64.v8.4 arm64.v8.5");
    insta::assert_snapshot!(tags("ios", "riscv64"), @"goexperiment.regabiargs goexperiment.jsonv2 goexperiment.arenas riscv64.rva20u64 riscv64.rva22u64");
    insta::assert_snapshot!(tags("js", "wasm"), @"goexperiment.dwarf5 goexperiment.jsonv2 goexperiment.arenas wasm.satconv wasm.signext");
    insta::assert_snapshot!(tags("linux", "arm"), @"goexperiment.dwarf5 goexperiment.jsonv2 goexperiment.arenas arm.5 arm.6 arm.7");
    insta::assert_snapshot!(tags("linux", "386"), @"goexperiment.dwarf5 goexperiment.jsonv2 goexperiment.arenas 386.sse2");
    insta::assert_snapshot!(standard("func other() {}").unwrap_err(), @"src/internal/buildcfg/exp.go of the Go toolchain does not say which experiments are on in a way that is understood: use another version of Go");
    let loops = experiments.replace("haveXchg8 := false", "for haveXchg8 := range goos {}");
    assert!(standard(&loops).is_err());
    assert_eq!(
        StandardLibrary::builder().finish().unwrap_err().to_string(),
        "src/internal/buildcfg/zbootstrap.go of the Go toolchain does not say its version in a way that is understood: use another version of Go"
    );
}
