//! Examples on a page: fenced input, then a fenced ```` ```fragment ```` with what it is read as.
//!
//! The word behind the opening fence is the input's syntax, the next one its path (a path is made up
//! where none is given): ```` ```yaml kustomization.yaml ````. Several inputs may stand before one
//! fragment: the last is read, the others are the files around it.

use readers::{Context, read};
use text::{FileId, Source, Syntax, Tree};

use crate::{show, site::Site};

/// The syntax that a fence's language names.
fn syntax(language: &str) -> Option<Syntax> {
    Some(match language {
        "yaml" => Syntax::Yaml,
        "json" => Syntax::Json,
        "toml" => Syntax::Toml,
        "properties" => Syntax::Properties,
        "ini" => Syntax::Ini,
        "env" => Syntax::Env,
        "nginx" => Syntax::Nginx,
        "haproxy" => Syntax::Haproxy,
        _ => return None,
    })
}

/// One input of an example: syntax, path, text.
pub(crate) type Input = (Syntax, String, String);

/// The inputs of every example of a page.
pub(crate) fn inputs(page: &str) -> Vec<Vec<Input>> {
    let mut examples = vec![Vec::new()];
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let inside: String =
            lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        let (language, path) = info.split_once(' ').unwrap_or((info, ""));
        if language == "fragment" {
            examples.push(Vec::new());
        } else if let (Some(syntax), Some(example)) = (syntax(language), examples.last_mut()) {
            let path = if path.is_empty() { format!("example.{language}") } else { path.to_owned() };
            example.push((syntax, path, inside));
        }
    }
    examples.retain(|example| !example.is_empty());
    examples
}

/// How many examples a page has.
pub(crate) fn examples(page: &str) -> usize {
    page.lines().filter(|line| *line == "```fragment").count()
}

/// The page with every fragment as it really comes out. All are read as the dialect, where the page is
/// of one.
pub(crate) fn run(dialect: Option<&str>, page: &str) -> String {
    let mut done = String::new();
    let mut inputs: Vec<Input> = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        done += line;
        done.push('\n');
        let Some(info) = line.strip_prefix("```") else { continue };
        let inside: String =
            lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
        let (language, path) = info.split_once(' ').unwrap_or((info, ""));
        if language == "fragment" {
            assert!(!inputs.is_empty(), "{dialect:?}: a fragment without input");
            done += &fragment(dialect, std::mem::take(&mut inputs));
        } else {
            if let Some(syntax) = syntax(language) {
                let path = if path.is_empty() { format!("example.{language}") } else { path.to_owned() };
                inputs.push((syntax, path, inside.clone()));
            }
            done += &inside;
        }
        done += "```\n";
    }
    assert!(inputs.is_empty(), "{dialect:?}: an example without a fragment");
    done
}

/// What the last input is read as.
fn fragment(dialect: Option<&str>, inputs: Vec<Input>) -> String {
    let (syntax, ..) = *inputs.last().expect("an input");
    let sources = inputs
        .into_iter()
        .enumerate()
        .map(|(id, (_, path, text))| Source::new(FileId(id as u32), path, text))
        .collect();
    let site = Site(sources);
    let source = site.0.last().expect("an input");
    let tree = Tree::parse(syntax, source);
    let fragment = read(&Context { source, neighbours: &site, declared: &[] }, &tree);
    if let Some(dialect) = dialect {
        assert_eq!(fragment.dialect, dialect, "the example is read as another dialect:\n{}", source.text());
    }
    show::fragment(&fragment, &site, source)
}

/// The lines that differ, for people.
pub(crate) fn difference(dialect: &str, page: &str, done: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (page.lines().collect(), done.lines().collect());
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let tail =
        old[same..].iter().rev().zip(new[same..].iter().rev()).take_while(|(old, new)| old == new).count();
    let mut words = format!("the page of {dialect} differs from line {}:\n", same + 1);
    for line in &old[same..old.len() - tail] {
        words += &format!("- {line}\n");
    }
    for line in &new[same..new.len() - tail] {
        words += &format!("+ {line}\n");
    }
    words
}
