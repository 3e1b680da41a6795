//! The lines of the table for those who look after rotations: what went wrong, what is rotated together, who is told, and
//! which plugins there are.

use super::super::route::{Route, delete, list, read, write};
use super::{campaign, incident, merge, remedy, report, silence, sys};

pub(super) fn incidents() -> Vec<Route> {
    // Never the password of `set_password`.
    const ACT: &[&str] = &["account", "dry_run", "outcome", "for", "until", "reason"];
    vec![
        read("incidents", incident::list),
        list("incidents", incident::list),
        read("incidents/<id>", incident::read),
        write("incidents/<id>/ack", incident::ack),
        write("incidents/<id>/assign", incident::assign).readable(&["owner"]),
        write("incidents/<id>/note", incident::note).readable(&["staff_minutes"]),
        write("incidents/<id>/review", incident::review).readable(&["cause", "staff_minutes"]),
        write("incidents/<id>/merge", merge::merge).readable(&["into", "dry_run", "outcome"]),
        write("incidents/<id>/unmerge", merge::unmerge).readable(&["dry_run", "outcome"]),
        read("incidents/<id>/events", incident::events),
        read("incidents/<id>/accounts", incident::accounts),
        read("incidents/<id>/actions", remedy::actions),
        write("incidents/<id>/act/<action>", remedy::act).readable(ACT),
        read("reports/rotation", report::of_rotations),
        read("reports/rotation/ended", report::ended),
        read("reports/rotation/attempts", report::attempts),
        read("reports/ages", report::of_ages),
        read("reports/standing", report::of_standing),
        read("reports/due", report::of_due),
    ]
}

pub(super) fn silences() -> Vec<Route> {
    const SAID: &[&str] =
        &["target", "accounts", "mode", "from", "until", "for", "reason", "by", "state", "dry_run"];
    vec![
        read("silences", silence::list),
        list("silences", silence::list),
        write("silences", silence::make).readable(SAID),
        read("silences/<id>", silence::read).readable(SAID),
        delete("silences/<id>", silence::end),
        read("targets/maintenance/<name>", silence::maintenance).readable(SAID),
        write("targets/maintenance/<name>", silence::maintain).readable(SAID),
        delete("targets/maintenance/<name>", silence::end_maintenance),
    ]
}

pub(super) fn campaigns() -> Vec<Route> {
    // What was asked for is the record of the act.
    const ASKED: &[&str] = &["target", "filter", "principal", "reason", "leases", "older_than"];
    vec![
        read("campaigns", campaign::list),
        list("campaigns", campaign::list),
        write("campaigns/rotate", campaign::rotate).sudo().readable(ASKED),
        write("campaigns/respond", campaign::respond).sudo().readable(ASKED),
        write("campaigns/offboard", campaign::offboard).sudo().readable(ASKED),
        read("campaigns/<id>", campaign::read),
        read("campaigns/<id>/accounts", campaign::accounts),
        write("campaigns/<id>/pause", campaign::pause),
        write("campaigns/<id>/resume", campaign::resume),
        write("campaigns/<id>/cancel", campaign::cancel),
    ]
}

pub(super) fn webhooks() -> Vec<Route> {
    // A URL may hold a token of the receiver's, so it stays a digest.
    const READABLE: &[&str] = &["events", "accounts", "state", "last_error", "message_id"];
    use sys::webhook;
    vec![
        list("sys/webhooks", webhook::list),
        read("sys/webhooks/<name>", webhook::read).readable(READABLE),
        write("sys/webhooks/<name>", webhook::write).creating(webhook::exists).sudo().readable(READABLE),
        delete("sys/webhooks/<name>", webhook::delete).sudo(),
        write("sys/webhooks/<name>/rotate-secret", webhook::rotate_secret).sudo(),
        write("sys/webhooks/<name>/test", webhook::test).readable(READABLE),
        read("sys/webhooks/<name>/deliveries", webhook::deliveries).readable(READABLE),
        read("sys/webhooks/<name>/deliveries/<id>", webhook::delivery).readable(READABLE),
        write("sys/webhooks/<name>/deliveries/<id>/retry", webhook::retry).readable(READABLE),
    ]
}

pub(super) fn plugins() -> Vec<Route> {
    const SETTINGS: &[&str] = &["sha256", "command", "args", "version"];
    vec![
        read("sys/plugins/catalog", sys::plugin::all),
        list("sys/plugins/catalog/<type>", sys::plugin::list),
        read("sys/plugins/catalog/<type>/<name>", sys::plugin::read).sudo(),
        write("sys/plugins/catalog/<type>/<name>", sys::plugin::register).sudo().readable(SETTINGS),
        delete("sys/plugins/catalog/<type>/<name>", sys::plugin::deregister).sudo(),
    ]
}
