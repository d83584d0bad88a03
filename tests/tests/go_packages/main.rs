//! Packages and their files, held to `go list -deps -json` of the pinned Go.

mod files;
mod fixture;
mod judge;
mod refusals;

use nixwright_resolver::go::packages;

/// Every package of the standard library, on each system, with and without C: some 350 packages with all that a package can have.
#[test]
fn the_standard_library_is_listed_as_go_does() {
    let systems = [
        ("linux", "amd64"),
        ("linux", "arm64"),
        ("darwin", "amd64"),
        ("darwin", "arm64"),
        ("windows", "amd64"),
        ("windows", "arm64"),
        ("linux", "riscv64"),
        ("freebsd", "386"),
    ];
    for cgo in [true, false] {
        let target = judge::target(&systems, cgo, &[]);
        let ours = packages::standard(&target).unwrap();
        for system in &target.systems {
            let go = judge::listed(std::path::Path::new("/"), system, &target, &["std"]);
            let different = judge::differences(&go, &judge::on(&ours, &system.system));
            assert!(
                different.is_empty(),
                "{} cgo {cgo}: {} differ\n{}",
                system.system,
                different.len(),
                different.join("\n")
            );
            assert!(go.len() > 250, "{}", go.len());
        }
    }
}
