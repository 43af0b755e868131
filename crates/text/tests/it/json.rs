//! JSON: nesting, what people add to it, and what is left of a broken text.

use text::Syntax;

use crate::outline::outline;

fn tree(text: &str) -> String {
    outline(Syntax::Json, text)
}

#[test]
fn objects_and_arrays_nest() {
    insta::assert_snapshot!(tree(r#"{"a": 1, "b": [true, null, -1.5e3, {}],
 "c": {"d": "x"}}
"#), @r#"
    map 1:1-2:18
    "a" 1:2-5: 1 1:7-8
    "b" 1:10-13: list 1:15-39
      - true 1:16-20
      - null 1:22-26
      - -1.5e3 1:28-34
      - map 1:36-38
    "c" 2:2-5: map 2:7-17
      "d" 2:8-11: "x" 2:13-16
    "#);
}

#[test]
fn comments_and_trailing_commas_are_read() {
    insta::assert_snapshot!(tree(r#"// above
{
  "a": 1, // behind
  /* in
     between */
  "b": [1, 2,],
}
"#), @r#"
    map 2:1-7:2
    "a" 3:3-6: 1 3:8-9
    "b" 6:3-6: list 6:8-15
      - 1 6:9-10
      - 2 6:12-13
    # 1:1-9 "// above"
    # 3:11-20 "// behind"
    # 4:3-5:16 "/* in\n     between */"
    "#);
}

#[test]
fn json5_is_read() {
    insta::assert_snapshot!(tree(r#"{a: 'x', 0x1: +.5, true: Infinity, 'b': "it's"}"#), @r#"
    map 1:1-48
    a 1:2-3: "x" 1:5-8
    0x1 1:10-13: +.5 1:15-18
    true 1:20-24: Infinity 1:26-34
    "b" 1:36-39: "it\'s" 1:41-47
    "#);
}

#[test]
fn escapes_are_resolved() {
    insta::assert_snapshot!(tree(r#"{"a\"b": "\u00e9\n\\ \/ \ud83d\ude00", 'c': 'it\'s', "d": "\
e"}"#), @r#"
    map 1:1-2:4
    "a\"b" 1:2-8: "é\n\\ / 😀" 1:10-38
    "c" 1:40-43: "it\'s" 1:45-52
    "d" 1:54-57: "e" 1:59-2:3
    "#);
}

#[test]
fn a_scalar_is_a_text() {
    insta::assert_snapshot!(tree(r#""a""#), @r#"
    "a" 1:1-4
    "#);
}

#[test]
fn a_second_value_stops_the_parser() {
    insta::assert_snapshot!(tree(r#"{"a": 1}
{"b": 2}
"#), @r#"
    map 1:1-9
    "a" 1:2-5: 1 1:7-8
    ! 2:1-3:1 Stopped: a second value; a JSON text has one
    "#);
}

#[test]
fn a_missing_comma_costs_nothing() {
    insta::assert_snapshot!(tree(r#"{"a": 1 "b": 2, "c": [1 2]}"#), @r#"
    map 1:1-28
    "a" 1:2-5: 1 1:7-8
    "b" 1:9-12: 2 1:14-15
    "c" 1:17-20: list 1:22-27
      - 1 1:23-24
      - 2 1:25-26
    ! 1:9-9 Skipped: a comma is missing before this
    ! 1:25-25 Skipped: a comma is missing before this
    "#);
}

#[test]
fn a_doubled_comma_costs_nothing() {
    insta::assert_snapshot!(tree(r#"{"a": [1,, 2],, "b": 1}"#), @r#"
    map 1:1-24
    "a" 1:2-5: list 1:7-14
      - 1 1:8-9
      - 2 1:12-13
    "b" 1:17-20: 1 1:22-23
    ! 1:10-11 Skipped: a comma with nothing before it
    ! 1:15-16 Skipped: a comma with nothing before it
    "#);
}

#[test]
fn a_missing_value_stops_the_parser() {
    insta::assert_snapshot!(tree(r#"{"a": 1, "b": , "c": 2}"#), @r#"
    map 1:1-24
    "a" 1:2-5: 1 1:7-8
    "b" 1:10-13:  1:24-24
    ! 1:15-24 Stopped: here a value is expected
    "#);
}

#[test]
fn a_missing_colon_stops_the_parser() {
    insta::assert_snapshot!(tree(r#"{"a": 1, "b" 2}"#), @r#"
    map 1:1-16
    "a" 1:2-5: 1 1:7-8
    "b" 1:10-13:  1:16-16
    ! 1:14-16 Stopped: here the `:` behind a key is expected
    "#);
}

#[test]
fn a_wrong_bracket_stops_the_parser() {
    insta::assert_snapshot!(tree(r#"{"a": [1, 2}, "b": 3}"#), @r#"
    map 1:1-22
    "a" 1:2-5: list 1:7-22
      - 1 1:8-9
      - 2 1:11-12
    ! 1:12-22 Stopped: a bracket that does not close what is open
    "#);
}

#[test]
fn a_bare_word_is_no_value() {
    insta::assert_snapshot!(tree(r#"{"a": 1, "b": yes}"#), @r#"
    map 1:1-19
    "a" 1:2-5: 1 1:7-8
    "b" 1:10-13:  1:19-19
    ! 1:15-19 Stopped: a word or a character that JSON does not know
    "#);
}

#[test]
fn a_text_cut_in_the_middle_keeps_what_it_has() {
    insta::assert_snapshot!(tree(r#"{"a": {"b": [1, 2, "x"#), @r#"
    map 1:1-22
    "a" 1:2-5: map 1:7-22
      "b" 1:8-11: list 1:13-22
        - 1 1:14-15
        - 2 1:17-18
    ! 1:20-22 Stopped: a string with an unknown escape or without its closing quote
    "#);
}

#[test]
fn a_text_cut_between_tokens_keeps_what_it_has() {
    insta::assert_snapshot!(tree(r#"{"a": {"b": [1, 2,"#), @r#"
    map 1:1-19
    "a" 1:2-5: map 1:7-19
      "b" 1:8-11: list 1:13-19
        - 1 1:14-15
        - 2 1:17-18
    ! 1:13-14 Stopped: the text ends before what is opened here is closed
    "#);
}

#[test]
fn templates_stop_the_parser() {
    insta::assert_snapshot!(tree(r#"{"a": 1, "b": {{ .Values.b }} }"#), @r#"
    map 1:1-32
    "a" 1:2-5: 1 1:7-8
    "b" 1:10-13: map 1:15-32
    ! 1:16-32 Stopped: here a key or `}` is expected
    "#);
}

#[test]
fn an_unclosed_comment_stops_the_parser() {
    insta::assert_snapshot!(tree(r#"{"a": 1} /* never"#), @r#"
    map 1:1-9
    "a" 1:2-5: 1 1:7-8
    ! 1:10-18 Stopped: a comment is opened here and never closed
    "#);
}

#[test]
fn a_key_written_twice_is_said() {
    insta::assert_snapshot!(tree(r#"{"a": 1, "a": 2}"#), @r#"
    map 1:1-17
    "a" 1:2-5: 1 1:7-8
    "a" 1:10-13: 2 1:15-16
    ! 1:10-13 DuplicateKey: `a` is written twice; the later one counts
    "#);
}

#[test]
fn crlf_and_a_byte_order_mark_do_not_disturb() {
    insta::assert_snapshot!(tree("\u{feff}{\r\n\t\"a\": 1 // x\r\n}\r\n"), @r#"
    map 1:2-3:2
    "a" 2:2-5: 1 2:7-8
    # 2:9-13 "// x"
    "#);
}

#[test]
fn an_empty_text_has_no_tree() {
    insta::assert_snapshot!(tree(" // nothing"), @r#"
    # 1:2-12 "// nothing"
    "#);
}
