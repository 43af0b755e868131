//! NGINX: its words, blocks and what is left of a broken file.

use text::Syntax;

use crate::outline::outline;

fn tree(text: &str) -> String {
    outline(Syntax::Nginx, text)
}

#[test]
fn directives_become_lists_and_blocks_become_maps() {
    insta::assert_snapshot!(tree("worker_processes auto;
http {
  upstream users { server 10.0.0.1:80 max_fails=2; server 10.0.0.2:80; keepalive 16; }
  # The front.
  server {
    listen 443 ssl; # with TLS
    location /a { proxy_read_timeout 5s; }
  }
}
"), @r##"
    map 1:1-9:2
    worker_processes 1:1-17: list 1:18-22
      - auto 1:18-22
    http 2:1-5: list 2:5-9:2
      - map 2:6-9:2
        upstream 3:3-11: list 3:12-87
          - users 3:12-17
          - map 3:18-87
            server 3:20-26: list 3:27-50
              - 10.0.0.1:80 3:27-38
              - max_fails=2 3:39-50
            server 3:52-58: list 3:59-70
              - 10.0.0.2:80 3:59-70
            keepalive 3:72-81: list 3:82-84
              - 16 3:82-84
        server 5:3-9: list 5:9-8:4
          - map 5:10-8:4
            listen 6:5-11: list 6:12-19
              - 443 6:12-15
              - ssl 6:16-19
            location 7:5-13: list 7:14-43
              - /a 7:14-16
              - map 7:17-43
                proxy_read_timeout 7:19-37: list 7:38-40
                  - 5s 7:38-40
    # 4:3-15 "# The front."
    # 6:21-31 "# with TLS"
    "##);
}

#[test]
fn quotes_are_removed_and_escapes_resolved() {
    insta::assert_snapshot!(tree(r#"log_format main '$remote_addr "$request" '
                'it\'s';
add_header X "a\"b\\d\.e";
set $a "";
"#), @r#"
    map 1:1-4:10
    log_format 1:1-11: list 1:12-2:24
      - main 1:12-16
      - "$remote_addr \"$request\" " 1:17-43
      - "it\'s" 2:17-24
    add_header 3:1-11: list 3:12-26
      - X 3:12-13
      - "a\"b\\d\\.e" 3:14-26
    set 4:1-4: list 4:5-10
      - $a 4:5-7
      - "" 4:8-10
    "#);
}

#[test]
fn a_variable_in_braces_opens_no_block() {
    insta::assert_snapshot!(tree("proxy_pass http://${backend}:80/${path};
set $a ${b}{ x; }
"), @"
    map 1:1-2:18
    proxy_pass 1:1-11: list 1:12-40
      - http://${backend}:80/${path} 1:12-40
    set 2:1-4: list 2:5-18
      - $a 2:5-7
      - ${b} 2:8-12
      - map 2:12-18
        x 2:14-15: list 2:15-15
    ");
}

#[test]
fn a_quote_may_be_followed_by_a_parenthesis() {
    insta::assert_snapshot!(tree(r#"if ($uri ~* "\.(gif|jpg)$") { expires 30d; }
"#), @r#"
    map 1:1-45
    if 1:1-3: list 1:4-45
      - ($uri 1:4-9
      - ~* 1:10-12
      - "\\.(gif|jpg)$" 1:13-27
      - ) 1:27-28
      - map 1:29-45
        expires 1:31-38: list 1:39-42
          - 30d 1:39-42
    "#);
}

#[test]
fn a_map_has_entries_of_any_name() {
    insta::assert_snapshot!(tree(r#"map $uri $new {
  default 0;
  ~^/a+$ 1;
  "" 2;
  "~^/b;{2}" 3;
}
"#), @r#"
    map 1:1-6:2
    map 1:1-4: list 1:5-6:2
      - $uri 1:5-9
      - $new 1:10-14
      - map 1:15-6:2
        default 2:3-10: list 2:11-12
          - 0 2:11-12
        ~^/a+$ 3:3-9: list 3:10-11
          - 1 3:10-11
        "" 4:3-5: list 4:6-7
          - 2 4:6-7
        "~^/b;{2}" 5:3-13: list 5:14-15
          - 3 5:14-15
    "#);
}

#[test]
fn a_brace_ends_a_word_without_quotes() {
    insta::assert_snapshot!(tree("location ~ ^/a{2}$ { }
b 1;
"), @"
    map 1:1-3:1
    location 1:1-9: list 1:10-3:1
      - ~ 1:10-11
      - ^/a 1:12-15
      - map 1:15-3:1
        2}$ 1:16-19: list 1:19-23
          - map 1:20-23
        b 2:1-2: list 2:3-4
          - 1 2:3-4
    ! 1:1-9 Skipped: this block is never closed
    ");
}

#[test]
fn lua_code_stays_out_of_the_tree() {
    insta::assert_snapshot!(tree(r#"location / {
  content_by_lua_block {
    local a = { "}" } -- }
    ngx.say([[ } ]], '{', #a) --[==[ } ]==]
  }
  proxy_read_timeout 5s;
}
"#), @"
    map 1:1-7:2
    location 1:1-9: list 1:10-7:2
      - / 1:10-11
      - map 1:12-7:2
        content_by_lua_block 2:3-23: list 2:23-5:4
          - map 2:24-5:4
        proxy_read_timeout 6:3-21: list 6:22-24
          - 5s 6:22-24
    ");
}

#[test]
fn lua_code_that_is_never_closed_stops_the_parser() {
    insta::assert_snapshot!(tree("a 1;
init_by_lua_block {
  if x then { 
"), @"
    map 1:1-4
    a 1:1-2: list 1:3-4
      - 1 1:3-4
    ! 2:1-4:1 Stopped: the Lua code of this block is never closed
    ");
}

#[test]
fn a_forgotten_semicolon_shows_as_arguments() {
    insta::assert_snapshot!(tree("proxy_read_timeout 60s
proxy_send_timeout 60s;
c 1;
"), @"
    map 1:1-3:4
    proxy_read_timeout 1:1-19: list 1:20-2:23
      - 60s 1:20-23
      - proxy_send_timeout 2:1-19
      - 60s 2:20-23
    c 3:1-2: list 3:3-4
      - 1 3:3-4
    ");
}

#[test]
fn a_directive_without_semicolon_before_a_brace_is_skipped() {
    insta::assert_snapshot!(tree("server { listen 80 }
user www;
"), @"
    map 1:1-2:9
    server 1:1-7: list 1:7-21
      - map 1:8-21
    user 2:1-5: list 2:6-9
      - www 2:6-9
    ! 1:10-19 Skipped: a directive without `;` at its end
    ");
}

#[test]
fn a_stray_brace_is_skipped() {
    insta::assert_snapshot!(tree("a 1; }
b 2;
"), @"
    map 1:1-2:4
    a 1:1-2: list 1:3-4
      - 1 1:3-4
    b 2:1-2: list 2:3-4
      - 2 2:3-4
    ! 1:6-7 Skipped: a `}` that closes nothing
    ");
}

#[test]
fn a_stray_semicolon_is_skipped() {
    insta::assert_snapshot!(tree("a 1;;
b 2;
"), @"
    map 1:1-2:4
    a 1:1-2: list 1:3-4
      - 1 1:3-4
    b 2:1-2: list 2:3-4
      - 2 2:3-4
    ! 1:5-6 Skipped: a `;` without a directive
    ");
}

#[test]
fn a_block_without_a_name_keeps_its_inside_apart() {
    insta::assert_snapshot!(tree("{ a 1; }
b 2;
"), @"
    map 1:1-2:4
     1:1-1: list 1:1-9
      - map 1:1-9
        a 1:3-4: list 1:5-6
          - 1 1:5-6
    b 2:1-2: list 2:3-4
      - 2 2:3-4
    ! 1:1-2 Skipped: a block without a name
    ");
}

#[test]
fn an_unclosed_block_keeps_what_it_holds() {
    insta::assert_snapshot!(tree("http {
  server {
    listen 80;
  }
"), @"
    map 1:1-5:1
    http 1:1-5: list 1:5-5:1
      - map 1:6-5:1
        server 2:3-9: list 2:9-4:4
          - map 2:10-4:4
            listen 3:5-11: list 3:12-14
              - 80 3:12-14
    ! 1:1-5 Skipped: this block is never closed
    ");
}

#[test]
fn an_unclosed_quote_costs_one_line() {
    insta::assert_snapshot!(tree(r#"a 1;
b "x y
c 2;
"#), @"
    map 1:1-3:4
    a 1:1-2: list 1:3-4
      - 1 1:3-4
    c 3:1-2: list 3:3-4
      - 2 3:3-4
    ! 2:1-7 Skipped: a quote is opened here and never closed
    ");
}

#[test]
fn a_quote_closed_by_a_later_line_costs_one_line() {
    insta::assert_snapshot!(tree(r#"a "x;
b 1;
c "y";
d 2;
"#), @r#"
    map 2:1-4:4
    b 2:1-2: list 2:3-4
      - 1 2:3-4
    c 3:1-2: list 3:3-6
      - "y" 3:3-6
    d 4:1-2: list 4:3-4
      - 2 4:3-4
    ! 1:1-5 Skipped: the quote opened here is not closed on its line
    "#);
}

#[test]
fn text_behind_a_quote_costs_the_directive() {
    insta::assert_snapshot!(tree(r#"a "x"y z; b 1;
c "x"y {
  d 1;
}
e "x"}f 1;
"#), @"
    map 1:11-5:10
    b 1:11-12: list 1:13-14
      - 1 1:13-14
    c 2:1-2: list 2:2-4:2
      - map 2:8-4:2
        d 3:3-4: list 3:5-6
          - 1 3:5-6
    f 5:7-8: list 5:9-10
      - 1 5:9-10
    ! 1:1-9 Skipped: a quoted text goes on behind its closing quote
    ! 2:1-8 Skipped: a quoted text goes on behind its closing quote
    ! 5:1-6 Skipped: a quoted text goes on behind its closing quote
    ! 5:6-7 Skipped: a `}` that closes nothing
    ");
}

#[test]
fn a_text_that_ends_inside_a_directive_is_said() {
    insta::assert_snapshot!(tree("a 1;
proxy_read_timeout 60s"), @"
    map 1:1-4
    a 1:1-2: list 1:3-4
      - 1 1:3-4
    ! 2:1-23 Stopped: the text ends inside a directive
    ");
}

#[test]
fn crlf_and_a_byte_order_mark_do_not_disturb() {
    insta::assert_snapshot!(tree("\u{feff}a 1; # x\r\nb {\r\n\tc \"d e\";\r\n}\r\n"), @r##"
    map 1:2-4:2
    a 1:2-3: list 1:4-5
      - 1 1:4-5
    b 2:1-2: list 2:2-4:2
      - map 2:3-4:2
        c 3:2-3: list 3:4-9
          - "d e" 3:4-9
    # 1:7-10 "# x"
    "##);
}

#[test]
fn nul_bytes_are_letters() {
    insta::assert_snapshot!(tree("a \0b\0;\n"), @r"
    map 1:1-6
    a 1:1-2: list 1:3-6
      - \0b\0 1:3-6
    ");
}

#[test]
fn an_empty_text_has_no_tree() {
    insta::assert_snapshot!(tree("# only this
"), @r##"
    # 1:1-12 "# only this"
    "##);
}
