//! Answers that a client need not fetch twice.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest, Sha256};

/// A document with an entity tag made from its content, or 304 if the client has this very one (RFC 9110 §13.1.2).
pub(crate) fn document(asked: &HeaderMap, content_type: &'static str, body: String) -> Response {
    let tag = tag(&body);
    let has_it = asked.get_all(header::IF_NONE_MATCH).iter().any(|value| names(value, &tag));
    let (status, body) = if has_it { (StatusCode::NOT_MODIFIED, Body::empty()) } else { (StatusCode::OK, body.into()) };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if !has_it {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}

/// Anybody's page may show it: badges in a README, JSON in a script.
pub(crate) fn shared(mut response: Response) -> Response {
    let any = HeaderValue::from_static("*");
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    response.headers_mut().insert(policy, HeaderValue::from_static("cross-origin"));
    response
}

fn tag(body: &str) -> String {
    let digest = Sha256::digest(body.as_bytes());
    format!("\"{}\"", data_encoding::HEXLOWER.encode(&digest[..16]))
}

/// Whether a list of entity tags has this one; `W/` makes no difference for a `GET`.
fn names(list: &HeaderValue, tag: &str) -> bool {
    let list = list.to_str().unwrap_or_default();
    list.trim() == "*" || list.split(',').any(|other| other.trim().trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

    use super::document;

    #[test]
    fn who_has_the_same_already_gets_it_not_again() {
        let ask = |tag: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(tag) = tag {
                headers.insert(header::IF_NONE_MATCH, HeaderValue::from_str(tag).unwrap());
            }
            document(&headers, "text/plain", "the same".to_owned())
        };
        let first = ask(None);
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        assert_eq!(first.status(), StatusCode::OK);
        for list in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
            let again = ask(Some(&list));
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{list}");
            assert_eq!(again.headers()[header::ETAG].to_str().unwrap(), tag);
        }
        assert_eq!(ask(Some("\"other\"")).status(), StatusCode::OK);
    }
}
