//! What the server is told at first: its configuration, and the entries that are there from the start.

use std::path::Path;

use super::LdapOptions;

/// The configuration. [`MANAGEMENT`] has what `docs/rotators/ldap.md` names as the least, and no more.
pub(super) fn configuration(folder: &Path, options: &LdapOptions) -> String {
    let folder = folder.display();
    let mut lines: Vec<String> = ["core", "cosine", "inetorgperson", "nis"]
        .iter()
        .map(|schema| format!("include /etc/ldap/schema/{schema}.schema"))
        .collect();
    lines.extend(
        MICROSOFT
            .iter()
            .map(|attribute| format!("attributetype ( 1.2.840.113556.1.4.{attribute} SINGLE-VALUE )")),
    );
    lines.push("modulepath /usr/lib/ldap".to_owned());
    lines.extend(["back_mdb", "ppolicy", "memberof"].map(|module| format!("moduleload {module}")));
    lines.extend(["disallow bind_anon", "require authc"].map(ToOwned::to_owned));
    #[cfg(feature = "tls")]
    if options.tls {
        lines.push(format!("TLSCACertificateFile {folder}/{}", crate::postgres::tls::CA_FILE));
        lines.push(format!("TLSCertificateFile {folder}/server.crt"));
        lines.push(format!("TLSCertificateKeyFile {folder}/server.key"));
    }
    lines.push(format!(
        "database mdb\nmaxsize 67108864\ndbnosync\nsuffix {BASE}\nrootdn {ADMIN}\nrootpw {PASSWORD}\n\
         directory {folder}/data\nindex objectClass,cn,member eq\n\
         overlay memberof\n\
         overlay ppolicy\nppolicy_default cn=everybody,{BASE}\nppolicy_use_lockout"
    ));
    lines.extend(options.config.iter().cloned());
    lines.push(format!(
        "access to attrs=userPassword by self =xw by dn.exact={MANAGEMENT} =w by * auth\n\
         access to attrs=unicodePwd by dn.exact={MANAGEMENT} =w by * none\n\
         access to dn.subtree={PEOPLE} attrs=description by self write by dn.exact={MANAGEMENT} write by * none\n\
         access to * by dn.exact={MANAGEMENT} read by self read by users search\n"
    ));
    lines.join("\n")
}

/// The first entries: the tree, the policy, the management credential, a group.
pub(super) fn entries(options: &LdapOptions) -> String {
    let policy = options.policy.iter().map(|line| format!("{line}\n")).collect::<String>();
    format!(
        "dn: {BASE}\nobjectClass: organization\nobjectClass: dcObject\no: Example\ndc: example\n\n\
         dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: people\n\n\
         dn: {GROUPS}\nobjectClass: organizationalUnit\nou: groups\n\n\
         dn: cn=everybody,{BASE}\nobjectClass: device\nobjectClass: pwdPolicy\ncn: everybody\n\
         pwdAttribute: userPassword\n{policy}\n\
         dn: cn=quiet,{BASE}\nobjectClass: device\nobjectClass: pwdPolicy\ncn: quiet\npwdAttribute: userPassword\n\n\
         dn: {MANAGEMENT}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: vault\n\
         userPassword: {PASSWORD}\npwdPolicySubentry: cn=quiet,{BASE}\n\n\
         dn: cn=readers,{GROUPS}\nobjectClass: groupOfNames\ncn: readers\nmember: {MANAGEMENT}\n\n"
    )
}

/// Active Directory's attributes, as far as the rotator knows them; an entry of the class `extensibleObject` takes them.
const MICROSOFT: [&str; 4] = [
    "90 NAME 'unicodePwd' SYNTAX 1.3.6.1.4.1.1466.115.121.1.40",
    "221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15",
    "656 NAME 'userPrincipalName' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15",
    "8 NAME 'userAccountControl' EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27",
];
/// The naming context.
pub const BASE: &str = "dc=example,dc=org";
/// Below it the accounts are.
pub const PEOPLE: &str = "ou=people,dc=example,dc=org";
/// Below it the groups are.
pub const GROUPS: &str = "ou=groups,dc=example,dc=org";
/// May do everything.
pub const ADMIN: &str = "cn=admin,dc=example,dc=org";
/// The management credential.
pub const MANAGEMENT: &str = "cn=vault,dc=example,dc=org";
pub(super) const PASSWORD: &str = "the-test-servers-own-password";
