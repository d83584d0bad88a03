//! The rules that show when the program runs; the others show when something is built.

use std::ffi::c_void;

unsafe extern "C" {
    static for_all: c_void;
    static for_bins: c_void;
    static for_one: c_void;
}

fn main() {
    assert_eq!(renamed::majors(), (1, 2));
    assert_eq!(old_fashioned::r#async(), 1);
    assert_eq!(new_edition::even("4"), Some(4));
    for (name, told, expected) in manifest_values::TOLD {
        assert_eq!(told, expected, "{name}");
    }
    assert_eq!(old_directives::TOLD, "a value = with $signs and \"quotes\"");
    assert_eq!(new_directives::TOLD, "new");
    assert_eq!(direct_dependent::TOLD, None);
    assert_eq!(native_user::number(), 7);
    assert_eq!(generated::MADE, 11);
    assert!(!both_sides::HOST);
    assert!(macros::host_variant!());
    assert_eq!(macros::package!(), "rules");
    assert_eq!(env!("FROM_ROOT_SCRIPT"), "heard");
    assert_eq!(env!("CARGO_BIN_NAME"), "rules");
    let address = |symbol: *const c_void| symbol as usize & 0xfff;
    assert_eq!(address(&raw const for_all), 0x101);
    assert_eq!(address(&raw const for_bins), 0x102);
    assert_eq!(address(&raw const for_one), 0x103);
    // Paths of files are shown without the folders that they were built in.
    assert!(!native_user::file().starts_with('/') || native_user::file().starts_with("/build"), "{}", native_user::file());
    assert_eq!(generated::FILE, "generated-1.0.0/src/lib.rs");
    // These are compiled in, and would keep what they name alive.
    for path in [generated::FOLDER, generated::SOURCE] {
        assert!(std::hint::black_box(path).starts_with('/'), "{path}");
    }
    println!("all rules hold");
}
