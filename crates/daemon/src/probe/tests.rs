//! Walks through servers on loopback.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use watch::plan::{Access, GuardSource, Intake, Step};

use super::*;

/// Long enough for anything on loopback that comes at all.
const LONG: Duration = Duration::from_secs(20);

/// For what never comes.
const SHORT: Duration = Duration::from_millis(150);

/// A server that answers each request with the next of its answers, and remembers what it was asked.
struct Server {
    base: String,
    asked: Arc<Mutex<Vec<String>>>,
}

/// A status and a body each; a status of 0 closes the connection, 1 never answers.
type Answers = &'static [(u16, &'static str)];

impl Server {
    async fn new(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answers, Arc::clone(&all)));
            }
        });
        Self { base, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, answers: &[(u16, &str)], asked: Arc<Mutex<Vec<String>>>) {
    let mut buffer = vec![0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        let number = {
            let mut asked = asked.lock().unwrap();
            asked.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
            asked.len() - 1
        };
        match answers[number % answers.len()] {
            (0, _) => return,
            (1, _) => std::future::pending().await,
            (status, body) => {
                let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    }
}

fn step(name: &str, method: &str, url: &str) -> Step {
    Step {
        name: name.to_owned(),
        method: method.to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: None,
        expect: vec![(200, 299)],
        keep: Vec::new(),
    }
}

fn way() -> Vec<Step> {
    let json = ("content-type".to_owned(), "application/json".to_owned());
    let bearer = ("authorization".to_owned(), "Bearer ${token}".to_owned());
    let login = Step {
        headers: vec![json],
        body: Some("{\"password\":\"${PASSWORD}\"}".to_owned()),
        keep: vec![("token".to_owned(), "/session/token".to_owned()), ("id".to_owned(), "/id".to_owned())],
        ..step("login", "POST", "${BASE}/login")
    };
    let user = Step { headers: vec![bearer.clone()], ..step("user", "GET", "${BASE}/users/${id}") };
    let logout =
        Step { headers: vec![bearer], expect: vec![(204, 204)], ..step("logout", "POST", "${BASE}/logout") };
    vec![login, user, logout]
}

fn prober(steps: Vec<Step>, base: &str, timeout: Duration) -> (Prober, mpsc::Receiver<String>) {
    let access = Access::default();
    let guard = GuardSource::Declared(0.01);
    let probe = Probe { every: Duration::from_millis(5), timeout, steps, access, guard: guard.clone() };
    let watched = Watched {
        name: "auth".to_owned(),
        span: model::Span { file: model::FileId(0), start: 0, end: 0 },
        intake: Intake::None,
        reasons: Vec::new(),
        failures: guard,
        by_reason: Vec::new(),
        latency: None,
        pile_up: Vec::new(),
        traffic: None,
        objective: None,
        probe: Some(probe.clone()),
    };
    let variable = |name: &str| match name {
        "BASE" => Some(base.to_owned()),
        "PASSWORD" => Some("s3\"cret".to_owned()),
        _ => None,
    };
    let (notes, lines) = Notes::new();
    let prober = Prober::new(0, &watched, &probe, Path::new("/"), &Network::default(), &notes, variable);
    (prober.unwrap(), lines)
}

const LOGIN: &str = r#"{"session": {"token": "t0k/en"}, "id": 17}"#;

#[tokio::test]
async fn a_way_is_walked_with_what_its_steps_gave() {
    let server = Server::new(&[(200, LOGIN), (200, "{}"), (204, "")]).await;
    let (mut prober, _lines) = prober(way(), &server.base, LONG);
    let walk = prober.walk().await;
    assert_eq!(walk.failed, None);
    let asked = server.asked();
    assert!(
        asked[0].starts_with("POST /login ") && asked[0].ends_with("{\"password\":\"s3\\\"cret\"}"),
        "{}",
        asked[0]
    );
    assert!(asked[1].starts_with("GET /users/17 ") && asked[1].contains("authorization: Bearer t0k/en\r\n"));
    let [login, user, logout] = walk.steps.as_slice() else { panic!("three steps") };
    assert!(login.connect.is_some() && user.connect.is_none() && logout.whole.is_some(), "{:?}", walk.steps);
    assert!(prober.walk().await.steps[0].connect.is_some(), "each walk begins with a new connection");
}

#[tokio::test]
async fn json_says_that_it_is_and_what_is_kept_of_it_need_not_be_a_text() {
    let server = Server::new(&[(200, r#"{"ids": [1, 2]}"#), (200, "")]).await;
    let list =
        Step { keep: vec![("ids".to_owned(), "/ids".to_owned())], ..step("list", "GET", "${BASE}/ids") };
    let all = Step { body: Some("{\"ids\": ${ids}}".to_owned()), ..step("all", "POST", "${BASE}/all") };
    let (mut prober, _lines) = prober(vec![list, all], &server.base, LONG);
    assert_eq!(prober.walk().await.failed, None);
    let asked = server.asked();
    assert!(!asked[0].contains("content-type") && asked[1].contains("content-type: application/json\r\n"));
    assert!(asked[1].ends_with(r#"{"ids": [1,2]}"#), "{}", asked[1]);
}

#[tokio::test]
async fn what_fails_is_said_with_its_step_and_without_secrets() {
    let cases: [(Answers, Fault, u16, &str); 7] = [
        (&[(200, LOGIN), (503, "t0k/en")], Fault::Status(503), 1, "`user`: answers with the status 503"),
        (&[(401, "")], Fault::Status(401), 0, "`login`: answers with the status 401"),
        (
            &[(200, LOGIN), (200, ""), (200, "")],
            Fault::Status(200),
            2,
            "`logout`: answers with the status 200",
        ),
        (&[(200, "welcome")], Fault::Answer, 0, "`login`: its answer is no JSON"),
        (
            &[(200, r#"{"session": {"token": null}}"#)],
            Fault::Answer,
            0,
            "`login`: its answer has nothing at /session/token",
        ),
        (&[(200, LOGIN), (0, ""), (0, "")], Fault::Broken, 1, "`user`: "),
        (
            &[(200, r#"{"session": {"token": "s3\ncret"}, "id": true}"#), (200, "")],
            Fault::Answer,
            1,
            "`user`: the header authorization would hold what no header can carry",
        ),
    ];
    for (answers, fault, at, words) in cases {
        let server = Server::new(answers).await;
        let (mut prober, mut lines) = prober(way(), &server.base, LONG);
        let walk = prober.walk().await;
        assert_eq!(walk.failed, Some((at, fault)));
        assert_eq!(walk.steps.len(), usize::from(at) + 1);
        let line = lines.try_recv().unwrap();
        assert!(line.starts_with(&format!("auth: the probe fails at {words}")), "{line}");
        assert!(!line.contains("s3") && !line.contains("t0k"), "{line}");
    }
}

#[tokio::test]
async fn the_whole_way_has_one_deadline() {
    let server = Server::new(&[(200, LOGIN), (1, "")]).await;
    let (mut prober, mut lines) = prober(way(), &server.base, SHORT);
    assert_eq!(prober.walk().await.failed, Some((1, Fault::Timeout)));
    let line = lines.try_recv().unwrap();
    assert_eq!(line, "auth: the probe fails at `user`: the way was not walked within 150 ms");
}

#[tokio::test]
async fn a_process_that_stood_still_is_our_fault() {
    let server = Server::new(&[(1, "")]).await;
    let (mut prober, mut lines) = prober(way(), &server.base, SHORT);
    let (walk, ()) = tokio::join!(prober.walk(), async {
        tokio::task::yield_now().await;
        // What a suspended machine does to a process.
        std::thread::sleep(SHORT);
    });
    assert_eq!(walk.failed, Some((0, Fault::Ours)));
    assert!(lines.try_recv().unwrap().contains("this process stood still for "));
}

#[tokio::test]
async fn what_we_lack_is_our_fault() {
    let unset = vec![step("login", "GET", "http://127.0.0.1:9/${NOT_SET}")];
    let (mut prober, mut lines) = prober(unset, "", LONG);
    assert_eq!(prober.walk().await.failed, Some((0, Fault::Ours)));
    assert_eq!(
        lines.try_recv().unwrap(),
        "auth: the probe fails at `login`: the environment variable NOT_SET is not set"
    );
}

#[tokio::test]
async fn what_does_not_resolve_or_connect_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for (base, fault) in [(closed.as_str(), Fault::Connect), ("http://forewarn.invalid", Fault::Dns)] {
        let (mut prober, _lines) = prober(way(), base, LONG);
        assert_eq!(prober.walk().await.failed, Some((0, fault)), "{base}");
    }
}

#[tokio::test]
async fn walks_come_as_inputs() {
    let server = Server::new(&[(200, LOGIN)]).await;
    let (prober, _lines) = prober(vec![step("login", "GET", "${BASE}/")], &server.base, LONG);
    let (to, mut inputs) = mpsc::channel(1);
    let running = tokio::spawn(prober.run(Instant::now(), to));
    for _ in 0..2 {
        let Some(Input::Walked { service: 0, walk }) = inputs.recv().await else { panic!("a walk") };
        assert_eq!(walk.failed, None);
    }
    drop(inputs);
    running.await.unwrap();
}
