//! A console that keeps what was printed, for tests.

use std::{
    io::{self, Cursor, Write},
    sync::{Arc, Mutex},
};

use super::Console;
use crate::args::output::Format;

/// What was printed so far.
#[derive(Clone, Default)]
pub(crate) struct Printed {
    out: Buffer,
    err: Buffer,
}

impl Printed {
    pub(crate) fn out(&self) -> String {
        self.out.text()
    }

    pub(crate) fn err(&self) -> String {
        self.err.text()
    }
}

/// A console without terminal whose standard input is `input`.
pub(crate) fn console(format: Format, input: &str) -> (Console, Printed) {
    let printed = Printed::default();
    let console = Console {
        out: Box::new(printed.out.clone()),
        err: Box::new(printed.err.clone()),
        input: Box::new(Cursor::new(input.as_bytes().to_vec())),
        input_is_terminal: false,
        out_is_terminal: false,
        err_is_terminal: false,
        out_colour: false,
        err_colour: false,
        format,
    };
    (console, printed)
}

/// A console whose reader went away.
pub(crate) fn closed_console() -> Console {
    Console { out: Box::new(ClosedPipe), ..console(Format::Table, "").0 }
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct ClosedPipe;

impl Write for ClosedPipe {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}
