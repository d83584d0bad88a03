//! A first cycle that many tests look at and none changes: run once for a whole test program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::bot::Bot;
use crate::nix::Nix;
use crate::process::{Finished, files_below};
use crate::registry::{Registry, Served};
use crate::shelf::shelf;

/// Two programs; one has another name in the overlay than upstream.
pub const CONFIGURATION: &str = "\
[packages.lantern]
purl = \"pkg:cargo/lantern\"

[packages.matches]
purl = \"pkg:cargo/matchbox\"
";

/// The registry as it is when the bot first looks: releases to take, and some to leave.
pub fn registry() -> Registry {
    let registry = shelf().registry();
    registry.publish(shelf().get("lantern", "1.0.0"));
    registry.publish_yanked(shelf().get("lantern", "1.1.1"));
    registry.publish(shelf().get("lantern", "1.2.0-rc.1"));
    registry.publish_at(shelf().get("matchbox", "1.0.0"), "2026-02-03T04:05:06Z");
    registry
}

/// What the first cycle, and a second one right after it, left.
pub struct World {
    /// The fake crates.io, still running.
    pub registry: Registry,
    /// The bot; its state is for reading only.
    pub bot: Bot,
    /// The first cycle.
    pub first: Finished,
    /// What the first cycle asked the registry for.
    pub first_requests: Vec<Served>,
    /// The branches after the first cycle.
    pub first_branches: BTreeMap<String, String>,
    /// The second cycle.
    pub second: Finished,
    /// Every file of the state folder after the second cycle.
    pub state_files: Vec<PathBuf>,
    /// What the second cycle asked the registry for.
    pub second_requests: Vec<Served>,
}

impl World {
    /// Runs both cycles in a folder that is emptied first.
    pub fn run_in(folder: &Path) -> Self {
        let registry = registry();
        // Too young: its time is after every run of these tests.
        registry.publish_at(shelf().get("matchbox", "1.1.0"), "2999-01-01T00:00:00Z");
        let bot = Bot::in_fresh(folder, &registry, CONFIGURATION);
        let first = bot.run_once().expect_code(0);
        let first_requests = registry.take_requests();
        let first_branches = bot.overlay().branches();
        let second = bot.run_once().expect_code(0);
        let second_requests = registry.take_requests();
        let state_files = files_below(&bot.state());
        Self { registry, bot, first, first_requests, first_branches, second, state_files, second_requests }
    }

    /// Nix with the sandbox that this overlay's package set needs.
    pub fn nix(&self) -> Nix {
        nix_of(&self.bot)
    }
}

/// Nix with the sandbox that a bot's overlay needs.
pub fn nix_of(bot: &Bot) -> Nix {
    let toolchain = bot.overlay().file("main", "hostpkgs/toolchain.json");
    Nix::for_toolchain(&toolchain.expect("the overlay brings its package set"))
}

/// `x86_64-linux` and the like, for this machine.
pub fn system() -> String {
    format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS.replace("macos", "darwin"))
}

/// The flake attribute of a package.
pub fn attribute(attr: &str) -> String {
    format!("legacyPackages.{}.nixwright.{attr}", system())
}
