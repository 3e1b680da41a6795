//! The shell of the server, driven through its router: what clients send and what they must get back.

mod audit;
mod configure;
mod dialect;
mod lease;
mod listen;
mod policy;
mod process;
mod rewrap;
mod seal;
mod token;
mod vault;
