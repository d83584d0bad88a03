//! Programs that the bot builds, held to the byte against what `go build` makes of the same release.

use std::path::Path;

use nixwright_tests::bot::Bot;
use nixwright_tests::go::judge::Go;
use nixwright_tests::go::program::Program;
use nixwright_tests::process::run;
use serde_json::Value;

/// What Go is told, so that neither places nor times are in a program.
const AS_GO: [&str; 4] = ["build", "-trimpath", "-buildvcs=false", "-ldflags=-buildid="];

/// The table of all programs; whether all are the same. The bot goes through one cycle for each, in the order of the corpus, so that
/// later ones reuse what earlier ones have built; what is in the machine's store already is reused as well.
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
    let bot = Bot::with(&configuration(&programs));
    let mut well = true;
    for program in &programs {
        eprintln!("binary of {}", program.purl);
        let (row, same) = row(&bot, home, go, program);
        well &= same;
        println!("| {} | {row} |", program.purl);
    }
    well
}

fn configuration(programs: &[Program]) -> String {
    let packages = programs.iter().map(|program| {
        let (release, version) = (program.purl.replacen(&format!("@{}", program.version), "", 1), &program.version);
        format!("[packages.{}]\npurl = \"{release}\"\ntrack = \"exact\"\nversion = \"{version}\"\n", program.name())
    });
    let packages: String = packages.collect();
    format!(
        "state_dir = \"var\"\n[build]\npkgs = \"host\"\ntimeout = \"3h\"\n[limits]\narchive_size = \"512MiB\"\narchive_unpacked = \"2GiB\"\narchive_entries = 100000\n[defaults]\nmin_age = \"0s\"\nautomerge = \"always\"\n{packages}"
    )
}

/// Strategy, counts and outcome; whether the program is the same.
fn row(bot: &Bot, home: &Path, go: &Go, program: &Program) -> (String, bool) {
    let cycle = bot.call(&["run", "--once", program.name()]);
    let row = bot.status().remove(program.name()).unwrap_or_default();
    if cycle.code != Some(0) || row["state"] != "up_to_date" {
        let reason = row["reason"].as_str().unwrap_or("the cycle ended early");
        eprintln!("  {}", cycle.output());
        // Which host said so is nobody's business but this machine's.
        if reason.contains(" answered 403") || reason.contains(" answered 404") {
            return ("- | | | not built: a module is not on this machine's proxy".to_owned(), true);
        }
        return (format!("- | | | **not built**: {}", cell(reason)), false);
    }
    let count = |name: &str| row[name].as_u64().map_or_else(|| "-".to_owned(), |count| count.to_string());
    let strategy = strategy(bot, program, &row);
    let (outcome, same) = match compared(bot, home, go, program) {
        Ok(true) => ("identical".to_owned(), true),
        Ok(false) => ("**differs**".to_owned(), false),
        Err(reason) => (format!("**not compared**: {}", cell(&reason)), false),
    };
    (format!("{strategy} | {} | {} | {outcome}", count("built"), count("reused")), same)
}

/// The strategy, and why it is not `shared`.
fn strategy(bot: &Bot, program: &Program, row: &Value) -> String {
    let strategy = row["strategy"].as_str().unwrap_or("-");
    // Those of them that are documents.
    let pages = bot.pages().into_iter().filter(|(path, _)| path.starts_with("runs/"));
    let mut runs = pages.filter_map(|(_, text)| serde_json::from_str::<Value>(&text).ok());
    let own = runs.find(|run| run["attr"] == program.name() && run["fallback_reason"].is_string());
    match own.as_ref().and_then(|run| run["fallback_reason"].as_str()) {
        Some(reason) if strategy == "vendored" => format!("vendored: {}", cell(reason)),
        _ => strategy.to_owned(),
    }
}

/// Whether the package's program is what Go makes.
fn compared(bot: &Bot, home: &Path, go: &Go, program: &Program) -> Result<bool, String> {
    let answer = bot.call(&["build", program.name()]);
    if answer.code != Some(0) {
        return Err(answer.output());
    }
    let ours = Path::new(answer.stdout.trim()).join("bin").join(program.name());
    let folder = home.join("judged");
    program.unpack(go, &folder)?;
    let output = home.join("judged-program");
    let mut build = go.command(&folder);
    let finished = run(build.env("GOWORK", "off").args(AS_GO).arg("-o").arg(&output).arg(&program.pattern));
    let _ = std::fs::remove_dir_all(&folder);
    if finished.code != Some(0) {
        return Err(finished.output());
    }
    let read = |file: &Path| std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()));
    let same = read(&ours)? == read(&output)?;
    let _ = std::fs::remove_file(&output);
    Ok(same)
}

/// A text of a row: its first line.
fn cell(text: &str) -> String {
    text.lines().next().unwrap_or_default().replace('|', "\\|")
}
