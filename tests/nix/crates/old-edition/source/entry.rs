//! Rule: editions, and the name and path of `[lib]`. `async` is a plain word only in edition 2015, where crates have to be
//! declared.

extern crate leaf;

/// The major version of a dependency.
pub fn async() -> u32 {
    ::leaf::major()
}
