//! Looks at servers on loopback.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use watch::plan::{Access, GuardSource, Intake, Reason, Targets};

use super::super::*;
use super::reads::mapping;

/// Long enough for anything on loopback that comes at all, short enough to wait for what does not.
const TIMEOUT: Duration = Duration::from_millis(400);

/// A server that says the same to each request; gives its URL. Without words it never answers.
async fn saying(answer: Option<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, answer.clone()));
        }
    });
    url
}

async fn serve(mut stream: TcpStream, answer: Option<String>) {
    let mut request = [0; 4096];
    while stream.read(&mut request).await.is_ok_and(|length| length > 0) {
        match &answer {
            Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
            None => std::future::pending().await,
        }
    }
}

fn answer(status: &str, headers: &str, body: &str) -> Option<String> {
    Some(format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()))
}

fn fine(body: &str) -> Option<String> {
    answer("200 OK", "content-type: text/plain; version=0.0.4\r\n", body)
}

fn scrape(targets: Vec<Targets>) -> Scrape {
    Scrape { targets, access: Access::default(), mapping: mapping(), timeout: TIMEOUT, most: 100_000 }
}

fn watched(scrape: Scrape) -> Watched {
    let reason = |name: &str| Reason { name: name.to_owned(), counts: true };
    Watched {
        name: "auth".to_owned(),
        span: model::Span { file: model::FileId(0), start: 0, end: 0 },
        intake: Intake::Scrape(scrape),
        reasons: vec![reason("timeout"), reason("refused")],
        failures: GuardSource::Declared(0.01),
        by_reason: Vec::new(),
        latency: None,
        pile_up: Vec::new(),
        traffic: None,
        objective: None,
        probe: None,
    }
}

fn scraper(targets: Vec<Targets>) -> (Scraper, mpsc::Receiver<String>) {
    let scrape = scrape(targets);
    let (notes, lines) = Notes::new();
    let watched = watched(scrape.clone());
    let scraper = Scraper::new(3, &watched, &scrape, Path::new("/"), &Network::default(), &notes);
    (scraper.unwrap(), lines)
}

fn said(look: &Look) -> Vec<Result<u64, Why>> {
    let said = look.readings.iter().map(|reading| match &reading.said {
        Said::Totals(tally) => Ok(tally.requests),
        Said::Nothing(why) => Err(*why),
        Said::Since { .. } => panic!("a scrape gives totals"),
    });
    said.collect()
}

#[tokio::test]
async fn all_targets_are_asked_and_none_keeps_the_others_up() {
    let kind = |kind: &str| answer("200 OK", &format!("content-type: {kind}\r\n"), "login_total 9\n");
    let answers = [
        (fine("login_total{outcome=\"ok\"} 7\n"), Ok(7)),
        (None, Err(Why::Timeout)),
        (answer("503 Service Unavailable", "", "login_total 1\n"), Err(Why::Status)),
        (answer("302 Found", "location: /m\r\n", ""), Err(Why::Status)),
        (fine("logins 7\n"), Err(Why::Absent)),
        (fine("login_total NaN\n"), Err(Why::Number)),
        (fine(&"login_total 7\n".repeat(2)), Err(Why::Format)),
        (fine(&"a 1\n".repeat(99_999)), Err(Why::Body)),
        (kind("text/html"), Err(Why::Format)),
        (kind("application/openmetrics-text; version=1.0.0"), Err(Why::Body)),
        (answer("200 OK", "content-encoding: gzip\r\n", "login_total 9\n"), Err(Why::Format)),
        (Some("HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\nlogin".to_owned()), Err(Why::Body)),
        (Some("220 smtp ready\r\n".to_owned()), Err(Why::Format)),
        (answer("200 OK", "", "login_total 9\n"), Ok(9)),
    ];
    let mut targets = Vec::new();
    for (answer, _) in &answers {
        targets.push(Targets::Url(saying(answer.clone()).await));
    }
    let (mut scraper, _lines) = scraper(targets);
    let begun = Instant::now();
    let look = scraper.look().await;
    assert!(begun.elapsed() < 2 * TIMEOUT);
    assert_eq!(said(&look), answers.iter().map(|(_, said)| *said).collect::<Vec<_>>());
    let numbers: Vec<u16> = look.readings.iter().map(|reading| reading.target).collect();
    assert_eq!(numbers, (0..14).collect::<Vec<u16>>());
    assert_eq!(look.targets.unwrap().len(), 14);
}

#[tokio::test]
async fn an_end_that_is_not_marked_may_be_a_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for body in ["login_total 12\n", "login_total 1"] {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
            let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let (mut scraper, _lines) = scraper(vec![Targets::Url(url)]);
    assert_eq!(said(&scraper.look().await), [Ok(12)]);
    assert_eq!(said(&scraper.look().await), [Err(Why::Body)]);
}

#[tokio::test]
async fn targets_are_told_once_and_trouble_in_words() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (mut scraper, mut lines) =
        scraper(vec![Targets::Url(format!("http://{address}/metrics?key=s3cret"))]);
    assert_eq!(scraper.look().await.targets, Some(vec![address.to_string()]));
    let look = scraper.look().await;
    assert_eq!((look.targets.as_ref(), said(&look)), (None, vec![Err(Why::Connect)]));
    let line = lines.try_recv().unwrap();
    assert!(line.starts_with(&format!("auth at {address}: {address}: ")), "{line}");
    assert!(lines.try_recv().is_err(), "the same trouble is said once");
}

#[tokio::test]
async fn inputs_come_in_the_order_that_the_journal_wants() {
    let url = saying(fine("login_total 1\n")).await;
    let address = url.trim_start_matches("http://").trim_end_matches("/metrics").to_owned();
    let (scraper, _lines) = scraper(vec![Targets::Url(url)]);
    let (to, mut inputs) = mpsc::channel(9);
    let every = Duration::from_millis(5);
    let running = tokio::spawn(scraper.run(Instant::now(), every, to));
    let tally = Tally { requests: 1, failed: vec![0, 0], ..Tally::default() };
    let readings = vec![Reading { target: 0, said: Said::Totals(tally) }];
    let look = Input::Look { service: 3, readings };
    assert_eq!(inputs.recv().await, Some(Input::Targets { service: 3, targets: vec![address] }));
    assert_eq!(inputs.recv().await, Some(look.clone()));
    assert_eq!(inputs.recv().await, Some(look));
    drop(inputs);
    running.await.unwrap();
}
