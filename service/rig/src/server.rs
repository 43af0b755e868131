//! A server of HTTP/1.1 for a run: what others scrape, and where they send their notices. A thread for
//! each connection, which costs little at a request a second.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// What a thread of a connection needs; far more than what it uses.
const STACK: usize = 128 * 1024;

/// What was asked.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// The path, with its query.
    pub path: String,
    /// The body.
    pub body: Vec<u8>,
}

/// How it is answered.
pub enum Answer {
    /// By a status and a text.
    Text(u16, String),
    /// By whatever is written to the connection, which ends with it.
    Raw(Writes),
}

/// Writes to a connection as it likes.
pub type Writes = Box<dyn FnOnce(&mut TcpStream) -> io::Result<()>>;

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(status, text) => write!(f, "{status} {text}"),
            Self::Raw(_) => f.write_str("raw"),
        }
    }
}

/// A server that answers until it is dropped; then its connections end, too.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Server {
    /// Listens on an address and answers with a function.
    pub fn start(
        address: SocketAddr,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let answer = Arc::new(answer);
        let accepting = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || {
                for connection in listener.incoming() {
                    if shared.stopped.load(Ordering::Relaxed) {
                        break;
                    }
                    let Ok(connection) = connection else { continue };
                    let (shared, answer) = (Arc::clone(&shared), Arc::clone(&answer));
                    // Where no thread is left, the connection is closed: its client notices.
                    let _ = Builder::new().stack_size(STACK).spawn(move || {
                        shared.keep(&connection);
                        let _ = serve(connection, &*answer);
                    });
                }
            })
        };
        Ok(Self { address, shared, accepting: Some(accepting) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Shared {
    /// Remembers a connection, so that it can be ended; forgets those that have.
    fn keep(&self, connection: &TcpStream) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|kept| kept.peer_addr().is_ok());
        open.extend(connection.try_clone());
        if self.stopped.load(Ordering::Relaxed) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        for connection in self.shared.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

fn serve(connection: TcpStream, answer: &(impl Fn(&Asked) -> Answer + ?Sized)) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(4096, connection);
    while let Some(asked) = asked(&mut reader)? {
        match answer(&asked) {
            Answer::Text(status, text) => {
                let head = format!(
                    "HTTP/1.1 {status} -\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\n\r\n",
                    text.len()
                );
                reader.get_mut().write_all((head + &text).as_bytes())?;
            }
            Answer::Raw(write) => {
                write(reader.get_mut())?;
                return reader.get_ref().shutdown(Shutdown::Both);
            }
        }
    }
    Ok(())
}

/// The next request of a connection; nothing where it ends.
fn asked(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Asked>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut length = 0;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 || header.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Asked { method, path, body }))
}

/// Writes something again and again, with pauses, until its reader has gone or the limit is over.
pub fn drip(stream: &mut TcpStream, bytes: &[u8], pause: Duration, limit: Duration) -> io::Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        stream.write_all(bytes)?;
        std::thread::sleep(pause);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Client, Request};
    use crate::scratch::free_address;

    #[test]
    fn a_connection_is_answered_again_and_again_until_the_server_is_dropped() {
        let server = Server::start(free_address().unwrap(), |asked| {
            Answer::Text(201, format!("{} {} {}", asked.method, asked.path, asked.body.len()))
        });
        let server = server.unwrap();
        let mut client = Client::new(server.address(), Duration::from_secs(5));
        let reply = client.send(&Request::get("/a")).unwrap();
        assert_eq!((reply.status, reply.body.as_slice()), (201, b"GET /a 0".as_slice()));
        let reply = client.send(&Request::json("/b", &serde_json::json!([1]))).unwrap();
        assert_eq!(reply.body, b"POST /b 3");
        drop(server);
        assert!(client.send(&Request::get("/a")).is_err());
    }
}
