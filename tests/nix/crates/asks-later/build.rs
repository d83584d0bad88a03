//! Rule: paths that a crate compiled in outlive its derivation, those of its source and of OUT_DIR.

fn main() {
    let read = |file: String| std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert_eq!(read(format!("{}/data", generated::FOLDER)), "eleven");
    assert_eq!(read(format!("{}/data.txt", generated::SOURCE)), "from the source\n");
}
