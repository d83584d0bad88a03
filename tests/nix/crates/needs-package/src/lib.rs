//! See the build script.

unsafe extern "C" {
    fn thing_number() -> std::ffi::c_int;
}

/// What the C library says.
pub fn number() -> i32 {
    unsafe { thing_number() }
}
