//! Long lists are answered in pages; the token of the next page is the last
//! name on this one.

/// The first `limit` of `items`, and the token of the rest.
pub(crate) fn page<T>(
    items: impl Iterator<Item = T>,
    limit: usize,
    name: impl FnOnce(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let mut items: Vec<T> = items.take(limit + 1).collect();
    let has_more = items.len() > limit;
    items.truncate(limit);
    let token = items.last().filter(|_| has_more).map(name);
    (items, token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_token_only_if_something_is_left() {
        let name = |number: &u32| number.to_string();
        assert_eq!(page(1..=3, 2, name), (vec![1, 2], Some("2".to_owned())));
        assert_eq!(page(1..=2, 2, name), (vec![1, 2], None));
    }
}
