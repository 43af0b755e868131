//! HAProxy: its sections, its words, and what is left of a broken file.

use proptest::prelude::*;
use text::{FileId, Source, Syntax, Tree};

use crate::outline::outline;

fn tree(text: &str) -> String {
    outline(Syntax::Haproxy, text)
}

/// The arguments of the first directive.
fn words(line: &str) -> Vec<String> {
    let source = Source::new(FileId(0), "haproxy.cfg", line);
    let tree = Tree::parse(Syntax::Haproxy, &source);
    let entry = tree.documents().next().and_then(|root| root.written_entries().next()).expect("a directive");
    entry.value.items().filter_map(|item| item.text().map(str::to_owned)).collect()
}

#[test]
fn sections_become_maps_and_their_directives_lists() {
    insta::assert_snapshot!(tree("# The front.
global
    daemon

defaults tcp from base  # named
\ttimeout connect 5s
\ttimeout\tclient 30000
frontend a
bind :80
"), @r##"
    map 2:1-9:9
    global 2:1-7: list 2:7-3:11
      - map 2:7-3:11
        daemon 3:5-11: list 3:11-11
    defaults 5:1-9: list 5:10-7:22
      - tcp 5:10-13
      - from 5:14-18
      - base 5:19-23
      - map 5:23-7:22
        timeout 6:2-9: list 6:10-20
          - connect 6:10-17
          - 5s 6:18-20
        timeout 7:2-9: list 7:10-22
          - client 7:10-16
          - 30000 7:17-22
    frontend 8:1-9: list 8:10-9:9
      - a 8:10-11
      - map 8:11-9:9
        bind 9:1-5: list 9:6-9
          - :80 9:6-9
    # 1:1-13 "# The front."
    # 5:25-32 "# named"
    "##);
}

#[test]
fn quotes_stand_anywhere_in_a_word_and_escapes_are_resolved() {
    assert_eq!(words(r#"log-format "%{+Q}o %t"' %s'\ %{-Q}r"#), ["%{+Q}o %t %s %{-Q}r"]);
    assert_eq!(words(r"acl a path_reg ^/a\.b\ c\#d"), ["a", "path_reg", r"^/a\.b c#d"]);
    assert_eq!(words(r#"server "a\"b" 'c\"d' e\'f \x41\t\\"#), ["a\"b", "c\\\"d", "e'f", "A\t\\"]);
    assert_eq!(words(r#"server "\$HOST" "${HOST-a b}" ''"#), ["$HOST", "${HOST-a b}", ""]);
}

#[test]
fn a_comment_starts_in_the_middle_of_a_word_but_not_in_quotes() {
    assert_eq!(words("maxconn 10#x"), ["10"]);
    assert_eq!(words("description 'a # b' \"#\" c"), ["a # b", "#", "c"]);
}

#[test]
fn the_text_of_a_word_keeps_its_places() {
    let text = "server a \"b\"'c'\\x41:80\n";
    let source = Source::new(FileId(0), "haproxy.cfg", text);
    let tree = Tree::parse(Syntax::Haproxy, &source);
    let entry = tree.documents().next().and_then(|root| root.written_entries().next()).expect("a directive");
    let word = entry.value.items().last().and_then(|item| item.scalar()).expect("a word");
    assert_eq!(word.text(), "bcA:80");
    let pieces: Vec<&str> = (0..6).map(|at| source.slice(word.part(at..at + 1))).collect();
    assert_eq!(pieces[3..], [":", "8", "0"]);
    assert_eq!(source.slice(word.part(4..6)), "80");
}

#[test]
fn a_quote_that_is_not_closed_takes_its_line_alone() {
    insta::assert_snapshot!(tree("defaults
  timeout connect 5s
  errorfile 503 \"/etc/x
  timeout client 5s
"), @"
    map 1:1-4:20
    defaults 1:1-9: list 1:9-4:20
      - map 1:9-4:20
        timeout 2:3-10: list 2:11-21
          - connect 2:11-18
          - 5s 2:19-21
        timeout 4:3-10: list 4:11-20
          - client 4:11-17
          - 5s 4:18-20
    ! 3:3-24 Skipped: a quote is opened here and not closed on its line
    ");
}

#[test]
fn what_stands_before_the_first_section_stands_at_the_top() {
    insta::assert_snapshot!(tree(".if defined(X)\nglobal\n  maxconn 5\n.endif\n"), @"
    map 1:1-4:7
    .if 1:1-4: list 1:5-15
      - defined(X) 1:5-15
    global 2:1-7: list 2:7-4:7
      - map 2:7-4:7
        maxconn 3:3-10: list 3:11-12
          - 5 3:11-12
        .endif 4:1-7: list 4:7-7
    ");
}

proptest! {
    #[test]
    fn a_word_comes_back_from_its_quotes(text in "[a-z$# '\\\\\"é/:]{1,12}") {
        let strong = text.split('\'').map(|part| format!("'{part}'")).collect::<Vec<_>>().join("\\'");
        let weak = text.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
        prop_assert_eq!(words(&format!("server {strong} \"{weak}\"")), [text.clone(), text]);
    }
}
