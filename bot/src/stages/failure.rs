//! What a stage says when it cannot go on.

use std::fmt;

use crate::model::FailureClass;

/// A failed stage: who can mend it, and what happened, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Who can mend it.
    pub class: FailureClass,
    /// What failed, on what, and what to do.
    pub message: String,
}

impl Failure {
    /// A failure of one class, told by `error` and all that caused it.
    pub fn new(class: FailureClass, error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(source) = cause {
            let text = source.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            cause = source.source();
        }
        Self { class, message }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.class, self.message)
    }
}

impl std::error::Error for Failure {}
