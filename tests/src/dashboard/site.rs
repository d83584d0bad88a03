//! The program that shows a store's pages.

use std::fmt::Write as _;
use std::fs::File;
use std::path::PathBuf;

use super::population::{Scale, fill};
use super::{names, now, scenes};
use crate::bot::{Bot, Service};

/// A server that shows a history.
pub struct Site {
    bot: Bot,
    service: Service,
    /// Says, as the bot does, that somebody is at work on the runs under way; else they would be declared dead.
    _worker: File,
}

impl Site {
    /// A store with a history of this size, and its pages.
    pub async fn start(scale: Scale) -> Self {
        Self::start_with(scale, None).await
    }

    /// The same, with a token for those who may act on the pages.
    pub async fn start_with(scale: Scale, token: Option<&str>) -> Self {
        let mut bot = Bot::with(&configuration(scale));
        if let Some(token) = token {
            bot.set_env("NIXWRIGHT_PAGES_TOKEN", token);
        }
        let now = now();
        // Makes the store with its tables.
        bot.call(&["dashboard", "--export", "empty"]).expect_code(0);
        let database = bot.state().join("nixwright.db");
        fill(&database, scale, now).await;
        let worker = File::create(bot.state().join("nixwright.db.worker")).expect("a file to lock");
        worker.lock_shared().expect("nobody has it");
        let service = bot.start_pages();
        Self { bot, service, _worker: worker }
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.service.address())
    }

    /// `GET` of a path: the status and the body.
    pub fn get(&self, path: &str) -> (u16, String) {
        self.service.get(path)
    }

    /// The bot whose pages these are.
    pub fn bot(&self) -> &Bot {
        &self.bot
    }

    /// The store's file.
    pub fn database(&self) -> PathBuf {
        self.bot.state().join("nixwright.db")
    }
}

fn configuration(scale: Scale) -> String {
    let mut text =
        "[service]\nlisten = \"127.0.0.1:0\"\n\n[schedule]\ncron = \"0 0 0 1 1 *\"\njitter = \"0s\"\n\n".to_owned();
    let generated = (0..scale.packages).map(|number| {
        let name = names::package(number);
        let purl = names::ecosystem(number).purl(&name);
        (name, purl)
    });
    let scenes = scenes::configured().into_iter().map(|name| (name.to_owned(), format!("pkg:cargo/{name}")));
    for (name, purl) in scenes.chain(generated) {
        // What it asks of an upstream that nobody asks does not matter, but it has to be one that can be followed.
        let purl = if purl.starts_with("pkg:golang/") { format!("pkg:cargo/{name}") } else { purl };
        let _ = writeln!(text, "[packages.{name}]\npurl = \"{purl}\"\nmaintainers = [\"{}\"]\n", scenes::MAINTAINER);
    }
    text
}

/// Those of [`pages`] that an export has too, by their paths there.
pub fn exported() -> Vec<String> {
    let is_there = |path: &String| !path.contains('?') && !path.ends_with("/nobody.html");
    pages().into_iter().map(|(_, path)| path).filter(is_there).map(|path| path[1..].to_owned()).collect()
}

/// A page of each kind, some in several states: a name for pictures, and its path.
pub fn pages() -> Vec<(&'static str, String)> {
    let fixed = [
        ("overview", "/index.html"),
        ("packages", "/packages.html"),
        ("packages-filtered", "/packages.html?state=failed&q=b"),
        ("packages-none", "/packages.html?q=nobody-is-called-so"),
        ("dependencies", "/dependencies.html"),
        ("dependency", "/dependencies/cargo/anvil.html"),
        ("runs", "/runs.html"),
        ("failures", "/failures.html"),
        ("queue", "/queue.html"),
        ("pull-requests", "/pull-requests.html"),
        ("maintainers", "/maintainers.html"),
        ("hosts", "/hosts.html"),
        ("about", "/about.html"),
        ("missing", "/packages/nobody.html"),
    ];
    let mut pages: Vec<_> = fixed.into_iter().map(|(name, path)| (name, path.to_owned())).collect();
    let packages = [
        ("package-fresh", scenes::FRESH),
        ("package-failed", scenes::FAILED),
        ("package-open", scenes::OPEN),
        ("package-waiting", scenes::WAITING),
        ("package-held", scenes::HELD),
        ("package-new", scenes::NEW),
        ("package-hostile", scenes::EVIL),
    ];
    pages.extend(packages.map(|(name, attr)| (name, format!("/packages/{attr}.html"))));
    let runs =
        [("run-failed", scenes::FAILED_RUN), ("run-under-way", scenes::RUNNING_RUN), ("run-hostile", scenes::EVIL_RUN)];
    pages.extend(runs.map(|(name, run)| (name, format!("/runs/{run}.html"))));
    let graphs = [("graph", scenes::FRESH), ("graph-hostile", scenes::EVIL)];
    pages.extend(graphs.map(|(name, attr)| (name, format!("/graphs/{attr}.html"))));
    pages.extend(
        [("pull-request", 900_003), ("pull-request-hostile", 900_200)]
            .map(|(name, number)| (name, format!("/pull-requests/{number}.html"))),
    );
    pages.push(("maintainer", format!("/maintainers/{}.html", scenes::MAINTAINER)));
    pages
}
