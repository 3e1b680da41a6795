//! The rotator for PostgreSQL roles.

use vault_core::rotation::port::Rotator;
