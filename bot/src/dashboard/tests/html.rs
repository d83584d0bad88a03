//! Just enough of a reader of HTML to judge pages of our own making: tags with their attributes, text left out.

/// A tag as written: its name with `/` in front if it ends something, and its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
}

/// The tags of a page in their order.
pub(super) fn tags(page: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = end_of_tag(rest);
        tags.push(tag(&rest[..end]));
        rest = &rest[end..];
    }
    tags
}

fn end_of_tag(text: &str) -> usize {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return at,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
    }
    panic!("a tag that does not end: {text:.80}");
}

fn tag(text: &str) -> Tag {
    let (name, mut rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Tag { name: name.to_owned(), attributes };
        }
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        assert!(end > 0, "an attribute without a name: {text:.80}");
        let key = rest[..end].to_owned();
        rest = &rest[end..];
        let value = rest.strip_prefix("=\"").map(|quoted| {
            let end = quoted.find('"').unwrap();
            rest = &quoted[end + 1..];
            quoted[..end].to_owned()
        });
        if value.is_none() {
            // No page of ours has a value without quotes: skip it, the names still tell.
            rest = rest.trim_start_matches(|c: char| !c.is_whitespace());
        }
        attributes.push((key, value.unwrap_or_default()));
    }
}

/// Where a page's links lead, as written.
pub(super) fn links(page: &str) -> Vec<String> {
    let wanted = |key: &str| matches!(key, "href" | "src");
    tags(page)
        .into_iter()
        .flat_map(|tag| tag.attributes)
        .filter(|(key, _)| wanted(key))
        .map(|(_, value)| value)
        .collect()
}

/// The names that a page's links can lead to.
pub(super) fn ids(page: &str) -> Vec<String> {
    tags(page).into_iter().flat_map(|tag| tag.attributes).filter(|(key, _)| key == "id").map(|(_, id)| id).collect()
}

/// The page without its text and values: what a browser acts upon.
pub(super) fn skeleton(page: &str) -> Vec<String> {
    tags(page)
        .into_iter()
        .map(|tag| {
            let keys: Vec<&str> = tag.attributes.iter().map(|(key, _)| key.as_str()).collect();
            format!("{} {}", tag.name, keys.join(" "))
        })
        .collect()
}
