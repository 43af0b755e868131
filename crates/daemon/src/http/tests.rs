//! The client against servers on loopback, most of them hostile: each gives one clear trouble in time,
//! and none gets more memory than allowed.

use std::future::Future;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::*;

/// Long enough for anything on loopback that comes at all.
const LONG: Duration = Duration::from_secs(20);

/// For what never comes.
const SHORT: Duration = Duration::from_millis(150);

/// A server; gives its address, and how many connections it has taken.
async fn serving<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream, usize) -> F + Send + 'static,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let number = count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream, number));
        }
    });
    (address, taken)
}

/// A server that says the same bytes to each request, and keeps the connection open after them.
async fn saying(answer: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    serving(move |mut stream, _| async move {
        while request(&mut stream).await.is_some() {
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    })
    .await
}

/// The head of the next request.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}

fn client() -> Client {
    Client::new(&Access::default(), Path::new("."), &Network::default())
}

fn url(address: SocketAddr) -> Url {
    Url::parse(&format!("http://{address}/metrics")).unwrap()
}

async fn trouble(client: &Client, url: &Url, timeout: Duration) -> (Trouble, String) {
    let failed = client.get(url, timeout, 100_000).await.unwrap_err();
    (failed.trouble, failed.why)
}

/// A file of its own for a test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = format!("forewarn-http-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    /// Written whole under another name first, so that its identity changes each time.
    fn write(&self, text: &str) -> &Self {
        let beside = self.0.with_extension("new");
        std::fs::File::create(&beside).unwrap().write_all(text.as_bytes()).unwrap();
        std::fs::rename(beside, &self.0).unwrap();
        self
    }

    fn path(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

#[tokio::test]
async fn an_answer_comes_with_the_times_of_its_phases() {
    let (address, _) = saying(HELLO).await;
    let client = client();
    let answer = client.get(&url(address), LONG, 5).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"hello"[..]));
    let phases = answer.phases;
    assert!(phases.dns.is_none() && phases.tls.is_none(), "{phases:?}");
    assert!(phases.connect.is_some() && phases.first_byte <= phases.whole, "{phases:?}");
    let again = client.get(&url(address), LONG, 5).await.unwrap().phases;
    assert!(again.connect.is_none() && again.first_byte.is_some(), "the connection was open: {again:?}");
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    let (address, taken) = saying(HELLO).await;
    let client = client();
    for _ in 0..10 {
        client.get(&url(address), LONG, 5).await.unwrap();
    }
    assert_eq!(taken.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_made_anew() {
    // The server closes without a word while the next request is on its way.
    let (address, taken) = serving(|mut stream, number| async move {
        request(&mut stream).await;
        stream.write_all(HELLO.as_bytes()).await.unwrap();
        if number == 0 {
            request(&mut stream).await;
        }
    })
    .await;
    let client = client();
    client.get(&url(address), LONG, 5).await.unwrap();
    client.get(&url(address), LONG, 5).await.unwrap();
    assert_eq!(taken.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_must_not_arrive_twice_is_not_sent_twice() {
    let (address, taken) = serving(|mut stream, _| async move {
        request(&mut stream).await;
        stream.write_all(HELLO.as_bytes()).await.unwrap();
        request(&mut stream).await;
    })
    .await;
    let client = client();
    let url = url(address);
    let mut ask = Ask {
        method: Method::POST,
        url: &url,
        headers: &[],
        body: Bytes::new(),
        timeout: LONG,
        most: 5,
        repeatable: false,
    };
    client.whole(&ask).await.unwrap();
    assert_eq!(client.whole(&ask).await.unwrap_err().trouble, Trouble::Broken);
    ask.repeatable = true;
    client.whole(&ask).await.unwrap();
    client.whole(&ask).await.unwrap();
    assert_eq!(taken.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn nothing_that_listens_is_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (trouble, why) = trouble(&client(), &url(address), LONG).await;
    assert_eq!(trouble, Trouble::Connect, "{why}");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_said() {
    // RFC 6761: "invalid" never resolves.
    let url = Url::parse("http://forewarn.invalid/metrics").unwrap();
    let (trouble, why) = trouble(&client(), &url, LONG).await;
    assert_eq!(trouble, Trouble::Dns, "{why}");
}

#[tokio::test]
async fn of_several_addresses_the_next_is_tried() {
    let (address, _) = saying(HELLO).await;
    let mut phases = Phases::default();
    let names = Names::default();
    let found = names.addresses("localhost").await.unwrap();
    assert!(found.contains(&address.ip()));
    let url = Url::parse(&format!("http://localhost:{}/", address.port())).unwrap();
    let (tls, machine) = (Tls::of(&Access::default(), Path::new(".")), Machine::default());
    dial::dial(&url, &names, &tls, &machine, Instant::now() + LONG, &mut phases).await.unwrap();
    assert!(phases.dns.is_some() && phases.connect.is_some());
}

#[tokio::test]
async fn a_server_that_never_answers_ends_at_the_deadline() {
    let (address, _) = serving(|stream, _| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let (trouble, why) = trouble(&client(), &url(address), SHORT).await;
    assert_eq!((trouble, why.as_str()), (Trouble::Timeout, "no whole answer within 150 ms"));
}

#[tokio::test]
async fn a_server_that_drips_ends_at_the_deadline() {
    let (address, _) = serving(|mut stream, _| async move {
        request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        let mut tick = tokio::time::interval(Duration::from_millis(1));
        while stream.write_all(b"a").await.is_ok() {
            tick.tick().await;
        }
    })
    .await;
    assert_eq!(trouble(&client(), &url(address), SHORT).await.0, Trouble::Timeout);
}

#[tokio::test]
async fn an_answer_that_is_cut_is_broken() {
    let cut = ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello"];
    for answer in cut.into_iter().chain(["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel"]) {
        let (address, _) = serving(move |mut stream, _| async move {
            request(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        assert_eq!(trouble(&client(), &url(address), LONG).await.0, Trouble::Broken, "{answer:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_reset_is_broken() {
    let (address, _) = serving(|mut stream, _| async move {
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello").await.unwrap();
        stream.set_zero_linger().unwrap();
    })
    .await;
    assert_eq!(trouble(&client(), &url(address), LONG).await.0, Trouble::Broken);
}

#[tokio::test]
async fn what_is_too_large_is_not_read() {
    let endless = ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n"];
    for head in endless {
        let (address, _) = serving(move |mut stream, _| async move {
            request(&mut stream).await;
            let _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(&[b'a'; 4096]).await.is_ok() {}
        })
        .await;
        let (trouble, why) = trouble(&client(), &url(address), LONG).await;
        assert_eq!((trouble, why.as_str()), (Trouble::TooLarge, "the answer has more than 100000 bytes"));
    }
}

#[tokio::test]
async fn an_endless_head_and_what_is_no_http_are_refused() {
    for line in ["HTTP/1.1 200 OK\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "\0\0\0\0"] {
        let (address, _) = serving(move |mut stream, _| async move {
            request(&mut stream).await;
            let _ = stream.write_all(line.as_bytes()).await;
            while stream.write_all(b"a: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n").await.is_ok() {}
        })
        .await;
        assert_eq!(trouble(&client(), &url(address), LONG).await.0, Trouble::Protocol, "{line}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (address, taken) = saying("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(client().get(&url(address), LONG, 0).await.unwrap().status, 302);
    assert_eq!(taken.load(Ordering::SeqCst), 1);
}

/// A server that answers with the `Authorization` header it was sent.
async fn echoing_the_authorization() -> SocketAddr {
    let echo = |mut stream: TcpStream, _| async move {
        while let Some(head) = request(&mut stream).await {
            let sent = head.lines().find_map(|line| line.strip_prefix("authorization: "));
            let sent = sent.unwrap_or("none");
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{sent}", sent.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    };
    serving(echo).await.0
}

#[tokio::test]
async fn a_token_is_read_again_when_its_file_changes() {
    let address = echoing_the_authorization().await;
    let file = Scratch::new("token");
    let access = Access { bearer_file: Some(file.write("one\n").path()), ..Access::default() };
    let client = Client::new(&access, Path::new("/"), &Network::default());
    let said = async || client.get(&url(address), LONG, 100).await.map(|answer| answer.body);
    assert_eq!(said().await.unwrap(), b"Bearer one");
    file.write("two\n");
    assert_eq!(said().await.unwrap(), b"Bearer two");
    file.write("\n");
    let failed = said().await.unwrap_err();
    assert_eq!((failed.trouble, failed.why), (Trouble::Ours, format!("{}: is empty", file.path())));
    file.write("tres\u{1}\n");
    let why = said().await.unwrap_err().why;
    assert_eq!(why, format!("{}: holds what no header can carry", file.path()));
}

#[tokio::test]
async fn a_user_and_a_password_are_sent_as_basic() {
    let address = echoing_the_authorization().await;
    let file = Scratch::new("password");
    let basic = Some(("ana".to_owned(), file.write("s3cret\n").path()));
    let client = Client::new(&Access { basic, ..Access::default() }, Path::new("/"), &Network::default());
    assert_eq!(client.get(&url(address), LONG, 100).await.unwrap().body, b"Basic YW5hOnMzY3JldA==");
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_our_trouble() {
    let access = Access { bearer_file: Some("/nonexistent/token".to_owned()), ..Access::default() };
    let client = Client::new(&access, Path::new("/"), &Network::default());
    let (trouble, why) = trouble(&client, &Url::parse("http://127.0.0.1:9/").unwrap(), LONG).await;
    assert_eq!(trouble, Trouble::Ours);
    assert!(why.starts_with("/nonexistent/token: "), "{why}");
}

/// A server over TLS with a certificate for a name; gives its address and the certificate's text.
async fn over_tls(name: &str) -> (SocketAddr, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::from_pem_slice(signing_key.serialize_pem().as_bytes()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let certificate = CertificateDer::from(cert.der().to_vec());
    let config = config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let serve = move |stream, _| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            answer_all(&mut stream).await;
        }
    };
    (serving(serve).await.0, cert.pem())
}

async fn answer_all(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    while request(stream).await.is_some() {
        stream.write_all(HELLO.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    }
}

#[tokio::test]
async fn tls_trusts_the_file_that_is_named_and_no_other_name() {
    let (address, pem) = over_tls("auth.example").await;
    let file = Scratch::new("ca");
    file.write(&pem);
    let url = Url::parse(&format!("https://{address}/")).unwrap();
    let with = |ca: Option<String>, name: Option<&str>| {
        let access = Access { ca, server_name: name.map(str::to_owned), ..Access::default() };
        Client::new(&access, Path::new("/"), &Network::default())
    };
    let right = with(Some(file.path()), Some("auth.example"));
    let phases = right.get(&url, LONG, 5).await.unwrap().phases;
    assert!(phases.tls.is_some(), "{phases:?}");
    let (wrong, why) = trouble(&with(Some(file.path()), None), &url, LONG).await;
    assert_eq!(wrong, Trouble::Tls, "{why}");
    let (unknown, why) = trouble(&with(None, Some("auth.example")), &url, LONG).await;
    // Where the machine trusts nobody, that is our trouble.
    assert!(matches!(unknown, Trouble::Tls | Trouble::Ours), "{why}");
    let plain = saying(HELLO).await.0;
    let url = Url::parse(&format!("https://{plain}/")).unwrap();
    assert_eq!(trouble(&right, &url, SHORT).await.0, Trouble::Timeout, "it waits for a line's end");
    assert_eq!(trouble(&with(Some("/nonexistent".to_owned()), None), &url, LONG).await.0, Trouble::Ours);
}

#[tokio::test]
async fn lookups_of_one_name_are_made_once_at_a_time() {
    let names = Names::default();
    let (one, other) = tokio::join!(names.addresses("localhost"), names.addresses("localhost"));
    assert!(Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
}
