//! Programs that the bot builds, held to the byte against what `go build` makes of the same release.

use std::path::Path;

use nixwright_tests::corpus::{self, Built, Corpus, NotBuilt, first_line};
use nixwright_tests::go::judge::Go;
use nixwright_tests::go::program::Program;
use nixwright_tests::process::run;

/// What Go is told, so that neither places nor times are in a program.
const AS_GO: [&str; 4] = ["build", "-trimpath", "-buildvcs=false", "-ldflags=-buildid="];

/// The table of all programs; whether all are the same.
pub(super) fn table(home: &Path, go: &Go, purls: &[&str]) -> bool {
    println!("\n## Binaries\n");
    println!(
        "The strategy is `auto`: `vendored` stands where `shared` was given up, with the reason. Go is told `{}`.",
        AS_GO.join(" ")
    );
    println!("Units are packages and the standard library; those that were in Nix's store before are reused.\n");
    println!("| program | strategy | units built | reused | binary |");
    println!("|---|---|---|---|---|");
    let programs: Vec<Program> = purls.iter().map(|purl| Program::parse(purl)).collect();
    let named = programs.iter().map(|program| corpus::Program {
        attr: program.name().to_owned(),
        upstream: program.purl.replacen(&format!("@{}", program.version), "", 1),
        version: program.version.clone(),
    });
    let corpus = Corpus::new(&named.collect::<Vec<_>>());
    let mut well = true;
    for program in &programs {
        eprintln!("binary of {}", program.purl);
        let (row, same) = row(&corpus, home, go, program);
        well &= same;
        println!("| {} | {row} |", program.purl);
    }
    well
}

/// Strategy, counts and outcome; whether the program is the same.
fn row(corpus: &Corpus, home: &Path, go: &Go, program: &Program) -> (String, bool) {
    let built = match corpus.build(program.name()) {
        Ok(built) => built,
        Err(NotBuilt::NotServed) => {
            return ("- | | | not built: a module is not on this machine's proxy".to_owned(), true);
        }
        Err(NotBuilt::Failed(reason)) => return (format!("- | | | **not built**: {reason}"), false),
    };
    let (outcome, same) = match compared(&built, home, go, program) {
        Ok(true) => ("identical".to_owned(), true),
        Ok(false) => ("**differs**".to_owned(), false),
        Err(reason) => (format!("**not compared**: {}", first_line(&reason)), false),
    };
    let Built { strategy, units: [new, reused], .. } = built;
    (format!("{strategy} | {new} | {reused} | {outcome}"), same)
}

/// Whether the package's program is what Go makes.
fn compared(built: &Built, home: &Path, go: &Go, program: &Program) -> Result<bool, String> {
    let ours = built.output.join("bin").join(program.name());
    let folder = home.join("judged");
    program.unpack(go, &folder)?;
    let output = home.join("judged-program");
    let mut compile = go.command(&folder);
    let finished = run(compile.env("GOWORK", "off").args(AS_GO).arg("-o").arg(&output).arg(&program.pattern));
    let _ = std::fs::remove_dir_all(&folder);
    if finished.code != Some(0) {
        return Err(finished.output());
    }
    let read = |file: &Path| std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()));
    let same = read(&ours)? == read(&output)?;
    let _ = std::fs::remove_file(&output);
    Ok(same)
}
