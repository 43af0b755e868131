//! What a picture is drawn with: words, lines and bars in an SVG, and how much room words take. Knows
//! nothing of what is drawn, hides no secret, and touches neither disk nor terminal.

mod xml;

use std::fmt::Write as _;

pub use xml::escaped;

/// Whether a letter takes twice the room of a Latin one: the blocks whose letters are wide in Unicode's
/// `EastAsianWidth.txt`.
#[must_use]
pub fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{303e}' | '\u{3041}'..='\u{a4cf}')
        || matches!(c, '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}')
        || matches!(c, '\u{ff01}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{1f300}'..='\u{1f64f}')
        || matches!(c, '\u{1f900}'..='\u{1f9ff}' | '\u{20000}'..='\u{3fffd}')
}

/// How wide a picture is.
pub const WIDTH: f64 = 1120.0;
/// Where the last column starts.
pub const LEFT: f64 = 950.0;
/// Width of a usual letter of text of size 1, about, in the wider of the sans-serif fonts of our time.
pub const CHARACTER: f64 = 0.62;
/// The same of bold text.
pub const BOLD: f64 = 0.7;

/// What is written.
pub const INK: &str = "#1c2733";
/// What is said beside it.
pub const FAINT: &str = "#66727f";
/// Lines to measure by.
pub const GRID: &str = "#e4e8ec";
/// What is done, and what is measured.
pub const ATTEMPT: &str = "#2f6f9f";
/// What is waited for, and how sure a measure is.
pub const BACKOFF: &str = "#a9c8de";
/// What comes before.
pub const CONNECT: &str = "#e3edf4";
/// What is past its bound.
pub const BEYOND: &str = "#c8372d";
/// What was observed.
pub const SEEN: &str = "#e0a100";

/// How wide text is, about: rather too wide than too narrow. Letters of East Asia are as wide as high.
#[must_use]
pub fn width(text: &str, size: f64, of_a_letter: f64) -> f64 {
    let share = |letter| match letter {
        letter if is_wide(letter) => 1.0,
        'm' | 'w' | 'M' | 'W' | '@' | '…' => of_a_letter * 1.55,
        'i' | 'j' | 'l' | 'f' | 't' | 'r' | 'I' | ' ' | '.' | ',' | ':' | ';' | '-' | '/' | '(' | ')' => {
            of_a_letter * 0.65
        }
        _ => of_a_letter,
    };
    text.chars().map(|letter| size * share(letter)).sum()
}

/// Words in lines of a width.
#[must_use]
pub fn wrapped(text: &str, most: f64, size: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width(line, size, CHARACTER) + width(word, size, CHARACTER) + size < most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(clip(word, most, size, CHARACTER)),
        }
    }
    lines
}

/// Shortens what is too long for its place: of a path the front, for its end tells it from others; of
/// other names the middle.
#[must_use]
pub fn clip(text: &str, most: f64, size: f64, of_a_letter: f64) -> String {
    if width(text, size, of_a_letter) <= most {
        return text.to_owned();
    }
    let room = most - width("…", size, of_a_letter);
    let fits = |letters: &mut dyn Iterator<Item = char>, room: f64| {
        let mut used = 0.0;
        let mut kept = Vec::new();
        for letter in letters {
            used += width(letter.encode_utf8(&mut [0; 4]), size, of_a_letter);
            if used > room {
                break;
            }
            kept.push(letter);
        }
        kept
    };
    let share = if text.contains('/') { 0.0 } else { 1.0 / 3.0 };
    let first = fits(&mut text.chars(), room * share);
    let last: String = fits(&mut text.chars().rev(), room * (1.0 - share)).into_iter().rev().collect();
    // Half a folder's name says nothing.
    let last = match last.find('/') {
        Some(folder) => &last[folder..],
        None => &last,
    };
    first.into_iter().chain(['…']).chain(last.chars()).collect()
}

/// A picture in the making.
#[derive(Debug)]
pub struct Canvas {
    svg: String,
}

impl Canvas {
    /// A picture of the usual width and a height; its title is for who cannot see it.
    #[must_use]
    pub fn new(height: f64, title: &str) -> Self {
        let mut svg = String::new();
        let _ = writeln!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             height=\"{height}\" role=\"img\" font-family=\"system-ui, -apple-system, 'Segoe UI', \
             'DejaVu Sans', sans-serif\">"
        );
        let _ = writeln!(svg, "<title>{}</title>", escaped(title));
        svg.push_str(
            "<defs><linearGradient id=\"endless\"><stop offset=\"0\" stop-color=\"#c8372d\"/>\
             <stop offset=\"1\" stop-color=\"#c8372d\" stop-opacity=\"0.08\"/></linearGradient></defs>\n",
        );
        let mut canvas = Self { svg };
        canvas.rect((0.0, 0.0), (WIDTH, height), "#ffffff", "");
        canvas
    }

    /// Words right of a place; where the right has no room, inside the bar that begins at `filled`, and
    /// where that is too short, above it.
    pub fn beside(&mut self, x: f64, filled: Option<f64>, y: f64, words: &str) {
        let width = width(words, 12.0, CHARACTER);
        if x + 8.0 + width < LEFT - 6.0 {
            self.anchored("start", x + 7.0, y, 12.0, INK, words);
        } else if filled.is_some_and(|from| x - from > width + 14.0) {
            self.anchored("end", x - 8.0, y, 12.0, "#ffffff", words);
        } else if filled.is_some() {
            self.anchored("end", x, y - 16.0, 11.0, INK, words);
        } else {
            self.anchored("end", x - 8.0, y, 12.0, INK, words);
        }
    }

    /// A box.
    pub fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str, more: &str) {
        let _ = writeln!(
            self.svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\" {more}/>"
        );
    }

    /// A line from one place to another.
    pub fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), colour: &str, more: &str) {
        let _ = writeln!(
            self.svg,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\" {more}/>"
        );
    }

    /// A mark whose title is shown to who points at it.
    pub fn diamond(&mut self, x: f64, y: f64, title: &str) {
        let _ = writeln!(
            self.svg,
            "<path d=\"M{x:.1} {:.1}l4.5 4.5l-4.5 4.5l-4.5 -4.5z\" fill=\"{SEEN}\" stroke=\"{INK}\" \
             stroke-width=\"0.7\"><title>{}</title></path>",
            y - 4.5,
            escaped(title)
        );
    }

    /// A dot whose title is shown to who points at it.
    pub fn dot(&mut self, (x, y): (f64, f64), radius: f64, fill: &str, title: &str) {
        let _ = writeln!(
            self.svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"{fill}\" stroke=\"#ffffff\" \
             stroke-width=\"1\"><title>{}</title></circle>",
            escaped(title)
        );
    }

    /// A line through many places.
    pub fn curve(&mut self, places: &[(f64, f64)], colour: &str, more: &str) {
        let mut points = String::new();
        for (x, y) in places {
            let _ = write!(points, "{x:.1},{y:.1} ");
        }
        let _ = writeln!(
            self.svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" {more}/>",
            points.trim_end()
        );
    }

    /// Words that stand out.
    pub fn bold(&mut self, x: f64, y: f64, size: f64, words: &str) {
        let _ = writeln!(
            self.svg,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" font-weight=\"600\" fill=\"{INK}\">{}</text>",
            escaped(words)
        );
    }

    /// Words from a place on.
    pub fn text(&mut self, x: f64, y: f64, size: f64, colour: &str, words: &str) {
        self.anchored("start", x, y, size, colour, words);
    }

    /// Words at a place: from it on, around it or up to it.
    pub fn anchored(&mut self, anchor: &str, x: f64, y: f64, size: f64, colour: &str, words: &str) {
        if words.is_empty() {
            return;
        }
        // Lines behind words make them hard to read; inside a bar there are none.
        let halo = if colour == "#ffffff" {
            ""
        } else {
            " stroke=\"#ffffff\" stroke-width=\"3\" paint-order=\"stroke\""
        };
        let _ = writeln!(
            self.svg,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"{colour}\"{halo}>{}</text>",
            escaped(words)
        );
    }

    /// The picture.
    #[must_use]
    pub fn end(mut self) -> String {
        self.svg.push_str("</svg>\n");
        self.svg
    }
}
