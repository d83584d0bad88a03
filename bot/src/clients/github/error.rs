//! What can go wrong between the bot and GitHub. No variant holds a token, a query or a header.

use jiff::Timestamp;

/// Something that GitHub did not do, or of which it is not known whether it did.
#[derive(Debug, thiserror::Error)]
pub enum GithubError {
    /// The client cannot be made.
    #[error("the client for GitHub cannot be set up: {reason}")]
    Setup {
        /// What is missing or wrong.
        reason: String,
    },
    /// The App's private key is none.
    #[error(
        "the private key of the GitHub App cannot be used: {reason}; it is the PEM file that GitHub gave out for it"
    )]
    Key {
        /// What is wrong with it; nothing of the key.
        reason: String,
    },
    /// An answer that is a refusal.
    #[error("GitHub refuses {what} with {status} ({message}); {}", advice(*status))]
    Status {
        /// Method and path.
        what: String,
        /// The HTTP status.
        status: u16,
        /// GitHub's words.
        message: String,
    },
    /// Too many requests: to be asked again later.
    #[error("GitHub asks for patience until {until:.0} ({reason})")]
    Limited {
        /// Not before.
        until: Timestamp,
        /// Which limit.
        reason: String,
    },
    /// A write that may have been carried out, or not.
    #[error("it is not known whether GitHub carried out {what} ({reason}); look before doing it again")]
    Ambiguous {
        /// Method and path.
        what: String,
        /// What happened.
        reason: String,
    },
    /// A question that got no answer.
    #[error("GitHub does not answer {what} ({reason}; tried {attempts} times)")]
    Unreachable {
        /// Method and path.
        what: String,
        /// What happened last.
        reason: String,
        /// How often it was asked.
        attempts: u32,
    },
    /// An answer of another form than GitHub describes.
    #[error("the answer to {what} is not what GitHub describes ({reason}); is the API's address right?")]
    Unreadable {
        /// Method and path.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A list that does not end.
    #[error("{what} has more than {pages} pages; nothing was done with an incomplete list")]
    TooMany {
        /// Method and path.
        what: String,
        /// How many were read.
        pages: usize,
    },
    /// A refusal of GraphQL.
    #[error("GitHub refuses {what}: {message}")]
    Graphql {
        /// The mutation.
        what: String,
        /// GitHub's word for the kind of error.
        kind: String,
        /// GitHub's words.
        message: String,
    },
}

impl GithubError {
    /// The HTTP status, where the answer was a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}

fn advice(status: u16) -> &'static str {
    match status {
        401 => "the token is wrong, has expired or was taken back: make a new one",
        403 => "the token, or the App, may not do this: check its permissions for the repository",
        404 => "check the repository's name, and that the token may see it",
        405 | 409 => "someone changed it meanwhile, or its rules forbid it",
        422 => "GitHub does not accept what was sent",
        _ => "this was not expected: check the API's address",
    }
}

/// The longest text of GitHub's that goes into a message, in characters.
const LONGEST_MESSAGE: usize = 300;

/// GitHub's words in one line.
pub(super) fn shortened(text: &str) -> String {
    text.trim().replace(char::is_control, " ").chars().take(LONGEST_MESSAGE).collect()
}
