//! `forewarn completions` and `forewarn man`: what shells and `man` show, made from the arguments
//! themselves.

use audit::{Error, nearest};
use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use crate::CLEAN;
use crate::arguments::Arguments;
use crate::output::to_stdout;

/// Prints what teaches a shell our arguments.
pub(crate) fn completions(shell: Shell) -> Result<u8, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "forewarn", &mut script);
    to_stdout(&String::from_utf8_lossy(&script))?;
    Ok(CLEAN)
}

/// Prints the manual page of a verb, or of forewarn itself.
pub(crate) fn page(verb: Option<&str>) -> Result<u8, Error> {
    let mut whole = Arguments::command();
    whole.build();
    let command = match verb {
        None => whole,
        Some(verb) => verb_of(&whole, verb)?,
    };
    to_stdout(&roff(command).map_err(|error| Error::stopped("man", error.to_string(), "run it again"))?)?;
    Ok(CLEAN)
}

fn verb_of(whole: &Command, verb: &str) -> Result<Command, Error> {
    let verbs: Vec<&str> = whole.get_subcommands().map(Command::get_name).collect();
    let Some(command) = whole.find_subcommand(verb) else {
        let near = nearest(verb, verbs.iter().copied()).map(|near| format!("did you mean `{near}`? "));
        let help = format!("{}verbs: {}", near.unwrap_or_default(), verbs.join(", "));
        return Err(Error::stopped("man", format!("there is no verb `{verb}`"), help));
    };
    Ok(command.clone().version(env!("CARGO_PKG_VERSION")))
}

/// A page as `man` reads it. The text that stands below the options of `--help` has columns of its
/// own, so its parts become sections in which lines stay as they are.
fn roff(command: Command) -> std::io::Result<String> {
    let below = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let (remarks, sections): (Vec<&str>, Vec<&str>) =
        below.split("\n\n").filter(|part| !part.is_empty()).partition(|part| !has_heading(part));
    let has_verbs = command.has_subcommands();
    let man = clap_mangen::Man::new(command).manual("Forewarn");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    for remark in remarks {
        page.extend_from_slice(format!(".PP\n{}", literal(remark)).as_bytes());
    }
    man.render_options_section(&mut page)?;
    if has_verbs {
        man.render_subcommands_section(&mut page)?;
    }
    let mut page = String::from_utf8_lossy(&page).into_owned();
    for section in sections {
        let (heading, lines) = section.split_once('\n').unwrap_or((section, ""));
        let heading = heading.trim_end_matches(':').to_uppercase();
        page.push_str(&format!(".SH {heading}\n.nf\n{}.fi\n", literal(lines)));
    }
    Ok(page)
}

fn has_heading(part: &str) -> bool {
    part.lines().next().is_some_and(|line| line.ends_with(':'))
}

/// Lines in which roff finds nothing to obey.
fn literal(text: &str) -> String {
    let line = |line: &str| {
        let line = line.replace('\\', "\\\\").replace('-', "\\-");
        let is_request = line.starts_with(['.', '\'']);
        format!("{}{line}\n", if is_request { "\\&" } else { "" })
    };
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hold_nothing_that_roff_obeys() {
        assert_eq!(literal(".SH a\n'b\n  --c\\d"), "\\&.SH a\n\\&'b\n  \\-\\-c\\\\d\n");
    }
}
