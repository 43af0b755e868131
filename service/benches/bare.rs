//! The bare sides of `cargo xtask bench auth`: what the service does without sockets and without a
//! directory, so that a ratio says what those cost.
//!
//! `argon2id THREADS SECONDS MEMORY_KIB ITERATIONS`: hashes per second of our own crate, one lane, each
//! thread on memory of its own that it keeps. `verify THREADS SECONDS`: access tokens verified per second,
//! by signature, time, issuer and audience, as a service behind the front does.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use authd::account::{AccountId, Epoch, SessionId};
use authd::clock::{Clock as _, SystemClock};
use authd::config::front::TokensConfig;
use authd::entropy::SystemEntropy;
use authd::session::Presented;
use authd::token::Tokens;
use authd::token::keys::KeyRing;

fn main() {
    // Cargo adds an argument of its own.
    let all: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = all.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u32>().expect("bug: `cargo xtask bench` gives numbers");
    let rate = match words[..] {
        ["argon2id", threads, seconds, memory, iterations] => {
            argon2id(number(threads), number(seconds), number(memory), number(iterations))
        }
        ["verify", threads, seconds] => verify(number(threads), number(seconds)),
        // As `cargo bench` alone runs it.
        _ => return,
    };
    #[expect(clippy::print_stdout, reason = "the figure is read from here")]
    {
        println!("{rate:.3}");
    }
}

fn argon2id(threads: u32, seconds: u32, memory: u32, iterations: u32) -> f64 {
    together(threads, seconds, |_| {
        let params =
            Params::new(memory, iterations, 1, Some(32)).expect("bug: parameters that argon2 can have");
        let mut blocks = vec![Block::new(); params.block_count()];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        move || {
            let mut out = [0; 32];
            let done =
                argon2.hash_password_into_with_memory(b"correct horse", &[7; 16], &mut out, &mut blocks);
            done.expect("bug: a hash of those parameters");
        }
    })
}

fn verify(threads: u32, seconds: u32) -> f64 {
    let now = SystemClock.now();
    let tokens = Tokens::new(KeyRing::ephemeral(&SystemEntropy::new(), now), &TokensConfig::default());
    let presented = Presented {
        session: SessionId([2; 16]),
        account: AccountId([1; 16]),
        epoch: Epoch(0),
        generation: 0,
        expires: now.after(Duration::from_secs(3600)),
    };
    let token = tokens.access(&presented, now);
    together(threads, seconds, |_| {
        || {
            tokens.verify_access(&token, SystemClock.now()).expect("bug: a token of our own");
        }
    })
}

/// How often something is done per second by so many threads, each counting its own whole ones.
fn together<W: FnMut() + Send>(threads: u32, seconds: u32, each: impl Fn(u32) -> W) -> f64 {
    let length = Duration::from_secs(u64::from(seconds));
    std::thread::scope(|scope| {
        let spawned: Vec<_> = (0..threads)
            .map(|number| {
                let mut work = each(number);
                scope.spawn(move || {
                    // Memory is touched and caches are filled before the clock runs.
                    work();
                    let begun = Instant::now();
                    let mut count = 0_u32;
                    while begun.elapsed() < length {
                        work();
                        count += 1;
                    }
                    f64::from(count) / begun.elapsed().as_secs_f64()
                })
            })
            .collect();
        spawned.into_iter().map(|thread| thread.join().expect("bug: a thread panicked")).sum()
    })
}
