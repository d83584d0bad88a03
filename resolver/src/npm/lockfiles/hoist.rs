//! A tree of folders for locks that have none: yarn's and pnpm's say who uses what, not where it stands.
//!
//! Breadth first, by depth and then by place, each package goes to the highest `node_modules` where it is in nobody's way,
//! as npm's do. Every package finds exactly what the lock says, peers as far as one tree can give them: a package whose
//! peers differ from those that it would see further up stands where it sees the right ones.

use std::collections::{BTreeMap, BTreeSet};

use super::error::LockError;
use super::manifest::Ask;
use super::places::{inside, look_up, outer};
use super::tree::Folder;
use crate::plan::npm::{Entry, Source};

/// Ten times what the largest trees have.
const MOST_PLACES: usize = 100_000;

/// A package as a lock has it, by an id of the lock's own.
#[derive(Debug, Clone, Default)]
pub(super) struct Instance {
    /// All but its edges.
    pub(super) entry: Entry,
    /// By the name that it asks for: the id of what answers, and how it asks.
    pub(super) needs: BTreeMap<String, (String, Ask)>,
}

/// What a lock of this kind says.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Every package, by id.
    pub(super) instances: BTreeMap<String, Instance>,
    /// What the folders of the project need, by path: name and id.
    pub(super) folders: BTreeMap<String, BTreeMap<String, String>>,
}

impl Wanted {
    /// An instance that is a link to a folder of the project; its id.
    pub(super) fn link(&mut self, target: &str) -> String {
        let id = format!("link:{target}");
        let source = Source::Link { target: target.to_owned() };
        let link = Instance { entry: Entry { source, ..Entry::default() }, needs: BTreeMap::new() };
        self.instances.entry(id.clone()).or_insert(link);
        id
    }

    /// The folders that something is linked to.
    pub(super) fn linked(&self) -> impl Iterator<Item = &str> {
        self.instances.keys().filter_map(|id| id.strip_prefix("link:"))
    }

    /// Places everything that the project's folders lead to.
    ///
    /// # Errors
    /// When there is no end of it.
    pub(super) fn placed(&self, file: &str) -> Result<BTreeMap<String, Folder>, LockError> {
        let mut folders = BTreeMap::new();
        let endless = |id: &str| LockError::Endless { file: file.to_owned(), entry: id.to_owned() };
        for (place, id) in self.places().map_err(endless)? {
            let Some(instance) = self.instances.get(id) else { continue };
            let asks = instance.needs.iter().map(|(name, (_, ask))| (name.clone(), *ask)).collect();
            let whole = matches!(instance.entry.source, Source::Link { .. });
            folders.insert(place, Folder { entry: instance.entry.clone(), asks, whole });
        }
        Ok(folders)
    }

    /// The id of what stands at each place, or that of what would have no end.
    fn places(&self) -> Result<BTreeMap<String, &str>, &str> {
        let (placed, read) = (BTreeMap::new(), BTreeMap::new());
        let mut tree = Hoisting { wanted: self, peers: self.outer_peers(), placed, read };
        tree.run()?;
        Ok(tree.placed)
    }

    /// The peers of every package that those who use it must bring along: its own, and those of what it uses.
    fn outer_peers(&self) -> BTreeMap<&str, BTreeMap<&str, &str>> {
        let mut all: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
        for (id, instance) in &self.instances {
            let own = instance.needs.iter().filter(|(_, (_, ask))| matches!(ask, Ask::Peer | Ask::PeerOptional));
            all.insert(id, own.map(|(name, (peer, _))| (name.as_str(), peer.as_str())).collect());
        }
        let mut used_by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (id, instance) in &self.instances {
            for (used, _) in instance.needs.values() {
                used_by.entry(used).or_default().push(id);
            }
        }
        let mut queue: Vec<&str> = all.iter().filter(|(_, peers)| !peers.is_empty()).map(|(id, _)| *id).collect();
        while let Some(id) = queue.pop() {
            let peers = all.get(id).cloned().unwrap_or_default();
            for user in used_by.get(id).into_iter().flatten().copied() {
                let Some(instance) = self.instances.get(user) else { continue };
                let brings = |name: &str| {
                    instance.needs.get(name).is_some_and(|(_, ask)| !matches!(ask, Ask::Peer | Ask::PeerOptional))
                };
                let known = all.entry(user).or_default();
                let before = known.len();
                for (name, peer) in peers.iter().filter(|(name, _)| !brings(name)) {
                    known.entry(name).or_insert(peer);
                }
                if known.len() > before {
                    queue.push(user);
                }
            }
        }
        all
    }
}

struct Hoisting<'a> {
    wanted: &'a Wanted,
    peers: BTreeMap<&'a str, BTreeMap<&'a str, &'a str>>,
    /// Ids by place.
    placed: BTreeMap<String, &'a str>,
    /// The names that somebody at or below a folder finds above it: what would hide them may not be placed there.
    read: BTreeMap<String, BTreeSet<&'a str>>,
}

impl<'a> Hoisting<'a> {
    fn run(&mut self) -> Result<(), &'a str> {
        let wanted = self.wanted;
        let mut folders: Vec<&String> = wanted.folders.keys().collect();
        folders.sort_by_key(|path| (path.split('/').filter(|part| !part.is_empty()).count(), path.as_str()));
        let mut queue: BTreeSet<(usize, String)> = BTreeSet::new();
        for folder in folders {
            let needs = wanted.folders[folder].iter().map(|(name, id)| (name.as_str(), id.as_str())).collect();
            self.provide(folder, &needs, &mut queue)?;
        }
        while let Some((_, place)) = queue.pop_first() {
            let instance = self.placed.get(&place).and_then(|id| wanted.instances.get(*id));
            let needs = instance.into_iter().flat_map(|instance| &instance.needs);
            let needs = needs.map(|(name, (id, _))| (name.as_str(), id.as_str())).collect();
            self.provide(&place, &needs, &mut queue)?;
        }
        Ok(())
    }

    /// Places what a folder needs, as far as it does not find it.
    fn provide(
        &mut self,
        from: &str,
        needs: &BTreeMap<&'a str, &'a str>,
        queue: &mut BTreeSet<(usize, String)>,
    ) -> Result<(), &'a str> {
        for name in self.in_order(needs) {
            let id = needs[name];
            if !self.wanted.instances.contains_key(id) {
                continue;
            }
            let place = match look_up(&self.placed, from, name) {
                Some(place) if self.placed.get(&place) == Some(&id) => place,
                _ => {
                    let place = inside(&self.highest(from, name, id), name);
                    if self.stands_in_itself(&place, id) || self.placed.len() >= MOST_PLACES {
                        return Err(id);
                    }
                    self.placed.insert(place.clone(), id);
                    queue.insert((place.matches("node_modules/").count(), place.clone()));
                    place
                }
            };
            let ground = outer(&place).unwrap_or_default().to_owned();
            for folder in self.upward(from).into_iter().take_while(|folder| *folder != ground) {
                self.read.entry(folder).or_default().insert(name);
            }
        }
        Ok(())
    }

    /// Whether a package stands around a place twice already: once may be right, the third time has no end.
    fn stands_in_itself(&self, place: &str, id: &str) -> bool {
        let mut around = 0;
        let mut place = place;
        while let Some(outer) = outer(place) {
            around += usize::from(self.placed.get(outer) == Some(&id));
            place = outer;
        }
        around >= 2
    }

    /// Names in order, peers of others before those.
    fn in_order(&self, needs: &BTreeMap<&'a str, &'a str>) -> Vec<&'a str> {
        let mut order = Vec::new();
        let mut seen = BTreeSet::new();
        let mut stack: Vec<(&str, bool)> = needs.keys().rev().map(|name| (*name, false)).collect();
        while let Some((name, peers_done)) = stack.pop() {
            if peers_done {
                order.push(name);
            } else if seen.insert(name) {
                stack.push((name, true));
                let peers = needs.get(name).and_then(|id| self.peers.get(id)).into_iter().flat_map(BTreeMap::keys);
                let siblings: Vec<&str> =
                    peers.filter_map(|peer| needs.get_key_value(peer)).map(|(name, _)| *name).collect();
                stack.extend(siblings.into_iter().rev().map(|peer| (peer, false)));
            }
        }
        order
    }

    /// The highest folder in whose `node_modules` a package may stand for one who asks from `from`.
    fn highest(&self, from: &str, name: &str, id: &str) -> String {
        let mut best: Option<String> = None;
        let mut lowest = None;
        for folder in self.upward(from) {
            if self.placed.contains_key(&inside(&folder, name)) {
                break;
            }
            let hides = self.read.get(&folder).is_some_and(|names| names.contains(name));
            lowest.get_or_insert_with(|| folder.clone());
            if !hides && self.sees_its_peers(&folder, id) {
                best = Some(folder);
            }
        }
        // Whoever asks has nothing of that name in its own `node_modules`: folders are filled from the outside in.
        best.or(lowest).unwrap_or_else(|| from.to_owned())
    }

    /// Whether nothing but the right peers is found from a folder's `node_modules`.
    fn sees_its_peers(&self, folder: &str, id: &str) -> bool {
        let peers = self.peers.get(id).into_iter().flatten();
        peers.into_iter().all(|(name, peer)| {
            look_up(&self.placed, folder, name).is_none_or(|place| self.placed.get(&place) == Some(peer))
        })
    }

    /// The folder itself, and those around it in which packages can stand, up to the project.
    fn upward(&self, from: &str) -> Vec<String> {
        let mut folders = vec![from.to_owned()];
        let mut folder = from;
        while !folder.is_empty() {
            folder = match outer(folder) {
                Some(outer) => outer,
                None => folder.rsplit_once('/').map_or("", |(outer, _)| outer),
            };
            if folder.is_empty() || self.placed.contains_key(folder) || self.wanted.folders.contains_key(folder) {
                folders.push(folder.to_owned());
            }
        }
        folders
    }
}

#[cfg(test)]
mod tests;
