//! Rule: every `cargo:` directive that counts for a library.

fn main() {
    let out = std::env::var("OUT_DIR").unwrap();
    println!("this line is no directive");
    println!("cargo:rustc-cfg=plain");
    println!("cargo:rustc-cfg=valued=\"a b\"");
    println!("cargo:rustc-check-cfg=cfg(plain)");
    println!("cargo:rustc-env=TOLD_BY_SCRIPT=a value = with $signs and \"quotes\"");
    println!("cargo:rustc-flags=-L native={out} -L{out}/more");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=NOTHING");
    println!("cargo:warning=this is heard, and nothing else");
    println!("cargo:some-key=some value");
    println!("cargo:error=is metadata in the old form");
    // Without an end of line.
    print!("cargo:last=line");
}
