//! The modules of a universe and their versions.

use crate::chance::Chance;

const WORDS: [&str; 12] =
    ["ash", "birch", "cedar", "elm", "fir", "hazel", "ivy", "larch", "maple", "oak", "pine", "rowan"];

/// What go.mod files say of Go; each rule of the language of modules changed at one of these.
pub(super) const GO_LINES: [&str; 16] = [
    "1.14", "1.15", "1.16", "1.17", "1.18", "1.19", "1.20", "1.21", "1.21.0", "1.22.0", "1.22rc1", "1.23.4", "1.24.0",
    "1.25.0", "1.26.1", "1.27.0",
];

/// A module.
pub(super) struct Module {
    pub(super) path: String,
    /// The path that packages of its root are called after: `oak` for `gopkg.in/oak.v1` and `registry.example/oak/v2`.
    pub(super) word: String,
    /// Ascending.
    pub(super) versions: Vec<Release>,
    /// The module that its path lies in, and that once had its packages.
    pub(super) inside: Option<usize>,
}

/// One version.
pub(super) struct Release {
    pub(super) text: String,
    /// The go line.
    pub(super) go: Option<&'static str>,
    /// Without a go.mod.
    pub(super) bare: bool,
}

impl Module {
    /// Whether its go.mod is one that prunes: go 1.17 or newer.
    pub(super) fn prunes(&self, version: usize) -> bool {
        prunes(self.versions[version].go)
    }
}

pub(super) fn prunes(go: Option<&str>) -> bool {
    go.is_some_and(|go| !["1.14", "1.15", "1.16"].contains(&go))
}

pub(super) fn draw(chance: &mut Chance) -> Vec<Module> {
    let mut modules = Vec::new();
    let mut words = WORDS;
    chance.0.shuffle(&mut words);
    let count = chance.between(2, 6);
    for word in &words[..count] {
        family(chance, word, &mut modules);
    }
    modules
}

/// A module, or two that have to do with one another.
fn family(chance: &mut Chance, word: &str, modules: &mut Vec<Module>) {
    let path = format!("registry.example/{word}");
    let mut add = |chance: &mut Chance, path: String, texts: Vec<String>, bare: bool, inside: Option<usize>| {
        let versions = releases(chance, texts, bare);
        modules.push(Module { path, word: word.to_owned(), versions, inside });
        modules.len() - 1
    };
    let texts = versions(chance, &["v0", "v1"]);
    match chance.0.u32(0..100) {
        0..40 => {
            add(chance, path, texts, false, None);
        }
        40..58 => {
            add(chance, path.clone(), texts, false, None);
            let texts = versions(chance, &["v2"]);
            add(chance, format!("{path}/v2"), texts, false, None);
        }
        58..76 => {
            let outer = add(chance, path.clone(), texts, false, None);
            let texts = versions(chance, &["v0", "v1"]);
            add(chance, format!("{path}/leaf"), texts, false, Some(outer));
        }
        76..84 => {
            let major = *chance.pick(&["v1", "v2", "v3"]);
            let texts = versions(chance, &[major]);
            add(chance, format!("gopkg.in/{word}.{major}"), texts, false, None);
        }
        84..94 => {
            let mut texts = versions(chance, &["v1"]);
            let later = versions(chance, &["v2", "v3"]);
            texts.extend(later.into_iter().map(|text| format!("{text}+incompatible")));
            add(chance, path, texts, true, None);
        }
        _ => {
            let capital: String = word[..1].to_uppercase() + &word[1..];
            add(chance, format!("registry.example/{capital}"), texts, false, None);
        }
    }
}

/// One to four versions of these major versions, ascending.
fn versions(chance: &mut Chance, majors: &[&str]) -> Vec<String> {
    let mut texts = Vec::new();
    for major in majors {
        if majors.len() > 1 && chance.percent(35) {
            continue;
        }
        let mut minor = 0;
        for _ in 0..chance.between(1, 3) {
            minor += chance.between(1, 2);
            let revision = format!("{:012x}", chance.0.u64(0..1 << 48));
            texts.push(match chance.0.u32(0..20) {
                0 => format!("{major}.{minor}.0-rc.1"),
                1 => format!("{major}.{minor}.1-0.202001{minor:02}150405-{revision}"),
                2 => format!("{major}.{minor}.0-rc.1.0.202002{minor:02}150405-{revision}"),
                3 if minor < 3 => {
                    // Before any tag: older than all the others.
                    texts.insert(0, format!("{major}.0.0-202001{minor:02}150405-{revision}"));
                    continue;
                }
                _ => format!("{major}.{minor}.{}", chance.between(0, 1)),
            });
        }
    }
    if texts.is_empty() {
        texts.push(format!("{}.1.0", majors[0]));
    }
    texts.sort_by_key(|text| text.as_bytes()[1]);
    texts
}

fn releases(chance: &mut Chance, texts: Vec<String>, bare: bool) -> Vec<Release> {
    let last = GO_LINES.len() - 1;
    let mut line = chance.between(0, last);
    let none = chance.percent(8);
    let releases = texts.into_iter().map(|text| {
        line = if chance.percent(10) { chance.between(0, last) } else { (line + chance.between(0, 1)).min(last) };
        let bare = text.ends_with("+incompatible") || bare && chance.percent(80) || chance.percent(2);
        let go = (!none && !bare).then_some(GO_LINES[line]);
        Release { text, go, bare }
    });
    releases.collect()
}
