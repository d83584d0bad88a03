//! Says what overrides changed.

fn main() {
    println!("{} {} {}", needs_package::number(), needs_telling::TOLD, needs_telling::PATCHED);
    println!("{} {}", option_env!("ROOT_TOLD").unwrap_or("untold"), cfg!(root_flagged));
}
