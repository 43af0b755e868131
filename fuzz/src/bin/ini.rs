//! Every promise of a tree, for arbitrary Ini text.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::check(text::Syntax::Ini, text));
