//! Programs that the bot builds, and what they say of themselves beside what a build of cargo's own says.

use std::collections::BTreeMap;
use std::path::Path;

use nixwright_tests::corpus::{Built, Corpus, NotBuilt, Program, first_line};
use nixwright_tests::process::{cargo, command, run};

/// What does not change what a program says of its version, and takes cargo long.
const QUICK: [(&str, &str); 4] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "0"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
];

/// What upstreams tell their own builds of a release, without which these call themselves something else, and the time that all builders here
/// have: some say when they were compiled.
const AS_RELEASED: [(&str, &str); 2] = [("GITUI_RELEASE", "1"), ("SOURCE_DATE_EPOCH", "315532800")];

/// The table of all programs; whether each was built, or is left out for what the machine lacks, and says the same as cargo's.
pub(super) fn table(home: &Path, purls: &[&str], source: impl Fn(&Program) -> std::path::PathBuf) -> bool {
    println!("\n## Built\n");
    println!(
        "The strategy is `auto`: `vendored` stands where `shared` was given up, with the reason. Units are derivations; those that"
    );
    println!(
        "were in Nix's store before are reused. Each program is asked for its `--version`, and so is one that cargo built,"
    );
    println!("with what upstreams set for their own releases (`GITUI_RELEASE=1`) and the time of the builders.\n");
    println!("| program | strategy | units built | reused | `--version` |\n|---|---|---|---|---|");
    let programs: Vec<Program> = purls.iter().map(|purl| Program::parse(purl)).collect();
    let corpus = Corpus::new(&programs);
    let mut well = true;
    for program in &programs {
        eprintln!("building {} {}", program.attr, program.version);
        let (row, good) = match corpus.build(&program.attr) {
            Ok(built) => row(&built, home, &source(program)),
            Err(NotBuilt::NotServed) => {
                ("- | | | left out: a crate is not on this machine's registry".to_owned(), true)
            }
            Err(NotBuilt::Failed(reason)) => {
                // What no builder can mend, with the version that is asked for.
                let is_old = reason.contains(" needs Rust ");
                let said = reason.split(": error: ").last().unwrap_or(&reason).to_owned();
                (format!("- | | | {}: {said}", if is_old { "left out" } else { "**not built**" }), is_old)
            }
        };
        well &= good;
        println!("| {}@{} | {row} |", program.upstream, program.version);
    }
    let [one, all] = [Some("gitui"), None].map(|attr| corpus.evaluation(attr).as_millis());
    println!(
        "\nEvaluated to its derivation (`nix-instantiate`, best of 5): gitui {one} ms, all of them together {all} ms."
    );
    well
}

fn row(built: &Built, home: &Path, source: &Path) -> (String, bool) {
    let Built { strategy, units: [new, reused], output, .. } = built;
    let ours = versions(&output.join("bin"));
    let target = home.join("built-by-cargo");
    let mut compile = cargo(home);
    compile.args(["build", "--release", "--locked", "--ignore-rust-version", "--quiet", "--target-dir"]).arg(&target);
    let finished = run(compile.envs(QUICK).envs(AS_RELEASED).current_dir(source));
    let (said, good) = if finished.code == Some(0) {
        let theirs = versions(&target.join("release"));
        let differs = ours.iter().find(|(name, said)| theirs.get(*name) != Some(said));
        match differs {
            None => (format!("equal: {}", ours.values().map(String::as_str).collect::<Vec<_>>().join(", ")), true),
            Some((name, said)) => {
                let cargos = theirs.get(name).map_or("nothing", String::as_str);
                (format!("**differs**: {name}: {said}, and cargo's: {cargos}"), false)
            }
        }
    } else {
        (format!("**cargo cannot build it**: {}", first_line(&finished.stderr)), false)
    };
    for program in ours.keys() {
        let _ = std::fs::remove_file(target.join("release").join(program));
    }
    (format!("{strategy} | {new} | {reused} | {said}"), good)
}

/// What each program of a folder says, by its name; the first line.
fn versions(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let programs = entries.filter(|entry| {
        let name = entry.file_name();
        entry.path().is_file() && !name.to_string_lossy().contains('.')
    });
    let said = programs.map(|entry| {
        let finished = run(command(entry.path()).arg("--version"));
        (entry.file_name().to_string_lossy().into_owned(), first_line(&finished.stdout))
    });
    said.collect()
}
