//! axe-core, which judges whether everybody can use a page.

use std::sync::OnceLock;

use serde_json::Value;

use super::browser::Browser;
use crate::target;

/// The program, from where `make deps` put it.
fn program() -> &'static str {
    static PROGRAM: OnceLock<String> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let file = target().join("browser/axe.min.js");
        std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}; run `make deps`", file.display()))
    })
}

/// What is serious or critical of the page that is open, each with the places.
pub async fn judge(browser: &Browser) -> Vec<String> {
    browser.run(program()).await;
    let script = "const done = arguments[arguments.length - 1]; \
                  axe.run(document, { resultTypes: ['violations'] }).then(found => done(found.violations), error => done(String(error)))";
    let found = browser.run_later(script).await;
    let found = found.as_array().unwrap_or_else(|| panic!("axe-core: {found}"));
    let is_bad = |rule: &&Value| matches!(rule["impact"].as_str(), Some("serious" | "critical"));
    found.iter().filter(is_bad).map(describe).collect()
}

fn describe(rule: &Value) -> String {
    let places = rule["nodes"].as_array().into_iter().flatten().take(4).map(|node| {
        let why = node["failureSummary"].as_str().unwrap_or_default().replace('\n', " ");
        format!("\n    {}: {why}", node["html"].as_str().unwrap_or_default().chars().take(200).collect::<String>())
    });
    format!("{} ({}){}", rule["id"], rule["help"], places.collect::<String>())
}
