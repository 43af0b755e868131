//! Tests of the journal on disk.

use super::*;

/// A directory of its own, taken away at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("forewarn-store-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn batch(seq: u64, at: u64) -> Write {
    Write::Batch(Batch { seq, at: At(at), body: vec![u8::try_from(seq % 256).unwrap()], minutes: Vec::new() })
}

fn state(seq: u64, at: u64) -> Write {
    Write::Checkpoint(Checkpoint { seq, at: At(at), body: vec![2] })
}

#[test]
fn what_was_written_is_there_after_a_restart_and_keeps_its_identity() {
    let scratch = Scratch::new("restart");
    let identity = {
        let store = Store::open(&scratch.0).unwrap();
        store.write(&[batch(1, 10), state(1, 10), batch(2, 20), batch(3, 30)]).unwrap();
        store.identity().unwrap()
    };
    let store = Store::open(&scratch.0).unwrap();
    assert_eq!(store.checkpoint(0).unwrap().unwrap().seq, 1);
    let behind: Vec<(u64, At)> = store.batches(1, 100).unwrap().iter().map(|b| (b.seq, b.at)).collect();
    assert_eq!(behind, [(2, At(20)), (3, At(30))]);
    assert_eq!(store.identity().unwrap(), identity);
}

#[test]
fn a_second_watch_on_the_same_journal_is_refused_and_a_reader_is_not() {
    let scratch = Scratch::new("second");
    let first = Store::open(&scratch.0).unwrap();
    let refused = Store::open(&scratch.0).err().unwrap();
    assert_eq!(refused.what, "another watch writes this journal");
    first.write(&[batch(1, 1)]).unwrap();
    assert_eq!(Store::read_only(&scratch.0).unwrap().batches(0, 9).unwrap().len(), 1);
    drop(first);
    assert!(Store::open(&scratch.0).is_ok());
}

#[test]
fn a_commit_is_whole_or_not_at_all() {
    let scratch = Scratch::new("whole");
    let store = Store::open(&scratch.0).unwrap();
    store.write(&[batch(1, 1)]).unwrap();
    assert!(store.write(&[batch(2, 2), batch(u64::MAX, 3)]).is_err(), "SQLite counts to 2^63 - 1");
    assert_eq!(store.batches(0, 9).unwrap().len(), 1);
}

#[test]
fn pruning_leaves_a_checkpoint_to_begin_from_and_the_minutes() {
    let scratch = Scratch::new("prune");
    let store = Store::open(&scratch.0).unwrap();
    let day = |n: u64| n * DAY;
    for n in 1..=10 {
        let minute = MinuteRow { service: "login".into(), at: At(day(n)), body: vec![7] };
        let row = Batch { seq: n, at: At(day(n)), body: vec![0], minutes: vec![minute] };
        store.write(&[Write::Batch(row), state(n, day(n))]).unwrap();
    }
    store.prune(At(day(7) + 5), At(day(3))).unwrap();
    assert_eq!(store.oldest_checkpoint().unwrap().unwrap().seq, 7);
    assert_eq!(store.batches(0, 99).unwrap().first().map(|batch| batch.seq), Some(8));
    assert_eq!(store.minutes("login", At(0)).unwrap().len(), 8);
}

#[test]
fn of_many_checkpoints_two_and_one_a_day_are_kept() {
    let scratch = Scratch::new("thin");
    let store = Store::open(&scratch.0).unwrap();
    for n in 1..=100 {
        store.write(&[state(n, DAY * 5 + n * 60_000)]).unwrap();
    }
    assert_eq!(store.oldest_checkpoint().unwrap().unwrap().seq, 1);
    let newest: Vec<u64> = (0..3).map(|skip| store.checkpoint(skip).unwrap().unwrap().seq).collect();
    assert_eq!(newest, [100, 99, 1]);
    assert_eq!(store.checkpoint(3).unwrap(), None);
}

#[test]
fn a_journal_of_a_later_version_is_left_alone() {
    let scratch = Scratch::new("later");
    drop(Store::open(&scratch.0).unwrap());
    Connection::open(scratch.0.join(DATABASE)).unwrap().pragma_update(None, "user_version", 9).unwrap();
    let refused = Store::open(&scratch.0).err().unwrap();
    assert_eq!(refused.what, "is a journal of version 9, and this Forewarn knows version 1");
}
