//! What must hold for every tree, whatever the text: checked on generated and on damaged text. The
//! promises themselves are those of the fuzz targets.

use proptest::prelude::*;
use text::{FileId, NodeKind, Source, Syntax, Tree};

#[path = "../../../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, clippy::use_debug, reason = "shared with the fuzz targets as it is")]
mod promises;

const SYNTAXES: [Syntax; 8] = [
    Syntax::Yaml,
    Syntax::Json,
    Syntax::Toml,
    Syntax::Properties,
    Syntax::Ini,
    Syntax::Env,
    Syntax::Nginx,
    Syntax::Haproxy,
];

const SAMPLES: [(Syntax, &str); 9] = [
    (Syntax::Yaml, include_str!("../../../../fuzz/seeds/yaml/app.yaml")),
    (Syntax::Yaml, include_str!("../../../../fuzz/seeds/yaml/aliases.yaml")),
    (Syntax::Json, include_str!("../../../../fuzz/seeds/json/app.json")),
    (Syntax::Toml, include_str!("../../../../fuzz/seeds/toml/app.toml")),
    (Syntax::Properties, include_str!("../../../../fuzz/seeds/properties/app.properties")),
    (Syntax::Ini, include_str!("../../../../fuzz/seeds/ini/app.ini")),
    (Syntax::Env, include_str!("../../../../fuzz/seeds/env/app.env")),
    (Syntax::Nginx, include_str!("../../../../fuzz/seeds/nginx/site.conf")),
    (Syntax::Haproxy, include_str!("../../../../fuzz/seeds/haproxy/haproxy.cfg")),
];

/// Pieces that mean something to some syntax, and some that mean nothing to any.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b.c",
        "key",
        "1",
        "5s",
        "=",
        ":",
        ": ",
        " ",
        "  ",
        "\t",
        "\n",
        "\r\n",
        "\n  ",
        "\n- ",
        ";",
        "{",
        "}",
        "[",
        "]",
        "[[",
        "]]",
        ",",
        "#",
        " # x",
        "// x\n",
        "/*",
        "*/",
        "\"",
        "'",
        "\"\"\"",
        "'''",
        "\\",
        "\\\n",
        "\\\r\n",
        "\\u00e9",
        "\\\"",
        "${",
        "}",
        "|-\n  ",
        ">\n ",
        "&a ",
        "*a",
        "<<: ",
        "---\n",
        "? ",
        "!t ",
        "_by_lua_block {",
        "\ndefaults\n",
        "\nbackend b\n",
        "\\x41",
        "--[[",
        "]]",
        "export ",
        "\u{feff}",
        "\0",
        "é",
        "\u{2028}",
        "😀",
    ]);
    prop::collection::vec(piece, 0..48).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn generated_text_breaks_no_promise(text in pieces(), syntax in prop::sample::select(SYNTAXES.to_vec())) {
        promises::check(syntax, &text);
    }

    #[test]
    fn damaged_text_breaks_no_promise(
        (syntax, sample) in prop::sample::select(SAMPLES.to_vec()),
        from in any::<prop::sample::Index>(),
        length in 0usize..40,
        piece in pieces(),
    ) {
        let borders: Vec<usize> = sample.char_indices().map(|(at, _)| at).collect();
        let from = from.index(borders.len());
        let to = (from + length).min(borders.len() - 1);
        let text = format!("{}{piece}{}", &sample[..borders[from]], &sample[borders[to]..]);
        promises::check(syntax, &text);
    }
}

#[test]
fn text_cut_anywhere_breaks_no_promise() {
    for (syntax, sample) in SAMPLES {
        for (at, _) in sample.char_indices() {
            promises::check(syntax, &sample[..at]);
            promises::check(syntax, &sample[..at].replace('\n', "\r\n"));
        }
    }
}

#[test]
fn nesting_beyond_measure_is_cut() {
    let texts = [
        (Syntax::Yaml, "[".repeat(100_000)),
        (Syntax::Json, "[".repeat(100_000)),
        (Syntax::Json, "{\"a\":".repeat(100_000)),
        (Syntax::Toml, format!("a = {}", "[".repeat(100_000))),
        (Syntax::Toml, format!("a = {}", "{a=".repeat(100_000))),
        (Syntax::Toml, format!("{}a = 1", "a.".repeat(100_000))),
        (Syntax::Nginx, "a {".repeat(100_000)),
        (Syntax::Nginx, format!("a_by_lua_block {}", "{".repeat(100_000))),
    ];
    for (syntax, text) in texts {
        let source = Source::new(FileId(0), "deep", text);
        let tree = Tree::parse(syntax, &source);
        assert!(!tree.problems().is_empty(), "{}", &source.text()[..8]);
        let mut depth = 0;
        let mut next = tree.documents().next();
        while let Some(node) = next {
            depth += 1;
            next = match node.kind() {
                NodeKind::Map => node.written_entries().next().map(|entry| entry.value),
                _ => node.items().last(),
            };
        }
        assert!(depth <= Tree::MAX_DEPTH + 1, "{depth} levels");
    }
}

#[test]
fn a_mistake_on_every_line_is_read_in_the_time_of_the_text() {
    // A reader that looks ahead anew from every line would take minutes for each of these.
    for (syntax, piece) in [
        (Syntax::Nginx, "a \"x\n"),
        (Syntax::Nginx, "a 'x \"y\n"),
        (Syntax::Nginx, "a \\\""),
        (Syntax::Haproxy, "a \"x\n"),
        (Syntax::Haproxy, "backend\n"),
        (Syntax::Env, "A=\"x\n"),
        (Syntax::Env, "A='x\nB=\"y\n"),
        (Syntax::Properties, "\\\n"),
        (Syntax::Ini, "a =\n b\n"),
        (Syntax::Ini, "a = \" ;'\n"),
        (Syntax::Toml, "a = \"\"\"\n"),
        (Syntax::Toml, "[a.b.c.d]\n"),
        (Syntax::Json, "[1 "),
    ] {
        let source = Source::new(FileId(0), "long", piece.repeat(100_000));
        let tree = Tree::parse(syntax, &source);
        assert!(tree.problems().iter().all(|problem| problem.span.end as usize <= source.text().len()));
    }
}

#[test]
fn what_the_fuzzer_found_stays_mended() {
    for (syntax, text) in [
        (Syntax::Yaml, " > # comment\n"),
        (Syntax::Yaml, "[!<>[]\n"),
        (Syntax::Yaml, "%\u{2028}\n---\na: é\n"),
        (
            Syntax::Yaml,
            "a: &a [&b # !# \r\r\r\r\r\r\r\u{c}\r\r\r\r\r !<<: [*a, *b]sa\u{4}3333334\r\r\r\r\r\r\u{c}\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r## one&\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r",
        ),
        (Syntax::Toml, "f = 1d\n"),
        (Syntax::Json, "{\"a\": // on\n 1}"),
    ] {
        promises::check(syntax, text);
    }
}
