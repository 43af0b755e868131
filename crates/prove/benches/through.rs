//! What `cargo xtask bench proxy` measures: turns of a conversation through a proxy, in the process that
//! people's clients and Forewarn's proxies share in a test.
//!
//! `echo` answers everything with itself and prints where; `turns ADDRESS` and `replay ADDRESS MEDIAN DRAWS`
//! converse with it there. With `ours` behind it, a proxy of this process stands between.

#![expect(clippy::disallowed_methods, reason = "it measures by the clock of the machine")]

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use model::{Latency, Replay};
use prove::proxy::draws::Draws;
use prove::proxy::{Delay, Proxy, Spread, Weather};

/// A small message: a query, a lookup.
const MESSAGE: usize = 64;
/// Connections side by side.
const SIDE_BY_SIDE: u64 = 8;
/// Turns a second, all connections together, and connections a second: more than a test of 100 people a
/// second has.
const A_SECOND: f64 = 1000.0;
const CONNECTIONS_A_SECOND: f64 = 400.0;
/// Of each connection, and of all.
const TURNS: usize = 500;
const CONNECTIONS: usize = 200;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        // Nothing to measure is no mistake: that is how `cargo test --all-targets` runs it.
        [] => Ok(String::new()),
        ["echo"] => echo(),
        ["turns", address, seed, way @ ..] => turns(address, seed, *way == ["ours"]),
        ["replay", address, seed, median, draws] => replay(address, seed, median, draws),
        _ => Err(io::Error::other(
            "through echo | turns ADDRESS SEED [ours] | replay ADDRESS SEED MEDIAN DRAWS",
        )),
    };
    match done {
        Ok(said) => {
            let _ = io::stdout().write_all(said.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "through: {error}");
            ExitCode::FAILURE
        }
    }
}

fn echo() -> io::Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    writeln!(io::stdout(), "{}", listener.local_addr()?)?;
    loop {
        let (mut stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        thread::Builder::new().stack_size(64 << 10).spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut bytes) {
                if stream.write_all(&bytes[..read]).is_err() {
                    break;
                }
            }
        })?;
    }
}

/// One turn, and how long it took.
fn turn(stream: &mut TcpStream) -> io::Result<Duration> {
    let begun = Instant::now();
    stream.write_all(&[7; MESSAGE])?;
    stream.read_exact(&mut [0; MESSAGE])?;
    Ok(begun.elapsed())
}

fn connected(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// All durations of so many threads that each do the same.
fn side_by_side<F>(count: u64, of: F) -> io::Result<Vec<Duration>>
where
    F: Fn(u64) -> io::Result<Vec<Duration>> + Clone + Send + 'static,
{
    let begin = |number| {
        let of = of.clone();
        thread::spawn(move || of(number))
    };
    let threads: Vec<_> = (0..count).map(begin).collect();
    let mut all = Vec::new();
    for thread in threads {
        all.extend(thread.join().map_err(|_| io::Error::other("a thread panicked"))??);
    }
    all.sort_unstable();
    Ok(all)
}

/// Pauses of equal chance at any moment.
struct Pauses(Draws, f64);

impl Pauses {
    fn of(seed: u64, number: u64, a_second: f64) -> Self {
        Self(Draws::of(seed, number), SIDE_BY_SIDE as f64 / a_second)
    }

    fn pause(&mut self) {
        thread::sleep(Duration::from_secs_f64(-self.0.share().ln() * self.1));
    }
}

/// Microseconds: half and 99 % of turns over connections that are kept, and of connections with one turn.
fn turns(address: &str, seed: &str, ours: bool) -> io::Result<String> {
    let (address, seed): (SocketAddr, u64) = (parsed(address)?, parsed(seed)?);
    let proxy = ours.then(|| Proxy::start(address.to_string(), Weather::default(), seed)).transpose()?;
    let address = proxy.as_ref().map_or(address, Proxy::address);
    let kept = side_by_side(SIDE_BY_SIDE, move |number| {
        let mut stream = connected(address)?;
        let mut pauses = Pauses::of(seed, number, A_SECOND);
        turn(&mut stream)?;
        let paced = |_| {
            pauses.pause();
            turn(&mut stream)
        };
        (0..TURNS).map(paced).collect()
    })?;
    let fresh = side_by_side(SIDE_BY_SIDE, move |number| {
        let mut pauses = Pauses::of(seed, number, CONNECTIONS_A_SECOND);
        let paced = |_| {
            pauses.pause();
            let begun = Instant::now();
            turn(&mut connected(address)?)?;
            Ok(begun.elapsed())
        };
        (0..CONNECTIONS).map(paced).collect()
    })?;
    let mut said = format!("{} {} {} {}", at(&kept, 0.5), at(&kept, 0.99), at(&fresh, 0.5), at(&fresh, 0.99));
    if let Some(proxy) = &proxy {
        said += &noted(&proxy.counted().forwarded);
    }
    Ok(said + "\n")
}

fn noted(spread: &Spread) -> String {
    let micros = |length: Duration| length.as_secs_f64() * 1e6;
    format!(" {} {} {}", micros(spread.quantile(0.5)), micros(spread.quantile(0.99)), micros(spread.most()))
}

fn at(sorted: &[Duration], share: f64) -> f64 {
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(place.saturating_sub(1)).map_or(0.0, |length| length.as_secs_f64() * 1e6)
}

/// The distance of Kolmogorov and Smirnov between what was observed here and what was asked for, and the
/// microseconds that were observed at half and at 99 %.
fn replay(address: &str, seed: &str, median: &str, draws: &str) -> io::Result<String> {
    let (address, seed): (SocketAddr, u64) = (parsed(address)?, parsed(seed)?);
    let median = Duration::from_millis(parsed(median)?);
    let draws: usize = parsed(draws)?;
    let quantiles = vec![(0.5, median), (0.99, median * 5)];
    let latency = Latency { window: String::new(), calls: 1_000_000, in_force: None, quantiles };
    let asked = latency.replay().ok_or_else(|| io::Error::other("two quantiles are enough"))?;
    let weather = Weather { answer: Some(Delay { of: asked.clone(), on_top: false }), ..Weather::default() };
    let proxy = Proxy::start(address.to_string(), weather, seed)?;
    // So many that the proxy has some 1500 turns a second to delay.
    let connections = median.as_millis().clamp(1, 100) as u64 * 2;
    let through = proxy.address();
    let observed = side_by_side(connections, move |_| {
        let mut stream = connected(through)?;
        (0..draws / connections as usize).map(|_| turn(&mut stream)).collect()
    })?;
    let distance = distance(&observed, &asked);
    let said = format!("{distance} {} {} {connections}", at(&observed, 0.5), at(&observed, 0.99));
    Ok(said + &noted(&proxy.counted().released) + "\n")
}

fn distance(sorted: &[Duration], asked: &Replay) -> f64 {
    let all = sorted.len() as f64;
    let apart = sorted.iter().zip(0_u32..).map(|(&length, below)| {
        let share = asked.share_within(length);
        (share - f64::from(below) / all).abs().max((share - f64::from(below + 1) / all).abs())
    });
    apart.fold(0.0, f64::max)
}

fn parsed<T: std::str::FromStr>(text: &str) -> io::Result<T> {
    text.parse().map_err(|_| io::Error::other(format!("`{text}` cannot be read")))
}
