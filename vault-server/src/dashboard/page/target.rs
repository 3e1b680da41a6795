//! One target: how it stands, whether it can be reached, and its maintenance.

use askama::Template;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value};
use vault_api::incident::FailureFacts;
use vault_api::silence::{Silence, SilenceList};
use vault_api::target::{TargetCheck, TargetRead};
use vault_core::clock::Timestamp;
use vault_core::path::Name;

use super::maintenance::{Way, Wish, confirm};
use super::targets::{Standing, standing};
use super::typed::{Refused, Typed};
use super::{Frame, html, on_to, refusal, state};
use crate::dashboard::time::When;
use crate::dashboard::visit::{Part, Rights, SignedIn};
use crate::http::Fields;
use crate::http::inside::encoded;

#[derive(Template)]
#[template(path = "target.html")]
struct Page {
    frame: Frame,
    alert: String,
    /// The form that was refused, with what was typed.
    typed: Typed,
    name: String,
    status: Part<Standing>,
    config: Part<TargetRead>,
    silences: Part<Vec<Declared>>,
    accounts: String,
    may: May,
}

/// A silence or maintenance that is about the target as a whole.
struct Declared {
    silence: Silence,
    from: When,
    until: When,
}

#[derive(Clone, Copy)]
struct May {
    check: bool,
    maintain: bool,
    end: bool,
    /// To silence anything, whatever it is.
    silence: bool,
}

#[derive(Template)]
#[template(path = "checked.html")]
struct Checked {
    frame: Frame,
    name: String,
    check: Option<TargetCheck>,
    failure: FailureFacts,
    said: String,
}

/// GET `/ui/targets/<name>`.
pub(in crate::dashboard) async fn show(signed_in: &SignedIn, name: &str) -> Response<Body> {
    match Name::parse(name) {
        Ok(name) => page(signed_in, name.as_str(), None).await,
        Err(_) => state::missing(StatusCode::NOT_FOUND),
    }
}

/// POST `/ui/targets/<name>/{check,maintenance,end}`.
pub(in crate::dashboard) async fn write(
    signed_in: &SignedIn,
    name: &str,
    word: &str,
    form: &Fields,
) -> Response<Body> {
    let Ok(name) = Name::parse(name) else { return state::missing(StatusCode::NOT_FOUND) };
    let name = name.as_str();
    let path = format!("targets/maintenance/{}", encoded(name));
    let told = match word {
        "check" => return check(signed_in, name).await,
        "maintenance" => {
            let wish = Wish::of(form);
            let told = signed_in.write(&path, Value::Object(wish.body())).await;
            match told.data::<Silence>() {
                Some(would) if !wish.is_sure => {
                    return confirm(signed_in, way(name), wish, (would.until, would.steps));
                }
                _ => told,
            }
        }
        "end" => signed_in.visit.inside.delete(&signed_in.session.token, &path).await,
        _ => return state::missing(StatusCode::NOT_FOUND),
    };
    if told.status.is_success() {
        return on_to(&format!("/ui/targets/{name}"));
    }
    let typed = Typed::of(word, form, &["for", "reason"]);
    page(signed_in, name, Some(Refused { told: &told, typed })).await
}

fn way(name: &str) -> Way {
    let here = format!("/ui/targets/{name}");
    Way {
        from: ("targets", "/ui/targets", "Targets"),
        form: format!("{here}/maintenance"),
        page: (here, name.to_owned()),
    }
}

async fn check(signed_in: &SignedIn, name: &str) -> Response<Body> {
    let told = signed_in.write(&format!("targets/check/{}", encoded(name)), Value::Object(Map::new())).await;
    let check: Option<TargetCheck> = told.data();
    let failure: Option<FailureFacts> = told.facts().filter(|facts: &FailureFacts| facts.class.is_some());
    // What is no finding about the target is a refusal.
    if check.is_none() && failure.is_none() {
        let typed = Typed::default();
        return page(signed_in, name, Some(Refused { told: &told, typed })).await;
    }
    let checked = Checked {
        frame: Frame::of(signed_in, "targets", format!("Check of {name}")),
        name: name.to_owned(),
        check,
        failure: failure.unwrap_or_default(),
        said: told.errors(),
    };
    html(told.status, &checked)
}

async fn page(signed_in: &SignedIn, name: &str, refused: Option<Refused<'_>>) -> Response<Body> {
    let now = signed_in.visit.now;
    let told = signed_in.read(&format!("targets/status/{}", encoded(name))).await;
    let status = match &refused {
        Some(refused) => refused.told.status,
        None if told.status.is_success() => StatusCode::OK,
        None => told.status,
    };
    let found = standing(&told, now);
    let config: Part<TargetRead> = signed_in.part(&format!("targets/config/{}", encoded(name))).await;
    let rights = rights(signed_in, name).await;
    let silences: Part<SilenceList> = signed_in.granted(&rights, SILENCES).await;
    let frame = Frame::of(signed_in, "targets", name).refreshed(format!("/ui/targets/{name}?auto=1"));
    let page = Page {
        frame,
        alert: refused.as_ref().map(|refused| refusal(refused.told, LOOK)).unwrap_or_default(),
        typed: refused.map(|refused| refused.typed).unwrap_or_default(),
        name: name.to_owned(),
        status: found,
        config,
        silences: silences.map(|list| declared(list, name, now)),
        accounts: format!("/ui/accounts?q={}", encoded(name)),
        may: may(&rights, name),
    };
    html(status, &page)
}

fn declared(list: SilenceList, name: &str, now: Timestamp) -> Vec<Declared> {
    let about = list.silences.into_iter().filter(|silence| silence.target.as_deref() == Some(name));
    about
        .map(|silence| Declared {
            from: When::of(Some(&silence.from), now, ""),
            until: When::of(Some(&silence.until), now, ""),
            silence,
        })
        .collect()
}

async fn rights(signed_in: &SignedIn, name: &str) -> Rights {
    let [check, maintenance] = paths(name);
    signed_in.rights(&[check, maintenance, SILENCES.to_owned()]).await
}

fn may(rights: &Rights, name: &str) -> May {
    let [check, maintenance] = paths(name);
    May {
        check: rights.may("update", &check),
        maintain: rights.may("update", &maintenance),
        end: rights.may("delete", &maintenance),
        silence: rights.may("update", SILENCES),
    }
}

fn paths(name: &str) -> [String; 2] {
    [format!("targets/check/{name}"), format!("targets/maintenance/{name}")]
}

/// Where all silences are, and those of all things are made.
const SILENCES: &str = "silences";

/// What is to be done where nobody knows how far it came.
const LOOK: &str = "Look at the target before you repeat it";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_about_the_whole_target_is_its_maintenance() {
        let silence =
            |target: Option<&str>| Silence { target: target.map(str::to_owned), ..Silence::default() };
        let list = SilenceList { silences: vec![silence(Some("pg")), silence(Some("pg2")), silence(None)] };
        assert_eq!(declared(list, "pg", Timestamp::from_secs(0)).len(), 1);
    }
}
