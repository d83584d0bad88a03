//! What releases are made of, and who uses what.

use std::collections::BTreeMap;

use fastrand::Rng;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::io::Write as _;

use super::hostile;
use super::names::{self, Ecosystem};
use super::population::text;
use super::rows::Rows;

/// Numbers that rows refer to one another by.
#[derive(Default)]
pub(super) struct Graphs {
    /// By ecosystem and name: its number, and how many use it.
    dependencies: BTreeMap<(String, String), (usize, usize)>,
    /// By package URL.
    components: BTreeMap<String, usize>,
}

/// A dependency at a version.
struct Node {
    ecosystem: Ecosystem,
    name: String,
    version: String,
    license: Option<String>,
    builds_only: bool,
    runs: bool,
}

impl Node {
    fn purl(&self) -> String {
        format!("{}@{}", self.ecosystem.purl(&self.name), self.version)
    }
}

impl Graphs {
    /// The graph of a release: its own node, and `size` dependencies of which the first ones are direct. Gives back the name and
    /// version of each, with `-` between.
    pub(super) async fn release(
        &mut self,
        rows: &mut Rows,
        (attr, ecosystem): (&str, Ecosystem),
        version: &str,
        at: Timestamp,
        size: usize,
    ) -> Vec<String> {
        let mut rng =
            Rng::with_seed(attr.bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(byte.into())));
        let mut nodes: BTreeMap<String, Node> = BTreeMap::new();
        while nodes.len() < size {
            // The square makes some of them everybody's.
            let number = rng.usize(..1000) * rng.usize(..1000) / 1000;
            let (minor, patch) = (rng.u8(..2), rng.u8(..3));
            let node = Node {
                ecosystem,
                name: names::dependency(number),
                version: format!("{}1.{minor}.{patch}", if ecosystem == Ecosystem::Go { "v" } else { "" }),
                license: Some("MIT OR Apache-2.0".to_owned()),
                builds_only: number % 10 == 3,
                runs: number % 12 == 2,
            };
            nodes.insert(node.purl(), node);
        }
        let names = nodes.values().map(|node| format!("{}-{}", node.name, node.version)).collect();
        self.write(rows, attr, ecosystem, version, at, nodes.into_values().collect()).await;
        names
    }

    /// A graph whose names, versions and licences mean harm.
    pub(super) async fn hostile(&mut self, rows: &mut Rows, attr: &str, at: Timestamp) {
        let line = hostile::LINE.to_owned();
        let node = |name: &str| Node {
            ecosystem: Ecosystem::Npm,
            name: format!("{name}{line}"),
            version: line.clone(),
            license: Some(line.clone()),
            builds_only: false,
            runs: true,
        };
        let nodes = vec![node("one"), node("two"), node("..")];
        self.write(rows, attr, Ecosystem::Npm, hostile::LINE, at, nodes).await;
    }

    async fn write(
        &mut self,
        rows: &mut Rows,
        attr: &str,
        ecosystem: Ecosystem,
        version: &str,
        at: Timestamp,
        nodes: Vec<Node>,
    ) {
        let is_hostile = version == hostile::LINE;
        let own = Node {
            ecosystem,
            name: attr.to_owned(),
            version: version.to_owned(),
            license: Some("MIT".to_owned()),
            builds_only: false,
            runs: false,
        };
        let described = |node: &Node| {
            json!({
                "purl": node.purl(), "name": node.name, "version": node.version, "license": node.license,
                "hash": format!("sha256:{}", "ab".repeat(32)), "builds_only": node.builds_only,
                "runs": if node.runs { vec!["build script"] } else { Vec::new() },
            })
        };
        let all: Vec<&Node> = [&own].into_iter().chain(&nodes).collect();
        let direct = nodes.len().div_ceil(4).clamp(1, 12);
        let mut edges = Vec::new();
        for place in 1..all.len() {
            // The first ones belong to the root, each other one to one or two before it.
            let from = if place <= direct { 0 } else { place / 2 };
            edges.push(json!({ "from": from, "to": place }));
            if place % 3 == 0 && place > 1 {
                edges.push(json!({ "from": place - 1, "to": place }));
            }
        }
        let graph =
            json!({ "root": 0, "nodes": all.iter().map(|node| described(node)).collect::<Vec<_>>(), "edges": edges });
        let row = json!([
            attr,
            version,
            text(at),
            if is_hostile { hostile::TEXT.to_owned() } else { format!("What {attr} is for") },
            if is_hostile { hostile::ADDRESS } else { "https://forge.example/corner" },
            if is_hostile { hostile::ADDRESS } else { "https://forge.example/corner.git" },
            own.license,
            packed(&graph)
        ]);
        rows.add("releases", "attr, version, recorded, description, homepage, repository, license, #graph", row).await;
        for (place, node) in nodes.iter().enumerate() {
            let component = self.component(rows, node).await;
            let row = json!([component, attr, version, i64::from(place < direct), i64::from(node.builds_only)]);
            rows.add("uses", "component, attr, version, direct, builds_only", row).await;
        }
    }

    async fn component(&mut self, rows: &mut Rows, node: &Node) -> usize {
        let ecosystem = node.ecosystem.kind().to_owned();
        let number = self.dependencies.len() + 1;
        let (dependency, users) = self.dependencies.entry((ecosystem, node.name.clone())).or_insert((number, 0));
        // Two versions in one package count twice here; nobody adds it up.
        *users += 1;
        let dependency = *dependency;
        let next = self.components.len() + 1;
        let purl = node.purl();
        if let Some(known) = self.components.get(&purl) {
            return *known;
        }
        self.components.insert(purl.clone(), next);
        let row = json!([next, dependency, node.version, purl, node.license]);
        rows.add("components", "id, dependency, version, purl, license", row).await;
        next
    }

    /// Writes what is counted over all, and what is known to be wrong.
    pub(super) async fn finish(self, rows: &mut Rows, now: Timestamp) {
        for ((ecosystem, name), (number, users)) in &self.dependencies {
            let row = json!([number, ecosystem, name, users]);
            rows.add("dependencies", "id, ecosystem, name, users", row).await;
        }
        for (number, purl) in self.components.keys().enumerate().filter(|(number, _)| number % 37 == 0) {
            let id = format!("GHSA-{number:04}-none-here");
            let row = json!([purl, id, "HIGH", "Reads past the end of what it was given", text(now)]);
            rows.add("advisories", "purl, id, severity, summary, seen", row).await;
        }
        if let Some(purl) = self.components.keys().find(|purl| purl.contains("script")) {
            let row = json!([purl, hostile::LINE, hostile::LINE, hostile::TEXT, text(now)]);
            rows.add("advisories", "purl, id, severity, summary, seen", row).await;
        }
    }
}

/// Deflated JSON, as hexadecimal digits.
fn packed(graph: &Value) -> String {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(graph.to_string().as_bytes()).expect("writing to memory");
    data_encoding::HEXLOWER.encode(&packed.finish().expect("writing to memory"))
}
