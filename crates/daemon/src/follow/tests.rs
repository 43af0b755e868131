//! Files that are rotated, cut, deleted and made anew, and what is read of them.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;

use super::*;

/// A directory of one test, removed with it.
struct Place {
    directory: PathBuf,
}

impl Place {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("forewarn-follow-{}-{count}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn add(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    fn cut(&self, name: &str) {
        File::create(self.path(name)).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    fn copy(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Follows patterns and keeps what it reads.
struct Watcher {
    tail: Tail,
    read: Vec<String>,
    at: At,
}

impl Watcher {
    fn new(place: &Place, patterns: &[&str], start: Start, position: Option<&[u8]>) -> Self {
        let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        let tail = Tail::new(&patterns, &place.directory, start, position).unwrap();
        Self { tail, read: Vec::new(), at: At(0) }
    }

    /// From now on.
    fn of(place: &Place, pattern: &str) -> Self {
        let mut watcher = Self::new(place, &[pattern], Start::End, None);
        watcher.look();
        watcher
    }

    fn keep(&mut self, look: impl FnOnce(&mut Tail, At, &mut dyn FnMut(&[u8]))) {
        self.at = self.at.after(Duration::from_secs(1));
        let Self { tail, read, at } = self;
        look(tail, *at, &mut |lines| {
            read.extend(String::from_utf8_lossy(lines).lines().map(str::to_owned));
        });
    }

    fn look(&mut self) {
        self.keep(Tail::look);
    }

    fn poll(&mut self) {
        self.keep(Tail::poll);
    }

    /// What was read since the last time, in any order.
    fn lines(&mut self) -> String {
        self.look();
        self.read.sort_unstable();
        std::mem::take(&mut self.read).join(" ")
    }

    /// As after a crash: another one goes on from the position.
    fn again(&self, place: &Place, pattern: &str) -> Self {
        Self::new(place, &[pattern], Start::End, Some(&self.tail.position()))
    }
}

#[test]
fn a_log_without_a_position_is_read_from_its_last_line_on() {
    let place = Place::new();
    place.add("a.log", "old\nhal");
    let mut watcher = Watcher::of(&place, "a.log");
    place.add("a.log", "f\nnew\n");
    assert_eq!(watcher.lines(), "half new");
}

#[test]
fn a_log_is_read_from_its_beginning_where_that_is_wanted() {
    let place = Place::new();
    place.add("a.log", "old\n");
    let mut watcher = Watcher::new(&place, &["a.log"], Start::Beginning, None);
    assert_eq!(watcher.lines(), "old");
}

#[test]
fn a_line_is_read_when_it_is_whole() {
    let place = Place::new();
    place.add("a.log", "");
    let mut watcher = Watcher::of(&place, "a.log");
    place.add("a.log", "one\ntw");
    assert_eq!(watcher.lines(), "one");
    place.add("a.log", "o");
    assert_eq!(watcher.lines(), "");
    place.add("a.log", "\n");
    assert_eq!(watcher.lines(), "two");
}

#[test]
fn a_log_that_is_not_there_yet_is_read_from_its_beginning() {
    let place = Place::new();
    let mut watcher = Watcher::of(&place, "a.log");
    place.add("a.log", "one\n");
    assert_eq!(watcher.lines(), "one");
}

#[test]
fn a_rotated_log_is_read_to_its_end_and_the_new_one_from_its_beginning() {
    let place = Place::new();
    place.add("a.log", "one\n");
    let mut watcher = Watcher::of(&place, "a.log");
    place.add("a.log", "two\n");
    place.rename("a.log", "a.log.1");
    place.add("a.log.1", "three\n");
    place.add("a.log", "four\n");
    assert_eq!(watcher.lines(), "four three two");
    // Its writer has not noticed yet.
    place.add("a.log.1", "five\n");
    place.add("a.log", "six\n");
    assert_eq!(watcher.lines(), "five six");
    assert_eq!(watcher.tail.counters().rotated, 1);
    assert_eq!(watcher.tail.counters().perhaps_lost, 0);
}

#[test]
fn logs_that_came_and_went_between_two_looks_are_read_where_they_are_still_there() {
    let place = Place::new();
    place.add("a.log.2", "older\n");
    place.add("a.log.1", "old\n");
    place.add("a.log", "one\n");
    let rotate = || {
        for (from, to) in [("a.log.2", "a.log.3"), ("a.log.1", "a.log.2"), ("a.log", "a.log.1")] {
            let _ = fs::rename(place.path(from), place.path(to));
        }
    };
    let mut watcher = Watcher::of(&place, "a.log");
    let mut other = watcher.again(&place, "a.log");
    place.add("a.log", "two\n");
    rotate();
    place.add("a.log", "three\n");
    rotate();
    place.add("a.log", "four\n");
    assert_eq!(watcher.lines(), "four three two");
    assert_eq!(other.lines(), "four three two");
    assert_eq!(watcher.lines() + &other.lines(), "");
}

#[test]
fn a_log_that_is_cut_is_read_from_its_beginning_and_told_to_be_perhaps_incomplete() {
    let place = Place::new();
    place.add("a.log", "one\n");
    let mut watcher = Watcher::of(&place, "a.log");
    place.add("a.log", "two\n");
    assert_eq!(watcher.lines(), "two");
    place.cut("a.log");
    place.add("a.log", "3\n");
    assert_eq!(watcher.lines(), "3");
    assert_eq!((watcher.tail.counters().truncated, watcher.tail.counters().perhaps_lost), (1, 1));
    // Longer than before, so that only its beginning tells.
    place.cut("a.log");
    place.add("a.log", "four and more\n");
    assert_eq!(watcher.lines(), "four and more");
}

#[test]
fn what_was_copied_before_a_log_was_cut_is_read_from_the_copy() {
    for pattern in ["a.log", "a.log*"] {
        let place = Place::new();
        place.add("a.log", "one\n");
        let mut watcher = Watcher::of(&place, pattern);
        let mut other = watcher.again(&place, pattern);
        place.add("a.log", "two\n");
        place.copy("a.log", "a.log.1");
        place.cut("a.log");
        place.add("a.log", "three\n");
        assert_eq!(watcher.lines(), "three two", "{pattern}");
        assert_eq!(other.lines(), "three two", "{pattern} after a restart");
        // The same name again, so that the copy of before is written over.
        place.add("a.log", "four\n");
        place.copy("a.log", "a.log.1");
        place.cut("a.log");
        place.add("a.log", "5\n");
        watcher.poll();
        assert_eq!(watcher.lines(), "5 four", "{pattern}");
        assert_eq!(watcher.tail.counters().perhaps_lost, 0, "{pattern}");
    }
}

#[test]
fn a_copy_is_not_read_while_its_original_is() {
    let place = Place::new();
    place.add("a.log", "one\n");
    let mut watcher = Watcher::of(&place, "a.log*");
    place.add("a.log", "two\n");
    place.copy("a.log", "a.log.1");
    assert_eq!(watcher.lines(), "two");
    place.add("a.log", "three\n");
    assert_eq!(watcher.lines(), "three");
    place.cut("a.log");
    place.add("a.log", "4\n");
    assert_eq!(watcher.lines(), "4");
}

#[test]
fn a_deleted_log_is_read_as_long_as_it_is_written_and_the_next_one_from_its_beginning() {
    let place = Place::new();
    place.add("a.log", "one\n");
    let mut watcher = Watcher::of(&place, "a.log");
    let mut writer = OpenOptions::new().append(true).open(place.path("a.log")).unwrap();
    place.remove("a.log");
    writer.write_all(b"two\n").unwrap();
    assert_eq!(watcher.lines(), "two");
    writer.write_all(b"three\n").unwrap();
    place.add("a.log", "four\n");
    assert_eq!(watcher.lines(), "four three");
}

#[test]
fn the_size_of_the_parts_that_are_read_makes_no_difference() {
    let place = Place::new();
    place.add("a.log", "one\ntwo\n\nthree\n");
    for size in 6..20 {
        let mut watcher = Watcher::new(&place, &["a.log"], Start::Beginning, None);
        watcher.tail = watcher.tail.in_parts(size);
        assert_eq!(watcher.lines(), " one three two", "{size}");
    }
}

#[test]
fn a_hole_under_a_writer_that_goes_on_at_its_old_place_is_skipped() {
    let place = Place::new();
    let mut writer = File::create(place.path("a.log")).unwrap();
    writer.write_all(&b"one and two\n".repeat(40_000)).unwrap();
    let mut watcher = Watcher::of(&place, "a.log");
    File::options().write(true).open(place.path("a.log")).unwrap().set_len(0).unwrap();
    writer.write_all(b"three\n").unwrap();
    assert_eq!(watcher.lines(), "three");
    assert_eq!(watcher.tail.counters().hole_bytes, 480_000);
    // Zeros to the end may still be written to.
    File::options().write(true).open(place.path("a.log")).unwrap().set_len(600_000).unwrap();
    assert_eq!(watcher.lines(), "");
    writer.write_all(b"four\n").unwrap();
    assert_eq!(watcher.lines(), "four");
}

#[test]
fn a_line_that_is_too_long_is_counted_as_malformed_and_skipped() {
    let place = Place::new();
    place.add("a.log", "");
    let mut watcher = Watcher::of(&place, "a.log");
    place.add("a.log", &"x".repeat(3 * tail::PART));
    assert_eq!(watcher.lines(), "");
    // In the middle of it.
    let mut other = watcher.again(&place, "a.log");
    place.add("a.log", "x\nnext\n");
    assert_eq!(watcher.lines(), "next");
    assert_eq!(other.lines(), "next");
    assert_eq!(watcher.tail.counters().malformed, 1);
}

#[test]
fn a_link_that_is_switched_leads_from_one_log_to_the_next() {
    let place = Place::new();
    place.add("1.log", "one\n");
    std::os::unix::fs::symlink("1.log", place.path("now")).unwrap();
    let mut watcher = Watcher::of(&place, "now");
    let mut other = watcher.again(&place, "now");
    place.add("1.log", "two\n");
    place.add("2.log", "three\n");
    place.remove("now");
    std::os::unix::fs::symlink("2.log", place.path("now")).unwrap();
    place.add("1.log", "four\n");
    assert_eq!(watcher.lines(), "four three two");
    assert_eq!(other.lines(), "four three two");
    // And back.
    place.remove("now");
    std::os::unix::fs::symlink("1.log", place.path("now")).unwrap();
    place.add("1.log", "five\n");
    assert_eq!(watcher.lines(), "five");
}

#[test]
fn a_log_that_came_back_under_the_same_number_is_read_from_its_beginning() {
    let place = Place::new();
    place.add("a.log", "one\n");
    let position = Watcher::of(&place, "a.log").tail.position();
    // As if the system had given the number of the deleted file to the new one.
    place.cut("a.log");
    place.add("a.log", "two and more\n");
    let mut watcher = Watcher::new(&place, &["a.log"], Start::End, Some(&position));
    assert_eq!(watcher.lines(), "two and more");
}

#[test]
fn a_log_that_is_not_there_a_while_is_silent_and_one_that_cannot_be_read_says_so() {
    let place = Place::new();
    let log = Log {
        paths: vec!["a.log".to_owned()],
        format: watch::plan::LogFormat::Nginx(Some("$status".to_owned())),
        under: Vec::new(),
        failed: Vec::new(),
    };
    let service = crate::lines::tests::without_times();
    let mut follower = Follower::new(&service, &log, &place.directory, Start::Beginning, None).unwrap();
    let mut second = 0;
    let mut look = || {
        second += 1;
        match follower.look(At(second * 1000)) {
            Said::Since { tally, .. } => Ok(tally.requests),
            Said::Nothing(why) => Err(why),
            Said::Totals(_) => unreachable!(),
        }
    };
    assert_eq!(look(), Err(Why::NoFile));
    place.add("a.log", "200\n500\nx\n");
    assert_eq!(look(), Ok(2));
    assert_eq!(look(), Ok(0));
    place.add("a.log", "x\n");
    assert_eq!(look(), Err(Why::Format));
    place.remove("a.log");
    assert_eq!([look(), look(), look(), look()], [Ok(0), Ok(0), Err(Why::NoFile), Err(Why::NoFile)]);
    fs::create_dir(place.path("a.log")).unwrap();
    assert_eq!(look(), Err(Why::Unreadable));
    fs::remove_dir(place.path("a.log")).unwrap();
    place.add("a.log", &format!("200\n{}", "x".repeat(2 * tail::PART)));
    assert_eq!(look(), Ok(1));
    assert_eq!((follower.counters().lines, follower.counters().malformed), (6, 3));
}

/// What may happen to a log and to whoever reads it.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// So many lines are written.
    Write(usize),
    /// A line is begun.
    Begin,
    /// It is rotated; its writer writes so many lines before it notices.
    Rotate(usize),
    /// It is copied and cut.
    CopyAndCut,
    /// It is cut.
    Cut,
    /// It is deleted, and there again.
    Delete,
    Poll,
    Look,
    /// What was read since is committed.
    Commit,
    /// The reader is killed and begins again from what was committed.
    Kill,
}

/// A log that is written while it is read.
struct Scene {
    place: Place,
    pattern: &'static str,
    watcher: Watcher,
    written: Vec<String>,
    begun: bool,
    committed: Vec<String>,
    position: Vec<u8>,
}

impl Scene {
    fn new(pattern: &'static str) -> Self {
        let place = Place::new();
        place.add("a.log", "");
        let watcher = Watcher::of(&place, pattern);
        let position = watcher.tail.position();
        Self { place, pattern, watcher, written: Vec::new(), begun: false, committed: Vec::new(), position }
    }

    fn write(&mut self, name: &str, lines: usize) {
        for _ in 0..lines {
            let line = format!("line {}", self.written.len());
            let text = if self.begun { format!("{}\n", &line[1..]) } else { format!("{line}\n") };
            self.begun = false;
            self.place.add(name, &text);
            self.written.push(line);
        }
    }

    fn end_line(&mut self) {
        if self.begun {
            self.write("a.log", 1);
        }
    }

    /// The names of before get a higher number each.
    fn renumber(&self) {
        for number in (1..30).rev() {
            let name = |number| self.place.path(&format!("a.log.{number}"));
            let _ = fs::rename(name(number), name(number + 1));
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Write(lines) => self.write("a.log", lines),
            Event::Begin if !self.begun => {
                self.place.add("a.log", "l");
                self.begun = true;
            }
            Event::Begin => {}
            Event::Rotate(late) => {
                self.end_line();
                self.renumber();
                self.place.rename("a.log", "a.log.1");
                self.write("a.log.1", late);
                self.place.add("a.log", "");
            }
            Event::CopyAndCut => {
                self.end_line();
                self.renumber();
                self.place.copy("a.log", "a.log.1");
                self.place.cut("a.log");
            }
            Event::Cut => {
                self.end_line();
                self.place.cut("a.log");
            }
            Event::Delete => {
                self.end_line();
                self.place.remove("a.log");
                self.place.add("a.log", "");
            }
            Event::Poll => self.watcher.poll(),
            Event::Look => self.watcher.look(),
            Event::Commit => {
                self.committed.append(&mut self.watcher.read);
                self.position = self.watcher.tail.position();
            }
            Event::Kill => {
                self.watcher = Watcher::new(&self.place, &[self.pattern], Start::End, Some(&self.position));
            }
        }
    }

    /// What was committed in the end, in the order of writing.
    fn end(&mut self) -> Vec<String> {
        self.end_line();
        for event in [Event::Look, Event::Look, Event::Commit] {
            self.happen(event);
        }
        let mut all = self.committed.clone();
        all.sort_unstable_by_key(|line| line.strip_prefix("line ").unwrap().parse::<usize>().unwrap());
        all
    }
}

fn reading() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (1usize..4).prop_map(Event::Write),
        1 => Just(Event::Begin),
        2 => Just(Event::Look),
        1 => Just(Event::Poll),
        2 => Just(Event::Commit),
        1 => Just(Event::Kill),
    ]
}

proptest! {
    #[test]
    fn each_line_is_committed_once_over_any_rotations_and_kills(
        events in proptest::collection::vec(
            prop_oneof![4 => reading(), 1 => (0usize..3).prop_map(Event::Rotate)], 0..40,
        ),
        pattern in prop_oneof![Just("a.log"), Just("a.log*")],
    ) {
        let mut scene = Scene::new(pattern);
        for event in events {
            scene.happen(event);
        }
        prop_assert_eq!(scene.end(), scene.written);
    }

    #[test]
    fn no_line_is_committed_twice_whatever_happens_to_the_files(
        events in proptest::collection::vec(
            prop_oneof![
                4 => reading(),
                1 => (0usize..3).prop_map(Event::Rotate),
                1 => Just(Event::CopyAndCut),
                1 => Just(Event::Cut),
                1 => Just(Event::Delete),
            ],
            0..40,
        ),
        pattern in prop_oneof![Just("a.log"), Just("a.log*")],
    ) {
        let mut scene = Scene::new(pattern);
        for event in events {
            scene.happen(event);
        }
        let all = scene.end();
        let mut once = all.clone();
        once.dedup();
        prop_assert_eq!(all, once);
    }
}
