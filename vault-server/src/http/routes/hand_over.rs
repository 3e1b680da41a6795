//! Words of a hand-over, which accounts and targets share.

use vault_api::account::{HandedOver, HandedPassword};
use vault_core::account::Subject;

use crate::http::answer::Answer;
use crate::http::context::Context;
use crate::http::error::ApiError;
use crate::http::fields::Fields;
use crate::service::hand_over::{self as service, Confirmation};

/// What the caller says to hold.
pub(super) fn confirmed(fields: &Fields) -> Result<Option<Confirmation>, ApiError> {
    let Some(text) = fields.text("confirm")?.filter(|text| !text.is_empty()) else { return Ok(None) };
    let read = Confirmation::parse(&text);
    read.map(Some).ok_or_else(|| ApiError::invalid("confirm is not what a hand-over answered"))
}

/// The answer of the first step, and the caller is known to know what is in it; nothing when that is over.
pub(super) async fn answered(
    context: &Context,
    subject: &Subject,
    handed: Option<service::HandedOver>,
) -> Result<Answer, ApiError> {
    let Some(handed) = handed else { return Ok(Answer::nothing()) };
    context.app.accounts.handed_over(subject, &handed, &context.caller.principal).await?;
    given(&handed)
}

fn given(handed: &service::HandedOver) -> Result<Answer, ApiError> {
    let confirm = handed.confirmation().to_string();
    let told =
        format!("nothing is deleted yet: ask again with confirm={confirm} when this has arrived safely");
    let passwords = handed.passwords.iter().map(|one| HandedPassword {
        version: one.version,
        state: one.state.to_owned(),
        username: one.username.clone(),
        password: one.password.as_ref().map(|password| password.expose().to_owned().into()),
    });
    let answer = Answer::of(&HandedOver {
        username: handed.username.clone(),
        passwords: passwords.collect(),
        confirm,
    })?;
    let lost = handed.passwords.iter().filter(|one| one.password.is_none()).map(|one| {
        format!("version {} cannot be read: restore the vault from a backup before you confirm", one.version)
    });
    Ok(lost.fold(answer, Answer::warn).warn(told))
}
