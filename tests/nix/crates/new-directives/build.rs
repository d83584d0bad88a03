//! Rule: every `cargo::` directive that counts for a library.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(plain, values(none()))");
    println!("cargo::rustc-cfg=plain");
    println!("cargo::rustc-env=TOLD_BY_SCRIPT=new");
    println!("cargo::metadata=key=value=with=signs");
    println!("cargo::warning=this is heard, and nothing else");
    println!("cargo::rerun-if-changed=build.rs");
}
