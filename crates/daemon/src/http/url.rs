//! Where a request goes.

use std::fmt;

use hyper::Uri;
use hyper::header::HeaderValue;
use hyper::http::uri::{PathAndQuery, Scheme};

/// A URL that has been understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Over TLS.
    pub(super) secure: bool,
    /// A name or an address; an IPv6 address without its brackets.
    pub(super) host: Box<str>,
    pub(super) port: u16,
    /// What the request line carries: path and query.
    pub(super) target: Uri,
    /// What the `Host` header says.
    pub(super) authority: HeaderValue,
}

impl Url {
    /// Understands a URL with the scheme "http" or "https".
    ///
    /// # Errors
    ///
    /// Says what is wrong with it. Shows nothing of it: webhooks carry secrets in their paths.
    pub fn parse(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|_| "is no URL".to_owned())?;
        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err("begins with neither http:// nor https://".to_owned()),
        };
        let authority = uri.authority().ok_or("names no host")?;
        if authority.as_str().contains('@') {
            return Err("carries a user or a password: name a file with it under `basic`".to_owned());
        }
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err("names no host".to_owned());
        }
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            // A colon without a number that fits: "host:" or "host:99999".
            None if authority.as_str().len() > authority.host().len() => {
                return Err("names no port that can be".to_owned());
            }
            None if secure => 443,
            None => 80,
        };
        let target = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Self {
            secure,
            host: host.into(),
            port,
            target: target.parse().map_err(|_| "is no URL".to_owned())?,
            authority: HeaderValue::from_str(authority.as_str())
                .map_err(|_| "names a host that no header can carry".to_owned())?,
        })
    }

    /// Scheme, host and port: what a connection can be shared by.
    pub(super) fn origin(&self) -> Origin {
        Origin { secure: self.secure, host: self.host.clone(), port: self.port }
    }

    /// The path, without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.path()
    }

    /// Host and port, as people write them.
    #[must_use]
    pub fn address(&self) -> String {
        address(&self.host, self.port)
    }
}

/// Scheme, host and port alone: the rest may be a secret.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.address())
    }
}

/// What a connection leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    secure: bool,
    host: Box<str>,
    port: u16,
}

fn address(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let url = Url::parse("https://auth.example:8443/metrics?name=up").unwrap();
        assert_eq!((url.secure, &*url.host, url.port), (true, "auth.example", 8443));
        assert_eq!(url.target.to_string(), "/metrics?name=up");
        assert_eq!(url.to_string(), "https://auth.example:8443");
        assert_eq!(Url::parse("http://auth").unwrap().port, 80);
        assert_eq!(Url::parse("http://auth").unwrap().path(), "/");
        assert_eq!(Url::parse("http://auth?a=b").unwrap().target.to_string(), "/?a=b");
        let six = Url::parse("http://[::1]:9090/m").unwrap();
        assert_eq!((&*six.host, six.address().as_str()), ("::1", "[::1]:9090"));
    }

    #[test]
    fn what_is_no_url_of_ours_is_refused_without_being_shown() {
        for text in ["ftp://secret/", "secret", "http://", "http://u:secret@host/", "http://secret:99999/"] {
            let why = Url::parse(text).unwrap_err();
            assert!(!why.contains("secret"), "{text}: {why}");
        }
    }
}
