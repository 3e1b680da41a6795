//! Addresses and settings that are taken, and those that are refused with a sentence.

use std::collections::BTreeMap;

use super::*;

fn parse(url: &str, settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut all = BTreeMap::from([("userdn".to_owned(), "ou=people,dc=example".to_owned())]);
    all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Config::parse(&TargetSpec { connection_url: url.to_owned(), settings: all })
}

#[test]
fn the_address_says_when_tls_begins() {
    use Encryption::{FromStart, Off, StartTls};
    for (url, mode, port, encryption, tls) in [
        ("ldap://dir.example", None, 389, StartTls, TlsMode::VerifyFull),
        ("ldaps://dir.example", None, 636, FromStart, TlsMode::VerifyFull),
        ("ldap://{{username}}:{{password}}@dir:1389/", Some("prefer"), 1389, StartTls, TlsMode::Prefer),
        ("ldap://dir?sslmode=disable", None, 389, Off, TlsMode::Disable),
        ("ldaps://[::1]:1636", Some("verify-ca"), 1636, FromStart, TlsMode::VerifyCa),
    ] {
        let settings: Vec<_> = mode.map(|mode| ("sslmode", mode)).into_iter().collect();
        let config = parse(url, &settings).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!((config.port, config.encryption, config.reach.tls), (port, encryption, tls), "{url}");
    }
    assert_eq!(parse("ldaps://[::1]", &[("sslmode", "require")]).unwrap().place().to_string(), "[::1]:636");
}

#[test]
fn each_schema_has_its_defaults() {
    let open = parse("ldaps://dir", &[]).unwrap();
    assert_eq!((open.schema, open.user_attribute.as_str()), (Schema::OpenLdap, "cn"));
    let ad = parse("ldaps://dir", &[("schema", "ad")]).unwrap();
    assert_eq!((ad.schema, ad.user_attribute.as_str()), (Schema::ActiveDirectory, "userPrincipalName"));
}

#[test]
fn settings_that_cannot_work_are_refused_with_the_name_of_what_to_mend() {
    for (url, settings, word) in [
        ("ldaps://dir", &[("userdn", "people")][..], "userdn must be a DN"),
        ("ldaps://dir", &[("groupdn", "")], "groupdn must be a DN"),
        ("ldaps://dir", &[("userattr", "a b")], "userattr must be"),
        ("ldaps://dir", &[("fence_attribute", "x)(y")], "fence_attribute must be"),
        ("ldaps://dir", &[("fence_attribute", "userpassword")], "decides nothing"),
        ("ldaps://dir", &[("fence_attribute", "memberOf")], "decides nothing"),
        ("ldaps://dir", &[("fence_attribute", "cn")], "decides nothing"),
        ("ldaps://dir", &[("schema", "racf")], "openldap or ad"),
        ("ldaps://dir", &[("sslmode", "disable")], "sslmode must be other than disable"),
        ("ldap://dir", &[("schema", "ad"), ("sslmode", "disable")], "over TLS only"),
        ("ldap://dir", &[("schema", "ad"), ("userattr", "sAMAccountName")], "upndomain must be set"),
        ("ldap://dir", &[("upndomain", "corp\\example")], "name of a domain"),
        ("ldaps://[::1]", &[], "IPv6"),
        ("ldaps://dir/dc=example", &[], "must look like"),
        ("https://dir", &[], "must look like"),
        ("ldaps://cn=vault:secret@dir", &[], "literal"),
        ("ldaps://dir", &[("password", "x")], "literal"),
        ("ldaps://dir", &[("binddn", "cn=x")], "not a setting"),
        ("ldaps://dir?userdn=dc%3Dx", &[], "given twice"),
    ] {
        let error = parse(url, settings).unwrap_err().to_string();
        assert!(error.contains(word), "{url} {settings:?}: {error}");
    }
    let spec = TargetSpec { connection_url: "ldaps://dir".to_owned(), settings: BTreeMap::new() };
    assert!(Config::parse(&spec).unwrap_err().to_string().starts_with("userdn must be set"));
}
