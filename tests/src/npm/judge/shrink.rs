//! Makes a universe smaller as long as the two still differ: what is left shows the rule.

use serde_json::Value;

use super::Judge;
use crate::npm::universe::Universe;

/// The smallest universe that leaving out parts leads to, and that `still` holds for.
pub fn shrink(judge: &mut Judge, universe: &Universe, still: impl Fn(&mut Judge, &Universe) -> bool) -> Universe {
    let mut smallest = universe.clone();
    loop {
        let before = smallest.content().to_string().len();
        for path in paths(smallest.content()) {
            let mut content = smallest.content().clone();
            if !remove(&mut content, &path) {
                continue; // Gone with something around it.
            }
            let smaller = Universe::new(&universe.name, content);
            if still(judge, &smaller) {
                smallest = smaller;
            }
        }
        if smallest.content().to_string().len() == before {
            return smallest;
        }
    }
}

/// Everything that can be left out, larger things first: keys down to the dependencies of a manifest.
fn paths(content: &Value) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut level: Vec<Vec<String>> = vec![Vec::new()];
    for _ in 0..4 {
        let mut next = Vec::new();
        for path in &level {
            let value = path.iter().fold(content, |value, key| &value[key.as_str()]);
            for key in value.as_object().into_iter().flat_map(|object| object.keys()) {
                next.push([path.as_slice(), std::slice::from_ref(key)].concat());
            }
        }
        found.extend(next.iter().filter(|path| path.len() > 1).cloned()); // The registry and the project stay.
        level = next;
    }
    found
}

fn remove(content: &mut Value, path: &[String]) -> bool {
    let Some((last, above)) = path.split_last() else { return false };
    let mut value = content;
    for key in above {
        match value.get_mut(key) {
            Some(inner) => value = inner,
            None => return false,
        }
    }
    value.as_object_mut().is_some_and(|object| object.shift_remove(last).is_some())
}
