//! Rule: link arguments are for the package's own programs, and not for those of its dependents.

fn main() {
    println!("cargo:rustc-link-arg=-Wl,--no-such-option-of-any-linker");
}
