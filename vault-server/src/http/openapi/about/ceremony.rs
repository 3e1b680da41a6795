//! `sys/rekey/…` and `sys/generate-root/…`: what share holders do. The shares are the permission.

use super::system::SEAL_WANTED;
use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    read("sys/rekey/init", "Tells whether the seal is being changed.", Raw(Object(REKEY))),
    write("sys/rekey/init", "Begins to change the seal.", Raw(Object(REKEY)))
        .takes(SEAL_WANTED)
        .and(REKEY_WANTED),
    delete("sys/rekey/init", "Gives up changing the seal.", Nothing),
    write(
        "sys/rekey/update",
        "Takes one share of the present key; the last one gives the new shares.",
        Raw(Object(REKEY)),
    )
    .takes(SHARE),
    read("sys/rekey/verify", "Tells how many of the new shares came back.", Raw(Object(VERIFICATION))),
    write(
        "sys/rekey/verify",
        "Takes one of the new shares; the last one puts the new seal in force.",
        Raw(Object(VERIFICATION)),
    )
    .takes(SHARE),
    delete("sys/rekey/verify", "Begins anew to take the new shares back.", Raw(Object(VERIFICATION))),
    read("sys/rekey/backup", "Encrypted copies of shares are not kept: always an error.", Nothing),
    delete("sys/rekey/backup", "Nothing is kept, so there is nothing to drop.", Nothing),
    read("sys/generate-root/attempt", "Tells whether a root token is being made.", Raw(Object(ROOT))),
    write("sys/generate-root/attempt", "Begins to make a root token.", Raw(Object(ROOT))).takes(ATTEMPT),
    delete("sys/generate-root/attempt", "Gives up making a root token.", Nothing),
    write(
        "sys/generate-root/update",
        "Takes one share; the last one gives the token under its pad.",
        Raw(Object(ROOT)),
    )
    .takes(SHARE),
    read("sys/generate-root-token/attempt", "Tells whether a root token is being made.", data(ROOT)),
    write("sys/generate-root-token/attempt", "Begins to make a root token.", data(ROOT)).takes(ATTEMPT),
    delete("sys/generate-root-token/attempt", "Gives up making a root token.", Nothing),
    write(
        "sys/generate-root-token/update",
        "Takes one share; the last one gives the token under its pad.",
        data(ROOT),
    )
    .takes(SHARE),
];

const REKEY_WANTED: &[Field] = &[
    may("backup", Flag, "Not supported; leave it out."),
    may("require_verification", Flag, "Whether the new shares must come back before they count."),
];
const SHARE: &[Field] = &[
    may("key", Secret, "A share, in hex or base64."),
    may("passphrase", Secret, "The passphrase, where the seal has one."),
    may("nonce", Text, "What the share is meant for, as the beginning named it."),
];
const REKEY: &[Field] = &[
    must("nonce", Text, "Names it; empty when none is under way."),
    may("started", Flag, "Whether one is under way."),
    may("t", Count, "New shares that will be needed to unseal."),
    may("n", Count, "New shares that will be made."),
    may("progress", Count, "Shares given so far."),
    may("required", Count, "Shares needed."),
    may("complete", Flag, "Whether this share was the last that was needed."),
    may("keys", List(&Secret), "The new shares in hex, once."),
    may("keys_base64", List(&Secret), "The new shares in base64, once."),
    must("pgp_fingerprints", OrNull(&List(&Text)), "Always null."),
    must("backup", Flag, "Always false."),
    must("verification_required", Flag, "Whether the new shares must come back before they count."),
    may("verification_nonce", Text, "Names the round in which they come back."),
    may("warnings", List(&Text), "What went wrong with it."),
];
const VERIFICATION: &[Field] = &[
    must("nonce", Text, "Names the round."),
    may("started", Flag, "Whether one is under way."),
    may("t", Count, "New shares needed."),
    may("n", Count, "New shares made."),
    may("progress", Count, "New shares that came back."),
    may("complete", Flag, "Whether the new seal is in force."),
];
const ATTEMPT: &[Field] = &[
    may("otp", Secret, "The one-time pad; drawn and shown when it is left out."),
    may("pgp_key", Text, "Not supported; leave it empty."),
];
const ROOT: &[Field] = &[
    must("nonce", Text, "Names it; empty when none is under way."),
    must("started", Flag, "Whether one is under way."),
    must("progress", Count, "Shares given so far."),
    must("required", Count, "Shares needed."),
    must("complete", Flag, "Whether this share was the last that was needed."),
    must("encoded_token", Secret, "The token under the pad: base64 without padding of the XOR of both."),
    must("encoded_root_token", Secret, "The same."),
    must("pgp_fingerprint", Text, "Always empty."),
    must("otp", Secret, "The one-time pad, once, when it was drawn."),
    must("otp_length", Count, "How long the pad has to be."),
];
