//! What `go mod vendor` (`go work vendor` in a workspace) makes of a project: the packages, `vendor/modules.txt`, and which files
//! of a package's folder are copied.

mod files;
mod modules_txt;
mod packages;

use std::collections::BTreeMap;

use super::GoError;
use super::catalog::{Known, Need, Project};
use super::facts::StandardLibrary;
use super::graph::{self, BuildList, GraphStep};

pub use self::files::{Copies, CopyError};

/// Where vendoring stands.
#[derive(Debug)]
pub enum VendorStep {
    /// Not before these are known.
    Need(Vec<Need>),
    /// Finished.
    Done(Box<Vendor>),
}

/// What is vendored.
#[derive(Debug, Clone)]
pub struct Vendor {
    /// The text of `vendor/modules.txt`; empty if nothing is vendored: then Go writes no file.
    pub modules_txt: String,
    /// The packages whose folders are copied, by import path, with the path of the module that has them.
    pub packages: BTreeMap<String, String>,
    /// The modules that they were chosen from.
    pub list: BuildList,
}

impl Vendor {
    /// The packages of each module.
    pub fn by_module(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut modules: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (package, module) in &self.packages {
            modules.entry(module).or_default().push(package);
        }
        modules
    }
}

/// Finds what is vendored: everything that packages of the main modules, their tests and their tools need on any system.
///
/// # Errors
///
/// What Go refuses too.
pub fn step(project: &Project, standard: &StandardLibrary, known: &Known) -> Result<VendorStep, GoError> {
    let list = match graph::step(project, known, standard.version())? {
        GraphStep::Need(needs) => return Ok(VendorStep::Need(needs)),
        GraphStep::Done(list) => list,
    };
    let packages = match packages::all(project, &list, standard, known)? {
        Ok(packages) => packages,
        Err(needs) => return Ok(VendorStep::Need(needs)),
    };
    list.check_paths()?;
    Ok(match modules_txt::text(project, &list, &packages, known, standard.version())? {
        Ok(modules_txt) => VendorStep::Done(Box::new(Vendor { modules_txt, packages, list: *list })),
        Err(needs) => VendorStep::Need(needs),
    })
}
