//! What a picture is drawn with: words, lines and bars in an SVG, and how much room words take. Knows
//! nothing of calls and budgets.

use std::fmt::Write as _;

use super::plain;
use super::xml::escaped;
use crate::plain::is_wide;

pub(super) const WIDTH: f64 = 1120.0;
/// Where the last column starts.
pub(super) const LEFT: f64 = 950.0;
/// Width of a usual letter of text of size 1, about, in the wider of the sans-serif fonts of our time.
pub(super) const CHARACTER: f64 = 0.62;
/// The same of bold text.
pub(super) const BOLD: f64 = 0.7;

pub(super) const INK: &str = "#1c2733";
pub(super) const FAINT: &str = "#66727f";
pub(super) const GRID: &str = "#e4e8ec";
pub(super) const ATTEMPT: &str = "#2f6f9f";
pub(super) const BACKOFF: &str = "#a9c8de";
pub(super) const CONNECT: &str = "#e3edf4";
pub(super) const BEYOND: &str = "#c8372d";
pub(super) const SEEN: &str = "#e0a100";

/// How wide text is, about: rather too wide than too narrow. Letters of East Asia are as wide as high.
pub(super) fn width(text: &str, size: f64, of_a_letter: f64) -> f64 {
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
pub(super) fn wrapped(text: &str, most: f64, size: f64) -> Vec<String> {
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
pub(super) fn clip(text: &str, most: f64, size: f64, of_a_letter: f64) -> String {
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
pub(super) struct Canvas {
    svg: String,
}

impl Canvas {
    pub(super) fn new(height: f64, edge: &str) -> Self {
        let mut svg = String::new();
        let _ = writeln!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             height=\"{height}\" role=\"img\" font-family=\"system-ui, -apple-system, 'Segoe UI', \
             'DejaVu Sans', sans-serif\">"
        );
        let _ = writeln!(svg, "<title>Time budgets from {}</title>", escaped(&plain(edge)));
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
    pub(super) fn beside(&mut self, x: f64, filled: Option<f64>, y: f64, words: &str) {
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

    pub(super) fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str, more: &str) {
        let _ = writeln!(
            self.svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\" {more}/>"
        );
    }

    pub(super) fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), colour: &str, more: &str) {
        let _ = writeln!(
            self.svg,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\" {more}/>"
        );
    }

    pub(super) fn diamond(&mut self, x: f64, y: f64, title: &str) {
        let _ = writeln!(
            self.svg,
            "<path d=\"M{x:.1} {:.1}l4.5 4.5l-4.5 4.5l-4.5 -4.5z\" fill=\"{SEEN}\" stroke=\"{INK}\" \
             stroke-width=\"0.7\"><title>{}</title></path>",
            y - 4.5,
            escaped(title)
        );
    }

    pub(super) fn bold(&mut self, x: f64, y: f64, size: f64, words: &str) {
        let _ = writeln!(
            self.svg,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" font-weight=\"600\" fill=\"{INK}\">{}</text>",
            escaped(words)
        );
    }

    pub(super) fn text(&mut self, x: f64, y: f64, size: f64, colour: &str, words: &str) {
        self.anchored("start", x, y, size, colour, words);
    }

    pub(super) fn anchored(&mut self, anchor: &str, x: f64, y: f64, size: f64, colour: &str, words: &str) {
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

    pub(super) fn end(mut self) -> String {
        self.svg.push_str("</svg>\n");
        self.svg
    }
}
