//! What a role may do, as stable lines, read from the server's catalogue.
//!
//! Any role can read these tables, so the management credential and the role itself see the same.

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use vault_core::rotation::port::Rights;

use super::session::{Failure, Session};

/// A role as the catalogue shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Role {
    /// Its number, for the further questions.
    pub(super) oid: u32,
    /// `rolcanlogin`
    pub(super) login: bool,
    pub(super) superuser: bool,
    /// Whether its password's time is over by the server's clock.
    pub(super) expired: bool,
    /// Whether it may connect to the database of the session.
    pub(super) connects: bool,
    /// Whether the session's own role may set its password, by the rules of the server's version.
    pub(super) alterable: bool,
    /// That database.
    pub(super) database: String,
    pub(super) attributes: Vec<&'static str>,
    /// Negative for none.
    pub(super) connection_limit: i32,
    pub(super) valid_until: Option<String>,
}

impl Role {
    /// Looks a role up; `None` when there is none of this name.
    pub(super) async fn find(session: &Session<'_>, name: &str) -> Result<Option<Self>, Failure> {
        let rows = session.ask(ROLE, &[(&name, Type::TEXT)]).await?;
        rows.first().map(Self::from_row).transpose().map_err(Failure::Said)
    }

    fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        let mut attributes = Vec::new();
        for (column, attribute) in ATTRIBUTES {
            if row.try_get(column)? {
                attributes.push(attribute);
            }
        }
        Ok(Self {
            oid: row.try_get("oid")?,
            login: row.try_get("rolcanlogin")?,
            superuser: row.try_get("rolsuper")?,
            expired: row.try_get("expired")?,
            connects: row.try_get("connects")?,
            alterable: row.try_get("alterable")?,
            database: row.try_get("database")?,
            attributes,
            connection_limit: row.try_get("rolconnlimit")?,
            valid_until: row.try_get("valid_until")?,
        })
    }

    /// Everything it may do, one line each.
    pub(super) async fn rights(&self, session: &Session<'_>) -> Result<Rights, Failure> {
        let memberships = session.ask(MEMBERSHIPS, &[(&self.oid, Type::OID)]).await?;
        let settings = session.ask(SETTINGS, &[(&self.oid, Type::OID)]).await?;
        let mut lines = self.own_lines();
        for row in memberships {
            lines.push(membership(&Membership::from_row(&row).map_err(Failure::Said)?));
        }
        for row in settings {
            let (database, entry): (Option<String>, String) =
                (row.try_get(0).map_err(Failure::Said)?, row.try_get(1).map_err(Failure::Said)?);
            lines.push(setting(database.as_deref(), &entry));
        }
        Ok(Rights(lines))
    }

    /// What in this database `other` owns or was granted itself, and this role was not. Nothing of it matters to a
    /// superuser, or to one that has the other role's rights by membership.
    pub(super) async fn lacked_objects(
        &self,
        session: &Session<'_>,
        other: &Self,
    ) -> Result<Vec<String>, Failure> {
        let rows = session.ask(LACKED_OBJECTS, &[(&other.oid, Type::OID), (&self.oid, Type::OID)]).await?;
        rows.iter().map(|row| row.try_get(0).map_err(Failure::Said)).collect()
    }

    fn own_lines(&self) -> Vec<String> {
        let mut lines: Vec<String> =
            self.attributes.iter().map(|attribute| format!("attribute {attribute}")).collect();
        if self.connects {
            lines.push(connect_line(&self.database));
        }
        lines.push(match self.connection_limit {
            ..0 => "connection limit none".to_owned(),
            limit => format!("connection limit {limit}"),
        });
        lines.push(format!("password valid until {}", self.valid_until.as_deref().unwrap_or("infinity")));
        lines
    }
}

/// What of `before` is not there `now`. A limit that was raised, and a password that lives longer than before, are no less.
pub(super) fn lost(before: &Rights, now: &Rights) -> Vec<String> {
    let is_as_much = |line: &String| {
        AMOUNTS.iter().any(|(kind, is_as_much)| {
            let amount = |line: &String| line.strip_prefix(kind).map(str::to_owned);
            let later = now.0.iter().find_map(amount);
            amount(line).zip(later).is_some_and(|(before, later)| is_as_much(&before, &later))
        })
    };
    let mut lost = before.lost_in(now);
    lost.retain(|line| !is_as_much(line));
    lost
}

/// Whether the second of two amounts is as much as the first.
type IsAsMuch = fn(&str, &str) -> bool;

/// Lines that tell an amount.
const AMOUNTS: [(&str, IsAsMuch); 2] = [
    ("connection limit ", |before, later| {
        let count = |text: &str| if text == "none" { Some(u64::MAX) } else { text.parse().ok() };
        count(before).zip(count(later)).is_some_and(|(before, later)| later >= before)
    }),
    // In UTC and as long as the other, so in the order of texts.
    ("password valid until ", |before, later| {
        later == "infinity" || before != "infinity" && later.len() == before.len() && later >= before
    }),
];

/// The line of being allowed to connect to a database.
pub(super) fn connect_line(database: &str) -> String {
    format!("connect to database {database}")
}

/// One role that it is a member of.
#[derive(Debug)]
struct Membership {
    role: String,
    admin: bool,
    inherit: bool,
    set: bool,
}

impl Membership {
    fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            role: row.try_get(0)?,
            admin: row.try_get(1)?,
            inherit: row.try_get(2)?,
            set: row.try_get(3)?,
        })
    }
}

fn membership(of: &Membership) -> String {
    let mut line = format!("member of {}", of.role);
    for (differs, words) in
        [(of.admin, " with admin option"), (!of.inherit, " without inherit"), (!of.set, " without set")]
    {
        if differs {
            line.push_str(words);
        }
    }
    line
}

/// A role's setting. The value of an extension's or an application's own setting (with a dot in its
/// name) is left out: people keep keys in them.
fn setting(database: Option<&str>, entry: &str) -> String {
    let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
    let place = database.map_or_else(String::new, |database| format!(" in database {database}"));
    if name.contains('.') {
        format!("setting {name}{place}")
    } else {
        format!("setting {name}={value}{place}")
    }
}

const ATTRIBUTES: [(&str, &str); 7] = [
    ("rolcanlogin", "LOGIN"),
    ("rolsuper", "SUPERUSER"),
    ("rolinherit", "INHERIT"),
    ("rolcreatedb", "CREATEDB"),
    ("rolcreaterole", "CREATEROLE"),
    ("rolreplication", "REPLICATION"),
    ("rolbypassrls", "BYPASSRLS"),
];

/// Who may set a password is the rule of `ALTER ROLE`: a superuser everyone's; each role its own; with
/// CREATEROLE those of roles that are no superusers, up to version 15 except replication roles, from
/// version 16 on only where it has the admin option.
const ROLE: &str = "SELECT r.oid, r.rolcanlogin, r.rolsuper, r.rolinherit, r.rolcreatedb, r.rolcreaterole, \
    r.rolreplication, r.rolbypassrls, r.rolconnlimit, \
    CASE WHEN isfinite(r.rolvaliduntil) \
         THEN to_char(r.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') \
         ELSE r.rolvaliduntil::text END AS valid_until, \
    coalesce(r.rolvaliduntil <= now(), false) AS expired, \
    has_database_privilege(r.oid, current_database(), 'CONNECT') AS connects, \
    current_database()::text AS database, \
    me.rolsuper OR r.oid = me.oid OR (me.rolcreaterole AND NOT r.rolsuper AND \
    CASE WHEN current_setting('server_version_num')::int >= 160000 \
         THEN pg_has_role(me.oid, r.oid, 'MEMBER WITH ADMIN OPTION') \
         ELSE NOT r.rolreplication END) AS alterable \
    FROM pg_roles r, pg_roles me WHERE r.rolname = $1 AND me.rolname = current_user";

/// Version 16 has options that older ones lack, and may list one membership once per grantor.
const MEMBERSHIPS: &str = "SELECT g.rolname::text, bool_or(m.admin_option), \
    bool_or(coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, true)), \
    bool_or(coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)) \
    FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid \
    WHERE m.member = $1 GROUP BY g.rolname ORDER BY g.rolname";

/// A temporary table belongs to whoever has made it, and goes with its session.
const LACKED_OBJECTS: &str = "SELECT CASE d.deptype WHEN 'o' THEN 'owner of ' ELSE 'grants on ' END \
    || pg_describe_object(d.classid, d.objid, 0) \
    FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $1 \
    AND d.deptype IN ('o', 'a') \
    AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) \
    AND NOT EXISTS (SELECT FROM pg_shdepend e WHERE e.refclassid = d.refclassid AND e.refobjid = $2 \
        AND e.deptype IN ('o', d.deptype) AND e.dbid = d.dbid AND e.classid = d.classid AND e.objid = d.objid) \
    AND NOT EXISTS (SELECT FROM pg_class c WHERE d.classid = 'pg_class'::regclass AND c.oid = d.objid \
        AND c.relpersistence = 't') \
    AND NOT pg_has_role($2, $1, 'USAGE') ORDER BY 1 LIMIT 10";

const SETTINGS: &str = "SELECT d.datname::text, s.entry \
    FROM (SELECT setdatabase, unnest(setconfig) AS entry FROM pg_db_role_setting WHERE setrole = $1) s \
    LEFT JOIN pg_database d ON d.oid = s.setdatabase ORDER BY 1 NULLS FIRST, 2";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_a_line_for_each_thing_it_may() {
        let role = Role {
            attributes: vec!["LOGIN", "CREATEDB"],
            connects: true,
            database: "app".to_owned(),
            connection_limit: -1,
            ..Role::default()
        };
        let lines = [
            "attribute LOGIN",
            "attribute CREATEDB",
            "connect to database app",
            "connection limit none",
            "password valid until infinity",
        ];
        assert_eq!(role.own_lines(), lines);
        let limited =
            Role { connection_limit: 0, valid_until: Some("2026-01-01T00:00:00Z".to_owned()), ..role };
        assert_eq!(
            Rights(lines.map(str::to_owned).to_vec()).lost_in(&Rights(limited.own_lines())),
            ["connection limit none", "password valid until infinity"]
        );
    }

    #[test]
    fn what_was_raised_is_not_lost() {
        let rights = |limit: &str, until: &str| {
            Rights(vec![format!("connection limit {limit}"), format!("password valid until {until}")])
        };
        let (soon, late) = ("2026-01-01T00:00:00Z", "2999-12-31T23:00:00Z");
        for (before, now, count) in [
            (rights("1", soon), rights("10", late), 0),
            (rights("1", soon), rights("none", "infinity"), 0),
            (rights("10", late), rights("9", late), 1),
            (rights("none", "infinity"), rights("0", soon), 2),
            (rights("9", late), rights("9", soon), 1),
            (rights("9", soon), Rights(Vec::new()), 2),
        ] {
            assert_eq!(lost(&before, &now).len(), count, "{before:?} {now:?}");
        }
    }

    #[test]
    fn a_membership_shows_where_it_differs_from_the_usual() {
        let of =
            |admin, inherit, set| membership(&Membership { role: "readers".to_owned(), admin, inherit, set });
        assert_eq!(of(false, true, true), "member of readers");
        assert_eq!(of(true, true, true), "member of readers with admin option");
        assert_eq!(of(false, false, false), "member of readers without inherit without set");
    }

    #[test]
    fn the_value_of_an_applications_own_setting_is_not_shown() {
        assert_eq!(setting(None, "search_path=a, b"), "setting search_path=a, b");
        assert_eq!(setting(Some("app"), "work_mem=4MB"), "setting work_mem=4MB in database app");
        assert_eq!(setting(None, "app.key=hunter2"), "setting app.key");
    }
}
