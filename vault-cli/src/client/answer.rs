//! What the server said.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::{Exit, Failure};

/// A status and, unless there was nothing to say, a JSON body.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    body: Option<Value>,
}

impl Answer {
    /// Reads a body; an error's body may be anything, since a proxy may have written it.
    ///
    /// # Errors
    /// A success whose body is no JSON: not a vault.
    pub(crate) fn parse(status: u16, bytes: &[u8]) -> Result<Self, Failure> {
        if bytes.is_empty() {
            return Ok(Self { status, body: None });
        }
        match serde_json::from_slice(bytes) {
            Ok(body) => Ok(Self { status, body: Some(body) }),
            Err(_) if status >= 400 => Ok(Self { status, body: None }),
            Err(_) => {
                Err(Failure::new(Exit::Usage, "what answered there is no vault: the answer is no JSON")
                    .with_hint("check --address (VAULT_ADDR)"))
            }
        }
    }

    /// Reads what is text if it is a success; as the body, so that it is printed like any other.
    ///
    /// # Errors
    /// A success that is no UTF-8: not a vault.
    pub(crate) fn parse_text(status: u16, bytes: &[u8]) -> Result<Self, Failure> {
        match std::str::from_utf8(bytes) {
            Ok(text) if (200..300).contains(&status) => Ok(Self { status, body: Some(Value::from(text)) }),
            _ => Self::parse(status, bytes),
        }
    }

    pub(crate) const fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the server goes on after having answered.
    pub(crate) const fn is_accepted(&self) -> bool {
        self.status == 202
    }

    pub(crate) const fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    /// A key of the envelope.
    pub(crate) fn part(&self, key: &str) -> Option<&Value> {
        self.body.as_ref().and_then(|body| body.get(key)).filter(|part| !part.is_null())
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.part(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub(crate) fn data(&self) -> Option<&Value> {
        self.part("data")
    }

    /// What the caller should know although the request succeeded.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = &str> {
        texts(self.part("warnings"))
    }

    /// An error's sentences.
    pub(crate) fn errors(&self) -> impl Iterator<Item = &str> {
        texts(self.part("errors"))
    }

    /// Reads the envelope's data.
    ///
    /// # Errors
    /// There is none, or it has another form.
    pub(crate) fn read_data<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let data = self.data().ok_or_else(|| Failure::unexpected_answer("data"))?;
        T::deserialize(data).map_err(|_| Failure::unexpected_answer("data"))
    }

    /// Reads one part of the envelope.
    ///
    /// # Errors
    /// There is none, or it has another form.
    pub(crate) fn read_part<T: DeserializeOwned>(&self, key: &'static str) -> Result<T, Failure> {
        let part = self.part(key).ok_or_else(|| Failure::unexpected_answer(key))?;
        T::deserialize(part).map_err(|_| Failure::unexpected_answer(key))
    }

    /// Reads a part of the envelope, or for answers without envelope the whole.
    ///
    /// # Errors
    /// There is none, or it has another form.
    pub(crate) fn read_body<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let body = self.body().ok_or_else(|| Failure::unexpected_answer("body"))?;
        T::deserialize(body).map_err(|_| Failure::unexpected_answer("body"))
    }
}

fn texts(list: Option<&Value>) -> impl Iterator<Item = &str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
