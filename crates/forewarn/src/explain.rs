//! `forewarn explain`: a rule's page for a terminal, or the list of rules.

use std::fmt::Write as _;

use audit::{Error, NoticeKind};
use rules::RULES;

use crate::CLEAN;
use crate::arguments::ColorArgument;
use crate::output::to_stdout;
use crate::terminal::Terminal;

/// Prints the page of a rule, or all rules where none is named.
pub(crate) fn run(rule: Option<&str>, terminal: &Terminal) -> Result<u8, Error> {
    let Some(name) = rule else {
        to_stdout(&list())?;
        return Ok(CLEAN);
    };
    let bold = terminal.stdout(ColorArgument::Auto, false).colour;
    if name == "suppressions" || NoticeKind::ALL.iter().any(|kind| kind.name() == name) {
        to_stdout(&page(audit::SUPPRESSIONS, bold))?;
        return Ok(CLEAN);
    }
    let rule = audit::rule_named(name, "explain")?;
    to_stdout(&format!("{}\nIn Forewarn since {}.\n", page(rule.docs, bold), rule.since))?;
    Ok(CLEAN)
}

fn list() -> String {
    let width = RULES.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    let mut shown = String::new();
    for rule in RULES {
        let _ = writeln!(shown, "{:width$}  {}", rule.name, rule.summary);
    }
    shown.push_str("\nNotices, no rules; `forewarn explain suppressions` tells about them:\n");
    for kind in NoticeKind::ALL {
        let _ = writeln!(shown, "{:width$}  {}", kind.name(), kind.summary());
    }
    shown
}

/// Markdown as a terminal shows it best: headings bare, code indented, all else as it is written.
fn page(markdown: &str, bold: bool) -> String {
    let mut shown = String::new();
    let mut in_code = false;
    for line in markdown.lines() {
        if let Some(info) = line.trim_start().strip_prefix("```") {
            in_code = !in_code;
            // The name of the example's file is worth a line of its own.
            if let Some((_, file)) = info.split_once("file=") {
                let _ = writeln!(shown, "    {}:", file.split_whitespace().next().unwrap_or(file));
            }
        } else if in_code {
            let _ = writeln!(shown, "{}", format!("    {line}").trim_end());
        } else if let Some(heading) = line.strip_prefix('#') {
            let heading = heading.trim_start_matches('#').trim();
            let _ = if bold {
                writeln!(shown, "\u{1b}[1m{heading}\u{1b}[0m")
            } else {
                writeln!(shown, "{}", heading.to_uppercase())
            };
        } else {
            let _ = writeln!(shown, "{line}");
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_bare_headings_and_indented_code() {
        let markdown =
            "# name\n\nText with `code`.\n\n## Examples\n\n```toml file=a.toml\nx = 1\n\ny = 2\n```\n";
        insta::assert_snapshot!(page(markdown, false), @r#"
        NAME

        Text with `code`.

        EXAMPLES

            a.toml:
            x = 1

            y = 2
        "#);
    }
}
