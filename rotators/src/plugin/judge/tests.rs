//! Replies of plugins, good and bad, and what is made of them.

use super::*;

const SECRETS: [&str; 2] = ["management-4711", "candidate-0815"];

fn with<T>(look: impl FnOnce(&Judge<'_>) -> T) -> T {
    let secrets: Vec<_> = SECRETS.iter().map(|text| Zeroizing::new((*text).to_owned())).collect();
    look(&Judge { plugin: "p", secrets: &secrets })
}

/// What is made of the rest of a reply that begins well.
fn outcome(rest: &str) -> Result<Outcome, Broken> {
    let text = format!(r#"{{"protocol":1,"id":"7",{rest}}}"#);
    with(|judge| judge.read(text.as_bytes(), "7").and_then(|reply| judge.outcome(reply)))
}

#[test]
fn only_one_object_of_the_protocol_to_this_very_request_is_read() {
    for (text, readable) in [
        (r#"{"protocol":1,"id":"7","result":"applied"}"#, true),
        ("\n {\"protocol\":1,\"id\":\"7\",\"result\":\"applied\"}\n", true),
        ("", false),
        (" \n", false),
        ("Segmentation fault", false),
        ("null", false),
        ("[]", false),
        (r#"{"protocol":1,"id":"7"}"#, false),
        (r#"{"protocol":2,"id":"7","result":"applied"}"#, false),
        (r#"{"protocol":"1","id":"7","result":"applied"}"#, false),
        (r#"{"protocol":1,"id":"8","result":"applied"}"#, false),
        (r#"{"protocol":1,"id":7,"result":"applied"}"#, false),
        (r#"{"protocol":1,"id":"7","result":"applied","more":1}"#, false),
        (r#"{"protocol":1,"id":"7","result":"refused","result":"applied"}"#, false),
        (r#"{"protocol":1,"id":"7","result":"applied"} {}"#, false),
        (r#"{"protocol":1,"id":"7","result":"applied""#, false),
        ("{\"protocol\":1,\"id\":\"7\",\"result\":\"\u{0}", false),
    ] {
        with(|judge| assert_eq!(judge.read(text.as_bytes(), "7").is_ok(), readable, "{text}"));
    }
    with(|judge| assert!(judge.read(b"\xff\xfe", "7").is_err()));
    let deep = "[".repeat(100_000);
    with(|judge| assert!(judge.read(deep.as_bytes(), "7").is_err()));
}

#[test]
fn an_outcome_is_taken_only_as_it_was_said() {
    let fault = |class, detail: &str| Fault::new(class, format!("plugin p: {detail}"));
    for (rest, wanted) in [
        (r#""result":"applied""#, Ok(Outcome::Applied)),
        (
            r#""result":"not_applied","fault":{"class":"unreachable","detail":"no route"}"#,
            Ok(Outcome::NotApplied(fault(FaultClass::Unreachable, "no route"))),
        ),
        (
            r#""result":"unknown","fault":{"class":"unreachable","detail":"cut"}"#,
            Ok(Outcome::Unknown(fault(FaultClass::Ambiguous, "cut"))),
        ),
        // A doubt that calls itself none.
        (
            r#""result":"not_applied","fault":{"class":"ambiguous","detail":"?"}"#,
            Ok(Outcome::Unknown(fault(FaultClass::Ambiguous, "?"))),
        ),
        (r#""result":"applied","fault":{"class":"unreachable"}"#, Err(UNFIT)),
        (r#""result":"not_applied""#, Err("a failure without a fault")),
        (r#""result":"ok""#, Err(UNFIT)),
        (r#""result":"works""#, Err(UNFIT)),
        (
            r#""result":"not_applied","fault":{"class":"store_failed"}"#,
            Err("a fault of a class that is the vault's own"),
        ),
    ] {
        assert_eq!(outcome(rest), wanted, "{rest}");
    }
    assert!(outcome(r#""result":"not_applied","fault":{"class":"my_own"}"#).is_err());
}

#[test]
fn what_people_are_shown_is_bounded_on_one_line_and_without_the_requests_secrets() {
    let long = "x".repeat(10_000);
    for (detail, shown) in [
        ("two\\nlines\\u001b[31m", "plugin p: two lines [31m".to_owned()),
        (
            "it is candidate-0815, you know",
            "plugin p: (its words are withheld: they hold a password)".to_owned(),
        ),
        (long.as_str(), format!("plugin p: {}", "x".repeat(400))),
    ] {
        let rest = format!(r#""result":"unknown","fault":{{"class":"ambiguous","detail":"{detail}"}}"#);
        let Ok(Outcome::Unknown(fault)) = outcome(&rest) else { panic!("{detail}") };
        assert_eq!(fault.detail, shown);
    }
    let rights = |rights: &str| {
        let text = format!(r#"{{"protocol":1,"id":"7","result":"rights","rights":{rights}}}"#);
        with(|judge| judge.read(text.as_bytes(), "7").and_then(|reply| judge.rights(reply)))
    };
    assert_eq!(rights(r#"["login","a\tb"]"#), Ok(Ok(Rights(vec!["login".to_owned(), "a b".to_owned()]))));
    assert!(rights(r#"["password management-4711"]"#).is_err());
    assert!(rights(&format!("[{}]", vec!["\"r\""; 1001].join(","))).is_err());
    assert!(rights("null").is_err());
}

#[test]
fn a_credential_that_the_target_made_is_whole_and_its_handle_is_no_secret() {
    let minted = |credential: &str| {
        let text = format!(r#"{{"protocol":1,"id":"7","result":"made","credential":{credential}}}"#);
        with(|judge| judge.read(text.as_bytes(), "7").and_then(|reply| judge.minted(reply)))
    };
    for (credential, whole) in [
        (r#"{"handle":"k-1","password":"secret-of-the-key"}"#, true),
        (r#"{"handle":"k-1","username":"AKIA","password":"secret-of-the-key"}"#, true),
        (r#"{"handle":"","password":"secret-of-the-key"}"#, false),
        (r#"{"handle":"k-1","password":""}"#, false),
        (r#"{"handle":"k-1"}"#, false),
        (r#"{"handle":"secret-of-the-key","password":"secret-of-the-key"}"#, false),
        (r#"{"handle":"management-4711","password":"secret-of-the-key"}"#, false),
        ("null", false),
    ] {
        let found = minted(credential);
        assert_eq!(matches!(found, Ok(Minting::Made(_))), whole, "{credential}");
        assert!(!format!("{found:?}").contains("secret-of-the-key"), "{credential}");
    }
}
