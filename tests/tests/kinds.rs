//! Every kind of target through the whole program: an account is adopted, rotated, lent and given back on the real
//! server; and the program is killed by kill -9 at moments spread over a rotation, after which no credential is lost.
//!
//! `ROTUNDA_KILLS` sets the number of kills for each kind (12).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a step of a test that fails is the finding"
)]
#![expect(clippy::print_stdout, reason = "the table is the result")]

#[path = "kinds/access_keys.rs"]
mod access_keys;
#[path = "kinds/crash.rs"]
mod crash;
#[path = "kinds/grace.rs"]
mod grace;
#[path = "kinds/overlap.rs"]
mod overlap;
#[path = "kinds/plugin.rs"]
mod plugin;
#[path = "kinds/readers.rs"]
mod readers;
#[path = "kinds/server.rs"]
mod server;
#[path = "kinds/story.rs"]
mod story;
#[path = "kinds/turns.rs"]
mod turns;

/// The same two tests for each kind.
macro_rules! kinds {
    ($($kind:ident => $server:ty),* $(,)?) => {$(
        mod $kind {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn an_account_is_rotated_lent_and_dead_after_the_check_in() {
                crate::story::play(&<$server as crate::server::Server>::start().await.unwrap()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn no_credential_is_lost_when_the_program_is_killed_in_a_rotation() {
                crate::crash::play(&<$server as crate::server::Server>::start().await.unwrap()).await;
            }
        }
    )*};
}

kinds! {
    aws => crate::access_keys::Aws,
    http_hub => crate::server::HttpHub,
    http_keys => crate::server::HttpKeys,
    http_passwords => crate::server::HttpPasswords,
    ldap => crate::server::Ldap,
    ldap_fenced => crate::server::LdapFenced,
    mysql => crate::server::Mysql,
    mysql_turns => crate::server::Turns<crate::server::Mysql>,
    plugin_python => crate::plugin::RedisByPlugin,
    plugin_shell => crate::plugin::Htpasswd,
    postgresql => crate::server::Postgres,
    postgresql_turns => crate::server::Turns<crate::server::Postgres>,
    rabbitmq => crate::server::Rabbit,
    redis => crate::server::Redis,
    ssh => crate::server::Ssh,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_before_each_login_is_never_refused_where_two_passwords_live_side_by_side() {
    use server::Server as _;
    readers::play(server::Redis::start().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_before_each_login_is_never_refused_where_two_accounts_of_postgresql_take_turns() {
    use server::Server as _;
    readers::play(server::Turns::<server::Postgres>::start().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_before_each_login_is_never_refused_where_two_accounts_of_mysql_take_turns() {
    use server::Server as _;
    readers::play(server::Turns::<server::Mysql>::start().await.unwrap()).await;
}
