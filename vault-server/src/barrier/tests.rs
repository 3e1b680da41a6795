//! Records through the barrier: sealed, versioned, conflicting, out of reach.

use serde::{Deserialize, Serialize};
use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::store::MemoryEngine;
use vault_core::store::anchor::MemoryAnchor;
use vault_core::store::batch::{Batch, Require};

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    text: String,
}

impl Record for Note {
    const TABLE: Table = Table::Policy;
}

impl Remembered for Note {}

/// The same table with one more field.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct LaterNote {
    text: String,
    #[serde(default)]
    author: String,
}

impl Record for LaterNote {
    const TABLE: Table = Table::Policy;
}

/// The same table after a change that older fields cannot express.
#[derive(Debug, Serialize, Deserialize)]
struct NextVersion {}

impl Record for NextVersion {
    const TABLE: Table = Table::Policy;
    const VERSION: u8 = 2;
}

/// A barrier over a store in memory, with its keys in.
pub(crate) fn open_barrier() -> Barrier {
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
    let engine = Arc::new(MemoryEngine::default());
    let store = Store::open(engine, Box::new(MemoryAnchor::default()), Arc::clone(&entropy)).unwrap();
    let keyring = Keyring::generate(Timestamp::EPOCH, &*entropy);
    store.bootstrap(keyring.integrity_key().expose(), Batch::new()).unwrap();
    let barrier = Barrier::new(Arc::new(store), Suite::default(), entropy);
    barrier.open_with(Arc::new(keyring));
    barrier
}

fn note(text: &str) -> Note {
    Note { text: text.to_owned() }
}

async fn put(barrier: &Barrier, name: &str, require: Require, text: &str) -> Result<(), CommitError> {
    let mut transaction = barrier.transaction().unwrap();
    transaction.put(name, require, &note(text));
    barrier.commit(transaction).await
}

#[tokio::test]
async fn a_record_comes_back_with_the_revision_it_was_put_at() {
    let barrier = open_barrier();
    put(&barrier, "a", Require::Absent, "one").await.unwrap();
    let loaded = barrier.load::<Note>("a").unwrap().unwrap();
    assert_eq!((loaded.value, loaded.revision), (note("one"), 1));
    put(&barrier, "a", Require::At(1), "two").await.unwrap();
    assert_eq!(barrier.load::<Note>("a").unwrap().unwrap().value, note("two"));
    assert!(barrier.load::<Note>("b").unwrap().is_none());
}

#[tokio::test]
async fn a_stale_put_is_a_conflict_and_changes_nothing() {
    let barrier = open_barrier();
    put(&barrier, "a", Require::Absent, "one").await.unwrap();
    for require in [Require::Absent, Require::At(7)] {
        let outcome = put(&barrier, "a", require, "lost").await;
        assert!(matches!(outcome, Err(CommitError::Conflict)), "{outcome:?}");
    }
    assert_eq!(barrier.load::<Note>("a").unwrap().unwrap().value, note("one"));
}

#[tokio::test]
async fn what_is_done_once_something_is_on_disk_is_done_then_and_only_then() {
    let (barrier, done) = (open_barrier(), Arc::new(AtomicU64::new(0)));
    let begun = |require| {
        let mut transaction = barrier.transaction().unwrap();
        transaction.put("a", require, &note("one"));
        let done = Arc::clone(&done);
        transaction.once_committed(move || {
            done.fetch_add(1, Ordering::SeqCst);
        });
        transaction
    };
    drop(begun(Require::Absent));
    assert!(barrier.commit(begun(Require::At(1))).await.is_err());
    assert_eq!(done.load(Ordering::SeqCst), 0, "nothing was committed");
    barrier.commit(begun(Require::Absent)).await.unwrap();
    assert_eq!(done.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn nothing_passes_a_closed_barrier() {
    let barrier = open_barrier();
    put(&barrier, "a", Require::Absent, "one").await.unwrap();
    let mut begun = barrier.transaction().unwrap();
    begun.put("b", Require::Absent, &note("late"));
    barrier.close();
    assert!(matches!(barrier.load::<Note>("a"), Err(LoadError::Sealed)));
    assert!(matches!(barrier.names(Table::Policy, b"", None, 9), Err(LoadError::Sealed)));
    assert!(barrier.transaction().is_err());
    assert!(matches!(barrier.commit(begun).await, Err(CommitError::Sealed)));
}

#[tokio::test]
async fn a_ciphertext_in_anothers_place_does_not_open() {
    let barrier = open_barrier();
    put(&barrier, "a", Require::Absent, "mine").await.unwrap();
    let stolen = barrier.store().get(&Key::new(Table::Policy, *b"a")).unwrap().unwrap();
    let mut batch = Batch::new();
    batch.put(Key::new(Table::Policy, *b"b"), Require::Absent, stolen.bytes);
    barrier.store().commit(batch).unwrap();
    assert!(matches!(barrier.load::<Note>("b"), Err(LoadError::Refused { .. })));
    assert!(barrier.load::<Note>("a").unwrap().is_some(), "the others go on");
}

#[tokio::test]
async fn fields_can_be_added_and_an_unknown_version_is_refused() {
    let barrier = open_barrier();
    put(&barrier, "a", Require::Absent, "one").await.unwrap();
    let later = barrier.load::<LaterNote>("a").unwrap().unwrap().value;
    assert_eq!(later, LaterNote { text: "one".to_owned(), author: String::new() });
    assert!(matches!(barrier.load::<NextVersion>("a"), Err(LoadError::Unreadable(Table::Policy))));
}

#[tokio::test]
async fn marks_are_made_once_and_removed_once() {
    let barrier = open_barrier();
    let mut transaction = barrier.transaction().unwrap();
    transaction.mark(Table::Due, *b"x").mark(Table::Due, *b"y");
    barrier.commit(transaction).await.unwrap();
    assert_eq!(barrier.names(Table::Due, b"", None, 9).unwrap(), [b"x", b"y"]);
    assert!(barrier.has_mark(Table::Due, b"x").unwrap());
    let mut twice = barrier.transaction().unwrap();
    twice.mark(Table::Due, *b"x");
    assert!(matches!(barrier.commit(twice).await, Err(CommitError::Conflict)));
    let mut gone = barrier.transaction().unwrap();
    gone.unmark(Table::Due, *b"x");
    barrier.commit(gone).await.unwrap();
    assert!(!barrier.has_mark(Table::Due, b"x").unwrap());
}

#[tokio::test]
async fn lists_are_ordered_and_paged() {
    let barrier = open_barrier();
    for name in ["a/2", "a/1", "b/1", "a/3"] {
        put(&barrier, name, Require::Absent, name).await.unwrap();
    }
    let page = |after: Option<&[u8]>| -> Vec<String> {
        let page = barrier.list::<Note>(b"a/", after, 2).unwrap();
        page.into_iter().map(|(_, loaded)| loaded.value.text).collect()
    };
    assert_eq!(page(None), ["a/1", "a/2"]);
    assert_eq!(page(Some(b"a/2")), ["a/3"]);
}

#[tokio::test]
async fn what_stays_opened_is_what_the_store_holds_now() {
    let barrier = open_barrier();
    let recalled = || barrier.recall::<Note>("a").unwrap();
    assert!(recalled().is_none());
    put(&barrier, "a", Require::Absent, "one").await.unwrap();
    let (first, again) = (recalled().unwrap(), recalled().unwrap());
    assert_eq!((&*first.value, first.revision), (&note("one"), 1));
    assert!(Arc::ptr_eq(&first.value, &again.value), "opened twice");
    put(&barrier, "a", Require::At(1), "two").await.unwrap();
    assert_eq!((&*recalled().unwrap().value, recalled().unwrap().revision), (&note("two"), 2));
    let mut transaction = barrier.transaction().unwrap();
    transaction.delete::<Note>("a", 2);
    barrier.commit(transaction).await.unwrap();
    assert!(recalled().is_none());
}

#[tokio::test]
async fn a_seal_forgets_what_stays_opened() {
    let barrier = open_barrier();
    put(&barrier, "a", Require::Absent, "one").await.unwrap();
    let opened = Arc::downgrade(&barrier.recall::<Note>("a").unwrap().unwrap().value);
    assert!(opened.upgrade().is_some(), "nothing stays opened");
    barrier.close();
    assert!(opened.upgrade().is_none(), "still in memory");
    assert!(matches!(barrier.recall::<Note>("a"), Err(LoadError::Sealed)));
}
