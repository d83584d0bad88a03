//! What is around every page: where it is, who looks at it, what time it is.

use askama::Values;
use jiff::Timestamp;

/// Around a page.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// The page's path without its ending: `packages/ripgrep`; of a list, that of its first page.
    pub(crate) path: String,
    /// Which page of a list a file is; 1 where that means nothing.
    pub(crate) number: u32,
    /// Whether a server answers, which knows the time and takes questions; else the page is a file.
    pub(crate) live: bool,
    /// What "now" means.
    pub(crate) now: Timestamp,
    /// Where people see the pages, with `/` at its end, as far as that is known.
    pub(crate) address: Option<String>,
    /// What is wrong with the bot.
    pub(crate) alarm: Option<String>,
    /// Who may act here.
    pub(crate) actor: Actor,
    /// The oldest run that has a page: the newest ones do, in an export.
    pub(crate) oldest_run: i64,
}

/// Who looks at a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Actor {
    /// There are no actions here.
    Nobody,
    /// Actions need a login first.
    Stranger,
    /// Somebody who may act, with what their forms have to carry.
    Known {
        /// Proves that a form came from our own page.
        csrf: String,
    },
}

impl Frame {
    /// From the page to the root of the site: empty, `../` or `../../`, so that it works from any folder.
    pub(crate) fn root(&self) -> &'static str {
        match self.path.matches('/').count() {
            0 => "",
            1 => "../",
            _ => "../../",
        }
    }

    /// Where people see the pages, for what they copy.
    pub(crate) fn address(&self) -> &str {
        self.address.as_deref().unwrap_or("https://WHERE-THESE-PAGES-ARE/")
    }

    /// The page's JSON, which is beside it.
    pub(crate) fn json(&self) -> String {
        format!("{}.json", numbered(self.path.rsplit('/').next().unwrap_or_default(), self.number))
    }

    /// Which part of the site this is.
    pub(crate) fn is_in(&self, place: &str, other: &str) -> bool {
        let first = self.path.split('/').next().unwrap_or_default();
        first == place || first == other
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand out references")]
    /// Where a page of a list is, from the page itself. A server takes questions; files have one for each page.
    pub(crate) fn page(&self, query: &impl serde::Serialize, page: &u32) -> String {
        let page = *page;
        let name = self.path.rsplit('/').next().unwrap_or_default();
        if !self.live {
            return format!("{}.html", numbered(name, page));
        }
        let mut text = query_text(query);
        if page > 1 {
            text = if text.is_empty() { format!("page={page}") } else { format!("{text}&page={page}") };
        }
        if text.is_empty() { format!("{name}.html") } else { format!("{name}.html?{text}") }
    }

    pub(crate) fn may_act(&self) -> bool {
        matches!(self.actor, Actor::Known { .. })
    }

    /// Whether a login would help.
    pub(crate) fn may_log_in(&self) -> bool {
        self.actor == Actor::Stranger
    }

    pub(crate) fn csrf(&self) -> &str {
        match &self.actor {
            Actor::Known { csrf } => csrf,
            Actor::Nobody | Actor::Stranger => "",
        }
    }
}

/// The name of a file with one page of a list; no name of anything else looks so.
pub(crate) fn numbered(name: &str, page: u32) -> String {
    if page > 1 { format!("{name}~p{page}") } else { name.to_owned() }
}

/// A query as it stands in an address, what is not asked for left out.
pub(crate) fn query_text(query: &impl serde::Serialize) -> String {
    let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(query) else { return String::new() };
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in &fields {
        match value {
            serde_json::Value::String(value) => drop(text.append_pair(key, value)),
            serde_json::Value::Number(value) => drop(text.append_pair(key, &value.to_string())),
            _ => {}
        }
    }
    text.finish()
}

/// The time, where it is known, for the filters.
impl Values for Frame {
    fn get_value<'a>(&'a self, key: &str) -> Option<&'a dyn std::any::Any> {
        (key == "now" && self.live).then_some(&self.now as &dyn std::any::Any)
    }
}
