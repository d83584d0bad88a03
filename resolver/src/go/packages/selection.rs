//! What the systems take of a folder (`Context.Import` of go/build, and the checks of cmd/go on what it gives).

use crate::go::constraint::{Constraint, Mask, Systems};
use crate::go::facts::{Folder, GoFile, Kind, SourceFile};
use crate::go::source::Verb;

/// What packages are chosen for.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) systems: Systems,
    /// Whether C is compiled.
    pub(super) cgo: bool,
}

impl Context {
    pub(super) fn where_holds(&self, constraint: &Constraint<&str>) -> Mask {
        constraint.evaluate(self.systems.all(), |tag| self.systems.tag(tag))
    }
}

/// What each system takes of a folder's files.
#[derive(Debug, Default)]
pub(super) struct Selection<'k> {
    /// For each of the folder's files, where it is taken. For Go files that need cgo where there is none, nowhere.
    pub(super) files: Vec<Mask>,
    /// For each of the folder's imports, where some Go file that is compiled imports it.
    pub(super) imports: Vec<Mask>,
    /// Where a Go file imports "C".
    pub(super) cgo: Mask,
    /// Where there are files for SWIG.
    pub(super) swig: Mask,
    /// The package's name, and where it is that.
    pub(super) names: Vec<(&'k str, Mask)>,
    /// What Go refuses, and where.
    pub(super) problems: Vec<(Mask, String)>,
}

/// The file that gave the package its name, for messages.
type Named<'k> = (&'k str, &'k str, Mask);

impl<'k> Selection<'k> {
    /// Looks at all files.
    pub(super) fn new(folder: &Folder<&'k str>, context: &Context) -> Self {
        let mut selection = Self {
            files: Vec::with_capacity(folder.files.len()),
            imports: vec![0; folder.imports.len()],
            ..Self::default()
        };
        let mut named: Vec<Named<'k>> = Vec::new();
        let mut any: Mask = 0;
        for file in &folder.files {
            let taken = context.where_holds(&file.constraint);
            let taken = match &file.kind {
                Kind::Unreadable { error, .. } => {
                    selection.problem(taken, format!("{}: {error}", file.name));
                    0
                }
                Kind::Other => taken,
                Kind::Test { package, error, .. } => {
                    selection.parsed(file, error.as_ref(), taken);
                    selection.name(&mut named, file.name, text(&folder.packages, *package), true, taken);
                    any |= taken;
                    0
                }
                Kind::Go(go) => {
                    let taken = selection.go_file(folder, (file, go), &mut named, taken, context);
                    any |= taken;
                    taken
                }
            };
            selection.files.push(taken);
        }
        let none = context.systems.all() & !any;
        selection.problem(none, "build constraints exclude all Go files".to_owned());
        selection.names = named.into_iter().map(|(name, _, mask)| (name, mask)).collect();
        selection.swig = selection.with_endings(folder, &["swig", "swigcxx"]);
        selection.check_languages(folder, context.cgo);
        selection
    }

    fn problem(&mut self, mask: Mask, what: String) {
        if mask != 0 {
            self.problems.push((mask, what));
        }
    }

    fn parsed(&mut self, file: &SourceFile<&str>, error: Option<&&str>, taken: Mask) {
        if let Some(error) = error {
            self.problem(taken, format!("{}: {error}", file.name));
        }
    }

    /// A Go file that is no test: where it is compiled.
    fn go_file(
        &mut self,
        folder: &Folder<&'k str>,
        (file, go): (&SourceFile<&'k str>, &GoFile<&'k str>),
        named: &mut Vec<Named<'k>>,
        taken: Mask,
        context: &Context,
    ) -> Mask {
        self.parsed(file, go.error.as_ref(), taken);
        let package = text(&folder.packages, go.package);
        if package == "documentation" {
            return 0;
        }
        self.name(named, file.name, package, false, taken);
        for line in go.cgo.iter().filter(|line| line.verb == Verb::Invalid) {
            let reason = line.arguments.first().copied().unwrap_or_default();
            self.problem(context.where_holds(&line.when) & taken, format!("{}: {reason}", file.name));
        }
        if go.uses_c && !context.cgo {
            return 0;
        }
        if go.uses_c {
            self.cgo |= taken;
        }
        for import in &go.imports {
            if let Some(mask) = self.imports.get_mut(*import as usize) {
                *mask |= taken;
            }
        }
        for embed in go.embeds.iter().filter_map(|embed| folder.embeds.get(*embed as usize)) {
            if let Err(error) = &embed.files {
                self.problem(taken, format!("{}: pattern {}: {error}", file.name, embed.pattern));
            }
        }
        taken
    }

    /// The first file says the package's name; all others must say the same. A test may also be of the package with `_test` behind it.
    fn name(&mut self, named: &mut Vec<Named<'k>>, file: &'k str, package: &'k str, test: bool, taken: Mask) {
        let own = if test { package.strip_suffix("_test").unwrap_or(package) } else { package };
        let mut unnamed = taken;
        let mut problems = Vec::new();
        for (name, first, mask) in named.iter() {
            unnamed &= !mask;
            if *name != package && *name != own && taken & mask != 0 {
                problems.push((taken & mask, format!("found packages {name} ({first}) and {own} ({file})")));
            }
        }
        self.problems.extend(problems);
        if unnamed != 0 {
            named.push((own, file, unnamed));
        }
    }

    /// Where there is a file with one of these endings.
    fn with_endings(&self, folder: &Folder<&str>, endings: &[&str]) -> Mask {
        let files = folder.files.iter().zip(&self.files).filter(|(file, _)| matches!(file.kind, Kind::Other));
        files.filter(|(file, _)| endings.contains(&ending(file.name))).fold(0, |all, (_, mask)| all | mask)
    }

    /// Files in C and its like need cgo. Without it, all but Fortran is left out.
    fn check_languages(&mut self, folder: &Folder<&str>, cgo: bool) {
        let languages: [(&str, &[&str], bool); 4] = [
            ("C", &["c"], cgo),
            ("C++", &["cc", "cpp", "cxx"], cgo),
            ("Objective-C", &["m"], cgo),
            ("Fortran", &["f", "F", "for", "f90"], true),
        ];
        let allowed = self.cgo | self.swig;
        for (language, endings, looked_at) in languages {
            let refused = self.with_endings(folder, endings) & !allowed;
            if looked_at {
                self.problem(refused, format!("{language} source files not allowed when not using cgo or SWIG"));
            }
        }
    }

    /// Where it is a main package.
    pub(super) fn main(&self) -> Mask {
        let mains = self.names.iter().filter(|(name, _)| *name == "main");
        mains.fold(0, |all, (_, mask)| all | mask)
    }
}

/// What follows the last dot of a name.
pub(super) fn ending(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}

/// One of a folder's texts.
pub(super) fn text<'k>(list: &[&'k str], place: u32) -> &'k str {
    list.get(place as usize).copied().unwrap_or_default()
}
