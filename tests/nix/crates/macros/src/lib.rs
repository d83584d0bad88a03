//! Rule: proc macros are for the machine that builds, with their own variants of dependencies.

use proc_macro::TokenStream;

/// Expands to whether the macro's dependency has the macro's features.
#[proc_macro]
pub fn host_variant(_input: TokenStream) -> TokenStream {
    both_sides::HOST.to_string().parse().unwrap()
}

/// Expands to the name of the package that it is used in.
#[proc_macro]
pub fn package(_input: TokenStream) -> TokenStream {
    let name = std::env::var("CARGO_PKG_NAME").unwrap();
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    assert!(std::path::Path::new(&folder).join("Cargo.toml").is_file());
    format!("{name:?}").parse().unwrap()
}
