//! The program beside the library.

fn main() {
    println!("{}", with_library::with_library_number());
}
