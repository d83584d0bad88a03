//! A package as the systems have it: systems for which it is the same share one form.

use std::collections::BTreeMap;

use super::selection::{Context, Selection, ending, text};
use crate::go::constraint::Mask;
use crate::go::facts::{Folder, GoFile, Kind};
use crate::go::source::Verb;
use crate::plan::go::{Cgo, Files, Package};

/// What a form is made of.
pub(super) struct Parts<'a, 'k> {
    pub(super) folder: &'a Folder<&'k str>,
    pub(super) selection: &'a Selection<'k>,
    pub(super) context: &'a Context,
    /// The path of the module, empty for the standard library.
    pub(super) module: &'a str,
    /// The folder in the module.
    pub(super) dir: &'a str,
    /// The imports outside of the standard library, each with the systems that have it, sorted.
    pub(super) imports: Vec<(&'a str, Mask)>,
}

impl Parts<'_, '_> {
    /// The forms that the systems of `wanted` have, each with its systems.
    pub(super) fn forms(&self, wanted: Mask) -> Vec<(Mask, Package)> {
        let mut forms: Vec<(Mask, Package)> = Vec::new();
        for class in self.classes(wanted) {
            let package = self.form(class);
            match forms.iter_mut().find(|(_, other)| *other == package) {
                Some((mask, _)) => *mask |= class,
                None => forms.push((class, package)),
            }
        }
        forms
    }

    /// Sets of systems that no file and no condition tells apart.
    fn classes(&self, wanted: Mask) -> Vec<Mask> {
        let mut classes = vec![wanted];
        for (file, taken) in self.folder.files.iter().zip(&self.selection.files) {
            split(&mut classes, *taken);
            if let Kind::Go(go) = &file.kind {
                for line in &go.cgo {
                    split(&mut classes, self.context.where_holds(&line.when));
                }
            }
        }
        for (_, mask) in self.imports.iter().chain(&self.selection.names) {
            split(&mut classes, *mask);
        }
        classes
    }

    /// The form that all systems of a class have.
    fn form(&self, class: Mask) -> Package {
        let mut package = Package {
            name: self.name(class).to_owned(),
            module: self.module.to_owned(),
            dir: self.dir.to_owned(),
            ..Package::default()
        };
        let mut later = Vec::new();
        for (file, taken) in self.folder.files.iter().zip(&self.selection.files) {
            let taken = taken & class != 0;
            let name = || file.name.to_owned();
            match &file.kind {
                Kind::Test { .. } | Kind::Unreadable { test: true, .. } => {}
                Kind::Go(_) | Kind::Unreadable { .. } if !taken => package.ignored.push(name()),
                Kind::Unreadable { .. } => {}
                Kind::Go(go) => {
                    let list = if go.uses_c { &mut package.files.cgo } else { &mut package.files.go };
                    list.push(name());
                    self.go_file(go, class, &mut package);
                }
                Kind::Other if !taken => {}
                Kind::Other if matches!(ending(file.name), "S" | "sx") => later.push(name()),
                Kind::Other => other(&mut package.files, file.name, self.context.cgo),
            }
        }
        if !package.files.cgo.is_empty() {
            // The C compiler's assembly, which Go's own does not read.
            package.files.s.append(&mut later);
            package.files.s.sort();
        }
        let imports = self.imports.iter().filter(|(_, mask)| mask & class != 0);
        package.imports = imports.map(|(path, _)| (*path).to_owned()).collect();
        package
    }

    fn name(&self, class: Mask) -> &str {
        self.selection.names.iter().find(|(_, mask)| mask & class != 0).map_or("", |(name, _)| name)
    }

    fn go_file(&self, go: &GoFile<&str>, class: Mask, package: &mut Package) {
        for embed in go.embeds.iter().filter_map(|embed| self.folder.embeds.get(*embed as usize)) {
            if let Ok(files) = &embed.files {
                let files = || files.iter().map(|file| (*file).to_owned()).collect();
                let embeds: &mut BTreeMap<_, _> = &mut package.embed;
                embeds.entry(embed.pattern.to_owned()).or_insert_with(files);
            }
        }
        for line in go.cgo.iter().filter(|line| self.context.where_holds(&line.when) & class != 0) {
            let list = list_for(&mut package.cgo, line.verb);
            let arguments = line.arguments.iter().map(|argument| (*argument).to_owned());
            if let Some(list) = list {
                list.extend(arguments);
            }
        }
        if text(&self.folder.packages, go.package) == "main" {
            package.godebug.extend(go.debug.iter().map(|setting| (*setting).to_owned()));
        }
    }
}

fn list_for(cgo: &mut Cgo, verb: Verb) -> Option<&mut Vec<String>> {
    Some(match verb {
        Verb::C => &mut cgo.cflags,
        Verb::Preprocessor => &mut cgo.cppflags,
        Verb::Cxx => &mut cgo.cxxflags,
        Verb::Fortran => &mut cgo.fflags,
        Verb::Linker => &mut cgo.ldflags,
        Verb::PkgConfig => &mut cgo.pkg_config,
        Verb::Invalid => return None,
    })
}

fn split(classes: &mut Vec<Mask>, by: Mask) {
    for place in 0..classes.len() {
        let Some(class) = classes.get_mut(place) else { continue };
        let (inside, outside) = (*class & by, *class & !by);
        if inside != 0 && outside != 0 {
            *class = inside;
            classes.push(outside);
        }
    }
}

/// Puts a file in another language where it belongs; without cgo, Go leaves out what only a C compiler reads.
fn other(files: &mut Files, name: &str, cgo: bool) {
    let list = match ending(name) {
        "c" if cgo => &mut files.c,
        "cc" | "cpp" | "cxx" if cgo => &mut files.cxx,
        "m" if cgo => &mut files.m,
        "swig" if cgo => &mut files.swig,
        "swigcxx" if cgo => &mut files.swig_cxx,
        "h" | "hh" | "hpp" | "hxx" => &mut files.h,
        "f" | "F" | "for" | "f90" => &mut files.f,
        "s" => &mut files.s,
        "syso" => &mut files.syso,
        _ => return,
    };
    list.push(name.to_owned());
}
