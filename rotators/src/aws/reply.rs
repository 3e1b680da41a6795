//! What IAM and STS answer, as XML. Pure: bytes in, meaning out; what cannot be read is no answer.
//!
//! Read by its structure, never by searching in it. What is not asked for is passed over.

use quick_xml::de::from_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use vault_core::secret::SecretString;

fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    // Its errors can repeat what was read, so none is passed on.
    from_str(std::str::from_utf8(body).ok()?).ok()
}

/// Who the key is of that signed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Identity {
    /// The account's number.
    pub account: String,
    /// Of the user, or of what else signed.
    pub arn: String,
    /// The user's own id, which no other user ever has.
    pub user_id: String,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct User {
    /// As it was created.
    pub user_name: String,
    /// Its own id, which no other user ever has.
    pub user_id: String,
    /// With account and path.
    pub arn: String,
    /// What bounds its rights, if anything does.
    #[serde(default)]
    pub permissions_boundary: Option<Boundary>,
}

/// A policy that bounds what others allow.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Boundary {
    /// Of the policy.
    #[serde(default)]
    pub permissions_boundary_arn: String,
}

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Key {
    /// By which it is named.
    pub access_key_id: String,
    /// `Active` or `Inactive`.
    pub status: String,
    /// When it was made, as IAM writes it.
    #[serde(default)]
    pub create_date: String,
}

/// A key that was just made.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NewKey {
    access_key_id: String,
    secret_access_key: String,
}

/// When a key was used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LastUsed {
    /// Empty when IAM knows of no use.
    #[serde(default)]
    pub last_used_date: String,
    /// The service that it was used for last.
    #[serde(default)]
    pub service_name: String,
}

/// `<xResponse><xResult>…`: an answer and its inner part, for each action that has one.
macro_rules! answers {
    ($($answer:ident { $result:literal: $inner:ty }),* $(,)?) => {$(
        #[derive(Deserialize)]
        struct $answer {
            #[serde(rename = $result)]
            result: $inner,
        }
    )*};
}

answers! {
    IdentityAnswer { "GetCallerIdentityResult": Identity },
    UserAnswer { "GetUserResult": OneUser },
    NewKeyAnswer { "CreateAccessKeyResult": OneNewKey },
    LastUsedAnswer { "GetAccessKeyLastUsedResult": OneLastUsed },
}

#[derive(Deserialize)]
struct OneUser {
    #[serde(rename = "User")]
    user: User,
}

#[derive(Deserialize)]
struct OneNewKey {
    #[serde(rename = "AccessKey")]
    key: NewKey,
}

#[derive(Deserialize)]
struct OneLastUsed {
    #[serde(rename = "AccessKeyLastUsed")]
    last_used: LastUsed,
}

/// The answer to an action that only does something.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DoneAnswer {
    response_metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    request_id: String,
}

/// One page of a list: of keys, policies or groups.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Page {
    /// The keys.
    #[serde(default)]
    pub access_key_metadata: List<Key>,
    /// Policies that are attached.
    #[serde(default)]
    pub attached_policies: List<Attached>,
    /// Names of policies in the user itself.
    #[serde(default)]
    pub policy_names: List<String>,
    /// Groups that the user is in.
    #[serde(default)]
    pub groups: List<Group>,
    /// Whether there are more.
    #[serde(default)]
    pub is_truncated: bool,
    /// By which the next page is asked for.
    #[serde(default)]
    pub marker: Option<String>,
}

#[derive(Deserialize)]
struct PageAnswer {
    #[serde(
        rename = "ListAccessKeysResult",
        alias = "ListAttachedUserPoliciesResult",
        alias = "ListUserPoliciesResult",
        alias = "ListGroupsForUserResult"
    )]
    result: Page,
}

/// `<member>…</member>`, any number of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct List<T> {
    /// Each of them.
    #[serde(default = "Vec::new", rename = "member")]
    pub members: Vec<T>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { members: Vec::new() }
    }
}

/// A policy that is attached.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attached {
    /// Of the policy.
    pub policy_arn: String,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Group {
    /// Its name.
    pub group_name: String,
}

/// Why a service has refused a request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Refused {
    /// The service's own word.
    pub code: String,
    /// A sentence of the service's; looked at, never shown.
    #[serde(default)]
    pub message: String,
}

/// `<ErrorResponse><Error>…`, or the older `<…><Errors><Error>…`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorAnswer {
    error: Option<Refused>,
    errors: Option<Errors>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Errors {
    error: Refused,
}

/// Reads a refusal; `None` when the service itself did not say this.
#[must_use]
pub fn refused(body: &[u8]) -> Option<Refused> {
    let answer: ErrorAnswer = read(body)?;
    let refused = answer.error.or(answer.errors.map(|errors| errors.error))?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    let is_word = (1..=CODE_BYTES_MAX).contains(&refused.code.len()) && refused.code.bytes().all(fits);
    is_word.then_some(refused)
}

/// Reads the answer to `GetCallerIdentity`.
#[must_use]
pub fn identity(body: &[u8]) -> Option<Identity> {
    read::<IdentityAnswer>(body).map(|answer| answer.result)
}

/// Reads the answer to `GetUser`.
#[must_use]
pub fn user(body: &[u8]) -> Option<User> {
    read::<UserAnswer>(body).map(|answer| answer.result.user)
}

/// Reads one page of a list.
#[must_use]
pub fn page(body: &[u8]) -> Option<Page> {
    read::<PageAnswer>(body).map(|answer| answer.result)
}

/// The id and the secret in the answer to `CreateAccessKey`.
#[must_use]
pub fn new_key(body: &[u8]) -> Option<(String, SecretString)> {
    let NewKey { access_key_id, secret_access_key } = read::<NewKeyAnswer>(body)?.result.key;
    let secret = SecretString::new(secret_access_key);
    let whole = !access_key_id.is_empty() && !secret.expose().is_empty();
    whole.then_some((access_key_id, secret))
}

/// Reads the answer to `GetAccessKeyLastUsed`.
#[must_use]
pub fn last_used(body: &[u8]) -> Option<LastUsed> {
    read::<LastUsedAnswer>(body).map(|answer| answer.result.last_used)
}

/// Reads the answer to an action that has no more to say than that it was done.
#[must_use]
pub fn done(body: &[u8]) -> Option<()> {
    let answer: DoneAnswer = read(body)?;
    (!answer.response_metadata.request_id.is_empty()).then_some(())
}

const CODE_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const NEW_KEY: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<CreateAccessKeyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <CreateAccessKeyResult>
    <AccessKey>
      <UserName>Bob</UserName>
      <AccessKeyId>AKIAIOSFODNN7EXAMPLE</AccessKeyId>
      <Status>Active</Status>
      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY</SecretAccessKey>
      <CreateDate>2026-11-22T16:00:00Z</CreateDate>
    </AccessKey>
  </CreateAccessKeyResult>
  <ResponseMetadata><RequestId>7a62c49f-347e-4fc4-9331-6e8eEXAMPLE</RequestId></ResponseMetadata>
</CreateAccessKeyResponse>"#;

    #[test]
    fn a_new_key_is_read_whole_or_not_at_all() {
        let (id, secret) = new_key(NEW_KEY.as_bytes()).unwrap();
        assert_eq!(
            (id.as_str(), secret.expose()),
            ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
        );
        assert_eq!(done(NEW_KEY.as_bytes()), Some(()));
        let cut = &NEW_KEY[..NEW_KEY.len() - 200];
        for broken in [cut, "<html>sign in</html>", ""] {
            assert!(new_key(broken.as_bytes()).is_none(), "{broken}");
            assert_eq!(done(broken.as_bytes()), None, "{broken}");
        }
        for (part, other) in [("SecretAccessKey", "Secret"), ("AKIAIOSFODNN7EXAMPLE", "")] {
            assert!(new_key(NEW_KEY.replace(part, other).as_bytes()).is_none(), "{part}");
        }
    }

    #[test]
    fn lists_are_read_with_none_one_and_more_entries_and_their_next_page() {
        let list = |inner: &str| {
            let text = format!(
                "<ListAccessKeysResponse><ListAccessKeysResult>{inner}</ListAccessKeysResult></ListAccessKeysResponse>"
            );
            page(text.as_bytes()).unwrap()
        };
        let key =
            "<member><UserName>a</UserName><AccessKeyId>K</AccessKeyId><Status>Active</Status></member>";
        for count in 0..3 {
            let keys = format!("<AccessKeyMetadata>{}</AccessKeyMetadata>", key.repeat(count));
            assert_eq!(list(&keys).access_key_metadata.members.len(), count);
        }
        assert_eq!(list("<AccessKeyMetadata/>").access_key_metadata.members, []);
        let more = list("<IsTruncated>true</IsTruncated><Marker>m&amp;1</Marker>");
        assert_eq!((more.is_truncated, more.marker.as_deref()), (true, Some("m&1")));
        let of_groups = "<R><ListGroupsForUserResult><Groups><member><Path>/</Path><GroupName>g</GroupName></member></Groups>\
                         <IsTruncated>false</IsTruncated></ListGroupsForUserResult></R>";
        assert_eq!(page(of_groups.as_bytes()).unwrap().groups.members[0].group_name, "g");
    }

    #[test]
    fn a_refusal_is_read_in_both_forms_and_what_is_none_is_not_taken_for_one() {
        let error = "<Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>no</Message></Error>";
        for text in [
            format!("<ErrorResponse xmlns=\"x\">{error}<RequestId>1</RequestId></ErrorResponse>"),
            format!("<ErrorResponse><Errors>{error}</Errors></ErrorResponse>"),
        ] {
            assert_eq!(refused(text.as_bytes()).unwrap().code, "NoSuchEntity");
        }
        for text in [
            error,
            "<html><body>Forbidden</body></html>",
            "<E><Error><Code></Code></Error></E>",
            "<E><Error><Code>a secret, perhaps</Code></Error></E>",
        ] {
            assert_eq!(refused(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_user_and_the_use_of_a_key_are_read() {
        let text = "<GetUserResponse><GetUserResult><User><Path>/a/</Path><UserName>app</UserName>\
                    <UserId>AIDA1</UserId><Arn>arn:aws:iam::1:user/a/app</Arn><PermissionsBoundary>\
                    <PermissionsBoundaryType>PermissionsBoundaryPolicy</PermissionsBoundaryType>\
                    <PermissionsBoundaryArn>arn:b</PermissionsBoundaryArn></PermissionsBoundary>\
                    </User></GetUserResult></GetUserResponse>";
        let found = user(text.as_bytes()).unwrap();
        assert_eq!(found.permissions_boundary.unwrap().permissions_boundary_arn, "arn:b");
        for (inner, date) in [
            ("<Region>N/A</Region><ServiceName>N/A</ServiceName>", ""),
            ("<LastUsedDate/><Region>N/A</Region>", ""),
            ("<LastUsedDate>2026-11-22T16:00:00Z</LastUsedDate>", "2026-11-22T16:00:00Z"),
        ] {
            let text = format!(
                "<R><GetAccessKeyLastUsedResult><UserName>app</UserName><AccessKeyLastUsed>{inner}</AccessKeyLastUsed>\
                 </GetAccessKeyLastUsedResult></R>"
            );
            assert_eq!(last_used(text.as_bytes()).unwrap().last_used_date, date);
        }
    }
}
