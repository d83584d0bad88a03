//! A program that is built because the features it requires are on, of another edition than the package.

fn main() {
    if let Some(name) = option_env!("CARGO_BIN_NAME") && name.len() == 10 {
        println!("{name}");
    }
}
