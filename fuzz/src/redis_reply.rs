//! Answers of a Redis server: one is read from the front, whole or not at all, however its bytes come.

use rotators::redis::reply::Reply;

/// Reads the bytes as what a server sends.
pub fn run(data: &[u8]) {
    let read = Reply::parse(data);
    assert!(Reply::parse(data) == read, "read twice alike");
    let Ok(Some((reply, used))) = read else { return };
    assert!((3..=data.len()).contains(&used));
    let first = |length: usize| Reply::parse(data.get(..length).unwrap_or_default());
    assert!(first(used) == Ok(Some((reply.clone(), used))), "what follows does not matter");
    for cut in [used - 1, used / 2, 0] {
        assert!(first(cut) == Ok(None), "a part of an answer is none yet");
    }
    assert!(format!("{reply:?}").len() < 32, "an answer does not show itself");
}
