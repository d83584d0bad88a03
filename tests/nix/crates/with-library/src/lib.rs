//! Rule: a package's own library is installed as the C libraries that its manifest asks for, and its programs use it.

/// A number, for C.
#[unsafe(no_mangle)]
pub extern "C" fn with_library_number() -> i32 {
    native::number() + 1
}
