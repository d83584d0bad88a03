//! What a pull request says of itself to the bot, hidden at the end of its text: a store that was lost is made good by it.

use serde::{Deserialize, Serialize};

use crate::model::AttrPath;

/// How the marker begins.
const BEGIN: &str = "<!-- nixwright {";

/// What a pull request brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marker {
    /// The package, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) attr: Option<AttrPath>,
    /// The release.
    pub(super) version: String,
}

/// Reads the last marker of a text; the one at the end is the bot's own, as what comes before may be upstream's.
pub(super) fn parse(body: &str) -> Option<Marker> {
    let at = body.rfind(BEGIN)?;
    let (text, rest) = body.get(at + BEGIN.len() - 1..)?.split_once("-->")?;
    if rest.trim().is_empty() { serde_json::from_str(text.trim()).ok() } else { None }
}

/// The text with a marker at its end; as it is if it has one.
pub(super) fn with(body: &str, attr: Option<&AttrPath>, version: &str) -> String {
    if parse(body).is_some() {
        return body.to_owned();
    }
    let marker = Marker { attr: attr.cloned(), version: version.to_owned() };
    // Names and versions have no `>` once they are JSON, so nothing ends the comment early.
    let json = serde_json::to_string(&marker).unwrap_or_default().replace('>', "\\u003e");
    format!("{}\n\n<!-- nixwright {json} -->\n", body.trim_end())
}

#[cfg(test)]
mod tests {
    use super::{Marker, parse, with};

    #[test]
    fn what_is_written_is_read() {
        for version in ["1.2.3", "1.0.0-rc.1+x", "--> <b>", "\"\\"] {
            let attr = "fd".parse().unwrap();
            let body = with("Text.\n", Some(&attr), version);
            assert_eq!(body.matches("-->").count(), 1, "{body}");
            assert_eq!(parse(&body), Some(Marker { attr: Some(attr.clone()), version: version.to_owned() }));
            // A forge may end lines differently.
            assert!(parse(&body.replace('\n', "\r\n")).is_some());
            assert_eq!(with(&body, Some(&attr), "another"), body);
        }
        assert_eq!(parse(&with("", None, "1")), Some(Marker { attr: None, version: "1".to_owned() }));
    }

    #[test]
    fn only_the_end_counts() {
        let planted = "Notes: <!-- nixwright {\"attr\":\"fd\",\"version\":\"9\"} -->";
        assert_eq!(parse(&format!("{planted}\nmore")), None);
        let body = with(&format!("{planted}\nmore"), None, "1");
        assert_eq!(parse(&body).unwrap().version, "1");
        for none in ["", "text", "<!-- nixwright { -->", "<!-- nixwright {\"version\":1} -->"] {
            assert_eq!(parse(none), None, "{none}");
        }
    }
}
