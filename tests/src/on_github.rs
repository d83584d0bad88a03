//! A bot whose pull requests are on the fake GitHub.

use crate::bot::Bot;
use crate::github::{Hub, Pull};
use crate::registry::Registry;

/// The part of a configuration that names the fake; without pauses between writes, which other tests look at.
pub fn forge(github: &Hub) -> String {
    format!(
        "[forge]\nkind = \"github\"\nrepository = \"{}\"\napi = \"{}/\"\nwrite_interval = \"0s\"\n\n",
        github.name(),
        github.api_url()
    )
}

/// A bot in a temporary folder.
pub fn bot_on(github: &Hub, registry: &Registry, configuration: &str) -> Bot {
    let mut bot = Bot::new(registry, &format!("{}{configuration}", forge(github)));
    bot.set_env("NIXWRIGHT_GITHUB_TOKEN", github.token());
    bot
}

/// The pull requests for a package, by the branch that is the bot's for it, oldest first.
pub fn pulls_of(github: &Hub, attr: &str) -> Vec<Pull> {
    let branch = format!("nixwright/{attr}");
    let mut pulls = github.pulls();
    pulls.retain(|pull| pull.head == branch);
    pulls.sort_by_key(|pull| pull.number);
    pulls
}

/// The one open pull request for a package.
pub fn open_pull_of(github: &Hub, attr: &str) -> Pull {
    let open: Vec<Pull> = pulls_of(github, attr).into_iter().filter(Pull::is_open).collect();
    let [pull] = &open[..] else { panic!("{attr} has not one open pull request but {open:#?}") };
    pull.clone()
}
