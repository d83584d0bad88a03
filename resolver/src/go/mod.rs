//! Go modules: their grammar, minimal version selection, and the packages that programs are compiled from.

pub mod catalog;
pub mod constraint;
mod error;
pub mod facts;
pub mod graph;
mod letters;
pub mod modfile;
pub mod packages;
pub mod paths;
pub mod retract;
pub mod source;
pub mod sums;
pub mod version;
pub mod workfile;
pub mod zip;

pub use self::error::GoError;

/// Temporary.
pub fn step(
    project: &catalog::Project,
    target: &catalog::Target,
    known: &catalog::Known,
) -> Result<catalog::Step, crate::ResolveError> {
    match graph::step(project, known, target.standard.version())? {
        graph::GraphStep::Need(needs) => Ok(catalog::Step::Need(needs)),
        graph::GraphStep::Done(list) => Ok(catalog::Step::Done(Box::new(crate::plan::go::GoGraph {
            roots: list.mains.clone(),
            rules: target.standard.version().to_owned(),
            go: list.go.clone(),
            toolchain: None,
            cgo: target.cgo,
            tags: target.tags.iter().cloned().collect(),
            godebug: Default::default(),
            systems: target.systems.iter().map(|system| system.system.clone()).collect(),
            modules: list
                .modules
                .iter()
                .map(|(path, module)| {
                    let module = crate::plan::go::Module {
                        version: module.version.clone(),
                        replace: module.replace.clone(),
                        ..Default::default()
                    };
                    (path.clone(), module)
                })
                .collect(),
            mod_files: Default::default(),
            programs: Default::default(),
            packages: Default::default(),
            standard: Default::default(),
        }))),
    }
}
