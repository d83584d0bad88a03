use std::collections::BTreeMap;

use super::{Instance, Wanted};
use crate::npm::lockfiles::manifest::Ask;

/// What the project and packages need, in lines `who: name=id …`; the project is `.`, a folder of it ends with `/`, and a
/// peer is `name^id`.
fn wanted(lines: &[&str]) -> Wanted {
    let mut wanted = Wanted::default();
    for line in lines {
        let (who, needs) = line.split_once(':').unwrap();
        let mut instance = Instance::default();
        for need in needs.split_whitespace() {
            let (name, id) = need.split_once(['=', '^']).unwrap();
            let ask = if need.contains('^') { Ask::Peer } else { Ask::Required };
            instance.needs.insert(name.to_owned(), (id.to_owned(), ask));
        }
        if who == "." || who.ends_with('/') {
            let needs = instance.needs.into_iter().map(|(name, (id, _))| (name, id)).collect();
            wanted.folders.insert(who.trim_matches(['.', '/']).to_owned(), needs);
        } else {
            wanted.instances.insert(who.to_owned(), instance);
        }
    }
    wanted
}

fn tree(lines: &[&str]) -> Vec<String> {
    let wanted = wanted(lines);
    let places = wanted.places().unwrap();
    check(&wanted, &places);
    places.iter().map(|(place, id)| format!("{} {id}", place.replace("node_modules/", "/"))).collect()
}

/// Node's own way, by the paths alone: everybody finds exactly what the lock says.
fn check(wanted: &Wanted, places: &BTreeMap<String, &str>) {
    let find = |from: &str, name: &str| {
        let parts: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
        (0..=parts.len()).rev().find_map(|end| {
            let place = [&parts[..end], &["node_modules", name]].concat().join("/");
            places.get(&place).copied()
        })
    };
    for (folder, needs) in &wanted.folders {
        for (name, id) in needs {
            assert_eq!(find(folder, name), Some(id.as_str()), "{folder} needs {name}");
        }
    }
    for (place, id) in places {
        for (name, (needed, _)) in &wanted.instances[*id].needs {
            assert_eq!(find(place, name), Some(needed.as_str()), "{place} needs {name}");
        }
    }
}

#[test]
fn what_is_in_nobodys_way_goes_to_the_top() {
    let lines = [".: a=a1 b=b1", "a1: c=c1 b=b2", "b1:", "b2: d=d1", "c1:", "d1:"];
    assert_eq!(tree(&lines), ["/a a1", "/a//b b2", "/b b1", "/c c1", "/d d1"]);
}

#[test]
fn nothing_hides_what_somebody_finds_higher_up() {
    // x stands below a, where y is found at the top: a second y for z must not stand between.
    let lines = [".: a=a1 x=x2 y=y1 z=z2", "a1: x=x1 z=z1", "x1: y=y1", "x2:", "y1:", "z1: y=y2", "z2:", "y2:"];
    assert_eq!(tree(&lines), ["/a a1", "/a//x x1", "/a//z z1", "/a//z//y y2", "/x x2", "/y y1", "/z z2"]);
}

#[test]
fn a_package_stands_where_it_sees_its_own_peers() {
    // b is used below a with react 17, which only a has; at the top it would see react 18.
    let lines = [".: a=a1 react=r18", "a1: b=b1 react=r17", "b1: c=c1", "c1: react^r17", "r17:", "r18:"];
    assert_eq!(tree(&lines), ["/a a1", "/a//b b1", "/a//c c1", "/a//react r17", "/react r18"]);
}

#[test]
fn folders_of_the_project_come_before_packages() {
    let lines = [".: a=a1", "p/one/: a=a2 b=b1", "a1: b=b2", "a2:", "b1:", "b2:"];
    assert_eq!(tree(&lines), ["/a a1", "/a//b b2", "/b b1", "p/one//a a2"]);
}

#[test]
fn rings_end() {
    assert_eq!(tree(&[".: a=a1", "a1: b=b1", "b1: a=a2", "a2: b=b1"]), ["/a a1", "/b b1", "/b//a a2"]);
    assert_eq!(tree(&[".: a=a1", "a1: a=a1"]), ["/a a1"]);
}

/// A sequence of numbers that is the same every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[test]
fn what_has_no_end_is_refused() {
    let lines = [".: a=a1", "a1: b=b1", "b1: a=a2", "a2: b=b2", "b2: a=a1"];
    assert_eq!(wanted(&lines).places().unwrap_err(), "b1");
}

#[test]
fn everybody_finds_what_the_lock_says_in_random_graphs() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let mut endless = 0;
    for seed in 0..200 {
        let mut numbers = Numbers(seed);
        let mut wanted = Wanted::default();
        // Later names in any version, earlier ones in one: a real registry has rings, but rarely such as never end.
        let mut needs = |above: usize, most: u64| -> BTreeMap<String, (String, Ask)> {
            (0..numbers.below(most))
                .map(|_| {
                    let name = usize::try_from(numbers.below(10)).unwrap();
                    let version = if name > above { numbers.below(3) } else { 0 };
                    let ask = if numbers.below(4) == 0 { Ask::Peer } else { Ask::Required };
                    (names[name].to_owned(), (format!("{}{version}", names[name]), ask))
                })
                .collect()
        };
        for folder in ["", "packages/one", "packages/two"] {
            let needs = needs(0, 8).into_iter().map(|(name, (id, _))| (name, id)).collect();
            wanted.folders.insert(folder.to_owned(), needs);
        }
        for (index, name) in names.iter().enumerate() {
            for version in 0..3 {
                let instance = Instance { needs: needs(index, 5), ..Instance::default() };
                wanted.instances.insert(format!("{name}{version}"), instance);
            }
        }
        match wanted.places() {
            Ok(places) => check(&wanted, &places),
            Err(_) => endless += 1,
        }
    }
    assert!(endless < 20, "{endless}");
}
