//! The packages of a universe and their manifests.

use serde_json::{Map, Value, json};

use super::versions::{Releases, Version};
use super::{Chance, Kind, Package, Style};

/// What names are made of. They sort differently by bytes and by the rules of a language.
const WORDS: [&str; 20] = [
    "ash", "birch", "cedar", "date", "elm", "fir", "gum", "hazel", "ivy", "judas", "kapok", "larch", "maple", "nutmeg",
    "oak", "pine", "quince", "rowan", "sorb", "teak",
];

/// The shapes that a name takes.
fn name(chance: &mut Chance, index: usize) -> String {
    let word = WORDS[index % WORDS.len()];
    let round = index / WORDS.len();
    let tail = if round == 0 { String::new() } else { round.to_string() };
    match chance.0.u32(0..12) {
        0 => format!("@grove/{word}{tail}"),
        1 => format!("@a-b/{word}{tail}"),
        2 => format!("{word}-{word}{tail}"),
        3 => format!("{word}_{word}{tail}"),
        4 => format!("{word}.js{tail}"),
        5 => format!("{word}{tail}-plugin"),
        _ => format!("{word}{tail}"),
    }
}

const PLATFORMS: [&str; 6] = [
    r#"{"os": ["linux"], "cpu": ["x64"]}"#,
    r#"{"os": ["linux"], "cpu": ["arm64"]}"#,
    r#"{"os": ["darwin"]}"#,
    r#"{"os": ["linux"], "cpu": ["x64"], "libc": ["musl"]}"#,
    r#"{"os": ["linux"], "libc": ["glibc"]}"#,
    r#"{"os": ["!win32"]}"#,
];

/// Names, versions and kinds.
pub(super) fn draw(chance: &mut Chance, style: &Style) -> Vec<Package> {
    let count = chance.between(5, 40);
    let hosts: Vec<usize> = (0..chance.between(1, 4)).map(|_| chance.between(0, count - 1)).collect();
    let draw_one = |index| {
        let kind = if chance.percent(style.plugins) {
            let mut of: Vec<usize> = (0..chance.between(1, 3)).map(|_| *chance.pick(&hosts)).collect();
            if chance.percent(20) {
                of.push(chance.between(0, count - 1));
            }
            of.retain(|host| *host != index);
            of.sort_unstable();
            of.dedup();
            if of.is_empty() { Kind::Plain } else { Kind::Plugin(of) }
        } else if chance.percent(style.optional / 2) {
            Kind::Platform(serde_json::from_str(chance.pick::<&str>(&PLATFORMS)).expect("JSON"))
        } else {
            Kind::Plain
        };
        Package { name: name(chance, index), releases: Releases::draw(chance), kind }
    };
    (0..count).map(draw_one).collect()
}

/// Writes the manifests of a package's versions.
pub(super) fn write(
    chance: &mut Chance,
    style: &Style,
    packages: &[Package],
    index: usize,
    registry: &mut Map<String, Value>,
) {
    let package = &packages[index];
    let needs = needs(chance, style, packages, index);
    let bundles = chance.percent(style.bundles);
    for version in package.releases.iter() {
        let mut manifest = Map::new();
        fields(chance, &mut manifest);
        dependencies(chance, style, packages, &needs, &mut manifest);
        match &package.kind {
            Kind::Plain => {}
            Kind::Plugin(hosts) => peers(chance, style, packages, hosts, version, &mut manifest),
            Kind::Platform(platform) => manifest.extend(platform.as_object().cloned().unwrap_or_default()),
        }
        if bundles {
            bundle(chance, packages, &mut manifest);
        }
        registry.insert(format!("{}@{version}", package.name), Value::Object(manifest));
    }
}

/// The packages that all versions of one need, more or less.
fn needs(chance: &mut Chance, style: &Style, packages: &[Package], index: usize) -> Vec<usize> {
    let last = packages.len() - 1;
    let mut needs = Vec::new();
    for _ in 0..*chance.pick(&[0, 0, 1, 2, 2, 3, 4, 6]) {
        if chance.percent(style.cycles) {
            needs.push(chance.between(0, last));
        } else if index < last {
            needs.push(chance.between(index + 1, last));
        }
    }
    if chance.percent(98) {
        needs.retain(|need| *need != index);
    }
    needs
}

/// Fields that say nothing about other packages.
fn fields(chance: &mut Chance, manifest: &mut Map<String, Value>) {
    let mut sometimes = |percent: u32, key: &str, values: &[Value]| {
        if chance.percent(percent) {
            manifest.insert(key.to_owned(), chance.pick(values).clone());
        }
    };
    sometimes(70, "license", &[json!("MIT"), json!("ISC"), json!({"type": "BSD"}), json!(["MIT"])]);
    sometimes(6, "deprecated", &[json!("use another"), json!(""), json!(false)]);
    sometimes(20, "engines", &[json!({"node": ">=10"}), json!({"node": ">=99"}), json!(["node >= 0.4"]), json!({})]);
    sometimes(10, "bin", &[json!("cli.js"), json!({"tool": "./bin/tool.js"}), json!({})]);
    sometimes(10, "funding", &[json!("https://registry.example/fund"), json!([{"type": "x", "url": "u"}, "v"])]);
    sometimes(4, "scripts", &[json!({"install": "node-gyp rebuild"}), json!({"prepare": "build"})]);
    sometimes(2, "hasInstallScript", &[json!(true)]);
    let day = chance.between(1, 28);
    manifest.insert("$time".to_owned(), json!(format!("2025-{:02}-{day:02}T00:00:00.000Z", chance.between(1, 12))));
}

fn dependencies(
    chance: &mut Chance,
    style: &Style,
    packages: &[Package],
    needs: &[usize],
    manifest: &mut Map<String, Value>,
) {
    for need in needs {
        let other = &packages[*need];
        if chance.percent(12) {
            continue; // Not every version needs the same.
        }
        let mut range = other.releases.range(chance);
        let mut name = other.name.clone();
        if chance.percent(style.aliases) {
            range = format!("npm:{name}@{range}");
            name = if chance.percent(70) { format!("alias-{}", need % 7) } else { chance.pick(packages).name.clone() };
        }
        let optional = chance.percent(style.optional) || matches!(other.kind, Kind::Platform(_)) && chance.percent(90);
        let section = if optional { "optionalDependencies" } else { "dependencies" };
        insert(manifest, section, &name, json!(range));
        if chance.percent(1) {
            insert(manifest, "acceptDependencies", &name, json!(other.releases.range(chance)));
        }
    }
    if chance.percent(style.optional / 4) {
        insert(manifest, "optionalDependencies", "nowhere", json!("1"));
    }
    if chance.0.u32(0..1000) == 0 {
        insert(manifest, "dependencies", "nowhere", json!("1"));
    }
    if chance.percent(10) {
        insert(manifest, "devDependencies", "never-looked-at", json!("1"));
    }
}

fn peers(
    chance: &mut Chance,
    style: &Style,
    packages: &[Package],
    hosts: &[usize],
    version: Version,
    manifest: &mut Map<String, Value>,
) {
    for host in hosts {
        let host = &packages[*host];
        // A plugin often goes with the major version of the same number.
        let same = host.releases.iter().any(|other| other.major == version.major);
        let range = if same && chance.percent(style.clumsy + 5) {
            format!("{}.x", version.major)
        } else {
            host.releases.peer_range(chance, style.clumsy)
        };
        insert(manifest, "peerDependencies", &host.name, json!(range));
        if chance.percent(25) {
            insert(manifest, "peerDependenciesMeta", &host.name, json!({"optional": true}));
        }
    }
}

/// Puts some of the dependencies into the tarball, now and then with one of their own.
fn bundle(chance: &mut Chance, packages: &[Package], manifest: &mut Map<String, Value>) {
    let dependencies = manifest.get("dependencies").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut files = Map::new();
    let mut bundled = Vec::new();
    for (name, range) in &dependencies {
        if chance.percent(40) || range.as_str().is_some_and(|range| range.starts_with("npm:")) {
            continue;
        }
        let Some(package) = packages.iter().find(|package| package.name == *name) else { continue };
        let mut inner = json!({"name": name, "version": package.releases.some(chance).to_string(), "license": "MIT"});
        if chance.percent(40) {
            let other = chance.pick(packages);
            inner["dependencies"] = json!({&other.name: other.releases.range(chance)});
            if chance.percent(60) {
                let inside = json!({"name": other.name, "version": other.releases.some(chance).to_string()});
                let below = if chance.percent(50) { format!("node_modules/{name}/") } else { String::new() };
                files.insert(format!("{below}node_modules/{}/package.json", other.name), inside);
            }
        }
        files.insert(format!("node_modules/{name}/package.json"), inner);
        bundled.push(name.clone());
    }
    if !bundled.is_empty() {
        manifest.insert("bundleDependencies".to_owned(), json!(bundled));
        manifest.insert("$files".to_owned(), Value::Object(files));
    } else if chance.percent(20) {
        let lock =
            json!({"name": "own", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": {"": {}}});
        manifest.insert("$files".to_owned(), json!({"npm-shrinkwrap.json": lock}));
    }
}

/// Sets a name in a section of a manifest.
pub(super) fn insert(manifest: &mut Map<String, Value>, section: &str, name: &str, value: Value) {
    let section = manifest.entry(section).or_insert_with(|| json!({}));
    section.as_object_mut().expect("sections are objects").insert(name.to_owned(), value);
}
