//! What goes wrong, as a user is told it: the thing, the place and the way out. Libraries have their own typed errors; at
//! the edge they become a [`Fault`], which travels over RPC and decides the exit code.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kinds of fault, each with its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultCode {
    /// The work failed, and the message says why.
    Failed,
    /// The call made no sense as it was.
    Usage,
    /// No such file, job, model or project; or one that belongs to somebody else.
    NotFound,
    /// The daemon can't be reached or speaks another protocol.
    Unreachable,
    /// A limit or a policy refused it.
    Refused,
}

impl FaultCode {
    /// The exit code of the command line: 1 failed, 2 usage, 3 no such thing, 4 unreachable, 5 refused.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Unreachable => 4,
            Self::Refused => 5,
        }
    }
}

/// A fault with its next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What kind it is.
    pub code: FaultCode,
    /// What happened, naming the thing and the place.
    pub message: String,
    /// What the user can do.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault without a next step.
    pub fn new(code: FaultCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// The work failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(FaultCode::Failed, message)
    }

    /// No such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(FaultCode::NotFound, message)
    }

    /// The call made no sense.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(FaultCode::Usage, message)
    }

    /// A limit or policy refused it.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(FaultCode::Refused, message)
    }

    /// The daemon can't be reached.
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::new(FaultCode::Unreachable, message)
    }

    /// Adds the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}
