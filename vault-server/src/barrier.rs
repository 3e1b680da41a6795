//! Typed, sealed records: the only way of the services to the store.
//!
//! ```text
//!   service ── Record ──► rmp (named fields) ──► Keyring::seal(Place{table, name, revision}) ──► Store
//! ```
//!
//! Nothing passes while the vault is sealed: the keyring is held in one swappable slot, and taking it
//! out stops every access at once. Plaintext buffers are wiped.

mod record;
mod transaction;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use vault_core::crypto::{Keyring, Place};
use vault_core::entropy::Entropy;
use vault_core::store::batch::Revision;
use vault_core::store::key::{Key, Table};
use vault_core::store::{Store, StoreError};

pub use self::record::{Loaded, Record};
pub use self::transaction::Transaction;

/// The barrier. Cheap to clone; all clones share one keyring slot.
#[derive(Clone)]
pub struct Barrier {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<Store>,
    keyring: ArcSwapOption<Keyring>,
    entropy: Arc<dyn Entropy>,
}
