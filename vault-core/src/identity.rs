//! Who asks: tokens, what they prove, and how long they live.
//!
//! ```text
//!  PlainToken ──keyed digest──► TokenDigest ──look up──► Token ──verified, live──► Principal
//!      ▲ shown once                                        ▲
//!      └──────────── create · login · root ────────────────┤ renew · consume_use · revoking · orphaned
//! ```
//!
//! Pure: records in, records out, with `now` as an argument. The token's text is never part of a record;
//! what is stored and looked up is its digest under a key that the seal protects.

mod accessor;
pub mod cidr;
mod create;
mod digest;
pub mod keys;
mod lifetime;
pub mod lockout;
mod login;
mod parameters;
mod plain;
mod policy_set;
mod principal;
mod renew;
mod role;
mod token;
mod wrapping;

pub use accessor::Accessor;
pub use create::{CreateToken, Created, Parent, Route, create, initial_root};
pub use digest::TokenDigest;
pub use lifetime::Limits;
pub use login::{Login, gives_policies_of, login};
pub use parameters::{ParametersError, TokenParameters};
pub use plain::{PLAIN_TOKEN_BYTES_MAX, PlainToken};
pub use principal::{NotLive, Principal};
pub use renew::{RenewalTerms, renew};
pub use role::{ROLE_NAME_BYTES_MAX, RoleKind, TokenRole, TokenRoleError};
pub use token::{Origin, Token, TokenError, TokenKind, TokenState, Use};
pub use wrapping::wrapping;
