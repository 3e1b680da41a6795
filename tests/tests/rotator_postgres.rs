//! The PostgreSQL rotator against a real private server, also through a proxy that misbehaves.

#[path = "rotator_postgres/harness.rs"]
mod harness;
