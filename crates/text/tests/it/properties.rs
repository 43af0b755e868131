//! Java properties: separators, joined lines, escapes.

use text::Syntax;

use crate::outline::outline;

fn tree(text: &str) -> String {
    outline(Syntax::Properties, text)
}

#[test]
fn the_key_ends_at_a_sign_or_a_blank() {
    insta::assert_snapshot!(tree("a=1\nb: 2\nc 3\nd = 4\n e\t:\t5\nf==6\ng\nh=\n"), @"
    map 1:1-8:3
    a 1:1-2: 1 1:3-4
    b 2:1-2: 2 2:4-5
    c 3:1-2: 3 3:3-4
    d 4:1-2: 4 4:5-6
    e 5:2-3: 5 5:6-7
    f 6:1-2: =6 6:3-5
    g 7:1-2:  7:2-2
    h 8:1-2:  8:3-3
    ");
}

#[test]
fn comments_stand_alone_on_their_line() {
    insta::assert_snapshot!(tree("# one
  ! two
a=1 # no comment
"), @r##"
    map 3:1-17
    a 3:1-2: 1 # no comment 3:3-17
    # 1:1-6 "# one"
    # 2:3-8 "! two"
    "##);
}

#[test]
fn a_backslash_joins_lines() {
    insta::assert_snapshot!(tree(r"a=one,\
    two,\
    three
b=1\

c=2\\
d\
  e=3
"), @r"
    map 1:1-8:6
    a 1:1-2: one,two,three 1:3-3:10
    b 4:1-2: 1 4:3-4
    c 6:1-2: 2\\ 6:3-6
    de 7:1-8:4: 3 8:5-6
    ");
}

#[test]
fn escapes_are_resolved() {
    insta::assert_snapshot!(tree(r"a\:b\ c=x\ty\u0041\uD83D\uDE00\q
path=c:\\temp
tail=a\ 
"), @r"
    map 1:1-3:9
    a:b c 1:1-8: x\tyA😀q 1:9-33
    path 2:1-5: c:\\temp 2:6-14
    tail 3:1-5: a  3:6-9
    ");
}

#[test]
fn a_broken_escape_is_said() {
    insta::assert_snapshot!(tree(r"a=\u12
b=\uzzzz
c=1
"), @r"
    map 1:1-3:4
    a 1:1-2: u12 1:3-7
    b 2:1-2: uzzzz 2:3-9
    c 3:1-2: 1 3:3-4
    ! 1:3-5 Skipped: `\u` without four hexadecimal digits
    ! 2:3-5 Skipped: `\u` without four hexadecimal digits
    ");
}

#[test]
fn blanks_at_the_end_are_left_out() {
    insta::assert_snapshot!(tree("a=1  
b=
"), @"
    map 1:1-2:3
    a 1:1-2: 1 1:3-4
    b 2:1-2:  2:3-3
    ");
}

#[test]
fn a_key_written_twice_is_said() {
    insta::assert_snapshot!(tree("a=1
a=2
"), @"
    map 1:1-2:4
    a 1:1-2: 1 1:3-4
    a 2:1-2: 2 2:3-4
    ! 2:1-2 DuplicateKey: `a` is written twice; the later one counts
    ");
}

#[test]
fn a_value_without_a_key_is_skipped() {
    insta::assert_snapshot!(tree("=1
a=2
"), @"
    map 2:1-4
    a 2:1-2: 2 2:3-4
    ! 1:1-3 Skipped: no key before the separator
    ");
}

#[test]
fn crlf_and_a_byte_order_mark_do_not_disturb() {
    insta::assert_snapshot!(tree("\u{feff}a=1\r\nb=2\\\r\n  3\r\nc=\r\n"), @"
    map 1:2-4:3
    a 1:2-3: 1 1:4-5
    b 2:1-2: 23 2:3-3:4
    c 4:1-2:  4:3-3
    ");
}

#[test]
fn a_text_may_end_anywhere() {
    insta::assert_snapshot!(tree(r"a=1\"), @"
    map 1:1-5
    a 1:1-2: 1 1:3-5
    ");
}
