//! A project's `overrides`: rules that change what dependencies ask for, everywhere or below a package.

use serde_json::Value;

use super::{EdgeId, Forest, NodeId};
use crate::npm::manifest::Manifest;
use crate::npm::semver::Range;
use crate::npm::spec::{Kind, Spec};

/// A rule's place in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::npm) struct OverrideId(u32);

/// A rule, and those that hold below what it is about. The root of all has no name.
#[derive(Debug)]
pub(in crate::npm) struct OverrideSet {
    parent: Option<OverrideId>,
    children: Vec<OverrideId>,
    pub(super) name: Option<String>,
    key: Option<String>,
    /// Which specs it is about; `*` for all.
    pub(super) key_spec: Option<String>,
    /// What is asked for instead.
    pub(super) value: Option<String>,
}

/// What two places have in common.
enum Common {
    /// One lies in the other, or both in this.
    Place(OverrideId),
    Nothing,
    Contradiction,
}

impl Forest {
    /// Reads a project's overrides.
    ///
    /// # Errors
    /// The key that names no package.
    pub(in crate::npm) fn read_overrides(
        &mut self,
        overrides: &serde_json::Map<String, Value>,
    ) -> Result<OverrideId, String> {
        self.read_rule(&Value::Object(overrides.clone()), None)
    }

    fn read_rule(&mut self, overrides: &Value, place: Option<(OverrideId, &str)>) -> Result<OverrideId, String> {
        let empty = serde_json::Map::new();
        let rules = overrides.as_object().unwrap_or(&empty);
        let own = match overrides {
            Value::String(text) => Some(text.as_str()),
            _ => rules.get(".").and_then(Value::as_str),
        };
        let own = own.map(|text| if text.is_empty() { "*" } else { text });
        let mut set =
            OverrideSet { parent: None, children: Vec::new(), name: None, key: None, key_spec: None, value: None };
        if let Some((parent, key)) = place {
            let spec = Spec::parse(key, "").map_err(|error| error.to_string())?;
            if spec.name.is_empty() {
                return Err(format!("the override {key:?} names no package"));
            }
            let key_spec = spec.text();
            set.value = Some(own.map_or_else(|| key_spec.clone(), str::to_owned));
            (set.parent, set.key, set.key_spec, set.name) =
                (Some(parent), Some(key.to_owned()), Some(key_spec), Some(spec.name));
        }
        let id = OverrideId(u32::try_from(self.override_sets.len()).unwrap_or(u32::MAX));
        self.override_sets.push(set);
        for (key, value) in rules {
            if key != "." {
                let child = self.read_rule(value, Some((id, key)))?;
                self.override_sets[id.0 as usize].children.push(child);
            }
        }
        Ok(id)
    }

    pub(super) fn rule(&self, id: OverrideId) -> &OverrideSet {
        &self.override_sets[id.0 as usize]
    }

    fn rule_ancestry(&self, id: OverrideId) -> impl Iterator<Item = OverrideId> {
        std::iter::successors(Some(id), |id| self.rule(*id).parent)
    }

    /// The rules that hold at a place, the nearest first; of one key only the nearest.
    fn ruleset(&self, id: OverrideId) -> Vec<OverrideId> {
        let mut rules: Vec<OverrideId> = Vec::new();
        let mut add = |rule: OverrideId| {
            if !rules.iter().any(|known| self.rule(*known).key == self.rule(rule).key) {
                rules.push(rule);
            }
        };
        for above in self.rule_ancestry(id) {
            self.rule(above).children.iter().for_each(|child| add(*child));
            if self.rule(above).parent.is_some() {
                add(above);
            }
        }
        rules
    }

    /// The rule that holds for an edge: one that is about it, else the place's own.
    pub(super) fn edge_rule(&self, place: OverrideId, edge: EdgeId) -> OverrideId {
        let (name, raw) = (&self[edge].name, &self[edge].raw);
        for id in self.ruleset(place) {
            let rule = self.rule(id);
            if rule.name.as_deref() != Some(&**name) {
                continue;
            }
            let key = rule.key_spec.as_deref().unwrap_or("*");
            if key == "*" {
                return id;
            }
            let Ok(spec) = Spec::resolve(name, if raw.is_empty() { "*" } else { raw }, "") else { continue };
            let range = match &spec.target().kind {
                Kind::Git(git) => git.range.clone(),
                Kind::Range { text, .. } | Kind::Version { text, .. } => Some(text.clone()),
                _ => return id,
            };
            if Range::parse(key).is_none() && range.is_some() {
                // npm ends here with an error of its own: a tag cannot be compared with a range.
                self.fault.replace(Some(format!("the key {name}@{key} is no range, and {name}@{raw} is")));
            }
            if range.is_some_and(|range| intersect(&range, key)) {
                return id;
            }
        }
        place
    }

    /// What npm would have stumbled over while it looked for rules.
    pub(in crate::npm) fn fault(&self) -> Option<String> {
        self.fault.borrow().clone()
    }

    /// The rule that is about a package at its version, else the place's own.
    pub(in crate::npm) fn node_rule(&self, place: OverrideId, package: &Manifest) -> OverrideId {
        let includes = |range: Option<&str>| {
            let range = range.and_then(Range::parse);
            range.zip(package.semver.as_ref()).is_some_and(|(range, version)| range.contains(version))
        };
        let is_about = |id: &OverrideId| {
            let rule = self.rule(*id);
            rule.name.as_deref() == Some(&*package.name)
                && (includes(rule.key_spec.as_deref()) || includes(rule.value.as_deref()))
        };
        self.ruleset(place).into_iter().find(is_about).unwrap_or(place)
    }

    pub(super) fn same_rule(&self, one: OverrideId, other: OverrideId) -> bool {
        if one == other {
            return true;
        }
        let (first, second) = (self.rule(one), self.rule(other));
        first.key == second.key
            && first.value == second.value
            && self.same_children(one, other)
            && match (first.parent, second.parent) {
                (Some(one), Some(other)) => self.same_rule(one, other),
                (None, None) => true,
                _ => false,
            }
    }

    fn same_children(&self, one: OverrideId, other: OverrideId) -> bool {
        let (first, second) = (&self.rule(one).children, &self.rule(other).children);
        first.len() == second.len()
            && first.iter().all(|child| {
                second.iter().any(|twin| {
                    self.rule(*child).key == self.rule(*twin).key
                        && self.rule(*child).value == self.rule(*twin).value
                        && self.same_children(*child, *twin)
                })
            })
    }

    pub(in crate::npm) fn same_rules(&self, one: Option<OverrideId>, other: Option<OverrideId>) -> bool {
        match (one, other) {
            (Some(one), Some(other)) => self.same_rule(one, other),
            (one, other) => one == other,
        }
    }

    /// Of two places the one that lies in the other, or what both lie in.
    fn more_specific(&self, first: OverrideId, second: OverrideId) -> Common {
        if self.rule_ancestry(second).any(|above| self.same_rule(above, first)) {
            return Common::Place(second);
        }
        if self.rule_ancestry(first).any(|above| self.same_rule(above, second)) {
            return Common::Place(first);
        }
        if self.contradict(first, second) {
            return Common::Contradiction;
        }
        let common = self
            .rule_ancestry(second)
            .find_map(|above| self.rule_ancestry(first).find(|candidate| self.same_rule(*candidate, above)));
        common.map_or(Common::Nothing, Common::Place)
    }

    pub(super) fn conflict(&self, first: OverrideId, second: OverrideId) -> bool {
        matches!(self.more_specific(first, second), Common::Contradiction)
    }

    fn contradict(&self, first: OverrideId, second: OverrideId) -> bool {
        let others = self.ruleset(second);
        self.ruleset(first).into_iter().any(|mine| {
            let theirs = others.iter().copied().find(|theirs| self.rule(*theirs).key == self.rule(mine).key);
            theirs.is_some_and(|theirs| !self.same_rule(mine, theirs) && self.values_contradict(mine, theirs))
        })
    }

    fn values_contradict(&self, mine: OverrideId, theirs: OverrideId) -> bool {
        let range = |id: OverrideId| {
            let rule = self.rule(id);
            let (name, value) = (rule.name.as_deref()?, rule.value.as_deref()?);
            if value.starts_with('$') {
                return None;
            }
            match Spec::resolve(name, value, "").ok()?.kind {
                Kind::Range { text, .. } | Kind::Version { text, .. } => Some(text),
                _ => None,
            }
        };
        range(mine).zip(range(theirs)).is_some_and(|(mine, theirs)| !intersect(&mine, &theirs))
    }

    /// An edge with a rule came in: what stands here follows the more specific rule.
    pub(in crate::npm) fn override_added(&mut self, node: NodeId, rule: Option<OverrideId>) {
        let Some(rule) = rule else { return };
        let Some(current) = self[node].overrides else {
            self[node].overrides = Some(rule);
            self.recalculate_overrides(node);
            return;
        };
        if self.same_rule(current, rule) {
            return;
        }
        let Common::Place(better) = self.more_specific(current, rule) else { return };
        if !self.same_rule(current, better) {
            self[node].overrides = Some(better);
            self.recalculate_overrides(node);
        }
    }

    /// An edge with a rule is gone: what the others say holds.
    pub(super) fn override_removed(&mut self, node: NodeId, rule: Option<OverrideId>) {
        let (Some(current), Some(rule)) = (self[node].overrides, rule) else { return };
        if !self.same_rule(current, rule) {
            return;
        }
        let mut left: Option<OverrideId> = None;
        for edge in self.edges_in(node) {
            let own = self[edge].overrides;
            left = match (left, own) {
                (Some(left), Some(own)) => match self.more_specific(own, left) {
                    Common::Place(place) => Some(place),
                    Common::Nothing | Common::Contradiction => None,
                },
                (_, own) => own,
            };
        }
        if self.same_rules(Some(current), left) {
            return;
        }
        self[node].overrides = left;
        if left.is_some() {
            self.recalculate_overrides(node);
        }
    }

    fn recalculate_overrides(&mut self, node: NodeId) {
        if self[node].link.is_some() {
            let target = self.target(node);
            if let Some(rule) = self[node].overrides
                && target != node
                && self.concerns(rule, target)
            {
                self.override_added(target, Some(rule));
            }
            return;
        }
        for edge in self.edges_out(node) {
            self.reload(edge, true);
            if let Some(to) = self[edge].to {
                let rule = self[edge].overrides;
                self.override_added(to, rule);
            }
        }
    }

    /// Whether a rule is about something that is reached from a node.
    fn concerns(&self, rule: OverrideId, node: NodeId) -> bool {
        let mut seen = vec![node];
        let mut next = 0;
        while let Some(id) = seen.get(next).copied() {
            next += 1;
            for edge in self[id].edges_out.values() {
                if self.rule(self.edge_rule(rule, *edge)).name.as_deref() == Some(&*self[*edge].name) {
                    return true;
                }
                if let Some(to) = self[*edge].to.map(|to| self.target(to))
                    && !seen.contains(&to)
                {
                    seen.push(to);
                }
            }
        }
        false
    }
}

fn intersect(one: &str, other: &str) -> bool {
    Range::parse(one).zip(Range::parse(other)).is_some_and(|(one, other)| one.intersects(&other))
}
