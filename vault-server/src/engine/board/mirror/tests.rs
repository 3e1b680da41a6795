//! What is at hand is what the store holds, whatever happened since the last look.

use vault_core::store::batch::{Require, Revision};

use super::*;
use crate::barrier::tests::open_barrier;

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Note {
    text: String,
}

impl Record for Note {
    const TABLE: Table = Table::Policy;
}

/// Notes below `a/` that say something.
fn mirror(barrier: &Barrier) -> Mirror<Note, String> {
    Mirror::new(barrier, b"a/", None, |note: &Note| Some(note.text.clone()).filter(|text| !text.is_empty()))
}

async fn put(barrier: &Barrier, name: &str, text: &str) -> Option<Revision> {
    let there = barrier.revision::<Note>(name).ok()?;
    let mut batch = barrier.transaction().ok()?;
    batch.put(name, there.map_or(Require::Absent, Require::At), &Note { text: text.to_owned() });
    barrier.commit(batch).await.ok()?;
    there
}

fn seen(mirror: &Mirror<Note, String>) -> Result<Vec<(String, String)>, LoadError> {
    let text = |name: &Vec<u8>| String::from_utf8_lossy(name).into_owned();
    mirror.look(|of| of.iter().map(|(name, note)| (text(name), note.clone())).collect())
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[tokio::test]
async fn a_look_shows_every_commit_before_it() {
    let barrier = open_barrier();
    let mirror = mirror(&barrier);
    for name in ["a/1", "a/2", "b/1"] {
        put(&barrier, name, "first").await;
    }
    assert_eq!(seen(&mirror).unwrap(), pairs(&[("a/1", "first"), ("a/2", "first")]));
    put(&barrier, "a/2", "second").await;
    put(&barrier, "a/3", "new").await;
    put(&barrier, "b/2", "elsewhere").await;
    assert_eq!(seen(&mirror).unwrap(), pairs(&[("a/1", "first"), ("a/2", "second"), ("a/3", "new")]));
    // One that is not wanted any more, and one that is removed.
    put(&barrier, "a/1", "").await;
    let mut batch = barrier.transaction().unwrap();
    batch.delete::<Note>("a/3", barrier.revision::<Note>("a/3").unwrap().unwrap());
    barrier.commit(batch).await.unwrap();
    assert_eq!(seen(&mirror).unwrap(), pairs(&[("a/2", "second")]));
}

#[tokio::test]
async fn nothing_is_shown_of_a_sealed_vault_nor_of_one_before_the_seal() {
    let barrier = open_barrier();
    let mirror = mirror(&barrier);
    put(&barrier, "a/1", "first").await;
    assert_eq!(seen(&mirror).unwrap().len(), 1);
    let keyring = barrier.keyring().unwrap();
    barrier.close();
    assert!(matches!(seen(&mirror), Err(LoadError::Sealed)));
    assert!(mirror.kept().is_none());
    barrier.open_with(keyring);
    assert_eq!(seen(&mirror).unwrap(), pairs(&[("a/1", "first")]));
}

#[tokio::test]
async fn what_nobody_looks_at_is_let_go_and_read_anew() {
    let barrier = open_barrier();
    let mirror = Mirror { large: 1, ..mirror(&barrier) };
    put(&barrier, "a/1", "first").await;
    assert!(mirror.changed.names().is_none(), "nothing is noted before the first look");
    assert_eq!(seen(&mirror).unwrap().len(), 1);
    (0..=UNUSED_MAX).for_each(|_| mirror.minute());
    assert!(mirror.kept().is_some(), "one is not many");
    put(&barrier, "a/2", "second").await;
    assert_eq!(seen(&mirror).unwrap().len(), 2);
    (0..UNUSED_MAX).for_each(|_| mirror.minute());
    assert!(mirror.kept().is_some());
    mirror.minute();
    assert!(mirror.kept().is_none() && mirror.changed.names().is_none());
    put(&barrier, "a/3", "third").await;
    assert!(mirror.changed.names().is_none());
    assert_eq!(seen(&mirror).unwrap().len(), 3);
}

#[tokio::test]
async fn only_what_the_index_names_is_read() {
    let barrier = open_barrier();
    let mirror: Mirror<Note, String> =
        Mirror::new(&barrier, b"", Some(Table::OpenIncident), |note: &Note| Some(note.text.clone()));
    for name in ["1", "2"] {
        put(&barrier, name, "open").await;
    }
    let mut batch = barrier.transaction().unwrap();
    batch.mark(Table::OpenIncident, "2");
    barrier.commit(batch).await.unwrap();
    assert_eq!(seen(&mirror).unwrap(), pairs(&[("2", "open")]));
}
