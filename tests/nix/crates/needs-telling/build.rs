//! Rule: environment, hook and features of one crate, by overrides.

fn main() {
    assert_eq!(std::env::var("TELLING").as_deref(), Ok("told"));
    assert_eq!(std::env::var("TELLING_BY_HOOK").as_deref(), Ok("heard"));
    assert!(std::env::var("CARGO_FEATURE_EXTRA").is_ok());
}
