//! Rule: OUT_DIR is the final path from the start, so what a dependency tells of it is there.

fn main() {
    let include = std::env::var("DEP_NATIVE_INCLUDE").unwrap();
    let header = std::fs::read_to_string(format!("{include}/native.h")).unwrap();
    assert!(header.contains("native_number"), "{header}");
}
