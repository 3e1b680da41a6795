//! `sys/tools/…`: randomness and digests for scripts.

use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value, json};
use vault_core::crypto::hash::Hash;
use vault_core::secret::SecretBytes;
use zeroize::Zeroizing;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;

pub(in crate::http::routes) async fn random(context: Context) -> Result<Answer, ApiError> {
    let encoding = encoding(&context, BASE64_NAME)?;
    let part = |name: &str| context.request.captures.get(name).map(String::as_str);
    // One part after `random` is a count, or the name of a source.
    let named = part("source").or_else(|| part("bytes").filter(|text| is_source(text)));
    let source = match named {
        Some(source) => source.to_owned(),
        None => context.fields().text("source")?.filter(|text| !text.is_empty()).unwrap_or("platform".into()),
    };
    if !is_source(&source) {
        return Err(ApiError::invalid(format!(
            "unsupported entropy source {source:?}; must be one of \"platform\", \"seal\" or \"all\""
        )));
    }
    let asked = match part("bytes").filter(|text| !is_source(text)) {
        Some(text) => text
            .parse()
            .map_err(|_| ApiError::invalid(format!("error parsing url-set byte count: {text:?}")))?,
        None => context.fields().count("bytes")?.unwrap_or(RANDOM_BYTES),
    };
    context.fields().ignore(&["bytes", "source"]);
    let count = match usize::try_from(asked) {
        Ok(0) => return Err(ApiError::invalid("\"bytes\" cannot be less than 1")),
        Ok(count) if count <= RANDOM_BYTES_MAX => count,
        _ => return Err(ApiError::invalid(format!("\"bytes\" should be less than {RANDOM_BYTES_MAX}"))),
    };
    let mut bytes = Zeroizing::new(vec![0; count]);
    context.app.entropy.fill(&mut bytes);
    Ok(Answer::data(json!({ "random_bytes": encoding(&bytes) })))
}

pub(in crate::http::routes) async fn hash(context: Context) -> Result<Answer, ApiError> {
    let encoding = encoding(&context, HEX_NAME)?;
    let fields = context.fields();
    let named = match context.request.captures.get("algorithm") {
        Some(name) => Some(name.clone()),
        None => fields.text("algorithm")?.filter(|name| !name.is_empty()),
    };
    fields.ignore(&["algorithm"]);
    let name = named.as_deref().unwrap_or("sha2-256");
    let hash =
        Hash::parse(name).ok_or_else(|| ApiError::invalid(format!("unsupported algorithm {name:?}")))?;
    let text =
        fields.secret("input")?.unwrap_or_else(|| vault_core::secret::SecretString::new(String::new()));
    let input = BASE64
        .decode(text.expose().as_bytes())
        .map(SecretBytes::new)
        .map_err(|_| ApiError::invalid("unable to decode input as base64"))?;
    Ok(Answer::data(json!({ "sum": encoding(&hash.digest(input.expose())) })))
}

type Encoding = fn(&[u8]) -> Value;

fn encoding(context: &Context, usual: &str) -> Result<Encoding, ApiError> {
    let asked = context.fields().text("format")?.filter(|name| !name.is_empty());
    match asked.as_deref().unwrap_or(usual) {
        HEX_NAME => Ok(|bytes| Value::from(HEXLOWER.encode(bytes))),
        BASE64_NAME => Ok(|bytes| Value::from(BASE64.encode(bytes))),
        other => Err(ApiError::invalid(format!(
            "unsupported encoding format {other:?}; must be \"hex\" or \"base64\""
        ))),
    }
}

/// The operating system's generator serves under each of Vault's names: the seal has no hardware of its own.
fn is_source(text: &str) -> bool {
    matches!(text, "platform" | "seal" | "all")
}

const HEX_NAME: &str = "hex";
const BASE64_NAME: &str = "base64";
const RANDOM_BYTES: u64 = 32;
/// As many as Vault gives.
const RANDOM_BYTES_MAX: usize = 128 * 1024;
