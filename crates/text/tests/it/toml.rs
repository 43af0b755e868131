//! TOML: tables in any order, values, and what is left of a broken file.

use text::Syntax;

use crate::outline::outline;

fn tree(text: &str) -> String {
    outline(Syntax::Toml, text)
}

#[test]
fn tables_nest() {
    insta::assert_snapshot!(tree(r#"top = 1
[a]
x = 1
[a.b]
y = [1, "two", { z = 3 }]
[c]
"#), @r#"
    map 1:1-6:4
    top 1:1-4: 1 1:7-8
    a 2:2-3: map 2:1-5:26
      x 3:1-2: 1 3:5-6
      b 4:4-5: map 4:1-5:26
        y 5:1-2: list 5:5-26
          - 1 5:6-7
          - "two" 5:9-14
          - map 5:16-25
            z 5:18-19: 3 5:22-23
    c 6:2-3: map 6:1-4
    "#);
}

#[test]
fn tables_in_any_order_become_one() {
    insta::assert_snapshot!(tree("[a.b]
x = 1
[c]
y = 2
[a]
z = 3
[a.d]
w = 4
"), @"
    map 1:1-8:6
    a 1:2-3: map 1:1-8:6
      b 1:4-5: map 1:1-2:6
        x 2:1-2: 1 2:5-6
      z 6:1-2: 3 6:5-6
      d 7:4-5: map 7:1-8:6
        w 8:1-2: 4 8:5-6
    c 3:2-3: map 3:1-4:6
      y 4:1-2: 2 4:5-6
    ");
}

#[test]
fn dotted_keys_become_maps() {
    insta::assert_snapshot!(tree(r#"a.b.c = 1
a.b.d = 2
"e f".'g' = 3
[h]
i.j = { k.l = 4 }
"#), @r#"
    map 1:1-5:18
    a 1:1-2: map 1:1-2:10
      b 1:3-4: map 1:1-2:10
        c 1:5-6: 1 1:9-10
        d 2:5-6: 2 2:9-10
    "e f" 3:1-6: map 3:1-14
      "g" 3:7-10: 3 3:13-14
    h 4:2-3: map 4:1-5:18
      i 5:1-2: map 5:1-18
        j 5:3-4: map 5:7-18
          k 5:9-10: map 5:9-16
            l 5:11-12: 4 5:15-16
    "#);
}

#[test]
fn lists_of_tables() {
    insta::assert_snapshot!(tree("[[a]]
x = 1
[a.b]
y = 2
[[a]]
x = 3
[[a.c]]
z = 4
[[a.c]]
"), @"
    map 1:1-9:8
    a 1:3-4: list 1:1-9:8
      - map 1:1-4:6
        x 2:1-2: 1 2:5-6
        b 3:4-5: map 3:1-4:6
          y 4:1-2: 2 4:5-6
      - map 5:1-9:8
        x 6:1-2: 3 6:5-6
        c 7:5-6: list 7:1-9:8
          - map 7:1-8:6
            z 8:1-2: 4 8:5-6
          - map 9:1-8
    ");
}

#[test]
fn strings_are_decoded() {
    insta::assert_snapshot!(tree(r#"a = "x\ty\u00e9"
b = 'x\ty'
c = """
one\
   two
\"three\""""
d = '''
raw \n
'''
e = ""
"#), @r#"
    map 1:1-10:7
    a 1:1-2: "x\tyé" 1:5-17
    b 2:1-2: "x\\ty" 2:5-11
    c 3:1-2: |onetwo\n\"three\"| 3:5-6:13
    d 7:1-2: |raw \\n\n| 7:5-9:4
    e 10:1-2: "" 10:5-7
    "#);
}

#[test]
fn numbers_lose_their_underscores() {
    insta::assert_snapshot!(tree("a = 1_000
b = 0xff_ff
c = 1_0.5
d = true
e = 1979-05-27 07:32:00Z
f = +5
"), @"
    map 1:1-6:7
    a 1:1-2: 1000 1:5-10
    b 2:1-2: 0xff_ff 2:5-12
    c 3:1-2: 10.5 3:5-10
    d 4:1-2: true 4:5-9
    e 5:1-2: 1979-05-27 07:32:00Z 5:5-25
    f 6:1-2: +5 6:5-7
    ");
}

#[test]
fn comments() {
    insta::assert_snapshot!(tree("# one
[a] # two
x = 1 # three
y = [ # four
  1, # five
]
"), @r##"
    map 2:1-6:2
    a 2:2-3: map 2:1-6:2
      x 3:1-2: 1 3:5-6
      y 4:1-2: list 4:5-6:2
        - 1 5:3-4
    # 1:1-6 "# one"
    # 2:5-10 "# two"
    # 3:7-14 "# three"
    # 4:7-13 "# four"
    # 5:6-12 "# five"
    "##);
}

#[test]
fn a_missing_value_costs_one_line() {
    insta::assert_snapshot!(tree("a =
b = 1
c
d = 2
"), @"
    map 1:1-4:6
    a 1:1-2:  1:4-4
    b 2:1-2: 1 2:5-6
    d 4:1-2: 2 4:5-6
    ! 1:4-4 Skipped: a value is expected here; text needs quotes
    ! 3:2-2 Skipped: `=` is expected here
    ");
}

#[test]
fn an_unknown_word_is_kept_and_said() {
    insta::assert_snapshot!(tree("a = yes
b = 5s
c = 1
"), @"
    map 1:1-3:6
    a 1:1-2: yes 1:5-8
    b 2:1-2: 5s 2:5-7
    c 3:1-2: 1 3:5-6
    ! 1:5-8 Skipped: a value is expected here; text needs quotes
    ! 2:5-7 Skipped: a value is expected here; text needs quotes
    ");
}

#[test]
fn an_unclosed_string_costs_one_line() {
    insta::assert_snapshot!(tree(r#"a = "x
b = 1
"#), @r#"
    map 1:1-2:6
    a 1:1-2: "x" 1:5-7
    b 2:1-2: 1 2:5-6
    ! 1:7-7 Skipped: `\"` is expected here
    "#);
}

#[test]
fn an_unclosed_header_keeps_its_keys() {
    insta::assert_snapshot!(tree("[a
x = 1
[[b]
y = 2
[]
z = 3
"), @"
    map 1:1-6:6
    a 1:2-3: map 1:1-2:6
      x 2:1-2: 1 2:5-6
    b 3:3-4: list 3:1-4:6
      - map 3:1-4:6
        y 4:1-2: 2 4:5-6
     5:2-2: map 5:1-6:6
      z 6:1-2: 3 6:5-6
    ! 1:3-3 Skipped: `]` is expected here
    ! 3:5-5 Skipped: `]` is expected here
    ! 5:2-2 Skipped: letters, numbers, `-` or `_` is expected here
    ");
}

#[test]
fn an_unclosed_array_is_said() {
    insta::assert_snapshot!(tree("a = [1, 2
b = 3
[c]
d = 4
"), @"
    map 1:1-4:6
    a 1:1-2: list 1:5-4:6
      - 1 1:6-7
      - 2 1:9-10
      - b 2:1-2
      - 3 2:5-6
      - list 3:1-4
        - c 3:2-3
      - d 4:1-2
      - 4 4:5-6
    ! 2:1-1 Skipped: `,` is expected here
    ! 2:1-2 Skipped: a value is expected here; text needs quotes
    ! 2:3-4 Skipped: value or `]` is expected here
    ! 2:5-5 Skipped: `,` is expected here
    ! 3:1-1 Skipped: `,` is expected here
    ! 3:2-3 Skipped: a value is expected here; text needs quotes
    ! 4:1-1 Skipped: `,` is expected here
    ! 4:1-2 Skipped: a value is expected here; text needs quotes
    ! 4:3-4 Skipped: value or `]` is expected here
    ! 4:5-5 Skipped: `,` is expected here
    ! 4:6-6 Skipped: `]` is expected here
    ");
}

#[test]
fn an_unclosed_inline_table_is_said() {
    insta::assert_snapshot!(tree("a = { b = 1
c = 2
"), @"
    map 1:1-2:6
    a 1:1-2: map 1:5-2:6
      b 1:7-8: 1 1:11-12
      c 2:1-2: 2 2:5-6
    ! 2:1-1 Skipped: `,` is expected here
    ! 2:6-6 Skipped: `}` is expected here
    ");
}

#[test]
fn text_behind_a_value_is_skipped() {
    insta::assert_snapshot!(tree("a = 1 2
b = 3
"), @"
    map 1:1-2:6
    a 1:1-2: 1 2 1:5-8
    b 2:1-2: 3 2:5-6
    ! 1:5-8 Skipped: a value is expected here; text needs quotes
    ");
}

#[test]
fn a_table_written_twice_is_read_and_said() {
    insta::assert_snapshot!(tree("[a]
x = 1
[a]
y = 2
"), @"
    map 1:1-4:6
    a 1:2-3: map 1:1-4:6
      x 2:1-2: 1 2:5-6
      y 4:1-2: 2 4:5-6
    ! 3:2-3 DuplicateKey: this table is written twice; both parts are read
    ");
}

#[test]
fn a_key_written_twice_is_said() {
    insta::assert_snapshot!(tree("a = 1
a = 2
b.c = 1
b.c = 2
"), @"
    map 1:1-4:8
    a 1:1-2: 1 1:5-6
    a 2:1-2: 2 2:5-6
    b 3:1-2: map 3:1-4:8
      c 3:3-4: 1 3:7-8
      c 4:3-4: 2 4:7-8
    ! 2:1-2 DuplicateKey: `a` is written twice; the later one counts
    ! 4:3-4 DuplicateKey: `c` is written twice; the later one counts
    ");
}

#[test]
fn a_table_over_a_value_is_left_out() {
    insta::assert_snapshot!(tree("a = 1
[a]
x = 1
[a.b]
y = 2
[c]
z = 3
[[c]]
"), @"
    map 1:1-7:6
    a 1:1-2: 1 1:5-6
    c 6:2-3: map 6:1-7:6
      z 7:1-2: 3 7:5-6
    ! 2:2-3 Skipped: this already has a value of another kind; what is written below it is left out
    ! 4:2-3 Skipped: this already has a value of another kind; what is written below it is left out
    ! 8:3-4 Skipped: this already has a value of another kind; what is written below it is left out
    ");
}

#[test]
fn crlf_and_a_byte_order_mark_do_not_disturb() {
    insta::assert_snapshot!(tree("\u{feff}a = 1\r\n[b] # x\r\nc = \"\"\"\r\nd\r\n\"\"\"\r\n"), @r##"
    map 1:2-5:4
    a 1:2-3: 1 1:6-7
    b 2:2-3: map 2:1-5:4
      c 3:1-2: |d\r\n| 3:5-5:4
    # 2:5-8 "# x"
    "##);
}

#[test]
fn an_empty_text_has_no_tree() {
    insta::assert_snapshot!(tree("# nothing
"), @r##"
    # 1:1-10 "# nothing"
    "##);
}
