//! The share of people who succeed against the value of a setting, as an SVG that stands alone: what the
//! replayed latency predicts, what was measured, and where the values lie that somebody means. Decides
//! nothing.

use std::time::Duration;

use draw::{ATTEMPT, BACKOFF, BOLD, CHARACTER, Canvas, FAINT, GRID, INK, WIDTH, clip, width, wrapped};
use model::{grouped, percent, pretty};

use crate::figures::ms;
use crate::file::{Search, Test};
use crate::forecast::{Forecast, waits};
use crate::observed::STATED;
use crate::report::weather;
use crate::search::{Found, Safe, Searched};
use crate::trial::{Run, Trial};
use crate::verdict::Seen;

const MARGIN: f64 = 28.0;
/// Where the axes begin and end.
const LEFT: f64 = 92.0;
const RIGHT: f64 = 1076.0;
const TOP: f64 = 150.0;
const BOTTOM: f64 = 500.0;
/// Between lines of words.
const LINE: f64 = 17.0;
/// Of so few who fail no more are told apart: one of ten thousand.
const NINES: f64 = 4.0;
/// A colour for what holds; told from the others by its words too.
const HOLDS: &str = "#2e7d4f";

/// A value that somebody means.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Whose it is: "candidate", "in force".
    pub label: String,
    /// The value.
    pub value: Duration,
    /// How people fared in its run.
    pub seen: Seen,
    /// How often a person waited for what the setting waits for.
    waits: f64,
}

impl Mark {
    /// The value that a configuration has for the setting of the search, and its run; `None` where it has
    /// none that is a length of time.
    #[must_use]
    pub fn of(test: &Test, label: &str, configuration: &str, trial: &Trial) -> Option<Self> {
        let search = test.search.as_ref()?;
        let value = search.length(&test.candidate.get(configuration, &search.key)?)?;
        let (seen, waits) = (trial.seen.clone(), waits(search, trial));
        Some(Self { label: label.to_owned(), value, seen, waits })
    }
}

/// The picture, with a search or without; nothing where no value is known, or the test names no setting.
#[must_use]
pub fn picture(test: &Test, marks: &[Mark], searched: Option<&Searched>) -> Option<String> {
    let search = test.search.as_ref()?;
    let forecast = forecast(test, marks, searched);
    let axis = Axis::of(marks, searched)?;
    let mut flags = flags(marks, searched);
    flags.retain(|flag| axis.holds(flag.value));
    let notes = notes(test, searched);
    let height = BOTTOM + 84.0 + LINE * notes.len() as f64;
    let mut canvas = Canvas::new(height, &format!("People who succeed against {}", search.key));
    canvas.bold(MARGIN, 36.0, 19.0, &clip(&heading(search), WIDTH - 2.0 * MARGIN, 19.0, BOLD));
    let name = format!("test `{}`; both axes are logarithmic: each step up, a tenth as many fail", test.name);
    canvas.text(MARGIN, 58.0, 12.5, FAINT, &clip(&name, WIDTH - 2.0 * MARGIN, 12.5, CHARACTER));
    axis.refused(&mut canvas, searched);
    axis.draw(&mut canvas);
    if let Some(Searched { found: Found::Smallest { low, high, .. }, .. }) = searched {
        let (from, to) = (axis.x(*low), axis.x(*high));
        canvas.rect((from, TOP), (to - from, BOTTOM - TOP), BACKOFF, "fill-opacity=\"0.35\"");
    }
    let places = raised(&axis, &flags);
    for (flag, (_, y)) in flags.iter().zip(&places) {
        let (x, more) = (axis.x(flag.value), "stroke-width=\"1.4\" stroke-opacity=\"0.8\"");
        canvas.line((x, y + 4.0), (x, BOTTOM), flag.colour, more);
    }
    if let Some(forecast) = &forecast {
        curve(&mut canvas, &axis, forecast);
    }
    objective(&mut canvas, test.objective.good);
    for (value, seen) in measured(marks, searched) {
        measure(&mut canvas, axis.x(value), value, &seen);
    }
    // Above every line, so that none crosses them.
    for (flag, (x, y)) in flags.iter().zip(&places) {
        canvas.text(*x, *y, 12.0, flag.colour, &flag.words);
    }
    legend(&mut canvas, forecast.is_some(), searched);
    for (line, note) in notes.iter().enumerate() {
        canvas.text(MARGIN, BOTTOM + 88.0 + LINE * line as f64, 12.0, FAINT, note);
    }
    Some(canvas.end())
}

fn heading(search: &Search) -> String {
    format!("Who succeeds, by {}", search.key)
}

/// What is said below: under what people came, and what was found.
fn notes(test: &Test, searched: Option<&Searched>) -> Vec<String> {
    let calls = test.awaited().filter(|latency| latency.window != STATED);
    let calls = calls.map_or_else(String::new, |latency| format!(", {} calls", grouped(latency.calls)));
    let came = format!("People came {}{calls}.", weather(test));
    let found = searched.map(|searched| format!("{}.", searched.line()));
    std::iter::once(&came).chain(&found).flat_map(|note| wrapped(note, WIDTH - 2.0 * MARGIN, 12.0)).collect()
}

/// The height of a share of people who fail.
fn y(failed: f64) -> f64 {
    let nines = (-failed.max(f64::MIN_POSITIVE).log10()).clamp(0.0, NINES);
    BOTTOM - (BOTTOM - TOP) * nines / NINES
}

/// From values to places: in equal ratios.
struct Axis {
    from: f64,
    to: f64,
}

impl Axis {
    fn of(marks: &[Mark], searched: Option<&Searched>) -> Option<Self> {
        let of_marks = marks.iter().map(|mark| mark.value);
        let of_search = searched.into_iter().flat_map(|searched| {
            let tried = searched.tried.iter().map(|tried| tried.value);
            let safe = searched.safe.iter().map(|safe| safe.value);
            let refused = searched.refused.iter().map(|(value, _)| *value);
            tried.chain(safe).chain(refused).chain(searched.predicted())
        });
        let all: Vec<f64> = of_marks
            .chain(of_search)
            .map(|value| value.as_secs_f64())
            .filter(|seconds| *seconds > 0.0)
            .collect();
        let least = all.iter().copied().fold(f64::INFINITY, f64::min);
        let most = all.iter().copied().fold(0.0, f64::max);
        // Room at both ends; one value alone stands in the middle.
        (most > 0.0).then(|| Self { from: least / 1.35, to: most * 1.35 })
    }

    fn holds(&self, value: Duration) -> bool {
        (self.from..=self.to).contains(&value.as_secs_f64())
    }

    fn x(&self, value: Duration) -> f64 {
        let share = (value.as_secs_f64().max(1e-9) / self.from).ln() / (self.to / self.from).ln();
        LEFT + (RIGHT - LEFT) * share.clamp(0.0, 1.0)
    }

    /// Round values that stand far enough apart.
    fn ticks(&self) -> Vec<Duration> {
        const APART: f64 = 58.0;
        let mut ticks: Vec<Duration> = Vec::new();
        // From a microsecond to some hours.
        let round = (-6..5).flat_map(|power| {
            [1.0, 1.5, 2.0, 3.0, 5.0, 7.0].map(|digit| Duration::from_secs_f64(digit * 10_f64.powi(power)))
        });
        for tick in round.filter(|tick| self.holds(*tick)) {
            if ticks.last().is_none_or(|last| self.x(tick) - self.x(*last) >= APART) {
                ticks.push(tick);
            }
        }
        ticks
    }

    fn draw(&self, canvas: &mut Canvas) {
        for tick in self.ticks() {
            let x = self.x(tick);
            canvas.line((x, TOP), (x, BOTTOM), GRID, "");
            canvas.anchored("middle", x, BOTTOM + 18.0, 11.0, FAINT, &pretty(tick));
        }
        for (failed, label) in
            [(1.0, "none"), (0.5, "50 %"), (0.1, "90 %"), (0.01, "99 %"), (0.001, "99.9 %"), (0.0001, "all")]
        {
            let y = y(failed);
            canvas.line((LEFT, y), (RIGHT, y), GRID, "");
            canvas.anchored("end", LEFT - 8.0, y + 4.0, 11.0, FAINT, label);
        }
        canvas.line((LEFT, BOTTOM), (RIGHT, BOTTOM), FAINT, "");
        canvas.text(MARGIN, TOP - 12.0, 11.0, FAINT, "succeed");
    }

    /// Values that the service does not take.
    fn refused(&self, canvas: &mut Canvas, searched: Option<&Searched>) {
        let Some(searched) = searched else { return };
        let (less, more) = searched.refused_ends();
        let sides = [less.map(|value| (LEFT, self.x(value))), more.map(|value| (self.x(value), RIGHT))];
        for (from, to) in sides.into_iter().flatten().filter(|(from, to)| to - from > 2.0) {
            canvas.rect((from, TOP), (to - from, BOTTOM - TOP), GRID, "fill-opacity=\"0.6\"");
            let words = "refused";
            if width(words, 11.0, CHARACTER) < to - from {
                canvas.anchored("middle", (from + to) / 2.0, TOP + 18.0, 11.0, FAINT, words);
            }
        }
    }
}

/// The line that must be reached.
fn objective(canvas: &mut Canvas, good: f64) {
    let y = y(1.0 - good);
    canvas.line((LEFT, y), (RIGHT, y), INK, "stroke-dasharray=\"6 4\" stroke-width=\"1.2\"");
    canvas.text(LEFT + 8.0, y - 6.0, 11.5, INK, &format!("{} must succeed", percent(good)));
}

/// What the replayed latency alone lets through.
fn forecast(test: &Test, marks: &[Mark], searched: Option<&Searched>) -> Option<Forecast> {
    match searched {
        Some(searched) => searched.forecast.clone(),
        // People who do not fail wait as often as they have to.
        None => Forecast::of(test, marks.iter().max_by_key(|mark| mark.value).map_or(1.0, |mark| mark.waits)),
    }
}

fn curve(canvas: &mut Canvas, axis: &Axis, forecast: &Forecast) {
    const STEPS: u32 = 240;
    let ratio = axis.to / axis.from;
    let place = |step: u32| {
        let value = axis.from * ratio.powf(f64::from(step) / f64::from(STEPS));
        let value = Duration::from_secs_f64(value);
        (axis.x(value), y(forecast.failed(value)))
    };
    // Above the chart nothing is told apart: the line ends where it gets there.
    let places: Vec<(f64, f64)> = (0..=STEPS).map(place).take_while(|(_, y)| *y > TOP).collect();
    canvas.curve(&places, ATTEMPT, "stroke-width=\"2\" stroke-opacity=\"0.75\"");
}

/// What was measured, by value.
fn measured(marks: &[Mark], searched: Option<&Searched>) -> Vec<(Duration, Seen)> {
    let mut all: Vec<(Duration, Seen)> = marks.iter().map(|mark| (mark.value, mark.seen.clone())).collect();
    if let Some(searched) = searched {
        all.extend(searched.tried.iter().map(|tried| (tried.value, tried.seen.clone())));
        if let Some(Safe { value, came: Some(Run::Seen(trial)), .. }) = &searched.safe {
            all.push((*value, trial.seen.clone()));
        }
    }
    all
}

/// A point with its interval.
fn measure(canvas: &mut Canvas, x: f64, value: Duration, seen: &Seen) {
    let Some((share, low, high)) = seen.share() else { return };
    let (top, bottom) = (y(low), y(high));
    canvas.line((x, top), (x, bottom), ATTEMPT, "stroke-width=\"1.6\"");
    for end in [top, bottom] {
        canvas.line((x - 4.0, end), (x + 4.0, end), ATTEMPT, "stroke-width=\"1.6\"");
    }
    let title = format!("{}: {} of {} fail", pretty(value), seen.bad(), seen.people());
    canvas.dot((x, y(share)), 4.5, ATTEMPT, &title);
}

/// A value with its words above the chart.
struct Flag {
    value: Duration,
    words: String,
    colour: &'static str,
}

fn flags(marks: &[Mark], searched: Option<&Searched>) -> Vec<Flag> {
    let mut flags: Vec<Flag> = Vec::new();
    for mark in marks {
        let who = match mark.seen.share() {
            None => "nobody came".to_owned(),
            Some((0.0, ..)) => "all succeed".to_owned(),
            Some((share, ..)) => format!("{} succeed", percent(1.0 - share)),
        };
        let words = format!("{}: {}, {who}", mark.label, pretty(mark.value));
        flags.push(Flag { value: mark.value, words, colour: INK });
    }
    if let Some(searched) = searched {
        if let Found::Smallest { value, .. } = searched.found {
            flags.push(Flag { value, words: format!("enough from {} on", ms(value)), colour: ATTEMPT });
        }
        if let Some(safe) = &searched.safe {
            let words = format!("safe: {}", pretty(safe.value));
            flags.push(Flag { value: safe.value, words, colour: HOLDS });
        }
    }
    flags.sort_by_key(|flag| flag.value);
    flags
}

/// Where the words of flags begin so that they do not run into each other: each in the lowest line that has
/// room.
fn raised(axis: &Axis, flags: &[Flag]) -> Vec<(f64, f64)> {
    /// Lines above the chart.
    const LINES: [f64; 4] = [TOP - 14.0, TOP - 31.0, TOP - 48.0, TOP - 65.0];
    let mut taken = [LEFT - 30.0; LINES.len()];
    let place = |flag: &Flag| {
        let width = width(&flag.words, 12.0, CHARACTER);
        // Around its line, as far as the picture goes.
        let from = (axis.x(flag.value) - width / 2.0).clamp(MARGIN + 56.0, WIDTH - MARGIN - width);
        let line = taken.iter().position(|end| *end + 10.0 <= from).unwrap_or(LINES.len() - 1);
        taken[line] = from + width;
        (from, LINES[line])
    };
    flags.iter().map(place).collect()
}

/// What the signs mean.
fn legend(canvas: &mut Canvas, curve: bool, searched: Option<&Searched>) {
    let y = BOTTOM + 48.0;
    let mut x = MARGIN;
    let words = |canvas: &mut Canvas, x: &mut f64, words: &str| {
        canvas.text(*x + 24.0, y + 4.0, 11.5, INK, words);
        *x += 24.0 + width(words, 11.5, CHARACTER) + 26.0;
    };
    canvas.line((x + 8.0, y - 8.0), (x + 8.0, y + 8.0), ATTEMPT, "stroke-width=\"1.6\"");
    canvas.dot((x + 8.0, y), 4.5, ATTEMPT, "measured");
    words(canvas, &mut x, "measured, with its 95 % interval");
    if curve {
        canvas.line((x, y), (x + 17.0, y), ATTEMPT, "stroke-width=\"2\" stroke-opacity=\"0.75\"");
        words(canvas, &mut x, "predicted from the replayed latency alone");
    }
    if searched.is_some_and(|searched| matches!(searched.found, Found::Smallest { .. })) {
        canvas.rect((x, y - 7.0), (16.0, 14.0), BACKOFF, "fill-opacity=\"0.35\"");
        words(canvas, &mut x, "where the smallest value lies, 95 % sure");
    }
    let refuses = searched.is_some_and(|searched| !searched.refused.is_empty());
    if refuses {
        canvas.rect((x, y - 7.0), (16.0, 14.0), GRID, "fill-opacity=\"0.6\"");
        words(canvas, &mut x, "refused by the service");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use text::{FileId, Source};

    use super::*;
    use crate::file::Reason;
    use crate::search::{Hindered, Tried};
    use crate::verdict::Verdict;

    const MS: Duration = Duration::from_millis(1);

    fn test(search: bool) -> Test {
        let text = r#"
kind = "service"
name = "sign-in"
[candidate]
file = "front.toml"
[[process]]
name = "front"
command = ["front"]
ready = { ended = true }
[[dependency]]
name = "directory"
address = "127.0.0.1:1"
answer = { window = "19:00-20:00 UTC", calls = 41200, quantiles = { p50 = "222ms", p99 = "505ms" } }
[[step]]
name = "sign in"
url = "http://127.0.0.1:1/"
[load]
rate = 50
[objective]
good = "99.5%"
"#;
        let search = if search { "[search]\nkey = \"directory.request_timeout\"\n" } else { "" };
        let source = Source::new(FileId(0), "auth.test.toml", format!("{text}{search}"));
        crate::parse::parse(&source, &|_| Err("no file".to_owned())).expect("a test file")
    }

    fn seen(good: u64, bad: u64) -> Seen {
        Seen { good, failed: BTreeMap::from([(Reason::Timeout, bad)]) }
    }

    fn mark(test: &Test, label: &str, value: &str, (good, bad): (u64, u64)) -> Mark {
        let trial = Trial { seen: seen(good, bad), ..Trial::of_nobody(label) };
        let text = format!("[directory]\nrequest_timeout = \"{value}\"\n");
        Mark::of(test, label, &text, &trial).expect("a value")
    }

    fn searched(test: &Test) -> Searched {
        let tried = [(330, 65), (496, 9), (578, 2), (689, 0)];
        let came = Trial { seen: seen(1161, 0), verdict: Verdict::Held, ..Trial::of_nobody("") };
        Searched {
            key: "directory.request_timeout".to_owned(),
            good: 0.995,
            margin: 1.5,
            between: (MS, MS * 60_000),
            forecast: Forecast::of(test, 1.0),
            tried: tried.map(|(ms, bad)| Tried { value: MS * ms, seen: seen(600 - bad, bad) }).to_vec(),
            refused: vec![(MS * 221, "too little".to_owned())],
            found: Found::Smallest { value: MS * 560, low: MS * 530, high: MS * 590 },
            safe: Some(Safe {
                value: MS * 840,
                written: "840ms".to_owned(),
                came: Some(Run::Seen(Box::new(came))),
            }),
            side_by_side: 3,
            hindered: Hindered::default(),
            elapsed: MS * 60_000,
        }
    }

    /// All words of a picture, from top to bottom.
    fn words(svg: &str) -> Vec<String> {
        svg.lines()
            .filter(|line| line.starts_with("<text"))
            .filter_map(|line| Some(line.split_once('>')?.1.strip_suffix("</text>")?.to_owned()))
            .collect()
    }

    #[test]
    fn the_values_that_somebody_means_are_marked_and_what_was_found_is_said() {
        let test = test(true);
        let marks = [mark(&test, "candidate", "300ms", (16, 4)), mark(&test, "in force", "1s", (1160, 0))];
        let svg = picture(&test, &marks, Some(&searched(&test))).unwrap();
        let words = words(&svg);
        for expected in [
            "Who succeeds, by directory.request_timeout",
            "99.5 % must succeed",
            "candidate: 300 ms, 80 % succeed",
            "enough from 560 ms on",
            "safe: 840 ms",
            "in force: 1 s, all succeed",
            "refused",
            "People came at the latency of 19:00-20:00 UTC, 41 200 calls.",
        ] {
            assert!(words.iter().any(|words| words == expected), "{expected} in {words:#?}");
        }
        // Four values of the search, two configurations and the safe value.
        assert_eq!(svg.matches("<circle").count(), 7 + 1, "and the legend's own");
    }

    #[test]
    fn without_a_search_the_configurations_alone_are_drawn_over_the_prediction() {
        let test = test(true);
        let svg = picture(&test, &[mark(&test, "candidate", "300ms", (16, 4))], None).unwrap();
        assert!(svg.contains("<polyline") && svg.contains("candidate: 300 ms"), "{svg}");
    }

    #[test]
    fn where_no_setting_is_named_or_no_value_known_there_is_nothing_to_draw() {
        assert_eq!(picture(&test(false), &[], None), None);
        assert_eq!(picture(&test(true), &[], None), None);
    }

    #[test]
    fn words_of_values_close_together_do_not_run_into_each_other() {
        let flag = |ms: u32| Flag { value: MS * ms, words: format!("a name: {ms} ms, all"), colour: INK };
        let flags: Vec<Flag> = [500, 505, 510, 515].map(flag).into();
        let axis = Axis { from: 0.1, to: 1.0 };
        let places = raised(&axis, &flags);
        let lines: std::collections::BTreeSet<u64> = places.iter().map(|(_, y)| *y as u64).collect();
        assert_eq!(lines.len(), 4);
    }
}
