//! The YAML layer: what a text says, and where exactly it says it.

#![allow(clippy::use_debug, reason = "snapshots are read by us, not by users")]

use std::fmt::{self, Write};

use text::{FileId, Node, NodeKind, Source, Span, Style, Syntax, Tree};

fn outline(text: &str) -> String {
    let mut out = String::new();
    write_outline(&mut out, text).expect("a String takes all");
    out
}

/// Every node with its place and the source under it, comments and problems last.
fn write_outline(out: &mut String, text: &str) -> fmt::Result {
    let source = Source::new(FileId(0), "a.yaml", text);
    let tree = Tree::parse(Syntax::Yaml, &source);
    for document in tree.documents() {
        out.push_str("document\n");
        write_node(out, &source, document, 1, "")?;
    }
    for comment in tree.comments() {
        writeln!(out, "comment {} {:?}", place(comment.span), comment.text)?;
        assert_eq!(comment.text, source.slice(comment.span));
    }
    for problem in tree.problems() {
        writeln!(out, "{:?} {} {}", problem.kind, place(problem.span), problem.message)?;
    }
    Ok(())
}

fn place(span: Span) -> String {
    format!("{}..{}", span.start, span.end)
}

fn write_node(out: &mut String, source: &Source, node: Node<'_>, depth: usize, label: &str) -> fmt::Result {
    let indent = "  ".repeat(depth);
    let at = place(node.span());
    let written = source.slice(node.span());
    let via = node.via().map_or(String::new(), |span| format!(" via {}", place(span)));
    match node.kind() {
        NodeKind::Scalar => {
            let style = match node.scalar().map(|s| s.style()) {
                Some(Style::Plain) => "plain",
                Some(Style::Quoted) => "quoted",
                Some(Style::Block) => "block",
                None => "unfollowed alias",
            };
            let text = node.text().unwrap_or("");
            let written = if written == text { String::new() } else { format!(" from {written:?}") };
            writeln!(out, "{indent}{label}{style} {at} {text:?}{written}{via}")?;
        }
        NodeKind::List => {
            writeln!(out, "{indent}{label}list {at} {written:?}{via}")?;
            if node.via().is_none() {
                for item in node.items() {
                    write_node(out, source, item, depth + 1, "- ")?;
                }
            }
        }
        NodeKind::Map => {
            writeln!(out, "{indent}{label}map {at} {written:?}{via}")?;
            if node.via().is_none() {
                for entry in node.written_entries() {
                    let label = format!("{:?} {} = ", entry.key.text(), place(entry.key.span()));
                    write_node(out, source, entry.value, depth + 1, &label)?;
                }
            }
        }
    }
    Ok(())
}

#[test]
fn values_keys_and_list_items_have_exact_spans() {
    insta::assert_snapshot!(
        outline("a: 1  # c\nb:   two words  \nc:\n  - x\n  - y # z\nd:\n- 'q' # e\n- \"r\\n\"\t\n"),
        @r##"
        document
          map 0..66 "a: 1  # c\nb:   two words  \nc:\n  - x\n  - y # z\nd:\n- 'q' # e\n- \"r\\n\""
            "a" 0..1 = plain 3..4 "1"
            "b" 10..11 = plain 15..24 "two words"
            "c" 27..28 = list 32..41 "- x\n  - y"
              - plain 34..35 "x"
              - plain 40..41 "y"
            "d" 46..47 = list 49..66 "- 'q' # e\n- \"r\\n\""
              - quoted 51..54 "q" from "'q'"
              - quoted 61..66 "r\n" from "\"r\\n\""
        comment 6..9 "# c"
        comment 42..45 "# z"
        comment 55..58 "# e"
        "##
    );
}

#[test]
fn a_block_scalar_spans_its_header_and_its_lines() {
    insta::assert_snapshot!(
        outline("a: |\n  one\n  two\n\n# c\nb: >- # head\n  x\n  y\n \nc: |+\n  k\n\n\nd: |2\n   z\n"),
        @r##"
        document
          map 0..67 "a: |\n  one\n  two\n\n# c\nb: >- # head\n  x\n  y\n \nc: |+\n  k\n\n\nd: |2\n   z"
            "a" 0..1 = block 3..16 "one\ntwo\n" from "|\n  one\n  two"
            "b" 22..23 = block 25..42 "x y" from ">- # head\n  x\n  y"
            "c" 45..46 = block 48..56 "k\n\n\n" from "|+\n  k\n\n"
            "d" 57..58 = block 60..67 " z\n" from "|2\n   z"
        comment 18..21 "# c"
        comment 28..34 "# head"
        "##
    );
}

#[test]
fn an_empty_block_scalar_is_its_header() {
    insta::assert_snapshot!(
        outline("key: |\nb: |+\n\n\nc: &x !t >\n"),
        @r#"
        document
          map 0..25 "key: |\nb: |+\n\n\nc: &x !t >"
            "key" 0..3 = block 5..6 "" from "|"
            "b" 7..8 = block 10..14 "\n\n" from "|+\n\n"
            "c" 15..16 = block 24..25 "" from ">"
        "#
    );
}

#[test]
fn a_block_scalar_may_end_with_the_text() {
    insta::assert_snapshot!(
        outline("key: |\n  text"),
        @r#"
        document
          map 0..13 "key: |\n  text"
            "key" 0..3 = block 5..13 "text\n" from "|\n  text"
        "#
    );
}

#[test]
fn collections_in_brackets_end_at_their_bracket() {
    insta::assert_snapshot!(
        outline("a: [1, 2 , {b: c, d}]  # c\ne: {f: , 'g': \"h\"} # d\ni: [a: b, c: ]\n"),
        @r##"
        document
          map 0..64 "a: [1, 2 , {b: c, d}]  # c\ne: {f: , 'g': \"h\"} # d\ni: [a: b, c: ]"
            "a" 0..1 = list 3..21 "[1, 2 , {b: c, d}]"
              - plain 4..5 "1"
              - plain 7..8 "2"
              - map 11..20 "{b: c, d}"
                "b" 12..13 = plain 15..16 "c"
                "d" 18..19 = plain 19..19 ""
            "e" 27..28 = map 30..45 "{f: , 'g': \"h\"}"
              "f" 31..32 = plain 33..33 ""
              "g" 36..39 = quoted 41..44 "h" from "\"h\""
            "i" 50..51 = list 53..64 "[a: b, c: ]"
              - map 54..58 "a: b"
                "a" 54..55 = plain 57..58 "b"
              - map 60..62 "c:"
                "c" 60..61 = plain 62..62 ""
        comment 23..26 "# c"
        comment 46..49 "# d"
        "##
    );
}

#[test]
fn anchors_tags_and_merge_keys_stay_out_of_spans() {
    insta::assert_snapshot!(
        outline("base: &x\n  k: 1\nuse:\n  <<: *x\n  !!merge <<: *x\n  y: &e\n  w: *e\nv: !t &q\n  - 1\nu: !t\n- &s 5\n"),
        @r#"
        document
          map 0..90 "base: &x\n  k: 1\nuse:\n  <<: *x\n  !!merge <<: *x\n  y: &e\n  w: *e\nv: !t &q\n  - 1\nu: !t\n- &s 5"
            "base" 0..4 = map 11..15 "k: 1"
              "k" 11..12 = plain 14..15 "1"
            "use" 16..19 = map 23..62 "<<: *x\n  !!merge <<: *x\n  y: &e\n  w: *e"
              "<<" 23..25 = map 11..15 "k: 1" via 27..29
              "<<" 40..42 = map 11..15 "k: 1" via 44..46
              "y" 49..50 = plain 54..54 ""
              "w" 57..58 = plain 54..54 "" via 60..62
            "v" 63..64 = list 74..77 "- 1"
              - plain 76..77 "1"
            "u" 78..79 = list 84..90 "- &s 5"
              - plain 89..90 "5"
        "#
    );
}

#[test]
fn an_anchor_may_be_defined_again() {
    insta::assert_snapshot!(
        outline("a: &x 1\nb: *x\nc: &x 2\nd: *x\n"),
        @r#"
        document
          map 0..27 "a: &x 1\nb: *x\nc: &x 2\nd: *x"
            "a" 0..1 = plain 6..7 "1"
            "b" 8..9 = plain 6..7 "1" via 11..13
            "c" 14..15 = plain 20..21 "2"
            "d" 22..23 = plain 20..21 "2" via 25..27
        "#
    );
}

#[test]
fn an_alias_without_anchor_costs_only_itself() {
    insta::assert_snapshot!(
        outline("a: *nope\nb: [*no, 2]\n---\nc: &c 1\n---\nd: *c\n"),
        @r#"
        document
          map 0..20 "a: *nope\nb: [*no, 2]"
            "a" 0..1 = plain 3..8 "" from "*nope"
            "b" 9..10 = list 12..20 "[*no, 2]"
              - plain 13..16 "" from "*no"
              - plain 18..19 "2"
        document
          map 25..32 "c: &c 1"
            "c" 25..26 = plain 31..32 "1"
        document
          map 37..42 "d: *c"
            "d" 37..38 = plain 40..42 "" from "*c"
        Skipped 3..8 this alias has no anchor before it in the document
        Skipped 13..16 this alias has no anchor before it in the document
        Skipped 40..42 this alias has no anchor before it in the document
        "#
    );
}

#[test]
fn missing_values_stand_behind_what_announces_them() {
    insta::assert_snapshot!(
        outline("a:\nb: ~\nc: \n  d:\n? e\nf:\n- - a\n  - \n  -\n- # c\n- b\n"),
        @r##"
        document
          map 0..48 "a:\nb: ~\nc: \n  d:\n? e\nf:\n- - a\n  - \n  -\n- # c\n- b"
            "a" 0..1 = plain 2..2 ""
            "b" 3..4 = plain 6..7 "~"
            "c" 8..9 = map 14..16 "d:"
              "d" 14..15 = plain 16..16 ""
            "e" 19..20 = plain 20..20 ""
            "f" 21..22 = list 24..48 "- - a\n  - \n  -\n- # c\n- b"
              - list 26..38 "- a\n  - \n  -"
                - plain 28..29 "a"
                - plain 33..33 ""
                - plain 38..38 ""
              - plain 40..40 ""
              - plain 47..48 "b"
        comment 41..44 "# c"
        "##
    );
}

#[test]
fn a_collection_as_key_keeps_its_place() {
    insta::assert_snapshot!(
        outline("? [x, y]\n: 1\n? {m: n}\n: 2\n{o: p}: 3\n"),
        @r#"
        document
          map 0..35 "? [x, y]\n: 1\n? {m: n}\n: 2\n{o: p}: 3"
            "" 2..8 = plain 11..12 "1"
            "" 15..21 = plain 24..25 "2"
            "" 26..32 = plain 34..35 "3"
        "#
    );
}

#[test]
fn a_byte_order_mark_crlf_and_long_characters_count_in_bytes() {
    insta::assert_snapshot!(
        outline("\u{feff}# bom\r\nä: ü # é\r\nb: |\r\n  x\r\n  y\r\nc: a\u{2028}b  \r\nd: 'x\r\n  y'\r\n"),
        @r##"
        document
          map 10..62 "ä: ü # é\r\nb: |\r\n  x\r\n  y\r\nc: a\u{2028}b  \r\nd: 'x\r\n  y'"
            "ä" 10..12 = plain 14..16 "ü"
            "b" 23..24 = block 26..37 "x\ny\n" from "|\r\n  x\r\n  y"
            "c" 39..40 = plain 42..47 "a\u{2028}b"
            "d" 51..52 = quoted 54..62 "x y" from "'x\r\n  y'"
        comment 3..8 "# bom"
        comment 17..21 "# é"
        "##
    );
}

#[test]
fn scalars_may_run_over_lines() {
    insta::assert_snapshot!(
        outline("a: one\n  two\n\n  three  \nb: 'x\n  y'\nc: \"p\\\n  q\""),
        @r#"
        document
          map 0..46 "a: one\n  two\n\n  three  \nb: 'x\n  y'\nc: \"p\\\n  q\""
            "a" 0..1 = plain 3..21 "one two\nthree" from "one\n  two\n\n  three"
            "b" 24..25 = quoted 27..34 "x y" from "'x\n  y'"
            "c" 35..36 = quoted 38..46 "pq" from "\"p\\\n  q\""
        "#
    );
}

#[test]
fn documents_follow_each_other() {
    insta::assert_snapshot!(
        outline("--- # first\na: 1\n...\n# between\n---\n--- |\n foo\n--- x\n"),
        @r##"
        document
          map 12..16 "a: 1"
            "a" 12..13 = plain 15..16 "1"
        document
          plain 34..34 ""
        document
          block 39..45 "foo\n" from "|\n foo"
        document
          plain 50..51 "x"
        comment 4..11 "# first"
        comment 21..30 "# between"
        "##
    );
}

#[test]
fn a_broken_document_does_not_cost_the_others() {
    insta::assert_snapshot!(
        outline("a: 1\nb: [1, 2\nc: 3\n---\nok: 1\n--- \nbad: \"x\n---\nok: x\n"),
        @r#"
        document
          map 0..10 "a: 1\nb: [1"
            "a" 0..1 = plain 3..4 "1"
            "b" 5..6 = list 8..10 "[1"
              - plain 9..10 "1"
        document
          map 23..28 "ok: 1"
            "ok" 23..25 = plain 27..28 "1"
        document
          map 34..37 "bad"
        document
          map 46..51 "ok: x"
            "ok" 46..48 = plain 50..51 "x"
        Stopped 15..19 not readable as YAML: illegal placement of ':' indicator
        Stopped 39..42 not readable as YAML: while scanning a quoted scalar, found unexpected document indicator
        "#
    );
}

#[test]
fn what_precedes_a_syntax_error_is_kept() {
    insta::assert_snapshot!(
        outline("a: 1\nb:\n  - 1\n  - @x\nc: 2\n"),
        @r#"
        document
          map 0..13 "a: 1\nb:\n  - 1"
            "a" 0..1 = plain 3..4 "1"
            "b" 5..6 = list 10..13 "- 1"
              - plain 12..13 "1"
        Stopped 18..26 not readable as YAML: unexpected character: `@'
        "#
    );
}

#[test]
fn tabs_do_not_indent() {
    insta::assert_snapshot!(
        outline("x: y\na: 1\n\tb: 2\n"),
        @r#"
        document
          map 0..6 "x: y\na"
            "x" 0..1 = plain 3..4 "y"
        Stopped 8..16 not readable as YAML: while scanning a plain scalar, found a tab
        "#
    );
}

#[test]
fn a_template_variable_is_a_map_in_a_map() {
    insta::assert_snapshot!(
        outline("a: {{ x }}\nb: 1\n"),
        @r#"
        document
          map 0..15 "a: {{ x }}\nb: 1"
            "a" 0..1 = map 3..10 "{{ x }}"
              "" 4..9 = plain 9..9 ""
            "b" 11..12 = plain 14..15 "1"
        "#
    );
}

#[test]
fn a_nul_character_stops() {
    insta::assert_snapshot!(
        outline("a: x\0y\nb: 1\n"),
        @r#"
        document
          map 0..4 "a: x"
            "a" 0..1 = plain 3..4 "x"
        Stopped 4..12 not readable as YAML: found unprintable character
        "#
    );
}

#[test]
fn comments_are_found_everywhere() {
    insta::assert_snapshot!(
        outline("# top\na: 1\n  # deep\n# shallow\nb: # at b\n  # in b\n  c: 'x # no' # behind\n  # end of b\nd: [1, # one\n  # two\n  2]\ne: x#y\n# eof"),
        @r##"
        document
          map 6..117 "a: 1\n  # deep\n# shallow\nb: # at b\n  # in b\n  c: 'x # no' # behind\n  # end of b\nd: [1, # one\n  # two\n  2]\ne: x#y"
            "a" 6..7 = plain 9..10 "1"
            "b" 30..31 = map 51..62 "c: 'x # no'"
              "c" 51..52 = quoted 54..62 "x # no" from "'x # no'"
            "d" 85..86 = list 88..110 "[1, # one\n  # two\n  2]"
              - plain 89..90 "1"
              - plain 108..109 "2"
            "e" 111..112 = plain 114..117 "x#y"
        comment 0..5 "# top"
        comment 13..19 "# deep"
        comment 20..29 "# shallow"
        comment 33..39 "# at b"
        comment 42..48 "# in b"
        comment 63..71 "# behind"
        comment 74..84 "# end of b"
        comment 92..97 "# one"
        comment 100..105 "# two"
        comment 118..123 "# eof"
        "##
    );
}

#[test]
fn a_text_without_nodes_has_no_document() {
    insta::assert_snapshot!(
        outline("# only a comment\n"),
        @r##"comment 0..16 "# only a comment""##
    );
}

#[test]
fn a_tab_may_stand_behind_a_colon() {
    insta::assert_snapshot!(
        outline("a:\t1\nb:\t\tx\nc: \"y:\tz\"\nd: 'it''s:\tz'\ne: |\n  f:\t1\n  g: 2\nh: \"i:\t\n  j\"\n"),
        @r#"
        document
          map 0..66 "a:\t1\nb:\t\tx\nc: \"y:\tz\"\nd: 'it''s:\tz'\ne: |\n  f:\t1\n  g: 2\nh: \"i:\t\n  j\""
            "a" 0..1 = plain 3..4 "1"
            "b" 5..6 = plain 9..10 "x"
            "c" 11..12 = quoted 14..20 "y:\tz" from "\"y:\tz\""
            "d" 21..22 = quoted 24..34 "it's:\tz" from "'it''s:\tz'"
            "e" 35..36 = block 38..53 "f:\t1\ng: 2\n" from "|\n  f:\t1\n  g: 2"
            "h" 54..55 = quoted 57..66 "i: j" from "\"i:\t\n  j\""
        "#
    );
}

#[test]
fn lines_in_brackets_may_stand_too_far_left() {
    insta::assert_snapshot!(
        outline("x: 1\n---\n# é\nk: &k 0\na:\n  b: [ # one\n  'c, d', # two\n  e\n  f,\n  {g: *k,\nh: [\n2]}\n] # three\ni: 'j\n  k'\n"),
        @r##"
        document
          map 0..4 "x: 1"
            "x" 0..1 = plain 3..4 "1"
        document
          map 14..102 "k: &k 0\na:\n  b: [ # one\n  'c, d', # two\n  e\n  f,\n  {g: *k,\nh: [\n2]}\n] # three\ni: 'j\n  k'"
            "k" 14..15 = plain 20..21 "0"
            "a" 22..23 = map 27..83 "b: [ # one\n  'c, d', # two\n  e\n  f,\n  {g: *k,\nh: [\n2]}\n]"
              "b" 27..28 = list 30..83 "[ # one\n  'c, d', # two\n  e\n  f,\n  {g: *k,\nh: [\n2]}\n]"
                - quoted 40..46 "c, d" from "'c, d'"
                - plain 56..61 "e f" from "e\n  f"
                - map 65..81 "{g: *k,\nh: [\n2]}"
                  "g" 66..67 = plain 20..21 "0" via 69..71
                  "h" 73..74 = list 76..80 "[\n2]"
                    - plain 78..79 "2"
            "i" 92..93 = quoted 95..102 "j k" from "'j\n  k'"
        comment 9..13 "# é"
        comment 32..37 "# one"
        comment 48..53 "# two"
        comment 84..91 "# three"
        "##
    );
}

#[test]
fn lines_in_quotes_may_stand_too_far_left() {
    insta::assert_snapshot!(
        outline("a:\n  b: 'x \n  y:\tz\n\n  it''s'\n  c: \"\\ttab  \\\"\r\n  é\"\n  d: 1\n"),
        @r#"
        document
          map 0..58 "a:\n  b: 'x \n  y:\tz\n\n  it''s'\n  c: \"\\ttab  \\\"\r\n  é\"\n  d: 1"
            "a" 0..1 = map 5..58 "b: 'x \n  y:\tz\n\n  it''s'\n  c: \"\\ttab  \\\"\r\n  é\"\n  d: 1"
              "b" 5..6 = quoted 8..28 "x y:\tz\nit's" from "'x \n  y:\tz\n\n  it''s'"
              "c" 31..32 = quoted 34..51 "\ttab  \" é" from "\"\\ttab  \\\"\r\n  é\""
              "d" 54..55 = plain 57..58 "1"
        "#
    );
}

#[test]
fn what_libyaml_alone_reads_stops_the_document() {
    insta::assert_snapshot!(outline("a:\n  b: \"x\\\n  y\"\nc: 1\n"), @r#"
        document
          map 0..6 "a:\n  b"
            "a" 0..1 = map 5..6 "b"
        Stopped 8..22 not readable as YAML: invalid indentation in quoted scalar
        "#);
    insta::assert_snapshot!(outline("a: 'x'#y\nc: 1\n"), @r#"
        document
          map 0..1 "a"
        Stopped 6..14 not readable as YAML: comments must be separated from other tokens by whitespace
        "#);
}

#[test]
fn a_directive_does_not_shift_what_follows() {
    insta::assert_snapshot!(outline("%é 😀\n---\na: 1\n"), @r#"
        document
          map 13..17 "a: 1"
            "a" 13..14 = plain 16..17 "1"
        "#);
    insta::assert_snapshot!(outline("%YAML 1.2 # é\n---\na: 1\n"), @r##"
        document
          map 19..23 "a: 1"
            "a" 19..20 = plain 22..23 "1"
        comment 10..14 "# é"
        "##);
}

#[test]
fn a_line_that_a_script_replaces_costs_only_itself() {
    insta::assert_snapshot!(
        outline("spec:\n  - name: auth\n    AUTH_IMAGE\n    timeoutSeconds: 5\n---\nb: 1\n"),
        @r#"
    document
      map 0..57 "spec:\n  - name: auth\n    AUTH_IMAGE\n    timeoutSeconds: 5"
        "spec" 0..4 = list 8..57 "- name: auth\n    AUTH_IMAGE\n    timeoutSeconds: 5"
          - map 10..57 "name: auth\n    AUTH_IMAGE\n    timeoutSeconds: 5"
            "name" 10..14 = plain 16..20 "auth"
            "timeoutSeconds" 40..54 = plain 56..57 "5"
    document
      map 62..66 "b: 1"
        "b" 62..63 = plain 65..66 "1"
    Skipped 25..35 a line that is neither a key nor a value, perhaps to be filled in by a script
    "#
    );
}
