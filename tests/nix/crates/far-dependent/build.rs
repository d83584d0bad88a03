//! Rule: metadata reaches the scripts of direct dependents, and no others.

fn main() {
    assert_eq!(std::env::var("DEP_DIRECT_PASSED").as_deref(), Ok("on"));
    for (name, _) in std::env::vars() {
        assert!(!name.starts_with("DEP_OLD_") && !name.starts_with("DEP_NEW_"), "{name} came too far");
    }
}
