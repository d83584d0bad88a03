//! Git's smart HTTP, by git's own `http-backend`.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Stdio;

use super::call::{Asked, Content, Reply};
use crate::process::command;

/// What git wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Fetch,
    Push,
}

/// What a request of git is for; `None` where it is none.
pub(super) fn wish_of(asked: &Asked) -> Option<Wish> {
    let (_, rest) = repository_of(&asked.path)?;
    match rest {
        "git-upload-pack" => Some(Wish::Fetch),
        "git-receive-pack" => Some(Wish::Push),
        "info/refs" => match asked.parameter("service") {
            Some("git-receive-pack") => Some(Wish::Push),
            _ => Some(Wish::Fetch),
        },
        _ => None,
    }
}

/// The path of a repository and what follows it; GitHub knows one with and without `.git`.
fn repository_of(path: &str) -> Option<(String, &str)> {
    let end = ["/git-upload-pack", "/git-receive-pack", "/info/refs"].iter().find_map(|end| path.strip_suffix(end))?;
    let repository = end.strip_suffix(".git").unwrap_or(end);
    Some((format!("{repository}.git"), path.get(end.len() + 1..)?))
}

/// Is it the request that does the work, and not the one before that lists the references?
pub(super) fn is_work(asked: &Asked) -> bool {
    asked.method == "POST"
}

/// The answer where there is no valid token. GitHub does not say whether the repository is there.
pub(super) fn unauthorized() -> Reply {
    let body = b"Repository not found.".to_vec();
    let reply = Reply { status: 401, headers: Vec::new(), content: Content::Bytes(body) };
    reply.with("www-authenticate", "Basic realm=\"GitHub\"").with("content-type", "text/plain")
}

/// Lets git answer from the repositories below `root`.
pub(super) fn answer(root: &Path, asked: &Asked, login: &str) -> Reply {
    let mut backend = command("git");
    backend
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("REQUEST_METHOD", &asked.method)
        .env("PATH_INFO", repository_of(&asked.path).map_or_else(String::new, |(path, rest)| format!("{path}/{rest}")))
        .env("QUERY_STRING", &asked.raw_query)
        .env("CONTENT_TYPE", asked.header("content-type"))
        .env("CONTENT_LENGTH", asked.body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", asked.header("content-encoding"))
        .env("GIT_PROTOCOL", asked.header("git-protocol"))
        .env("REMOTE_USER", login)
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = backend.spawn().expect("git can be started");
    let mut input = child.stdin.take().expect("git's input");
    let body = asked.body.clone();
    let writer = std::thread::spawn(move || {
        // Git may close its end before it has read all.
        let _ = input.write_all(&body);
    });
    let mut output = Vec::new();
    child.stdout.take().expect("git's output").read_to_end(&mut output).expect("git's answer");
    let _ = writer.join();
    let _ = child.wait();
    from_cgi(&output)
}

/// Headers, an empty line, and the body.
fn from_cgi(output: &[u8]) -> Reply {
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(output.len());
    let mut reply = Reply { status: 200, headers: Vec::new(), content: Content::Nothing };
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let Some((name, value)) = line.split_once(": ") else { continue };
        if name.eq_ignore_ascii_case("status") {
            reply.status = value.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or(500);
        } else {
            reply = reply.with(&name.to_lowercase(), value);
        }
    }
    reply.content = Content::Bytes(output.get(end + 4..).unwrap_or_default().to_vec());
    reply
}
