//! forewarn
fn main() {}
