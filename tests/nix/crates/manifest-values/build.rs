//! Build scripts are told the same, when they are compiled and when they run.

fn main() {
    for name in ["NAME", "VERSION", "VERSION_PRE", "AUTHORS", "LICENSE", "README"] {
        assert!(std::env::var(format!("CARGO_PKG_{name}")).is_ok(), "CARGO_PKG_{name} is not set");
    }
    assert_eq!(env!("CARGO_PKG_VERSION"), std::env::var("CARGO_PKG_VERSION").unwrap());
    let folder = std::env::current_dir().unwrap();
    assert_eq!(std::env::var("CARGO_MANIFEST_DIR").unwrap(), folder.to_str().unwrap());
    assert!(std::path::Path::new(&std::env::var("CARGO_MANIFEST_PATH").unwrap()).is_file());
}
