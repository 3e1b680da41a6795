//! The envelope on its way out, written from where its parts are: most answers are of this form.

use serde::Serialize;
use serde_json::Value;
use vault_core::id::RequestId;

use super::Envelope;

#[derive(Serialize)]
struct Wire<'a> {
    request_id: String,
    lease_id: &'a str,
    renewable: bool,
    lease_duration: u64,
    data: &'a Value,
    wrap_info: Option<()>,
    warnings: Option<&'a [String]>,
    auth: &'a Value,
}

impl Envelope {
    /// The text of the answer; `None` for one whose data stands beside the envelope, too.
    pub(super) fn text(&self, id: RequestId, warnings: &[String]) -> Option<String> {
        let wire = Wire {
            request_id: id.to_string(),
            lease_id: &self.lease_id,
            renewable: self.renewable,
            lease_duration: self.lease_duration,
            data: &self.data,
            wrap_info: None,
            warnings: (!warnings.is_empty()).then_some(warnings),
            auth: &self.auth,
        };
        if self.copied_to_top { None } else { serde_json::to_string(&wire).ok() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vault_core::clock::Timestamp;
    use vault_core::entropy::SeededEntropy;

    use super::*;

    #[test]
    fn both_ways_to_write_an_envelope_say_the_same() {
        let id = RequestId::generate(Timestamp::from_secs(1), &SeededEntropy::new(1));
        let envelope = Envelope {
            data: json!({ "a": 1, "b": ["x", null] }),
            lease_id: "l".to_owned(),
            lease_duration: 7,
            renewable: true,
            ..Envelope::default()
        };
        for warnings in [vec![], vec!["careful".to_owned()]] {
            let text = envelope.text(id, &warnings).unwrap();
            let read: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(read, envelope.json(id, &warnings, Value::Null));
        }
        let copied = Envelope { copied_to_top: true, ..Envelope::default() };
        assert_eq!(copied.text(id, &[]), None);
    }
}
