//! What a test file may say of its processes and its objective, and what it is told otherwise.

use std::path::Path;

use prove::file::Test;
use text::{FileId, Source};

fn read(process: &str, objective: &str) -> Result<Test, Vec<String>> {
    let text = format!(
        "kind = \"service\"\nname = \"n\"\n[candidate]\nfile = \"a.toml\"\n\
         [[process]]\nname = \"p\"\ncommand = [\"true\"]\nready = {{ ended = true }}\n{process}\n\
         [[step]]\nname = \"ask\"\nurl = \"http://127.0.0.1/\"\n\
         [load]\nat_once = 8\n[objective]\n{objective}\n"
    );
    let source = Source::new(FileId(0), "n.test.toml", text);
    let said = |mistake: model::declared::Mistake| format!("{}: {}", mistake.what, mistake.help);
    prove::parse::parse(&source, &|name| Err(format!("no {name}")))
        .map_err(|mistakes| mistakes.into_iter().map(said).collect())
}

#[test]
fn of_a_number_of_people_all_may_have_to_succeed_and_of_all_who_could_come_never() {
    let test = read("", "good = \"100%\"\npeople = 24").expect("no mistake");
    assert_eq!((test.objective.people, test.objective.may_fail(24)), (Some(24), 0));
    assert_eq!(read("", "good = \"95%\"").expect("no mistake").objective.people, None);
    assert_eq!(
        read("", "good = \"100%\""),
        Err(vec![
            "`100%` is no objective: write \"99.5%\"; \"100%\" only beside `people`, how many come"
                .to_owned()
        ])
    );
    assert_eq!(
        read("", "good = \"95%\"\npeople = 0"),
        Err(vec!["`people` is not from 1 to 1000000: write people = 24".to_owned()])
    );
}

#[test]
fn variables_are_passed_on_by_name() {
    let test = read("pass = [\"HTTPS_PROXY\", \"PIP_*\"]", "good = \"95%\"").expect("no mistake");
    assert_eq!(test.processes[0].pass, ["HTTPS_PROXY", "PIP_*"]);
    assert_eq!(
        read("pass = [\"*_PROXY\"]", "good = \"95%\"").map(drop),
        Err(vec![
            "`*_PROXY` of `pass` names no variable: write pass = [\"HTTPS_PROXY\", \"PIP_*\"]".to_owned()
        ])
    );
}

/// What the page of test files shows, as it is read: of `fault` and `slow_close` it shows one in the place of
/// the other.
#[expect(clippy::disallowed_methods, reason = "reads the page")]
fn documented() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tests.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let example =
        page.split("```toml\n").nth(1).and_then(|from| from.split("```").next()).expect("an example");
    let lines = example.lines().filter(|line| !line.starts_with("slow_close"));
    lines.map(|line| format!("{line}\n")).collect()
}

fn mistakes(text: &str) -> Vec<String> {
    let source = Source::new(FileId(0), "n.test.toml", text);
    let observed = "calls = 41200\n[quantiles]\np50 = \"222ms\"\np99 = \"505ms\"\n";
    let file = |name: &str| Ok(Source::new(FileId(1), name, observed));
    let said = prove::parse::parse(&source, &file).err().unwrap_or_default();
    said.into_iter().map(|mistake| format!("{}: {}", mistake.what, mistake.help)).collect()
}

#[test]
fn the_page_of_test_files_shows_a_test_file() {
    assert_eq!(mistakes(&documented()), [""; 0]);
    let every_key = "kind name candidate process dependency setup step load objective search file set command \
                     environment pass directory ready ready_within stop_within http address connect answer \
                     request on_top fault bandwidth persons rate good within people key unit from to margin awaits";
    for key in every_key.split(' ') {
        assert!(documented().contains(key), "{key}");
    }
}

/// A key left out or misspelt, a table misspelt, a value of another type: wherever it is, it is one mistake.
#[test]
fn one_mistake_is_told_once() {
    let sound = documented();
    let lines: Vec<&str> = sound.lines().collect();
    let mut told = Vec::new();
    let mut try_other = |at: usize, line: &str| {
        let mut text = lines.clone();
        text[at] = line;
        let mistakes = mistakes(&text.join("\n"));
        if mistakes.len() > 1 {
            told.push((line.to_owned(), mistakes));
        }
    };
    for (at, line) in lines.iter().enumerate() {
        // Without its head a table's keys are another one's, and each of them is wrong there.
        if !line.starts_with('[') {
            try_other(at, "");
        }
        // The first two letters of the name exchanged.
        if let Some(first) = line.find(|c: char| c.is_ascii_alphabetic()) {
            let (before, word) = line.split_at(first);
            let swapped: String = [&word[1..2], &word[..1], &word[2..]].concat();
            try_other(at, &format!("{before}{swapped}"));
        }
        if let Some((key, _)) = line.split_once(" = ") {
            for value in ["7", "-1", "true", "\"\"", "\"x\"", "[]", "[7]", "{}", "{ x = 7 }"] {
                try_other(at, &format!("{key} = {value}"));
            }
        }
    }
    // Tables whose parts still stand below the name that was meant, and a name that two places speak of.
    let twice: Vec<(&str, usize)> = told.iter().map(|(line, said)| (line.as_str(), said.len())).collect();
    assert_eq!(twice, [("[acndidate]", 2), ("name = \"x\"", 2), ("[[estup]]", 2)], "{told:#?}");
}
