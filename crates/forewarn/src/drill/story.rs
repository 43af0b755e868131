//! The timeline of a drill: a line for everything that happens, beside what the postmortem says of the same
//! stage; on a terminal also how sign-ins fare right now.

use std::fmt::Write as _;
use std::time::Duration;

use audit::render::Style;
use lab::course::{Options, Told};
use lab::document::{Stage, then};
use lab::promise::seconds;
use lab::record::{Count, Event};
use lab::scenario;
use model::percent;

use crate::output::{to_stderr, to_stdout};

/// Columns of the clock and of the label.
const CLOCK: usize = 7;
const LABEL: usize = 9;
/// So many looks are shown of how sign-ins fare.
const SHOWN: usize = 40;
/// A share of none, some, ... of the sign-ins that fail.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    Plain,
    Bad,
    Good,
    Faint,
}

/// Lines longer than this are hard to read.
const WIDEST: usize = 100;

/// Tells a drill.
pub(super) struct Story {
    style: Style,
    /// What goes on now, for the last line.
    doing: &'static str,
    /// The last line is drawn over.
    live: bool,
    pulse: Vec<f64>,
    drawn: bool,
}

impl Story {
    pub(super) fn new(style: Style, live: bool) -> Self {
        let style = Style { width: style.width.min(WIDEST), ..style };
        Self { style, doing: "", live, pulse: Vec::new(), drawn: false }
    }

    /// What it is about.
    pub(super) fn opening(&self, options: &Options) -> String {
        let mut text = String::new();
        let about = "An outage of 2023, told anew with real processes on this machine: a sign-in service that \
                     asks a directory, one value that is wrong, and the measures that its postmortem promised.";
        for line in wrapped(about, self.style.width) {
            let _ = writeln!(text, "{line}");
        }
        let _ = writeln!(
            text,
            "(auth-timeout, seed {}, {}; `2023` is what the postmortem says)\n",
            options.seed,
            options.database.name()
        );
        text
    }

    pub(super) fn tell(&mut self, at: Duration, told: &Told) {
        match told {
            Told::Event(event) => {
                let text = self.lines(at, event);
                self.doing = doing(event);
                self.clear();
                // A reader that has gone away has seen enough; the drill goes on to its end.
                let _ = to_stdout(&text);
            }
            Told::Pulse(count) => self.beat(at, *count),
        }
    }

    /// Takes the live line away.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            to_stderr("\r\u{1b}[K");
        }
    }

    fn beat(&mut self, at: Duration, count: Count) {
        if !self.live {
            return;
        }
        if self.pulse.len() == SHOWN {
            self.pulse.remove(0);
        }
        self.pulse.push(count.share());
        let bars: String = self.pulse.iter().map(|share| bar(*share)).collect();
        let failing = percent(count.share());
        self.drawn = true;
        to_stderr(&format!("\r\u{1b}[K{:>CLOCK$}  {:LABEL$} {bars} {failing} fail", clock(at), self.doing));
    }

    fn lines(&self, at: Duration, event: &Event) -> String {
        let mut text = String::new();
        self.event(&mut text, at, event);
        text
    }

    fn event(&self, text: &mut String, at: Duration, event: &Event) {
        use Weight::{Bad, Good, Plain};
        let mut tell = |label: &str, weight, what: &str| self.line(text, Some(at), label, weight, what);
        match event {
            Event::Opened => tell("service", Plain, "front and directory run; people sign in"),
            Event::Watched => tell("watch", Plain, "looks at the service each second, and audits its files"),
            Event::Proposed => {
                let edit = format!("{} {} -> {}", scenario::KEY, scenario::BEFORE, scenario::AFTER);
                self.act(text, &format!("Act one: an edit is proposed: {edit}"));
                self.then(text, Stage::Change);
            }
            Event::Checked(checked) if checked.refused => {
                tell("check", Bad, &format!("REFUSED, {}", checked.place));
                self.more(text, &checked.title);
                self.more(text, &checked.sum);
            }
            Event::Checked(_) => tell("check", Bad, "PASSED, which it must not"),
            Event::Tested(tested) => {
                let verdict = if tested.refused { "REFUSED" } else { "NOT REFUSED" };
                if tested.candidate.people == 0 {
                    return tell("test", Bad, verdict);
                }
                let of = |count: Count| format!("{} of {}", count.failed, count.people);
                let what = format!(
                    "{verdict}: {} people failed under the edit, {} without it",
                    of(tested.candidate),
                    of(tested.current)
                );
                tell("test", Bad, &what);
            }
            Event::Quiet(quiet) => {
                let Count { people, failed } = quiet.count;
                let fared = format!("{} of {people} sign-ins succeeded", people - failed);
                let watch = match quiet.notices {
                    0 => "the watch was quiet".to_owned(),
                    1 => "the watch told once".to_owned(),
                    notices => format!("the watch told {notices} times"),
                };
                if quiet.busy {
                    tell("meanwhile", Bad, &format!("{fared}, although nothing was deployed; {watch}"));
                } else {
                    let (weight, and) = if quiet.notices == 0 { (Good, "and") } else { (Bad, "but") };
                    tell("meanwhile", weight, &format!("0 s of outage: {fared}, {and} {watch}"));
                }
            }
            Event::Deployed => {
                self.act(text, "Act two: it is deployed all the same");
                self.line(text, Some(at), "deployed", Plain, "front.toml is replaced");
            }
            Event::Taken => tell("reloaded", Plain, "the service takes it by itself"),
            Event::Failing => {
                tell("outage", Bad, "the first sign-in fails");
                self.then(text, Stage::Outage);
            }
            Event::Found(title) => tell("audit", Plain, timeless(title)),
            Event::Alerted { title, after } => {
                tell(
                    "ALERT",
                    Bad,
                    &format!("{} after the first failed sign-in: {}", seconds(*after), timeless(title)),
                );
                self.then(text, Stage::Detection);
            }
            Event::Cause(cause) => {
                let what = format!("{} {} {} -> {}", cause.place, cause.key, cause.before, cause.after);
                tell("cause", Bad, &what);
                self.then(text, Stage::Cause);
            }
            Event::Restored => {
                tell("repair", Plain, "the fault was measured long enough: the good value is back");
                self.then(text, Stage::Repair);
            }
            Event::TakenBack => tell("reloaded", Plain, "the service takes it by itself"),
            Event::Over { title, after } => {
                tell("OVER", Good, &format!("{} after the last failed sign-in: {title}", seconds(*after)));
                self.then(text, Stage::End);
            }
            Event::Stayed => tell("stays", Plain, "the fault is still in force, and the drill ends here"),
            Event::Cleared(_) => tell("cleared", Plain, "everything is stopped"),
        }
    }

    fn act(&self, text: &mut String, what: &str) {
        text.push('\n');
        for line in wrapped(what, self.style.width) {
            let _ = writeln!(text, "{}", self.paint("1", &line));
        }
    }

    fn then(&self, text: &mut String, stage: Stage) {
        self.line(text, None, "2023", Weight::Faint, then(stage));
    }

    fn more(&self, text: &mut String, what: &str) {
        self.line(text, None, "", Weight::Plain, what);
    }

    fn line(&self, text: &mut String, at: Option<Duration>, label: &str, weight: Weight, what: &str) {
        let clock = at.map_or(String::new(), clock);
        let indent = CLOCK + 2 + LABEL + 1;
        let code = match weight {
            Weight::Plain => "",
            Weight::Bad => "31",
            Weight::Good => "32",
            Weight::Faint => "2",
        };
        for (place, part) in wrapped(what, self.style.width.saturating_sub(indent)).iter().enumerate() {
            let part = self.paint(code, part);
            if place == 0 {
                let label = self.paint(code, &format!("{label:LABEL$}"));
                let _ = writeln!(text, "{clock:>CLOCK$}  {label} {part}");
            } else {
                let _ = writeln!(text, "{:indent$}{part}", "");
            }
        }
    }

    fn paint(&self, code: &str, what: &str) -> String {
        if self.style.colour && !code.is_empty() {
            format!("\u{1b}[{code}m{what}\u{1b}[0m")
        } else {
            what.to_owned()
        }
    }
}

/// What goes on after something happened.
fn doing(event: &Event) -> &'static str {
    match event {
        Event::Proposed => "checking",
        Event::Checked(_) => "testing",
        Event::Deployed | Event::Restored => "waiting",
        _ => "sign-ins",
    }
}

/// What the watch says, without its time of day: here another clock runs.
fn timeless(title: &str) -> &str {
    title.split(", since ").next().unwrap_or(title)
}

fn clock(at: Duration) -> String {
    format!("{:.1} s", at.as_secs_f64())
}

/// All of them fail from a half on: the eye is to see a fifth.
fn bar(share: f64) -> char {
    let place = (share * 2.0 * BARS.len() as f64).ceil() as usize;
    BARS[place.min(BARS.len() - 1)]
}

/// Lines of at most so many columns, broken between words.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("bug: there is one");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use lab::record::{Cause, Checked, Quiet, Tested};

    use super::*;

    const NARROW: Style = Style { colour: false, width: 72 };

    fn told(style: Style, events: &[Event]) -> String {
        let story = Story::new(style, false);
        let at = |place: usize| Duration::from_millis(1_500 * place as u64);
        events.iter().enumerate().map(|(place, event)| story.lines(at(place), event)).collect()
    }

    #[test]
    fn the_first_act_is_told() {
        let checked = Checked {
            refused: true,
            title: "19.7 % of calls will time out: auth waits 300 ms for directory".to_owned(),
            place: "front.toml:20:19".to_owned(),
            sum: "share of calls above 300 ms: 19.7 %".to_owned(),
            took: Duration::from_millis(90),
        };
        let tested = Tested {
            refused: true,
            candidate: Count { people: 31, failed: 7 },
            current: Count { people: 1_260, failed: 0 },
            ..Tested::default()
        };
        let count = Count { people: 1_514, failed: 0 };
        let quiet = Quiet { length: Duration::from_secs(30), count, notices: 0, busy: false };
        let events = [
            Event::Opened,
            Event::Watched,
            Event::Proposed,
            Event::Checked(checked),
            Event::Tested(tested),
            Event::Quiet(quiet),
        ];
        insta::assert_snapshot!(told(NARROW, &events), @r"
          0.0 s  service   front and directory run; people sign in
          1.5 s  watch     looks at the service each second, and audits its
                           files

        Act one: an edit is proposed: directory.request_timeout 1s -> 300ms
                 2023      neither checked nor tested; both are among the
                           measures that the postmortem lists
          4.5 s  check     REFUSED, front.toml:20:19
                           19.7 % of calls will time out: auth waits 300 ms for
                           directory
                           share of calls above 300 ms: 19.7 %
          6.0 s  test      REFUSED: 7 of 31 people failed under the edit, 0 of
                           1260 without it
          7.5 s  meanwhile 0 s of outage: 1514 of 1514 sign-ins succeeded, and
                           the watch was quiet
        ");
    }

    #[test]
    fn what_should_not_be_before_the_edit_is_told_too() {
        let quiet = |failed, notices| {
            let count = Count { people: 1_514, failed };
            Event::Quiet(Quiet { length: Duration::from_secs(30), count, notices, busy: failed > 8 })
        };
        insta::assert_snapshot!(told(NARROW, &[quiet(0, 1), quiet(90, 0), quiet(90, 3)]), @r"
        0.0 s  meanwhile 0 s of outage: 1514 of 1514 sign-ins succeeded, but
                         the watch told once
        1.5 s  meanwhile 1424 of 1514 sign-ins succeeded, although nothing was
                         deployed; the watch was quiet
        3.0 s  meanwhile 1424 of 1514 sign-ins succeeded, although nothing was
                         deployed; the watch told 3 times
        ");
    }

    #[test]
    fn the_second_act_is_told() {
        let cause = Cause {
            place: "front.toml:20".to_owned(),
            key: "directory.request_timeout".to_owned(),
            before: "1 s".to_owned(),
            after: "300 ms".to_owned(),
            told: Duration::from_millis(1_900),
        };
        let title =
            "auth: requests fail (timeout) (17 of 100, guard 1 %, declared), since 2026-11-23T01:40:50.241Z";
        let events = [
            Event::Deployed,
            Event::Taken,
            Event::Failing,
            Event::Alerted { title: title.to_owned(), after: Duration::from_millis(1_800) },
            Event::Cause(cause),
            Event::Restored,
            Event::TakenBack,
            Event::Over { title: "auth: ended".to_owned(), after: Duration::from_secs(6) },
        ];
        insta::assert_snapshot!(told(NARROW, &events), @r"
        Act two: it is deployed all the same
          0.0 s  deployed  front.toml is replaced
          1.5 s  reloaded  the service takes it by itself
          3.0 s  outage    the first sign-in fails
                 2023      20:00; sign-ins fail for about 20 % of the users,
                           down for two hours
          4.5 s  ALERT     1.8 s after the first failed sign-in: auth: requests
                           fail (timeout) (17 of 100, guard 1 %, declared)
                 2023      20:00, on a spike of failed sign-ins; how long after
                           the first one is not said
          6.0 s  cause     front.toml:20 directory.request_timeout 1 s -> 300 ms
                 2023      no time is given; the network, the database and an
                           attack were suspected first
          7.5 s  repair    the fault was measured long enough: the good value is
                           back
                 2023      no time is given; the timeout was corrected and
                           deployed
          9.0 s  reloaded  the service takes it by itself
         10.5 s  OVER      6 s after the last failed sign-in: auth: ended
                 2023      02:00 the next day, six hours after 20:00
        ");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_colour_is_only_where_it_is_wanted() {
        let plain = told(NARROW, &[Event::Proposed, Event::Failing]);
        assert!(plain.lines().all(|line| line.chars().count() <= NARROW.width), "{plain}");
        assert!(!plain.contains('\u{1b}'));
        assert!(told(Style { colour: true, ..NARROW }, &[Event::Failing]).contains("\u{1b}[31m"));
    }

    #[test]
    fn the_eye_sees_a_fifth() {
        let bars: String = [0.0, 0.02, 0.2, 0.5, 1.0].into_iter().map(bar).collect();
        assert_eq!(bars, "▁▂▅██");
    }
}
