//! What somebody typed into a form that was refused: it stands in the form again, beside the reason.
//!
//! Fields are taken by their names, and no password is among them: what was meant as a secret is typed again.

use crate::http::{Fields, Told};

/// What stands in a form; of a page that is merely looked at there is nothing.
#[derive(Default)]
pub(super) struct Typed {
    /// The word of the form on its page; empty of none.
    form: String,
    fields: Vec<(&'static str, String)>,
}

impl Typed {
    /// What was typed into the fields `names` of the form `word`.
    pub(super) fn of(word: &str, form: &Fields, names: &[&'static str]) -> Self {
        let field = |name: &&'static str| Some((*name, form.text(name).ok().flatten()?));
        Self { form: word.to_owned(), fields: names.iter().filter_map(field).collect() }
    }

    /// What a link that leads to the form `word` says already.
    pub(super) fn said(word: &str, fields: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        Self { form: word.to_owned(), fields: fields.into_iter().collect() }
    }

    /// Whether it is this form that was refused.
    pub(super) fn is(&self, word: &str) -> bool {
        !word.is_empty() && self.form == word
    }

    /// What stands in a field of the form `word`; nothing of another form.
    pub(super) fn at(&self, word: &str, name: &str) -> &str {
        let mut fields = self.fields.iter().filter(|_| self.is(word));
        fields.find(|(field, _)| *field == name).map_or("", |(_, text)| text)
    }
}

/// A write that was refused, and what was typed for it.
pub(super) struct Refused<'a> {
    pub(super) told: &'a Told,
    pub(super) typed: Typed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_its_own_texts_again_and_no_other_form_has_them() {
        let form = Fields::from_form(b"text=a+%3Cb%3E&staff_minutes=x&password=4711").unwrap();
        let typed = Typed::of("note", &form, &["text", "staff_minutes", "owner"]);
        assert_eq!((typed.at("note", "text"), typed.at("note", "staff_minutes")), ("a <b>", "x"));
        assert_eq!((typed.at("note", "owner"), typed.at("note", "password")), ("", ""));
        assert_eq!((typed.at("review", "text"), typed.at("", "text")), ("", ""));
        assert!(typed.is("note") && !typed.is("review") && !Typed::default().is(""));
    }
}
