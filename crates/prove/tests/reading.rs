//! What a test file may say of its processes and its objective, and what it is told otherwise.

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
