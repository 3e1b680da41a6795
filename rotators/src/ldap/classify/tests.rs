//! Each answer and its class, with texts as Active Directory and OpenLDAP write them.

use std::collections::BTreeMap;

use vault_core::rotation::port::TargetSpec;

use super::super::config::Config;
use super::*;

fn config() -> Config {
    let settings = BTreeMap::from([("userdn".to_owned(), "dc=example".to_owned())]);
    Config::parse(&TargetSpec { connection_url: "ldaps://dir".to_owned(), settings }).unwrap()
}

fn policy(code: u32, error: u8) -> Reply {
    Reply { code, policy: Some(error), ..Reply::default() }
}

#[test]
fn a_bind_tells_a_wrong_password_from_an_account_that_is_held_up() {
    let config = config();
    let ad = |data: &str| {
        let text = format!(
            "80090308: LdapErr: DSID-0C090569, comment: AcceptSecurityContext error, data {data}, v4563\0"
        );
        Reply::from_text(49, &text)
    };
    let plain = |code| Reply { code, ..Reply::default() };
    for (reply, wanted) in [
        (plain(0), "in"),
        (policy(0, 2), "blocked"),
        (plain(49), "refused"),
        (policy(49, 0), "blocked"),
        (policy(49, 1), "blocked"),
        (ad("52e"), "refused"),
        (ad("525"), "refused"),
        (ad("530"), "blocked"),
        (ad("531"), "blocked"),
        (ad("532"), "blocked"),
        (ad("533"), "blocked"),
        (ad("569"), "blocked"),
        (ad("701"), "blocked"),
        (ad("773"), "blocked"),
        (ad("775"), "blocked"),
        (ad("51f"), "unreachable"),
        // Somebody else's text is no number of Active Directory's.
        (Reply::from_text(49, "login denied, data 775, sorry"), "refused"),
        (plain(32), "refused"),
        (plain(48), "refused"),
        (plain(10), "preflight"),
        (plain(34), "preflight"),
        (plain(53), "preflight"),
        (plain(13), "tls"),
        (plain(8), "tls"),
        (plain(51), "unreachable"),
        (plain(52), "unreachable"),
        (plain(80), "unreachable"),
    ] {
        let got = match login(&reply, config.place()) {
            Ok(()) => "in",
            Err(LoginFailure::Refused(_)) => "refused",
            Err(LoginFailure::Blocked(fault)) => {
                assert_eq!(fault.class, FaultClass::AccountLocked);
                "blocked"
            }
            Err(LoginFailure::Other(fault)) => fault.class.as_str(),
        };
        assert_eq!(got, wanted, "{reply:?}");
    }
}

#[test]
fn a_management_credential_that_is_refused_or_blocked_is_never_a_matter_of_waiting() {
    let config = config();
    for reply in [Reply { code: 49, ..Reply::default() }, policy(49, 1)] {
        let fault = login(&reply, config.place()).unwrap_err().of_management();
        assert_eq!(fault.class, FaultClass::ManagementAuthRefused);
        assert!(fault.detail.starts_with("dir:636: "), "{fault}");
    }
}

#[test]
fn a_refused_change_has_its_class() {
    use FaultClass::{AccountMissing, PermissionDenied, PolicyRejected, Preflight, Tls, Unreachable};
    let config = config();
    let plain = |code| Reply { code, ..Reply::default() };
    for (reply, class) in [
        (policy(19, 5), PolicyRejected),
        (policy(19, 6), PolicyRejected),
        (policy(19, 8), PolicyRejected),
        (policy(50, 3), PermissionDenied),
        (policy(50, 4), Preflight),
        (policy(19, 7), Unreachable),
        (plain(19), PolicyRejected),
        (
            Reply::from_text(19, "0000052D: Constraint violation - check_password_restrictions: too short\0"),
            PolicyRejected,
        ),
        (
            Reply::from_text(
                53,
                "0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0\n\0",
            ),
            PolicyRejected,
        ),
        (
            Reply::from_text(
                53,
                "0000001F: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0\n\0",
            ),
            Tls,
        ),
        (
            Reply::from_text(
                50,
                "00002098: SecErr: DSID-03150F94, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0\n\0",
            ),
            PermissionDenied,
        ),
        (Reply::from_text(53, "shadow context; no update referral"), Preflight),
        (Reply::from_text(10, "0000202B: RefErr: DSID-03100835, data 0, 1 access points"), Preflight),
        (plain(32), AccountMissing),
        (plain(2), Preflight),
        (plain(65), Preflight),
        (plain(13), Tls),
        (plain(51), Unreachable),
        (plain(11), Unreachable),
        (plain(80), Unreachable),
    ] {
        let fault = change(&reply, config.place());
        assert_eq!(fault.class, class, "{reply:?}: {fault}");
    }
}

#[test]
fn a_mark_that_does_not_fit_says_nothing_of_the_password() {
    let config = config();
    for (code, class) in [
        (19, FaultClass::Preflight),
        (20, FaultClass::Preflight),
        (65, FaultClass::Preflight),
        (50, FaultClass::PermissionDenied),
        (32, FaultClass::AccountMissing),
        (51, FaultClass::Unreachable),
    ] {
        let fault = mark(&Reply { code, ..Reply::default() }, config.place());
        assert_eq!(fault.class, class, "{fault}");
    }
}

#[test]
fn an_answer_that_a_proxy_could_have_made_up_leaves_a_doubt() {
    let plain = |code| Reply { code, ..Reply::default() };
    for (reply, doubt) in [
        (plain(19), false),
        (plain(50), false),
        (plain(51), false),
        (plain(52), true),
        (plain(80), true),
        (plain(1), true),
        (plain(118), true),
        (policy(80, 5), false),
        (Reply::from_text(1, "0000052D: refused"), false),
    ] {
        assert_eq!(leaves_doubt(&reply), doubt, "{reply:?}");
    }
}

#[test]
fn the_policy_control_is_read_whatever_it_holds() {
    for (value, error) in [
        (&[0x30, 0x03, 0x81, 0x01, 0x06][..], Some(6)),
        (&[0x30, 0x08, 0xa0, 0x03, 0x81, 0x01, 0x05, 0x81, 0x01, 0x02], Some(2)),
        (&[0x30, 0x05, 0xa0, 0x03, 0x80, 0x01, 0x3c], None),
        (&[0x30, 0x00], None),
        (&[], None),
        (&[0x30], None),
        (&[0x30, 0x7f, 0x81, 0x01, 0x06], None),
        (&[0x30, 0x03, 0x81, 0x7f, 0x06], None),
        (&[0x30, 0x03, 0x81, 0x00, 0x06], None),
    ] {
        assert_eq!(policy_error(value), error, "{value:x?}");
    }
}
