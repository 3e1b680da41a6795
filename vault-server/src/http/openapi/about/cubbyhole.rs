//! `cubbyhole/…`: each token's own place.

use crate::http::openapi::words::*;

pub(super) const LINES: &[About] = &[
    read("cubbyhole/<path...>", "Reads what the caller stored.", Data(Open(&[]))),
    list("cubbyhole", "Lists what the caller stored.", Keys),
    list("cubbyhole/<path...>", "Lists what the caller stored in a folder.", Keys),
    write("cubbyhole/<path...>", "Stores the parameters for the caller alone.", Nothing).takes_anything(),
    delete("cubbyhole/<path...>", "Deletes what the caller stored.", Nothing),
];
