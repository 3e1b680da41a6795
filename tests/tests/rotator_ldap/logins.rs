//! Names of accounts, what they may do, and who a login turns out to be.

use ldap3::Mod;
use rotators::ldap::LdapRotator;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Outcome, Rotator, Verification};
use vault_tests::ldap::{BASE, GROUPS, LdapOptions, LdapServer, MANAGEMENT, PEOPLE, account_dn};

use crate::bench::{Bench, NEW, OLD, login, probed, spec, word};

async fn add(server: &LdapServer, dn: &str, attributes: &[(&str, &str)]) {
    let entry = attributes.iter().map(|(name, value)| (*name, [*value].into())).collect();
    server.admin().await.unwrap().ldap.add(dn, entry).await.unwrap().success().unwrap();
}

#[tokio::test]
async fn a_name_must_lead_to_one_entry_by_which_it_can_log_in() {
    let bench = Bench::start().await;
    let deeper = format!("ou=deeper,{PEOPLE}");
    add(&bench.server, &deeper, &[("objectClass", "organizationalUnit"), ("ou", "deeper")]).await;
    for (dn, cn) in [(format!("cn=batch,{deeper}"), "batch"), (format!("sn=twin,{deeper}"), "app2")] {
        let entry = [("objectClass", "person"), ("cn", cn), ("sn", "twin"), ("userPassword", OLD)];
        add(&bench.server, &dn, &entry).await;
    }
    bench.server.create_account("app2", OLD).await.unwrap();
    let spelled = format!("CN=App, OU=People, {}", BASE.to_uppercase());
    for (name, class) in [
        ("app", None),
        (account_dn("app").as_str(), None),
        (spelled.as_str(), None),
        (format!("cn=batch,{deeper}").as_str(), None),
        ("batch", Some(FaultClass::Preflight)),
        ("app2", Some(FaultClass::Preflight)),
        ("nobody", Some(FaultClass::AccountMissing)),
        ("*", Some(FaultClass::AccountMissing)),
        (format!("cn=nobody,{deeper}").as_str(), Some(FaultClass::AccountMissing)),
        ("cn=broken,,", Some(FaultClass::Preflight)),
    ] {
        match bench.preflight(name).await {
            Err(fault) => assert_eq!(Some(fault.class), class, "{name}: {fault}"),
            Ok(rights) => {
                assert_eq!(class, None, "{name}");
                assert_eq!(bench.apply_to(name, NEW).await, Outcome::Applied, "{name}");
                assert_eq!(bench.verify(name, NEW, &rights).await, Verification::Verified, "{name}");
                assert_eq!(probed(&bench.probe(name, OLD).await), "refused", "{name}");
            }
        }
    }
    let told = bench.preflight("batch").await.unwrap_err();
    assert!(told.detail.contains(&format!("stands at 'cn=batch,{deeper}'")), "{told}");
}

#[tokio::test]
async fn rights_are_groups_of_every_kind_and_the_entrys_own_and_never_a_password() {
    let bench = Bench::start().await;
    let dn = account_dn("app");
    for (class, cn, member, value) in [
        ("groupOfUniqueNames", "unique", "uniqueMember", dn.as_str()),
        ("posixGroup", "posix", "memberUid", "app-uid"),
        ("organizationalRole", "role", "roleOccupant", dn.as_str()),
        ("groupOfUniqueNames", "others", "uniqueMember", MANAGEMENT),
    ] {
        let group = format!("cn={cn},{GROUPS}");
        let mut entry = vec![("objectClass", class), ("cn", cn), (member, value)];
        if class == "posixGroup" {
            entry.push(("gidNumber", "7"));
        }
        add(&bench.server, &group, &entry).await;
    }
    let login_shell = |value: &str| {
        vec![
            Mod::Add("objectClass".to_owned(), ["posixAccount".to_owned()].into()),
            Mod::Add("uid".to_owned(), ["app-uid".to_owned()].into()),
            Mod::Add("uidNumber".to_owned(), ["1000".to_owned()].into()),
            Mod::Add("gidNumber".to_owned(), ["7".to_owned()].into()),
            Mod::Add("homeDirectory".to_owned(), ["/var/lib/app".to_owned()].into()),
            Mod::Add("loginShell".to_owned(), [value.to_owned()].into()),
        ]
    };
    bench.server.modify(&dn, login_shell("/bin/sh")).await.unwrap();
    let rights = bench.preflight("app").await.unwrap();
    assert_eq!(
        rights.0,
        [
            "gidNumber 7",
            "homeDirectory /var/lib/app",
            "loginShell /bin/sh",
            "memberOf cn=posix,ou=groups,dc=example,dc=org",
            "memberOf cn=readers,ou=groups,dc=example,dc=org",
            "memberOf cn=role,ou=groups,dc=example,dc=org",
            "memberOf cn=unique,ou=groups,dc=example,dc=org",
            "objectClass person",
            "objectClass posixAccount",
            "uid app-uid",
            "uidNumber 1000",
        ]
    );
    assert_eq!(bench.apply().await, Outcome::Applied);
    bench.set("app", "loginShell", "/bin/false").await;
    let lost = Verification::RightsLost(vec!["loginShell /bin/sh".to_owned()]);
    assert_eq!(bench.verify("app", NEW, &rights).await, lost);
}

#[tokio::test]
async fn the_server_hashes_and_so_does_the_vault_behind_a_fence() {
    for settings in [&[][..], &[("fence_attribute", "description")]] {
        let bench = Bench::start_with(LdapOptions::default(), settings).await;
        assert_eq!(bench.apply().await, Outcome::Applied);
        let stored = bench.values("userPassword").await;
        assert_eq!(stored.len(), 1, "{settings:?}");
        assert!(stored[0].starts_with("{SSHA}"), "{settings:?}");
        assert_eq!(bench.opens().await, (false, true));
    }
}

/// What a server of another maker cannot show: that this one would set the password. It shows what is sent.
#[tokio::test]
async fn active_directory_is_sent_a_quoted_utf_16_password_and_told_apart_by_its_flags() {
    let options = LdapOptions { tls: true, ..LdapOptions::default() };
    let server = LdapServer::start_with(&options).await.unwrap();
    for fence in [None, Some(("fence_attribute", "description"))] {
        server.create_account("app", OLD).await.unwrap();
        let all = vec![
            Mod::Add("objectClass".to_owned(), ["extensibleObject".to_owned()].into()),
            Mod::Add("userPrincipalName".to_owned(), ["app@corp.example".to_owned()].into()),
            Mod::Add("sAMAccountName".to_owned(), ["app".to_owned()].into()),
            Mod::Add("userAccountControl".to_owned(), ["512".to_owned()].into()),
        ];
        server.modify(&account_dn("app"), all).await.unwrap();
        let mut settings = vec![("schema", "ad"), ("sslmode", "require"), ("upndomain", "corp.example")];
        settings.extend(fence);
        let mut bench = Bench::start().await;
        bench.spec = spec(&format!("ldap://127.0.0.1:{}", server.port()), &settings);
        let rights = bench.preflight("app").await.unwrap();
        assert_eq!(rights.0, ["memberOf cn=readers,ou=groups,dc=example,dc=org", "userAccountControl 512"]);
        assert_eq!(bench.apply_to("app", "n€w-0815").await, Outcome::Applied);
        let entry = server.entry(&account_dn("app")).await.unwrap();
        let stored: Vec<u8> = "\"n€w-0815\"".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(entry.bin_attrs["unicodePwd"], [stored]);
        assert!(!entry.attrs.contains_key("description"));
        let disable = Mod::Replace("userAccountControl".to_owned(), ["514".to_owned()].into());
        server.modify(&account_dn("app"), vec![disable]).await.unwrap();
        assert_eq!(bench.preflight("app@corp.example").await.unwrap_err().class, FaultClass::AccountLocked);
    }
}

#[tokio::test]
async fn check_reports_what_it_saw_and_what_to_mend() {
    let bench = Bench::start().await;
    let report = LdapRotator::new().check(&bench.spec, &bench.management).await.unwrap();
    assert_eq!(report.server, "OpenLDAP");
    assert!(report.passed.contains(&format!("the directory takes it for dn:{MANAGEMENT}")), "{report:?}");
    assert!(report.warnings.iter().any(|line| line.contains("fence_attribute")), "{report:?}");
    let mut elsewhere = bench.spec.clone();
    elsewhere.settings.insert("userdn".to_owned(), format!("ou=nowhere,{BASE}"));
    let fault = LdapRotator::new().check(&elsewhere, &bench.management).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Preflight);
}

#[tokio::test]
async fn a_management_credential_that_is_refused_was_tried_once() {
    let mut bench = Bench::start().await;
    bench.management = login(MANAGEMENT, "certainly not this");
    assert_eq!(word(&bench.apply().await), "not applied: management_auth_refused");
    assert_eq!(bench.server.refused_logins(MANAGEMENT).await.unwrap(), 1);
    bench.management = login(MANAGEMENT, "");
    assert_eq!(word(&bench.apply().await), "not applied: preflight");
    assert_eq!(bench.server.refused_logins(MANAGEMENT).await.unwrap(), 1);
}
