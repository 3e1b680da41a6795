//! Rotation: what is decided when a credential changes, and the port to the plugins that change it.
//!
//! ```text
//!  Prepare ─► Apply ─► Verify ─► (promote) ─► Retire ─► Idle
//!     │         │ unknown  │ refused, lost rights  │
//!     │         └─► Probe ◄┘                       │ still valid, unreachable
//!     └── a fault ──► Waiting{step, at} · Parked{step} ◄┘
//! ```
//!
//! Each arrow is committed before the next effect runs. After a crash an effect whose result was not
//! committed counts as unknown: an `Apply` is probed, never blindly repeated.

pub mod attempt;
pub mod check;
pub mod circuit;
mod doubt;
pub mod due;
pub mod event;
pub mod execute;
pub mod failure;
pub mod fault;
pub mod grace;
pub mod heartbeat;
pub mod lockout;
mod look;
pub mod port;
pub mod previous;
pub mod provisioner;
pub mod run;
pub mod shadow;
pub mod step;
pub mod trace;
