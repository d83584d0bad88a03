//! Reading the graph and selecting the highest version of each path.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use super::GraphStep;
use super::build_list::BuildList;
use super::inputs::Inputs;
use super::nodes::{NodeId, Nodes, PathId};
use super::replacements::Instead;
use crate::go::GoError;
use crate::go::catalog::{Known, Lookup, ModuleVersion, Need};
use crate::go::modfile::GoMod;
use crate::go::paths;
use crate::go::sums::{Part, Verdict};
use crate::go::version::{self, gover, is_toolchain, semver};

/// How far what a module requires is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pruning {
    /// Only where it is itself older than pruning.
    Pruned,
    /// To the end.
    Unpruned,
    /// It is a member of a workspace: as if it were the main module.
    Workspace,
}

/// What became of a node's go.mod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loaded {
    NotAsked,
    Missing,
    Failed,
    Read(Pruning),
}

/// A graph that is being read.
pub(super) struct Selection<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    known: &'a Known,
    rules: &'a str,
    pub(super) nodes: Nodes<'a>,
    /// Where the graph begins: the main module, or the workspace's members and its go and toolchain lines.
    pub(super) roots: Vec<NodeId>,
    /// By node.
    loaded: Vec<Loaded>,
    /// By node: with which prunings it was put into the queue, as bits.
    queued: Vec<u8>,
    queue: VecDeque<(NodeId, Pruning)>,
    pub(super) needs: BTreeSet<Need>,
    failed: HashMap<NodeId, GoError>,
    /// By node: the go.mod that counts for it.
    pub(super) files: HashMap<NodeId, &'a GoMod>,
}

/// Selects versions, as far as what is known allows.
pub(super) fn select<'a>(inputs: &'a Inputs<'a>, known: &'a Known, rules: &'a str) -> Result<GraphStep, GoError> {
    if known.mods.is_empty() {
        let listed = listed(inputs);
        if !listed.is_empty() {
            return Ok(GraphStep::Need(listed));
        }
    }
    let selection = Selection::run(inputs, known, rules)?;
    if !selection.needs.is_empty() {
        return Ok(GraphStep::Need(selection.needs.into_iter().collect()));
    }
    selection.check_roots()?;
    BuildList::new(&selection).map(|list| GraphStep::Done(Box::new(list)))
}

/// More lines of go.sum than any real one has.
const MOST_LISTED: usize = 20_000;

/// The go.mod files that go.sum has lines for: just those that will be needed, but for some that no longer are. To ask for
/// all of them first saves a round for each level of the graph.
fn listed(inputs: &Inputs<'_>) -> Vec<Need> {
    let fits = |path: &str, version: &str| {
        let major = paths::split_major(path).map(|(_, major)| major);
        paths::check_module(path).is_ok()
            && semver::canonical(version).as_deref() == Some(version)
            && major.is_some_and(|major| paths::check_major(version, major).is_ok())
    };
    let mods = inputs.sums.mods().filter(|(path, version)| fits(path, version)).take(MOST_LISTED);
    let needs = mods.map(|(path, version)| ModuleVersion { path: path.to_owned(), version: version.to_owned() });
    let needs: BTreeSet<Need> = needs.map(Need::Mod).collect();
    needs.into_iter().collect()
}

impl<'a> Selection<'a> {
    pub(super) fn new(inputs: &'a Inputs<'a>, known: &'a Known, rules: &'a str) -> Self {
        Self {
            inputs,
            known,
            rules,
            nodes: Nodes::default(),
            roots: Vec::new(),
            loaded: Vec::new(),
            queued: Vec::new(),
            queue: VecDeque::new(),
            needs: BTreeSet::new(),
            failed: HashMap::new(),
            files: HashMap::new(),
        }
    }

    /// Reads the graph as far as it is known.
    ///
    /// # Errors
    ///
    /// A go.mod that cannot be used.
    pub(super) fn run(inputs: &'a Inputs<'a>, known: &'a Known, rules: &'a str) -> Result<Self, GoError> {
        let mut selection = Self::new(inputs, known, rules);
        if inputs.work.is_some() {
            selection.begin_workspace();
            selection.follow();
            selection.follow_members();
        } else {
            selection.begin_module()?;
            selection.follow();
        }
        match selection.first_failure() {
            Some(error) => Err(error),
            None => Ok(selection),
        }
    }

    /// The requirements of the only main module.
    pub(super) fn begin_module(&mut self) -> Result<(), GoError> {
        let inputs = self.inputs;
        let Some(main) = inputs.single() else { return Ok(()) };
        self.check_toolchain()?;
        let root = self.nodes.unnamed(&main.file.module, Cow::Borrowed(""));
        self.roots.push(root);
        self.nodes.reach(root);
        let mut required = Vec::with_capacity(main.file.require.len() + 2);
        for line in &main.file.require {
            if inputs.excluded.contains(&line.module) {
                return Err(untidy(format!("{} is required and excluded", line.module)));
            }
            required.push(self.nodes.named(&line.module));
        }
        self.add_go_and_toolchain(&mut required);
        self.sort(&mut required);
        self.nodes.require(root, required.clone());
        let pruning = if gover::prunes(Some(inputs.go())) { Pruning::Pruned } else { Pruning::Unpruned };
        for node in required {
            self.enqueue(node, pruning);
        }
        Ok(())
    }

    fn begin_workspace(&mut self) {
        let inputs = self.inputs;
        let members = inputs.mains.iter().map(|main| main.file.module.as_str());
        let mut roots: Vec<NodeId> = members.map(|path| self.nodes.unnamed(path, Cow::Borrowed(""))).collect();
        self.add_go_and_toolchain(&mut roots);
        self.sort(&mut roots);
        for root in &roots {
            self.nodes.reach(*root);
            self.enqueue(*root, Pruning::Workspace);
        }
        self.roots = roots;
    }

    fn add_go_and_toolchain(&mut self, nodes: &mut Vec<NodeId>) {
        nodes.push(self.nodes.unnamed("go", Cow::Borrowed(self.inputs.go())));
        if let Some(toolchain) = self.inputs.toolchain() {
            nodes.push(self.nodes.unnamed("toolchain", Cow::Borrowed(toolchain)));
        }
    }

    /// As cmd/go's `gover.ModSort`.
    pub(super) fn sort(&self, nodes: &mut [NodeId]) {
        nodes.sort_by(|left, right| {
            let path = self.nodes.name(*left);
            path.cmp(self.nodes.name(*right))
                .then_with(|| version::compare(path, &self.nodes.get(*left).version, &self.nodes.get(*right).version))
        });
    }

    /// Go takes a toolchain line away that says no more than the go line, or what no version of Go understands.
    fn check_toolchain(&self) -> Result<(), GoError> {
        let Some(toolchain) = self.inputs.toolchain() else { return Ok(()) };
        let implied = toolchain.strip_prefix("go") == Some(self.inputs.go());
        if implied || gover::compare(gover::of_toolchain(toolchain), gover::STRICT).is_lt() {
            return Err(untidy(format!("its line \"toolchain {toolchain}\" says nothing")));
        }
        Ok(())
    }

    fn enqueue(&mut self, node: NodeId, pruning: Pruning) {
        let place = node as usize;
        if self.queued.len() <= place {
            self.queued.resize(self.nodes.len(), 0);
            self.loaded.resize(self.nodes.len(), Loaded::NotAsked);
        }
        let bit = 1 << pruning as u8;
        if self.queued[place] & bit == 0 {
            self.queued[place] |= bit;
            self.queue.push_back((node, pruning));
        }
    }

    /// Goes through the queue, and all that comes into it on the way.
    fn follow(&mut self) {
        while let Some((node, pruning)) = self.queue.pop_front() {
            let Loaded::Read(own) = self.load(node) else { continue };
            if pruning == Pruning::Pruned && own != Pruning::Unpruned {
                continue;
            }
            let next = if pruning == Pruning::Unpruned { Pruning::Unpruned } else { own };
            for place in 0..self.nodes.required(node).len() {
                let required = self.nodes.required(node)[place];
                self.enqueue(required, next);
            }
        }
    }

    /// In a workspace, dependencies of members whose selected version is not the one that a member requires are read as if they
    /// were members too.
    fn follow_members(&mut self) {
        let mut paths: HashSet<PathId> = self.roots.iter().map(|root| self.nodes.get(*root).path).collect();
        let mut seen: HashSet<NodeId> = HashSet::new();
        while self.needs.is_empty() && self.failed.is_empty() {
            let mut next = BTreeSet::new();
            for path in &paths {
                let Some(selected) = self.nodes.selected_at(*path) else { continue };
                if !seen.contains(&selected) {
                    next.insert(selected);
                    continue;
                }
                for required in self.nodes.required(selected) {
                    let other = self.nodes.selected_of(*required);
                    if self.nodes.is_higher(other, *required) && !seen.contains(&other) {
                        next.insert(other);
                    }
                }
            }
            if next.is_empty() {
                return;
            }
            for node in next {
                self.enqueue(node, Pruning::Workspace);
                seen.insert(node);
                paths.insert(self.nodes.get(node).path);
            }
            self.follow();
        }
    }

    /// Reads a node's go.mod, once.
    fn load(&mut self, node: NodeId) -> Loaded {
        let place = node as usize;
        if self.loaded[place] == Loaded::NotAsked {
            self.loaded[place] = match self.requirements(node) {
                Ok(Some((required, pruning))) => {
                    self.nodes.require(node, required);
                    Loaded::Read(pruning)
                }
                Ok(None) => Loaded::Missing,
                Err(error) => {
                    self.failed.insert(node, error);
                    Loaded::Failed
                }
            };
        }
        self.loaded[place]
    }

    /// What a node requires, and how far that is followed; nothing if its go.mod is not known yet.
    pub(super) fn requirements(&mut self, node: NodeId) -> Result<Option<(Vec<NodeId>, Pruning)>, GoError> {
        let path = self.nodes.name(node);
        if is_toolchain(path) {
            let version = &self.nodes.get(node).version;
            let implied = path == "go" && gover::compare(version, gover::STRICT).is_ge();
            let toolchain = implied.then(|| format!("go{version}"));
            let required = toolchain.map(|name| self.nodes.unnamed("toolchain", Cow::Owned(name)));
            return Ok(Some((required.into_iter().collect(), Pruning::Pruned)));
        }
        let Some(file) = self.file(node)? else { return Ok(None) };
        self.files.insert(node, file);
        let go = file.go.as_deref();
        let strict = go.filter(|go| gover::compare(go, gover::STRICT).is_ge());
        if let Some(go) = strict.filter(|go| gover::compare(go, self.rules).is_gt()) {
            let what = format!("module {}", self.nodes.label(node));
            return Err(GoError::TooNew { what, needs: go.to_owned(), rules: self.rules.to_owned() });
        }
        let mut required = Vec::with_capacity(file.require.len() + 1);
        for line in &file.require {
            if self.inputs.excluded.is_empty() || !self.inputs.excluded.contains(&line.module) {
                required.push(self.nodes.named(&line.module));
            }
        }
        required.extend(strict.map(|go| self.nodes.unnamed("go", Cow::Borrowed(go))));
        let pruning = if gover::prunes(go) { Pruning::Pruned } else { Pruning::Unpruned };
        Ok(Some((required, pruning)))
    }

    /// The go.mod that counts for a node: a member's, a folder's or a proxy's.
    fn file(&mut self, node: NodeId) -> Result<Option<&'a GoMod>, GoError> {
        let inputs = self.inputs;
        let path = self.nodes.name(node);
        let Some(module) = self.nodes.get(node).module else {
            return Ok(inputs.mains.iter().map(|main| &main.file).find(|file| file.module == path));
        };
        match inputs.replacements.of(path, &module.version)? {
            None => self.fetched(path, Cow::Borrowed(module)),
            Some(Instead::Module(by)) => self.fetched(path, Cow::Owned(by)),
            Some(Instead::Folder { shown, dir }) => match inputs.folders.get(&dir) {
                Some(Ok(file)) => Ok(Some(file)),
                Some(Err(wrong)) => {
                    let file = format!("{dir}/go.mod");
                    Err(GoError::Syntax { file, line: wrong.line, reason: wrong.reason.clone() })
                }
                None => {
                    let why = format!("there is no go.mod in its replacement {shown}");
                    Err(GoError::Absent { module: module.clone(), why })
                }
            },
        }
    }

    /// A go.mod of a proxy, checked against go.sum.
    fn fetched(&mut self, required: &str, module: Cow<'_, ModuleVersion>) -> Result<Option<&'a GoMod>, GoError> {
        let of_go_mod = || {
            let version = format!("{}/go.mod", module.version);
            ModuleVersion { path: module.path.clone(), version }
        };
        let (path, version) = (&module.path, &module.version);
        // In a workspace Go adds what is missing, without asking, to go.work.sum.
        if self.inputs.work.is_none() && !self.inputs.sums.has(path, version, Part::GoMod) {
            return Err(GoError::NoSum { module: of_go_mod() });
        }
        let found = match self.known.mods.get(&*module) {
            Some(Lookup::Found(found)) => found,
            Some(Lookup::Absent { why }) => {
                return Err(GoError::Absent { module: module.into_owned(), why: why.clone() });
            }
            None => {
                self.needs.insert(Need::Mod(module.into_owned()));
                return Ok(None);
            }
        };
        if let Verdict::Wrong { file, expected } = self.inputs.sums.check(path, version, Part::GoMod, &found.sum) {
            return Err(GoError::WrongSum { module: of_go_mod(), file, found: found.sum.clone(), expected });
        }
        let declares = &found.content.module;
        if declares.is_empty() {
            let file = format!("go.mod of {module}");
            return Err(GoError::Invalid { file, reason: "missing module line".to_owned() });
        }
        if declares != required && declares != path {
            let (declares, required) = (declares.clone(), required.to_owned());
            return Err(GoError::OtherModule { module: module.into_owned(), declares, required });
        }
        Ok(Some(&found.content))
    }

    /// The go.mod files that were read from proxies.
    pub(super) fn fetched_files(&self) -> Vec<ModuleVersion> {
        let modules = self.files.keys().filter_map(|node| {
            let module = self.nodes.get(*node).module?;
            // That there is no conflict was seen when it was read.
            match self.inputs.replacements.of(&module.path, &module.version).ok()? {
                None => Some(module.clone()),
                Some(Instead::Module(by)) => Some(by),
                Some(Instead::Folder { .. }) => None,
            }
        });
        modules.collect()
    }

    /// What is wrong with the first go.mod on the way from the roots, with that way.
    fn first_failure(&mut self) -> Option<GoError> {
        if self.failed.is_empty() {
            return None;
        }
        let mut under: HashMap<NodeId, Option<NodeId>> = HashMap::new();
        let mut first = None;
        self.nodes.walk(&self.roots, &[], |node, from| {
            under.insert(node, from);
            if first.is_none() && self.failed.contains_key(&node) {
                first = Some(node);
            }
        });
        let node = first.or_else(|| self.failed.keys().min().copied())?;
        let error = self.failed.remove(&node)?;
        let mut chain = vec![self.nodes.label(node)];
        let mut at = node;
        while let Some(from) = under.get(&at).copied().flatten() {
            chain.push(self.nodes.label(from));
            at = from;
        }
        chain.reverse();
        Some(GoError::Required { chain: chain.join(" requires "), source: Box::new(error) })
    }

    /// What the main module requires of itself: with pruning Go overlooks that, and `go mod graph` leaves it out.
    pub(super) fn required_of_itself(&self) -> Vec<NodeId> {
        let (Some(main), Some(root)) = (self.inputs.single(), self.roots.first()) else { return Vec::new() };
        let required = self.nodes.required(*root).iter().copied();
        required.filter(|node| self.nodes.name(*node) == main.file.module).collect()
    }

    /// Every line of the main module's go.mod must be what is selected.
    pub(super) fn check_roots(&self) -> Result<(), GoError> {
        let (Some(main), Some(root)) = (self.inputs.single(), self.roots.first()) else { return Ok(()) };
        let pruned = gover::prunes(Some(self.inputs.go()));
        for required in self.nodes.required(*root) {
            let selected = self.nodes.selected_of(*required);
            let itself = self.nodes.name(*required) == main.file.module;
            if selected != *required && !(itself && pruned) {
                let (required, selected) = (self.nodes.label(*required), self.nodes.label(selected));
                return Err(untidy(format!("it says {required}, and {selected} is selected")));
            }
        }
        Ok(())
    }
}

fn untidy(reason: String) -> GoError {
    GoError::Untidy { file: "go.mod".to_owned(), reason }
}
