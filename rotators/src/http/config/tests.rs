//! Settings and what they mean together.

use super::*;

fn parse(url: &str, settings: &[(&str, &str)]) -> Result<Config, SettingsError> {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::parse(&TargetSpec { connection_url: url.to_owned(), settings: settings.collect() })
}

const GRAFANA: (&str, &str) = ("preset", "grafana");

#[test]
fn the_scheme_decides_on_tls_and_cleartext_must_be_near_or_wanted() {
    let secure = parse("https://[2001:db8::1]/grafana/", &[GRAFANA]).unwrap();
    assert_eq!((secure.port, secure.reach.tls), (443, TlsMode::VerifyFull));
    assert_eq!((secure.origin().as_str(), secure.prefix.as_str()), ("https://[2001:db8::1]:443", "/grafana"));
    assert!(!secure.keeps_others);
    for (url, settings, fine) in [
        ("http://127.0.0.1:3000", &[GRAFANA][..], true),
        ("http://localhost", &[GRAFANA][..], true),
        ("http://grafana.example", &[GRAFANA][..], false),
        ("http://grafana.example", &[GRAFANA, ("cleartext", "allow")][..], true),
    ] {
        let found = parse(url, settings);
        assert_eq!(found.as_ref().err(), Some(&SettingsError::Cleartext).filter(|_| !fine), "{url}");
    }
}

#[test]
fn settings_have_their_meaning_and_wrong_ones_are_told() {
    let keeps = parse("https://h", &[GRAFANA, ("other_credentials", "keep")]).unwrap();
    assert!(keeps.keeps_others);
    let short = parse("https://h", &[("preset", "gitlab"), ("lifetime", "12h"), ("scope", "read_api")]);
    assert_eq!(short.unwrap().service.lifetime, Some(std::time::Duration::from_secs(12 * 3600)));
    for (settings, part) in [
        (&[][..], "exactly one of service"),
        (&[GRAFANA, ("service", "{}")][..], "exactly one of service"),
        (&[("preset", "vault")][..], "preset must be gitlab"),
        (&[("preset", "keycloak")][..], "needs the setting realm"),
        (&[GRAFANA, ("lifetime", "12h")][..], "lifetime must be given only"),
        (&[("preset", "gitlab"), ("lifetime", "1s")][..], "must be a time"),
        (&[GRAFANA, ("scope", "x")][..], "'scope' is not a setting"),
        (&[GRAFANA, ("other_credentials", "x")][..], "delete or keep"),
        (&[GRAFANA, ("cleartext", "yes")][..], "cleartext must be"),
        (&[GRAFANA, ("sslmode", "disable")][..], "sslmode must be"),
        (&[GRAFANA, ("password", "hunter2")][..], "literal user name or password"),
        (&[("service", "{\"name\": 7}")][..], "not of its form"),
    ] {
        let error = parse("https://h", settings).unwrap_err().to_string();
        assert!(error.contains(part) && !error.contains("hunter2"), "{part}: {error}");
    }
    for url in [
        "ftp://h",
        "https://h#x",
        "https://h%3Fx",
        "https://h%5Cx",
        "https://h/a b",
        "https://h/a/../b",
        "https://u:hunter2@h",
    ] {
        let error = parse(url, &[GRAFANA]).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_mark_tells_targets_and_accounts_apart_and_outlives_a_change_of_the_way_there() {
    let mark = |url: &str, settings: &[(&str, &str)], name: &str| {
        parse(url, &[&[("preset", "gitlab")], settings].concat()).unwrap().mark(name)
    };
    let own = mark("https://h/", &[], "app");
    assert_eq!(own.len(), 8);
    for same in [
        mark("https://h", &[("request_timeout", "3s"), ("other_credentials", "keep")], "app"),
        mark("https://h:443/", &[("sslmode", "require")], "app"),
    ] {
        assert_eq!(same, own);
    }
    for other in [
        mark("https://h/", &[], "ap"),
        mark("https://h/p", &[], "app"),
        mark("https://h:8443/", &[], "app"),
        mark("https://i/", &[], "app"),
        mark("https://h/", &[("scope", "read_api")], "app"),
        mark("https://h/", &[("lifetime", "10d")], "app"),
    ] {
        assert_ne!(other, own);
    }
}
