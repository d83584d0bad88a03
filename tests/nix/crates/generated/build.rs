//! Rule: what a build script generates is compiled in, and lasts.

fn main() {
    let out = std::env::var("OUT_DIR").unwrap();
    std::fs::write(format!("{out}/generated.rs"), "/// Made by the build script.\npub const MADE: u32 = 11;\n").unwrap();
    std::fs::write(format!("{out}/data"), "eleven").unwrap();
}
