//! Rule: link arguments by kind. The linker makes a symbol whose address is the argument.

fn main() {
    println!("cargo:rustc-link-arg=-Wl,--defsym=for_all=0x101");
    println!("cargo:rustc-link-arg-bins=-Wl,--defsym=for_bins=0x102");
    println!("cargo:rustc-link-arg-bin=rules=-Wl,--defsym=for_one=0x103");
    // For another program: here it would give the symbol above another address.
    println!("cargo:rustc-link-arg-bin=rules-told=-Wl,--defsym=for_one=0x1ff");
    println!("cargo:rustc-env=FROM_ROOT_SCRIPT=heard");
}
