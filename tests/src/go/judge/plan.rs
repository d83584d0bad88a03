//! A graph of ours in the words of the judge.

use std::collections::{BTreeMap, BTreeSet};

use nixwright_resolver::plan::go::Package;

use super::answer::PackageSet;

/// What a graph's packages and its parts of the standard library are on a system.
pub fn package_set(
    packages: &BTreeMap<String, Vec<Package>>,
    standard: &BTreeMap<String, BTreeSet<String>>,
    system: &str,
) -> PackageSet {
    let mut set = PackageSet::default();
    for (path, forms) in packages {
        for form in forms.iter().filter(|form| form.on.contains(system)) {
            set.others.insert(path.clone(), line(form));
        }
    }
    set.standard.extend(standard.get(system).into_iter().flatten().cloned());
    set.standard.remove("unsafe");
    set
}

/// As the judge writes what `go list` says.
fn line(package: &Package) -> String {
    let Package { name, module, dir, files, ignored, imports, embed, cgo, .. } = package;
    let mut line = format!("module={module} dir={dir} name={name}");
    let mut list = |key: &str, values: &[String]| {
        if !values.is_empty() {
            line = format!("{line} {key}=[{}]", values.join(" "));
        }
    };
    let patterns: Vec<String> = embed.keys().cloned().collect();
    let embedded: BTreeSet<String> = embed.values().flatten().cloned().collect();
    let embedded: Vec<String> = embedded.into_iter().collect();
    for (key, values) in [
        ("go", &files.go),
        ("cgo", &files.cgo),
        ("c", &files.c),
        ("cxx", &files.cxx),
        ("m", &files.m),
        ("f", &files.f),
        ("h", &files.h),
        ("s", &files.s),
        ("swig", &files.swig),
        ("swig_cxx", &files.swig_cxx),
        ("syso", &files.syso),
        ("patterns", &patterns),
        ("embed", &embedded),
        ("cflags", &cgo.cflags),
        ("cppflags", &cgo.cppflags),
        ("cxxflags", &cgo.cxxflags),
        ("fflags", &cgo.fflags),
        ("ldflags", &cgo.ldflags),
        ("pkg_config", &cgo.pkg_config),
        ("ignored", ignored),
        ("imports", imports),
    ] {
        list(key, values);
    }
    line
}
