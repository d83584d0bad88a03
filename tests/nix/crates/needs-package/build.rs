//! Rule: native inputs of one crate, by overrides: the library is found by pkg-config and nowhere else.

fn main() {
    let output = std::process::Command::new("pkg-config")
        .args(["--libs", "thing"])
        .output()
        .expect("pkg-config is a native input by overrides");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    println!("cargo:rustc-flags={}", String::from_utf8(output.stdout).unwrap().trim());
}
