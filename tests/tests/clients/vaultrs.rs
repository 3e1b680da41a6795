//! The stories of vaultrs. It reads every answer strictly: a field that is missing or of another type fails the call.

#[path = "vaultrs/database.rs"]
mod database;
#[path = "vaultrs/engines.rs"]
mod engines;
#[path = "vaultrs/logins.rs"]
mod logins;
#[path = "vaultrs/operator.rs"]
mod operator;
#[path = "vaultrs/tokens.rs"]
mod tokens;

use std::sync::Once;

use ::vaultrs::client::{Client, VaultClient, VaultClientSettingsBuilder};
use ::vaultrs::error::ClientError;

use crate::server::{Begin, Server, root};

/// A server and a client that is root there; nobody on an empty server.
async fn start(begin: Begin) -> (Server, VaultClient) {
    // The product's provider; vaultrs brings none with these features.
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
    let server = Server::start(begin).await.unwrap();
    let client = client(&server, if begin == Begin::Unsealed { root() } else { "" });
    (server, client)
}

fn client(server: &Server, token: &str) -> VaultClient {
    let settings =
        VaultClientSettingsBuilder::default().address(server.address()).token(token).build().unwrap();
    VaultClient::new(settings).unwrap()
}

fn another(client: &VaultClient, token: &str) -> VaultClient {
    let mut settings = client.settings().clone();
    settings.token = token.to_owned();
    VaultClient::new(settings).unwrap()
}

/// Checks that a call was refused with this status and this text.
#[track_caller]
fn refused<T>(answer: Result<T, ClientError>, status: u16, text: &str) {
    match answer {
        Err(ClientError::APIError { code, errors }) => {
            assert_eq!(code, status, "{errors:?}");
            assert!(errors.concat().contains(text), "{text:?} is not in {errors:?}");
        }
        // An answer that carries data instead of errors, as a deleted version does, is one of the layer below.
        Err(other) => {
            let shown = format!("{other:?}");
            assert!(
                text.is_empty() && shown.contains(&format!("code: {status}")),
                "{status} was expected: {shown}"
            );
        }
        Ok(_) => panic!("{status} was expected, and it was answered"),
    }
}
