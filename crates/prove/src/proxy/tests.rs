//! The proxy over real sockets of loopback. Lengths are only bounded from below, and what is drawn as the
//! whole time only to within the lag that is taken off it: how exact they are, a benchmark measures.

use std::time::{Duration, Instant};

use model::Latency;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A dependency that gives back what it is sent, until it is sent no more.
async fn echo() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    address
}

async fn before(dependency: String, weather: Weather) -> (Proxy, TcpStream) {
    let proxy = Proxy::start(dependency, weather, 1).unwrap();
    let stream = TcpStream::connect(proxy.address()).await.unwrap();
    (proxy, stream)
}

/// Always so long.
fn always(length: Duration, on_top: bool) -> Option<Delay> {
    let quantiles = vec![(0.001, length), (0.999, length)];
    let latency = Latency { window: String::new(), calls: 1000, in_force: None, quantiles };
    Some(Delay { of: latency.replay().unwrap(), on_top })
}

/// As long as a caller is to observe, to within the lag that is taken off.
fn is_observed(begun: Instant, length: Duration) -> bool {
    begun.elapsed() + Lag::MOST >= length
}

async fn ask(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(bytes).await?;
    let mut answer = vec![0; bytes.len()];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

/// Over a connection of its own. The kernel makes it before the proxy resets it, but where the reset is
/// quick, a caller that only then looks how its connecting went meets the reset there already.
async fn ask_once(address: SocketAddr) -> io::Result<Vec<u8>> {
    ask(&mut TcpStream::connect(address).await?, b"question").await
}

#[tokio::test]
async fn bytes_pass_unchanged_both_ways_and_the_end_of_one_way_is_the_end_of_that_way() {
    let (proxy, mut stream) = before(echo().await, Weather::default()).await;
    let sent: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
    let (mut from, mut to) = stream.split();
    let mut came = Vec::new();
    let (written, read) = tokio::join!(
        async {
            to.write_all(&sent).await?;
            to.shutdown().await
        },
        from.read_to_end(&mut came)
    );
    written.unwrap();
    read.unwrap();
    assert!(came == sent, "{} of {} bytes", came.len(), sent.len());
    assert_eq!(proxy.counted().connections, 1);
}

#[tokio::test]
async fn an_answer_comes_no_sooner_than_drawn_and_each_question_is_a_turn() {
    let length = Duration::from_millis(15);
    for on_top in [false, true] {
        let weather = Weather { answer: always(length, on_top), ..Weather::default() };
        let (proxy, mut stream) = before(echo().await, weather).await;
        for turn in 1..=3 {
            let begun = Instant::now();
            assert_eq!(ask(&mut stream, b"question").await.unwrap(), b"question");
            let elapsed = begun.elapsed();
            assert!(if on_top { elapsed >= length } else { is_observed(begun, length) }, "{elapsed:?}");
            let counted = proxy.counted();
            assert_eq!((counted.calls, counted.turns, counted.drawn), (turn, turn, turn));
        }
    }
}

#[tokio::test]
async fn an_answer_that_takes_longer_than_what_was_drawn_is_late_unless_that_comes_on_top() {
    let dependency = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = dependency.local_addr().unwrap().to_string();
    let (takes, drawn) = (Duration::from_millis(10), Duration::from_millis(1));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = dependency.accept().await {
            let mut question = [0; 8];
            stream.read_exact(&mut question).await.unwrap();
            tokio::time::sleep(takes).await;
            stream.write_all(&question).await.unwrap();
        }
    });
    for on_top in [false, true] {
        let weather = Weather { answer: always(drawn, on_top), ..Weather::default() };
        let (proxy, mut stream) = before(address.clone(), weather).await;
        ask(&mut stream, b"question").await.unwrap();
        let counted = proxy.counted();
        assert_eq!(counted.late, u64::from(!on_top));
        assert!(on_top || counted.late_by >= takes - drawn, "{:?}", counted.late_by);
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_draws_in_the_same_order_connection_by_connection() {
    let quantiles = vec![(0.5, Duration::from_millis(2)), (0.99, Duration::from_millis(10))];
    let latency = Latency { window: String::new(), calls: 1000, in_force: None, quantiles };
    let replay = latency.replay().unwrap();
    let delay = Some(Delay { of: replay.clone(), on_top: false });
    let mut drawn_for = Vec::new();
    for seed in [1, 1, 2] {
        let weather = Weather { answer: delay.clone(), ..Weather::default() };
        let proxy = Proxy::start(echo().await, weather, seed).unwrap();
        for connection in 0..4 {
            let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
            let mut draws = Draws::of(seed, connection);
            for turn in 0..8 {
                let asked = replay.at(draws.share());
                let before = proxy.counted().drawn_for;
                let begun = Instant::now();
                ask(&mut stream, b"question").await.unwrap();
                assert!(is_observed(begun, asked), "turn {turn} of {connection}: {:?}", begun.elapsed());
                let drawn = proxy.counted().drawn_for - before;
                assert_eq!(drawn.as_micros(), asked.as_micros(), "turn {turn} of {connection}");
            }
        }
        drawn_for.push(proxy.counted().drawn_for);
    }
    assert_eq!(drawn_for[0], drawn_for[1]);
    assert_ne!(drawn_for[0], drawn_for[2]);
}

#[tokio::test]
async fn what_the_proxy_adds_is_noted_for_each_turn_either_way() {
    let length = Duration::from_millis(5);
    let weather = Weather { answer: always(length, true), ..Weather::default() };
    let (proxy, mut stream) = before(echo().await, weather).await;
    for _ in 0..4 {
        ask(&mut stream, b"question").await.unwrap();
    }
    // It is noted once it is passed on: the last one may not be yet.
    let counted = proxy.counted();
    assert!(counted.forwarded.count() >= 3 && counted.released.count() >= 3, "{counted:?}");
    assert!(counted.released.most() > Duration::ZERO && counted.forwarded.most() > Duration::ZERO);
    assert_eq!(counted.since(&counted).released, Spread::default());
}

#[tokio::test]
async fn a_connection_that_is_given_up_before_it_stands_is_a_call() {
    let weather = Weather { connect: always(Duration::from_secs(60), false), ..Weather::default() };
    let (proxy, stream) = before(echo().await, weather).await;
    drop(stream);
    // The second one is taken after the first.
    let _second = TcpStream::connect(proxy.address()).await.unwrap();
    while proxy.counted().calls < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!((proxy.counted().connections, proxy.counted().turns), (2, 0));
}

#[tokio::test]
async fn a_connection_and_a_request_take_their_own_time() {
    let length = Duration::from_millis(15);
    let weather =
        Weather { connect: always(length, false), request: always(length, true), ..Weather::default() };
    let (_proxy, mut stream) = before(echo().await, weather).await;
    let begun = Instant::now();
    ask(&mut stream, b"question").await.unwrap();
    // The connection was begun before the clock here.
    assert!(begun.elapsed() >= length, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_weather_changes_for_open_connections_too() {
    let (proxy, mut stream) = before(echo().await, Weather::default()).await;
    ask(&mut stream, b"one").await.unwrap();
    let length = Duration::from_millis(15);
    proxy.set(Weather { answer: always(length, false), ..Weather::default() });
    let begun = Instant::now();
    ask(&mut stream, b"two").await.unwrap();
    assert!(is_observed(begun, length));
}

#[tokio::test]
async fn each_fault_shows_as_what_it_is() {
    let weather = |fault| Weather { fault, ..Weather::default() };
    let proxy = Proxy::start(echo().await, weather(Fault::Refuse), 1).unwrap();
    assert!(ask_once(proxy.address()).await.is_err());

    let (_proxy, mut stream) = before(echo().await, weather(Fault::Reset)).await;
    stream.write_all(b"question").await.unwrap();
    let mut came = Vec::new();
    let end = stream.read_to_end(&mut came).await;
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset);

    let (_proxy, mut stream) = before(echo().await, weather(Fault::BlackHole)).await;
    stream.write_all(b"question").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut came = Vec::new();
    stream.read_to_end(&mut came).await.unwrap();
    assert!(came.is_empty());

    let length = Duration::from_millis(15);
    let (_proxy, mut stream) = before(echo().await, weather(Fault::SlowClose(length))).await;
    let begun = Instant::now();
    stream.shutdown().await.unwrap();
    stream.read_to_end(&mut came).await.unwrap();
    assert!(begun.elapsed() >= length);
}

#[tokio::test]
async fn a_dependency_that_takes_no_connection_is_counted() {
    let free = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let nobody = free.local_addr().unwrap().to_string();
    drop(free);
    let proxy = Proxy::start(nobody, Weather::default(), 1).unwrap();
    assert!(ask_once(proxy.address()).await.is_err());
    assert_eq!(proxy.counted().failed, 1);
}

#[tokio::test]
async fn connections_end_with_the_proxy() {
    let (proxy, mut stream) = before(echo().await, Weather::default()).await;
    ask(&mut stream, b"question").await.unwrap();
    drop(proxy);
    let mut came = Vec::new();
    // An end or a reset: no more bytes either way.
    let _ = stream.read_to_end(&mut came).await;
    assert!(came.is_empty());
}
