//! What can go wrong for the caller, and the exit code for it.

use std::{fmt, io, process::ExitCode};

use serde_json::Value;

/// The exit codes, documented in `docs/cli.md`; scripts depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// Done.
    Done,
    /// The server or the target refused or failed.
    Refused,
    /// The words typed make no sense, a file could not be used, or no server could be reached.
    Usage,
    /// Another principal has the account.
    Held,
    /// A rotation, a verification or a reconciliation failed.
    RotationFailed,
    /// The vault is sealed or was never initialised.
    Sealed,
    /// Accepted, but not over: the vault goes on by itself.
    Unfinished,
    /// The command under `run` succeeded, but its account could not be checked in.
    NotCheckedIn,
    /// A rehearsal came to amber: it would work, with something to mend or not proved.
    Amber,
    /// A rehearsal came to red: a rotation would fail.
    Red,
    /// Whoever read standard output went away, as after SIGPIPE.
    ClosedPipe,
    /// The exit code of the command under `run`, passed on.
    OfCommand(u8),
}

impl Exit {
    /// The number given to the shell.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Held => 3,
            Self::RotationFailed => 4,
            Self::Sealed => 5,
            Self::Unfinished => 6,
            Self::NotCheckedIn => 7,
            Self::Amber => 10,
            Self::Red => 11,
            Self::ClosedPipe => 141,
            Self::OfCommand(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command ended without doing what was asked; carries no secret.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// One sentence or more, lower case.
    message: String,
    /// What to do about it.
    hint: Option<String>,
    /// The server's error body, for `--format json`.
    body: Option<Value>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None, body: None }
    }

    /// The caller has to type, or a file has to say, something else.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// An answer that does not fit the documented form.
    pub(crate) fn unexpected_answer(what: &str) -> Self {
        Self::new(
            Exit::Refused,
            format!("the server's answer has no usable {what}: is it a Rotunda of another version?"),
        )
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_body(mut self, body: Option<Value>) -> Self {
        self.body = body;
        self
    }

    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }

    /// What the server said.
    pub(crate) const fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    pub(crate) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The same for programs: the server's own errors and facts, or ours.
    pub(crate) fn to_json(&self) -> Value {
        let mut json = match &self.body {
            Some(Value::Object(body)) => body.clone(),
            _ => serde_json::Map::from_iter([("errors".to_owned(), Value::from(vec![self.message.clone()]))]),
        };
        json.insert("exit_code".to_owned(), Value::from(self.exit.code()));
        Value::Object(json)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl From<io::Error> for Failure {
    /// For writing results; everything else that does I/O says what it was doing.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::new(Exit::ClosedPipe, "standard output was closed")
        } else {
            Self::new(Exit::Usage, format!("cannot write the result: {error}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_exit_codes_do_not_move() {
        let codes = [
            (Exit::Done, 0),
            (Exit::Refused, 1),
            (Exit::Usage, 2),
            (Exit::Held, 3),
            (Exit::RotationFailed, 4),
            (Exit::Sealed, 5),
            (Exit::Unfinished, 6),
            (Exit::NotCheckedIn, 7),
            (Exit::Amber, 10),
            (Exit::Red, 11),
            (Exit::ClosedPipe, 141),
            (Exit::OfCommand(77), 77),
        ];
        for (exit, code) in codes {
            assert_eq!(exit.code(), code, "{exit:?}");
        }
    }

    #[test]
    fn a_failure_for_programs_keeps_the_servers_facts() {
        let body = serde_json::json!({"errors": ["held"], "data": {"holder": "alice"}});
        let json = Failure::new(Exit::Held, "held").with_body(Some(body)).to_json();
        assert_eq!(
            json,
            serde_json::json!({"errors": ["held"], "data": {"holder": "alice"}, "exit_code": 3})
        );
        assert_eq!(Failure::usage("no").to_json(), serde_json::json!({"errors": ["no"], "exit_code": 2}));
    }
}
