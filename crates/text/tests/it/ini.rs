//! INI: sections, comments, values over several lines.

use text::Syntax;

use crate::outline::outline;

fn tree(text: &str) -> String {
    outline(Syntax::Ini, text)
}

#[test]
fn sections_are_maps() {
    insta::assert_snapshot!(tree("top = 1
[a]
x = 1
y: 2
[b c]
z=3
[empty]
"), @"
    map 1:1-7:8
    top 1:1-4: 1 1:7-8
    a 2:2-3: map 2:1-4:5
      x 3:1-2: 1 3:5-6
      y 4:1-2: 2 4:4-5
    b c 5:2-5: map 5:1-6:4
      z 6:1-2: 3 6:3-4
    empty 7:2-7: map 7:1-8
    ");
}

#[test]
fn a_section_written_twice_is_one_map() {
    insta::assert_snapshot!(tree("[a]
x=1
[b]
y=2
[a]
z=3
"), @"
    map 1:1-6:4
    a 1:2-3: map 1:1-6:4
      x 2:1-2: 1 2:3-4
      z 6:1-2: 3 6:3-4
    b 3:2-3: map 3:1-4:4
      y 4:1-2: 2 4:3-4
    ");
}

#[test]
fn comments() {
    insta::assert_snapshot!(tree(r#"; one
# two
[a] ; three
x = 1 ; four
y = 2 # five
z = a;b#c
w = "a ; b" # six
v = # seven
"#), @r##"
    map 3:1-8:4
    a 3:2-3: map 3:1-8:4
      x 4:1-2: 1 4:5-6
      y 5:1-2: 2 5:5-6
      z 6:1-2: a;b#c 6:5-10
      w 7:1-2: "a ; b" 7:5-12
      v 8:1-2:  8:4-4
    # 1:1-6 "; one"
    # 2:1-6 "# two"
    # 3:5-12 "; three"
    # 4:7-13 "; four"
    # 5:7-13 "# five"
    # 7:13-18 "# six"
    # 8:5-12 "# seven"
    "##);
}

#[test]
fn quotes_around_the_whole_value_are_removed() {
    insta::assert_snapshot!(tree(r#"a = "x y"
b = 'x'
c = "x" "y"
d = it's ; this
"#), @r#"
    map 1:1-4:9
    a 1:1-2: "x y" 1:5-10
    b 2:1-2: "x" 2:5-8
    c 3:1-2: \"x\" \"y\" 3:5-12
    d 4:1-2: it\'s 4:5-9
    # 4:10-16 "; this"
    "#);
}

#[test]
fn indented_lines_go_on() {
    insta::assert_snapshot!(tree("[a]
hosts =
    one:1
    # between
    two = 2
text = first
  second line
  third = 3
"), @r##"
    map 1:1-8:12
    a 1:2-3: map 1:1-8:12
      hosts 2:1-6: one:1\ntwo = 2 3:5-5:12
      text 6:1-5: first\nsecond line 6:8-7:14
      third 8:3-8: 3 8:11-12
    # 4:5-14 "# between"
    "##);
}

#[test]
fn keys_may_be_indented() {
    insta::assert_snapshot!(tree("[a]
  x = 1
  y = 2
"), @"
    map 1:1-3:8
    a 1:2-3: map 1:1-3:8
      x 2:3-4: 1 2:7-8
      y 3:3-4: 2 3:7-8
    ");
}

#[test]
fn a_backslash_joins_lines() {
    insta::assert_snapshot!(tree(r"[Service]
ExecStart=/bin/a \
  --b=1 \
  --c
Path=C:\dir\
User=x
"), @r"
    map 1:1-6:7
    Service 1:2-9: map 1:1-6:7
      ExecStart 2:1-10: /bin/a --b=1 --c 2:11-4:6
      Path 5:1-5: C:\\dir\\ 5:6-13
      User 6:1-5: x 6:6-7
    ");
}

#[test]
fn a_key_alone_has_an_empty_value() {
    insta::assert_snapshot!(tree("[mysqld]
skip-name-resolve
x = 1
"), @"
    map 1:1-3:6
    mysqld 1:2-8: map 1:1-3:6
      skip-name-resolve 2:1-18:  2:18-18
      x 3:1-2: 1 3:5-6
    ");
}

#[test]
fn other_lines_are_skipped() {
    insta::assert_snapshot!(tree("this is no entry
[a
x=1
[b] tail
y=2
= 3
"), @"
    map 2:1-5:4
    a 2:2-3: map 2:1-3:4
      x 3:1-2: 1 3:3-4
    b 4:2-3: map 4:1-5:4
      y 5:1-2: 2 5:3-4
    ! 1:1-17 Skipped: neither a section, nor a key with its value, nor a comment
    ! 2:1-3 Skipped: a section's name without `]`
    ! 4:4-9 Skipped: text behind a section's name
    ! 6:1-4 Skipped: neither a section, nor a key with its value, nor a comment
    ");
}

#[test]
fn connection_strings_keep_their_signs() {
    insta::assert_snapshot!(tree("[databases]
users = host=10.0.0.1 port=5432 dbname=users
* = host=10.0.0.2
"), @"
    map 1:1-3:18
    databases 1:2-11: map 1:1-3:18
      users 2:1-6: host=10.0.0.1 port=5432 dbname=users 2:9-45
      * 3:1-2: host=10.0.0.2 3:5-18
    ");
}

#[test]
fn a_key_written_twice_is_said() {
    insta::assert_snapshot!(tree("[a]
x=1
x=2
"), @"
    map 1:1-3:4
    a 1:2-3: map 1:1-3:4
      x 2:1-2: 1 2:3-4
      x 3:1-2: 2 3:3-4
    ! 3:1-2 DuplicateKey: `x` is written twice; the later one counts
    ");
}

#[test]
fn crlf_and_a_byte_order_mark_do_not_disturb() {
    insta::assert_snapshot!(tree("\u{feff}[a]\r\nx = 1\r\ny =\r\n  2\r\n  3\r\n"), @r"
    map 1:2-5:4
    a 1:3-4: map 1:2-5:4
      x 2:1-2: 1 2:5-6
      y 3:1-2: 2\n3 4:3-5:4
    ");
}
