//! A user of IAM: who it is, its keys, and what it may do.

use std::borrow::Cow;

use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Job, Login, Rights};

use super::api::{Api, Failure};
use super::classify;
use super::command::{Ask, Service, check_name, is_key_id};
use super::reply::{self, Identity, Key, Page, User};

/// Whether the job is about the key by which the vault acts: then a key's id stands where a user's name would.
pub(super) fn is_own(job: &Job<'_>) -> bool {
    is_key_id(job.username)
}

/// The name of the user that the job is about. Where that is the user of the management key, AWS is asked for it.
///
/// # Errors
/// `preflight` when there is none, or a key's id was given for a name; and as [`classify::look`].
pub(super) async fn name_of<'a>(api: &Api<'_>, job: &Job<'a>) -> Result<Cow<'a, str>, Fault> {
    if !is_own(job) {
        check_name(job.username).map_err(|error| Fault::new(FaultClass::Preflight, error.to_string()))?;
        return Ok(Cow::Borrowed(job.username));
    }
    if job.is_adoption {
        let what = "the account's user name is the id of an access key; give the name of its IAM user";
        return Err(Fault::new(FaultClass::Preflight, what));
    }
    let identity = identity(api, job.management).await?;
    user_in(&identity).map(|name| Cow::Owned(name.to_owned()))
}

/// Who the key is of.
pub(super) async fn identity(api: &Api<'_>, login: &Login) -> Result<Identity, Fault> {
    let ask = Ask::identity();
    api.ask(login, &ask, reply::identity).await.map_err(|failure| fault(api, &ask, failure))
}

/// The name of the user in what AWS tells of a key.
pub(super) fn user_in(identity: &Identity) -> Result<&str, Fault> {
    // arn:<partition>:iam::<account>:user/<path…>/<name>
    let mut parts = identity.arn.splitn(6, ':').skip(2);
    let (service, rest) = (parts.next(), parts.nth(2));
    let name = rest.and_then(|rest| rest.strip_prefix("user/")?.rsplit('/').next());
    name.filter(|name| service == Some("iam") && check_name(name).is_ok()).ok_or_else(|| {
        let what = "the management key is of the account's root or of a role; make an IAM user for the vault";
        Fault::new(FaultClass::Preflight, what)
    })
}

/// The user of this name.
pub(super) async fn find(api: &Api<'_>, management: &Login, name: &str) -> Result<User, Fault> {
    let ask = Ask::user("GetUser", name);
    api.ask(management, &ask, reply::user).await.map_err(|failure| fault(api, &ask, failure))
}

/// The user's keys; `None` when there is no such user.
pub(super) async fn keys(api: &Api<'_>, management: &Login, name: &str) -> Result<Option<Vec<Key>>, Fault> {
    let ask = Ask::user("ListAccessKeys", name);
    match pages(api, management, &ask).await {
        Ok(pages) => Ok(Some(pages.into_iter().flat_map(|page| page.access_key_metadata.members).collect())),
        Err(failure) if failure.is_missing() => Ok(None),
        Err(failure) => Err(fault(api, &ask, failure)),
    }
}

/// What the user may do, as stable lines: policies and groups by their names, not by what is in them.
pub(super) async fn rights(api: &Api<'_>, management: &Login, user: &User) -> Result<Rights, Fault> {
    let mut lines = vec![format!("user {}", user.arn)];
    let boundary = user.permissions_boundary.as_ref().map(|boundary| &boundary.permissions_boundary_arn);
    lines.push(match boundary.filter(|arn| !arn.is_empty()) {
        Some(arn) => format!("bounded by {arn}"),
        // So that one that comes is noticed like one that goes.
        None => "no permissions boundary".to_owned(),
    });
    for (action, line) in [
        ("ListAttachedUserPolicies", attached as fn(Page) -> Vec<String>),
        ("ListUserPolicies", written),
        ("ListGroupsForUser", groups),
    ] {
        let ask = Ask::user(action, &user.user_name);
        let pages = pages(api, management, &ask).await.map_err(|failure| fault(api, &ask, failure))?;
        lines.extend(pages.into_iter().flat_map(line));
    }
    lines.sort();
    Ok(Rights(lines))
}

fn attached(page: Page) -> Vec<String> {
    page.attached_policies
        .members
        .iter()
        .map(|policy| format!("attached policy {}", policy.policy_arn))
        .collect()
}

fn written(page: Page) -> Vec<String> {
    page.policy_names.members.iter().map(|name| format!("inline policy {name}")).collect()
}

fn groups(page: Page) -> Vec<String> {
    page.groups.members.iter().map(|group| format!("member of group {}", group.group_name)).collect()
}

/// A key as a line among the rights: what was there before the vault asked for one.
pub(super) fn note(key: &Key) -> String {
    format!("{KEY_NOTE}{} {}", key.access_key_id, key.create_date)
}

/// Whether the key of this id was noted.
pub(super) fn is_noted(before: &Rights, id: &str) -> bool {
    before
        .0
        .iter()
        .any(|line| line.strip_prefix(KEY_NOTE).and_then(|rest| rest.split(' ').next()) == Some(id))
}

/// The rights without what is noted of keys.
pub(super) fn without_notes(rights: &Rights) -> Rights {
    Rights(rights.0.iter().filter(|line| !line.starts_with(KEY_NOTE)).cloned().collect())
}

async fn pages(api: &Api<'_>, management: &Login, ask: &Ask<'_>) -> Result<Vec<Page>, Failure> {
    let mut pages: Vec<Page> = Vec::new();
    for _ in 0..PAGES_MAX {
        let marker = match pages.last() {
            None => None,
            Some(Page { is_truncated: true, marker: Some(marker), .. }) => Some(marker.clone()),
            Some(_) => return Ok(pages),
        };
        let next = marker.as_deref().map_or_else(|| ask.clone(), |marker| ask.clone().with("Marker", marker));
        pages.push(api.ask(management, &next, reply::page).await?);
    }
    Ok(pages)
}

/// A look that failed.
pub(super) fn fault(api: &Api<'_>, ask: &Ask<'_>, failure: Failure) -> Fault {
    classify::look(failure, &ask.permission(), api.endpoint(ask.service))
}

/// A fault about users, at IAM.
pub(super) fn say(api: &Api<'_>, class: FaultClass, what: &str) -> Fault {
    Fault::new(class, format!("{}: {what}", api.endpoint(Service::Iam)))
}

const KEY_NOTE: &str = "key ";
/// Of a hundred entries each, more than AWS allows a user to have.
const PAGES_MAX: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_of_a_key_is_told_from_roots_and_roles() {
        for (arn, name) in [
            ("arn:aws:iam::123456789012:user/app", Some("app")),
            ("arn:aws-cn:iam::123456789012:user/teams/a:b/app", Some("app")),
            ("arn:aws:iam::123456789012:root", None),
            ("arn:aws:sts::123456789012:assumed-role/user/app", None),
            ("arn:aws:sts::123456789012:user/app", None),
            ("user/app", None),
        ] {
            let identity = Identity { account: String::new(), arn: arn.to_owned(), user_id: String::new() };
            assert_eq!(user_in(&identity).ok(), name, "{arn}");
        }
    }

    #[test]
    fn keys_are_noted_beside_the_rights_and_no_right_is_lost_with_one() {
        let key = |id: &str| Key {
            access_key_id: id.to_owned(),
            status: "Active".to_owned(),
            create_date: "2026-11-22T16:00:00Z".to_owned(),
        };
        let before = Rights(vec!["user arn".to_owned(), note(&key("AKIA1"))]);
        assert!(is_noted(&before, "AKIA1"));
        assert!(!is_noted(&before, "AKIA") && !is_noted(&before, "AKIA2") && !is_noted(&before, "arn"));
        let after = Rights(vec!["user arn".to_owned(), note(&key("AKIA2"))]);
        assert!(without_notes(&before).lost_in(&after).is_empty());
    }
}
