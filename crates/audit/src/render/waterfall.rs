//! A chain of time budgets as a picture: an SVG waterfall that stands alone, to paste into a review.
//! Every wait is a bar from where it can start to where it ends at the latest; what runs past the budget
//! of the caller above is set off. No script, no font but the reader's, no colour alone as a sign.

use std::time::Duration;

use draw::{
    ATTEMPT, BACKOFF, BEYOND, BOLD, CHARACTER, CONNECT, Canvas, FAINT, GRID, INK, LEFT, WIDTH, clip, width,
    wrapped,
};
use model::{Limit, pretty};

use super::budget::{assumptions, left, measured, quantile};
use super::table::place;
use super::{count, plain};
use crate::Outcome;
use crate::chain::{Chain, Hop, Piece, Slack};

const MARGIN: f64 = 28.0;
/// Where the time axis starts and ends.
const CHART: (f64, f64) = (330.0, 930.0);
const TOP: f64 = 104.0;
const BAR: f64 = 18.0;
/// Between lines of notes, and of the legend.
const LINE: f64 = 17.0;
/// How a connect is set off from the attempt after it.
const OUTLINED: &str = "rx=\"2\" stroke=\"#2f6f9f\"";
/// How a wait of unknown length is drawn.
const DOTS: &str = "stroke-dasharray=\"1 5\" stroke-width=\"2\"";

/// The picture of a chain.
pub fn waterfall(outcome: &Outcome, chain: &Chain) -> String {
    let axis = Axis::of(chain);
    let rows = Rows::of(chain);
    let mut notes = Vec::new();
    if chain.left_out > 0 {
        notes.push(format!("and {} more, with all they lead to", count(chain.left_out, "call")));
    }
    for note in assumptions(chain) {
        notes.extend(wrapped(&format!("assuming {}", plain(&note)), WIDTH - 2.0 * MARGIN, 12.0));
    }
    let legend = Legend::of(chain);
    let under = rows.bottom() + 36.0 + LINE * legend.lines.len() as f64;
    let height = under + 13.0 + LINE * notes.len() as f64;
    let mut canvas = Canvas::new(height, &format!("Time budgets from {}", plain(&chain.hops[0].service)));
    heading(&mut canvas, chain, &axis);
    axis.draw(&mut canvas, rows.bottom());
    for index in 0..chain.hops.len() {
        branch(&mut canvas, chain, index, &rows);
        guide(&mut canvas, chain, index, &axis, &rows);
    }
    for (index, hop) in chain.hops.iter().enumerate() {
        let y = rows.top(index);
        names(&mut canvas, outcome, hop, rows.indent(hop), y);
        wait(&mut canvas, hop, &axis, y);
    }
    legend.draw(&mut canvas, rows.bottom() + 30.0);
    for (line, note) in notes.iter().enumerate() {
        canvas.text(MARGIN, under + 13.0 + LINE * (line as f64 - 0.5), 12.0, FAINT, note);
    }
    canvas.end()
}

/// Where each hop has its row; one with less to say takes less room.
struct Rows {
    /// Their upper ends, and the lower end of the last.
    tops: Vec<f64>,
    /// How far the name of a callee stands behind that of its caller.
    step: f64,
}

impl Rows {
    /// The room for all steps: names have what is left.
    const INDENTS: f64 = 144.0;

    fn of(chain: &Chain) -> Self {
        let mut tops = vec![TOP];
        let mut y = TOP;
        for hop in &chain.hops {
            let is_bare = hop.wait.is_none() && hop.own.is_none() && hop.calls == 1 && !hop.again;
            y += match (hop.observed.is_empty() && hop.own.is_none(), is_bare) {
                (false, _) => 54.0,
                (true, false) => 46.0,
                (true, true) => 36.0,
            };
            tops.push(y);
        }
        let deepest = chain.hops.iter().map(|hop| hop.depth).max().unwrap_or(0);
        Self { tops, step: (Self::INDENTS / deepest.max(1) as f64).min(18.0) }
    }

    fn top(&self, index: usize) -> f64 {
        self.tops[index]
    }

    fn bottom(&self) -> f64 {
        self.tops[self.tops.len() - 1]
    }

    /// Where the name of a hop starts.
    fn indent(&self, hop: &Hop) -> f64 {
        MARGIN + self.step * hop.depth as f64
    }
}

/// From time to place.
struct Axis {
    end: Duration,
    /// Some time is known: else there is nothing to measure by.
    is_known: bool,
    /// Lengths differ so much that short ones could not be seen: the axis shows square roots.
    bent: bool,
}

impl Axis {
    /// Beyond this ratio of the longest time to the shortest wait a straight axis hides the short ones.
    const STRAIGHT: f64 = 60.0;

    fn of(chain: &Chain) -> Self {
        let waits = || chain.hops.iter().filter_map(|hop| Some((hop, hop.wait.as_ref()?.most.finite()?)));
        let own = chain
            .hops
            .iter()
            .filter_map(|hop| Some(hop.reached().saturating_add(hop.own.as_ref()?.0.finite()?)));
        let seen = chain.hops.iter().filter_map(|hop| Some(hop.start.saturating_add(hop.observed.last()?.1)));
        let ends = waits().map(|(hop, most)| hop.start.saturating_add(most));
        let end = ends.chain(own).chain(seen).max().filter(|end| !end.is_zero());
        let is_known = end.is_some();
        let end = end.unwrap_or(Duration::from_secs(1));
        let shortest = waits().map(|(_, most)| most).filter(|most| !most.is_zero()).min().unwrap_or(end);
        Self { end, is_known, bent: end.as_secs_f64() / shortest.as_secs_f64() > Self::STRAIGHT }
    }

    fn x(&self, time: Duration) -> f64 {
        let share = (time.as_secs_f64() / self.end.as_secs_f64()).min(1.0);
        CHART.0 + (CHART.1 - CHART.0) * if self.bent { share.sqrt() } else { share }
    }

    /// Round times that stand far enough apart, zero not among them.
    fn ticks(&self) -> Vec<Duration> {
        const APART: f64 = 74.0;
        const ROUND: [u64; 3] = [1, 2, 5];
        const MINUTES: [u64; 14] =
            [60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172_800, 604_800];
        let below_a_minute = (0..5).flat_map(|power| ROUND.map(|step| step * 10_u64.pow(power)));
        let short =
            below_a_minute.chain([15_000, 30_000]).filter(|&ms| ms <= 30_000).map(Duration::from_millis);
        let mut round: Vec<Duration> = short.chain(MINUTES.map(Duration::from_secs)).collect();
        round.sort();
        if self.bent {
            let mut ticks = Vec::new();
            let mut before = CHART.0;
            for time in round.into_iter().filter(|&time| time <= self.end) {
                if self.x(time) - before >= APART {
                    before = self.x(time);
                    ticks.push(time);
                }
            }
            return ticks;
        }
        let step = round.into_iter().find(|&step| self.x(step) - CHART.0 >= APART).unwrap_or(self.end);
        std::iter::successors(Some(step), |time| time.checked_add(step))
            .take_while(|time| *time <= self.end)
            .collect()
    }

    fn draw(&self, canvas: &mut Canvas, bottom: f64) {
        /// Room for the label of the end beside that of the last tick.
        const LAST: f64 = 38.0;
        if !self.is_known {
            return;
        }
        let mut ticks = self.ticks();
        let last = ticks.last().map_or(CHART.0, |&tick| self.x(tick));
        if self.x(self.end) - last >= LAST {
            ticks.push(self.end);
        }
        for time in std::iter::once(Duration::ZERO).chain(ticks) {
            let x = self.x(time);
            canvas.line((x, TOP - 8.0), (x, bottom), GRID, "");
            let label = if time.is_zero() { "0".to_owned() } else { pretty(time) };
            canvas.anchored("middle", x, TOP - 14.0, 11.0, FAINT, &label);
        }
    }
}

/// The last call of a hop.
fn last_call(chain: &Chain, index: usize) -> Option<usize> {
    chain.hops.iter().rposition(|other| other.caller == index && other.depth > 0)
}

/// When a hop's budget for one request ends.
fn end(hop: &Hop) -> Option<Duration> {
    Limit::After(hop.reached()).then(hop.has()).finite()
}

/// The line that leads from a hop to its calls.
fn branch(canvas: &mut Canvas, chain: &Chain, index: usize, rows: &Rows) {
    const COLOUR: &str = "#b8c1ca";
    let Some(last) = last_call(chain, index) else { return };
    let stem = rows.indent(&chain.hops[index]) + rows.step * 0.28;
    let from = rows.top(index) + if has_second_line(&chain.hops[index]) { 43.0 } else { 29.0 };
    canvas.line((stem, from), (stem, rows.top(last) + 19.0), COLOUR, "");
    for (call, hop) in chain.hops.iter().enumerate().filter(|(_, hop)| hop.caller == index && hop.depth > 0) {
        let y = rows.top(call) + 19.0;
        canvas.line((stem, y), ((rows.indent(hop) - 4.0).max(stem), y), COLOUR, "");
    }
}

/// Whether something stands below the name of a hop.
fn has_second_line(hop: &Hop) -> bool {
    hop.wait.is_some() || hop.own.is_some() || hop.calls > 1 || hop.again
}

/// The end of a hop's budget, as a line down to the last of its calls.
fn guide(canvas: &mut Canvas, chain: &Chain, index: usize, axis: &Axis, rows: &Rows) {
    let hop = &chain.hops[index];
    let (Some(last), Some(end)) = (last_call(chain, index), end(hop)) else { return };
    let x = axis.x(end);
    let (from, to) = (rows.top(index) + 10.0 + BAR, rows.top(last + 1) - 6.0);
    canvas.line((x, from), (x, to), INK, "stroke-dasharray=\"3 3\" stroke-opacity=\"0.55\"");
}

/// The bar of a wait, what was measured in it, and what it leaves.
fn wait(canvas: &mut Canvas, hop: &Hop, axis: &Axis, y: f64) {
    let (from, top) = (axis.x(hop.start), y + 10.0);
    if let Some((Limit::After(own), _)) = &hop.own {
        let (from, to) = (axis.x(hop.reached()), axis.x(hop.reached().saturating_add(*own)));
        let words = format!("its own limit: {}", pretty(*own));
        canvas.line((from, top + BAR + 3.5), (to, top + BAR + 3.5), INK, "stroke-width=\"1.5\"");
        canvas.line((to, top + BAR), (to, top + BAR + 7.0), INK, "stroke-width=\"1.5\"");
        if hop.depth == 0 {
            canvas.beside(to, None, top + BAR - 4.0, &words);
        } else {
            canvas.text(LEFT, top + 29.0, 10.5, FAINT, &words);
        }
    }
    let Some(wait) = &hop.wait else {
        if hop.depth > 0 {
            let middle = top + BAR / 2.0;
            canvas.line((from, middle), (CHART.1, middle), FAINT, DOTS);
            canvas.anchored("start", from + 8.0, middle - 5.0, 11.0, FAINT, "no limit known");
        } else if hop.own.is_none() {
            canvas.anchored("start", from + 8.0, y + 23.0, 11.0, FAINT, "no limit of its own is known");
        }
        return;
    };
    let Some(most) = wait.most.finite() else {
        canvas.rect((from, top), (CHART.1 - from, BAR), "url(#endless)", "rx=\"3\"");
        canvas.anchored("start", from + 8.0, top + 13.0, 12.0, "#ffffff", "no limit");
        canvas.text(LEFT, top + 13.0, 12.0, BEYOND, "waits without end");
        return;
    };
    let end = hop.start.saturating_add(most);
    let deadline = match wait.slack {
        Some(Slack::Over(over)) => end.saturating_sub(over).max(hop.start),
        _ => end,
    };
    let mut time = hop.start;
    for piece in &wait.pieces {
        let (colour, inset) = match piece {
            Piece::Connect(_) => (CONNECT, 3.0),
            Piece::Attempt(_) => (ATTEMPT, 0.0),
            Piece::Backoff(_) => (BACKOFF, 5.0),
        };
        let next = time.saturating_add(piece.length()).min(end);
        let cut = deadline.clamp(time, next);
        for (start, stop, colour) in [(time, cut, colour), (cut, next, BEYOND)] {
            let width = axis.x(stop) - axis.x(start) - if inset > 0.0 { 0.0 } else { 1.0 };
            if stop > start {
                let at = (axis.x(start), top + inset);
                let outline = if colour == CONNECT { OUTLINED } else { "rx=\"2\"" };
                canvas.rect(at, (width.max(1.0), BAR - 2.0 * inset), colour, outline);
            }
        }
        time = next;
    }
    let last = wait.pieces.last().map_or(Duration::ZERO, |piece| piece.length());
    canvas.beside(axis.x(end), Some(axis.x(end.saturating_sub(last))), top + 13.0, &wait.sum);
    seen(canvas, hop, axis, top + BAR + 13.0);
    let colour = if matches!(wait.slack, Some(Slack::Over(_))) { BEYOND } else { FAINT };
    let words = match wait.slack {
        Some(Slack::Left(_)) => format!("leaves {}", left(hop)),
        Some(Slack::Over(_)) => left(hop),
        None => String::new(),
    };
    canvas.text(LEFT, top + 13.0, 12.0, colour, &words);
}

/// Measured quantiles as marks below the bar, told in one line beside them.
fn seen(canvas: &mut Canvas, hop: &Hop, axis: &Axis, y: f64) {
    let x = |latency: Duration| axis.x(hop.start.saturating_add(latency));
    for &(share, latency) in &hop.observed {
        canvas.diamond(x(latency), y, &format!("{} {}", quantile(share), pretty(latency)));
    }
    let (Some(first), Some(last)) = (hop.observed.first(), hop.observed.last()) else { return };
    let words = measured(hop);
    let width = width(&words, 10.5, CHARACTER);
    if x(last.1) + 10.0 + width < LEFT {
        canvas.anchored("start", x(last.1) + 9.0, y + 3.5, 10.5, FAINT, &words);
    } else if x(first.1) - 10.0 - width > CHART.0 {
        canvas.anchored("end", x(first.1) - 9.0, y + 3.5, 10.5, FAINT, &words);
    }
}

/// What the marks of a picture mean: those that are in it.
struct Legend {
    lines: Vec<Vec<(Mark, f64)>>,
}

#[derive(Clone, Copy)]
enum Mark {
    Connect,
    Attempt,
    Backoff,
    Beyond,
    Endless,
    Unknown,
    Measured,
    Budget,
    Own,
}

impl Mark {
    const ALL: [Self; 9] = [
        Self::Connect,
        Self::Attempt,
        Self::Backoff,
        Self::Beyond,
        Self::Endless,
        Self::Unknown,
        Self::Measured,
        Self::Budget,
        Self::Own,
    ];

    fn words(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Attempt => "an attempt",
            Self::Backoff => "wait before the next",
            Self::Beyond => "past the end of the caller's budget",
            Self::Endless => "may wait without end",
            Self::Unknown => "no limit known",
            Self::Measured => "measured",
            Self::Budget => "end of a service's budget for one request",
            Self::Own => "the service's own limit on its work",
        }
    }

    fn is_in(self, chain: &Chain) -> bool {
        let hops = &chain.hops;
        let mut waits = hops.iter().filter_map(|hop| hop.wait.as_ref());
        match self {
            Self::Connect => waits.any(|wait| wait.pieces.iter().any(|p| matches!(p, Piece::Connect(_)))),
            Self::Attempt => waits.any(|wait| wait.pieces.iter().any(|p| matches!(p, Piece::Attempt(_)))),
            Self::Backoff => waits.any(|wait| wait.pieces.iter().any(|p| matches!(p, Piece::Backoff(_)))),
            Self::Beyond => waits.any(|wait| matches!(wait.slack, Some(Slack::Over(_)))),
            Self::Endless => waits.any(|wait| wait.most == Limit::Never),
            Self::Unknown => hops.iter().any(|hop| hop.depth > 0 && hop.wait.is_none()),
            Self::Measured => hops.iter().any(|hop| !hop.observed.is_empty()),
            Self::Budget => {
                hops.iter().enumerate().any(|(i, hop)| last_call(chain, i).is_some() && end(hop).is_some())
            }
            Self::Own => hops.iter().any(|hop| hop.own.is_some()),
        }
    }

    fn draw(self, canvas: &mut Canvas, x: f64, y: f64) {
        let mut square = |fill: &str| canvas.rect((x, y - 6.0), (13.0, 11.0), fill, "rx=\"2\"");
        match self {
            Self::Connect => canvas.rect((x, y - 5.0), (13.0, 9.0), CONNECT, OUTLINED),
            Self::Attempt => square(ATTEMPT),
            Self::Backoff => square(BACKOFF),
            Self::Beyond => square(BEYOND),
            Self::Endless => square("url(#endless)"),
            Self::Unknown => canvas.line((x, y), (x + 13.0, y), FAINT, DOTS),
            Self::Measured => canvas.diamond(x + 6.0, y, "measured"),
            Self::Budget => {
                canvas.line((x + 6.0, y - 8.0), (x + 6.0, y + 7.0), INK, "stroke-dasharray=\"3 3\"");
            }
            Self::Own => {
                canvas.line((x, y), (x + 13.0, y), INK, "stroke-width=\"1.5\"");
                canvas.line((x + 13.0, y - 4.0), (x + 13.0, y + 4.0), INK, "stroke-width=\"1.5\"");
            }
        }
    }
}

impl Legend {
    const SIZE: f64 = 11.5;

    fn of(chain: &Chain) -> Self {
        let mut lines = vec![Vec::new()];
        let mut x = MARGIN;
        for mark in Mark::ALL.into_iter().filter(|mark| mark.is_in(chain)) {
            let takes = 36.0 + width(mark.words(), Self::SIZE, CHARACTER);
            if x + takes > WIDTH {
                lines.push(Vec::new());
                x = MARGIN;
            }
            lines.last_mut().into_iter().for_each(|line| line.push((mark, x)));
            x += takes;
        }
        Self { lines }
    }

    fn draw(&self, canvas: &mut Canvas, top: f64) {
        for (line, marks) in self.lines.iter().enumerate() {
            let y = top + LINE * line as f64;
            for &(mark, x) in marks {
                mark.draw(canvas, x, y);
                canvas.text(x + 20.0, y + 4.0, Self::SIZE, FAINT, mark.words());
            }
        }
    }
}

fn heading(canvas: &mut Canvas, chain: &Chain, axis: &Axis) {
    let edge = plain(&chain.hops[0].service);
    let title = format!("How long a request to {} may take", clip(&edge, 640.0, 19.0, BOLD));
    canvas.bold(MARGIN, 36.0, 19.0, &title);
    let order = "each call to its limit, those of one service one after the other";
    let bent = if axis.bent { "; square-root time axis" } else { "" };
    let words = format!("environment {}: {order}{bent}", plain(&chain.environment));
    canvas.text(MARGIN, 58.0, 12.5, FAINT, &words);
}

/// The service of a row, and below it how often it is called and where its wait is written.
fn names(canvas: &mut Canvas, outcome: &Outcome, hop: &Hop, x: f64, y: f64) {
    let room = CHART.0 - 12.0 - x;
    canvas.bold(x, y + 23.0, 13.5, &clip(&plain(&hop.service), room, 13.5, BOLD));
    let mut below = Vec::new();
    if hop.calls > 1 {
        below.push(count(hop.calls, "call"));
    }
    if hop.again {
        below.push("see above".to_owned());
    }
    let origin = match (&hop.wait, &hop.own) {
        (Some(wait), _) => Some(&wait.origin),
        (None, Some((_, origin))) => Some(origin),
        (None, None) => None,
    };
    let taken = below.iter().map(|words| width(words, 10.5, CHARACTER) + 12.0).sum::<f64>();
    below.extend(origin.map(|origin| {
        let default = if origin.is_default() { " (default)" } else { "" };
        let place = format!("{}{default}", place(outcome, origin).shown());
        clip(&place, room - taken, 10.5, CHARACTER)
    }));
    canvas.text(x, y + 38.0, 10.5, FAINT, &below.join(" · "));
}
