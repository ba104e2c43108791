//! The order in which derived datasets are made: each after those it is made of.

use millrace_contract::Derived;

/// The way from a derived dataset back to itself, if there is one: its name first
/// and last.
pub(crate) fn circle<'d>(all: &[&'d Derived], from: &'d str) -> Option<Vec<&'d str>> {
    // Breadth first: the shortest way.
    let mut ways: Vec<Vec<&str>> = vec![vec![from]];
    let mut seen: Vec<&str> = Vec::new();
    let mut next = 0;
    while let Some(way) = ways.get(next).cloned() {
        next += 1;
        let last = way.last().copied().unwrap_or(from);
        let derived = all.iter().find(|derived| derived.name == last);
        for input in derived.into_iter().flat_map(|derived| &derived.inputs) {
            let mut longer = way.clone();
            longer.push(input);
            if input == from {
                // What it is made of comes first.
                longer.reverse();
                return Some(longer);
            }
            if !seen.contains(&input.as_str()) {
                seen.push(input);
                ways.push(longer);
            }
        }
    }
    None
}

/// The same datasets, each behind those of them that it is made of. Of a circle,
/// which is noted where the file is read, the order does not matter.
pub(crate) fn in_order(mut all: Vec<Derived>) -> Vec<Derived> {
    let mut ordered: Vec<Derived> = Vec::with_capacity(all.len());
    while !all.is_empty() {
        let waits = |derived: &Derived| {
            derived.inputs.iter().any(|input| all.iter().any(|other| other.name == *input))
        };
        let ready = all.iter().position(|derived| !waits(derived));
        ordered.push(all.remove(ready.unwrap_or_default()));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use millrace_contract::Refresh;

    use super::*;

    fn derived(name: &str, inputs: &[&str]) -> Derived {
        Derived {
            name: name.into(),
            inputs: inputs.iter().map(|name| (*name).to_owned()).collect(),
            on_change: true,
            debounce: Duration::ZERO,
            after: None,
            schedule: None,
            refresh: Refresh::Full,
        }
    }

    #[test]
    fn each_comes_behind_what_it_is_made_of() {
        let all = vec![derived("c", &["b", "x"]), derived("a", &["x"]), derived("b", &["a"])];
        assert_eq!(circle(&all.iter().collect::<Vec<_>>(), "c"), None);
        let names: Vec<_> = in_order(all).into_iter().map(|derived| derived.name).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn a_way_back_to_itself_is_found() {
        let all = [derived("a", &["b"]), derived("b", &["x", "a"]), derived("c", &["b", "c"])];
        let all: Vec<_> = all.iter().collect();
        assert_eq!(circle(&all, "a"), Some(vec!["a", "b", "a"]));
        assert_eq!(circle(&all, "c"), Some(vec!["c", "c"]));
    }
}
