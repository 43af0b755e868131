//! What the output goes to: a terminal or not, how wide, with colour or without. The only place that
//! reads the environment.

use std::io::IsTerminal as _;

use audit::render::Style;

use crate::arguments::ColorArgument;

/// Columns where nobody says how many.
const WIDTH: usize = 120;

/// The process's surroundings, looked at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    stdout: bool,
    stderr: bool,
    /// `NO_COLOR` is set and not empty (no-color.org).
    no_color: bool,
    /// `CLICOLOR_FORCE` is set and not 0 (bixense.com/clicolors).
    force_color: bool,
    /// `TERM` is `dumb`.
    dumb: bool,
    width: Option<usize>,
    /// `RUST_BACKTRACE` is set and not 0.
    traces: bool,
}

impl Terminal {
    /// Of the running process.
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
    pub(crate) fn of_this_process() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            stdout: std::io::stdout().is_terminal(),
            stderr: std::io::stderr().is_terminal(),
            no_color: set("NO_COLOR").is_some(),
            force_color: set("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
            dumb: set("TERM").is_some_and(|value| value == "dumb"),
            width: terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)),
            traces: set("RUST_BACKTRACE").is_some_and(|value| value != "0"),
        }
    }

    /// How to draw on stdout, or into a file where `to_file`.
    pub(crate) fn stdout(&self, color: ColorArgument, to_file: bool) -> Style {
        self.style(color, self.stdout && !to_file)
    }

    /// How to draw on stderr.
    pub(crate) fn stderr(&self, color: ColorArgument) -> Style {
        self.style(color, self.stderr)
    }

    /// Whether stderr is a terminal, on which a line can be drawn over.
    pub(crate) fn can_redraw(&self) -> bool {
        self.stderr && !self.dumb
    }

    /// Whether both are terminals: then a line on stderr can stand below those of stdout.
    pub(crate) fn is_live(&self) -> bool {
        self.stdout && self.can_redraw()
    }

    /// Whether a failure of Forewarn's own is to be traced.
    pub(crate) fn wants_traces(&self) -> bool {
        self.traces
    }

    fn style(&self, color: ColorArgument, is_terminal: bool) -> Style {
        let colour = match color {
            ColorArgument::Always => true,
            ColorArgument::Never => false,
            ColorArgument::Auto if self.no_color => false,
            ColorArgument::Auto => self.force_color || (is_terminal && !self.dumb),
        };
        // What goes to a file or a pipe is the same on every machine.
        let width = self.width.filter(|_| is_terminal).unwrap_or(WIDTH).max(60);
        Style { colour, width }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_follows_the_argument_then_the_environment_then_the_terminal() {
        let plain = Terminal {
            stdout: false,
            stderr: false,
            no_color: false,
            force_color: false,
            dumb: false,
            width: Some(80),
            traces: false,
        };
        let auto = |terminal: Terminal| terminal.stdout(ColorArgument::Auto, false).colour;
        assert!(!auto(plain));
        assert!(auto(Terminal { stdout: true, ..plain }));
        assert!(!auto(Terminal { stdout: true, dumb: true, ..plain }));
        assert!(!auto(Terminal { stdout: true, no_color: true, ..plain }));
        assert!(auto(Terminal { force_color: true, ..plain }));
        assert!(!auto(Terminal { force_color: true, no_color: true, ..plain }));
        assert!(Terminal { no_color: true, ..plain }.stdout(ColorArgument::Always, false).colour);
        assert!(!Terminal { stdout: true, ..plain }.stdout(ColorArgument::Auto, true).colour);
    }

    #[test]
    fn only_a_terminal_has_a_width_of_its_own() {
        let wide = Terminal {
            stdout: true,
            stderr: false,
            no_color: false,
            force_color: false,
            dumb: false,
            width: Some(200),
            traces: false,
        };
        assert_eq!(wide.stdout(ColorArgument::Auto, false).width, 200);
        assert_eq!(wide.stdout(ColorArgument::Auto, true).width, WIDTH);
    }
}
