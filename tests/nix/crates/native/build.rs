//! Rule: C through the compiler that the environment names; native libraries are found by every later link.

use std::{env, fs, path::Path, process::Command};

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().expect(program);
    assert!(status.success(), "{program} {arguments:?}");
}

fn main() {
    let out = env::var("OUT_DIR").unwrap();
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let flags = env::var("CFLAGS").unwrap_or_default();
    let object = format!("{out}/native.o");
    let mut arguments: Vec<&str> = flags.split_whitespace().collect();
    let source = format!("{}/native.c", env::var("CARGO_MANIFEST_DIR").unwrap());
    arguments.extend(["-c", &source, "-o", &object]);
    run(&compiler, &arguments);
    run(&env::var("AR").unwrap_or_else(|_| "ar".to_owned()), &["crD", &format!("{out}/libnative.a"), &object]);
    fs::create_dir(Path::new(&out).join("include")).unwrap();
    fs::write(format!("{out}/include/native.h"), "int native_number(void);\n").unwrap();
    println!("cargo:rustc-link-search=native={out}");
    // Not taken into the rlib: whoever links has to find it.
    println!("cargo:rustc-link-lib=static:-bundle=native");
    println!("cargo:include={out}/include");
}
