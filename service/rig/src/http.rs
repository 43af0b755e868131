//! A client of HTTP/1.1 with one connection and one limit, on blocking sockets: what it costs is small
//! beside what it measures. It never sends a request twice, so that its caller knows what was asked.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    method: &'static str,
    path: String,
    kind: &'static str,
    body: String,
    bearer: Option<String>,
}

impl Request {
    /// A `GET`.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self { method: "GET", path: path.to_owned(), kind: "", body: String::new(), bearer: None }
    }

    /// A `POST` of JSON.
    #[must_use]
    pub fn json(path: &str, body: &serde_json::Value) -> Self {
        let kind = "application/json";
        Self { method: "POST", path: path.to_owned(), kind, body: body.to_string(), bearer: None }
    }

    /// A `POST` of a form, whose values need no escaping: tokens and names of grants.
    #[must_use]
    pub fn form(path: &str, parameters: &[(&str, &str)]) -> Self {
        let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let kind = "application/x-www-form-urlencoded";
        Self { method: "POST", path: path.to_owned(), kind, body: pairs.join("&"), bearer: None }
    }

    /// The same, with a token of its sender.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        Self { bearer: Some(token.to_owned()), ..self }
    }

    fn written(&self, host: SocketAddr) -> String {
        let Self { method, path, kind, body, bearer } = self;
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n");
        if let Some(token) = bearer {
            text += &format!("authorization: Bearer {token}\r\n");
        }
        if !kind.is_empty() {
            text += &format!("content-type: {kind}\r\n");
        }
        text + &format!("content-length: {}\r\n\r\n{body}", body.len())
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// From the request's first byte to the answer's last.
    pub took: Duration,
}

impl Reply {
    /// The body as JSON; `null` where it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A string of the body's object; empty where there is none.
    #[must_use]
    pub fn text(&self, member: &str) -> String {
        self.json()[member].as_str().unwrap_or_default().to_owned()
    }
}

/// A client with a connection that it keeps for as long as it works.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    limit: Duration,
    kept: Option<BufReader<TcpStream>>,
}

impl Client {
    /// A client of an address; each of its requests may take as long as the limit.
    #[must_use]
    pub fn new(address: SocketAddr, limit: Duration) -> Self {
        Self { address, limit, kept: None }
    }

    /// Sends a request and reads the answer. After an error the next request has a new connection.
    pub fn send(&mut self, request: &Request) -> io::Result<Reply> {
        let begun = Instant::now();
        let deadline = begun + self.limit;
        let mut connection = match self.kept.take() {
            Some(kept) => kept,
            None => {
                let stream = TcpStream::connect_timeout(&self.address, self.limit)?;
                stream.set_nodelay(true)?;
                BufReader::with_capacity(4096, stream)
            }
        };
        connection.get_mut().write_all(request.written(self.address).as_bytes())?;
        let (status, body, keep) = answer(&mut connection, deadline)?;
        if keep {
            self.kept = Some(connection);
        }
        Ok(Reply { status, body, took: begun.elapsed() })
    }
}

fn answer(connection: &mut BufReader<TcpStream>, deadline: Instant) -> io::Result<(u16, Vec<u8>, bool)> {
    let first = line(connection, deadline)?;
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no status line: {first}")))?;
    let (mut length, mut keep) = (0, true);
    loop {
        let header = line(connection, deadline)?.to_ascii_lowercase();
        match header.split_once(':') {
            Some(("content-length", value)) => length = value.trim().parse().map_err(io::Error::other)?,
            Some(("connection", value)) if value.trim() == "close" => keep = false,
            Some(("transfer-encoding", _)) => return Err(io::Error::other("an answer of unknown length")),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    patient(connection, deadline)?;
    connection.read_exact(&mut body)?;
    Ok((status, body, keep))
}

fn line(connection: &mut BufReader<TcpStream>, deadline: Instant) -> io::Result<String> {
    let mut text = String::new();
    if !connection.buffer().contains(&b'\n') {
        patient(connection, deadline)?;
    }
    if connection.read_line(&mut text)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(text.trim_end().to_owned())
}

/// Lets the next read take what is left until the deadline.
fn patient(connection: &BufReader<TcpStream>, deadline: Instant) -> io::Result<()> {
    let left = deadline.saturating_duration_since(Instant::now());
    // A limit of zero would be none.
    connection.get_ref().set_read_timeout(Some(left.max(Duration::from_millis(1))))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A server that answers one connection with texts, each after one request's head.
    fn serving(answers: &'static [&'static str]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut connection = BufReader::new(listener.accept().unwrap().0);
            for answer in answers {
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    connection.read_line(&mut head).unwrap();
                }
                connection.get_mut().write_all(answer.as_bytes()).unwrap();
            }
            // Open until the client leaves.
            let _ = connection.read(&mut [0]);
        });
        address
    }

    #[test]
    fn a_connection_is_kept_from_answer_to_answer() {
        let two = &[
            "HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{\"a\":\"b\"}",
            "HTTP/1.1 204 No Content\r\n\r\n",
        ];
        let mut client = Client::new(serving(two), Duration::from_secs(5));
        let first = client.send(&Request::get("/")).unwrap();
        assert_eq!((first.status, first.text("a")), (201, "b".to_owned()));
        assert_eq!(client.send(&Request::get("/")).unwrap().status, 204);
    }

    #[test]
    fn an_answer_that_does_not_come_is_not_waited_for_beyond_the_limit() {
        let mut client = Client::new(serving(&["HTTP/1.1 200 OK\r\n"]), Duration::from_millis(50));
        let error = client.send(&Request::get("/")).unwrap_err();
        assert!(matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut));
    }

    #[test]
    fn a_connection_that_ends_is_an_error() {
        let mut client = Client::new(serving(&[]), Duration::from_millis(50));
        assert!(client.send(&Request::get("/")).is_err());
    }
}
