//! What `docs/compatibility.md` says is what the server does.
