//! What a run may write over. Configuration is what Forewarn reads, so a slip of the finger after
//! `--output` must not cost anybody theirs; only what a run like it wrote before is replaced. Writes
//! nothing.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use text::{FileId, Source};

/// Endings of names under which there is configuration and never a report of ours.
const CONFIGURATION: &[&str] = &["yaml", "yml", "toml", "properties", "ini", "conf", "cfg", "env"];

/// Enough of a report to recognise it by.
const HEAD: u64 = 512;

/// Why a file that is there must not be replaced by a report; `None` where it may be.
#[expect(clippy::disallowed_methods, reason = "what is there only the disk knows")]
pub(crate) fn kept(path: &Path) -> Option<&'static str> {
    if !fs::metadata(path).is_ok_and(|there| there.is_file()) {
        return None;
    }
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    // `.env.production` too.
    if CONFIGURATION.contains(&ending) || name.starts_with(".env.") {
        return Some("is configuration, and configuration is never replaced");
    }
    let may_be_replaced = ending != "json" || head(path).is_ok_and(|head| is_report(&head));
    (!may_be_replaced).then_some("is no report of Forewarn's, and other JSON is never replaced")
}

/// Why a file that is there must not be replaced by a measurement of a hash; `None` where it may be.
#[expect(clippy::disallowed_methods, reason = "what is there only the disk knows")]
pub(crate) fn kept_from_measurement(path: &Path) -> Option<&'static str> {
    if !fs::metadata(path).is_ok_and(|there| there.is_file()) {
        return None;
    }
    if path.file_name().is_some_and(|name| name == audit::CONFIG_NAME) {
        return Some("holds more than measurements, and is never replaced");
    }
    let may_be_replaced = head(path).is_ok_and(|head| head.len() < HEAD as usize && is_measurement(&head));
    (!may_be_replaced).then_some("is no measurement of one hash, and other files are never replaced")
}

/// Whether a text is one measurement as we write them, whose loss a new one makes good, or is empty.
/// A comment is somebody's own.
fn is_measurement(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let source = Source::new(FileId(0), "", text);
    let is_one = || audit::config::parse_hashes(&source).is_ok_and(|hashes| hashes.len() == 1);
    text.trim().is_empty() || (!text.contains('#') && is_one())
}

/// The first bytes of a file.
#[expect(clippy::disallowed_methods, reason = "the binary looks at what it is to replace")]
fn head(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}

/// Whether JSON begins as `--format json` or `sarif` writes it, or is empty: nothing is lost then.
/// Blanks do not count: a report may have been indented anew or checked out with other line ends.
fn is_report(head: &[u8]) -> bool {
    let head: String = String::from_utf8_lossy(head).chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let is_json = head.strip_prefix("{\"version\":").is_some_and(|rest| {
        rest.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(",\"summary\":{")
    });
    let is_sarif = head.starts_with("{\"$schema\":\"")
        && head.contains("\"runs\":[{\"tool\":{\"driver\":{\"name\":\"Forewarn\"");
    head.is_empty() || is_json || is_sarif
}

#[cfg(test)]
mod tests {
    use super::*;
    use audit::{Outcome, render};

    #[test]
    fn reports_of_ours_are_recognised_and_other_json_is_not() {
        let outcome = Outcome::default();
        for report in [render::json(&outcome), render::sarif(&outcome), String::new()] {
            let head: Vec<u8> = report.bytes().take(HEAD as usize).collect();
            assert!(is_report(&head), "{report}");
        }
        for other in
            ["{}", "old", "{\"version\": 1, \"findings\": []}", "{\"$schema\": \"x\", \"timeout\": 3}"]
        {
            assert!(!is_report(other.as_bytes()), "{other}");
        }
    }
}
