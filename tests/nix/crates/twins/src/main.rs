//! Uses two crates of the same name and version. No registry can have both, so the graph is written by hand.

fn main() {
    println!("{} {}", twin::which(), twin_other::which());
}
