//! Every promise of a tree, for arbitrary HAProxy text.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::check(text::Syntax::Haproxy, text));
