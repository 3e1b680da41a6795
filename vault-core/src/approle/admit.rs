//! Whether a machine may log in.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::role::AppRole;
use super::secret_id::{SecretId, Spent};
use crate::clock::Timestamp;
use crate::identity::TokenParameters;
use crate::identity::cidr;

/// A login that may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// What the token is like.
    pub parameters: TokenParameters,
    /// What is noted on it.
    pub meta: BTreeMap<String, String>,
    /// What becomes of the secret id, in the commit that makes the token.
    pub spent: Spent,
}

/// Why a login is refused. The texts are Vault's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such role, or the secret id is not one of its live ones.
    #[error("invalid role or secret ID")]
    Invalid,
    /// It came from an address that the secret id does not allow.
    #[error("source address unauthorized by CIDR restrictions on the secret ID")]
    SecretIdAddress,
    /// It came from an address that the role does not allow.
    #[error("source address unauthorized by CIDR restrictions on the role")]
    RoleAddress,
}

/// Decides about a login with the role named `name`. `secret_id` is what was found for what was shown; a
/// role that asks for none gets `None`.
///
/// # Errors
/// [`Refusal`] by cause. A login from a wrong address costs no use.
pub fn admit(
    name: &str,
    role: &AppRole,
    secret_id: Option<&SecretId>,
    from: IpAddr,
    now: Timestamp,
) -> Result<Admitted, Refusal> {
    let mut parameters = role.parameters.clone();
    let mut meta = BTreeMap::new();
    let mut spent = Spent::Unlimited;
    if role.bind_secret_id {
        let shown = secret_id.filter(|shown| shown.is_live(role, now)).ok_or(Refusal::Invalid)?;
        // The role may have become narrower since the secret id was made.
        if !cidr::allows(&shown.cidr_list, from)
            || !cidr::are_within(&shown.cidr_list, &role.secret_id_bound_cidrs)
        {
            return Err(Refusal::SecretIdAddress);
        }
        if !shown.token_bound_cidrs.is_empty() {
            parameters.bound_cidrs.clone_from(&shown.token_bound_cidrs);
        }
        meta.clone_from(&shown.metadata);
        spent = shown.spend(now);
    }
    if !cidr::allows(&role.secret_id_bound_cidrs, from) {
        return Err(Refusal::RoleAddress);
    }
    meta.insert("role_name".to_owned(), name.to_owned());
    Ok(Admitted { parameters, meta, spent })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approle::NewSecretId;
    use crate::entropy::SeededEntropy;
    use crate::identity::cidr::CidrBlock;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn blocks(texts: &[&str]) -> Vec<CidrBlock> {
        texts.iter().map(|text| CidrBlock::parse(text).unwrap()).collect()
    }

    fn parts(role_cidrs: &[&str], cidrs: &[&str]) -> (AppRole, SecretId) {
        let role = AppRole::new(NOW, &SeededEntropy::new(1));
        let new = NewSecretId { cidr_list: blocks(cidrs), ..NewSecretId::default() };
        let day = std::time::Duration::from_secs(86_400);
        let secret = SecretId::issue(&role, new, day, NOW, &SeededEntropy::new(2)).unwrap();
        (AppRole { secret_id_bound_cidrs: blocks(role_cidrs), ..role }, secret)
    }

    #[test]
    fn addresses_are_bound_by_role_and_by_secret_id() {
        for (role_cidrs, cidrs, from, want) in [
            (&[][..], &[][..], "203.0.113.1", Ok(())),
            (&["10.0.0.0/8"], &[], "10.1.1.1", Ok(())),
            (&["10.0.0.0/8"], &[], "11.1.1.1", Err(Refusal::RoleAddress)),
            (&["10.0.0.0/8"], &["10.1.0.0/16"], "10.1.1.1", Ok(())),
            (&["10.0.0.0/8"], &["10.1.0.0/16"], "10.2.1.1", Err(Refusal::SecretIdAddress)),
            (&["10.0.0.0/8"], &["11.0.0.0/8"], "11.1.1.1", Err(Refusal::SecretIdAddress)),
        ] {
            let (role, secret) = parts(role_cidrs, cidrs);
            let got = admit("ci", &role, Some(&secret), from.parse().unwrap(), NOW).map(|_| ());
            assert_eq!(got, want, "{role_cidrs:?} {cidrs:?} {from}");
        }
    }

    #[test]
    fn a_role_that_asks_for_a_secret_id_gets_one() {
        let (role, _) = parts(&[], &[]);
        let from = "10.0.0.1".parse().unwrap();
        assert_eq!(admit("ci", &role, None, from, NOW), Err(Refusal::Invalid));
        let open = AppRole { bind_secret_id: false, ..role };
        let admitted = admit("ci", &open, None, from, NOW).unwrap();
        assert_eq!(admitted.meta, BTreeMap::from([("role_name".to_owned(), "ci".to_owned())]));
    }
}
