//! Configurations that are taken, and those that are refused with a sentence.

use vault_core::store::EngineKind;

use super::*;

fn checked(text: &str) -> Result<Config, String> {
    let file = Path::new("/etc/rotunda/vault.toml");
    parse(file, text)
        .and_then(|raw| checked::check(raw, Path::new("/etc/rotunda"), "/etc/rotunda/vault.toml"))
        .map_err(|error| error.to_string())
}

#[test]
fn a_data_directory_is_enough() {
    let config = checked("data_dir = \"/var/lib/rotunda\"").unwrap();
    assert_eq!(config.listener.address.to_string(), "127.0.0.1:8200");
    assert_eq!(config.audit_file, Path::new("/var/lib/rotunda/audit.log"));
    assert_eq!((config.engine, config.cache_bytes), (EngineKind::Redb, 64 << 20));
    assert_eq!(config.body_bytes_max, 32 * 1024 * 1024);
}

#[test]
fn a_store_that_is_there_is_opened_by_its_own_engine_unless_another_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("sled")).unwrap();
    let place = format!("data_dir = {:?}", dir.path());
    for (more, engine, cache_mib) in [
        ("", EngineKind::Sled, 256),
        ("[store]\ncache_mib = 32", EngineKind::Sled, 32),
        ("[store]\nengine = \"redb\"", EngineKind::Redb, 64),
    ] {
        let config = checked(&format!("{place}\n{more}")).unwrap();
        assert_eq!((config.engine, config.cache_bytes), (engine, cache_mib << 20), "{more}");
    }
    // What is left of another store does not decide.
    let marker = "rotunda store\nformat 1\nengine redb\nfiles complete\n";
    std::fs::write(dir.path().join("engine"), marker).unwrap();
    assert_eq!(checked(&place).unwrap().engine, EngineKind::Redb);
}

#[test]
fn relative_paths_are_meant_from_the_file() {
    let config = checked("data_dir = \"data\"\n[audit]\nfile = \"log/audit.jsonl\"").unwrap();
    assert_eq!(config.data_dir, Path::new("/etc/rotunda/data"));
    assert_eq!(config.audit_file, Path::new("/etc/rotunda/log/audit.jsonl"));
}

#[test]
fn the_dashboard_is_there_unless_it_is_turned_off() {
    for (more, want) in [("", true), ("[ui]\nenabled = true", true), ("[ui]\nenabled = false", false)] {
        assert_eq!(checked(&format!("data_dir = \"d\"\n{more}")).unwrap().dashboard, want, "{more}");
    }
}

#[test]
fn people_reach_the_dashboard_by_an_address_without_more() {
    let of = |url: &str, more: &str| {
        checked(&format!("data_dir = \"d\"\n[ui]\nexternal_url = \"{url}\"\n{more}"))
            .map(|config| config.dashboard_url)
    };
    for (url, want) in [
        ("https://vault.example", "https://vault.example"),
        ("https://vault.example:8200/", "https://vault.example:8200"),
        ("http://10.0.0.7:8200", "http://10.0.0.7:8200"),
        ("https://gate.example/vault/", "https://gate.example/vault"),
    ] {
        assert_eq!(of(url, "").unwrap().as_deref(), Some(want), "{url}");
    }
    for url in [
        "vault.example",
        "ftp://vault.example",
        "https://",
        "https://vault.example/?a=b",
        "https://vault.example/#a",
        "https://u:p@vault.example",
        "https://vault.example/a|b",
        "https://vault.example/<b>",
        "https://vault.example/&",
    ] {
        assert!(of(url, "").unwrap_err().contains("ui.external_url"), "{url}");
    }
    assert_eq!(of("https://vault.example", "enabled = false"), Ok(None), "there is no page");
}

#[test]
fn mistakes_are_named_with_file_and_key() {
    for (text, parts) in [
        ("", &["vault.toml: data_dir: name the directory"][..]),
        ("data_dir = \"d\"\n[ui]\non = true", &["vault.toml", "line 3"]),
        ("data_dir = \"d\"\nbogus = 1", &["vault.toml", "bogus", "line 2"]),
        ("data_dir = \"d\"\n[store]\nengine = \"rocks\"", &["store.engine", "\"sled\" or \"redb\""]),
        ("data_dir = \"d\"\n[store]\ncipher = \"des\"", &["store.cipher"]),
        ("data_dir = \"d\"\n[store]\ncache_mib = 0", &["store.cache_mib"]),
        ("data_dir = \"d\"\n[listener]\naddress = \"localhost\"", &["listener.address", "not an IP address"]),
        (
            "data_dir = \"d\"\n[listener]\naddress = \"0.0.0.0:8200\"",
            &["tls_disable = true", "in plain text"],
        ),
        ("data_dir = \"d\"\n[listener]\ntls_cert_file = \"c\"", &["listener.tls_key_file"]),
        ("data_dir = \"d\"\n[listener]\ntls_key_file = \"c\"", &["listener.tls_cert_file"]),
        (
            "data_dir = \"d\"\n[listener]\ntls_key_file = \"c\"\ntls_cert_file = \"c\"\ntls_disable = true",
            &["listener.tls_disable"],
        ),
        ("data_dir = \"d\"\n[lease]\ndefault_ttl = \"soon\"", &["lease.default_ttl", "duration"]),
        ("data_dir = \"d\"\n[lease]\ndefault_ttl = \"2h\"\nmax_ttl = \"1h\"", &["longer than lease.max_ttl"]),
        ("data_dir = \"d\"\n[limits]\nbody_bytes = 1", &["limits.body_bytes"]),
        ("data_dir = \"d\"\n[limits]\nrequests_per_second = -1", &["requests_per_second"]),
        ("data_dir = \"d\"\n[log]\nformat = \"xml\"", &["log.format"]),
    ] {
        let error = checked(text).unwrap_err();
        for part in parts {
            assert!(error.contains(part), "{text:?} gave {error:?} without {part:?}");
        }
    }
}

#[test]
fn plain_http_off_loopback_must_be_said_in_words() {
    let text = "data_dir = \"d\"\n[listener]\naddress = \"0.0.0.0:8200\"\ntls_disable = true";
    assert!(checked(text).unwrap().listener.tls.is_none());
    assert!(from_arguments("0.0.0.0:8200", Path::new("/tmp/x")).is_err());
    assert!(from_arguments("[::1]:0", Path::new("/tmp/x")).is_ok());
}

#[test]
fn traces_go_where_the_configuration_says_and_nowhere_without_it() {
    let of = |text: &str| {
        checked(&format!("data_dir = \"d\"\n[telemetry]\n{text}")).map(|config| config.telemetry)
    };
    assert!(of("").unwrap().is_none());
    for (endpoint, url) in [
        ("http://localhost:4318", "http://localhost:4318/v1/traces"),
        ("https://otel.example/", "https://otel.example/v1/traces"),
        ("https://otel.example/otlp", "https://otel.example/otlp/v1/traces"),
        ("http://10.0.0.7:4318/v1/traces", "http://10.0.0.7:4318/v1/traces"),
    ] {
        let telemetry = of(&format!("otlp_endpoint = {endpoint:?}")).unwrap().unwrap();
        assert_eq!((telemetry.url.as_str(), telemetry.service_name.as_str()), (url, "rotunda"));
    }
    let telemetry = of(
        "otlp_endpoint = \"https://[::1]:4318\"\notlp_headers_file = \"otlp.headers\"\notlp_ca_file = \"/ca.pem\"\nservice_name = \"vault-eu\"",
    );
    let telemetry = telemetry.unwrap().unwrap();
    assert_eq!(telemetry.headers_file.as_deref(), Some(Path::new("/etc/rotunda/otlp.headers")));
    assert_eq!(
        (telemetry.ca_file.as_deref(), &*telemetry.service_name),
        (Some(Path::new("/ca.pem")), "vault-eu")
    );
}

#[test]
fn a_collector_that_cannot_be_meant_is_refused_with_what_to_mend() {
    for (text, mend) in [
        ("otlp_endpoint = \"localhost:4318\"", "is not the address of a collector"),
        ("otlp_endpoint = \"grpc://localhost:4317\"", "is not the address of a collector"),
        ("otlp_endpoint = \"http://c:4318/?tenant=1\"", "is not the address of a collector"),
        ("otlp_endpoint = \"https://c/?api-key=hunter2\"", "is not the address of a collector"),
        ("otlp_endpoint = \"https://u:hunter2@c:99999\"", "is not the address of a collector"),
        ("otlp_endpoint = \"https://u:hunter2@bad host\"", "is not the address of a collector"),
        ("otlp_endpoint = \"https://u:hunter2@c\"", "must not hold a user or password"),
        ("otlp_endpoint = \"http://localhost:4318\"\notlp_ca_file = \"ca\"", "of no use where"),
        ("otlp_endpoint = \"http://c:4318\"\notlp_headers_file = \"h\"", "use https"),
        ("otlp_endpoint = \"https://c\"\nservice_name = \"\"", "telemetry.service_name"),
        ("service_name = \"vault\"", "of no use without telemetry.otlp_endpoint"),
        ("otlp_headers_file = \"h\"", "of no use without telemetry.otlp_endpoint"),
    ] {
        let error = checked(&format!("data_dir = \"d\"\n[telemetry]\n{text}")).unwrap_err();
        assert!(error.contains(mend) && !error.contains("hunter2"), "{text}: {error}");
    }
}

#[test]
fn an_hour_of_staff_has_a_price_with_at_most_two_digits_after_the_point() {
    let of =
        |more: &str| checked(&format!("data_dir = \"d\"\n[reports]\n{more}")).map(|config| config.reports);
    for (text, want) in [
        ("hourly_cost = 85", 8_500),
        ("hourly_cost = 85.0", 8_500),
        ("hourly_cost = 85.5", 8_550),
        ("hourly_cost = 85.05", 8_505),
        ("hourly_cost = 0.29", 29),
        ("hourly_cost = 0", 0),
        ("hourly_cost = 1e6", 100_000_000),
    ] {
        assert_eq!(of(text).unwrap().hourly_cost, Some(want), "{text}");
    }
    for text in ["85.505", "-1", "-0.5", "1000000.01", "nan", "inf", "1e-9"] {
        let refused = of(&format!("hourly_cost = {text}")).unwrap_err();
        assert!(
            refused.contains("reports.hourly_cost: it must be a number such as 85.50"),
            "{text}: {refused}"
        );
    }
    assert_eq!(of("currency = \"EUR\"").unwrap().currency.as_deref(), Some("EUR"));
    for text in ["", "eur", "EURO", "€", "E R"] {
        let refused = of(&format!("currency = {text:?}")).unwrap_err();
        assert!(
            refused.contains("reports.currency") && refused.contains("three capital letters"),
            "{refused}"
        );
    }
    assert_eq!(of("").unwrap(), Reports::default());
    assert_eq!(Reports { hourly_cost: Some(8_550), currency: None }.price(), Some(85.5));
}
