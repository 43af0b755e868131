//! What needs other programs, or the daemon as a whole.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod logs;
