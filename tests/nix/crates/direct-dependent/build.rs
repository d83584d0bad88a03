//! Rule: `DEP_<LINKS>_<KEY>` of direct dependencies.

fn main() {
    let is = |name: &str, value: &str| assert_eq!(std::env::var(name).as_deref(), Ok(value), "{name}");
    is("DEP_OLD_SOME_KEY", "some value");
    is("DEP_OLD_ERROR", "is metadata in the old form");
    is("DEP_OLD_LAST", "line");
    is("DEP_NEW_KEY", "value=with=signs");
    println!("cargo:passed=on");
}
