//! Rule: link arguments for C libraries.

fn main() {
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libwith_library.so.1");
}
