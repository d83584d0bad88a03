//! Programs that the bot builds and starts.

use nixwright_tests::corpus::{Built, Corpus, NotBuilt, Program, first_line};
use nixwright_tests::process::{command, run, stdout_of};
use serde_json::Value;

/// The table of all programs; whether each was built and starts.
pub(super) fn table(purls: &[&str]) -> bool {
    let node = stdout_of(command("node").arg("--version"));
    println!("\n## Built and started\n");
    println!(
        "With node {}, in the sandbox, without network. Bytes are those of `graph.json` for four systems, divided by its",
        node.trim()
    );
    println!("rows. Scripts are install scripts, each a derivation of its own.\n");
    println!("| program | entries | bytes an entry | scripts | `--version` |\n|---|---|---|---|---|");
    let programs: Vec<Program> = purls.iter().map(|purl| Program::parse(purl)).collect();
    let corpus = Corpus::new(&programs);
    let mut well = true;
    for program in &programs {
        let (row, good) = match corpus.build(&program.attr) {
            Ok(built) => row(&built),
            Err(NotBuilt::NotServed) => {
                ("- | | | left out: a package is not on this machine's registry".to_owned(), true)
            }
            Err(NotBuilt::Failed(reason)) => {
                let said = reason.split(": error: ").last().unwrap_or(&reason);
                (format!("- | | | **not built**: {said}"), false)
            }
        };
        well &= good;
        println!("| {}@{} | {row} |", program.upstream, program.version);
    }
    well
}

fn row(built: &Built) -> (String, bool) {
    let graph: Value = serde_json::from_str(&built.graph).unwrap_or_default();
    let packages = graph["packages"].as_object();
    let entries = packages.map_or(0, serde_json::Map::len);
    let scripts = packages.into_iter().flatten().filter(|(_, row)| row["script"].is_array()).count();
    let mut programs: Vec<_> = std::fs::read_dir(built.output.join("bin")).into_iter().flatten().flatten().collect();
    programs.sort_by_key(std::fs::DirEntry::file_name);
    let said = programs.iter().map(|program| {
        let finished = run(command(program.path()).arg("--version"));
        let line = first_line(&finished.stdout);
        (finished.code == Some(0), format!("{} {line}", program.file_name().to_string_lossy()))
    });
    // Of several programs some want a project or a network; the first that starts is enough.
    let started = said.into_iter().find(|(well, _)| *well);
    let bytes = built.graph.len() / entries.max(1);
    match started {
        Some((_, line)) => (format!("{entries} | {bytes} | {scripts} | {line}"), true),
        None => (format!("{entries} | {bytes} | {scripts} | **does not start**"), false),
    }
}
