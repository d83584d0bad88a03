//! The workflows: pinned, with few permissions, nobody else's words in their scripts; and the one that people copy does
//! what it says, its scripts run as the runner would run them.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use nixwright_tests::bot::nixwright;
use nixwright_tests::process::{Finished, command, files_below, run, stdout_of, write_file};
use nixwright_tests::registry::Registry;
use nixwright_tests::shelf::shelf;
use serde_json::{Value, json};

/// The workflow that people copy.
const UPDATE: &str = "update-overlay.yml";

struct Workflow {
    name: String,
    text: String,
    parsed: Value,
}

impl Workflow {
    fn all() -> Vec<Self> {
        let folder = repository().join(".github/workflows");
        let names = files_below(&folder).into_iter().map(|path| path.to_str().unwrap().to_owned());
        names.map(|name| Self::read(&folder, name)).collect()
    }

    fn read(folder: &Path, name: String) -> Self {
        let text = std::fs::read_to_string(folder.join(&name)).unwrap();
        let parsed = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name, text, parsed }
    }

    fn update() -> Self {
        Self::read(&repository().join(".github/workflows"), UPDATE.to_owned())
    }

    fn jobs(&self) -> impl Iterator<Item = &Value> {
        self.parsed["jobs"].as_object().expect("jobs").values()
    }

    fn steps(&self) -> Vec<&Value> {
        self.jobs().flat_map(|job| job["steps"].as_array().expect("steps")).collect()
    }

    fn scripts(&self) -> Vec<&str> {
        self.steps().into_iter().filter_map(|step| step["run"].as_str()).collect()
    }

    fn step(&self, name: &str) -> &Value {
        let found = self.steps().into_iter().find(|step| step["name"] == name);
        found.unwrap_or_else(|| panic!("{}: there is no step {name:?}", self.name))
    }
}

#[test]
fn every_action_is_pinned_to_a_commit_and_says_which_version_that_is() {
    for workflow in Workflow::all() {
        let mut pinned = 0;
        for line in workflow.text.lines() {
            let Some(action) = line.trim_start_matches([' ', '-']).strip_prefix("uses: ") else { continue };
            let (action, version) = action.split_once(" # v").unwrap_or_else(|| panic!("no version: {line}"));
            let (name, commit) = action.split_once('@').unwrap_or_else(|| panic!("not pinned: {line}"));
            let is_commit =
                commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            assert!(is_commit, "{}: {line}", workflow.name);
            assert!(version.split('.').count() == 3 && version.split('.').all(|n| n.parse::<u32>().is_ok()), "{line}");
            assert!(name.starts_with("actions/"), "an action of somebody else: {line}");
            pinned += 1;
        }
        // The text was read line by line; nothing may hide from that in another form of YAML.
        let used = workflow.steps().into_iter().filter(|step| !step["uses"].is_null()).count();
        assert_eq!(pinned, used, "{}", workflow.name);
        assert!(workflow.jobs().all(|job| job["uses"].is_null() && job["container"].is_null()), "{}", workflow.name);
    }
}

#[test]
fn permissions_are_few_and_said_job_by_job() {
    for workflow in Workflow::all() {
        let top = workflow.parsed["permissions"].as_object().unwrap_or_else(|| panic!("{}", workflow.name));
        assert!(top.iter().all(|(what, how)| what == "contents" && how == "read"), "{}: {top:?}", workflow.name);
        for job in workflow.jobs() {
            let wanted = match workflow.name.as_str() {
                UPDATE => json!({"contents": "write", "pull-requests": "write", "statuses": "write"}),
                _ => Value::Null,
            };
            assert_eq!(job["permissions"], wanted, "{}", workflow.name);
        }
    }
    assert_eq!(Workflow::update().parsed["permissions"], json!({}), "what is not said for a job is nothing");
}

#[test]
fn nothing_that_others_write_becomes_part_of_a_script() {
    for workflow in Workflow::all() {
        for script in workflow.scripts() {
            assert!(!script.contains("${{"), "{}: {script}", workflow.name);
            let checked = run(command("bash").args(["-n", "-c", script]));
            checked.expect_code(0);
        }
        for event in ["pull_request_target", "workflow_run", "issue_comment", "repository_dispatch"] {
            assert!(workflow.parsed["on"][event].is_null(), "{}: {event} runs what strangers send", workflow.name);
        }
        assert!(workflow.parsed["on"]["workflow_dispatch"]["inputs"].is_null(), "{}", workflow.name);
    }
}

#[test]
fn runs_do_not_overlap_and_end_in_time() {
    for workflow in Workflow::all() {
        assert!(workflow.parsed["concurrency"]["group"].is_string(), "{}", workflow.name);
        for job in workflow.jobs() {
            assert!(job["timeout-minutes"].as_u64().is_some_and(|minutes| minutes <= 180), "{}", workflow.name);
            assert!(!job["runs-on"].as_str().unwrap().ends_with("latest"), "{}", workflow.name);
        }
    }
    let update = Workflow::update();
    assert_eq!(update.parsed["concurrency"], json!({"group": "update-overlay", "cancel-in-progress": false}));
    let minutes = &update.parsed["jobs"]["update"]["timeout-minutes"];
    let own = update.step("Run one cycle")["run"].as_str().unwrap();
    assert!(own.contains(" 140m ") && minutes == 180, "the program ends before the runner ends it");
}

#[test]
fn the_token_is_given_to_one_step_and_left_nowhere() {
    for workflow in Workflow::all() {
        let checkouts = |step: &&Value| step["uses"].as_str().is_some_and(|uses| uses.starts_with("actions/checkout@"));
        for step in workflow.steps().into_iter().filter(checkouts) {
            assert_eq!(step["with"]["persist-credentials"], false, "{}: {step}", workflow.name);
        }
    }
    let update = Workflow::update();
    let has_secret = |text: &str| text.contains("secrets.") || text.contains("github.token");
    let with_secret: Vec<&Value> = update.steps().into_iter().filter(|step| has_secret(&step.to_string())).collect();
    assert_eq!(with_secret, [update.step("Run one cycle")]);
    let environment = with_secret[0]["env"].as_object().unwrap();
    assert_eq!(environment.keys().collect::<Vec<_>>(), ["NIXWRIGHT_GITHUB_TOKEN", "NIXWRIGHT_APP_KEY"]);
    let rest = json!([update.parsed["env"], update.parsed["jobs"]["update"]["env"]]);
    assert_eq!(rest, json!([null, null]));
}

#[test]
fn it_waits_until_it_is_set_up_and_runs_on_a_schedule() {
    let update = Workflow::update();
    assert_eq!(update.parsed["jobs"]["update"]["if"], "vars.NIXWRIGHT_REV != ''");
    let on = &update.parsed["on"];
    assert!(on.as_object().unwrap().keys().eq(["schedule", "workflow_dispatch"]), "{on}");
    let cron = on["schedule"][0]["cron"].as_str().unwrap();
    assert_eq!(cron.split_whitespace().count(), 5, "{cron}");
    assert_ne!(cron.split_whitespace().next(), Some("0"), "not at the full hour");
}

#[test]
fn the_configuration_of_the_readme_is_valid() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let (_, section) = readme.split_once("\n## Without a server\n").expect("the section");
    let (_, block) = section.split_once("```toml\n").expect("a configuration");
    let (block, _) = block.split_once("```").unwrap();
    assert!(block.contains("kind = \"github\""), "{block}");
    let folder = tempfile::tempdir().unwrap();
    write_file(&folder.path().join("nixwright.toml"), block);
    run(nixwright().arg("check-config").current_dir(folder.path())).expect_code(0).expect_words(&["1 package"]);
}

#[test]
fn only_a_full_commit_id_is_a_pin() {
    let update = Workflow::update();
    let script = update.step("Is the revision pinned?")["run"].as_str().unwrap();
    let check = |revision: &str| run(bash(script, Path::new("/")).env("NIXWRIGHT_REV", revision));
    check(&"0123456789".repeat(4)).expect_code(0);
    let newline = format!("{}\n", "a".repeat(40));
    for wrong in ["", "main", "v1.0.0", &"a".repeat(39), &"A".repeat(40), &"a".repeat(41), &newline] {
        check(wrong).expect_code(1).expect_words(&["full commit id"]);
    }
}

#[test]
fn the_program_takes_every_command_line_that_is_written_there() {
    let update = Workflow::update();
    let mut seen = BTreeSet::new();
    for script in update.scripts() {
        let script = script.replace("\\\n", " ");
        for line in script.lines().filter(|line| line.contains(".nixwright/bin/nixwright ")) {
            let (_, arguments) = line.split_once(".nixwright/bin/nixwright ").unwrap();
            let arguments: Vec<&str> = arguments.split_whitespace().collect();
            // Its arguments are parsed before `--help` is; with a wrong one there is no help.
            run(nixwright().args(&arguments).arg("--help")).expect_code(0);
            run(nixwright().args(&arguments).arg("--no-such-option").arg("--help")).expect_code(2);
            seen.insert(arguments.join(" "));
        }
    }
    assert_eq!(Vec::from_iter(seen), ["--config nixwright.toml check-config", "--config nixwright.toml run --once"]);
}

#[test]
fn what_is_kept_between_runs_is_all_that_the_next_one_needs() {
    let update = Workflow::update();
    let kept = paths(update.step("Keep the state"));
    let taken = update.step("Take the state that the last run left");
    assert_eq!(paths(taken), kept, "with other paths the cache is another one");
    let key = taken["with"]["key"].as_str().unwrap();
    assert_eq!(update.step("Keep the state")["with"]["key"], key);
    assert!(key.starts_with(taken["with"]["restore-keys"].as_str().unwrap()));
    for step in ["Give the state to the runner's user", "Keep the state"] {
        assert_eq!(update.step(step)["if"], "always() && steps.cycle.outcome != 'skipped'");
    }

    let registry = Registry::with([shelf().get("matchbox", "1.0.0")]);
    let first = Runner::new(&registry);
    let said = first.cycle(&update).expect_code(0).expect_words(&["1 merged", "stable moved"]);
    assert!(!said.output().contains(Runner::SECRET), "{said}");
    first.assert_key_was_private_and_is_gone();
    let lines: Vec<&str> = said.stdout.lines().collect();
    let resume = lines.first().and_then(|line| line.strip_prefix("::stop-commands::")).expect("commands are stopped");
    assert_eq!(lines.last(), Some(&format!("::{resume}::").as_str()), "and taken again at the end");
    for path in &kept {
        assert!(!first.expanded(path).is_empty(), "the program writes no {path}");
    }

    // Another machine, which has nothing but what was kept, as files of the runner's user.
    let second = Runner::new(&registry);
    for path in &kept {
        for path in first.expanded(path) {
            let place = second.folder.path().join("var");
            std::fs::create_dir_all(&place).unwrap();
            run(command("cp").arg("-a").arg(path).arg(place)).expect_code(0);
        }
    }
    if stdout_of(command("id").arg("-u")).trim() == "0" {
        run(command("chown").args(["-R", "1001:1001"]).arg(second.folder.path().join("var"))).expect_code(0);
    }
    assert_eq!(second.status(), first.status(), "what happened on the first machine is known on the second");
    second.cycle(&update).expect_code(0).expect_words(&["1 up to date", "no commit"]);
    registry.publish(shelf().get("matchbox", "1.1.0"));
    second.cycle(&update).expect_code(0).expect_words(&["1.1.0", "1 merged", "stable moved"]);
    let handed = run(&mut second.bash(update.step("Give the state to the runner's user")["run"].as_str().unwrap()));
    handed.expect_code(0);

    // A failure is the run's too, and commands are taken again all the same.
    std::fs::remove_file(second.folder.path().join("nixwright.toml")).unwrap();
    let failed = second.cycle(&update).expect_code(2);
    assert!(failed.stdout.lines().last().unwrap().starts_with("::"), "{failed}");
}

/// A machine in the state that a runner is in when a cycle begins.
struct Runner {
    folder: tempfile::TempDir,
}

impl Runner {
    const SECRET: &str = "planted-secret-b1946ac92492d234";

    fn new(registry: &Registry) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = nixwright().get_program().to_owned();
        let bin = folder.path().join(".nixwright/bin");
        std::fs::create_dir_all(&bin).unwrap();
        std::os::unix::fs::symlink(program, bin.join("nixwright")).unwrap();
        let index = registry.index_url();
        let configuration =
            format!("[registries]\ncrates_index = \"{index}\"\n\n[packages.matchbox]\npurl = \"pkg:cargo/matchbox\"\n");
        write_file(&folder.path().join("nixwright.toml"), configuration);
        // What sudo does here: refuses a secret on its command line, notes the key's mode, and runs the rest; only root gives
        // files away.
        let sudo = format!(
            "#!/bin/sh\ncase \"$*\" in *{}*) exit 99;; esac\nstat -c %a .nixwright/app-key.pem >> modes 2>/dev/null\n\
             while case \"$1\" in --*) true;; *) false;; esac; do shift; done\n\
             if [ \"$1\" = chown ] && [ \"$(id -u)\" != 0 ]; then exit 0; fi\nexec \"$@\"\n",
            Self::SECRET
        );
        let tools = folder.path().join("tools");
        write_file(&tools.join("sudo"), sudo);
        std::fs::set_permissions(tools.join("sudo"), std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    fn bash(&self, script: &str) -> std::process::Command {
        let mut bash = bash(script, self.folder.path());
        let path = std::env::var_os("PATH").unwrap();
        let tools = std::iter::once(self.folder.path().join("tools"));
        bash.env("PATH", std::env::join_paths(tools.chain(std::env::split_paths(&path))).unwrap());
        bash
    }

    fn cycle(&self, update: &Workflow) -> Finished {
        let script = update.step("Run one cycle")["run"].as_str().unwrap();
        let mut bash = self.bash(script);
        let secrets = ["NIXWRIGHT_GITHUB_TOKEN", "NIXWRIGHT_APP_KEY"].map(|name| (name, Self::SECRET));
        run(bash.envs(secrets))
    }

    fn assert_key_was_private_and_is_gone(&self) {
        let modes = std::fs::read_to_string(self.folder.path().join("modes")).unwrap();
        assert!(!modes.is_empty() && modes.lines().all(|mode| mode == "600"), "{modes}");
        let left = files_below(&self.folder.path().join(".nixwright"));
        assert_eq!(left, [PathBuf::from("bin/nixwright")]);
    }

    fn status(&self) -> Value {
        let mut status = nixwright();
        status.args(["status", "--json"]).current_dir(self.folder.path());
        serde_json::from_str(&stdout_of(&mut status)).unwrap()
    }

    /// What a path of a cache stands for.
    fn expanded(&self, path: &str) -> Vec<PathBuf> {
        let path = self.folder.path().join(path);
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(prefix) = name.strip_suffix('*') else {
            return path.exists().then_some(path).into_iter().collect();
        };
        let entries = std::fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix)).collect()
    }
}

/// As the runner starts scripts with `shell: bash`.
fn bash(script: &str, folder: &Path) -> std::process::Command {
    let mut bash = command("bash");
    bash.args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]).current_dir(folder);
    bash
}

/// The paths of a cache, one a line.
fn paths(step: &Value) -> Vec<String> {
    step["with"]["path"].as_str().unwrap().lines().map(str::to_owned).collect()
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
