//! Environment files: quotes, comments, escapes and what is left of a broken file.

use text::Syntax;

use crate::outline::outline;

fn tree(text: &str) -> String {
    outline(Syntax::Env, text)
}

#[test]
fn keys_and_values() {
    insta::assert_snapshot!(tree("A=1
export B=two words
C = 3
D: 4
E=
F.g-h__I=5
"), @"
    map 1:1-6:11
    A 1:1-2: 1 1:3-4
    B 2:8-9: two words 2:10-19
    C 3:1-2: 3 3:5-6
    D 4:1-2: 4 4:4-5
    E 5:1-2:  5:3-3
    F.g-h__I 6:1-9: 5 6:10-11
    ");
}

#[test]
fn a_hash_behind_a_blank_starts_a_comment() {
    insta::assert_snapshot!(tree(r#"# above
A=1 # one
B=a#b
C=#c
D= # empty
E="x" # quoted
"#), @r##"
    map 2:1-6:6
    A 2:1-2: 1 2:3-4
    B 3:1-2: a#b 3:3-6
    C 4:1-2: #c 4:3-5
    D 5:1-2:  5:3-3
    E 6:1-2: "x" 6:3-6
    # 1:1-8 "# above"
    # 2:5-10 "# one"
    # 5:4-11 "# empty"
    # 6:7-15 "# quoted"
    "##);
}

#[test]
fn single_quotes_are_literal() {
    insta::assert_snapshot!(tree(r#"A='a\n$B # "x"'
B=''
"#), @r#"
    map 1:1-2:5
    A 1:1-2: "a\\n$B # \"x\"" 1:3-16
    B 2:1-2: "" 2:3-5
    "#);
}

#[test]
fn double_quotes_know_escapes() {
    insta::assert_snapshot!(tree(r#"A="a\nb\t\"c\" \\ \$D \e"
"#), @r#"
    map 1:1-26
    A 1:1-2: "a\nb\t\"c\" \\ \\$D \\e" 1:3-26
    "#);
}

#[test]
fn quotes_may_span_lines() {
    insta::assert_snapshot!(tree(r#"A="one
two" # end
B='x
y'
C=1
"#), @r##"
    map 1:1-5:4
    A 1:1-2: "one\ntwo" 1:3-2:5
    B 3:1-2: "x\ny" 3:3-4:3
    C 5:1-2: 1 5:3-4
    # 2:6-11 "# end"
    "##);
}

#[test]
fn variables_are_left_as_text() {
    insta::assert_snapshot!(tree(r#"A=${X:-5s}
B="${Y:-d}/${Z}"
"#), @r#"
    map 1:1-2:17
    A 1:1-2: ${X:-5s} 1:3-11
    B 2:1-2: "${Y:-d}/${Z}" 2:3-17
    "#);
}

#[test]
fn text_behind_a_quote_makes_one_plain_value() {
    insta::assert_snapshot!(tree(r#"A="a"b
B="a"$C" d" # e
C=1
"#), @r##"
    map 1:1-3:4
    A 1:1-2: \"a\"b 1:3-7
    B 2:1-2: \"a\"$C\" d\" 2:3-12
    C 3:1-2: 1 3:3-4
    # 2:13-16 "# e"
    "##);
}

#[test]
fn an_unclosed_quote_costs_no_later_line() {
    insta::assert_snapshot!(tree(r#"A="x y
B=1
C='x
D=2
"#), @r#"
    map 1:1-4:4
    A 1:1-2: \"x y 1:3-7
    B 2:1-2: 1 2:3-4
    C 3:1-2: \'x 3:3-5
    D 4:1-2: 2 4:3-4
    ! 1:3-7 Skipped: a quote is opened here and not closed
    ! 3:3-5 Skipped: a quote is opened here and not closed
    "#);
}

#[test]
fn a_key_alone_has_an_empty_value() {
    insta::assert_snapshot!(tree("A
export B
C # none
"), @r##"
    map 1:1-3:2
    A 1:1-2:  1:2-2
    B 2:8-9:  2:9-9
    C 3:1-2:  3:2-2
    # 3:3-9 "# none"
    "##);
}

#[test]
fn other_lines_are_skipped() {
    insta::assert_snapshot!(tree(r#"hello world
=1
{"a": 1}
A=1
"#), @"
    map 4:1-4
    A 4:1-2: 1 4:3-4
    ! 1:1-12 Skipped: neither a comment nor a key with its value
    ! 2:1-3 Skipped: neither a comment nor a key with its value
    ! 3:1-9 Skipped: neither a comment nor a key with its value
    ");
}

#[test]
fn crlf_and_a_byte_order_mark_do_not_disturb() {
    insta::assert_snapshot!(tree("\u{feff}A=1\r\nB=\"x\"\r\nC=\"1\\\r\n2\"\r\n"), @r#"
    map 1:2-4:3
    A 1:2-3: 1 1:4-5
    B 2:1-2: "x" 2:3-6
    C 3:1-2: "12" 3:3-4:3
    "#);
}
