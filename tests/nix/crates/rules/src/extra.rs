//! A program that is not built: a feature that it requires is off.

compile_error!("required-features were not heeded");
