//! Says a word, and what the build environment told it to add.

fn main() {
    println!("{} {}", words::hello(), option_env!("GREET_WHOM").unwrap_or("world"));
}
