//! Rule: C through the compiler that the environment names; native libraries are found by every later link.

use std::ffi::{CStr, c_char, c_int};

unsafe extern "C" {
    fn native_number() -> c_int;
    fn native_file() -> *const c_char;
}

/// What the C code returns.
pub fn number() -> i32 {
    unsafe { native_number() }
}

/// What the C code takes for its file.
pub fn file() -> &'static str {
    unsafe { CStr::from_ptr(native_file()) }.to_str().unwrap()
}
