//! The independent program that measures once more, `tests/oracle/measures.py`: one process for as many stores as are asked
//! about, which gets what it reads in no order and with doubles.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;

use serde_json::Value;

/// Puts every store of `asked` to the program, and looks at each with what it has computed. The stores are made while it
/// computes.
pub(crate) fn each<T: Send>(
    asked: impl Iterator<Item = (T, Value)> + Send,
    mut look: impl FnMut(T, Vec<Value>),
) {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/oracle/measures.py");
    let mut child = Command::new("python3")
        .args(["-B", "-E", "-s", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = BufWriter::new(child.stdin.take().unwrap());
    let answers = BufReader::new(child.stdout.take().unwrap()).lines();
    std::thread::scope(|scope| {
        let (sender, stores) = mpsc::channel();
        scope.spawn(move || {
            for (store, line) in asked {
                writeln!(stdin, "{line}").unwrap();
                sender.send(store).unwrap();
            }
        });
        // Dropped with a failure: then the program ends, and with it who writes to it.
        let mut answers = answers;
        for store in stores {
            let answer = answers.next().unwrap().unwrap();
            look(store, serde_json::from_str(&answer).unwrap());
        }
        assert!(answers.next().is_none(), "it answers what nobody asked");
    });
    assert!(child.wait().unwrap().success());
}

/// `records` as somebody may get hold of them: shuffled, and some of them twice or more often.
pub(crate) fn disordered(mut records: Vec<Value>, mut roll: impl FnMut(u64) -> u64) -> Vec<Value> {
    for place in 0..records.len() {
        if roll(4) == 0 {
            records.extend(records.get(place).cloned());
        }
    }
    shuffle(&mut records, roll);
    records
}

/// Any order.
pub(crate) fn shuffle<T>(all: &mut [T], mut roll: impl FnMut(u64) -> u64) {
    for place in (1..all.len()).rev() {
        let other = roll(place as u64 + 1);
        all.swap(place, usize::try_from(other).unwrap());
    }
}
