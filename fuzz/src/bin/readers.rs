//! Every promise of a whole audit of one arbitrary file beside a known one. The first byte names it.
#![no_main]

#[path = "../whole.rs"]
mod whole;

libfuzzer_sys::fuzz_target!(|input: &[u8]| whole::check(input));
