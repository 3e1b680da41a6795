//! A `username_template`: Go's `text/template` with the functions that Vault adds to it.
//!
//! Source: <https://developer.hashicorp.com/vault/docs/concepts/username-templating>. Of these functions `timestamp` is not here.
//! Two things are asked for beyond Vault's own rules, because a name is also what a user is found and removed by: no two users
//! may get the same name, nor one that is somebody's already; and no name may hold what ends a quotation.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gotmpl::{FuncMap, MissingKey, Template, TemplateError, Value, ValueFunc, tmap};
use sha2::{Digest, Sha256};

use super::NAME_BYTES_MAX;
use crate::clock::Timestamp;
use crate::entropy::{Entropy, base62, random_bytes};

/// Why a template makes no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    /// It is no template, or its functions refuse what they are given.
    #[error("invalid username template: {0}")]
    Template(String),
    /// Fewer than eight characters of a name are drawn, so that somebody may have it already.
    #[error(
        "invalid username template: a name with fewer than {RANDOM_MIN} random characters may be somebody else's already, \
         and who has the name is removed at the end of a lease: add {{{{random 8}}}} or more, where it is not cut off"
    )]
    Guessable,
    /// The name is empty or longer than [`NAME_BYTES_MAX`] bytes.
    #[error(
        "the username template makes a name of {0} bytes; 1 to {NAME_BYTES_MAX} are possible: use truncate"
    )]
    Length(usize),
    /// The name holds a character that could end a quotation, or that is not seen.
    #[error("the username template makes a name with {0:?} in it, which no statement could quote safely")]
    Character(char),
}

/// Who the user is made for.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// `.DisplayName`.
    pub display_name: &'a str,
    /// `.RoleName`.
    pub role: &'a str,
}

/// The name that `template` makes.
///
/// # Errors
/// [`UsernameError`] by cause.
pub fn templated(
    template: &str,
    names: Names<'_>,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<String, UsernameError> {
    rendered(template, names, now, Draws::of(entropy))
}

/// The name that is made with these draws.
fn rendered(template: &str, names: Names<'_>, now: Timestamp, draws: Draws) -> Result<String, UsernameError> {
    let parsed = Template::new("username_template")
        .missing_key(MissingKey::Error)
        .max_range_iters(RANGE_MAX)
        .funcs(functions(now, draws))
        .parse(template)
        .map_err(said)?;
    let data = tmap! { "DisplayName" => harmless(names.display_name), "RoleName" => harmless(names.role) };
    let mut name = Bounded(String::new());
    parsed.execute_fmt(&mut name, &data).map_err(said)?;
    let name = name.0;
    if let Some(odd) = name.chars().find(|&c| !is_plain(c)) {
        return Err(UsernameError::Character(odd));
    }
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(UsernameError::Length(name.len()));
    }
    Ok(name)
}

/// Whether `template` makes names, and such that nobody else has.
///
/// # Errors
/// [`UsernameError`] by cause.
pub fn check(template: &str, now: Timestamp) -> Result<(), UsernameError> {
    // With long names, too: what is cut off then may be what told one user from another.
    for names in [Names { display_name: "token", role: "role" }, Names { display_name: LONG, role: LONG }] {
        // With all draws alike, what two names differ in is what was drawn for them.
        let (zeros, ones) = (Draws::all('0'), Draws::all('1'));
        let taken = Arc::clone(&zeros.taken);
        let (one, other) = match (rendered(template, names, now, zeros), rendered(template, names, now, ones))
        {
            // Whether a role's names are too long shows when they are made: these are as long as can be.
            (Err(UsernameError::Length(length)), _) if names.role == LONG && length > 0 => continue,
            (one, other) => (one?, other?),
        };
        let differing = one.bytes().zip(other.bytes()).filter(|(one, other)| one != other).count();
        // Of a hash all characters differ, so what went into it counts, too.
        if differing.min(taken.load(Ordering::Relaxed)) < RANDOM_MIN {
            return Err(UsernameError::Guessable);
        }
    }
    Ok(())
}

/// What one name may draw from. Drawn beforehand, since a function outlives the borrow of the source.
struct Draws {
    characters: Arc<str>,
    ids: Vec<String>,
    /// How many characters were taken; each is taken once.
    taken: Arc<AtomicUsize>,
}

impl Draws {
    fn of(entropy: &dyn Entropy) -> Self {
        let id = || uuid::Builder::from_random_bytes(random_bytes(entropy)).into_uuid().to_string();
        let ids = (0..UUIDS_MAX).map(|_| id()).collect();
        Self { characters: base62::random(RANDOM_MAX, entropy).into(), ids, taken: Arc::default() }
    }

    /// All alike, to see what becomes of them.
    fn all(digit: char) -> Self {
        let of = |length: usize| digit.to_string().repeat(length);
        let id = [8, 4, 4, 4, 12].map(of).join("-");
        Self { characters: of(RANDOM_MAX).into(), ids: vec![id; UUIDS_MAX], taken: Arc::default() }
    }
}

fn said(error: TemplateError) -> UsernameError {
    UsernameError::Template(error.to_string())
}

/// What could end a quotation becomes a dash.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if is_plain(c) { c } else { '-' }).collect()
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '@' | '-' | ':' | '+' | '=' | '/' | '#')
}

/// Text that grows only so far, whatever a template repeats.
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > OUTPUT_BYTES_MAX {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

fn functions(now: Timestamp, draws: Draws) -> FuncMap {
    let mut functions = FuncMap::new();
    let mut add = |name: &str, function: ValueFunc| functions.insert(name.to_owned(), function);
    add("lowercase", Arc::new(|args| Ok(text(one(args)?.to_lowercase()))));
    add("uppercase", Arc::new(|args| Ok(text(one(args)?.to_uppercase()))));
    add("base64", Arc::new(|args| Ok(text(data_encoding::BASE64.encode(one(args)?.as_bytes())))));
    add("sha256", Arc::new(|args| Ok(text(hash(&one(args)?)))));
    add("replace", Arc::new(replace));
    add("truncate", Arc::new(truncate));
    add("truncate_sha256", Arc::new(truncate_hashed));
    add("unix_time", Arc::new(move |_| Ok(text(now.as_secs().to_string()))));
    add("unix_time_millis", Arc::new(move |_| Ok(text(now.as_millis().to_string()))));
    let Draws { characters, ids, taken } = draws;
    let counted = Arc::clone(&taken);
    add("random", Arc::new(move |args| random(args, &characters, &counted)));
    let told = AtomicUsize::new(0);
    add(
        "uuid",
        Arc::new(move |_| {
            let id = ids.get(told.fetch_add(1, Ordering::Relaxed));
            let id = id.ok_or_else(|| wrong("uuid is used too often"))?;
            taken.fetch_add(id.len(), Ordering::Relaxed);
            Ok(text(id.clone()))
        }),
    );
    functions
}

fn random(args: &[Value], drawn: &str, taken: &AtomicUsize) -> Result<Value, TemplateError> {
    let [length] = args else { return Err(wrong("random takes a length")) };
    let length =
        number(length).filter(|length| *length > 0).ok_or_else(|| wrong("random takes a length above 0"))?;
    let begin = taken.fetch_add(length.min(RANDOM_MAX), Ordering::Relaxed);
    let end = begin.saturating_add(length);
    drawn
        .get(begin..end)
        .map(|part| text(part.to_owned()))
        .ok_or_else(|| wrong("random is asked for too much"))
}

fn replace(args: &[Value]) -> Result<Value, TemplateError> {
    let [from, to, within] = args else { return Err(wrong("replace takes what, by what, and a text")) };
    let (from, to, within) = (from.to_string(), to.to_string(), within.to_string());
    // Each character may become as many as there are in `to`.
    if within.len().saturating_add(1).saturating_mul(to.len().max(1)) > TEXT_BYTES_MAX {
        return Err(wrong("replace makes too long a text"));
    }
    Ok(text(within.replace(&from, &to)))
}

fn truncate(args: &[Value]) -> Result<Value, TemplateError> {
    let (length, full) = length_and_text(args, 1)?;
    Ok(text(head(&full, length).to_owned()))
}

/// Cuts a text off, and ends it by the beginning of its rest's hash.
fn truncate_hashed(args: &[Value]) -> Result<Value, TemplateError> {
    let (length, full) = length_and_text(args, HASH_CHARS + 1)?;
    if full.len() <= length {
        return Ok(text(full));
    }
    let kept = head(&full, length - HASH_CHARS);
    let rest = full.get(kept.len()..).unwrap_or_default();
    let mut cut = kept.to_owned();
    cut.push_str(head(&hash(rest), HASH_CHARS));
    Ok(text(cut))
}

fn length_and_text(args: &[Value], least: usize) -> Result<(usize, String), TemplateError> {
    let [length, full] = args else { return Err(wrong("truncate takes a length and a text")) };
    let length = number(length).filter(|length| *length >= least);
    let length = length.ok_or_else(|| wrong(&format!("truncate takes a length of at least {least}")))?;
    Ok((length, full.to_string()))
}

/// The first bytes of a text, as far as whole characters reach.
fn head(text: &str, length: usize) -> &str {
    text.get(..text.floor_char_boundary(length)).unwrap_or(text)
}

fn hash(full: &str) -> String {
    let mut hash = String::new();
    for byte in Sha256::digest(full.as_bytes()) {
        // Writing to a text cannot fail.
        let _ = write!(hash, "{byte:02x}");
    }
    hash
}

fn one(args: &[Value]) -> Result<String, TemplateError> {
    match args {
        [value] => Ok(value.to_string()),
        _ => Err(wrong("this function takes one text")),
    }
}

fn number(value: &Value) -> Option<usize> {
    value.as_int().and_then(|number| usize::try_from(number).ok())
}

fn text(text: String) -> Value {
    Value::String(text.into())
}

fn wrong(why: &str) -> TemplateError {
    TemplateError::Exec(why.to_owned())
}

/// Characters of `random` in one name.
const RANDOM_MAX: usize = 256;
const UUIDS_MAX: usize = 4;
const RANGE_MAX: u64 = 1_000;
/// Far beyond any name, so that an error can say how long it is.
const OUTPUT_BYTES_MAX: usize = 4_096;
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Of the hash that ends a text which was cut off.
const HASH_CHARS: usize = 8;
/// Characters of a name that nobody can guess; each is one of 62, or of 16 in a UUID.
const RANDOM_MIN: usize = 8;
const LONG: &str = "a-name-that-is-longer-than-any-name-of-a-user-on-a-database-may-be";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

    fn made(template: &str, display_name: &str, role: &str) -> Result<String, UsernameError> {
        templated(template, Names { display_name, role }, NOW, &SeededEntropy::new(7))
    }

    #[test]
    fn names_are_made_as_vault_makes_them() {
        for (template, name) in [
            ("{{.DisplayName}}_{{.RoleName}}_{{unix_time}}", "userpass-alice_app_1790000000"),
            ("{{.RoleName | uppercase}}.{{.DisplayName | truncate 8}}", "APP.userpass"),
            ("{{ .DisplayName | replace \"-\" \"_\" | truncate 10 | lowercase }}", "userpass_a"),
            ("{{unix_time_millis}}", "1790000000000"),
            ("{{.RoleName | sha256 | truncate 12}}", "a172cedcae47"),
            ("{{.RoleName | base64}}", "YXBw"),
            ("{{.DisplayName | truncate_sha256 12}}", "user995de05e"),
            ("{{if eq .RoleName \"app\"}}x{{else}}y{{end}}", "x"),
            (
                "{{ printf \"v-%s-%s\" (.DisplayName | truncate 8) (.RoleName | truncate 8) | truncate 63 }}",
                "v-userpass-app",
            ),
        ] {
            assert_eq!(made(template, "userpass-alice", "app").as_deref(), Ok(name), "{template}");
        }
        let random = made("{{random 20}}-{{random 20}}", "a", "b").unwrap();
        let (first, second) = random.split_once('-').unwrap();
        assert!(first.len() == 20 && second.len() == 20 && first != second, "{random}");
        let ids = made("{{uuid}}", "a", "b").unwrap();
        assert_eq!((ids.len(), ids.as_bytes()[14]), (36, b'4'), "{ids}");
    }

    #[test]
    fn a_name_that_cannot_be_used_is_refused() {
        use UsernameError::{Character, Length};
        assert_eq!(made("", "a", "b"), Err(Length(0)));
        assert_eq!(made("{{.DisplayName}}", LONG, "b"), Err(Length(LONG.len())));
        assert_eq!(made("a\"b", "a", "b"), Err(Character('"')));
        assert_eq!(made("{{.RoleName}} x", "a", "b"), Err(Character(' ')));
        assert_eq!(made("{{.DisplayName}}", "o'h\"a;\u{fc}", "b").as_deref(), Ok("o-h-a--"));
        for template in [
            "{{.DisplayName",
            "{{.Password}}",
            "{{nonsense}}",
            "{{timestamp \"2006\"}}",
            "{{random 0}}",
            "{{random 300}}",
            "{{truncate 0 .RoleName}}",
            "{{truncate_sha256 8 .RoleName}}",
            "{{range 100000}}aaaa{{end}}",
            "{{define \"x\"}}{{template \"x\"}}{{end}}{{template \"x\"}}",
            "{{printf \"%100000d\" 1}}",
        ] {
            assert!(matches!(made(template, "a", "b"), Err(UsernameError::Template(_))), "{template}");
        }
    }

    #[test]
    fn a_template_is_taken_only_when_each_user_gets_a_name_of_its_own() {
        for (template, verdict) in [
            ("{{.RoleName | truncate 20}}-{{random 8}}", Ok(())),
            ("{{.RoleName}}-{{random 8}}", Ok(())),
            ("{{uuid}}", Ok(())),
            ("{{.RoleName}}-{{random 4}}-{{random 4 | uppercase}}", Ok(())),
            ("{{random 20 | sha256 | truncate 20}}", Ok(())),
            ("app", Err(UsernameError::Guessable)),
            ("{{.DisplayName}}-{{unix_time}}", Err(UsernameError::Guessable)),
            ("{{.RoleName}}-{{random 7}}", Err(UsernameError::Guessable)),
            ("{{random 2 | sha256 | truncate 30}}", Err(UsernameError::Guessable)),
            ("{{uuid | truncate 7}}", Err(UsernameError::Guessable)),
            ("{{printf \"%s-%s\" .RoleName (random 20) | truncate 40}}", Err(UsernameError::Guessable)),
        ] {
            assert_eq!(check(template, NOW), verdict, "{template}");
        }
    }
}
