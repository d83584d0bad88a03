//! Rule: `CARGO_PKG_*`, those that the manifest does not say included, and `CARGO_CRATE_NAME`.

/// What the compiler was told of each, in the order of cargo's documentation.
pub const TOLD: [(&str, &str, &str); 15] = [
    ("NAME", env!("CARGO_PKG_NAME"), "manifest-values"),
    ("VERSION", env!("CARGO_PKG_VERSION"), "1.2.3-beta.4+build.5"),
    ("VERSION_MAJOR", env!("CARGO_PKG_VERSION_MAJOR"), "1"),
    ("VERSION_MINOR", env!("CARGO_PKG_VERSION_MINOR"), "2"),
    ("VERSION_PATCH", env!("CARGO_PKG_VERSION_PATCH"), "3"),
    ("VERSION_PRE", env!("CARGO_PKG_VERSION_PRE"), "beta.4"),
    ("AUTHORS", env!("CARGO_PKG_AUTHORS"), "A. Author <a@example.org>:B. Author"),
    (
        "DESCRIPTION",
        env!("CARGO_PKG_DESCRIPTION"),
        "What a crate is told of its manifest: \"quotes\", $dollars and ${braces}",
    ),
    ("HOMEPAGE", env!("CARGO_PKG_HOMEPAGE"), "https://home.example"),
    ("REPOSITORY", env!("CARGO_PKG_REPOSITORY"), ""),
    ("LICENSE", env!("CARGO_PKG_LICENSE"), "MIT"),
    ("LICENSE_FILE", env!("CARGO_PKG_LICENSE_FILE"), ""),
    ("README", env!("CARGO_PKG_README"), ""),
    ("RUST_VERSION", env!("CARGO_PKG_RUST_VERSION"), "1.70"),
    ("crate", env!("CARGO_CRATE_NAME"), "manifest_values"),
];
