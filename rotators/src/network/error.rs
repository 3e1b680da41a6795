//! Why settings were refused.

/// Why settings were refused; the text says what to mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// None of the forms that the rotator reads; holds one that is right.
    #[error("connection_url must look like {0}")]
    Form(&'static str),
    /// A user name or password stands in the template itself. The text is not repeated: it is a secret.
    #[error(
        "connection_url holds a literal user name or password; write {{{{username}}}} and {{{{password}}}} there and give the management credential in its own fields"
    )]
    LiteralCredential,
    /// No host, several hosts, or a socket's folder.
    #[error(
        "connection_url must name exactly one host by name or IP address: the primary server, over the network"
    )]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error("the port in connection_url is not a number from 1 to 65535")]
    Port,
    /// A `%` that is not followed by two hexadecimal digits of UTF-8 text, or a NUL.
    #[error("connection_url has a broken percent sequence; write a percent sign as %25")]
    Encoding,
    /// A parameter or setting that is not known; the name is shown, never its value.
    #[error("'{name}' is not a setting of this rotator; known are {known}")]
    Unknown {
        /// Its beginning.
        name: String,
        /// Those that there are.
        known: &'static str,
    },
    /// Given more than once.
    #[error("'{0}' is given twice")]
    Twice(&'static str),
    /// A value that is none of the allowed ones.
    #[error("{name} must be {allowed}")]
    Value {
        /// Which setting.
        name: &'static str,
        /// What it may be.
        allowed: &'static str,
    },
    /// Both a file and a text of certificates.
    #[error("give either sslrootcert or tls_ca, not both")]
    TwoRoots,
}

impl ConfigError {
    /// A setting of this name is not known; those in `known` are.
    pub(crate) fn unknown(name: &str, known: &'static str) -> Self {
        // A long name may be a value in the wrong place.
        Self::Unknown { name: name.chars().take(SHOWN_CHARS_MAX).collect(), known }
    }
}

/// So much of an unknown name is repeated in an error.
const SHOWN_CHARS_MAX: usize = 40;
