//! Parameters as one of the wire types, whose fields are lenient by themselves.

use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, Error, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

use super::{ApiError, Fields};

impl Fields {
    /// All parameters as a wire type whose fields each have a default. Names that the type does not have
    /// are warned of, as ever.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] naming the first parameter that does not fit; its value is not shown.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        self.ignore(field_names::<T>());
        T::deserialize(&self.object).map_err(|_| self.misfit::<T>())
    }

    /// Which parameter does not fit, found by trying each alone: the error itself may quote a secret.
    fn misfit<T: DeserializeOwned>(&self) -> ApiError {
        let alone = |name: &String, value: &Value| {
            T::deserialize(Value::Object(Map::from_iter([(name.clone(), value.clone())]))).is_ok()
        };
        let map = self.object.as_object();
        let culprit = map.into_iter().flatten().find(|(name, value)| !alone(name, value));
        match culprit {
            Some((name, _)) => ApiError::invalid(format!("'{name}' has a value of the wrong kind")),
            None => ApiError::invalid("the parameters do not fit together"),
        }
    }
}

/// The names of the fields of a struct, as serde knows them.
fn field_names<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // The probe refuses everything after it has seen the names.
    let _ = T::deserialize(Probe(&mut names));
    names
}

struct Probe<'a>(&'a mut &'static [&'static str]);

#[derive(Debug)]
struct Seen;

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("only the names were wanted")
    }
}

impl std::error::Error for Seen {}

impl Error for Seen {
    fn custom<M: fmt::Display>(_: M) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Seen;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Seen> {
        Err(Seen)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Seen> {
        *self.0 = fields;
        Err(Seen)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
